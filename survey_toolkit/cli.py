"""The command line: thin, one verb a stage. Errors are one message and an exit code, never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_toolkit.cli_files import crosswalk_app, files_app
from survey_toolkit.cli_hidden import hidden_app
from survey_toolkit.cli_instruments import instruments_app
from survey_toolkit.cli_manners import Verbs, print_json, run_verbs, set_both
from survey_toolkit.cli_monitor import monitor_app
from survey_toolkit.cli_new import new_app
from survey_toolkit.cli_progress import busy, progress
from survey_toolkit.cli_publish import publish_app
from survey_toolkit.cli_sample import sample_app
from survey_toolkit.cli_sbom import sbom_app
from survey_toolkit.cli_standards import standards_app
from survey_toolkit.cli_validate import validate_app

if TYPE_CHECKING:
    from survey_toolkit.study import StudyRun

__all__ = ["app", "main"]

app = typer.Typer(
    name="survey-toolkit",
    cls=Verbs,
    help="Statistics of modern slavery: from definitions and survey files to publishable figures.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(standards_app, name="standards")
app.add_typer(instruments_app, name="instrument")
app.add_typer(files_app)
app.add_typer(validate_app)
app.add_typer(new_app)
app.add_typer(publish_app)
app.add_typer(crosswalk_app, name="crosswalk")
app.add_typer(hidden_app, name="hidden")
app.add_typer(monitor_app, name="monitor")
app.add_typer(sample_app, name="sample")
app.add_typer(sbom_app)

Out = Annotated[Path, typer.Option("--out", help="Folder for what is written; nothing is written elsewhere.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
AllowOutside = Annotated[
    bool, typer.Option("--allow-outside", help="Let paths of the study leave the study's folder.")
]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Look for data files in this folder too.")]
Standards = Annotated[
    Path | None,
    typer.Option("--standards", help="A folder of national standards instead of the shipped one."),
]


def _version(asked: bool) -> None:
    if asked:
        from survey_toolkit import __version__

        typer.echo(f"survey-toolkit {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; results and errors only.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for each step, with time.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    set_both(quiet, verbose)


def main() -> None:
    """Run the command line; exit code 0 done, 1 a problem in the input, 2 wrong use or an internal error."""
    run_verbs(app)


def _publish(run: StudyRun, out: Path, as_json: bool) -> None:
    from survey_toolkit.dissemination.terminal import print_run

    folder = run.report(out / run.id)
    if as_json:
        print_json({"study": run.id, "out": str(folder), "figures": [f.to_dict() for f in run.figures]})
    else:
        print_run(run.figures, title=run.title, folder=folder)


@app.command()
def demo(
    out: Out = Path("out"),
    seed: Annotated[int, typer.Option(help="Seed of the simulated country.")] = 2024,
    as_json: AsJson = False,
) -> None:
    """Run the two shipped studies: the United Kingdom 2013, and a simulated country with known truth.

    Example: `survey-toolkit demo --out out`
    """
    from survey_toolkit.errors import shell_word
    from survey_toolkit.study import Study, prepare_demo

    with progress("demo", quiet=as_json) as tell:
        folders = prepare_demo(out / "studies", seed=seed, progress=tell)
    for folder in folders:
        with progress(folder.name, quiet=as_json) as tell:
            run = Study.load(folder / "study.yaml").run(progress=tell)
        _publish(run, out, as_json)
    if not as_json:
        typer.echo(
            f"\nWalk a figure back:  survey-toolkit explain 8.7.1/XSC/2024/F/5-11 --out {shell_word(out)}"
        )


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="The study file (YAML).")],
    out: Out = Path("out"),
    data: DataFolder = None,
    standards: Standards = None,
    allow_outside: AllowOutside = False,
    as_json: AsJson = False,
) -> None:
    """Run a study file: read, harmonize, classify, estimate, protect, publish.

    Example: `survey-toolkit run study.yaml --out out`
    """
    from survey_toolkit.study import Study

    with progress(study.stem, quiet=as_json) as tell:
        loaded = Study.load(study, data_folder=data, standards=standards, allow_outside=allow_outside)
        result = loaded.run(progress=tell)
    _publish(result, out, as_json)


@app.command()
def explain(
    figure: Annotated[
        str, typer.Argument(help="Figure id, e.g. 8.7.1/KHM/2024/F/5-11; parts may be left out at the end.")
    ],
    out: Out = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Walk a published figure back: estimator, design, variables, rules, definition, source paragraph.

    Reads the `figures.json` that a run wrote. Example: `survey-toolkit explain 16.2.2/GBR/2013`
    """
    from survey_toolkit.indicators import explain as explain_figure
    from survey_toolkit.study import published_figures

    chosen = published_figures(out).match(figure)
    if as_json:
        print_json([f.to_dict() for f in chosen])
        return
    typer.echo("\n\n".join(explain_figure(f) for f in chosen))


@app.command()
def estimate(
    file: Annotated[Path, typer.Argument(help="A data file; Parquet and CSV are never loaded whole.")],
    variable: Annotated[str, typer.Argument(help="A 0/1, yes/no, coded or numeric column.")],
    weight: Annotated[str, typer.Option(help="Weight column.")],
    statistic: Annotated[str, typer.Option(help="proportion, mean or total")] = "proportion",
    strata: Annotated[str | None, typer.Option(help="Stratum column.")] = None,
    psu: Annotated[str | None, typer.Option(help="Primary sampling unit column.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Domain column; may be repeated.")] = None,
    nest: Annotated[bool, typer.Option("--nest", help="PSU codes repeat across strata.")] = False,
    lonely_psu: Annotated[str, typer.Option(help="fail, certainty, remove, adjust or average")] = "fail",
    as_json: AsJson = False,
) -> None:
    """One design-based estimate with its interval, without a study file.

    Example: `survey-toolkit estimate lfs.parquet works --weight w --strata stratum --psu ea --by sex`
    """
    from survey_toolkit.dissemination.terminal import print_estimates
    from survey_toolkit.errors import EstimationError, did_you_mean
    from survey_toolkit.estimation import Survey, SurveyDesign
    from survey_toolkit.microdata import read_metadata, read_microdata, undeclared

    if statistic not in ("proportion", "mean", "total"):
        raise EstimationError(
            "unknown statistic",
            found=statistic,
            expected=did_you_mean(statistic, ("proportion", "mean", "total")),
        )
    design = SurveyDesign(weight=weight, strata=strata, psu=psu, nest=nest, lonely_psu=lonely_psu)  # type: ignore[arg-type]
    with busy("estimating"):
        data: Any = file if file.suffix.lower() in (".parquet", ".csv") else read_microdata(file)
        result = getattr(Survey(data, design), statistic)(variable, by=by or None)
    held = {} if file.suffix.lower() == ".csv" else read_metadata(file).variables
    labels = {name: held[of].value_labels for name in result.domain_names
              if (of := variable if name == "level" else name) in held}  # fmt: skip
    for name in dict.fromkeys((variable, *(by or ()))):
        if name in held and (codes := undeclared(held[name])):
            told = (
                f"{name}: {', '.join(codes)} counted as values: labelled as no answer, not declared missing"
            )
            typer.echo(f"note: {told}; a crosswalk can take them out", err=True)
    if as_json:
        print_json(result.to_frame().to_dict("records"))
        typer.echo("\n".join(f"note: {note}" for note in result.notes), err=True, nl=bool(result.notes))
    else:
        print_estimates(result, labels=labels)


@app.command("population-size")
def population_size(
    file: Annotated[Path, typer.Argument(help="CSV: a 0/1 column for each list and a count.")],
    lists: Annotated[str, typer.Option(help="The list columns, separated by commas.")],
    count: Annotated[str, typer.Option(help="The count column.")] = "count",
    merge: Annotated[list[str] | None, typer.Option(help="NEW=A+B joins lists; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate how many people no list has seen; every method side by side.

    Example: `survey-toolkit population-size lists.csv --lists LA,NG,PF,GO,GP,NCA --merge PFNCA=PF+NCA`
    """
    from survey_toolkit.dissemination.terminal import print_comparison
    from survey_toolkit.multiple_systems import CaptureHistories, compare

    histories = CaptureHistories.from_counts(file, lists=lists.split(","), count=count)
    for item in merge or []:
        name, _, parts = item.partition("=")
        histories = histories.merge({name: parts.split("+")})
    with busy("fitting every method"):
        table = compare(histories)
    if as_json:
        print_json(table.to_frame().to_dict("records"))
    else:
        print_comparison(histories, table)


if __name__ == "__main__":
    main()
