"""The verbs on the standards: list, show, diff, check, departures and reconcile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_toolkit.cli_complete import complete_crosswalk, complete_item, complete_version
from survey_toolkit.cli_manners import print_json
from survey_toolkit.errors import HarmonizationError, SurveyToolkitError

if TYPE_CHECKING:
    from survey_toolkit.microdata import Microdata, Reconciliation
    from survey_toolkit.standards import Registry

__all__ = ["standards_app"]

standards_app = typer.Typer(
    help="List, show, compare and check the harmonized definitions.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Standards = Annotated[
    Path | None,
    typer.Option("--standards", help="A folder of national standards instead of the shipped one."),
]
Language = Annotated[
    str, typer.Option("--lang", help="Language of the texts; what is not translated stays English.")
]


@standards_app.command("list")
def standards_list(standards: Standards = None, as_json: AsJson = False) -> None:
    """List definitions with their versions, criteria lists and indicators.

    Example: `survey-toolkit standards list`
    """
    from survey_toolkit.dissemination.terminal import print_registry, registry_rows
    from survey_toolkit.standards import load

    registry = load(standards)
    if as_json:
        print_json(registry_rows(registry))
    else:
        print_registry(registry)


@standards_app.command("show")
def standards_show(
    item: Annotated[
        str,
        typer.Argument(help="An id, e.g. forced_labour or child_labour@mics6.", autocompletion=complete_item),
    ],
    standards: Standards = None,
    lang: Language = "en",
) -> None:
    """Print a definition as a lawyer reads it: text, criteria, rule, sources with paragraph.

    Example: `survey-toolkit standards show forced_labour`
    """
    from survey_toolkit.standards import load, show

    registry = load(standards)
    _note_language(registry, lang)
    typer.echo(show(registry, item, language=lang))


def _languages(data: Any) -> set[str]:
    """Codes beside ``en`` wherever a text is given by language."""
    if isinstance(data, dict):
        found = set(data) if "en" in data and all(isinstance(v, str) for v in data.values()) else set()
        return found.union(*(_languages(value) for value in data.values()))
    return set().union(*(_languages(value) for value in data)) if isinstance(data, list | tuple) else set()


def _note_language(registry: Registry, lang: str) -> None:
    """Say so where nothing at all is written in the language."""
    kinds = (registry.definitions, registry.criteria_lists, registry.variables, registry.codelists)
    there = {"en"}.union(*(_languages(item.model_dump()) for kind in kinds for item in kind.values()))
    if lang not in there:
        typer.echo(
            f"note: no text is in '{lang}'; English stands in (there is {', '.join(sorted(there))})", err=True
        )


@standards_app.command("diff")
def standards_diff(
    first: Annotated[str, typer.Argument(help="definition@version", autocompletion=complete_version)],
    second: Annotated[str, typer.Argument(help="definition@version", autocompletion=complete_version)],
    standards: Standards = None,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Show what changed between two versions of a definition.

    Example: `survey-toolkit standards diff child_labour@mics6 child_labour@sdg-2021`
    """
    from survey_toolkit.standards import diff, load

    registry = load(standards)
    _note_language(registry, lang)
    found = diff(registry, first, second, language=lang)
    if as_json:
        rows = [{"where": c.where, "before": c.before, "after": c.after} for c in found.changes]
        print_json({"first": found.first, "second": found.second, "changes": rows})
    else:
        typer.echo(str(found))


@standards_app.command("check")
def standards_check(
    standards: Annotated[
        Path | None, typer.Argument(help="A folder of standards; default: the shipped one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every file of the standards and report all problems with file and line.

    Example: `survey-toolkit standards check`
    """
    from survey_toolkit.standards import check

    problems = check(standards)
    if as_json:
        print_json([asdict(problem) for problem in problems])
    else:
        for problem in problems:
            typer.echo(str(problem))
        typer.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
    if problems:
        raise typer.Exit(1)


@standards_app.command("departures")
def standards_departures(
    standards: Annotated[Path, typer.Argument(help="A folder with national.yaml.")], as_json: AsJson = False
) -> None:
    """Name each place where national standards depart from the international ones.

    Example: `survey-toolkit standards departures national/`
    """
    from survey_toolkit.standards import departures, load

    found = departures(load(standards))
    if as_json:
        rows = [{"item": d.item, "base": d.base, "changes": d.lines()} for d in found]
        print_json(rows)
        return
    typer.echo("\n\n".join(map(str, found)) or "no departure from the international standards")


@standards_app.command("reconcile")
def standards_reconcile(
    file: Annotated[Path, typer.Argument(help="Persons: a harmonized file, or any file with --crosswalk.")],
    first: Annotated[str, typer.Argument(help="definition@version", autocompletion=complete_version)],
    second: Annotated[str, typer.Argument(help="definition@version", autocompletion=complete_version)],
    crosswalk: Annotated[
        str | None, typer.Option(help="Crosswalk: a file or a shipped id.", autocompletion=complete_crosswalk)
    ] = None,
    level: Annotated[str, typer.Option(help="Level of the persons in the crosswalk.")] = "person",
    rows: Annotated[
        list[str] | None, typer.Option(help="Rows of jobs, episodes or unions: job=jobs.sav; repeatable.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help="Person key, for rows; repeatable.")] = None,
    output: Annotated[str | None, typer.Option(help="Status; default all that both versions give.")] = None,
    weight: Annotated[str | None, typer.Option(help="Weight column.")] = None,
    strata: Annotated[str | None, typer.Option(help="Stratum column, for a standard error.")] = None,
    psu: Annotated[str | None, typer.Option(help="Primary sampling unit column.")] = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Take variables the data lack as unknown instead of refusing.")
    ] = False,
    standards: Standards = None,
    as_json: AsJson = False,
) -> None:
    """Classify one data set under two versions: who moved, why, and the effect on the rate.

    Groups of fewer than 5 people are shown without numbers, and so is what they could be worked out from:
    other groups, bounds, or a rate with the difference. Example: `survey-toolkit standards reconcile fs.sav
    child_labour@mics6 child_labour@sdg-2021 --crosswalk mics6_child_5_17 --weight fsweight`
    """
    from survey_toolkit.estimation import SurveyDesign
    from survey_toolkit.microdata import reconcile, reconciled_together
    from survey_toolkit.standards import load

    registry = load(standards)
    data = _read(file, crosswalk, level, registry)
    if key:
        data = data.replace(keys=tuple(key))
    episodes = {
        name: _read(path, crosswalk, name, registry) for name, path in _named_files(rows or []).items()
    }
    design = None
    if strata or psu:
        design = SurveyDesign(weight=weight, strata=strata, psu=psu, nest=True, lonely_psu="adjust")
    one, two = registry.definition(first), registry.definition(second)
    shared = [o.id for o in one.outputs if two.output(o.id) is not None]
    found = _every(
        [output] if output or not shared else shared,
        lambda name: reconcile(
            data, first, second, output=name, weight=weight, design=design, episodes=episodes,
            missing_criteria="unknown" if unknown else "error", registry=registry,
        ),
    )  # fmt: skip
    shown = reconciled_together(found)
    if as_json:
        print_json([r.to_dict() for r in shown])
    else:
        typer.echo("\n\n".join(map(str, shown)))


def _every(names: Sequence[str | None], one: Callable[[str | None], Reconciliation]) -> list[Reconciliation]:
    """Each status; one that this survey cannot measure is noted and must not hide the others."""
    found: list[Reconciliation] = []
    for name in names:
        try:
            found.append(one(name))
        except HarmonizationError as exc:
            if exc.code != "not-classified" or (name == names[-1] and not found):
                raise
            typer.echo(f"note: {exc.what}: {exc.found}", err=True)
    return found


def _named_files(given: list[str]) -> dict[str, Path]:
    """``job=jobs.sav`` as a mapping."""
    out = {}
    for item in given:
        name, _, path = item.partition("=")
        if not name or not path:
            raise SurveyToolkitError(
                "rows are given as NAME=FILE", where="--rows", found=item, hint="--rows job=jobs.sav"
            )
        out[name] = Path(path)
    return out


def _read(file: Path, crosswalk: str | None, level: str, registry: Registry) -> Microdata:
    from survey_toolkit.microdata import harmonize, load_crosswalk, read_microdata

    data = read_microdata(file)
    if crosswalk is None:
        return data
    walk = load_crosswalk(crosswalk, registry=registry)
    return harmonize(data, walk, level=level if level in walk.levels else None)
