"""The verbs on questionnaires: list, show, check, coverage, build, cells, import and simulate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_toolkit.cli_complete import complete_form
from survey_toolkit.cli_manners import print_json
from survey_toolkit.cli_progress import busy

if TYPE_CHECKING:
    from survey_toolkit.instruments import Finding, Questionnaire

__all__ = ["instruments_app"]

instruments_app = typer.Typer(
    help="Questionnaires: check them, write forms for tablets and paper, simulate answers.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Folder = Annotated[
    Path | None,
    typer.Option("--instruments", help="A folder of instruments of your own, over the shipped one."),
]
Standards = Annotated[
    Path | None,
    typer.Option("--standards", help="A folder of national standards instead of the shipped one."),
]
Name = Annotated[
    str, typer.Argument(help="A questionnaire, e.g. forced_labour_adult.", autocompletion=complete_form)
]
Languages = Annotated[
    str | None,
    typer.Option("--lang", help="Languages, separated by commas; the first is the form's default."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for what is written.")]
#: What stands in a form for texts of a status that wants work.
_SHOWN = {
    "draft": " (used as they stand; let a speaker of the language read them before the field)",
    "stale": " (used as they stand; the English has changed since)",
    "missing": " (English stands in)",
}


def _form(name: str, languages: str | None, folder: Path | None, standards: Path | None) -> Questionnaire:
    from survey_toolkit.instruments import questionnaire
    from survey_toolkit.standards import load

    chosen = [part.strip() for part in languages.split(",") if part.strip()] if languages else None
    return questionnaire(name, chosen, folder=folder, registry=load(standards))


@instruments_app.command("list")
def instrument_list(instruments: Folder = None, as_json: AsJson = False) -> None:
    """List questionnaires and modules.

    Example: `survey-toolkit instrument list`
    """
    from survey_toolkit.instruments import read_catalogue

    found = read_catalogue(instruments)
    forms = [p.model for p in found.questionnaires.values()]
    modules = [p.model for p in found.modules.values()]
    if as_json:
        rows = [
            {"id": f.id, "title": f.title, "modules": [m.module for m in f.modules], "languages": f.languages}
            for f in forms
        ]
        listed = [{"id": m.id, "code": m.code, "title": m.title} for m in modules]
        print_json({"questionnaires": rows, "modules": listed})
        return
    typer.echo("Questionnaires")
    for form in forms:
        typer.echo(f"  {form.id:<24} {form.title}")
    typer.echo("\nModules")
    for module in modules:
        typer.echo(f"  {module.id:<24} {module.code:<3} {module.title}")


@instruments_app.command("show")
def instrument_show(
    name: Name, lang: Languages = None, instruments: Folder = None, standards: Standards = None
) -> None:
    """Print a questionnaire: numbers, texts, codes, and in words when each question is asked.

    Example: `survey-toolkit instrument show marriage --lang fr`
    """
    form = _form(name, lang, instruments, standards)
    language = form.languages[0]
    for step in form.steps():
        sentence = form.sentence(step)
        if step.kind == "module":
            typer.echo(f"\n{form.text(language, step.id, 'title').upper()}")
        elif step.kind != "item" or not step.item.asked:
            continue
        if sentence:
            typer.echo(f"{'  ' * step.depth}[if {sentence}]")
        if step.kind != "item":
            continue
        text = form.text(language, step.used.module.id, f"{step.id}.text")
        typer.echo(f"{'  ' * step.depth}{step.number}. {' '.join(text.split())}  ({step.id})")
        for option in form.options(step.id):
            typer.echo(
                f"{'  ' * step.depth}    {option.code:>3}  {form.text(language, option.file, option.cell)}"
            )


@instruments_app.command("check")
def instrument_check(
    name: Annotated[
        str | None, typer.Argument(help="A questionnaire; default: everything.", autocompletion=complete_form)
    ] = None,
    lang: Languages = None,
    cells: Annotated[bool, typer.Option("--cells", help="Show every gap, cell by cell.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Gaps of translations fail too.")] = False,
    instruments: Folder = None,
    standards: Standards = None,
    as_json: AsJson = False,
) -> None:
    """Report all problems at once with file and line; exit code 1 if there is any error.

    Example: `survey-toolkit instrument check national_survey --lang en,fr --cells`
    """
    from survey_toolkit.instruments import check_folder
    from survey_toolkit.standards import load

    if name is not None:
        found = _form(name, lang, instruments, standards).check()
    else:
        chosen = lang.split(",") if lang else None
        found = check_folder(instruments, languages=chosen, registry=load(standards))
    errors = [f for f in found if f.kind in ("error", "coverage")]
    gaps = [f for f in found if f.kind in ("gap", "stale")]
    if as_json:
        print_json([_as_row(f) for f in found])
    else:
        for finding in [*errors, *(gaps if cells else ())]:
            typer.echo(str(finding))
        stale = sum(f.kind == "stale" for f in gaps)
        said = f"{len(errors)} problem{'' if len(errors) == 1 else 's'}"
        typer.echo(f"{said}; {len(gaps) - stale} texts without translation, {stale} stale")
        if gaps and not cells:
            typer.echo("see them cell by cell with --cells")
    if errors or (strict and gaps):
        raise typer.Exit(1)


def _as_row(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "file": finding.file,
        "line": finding.line,
        "key": finding.key,
        "message": finding.message,
    }


@instruments_app.command("coverage")
def instrument_coverage(
    name: Name, instruments: Folder = None, standards: Standards = None, as_json: AsJson = False
) -> None:
    """Show which question measures which criterion, and what is not measured.

    Example: `survey-toolkit instrument coverage forced_labour_adult`
    """
    form = _form(name, "en", instruments, standards)
    coverage = form.coverage()
    if as_json:
        print_json(coverage.to_frame().to_dict("records"))
    else:
        claim = ""
        for row in coverage.rows:
            if row.claim != claim:
                claim = row.claim
                typer.echo(f"\n{claim}")
            numbers = [form.step(q).number or q for q in row.questions]
            shown = ", ".join(numbers[:8]) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")
            typer.echo(
                f"  {row.id:<30} {shown if row.measured else 'NOT MEASURED: ' + ', '.join(row.missing)}"
            )
        typer.echo(f"\n{len(coverage.sensitive)} sensitive questions; {len(coverage.gaps)} gaps")
        for gap in coverage.gaps:
            typer.echo(f"  {gap}")
    if coverage.gaps:
        raise typer.Exit(1)


@instruments_app.command("build")
def instrument_build(
    name: Name,
    lang: Languages = None,
    formats: Annotated[
        str, typer.Option("--format", help="Any of xlsform, html, docx, ddi, codebook, crosswalk; by commas.")
    ] = "xlsform,crosswalk",
    out: Out = Path("out"),
    instruments: Folder = None,
    standards: Standards = None,
    as_json: AsJson = False,
) -> None:
    """Write a questionnaire: the form for tablets, the paper form, its documentation, its crosswalk.

    Example: `survey-toolkit instrument build national_survey --lang en,fr,km --format xlsform,html -o out`
    """
    from survey_toolkit.errors import InstrumentError
    from survey_toolkit.instruments import language_status
    from survey_toolkit.instruments.validation import validate_xlsform
    from survey_toolkit.instruments.writing import form_files, write_files

    form = _form(name, lang, instruments, standards)
    with busy("building and checking the forms"):
        files = form_files(form, [part.strip() for part in formats.split(",")])
        for target, content in files.items():
            problems = validate_xlsform(content) if target.endswith(".xlsx") else []
            if problems:
                raise InstrumentError(f"'{target}' would not load on tablets", problems=problems)
    written = write_files(files, out)
    if as_json:
        print_json([str(file) for file in written])
        return
    for file in written:
        typer.echo(str(file))
    for language in form.languages:
        counts = language_status(form, language) if language != "en" else {}
        if counts.get("missing") or counts.get("stale") or counts.get("draft"):
            said = ", ".join(f"{n} {status}{_SHOWN.get(status, '')}" for status, n in counts.items() if n)
            typer.echo(f"note: {language}: {said}", err=True)


@instruments_app.command("cells")
def instrument_cells(
    name: Name,
    lang: Annotated[str, typer.Option("--lang", help="The language to translate into.")],
    out: Out = Path("translations"),
    instruments: Folder = None,
) -> None:
    """Write translation files with every text of a questionnaire, what is translated kept.

    Example: `survey-toolkit instrument cells marriage --lang km -o my_instruments/translations`
    """
    from survey_toolkit.instruments.cells import cells_text
    from survey_toolkit.instruments.writing import write_files

    form = _form(name, lang, instruments, None)
    files = ["lists", "questionnaires", *(used.module.id for used in form.modules)]
    texts = {f"{file}.yaml": cells_text(form.catalogue, lang, file).encode() for file in files}
    for path in write_files(texts, out / lang):
        typer.echo(str(path))


@instruments_app.command("import")
def instrument_import(
    file: Annotated[Path, typer.Argument(help="An XLSForm (.xlsx).")],
    claims: Annotated[
        str | None, typer.Option("--claims", help="Definitions it should measure, separated by commas.")
    ] = None,
    bindings: Annotated[
        Path | None, typer.Option("--bindings", help="YAML: question to variable, code to value.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the module file.")] = None,
    standards: Standards = None,
    as_json: AsJson = False,
) -> None:
    """Turn an XLSForm into a module, and say what it fails to measure.

    Example: `survey-toolkit instrument import form.xlsx --claims forced_labour -o mine/modules`
    """
    from survey_toolkit.instruments.importing import import_xlsform
    from survey_toolkit.instruments.writing import write_files
    from survey_toolkit.standards import load

    wanted = [part.strip() for part in claims.split(",")] if claims else []
    made = import_xlsform(file, claims=wanted, bindings=bindings, registry=load(standards))
    if out is not None:
        write_files({f"{made.id}.yaml": made.text.encode()}, out)
    if as_json:
        print_json(made.to_dict())
    else:
        typer.echo(made.report())


@instruments_app.command("simulate")
def instrument_simulate(
    name: Name,
    n: Annotated[int, typer.Option("--n", min=1, help="Number of respondents.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same answers.")] = 1,
    prevalence: Annotated[
        list[str] | None, typer.Option("--prevalence", help="DEFINITION=SHARE; may be repeated.")
    ] = None,
    refused: Annotated[float, typer.Option(min=0, max=1, help="Share of answers refused.")] = 0.0,
    dont_know: Annotated[float, typer.Option(min=0, max=1, help="Share of answers not known.")] = 0.0,
    out: Out = Path("out"),
    instruments: Folder = None,
) -> None:
    """Let simulated respondents fill a form: answers as CSV, with the crosswalk that reads them.

    Example: `survey-toolkit instrument simulate forced_labour_adult --n 500 --prevalence forced_labour=0.1`
    """
    from survey_toolkit.errors import InstrumentError
    from survey_toolkit.instruments.simulate import simulate
    from survey_toolkit.instruments.writing import form_files, write_files

    shares: dict[str, float] = {}
    for entry in prevalence or []:
        definition, _, share = entry.partition("=")
        try:
            shares[definition] = float(share)
        except ValueError:
            shares[definition] = -1.0
        if not 0 <= shares[definition] <= 1:
            raise InstrumentError(
                "a prevalence is DEFINITION=SHARE", where="--prevalence", found=entry,
                expected="a share from 0 to 1", hint="--prevalence forced_labour=0.1",
            )  # fmt: skip
    form = _form(name, "en", instruments, None)
    with busy("asking"):
        answers = simulate(form, n, seed=seed, prevalence=shares, refused=refused, dont_know=dont_know)
    for file in [*answers.write(out), *write_files(form_files(form, ["crosswalk"]), out)]:
        typer.echo(str(file))
    for definition, truth in answers.truth.items():
        inside = [value for value in truth if value is not None]
        typer.echo(f"{definition}: {sum(inside)} of {len(inside)} in the universe are met")
