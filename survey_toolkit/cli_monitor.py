"""The verbs of ``survey-toolkit monitor``: a results framework from its templates to its report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_toolkit.cli_manners import print_json
from survey_toolkit.cli_progress import busy

if TYPE_CHECKING:
    from survey_toolkit.monitoring import Compiled, ImportReport

__all__ = ["monitor_app"]

monitor_app = typer.Typer(
    help="Monitor a results framework: return templates, import, regional compilation, report.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="The monitoring folder.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for what is written; nothing is written elsewhere.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Figures = Annotated[
    list[Path] | None,
    typer.Option("--figures", help="figures.json of a study run, for the SDG annex; may be repeated."),
]


@monitor_app.command("init")
def init(
    folder: Folder,
    framework: Annotated[
        str, typer.Option(help="A shipped framework, or a YAML file of your own.")
    ] = "commit-spa4",
    example: Annotated[
        bool, typer.Option("--example", help="Fill it with six invented country returns.")
    ] = False,
) -> None:
    """Make a monitoring folder.

    Example: `survey-toolkit monitor init commit --framework commit-spa4`
    """
    from survey_toolkit.monitoring import create_example, create_workspace

    with busy("making the folder"):
        made = create_example(folder) if example else create_workspace(folder, framework)
    plan = made.framework
    typer.echo(f"{folder}: {plan.key}, {len(plan.countries)} countries, {len(plan.indicators)} indicators")
    if example:
        typer.echo(f"invented returns are in {folder / 'returns'}")


@monitor_app.command("template")
def template(
    folder: Folder,
    out: Out = Path("out"),
    country: Annotated[
        list[str] | None, typer.Option(help="Country code; default all. May be repeated.")
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="Language; default English. May be repeated.")
    ] = None,
) -> None:
    """Write the workbooks that countries fill in, with what they said before already in them.

    Example: `survey-toolkit monitor template commit --country KHM --language km --out templates`
    """
    from survey_toolkit.monitoring import filled_return, open_workspace
    from survey_toolkit.monitoring.locking import replace_file

    workspace = open_workspace(folder)
    book = workspace.book()
    made = {
        out / f"{workspace.framework.id}_{code}_{lang}.xlsx": filled_return(
            workspace.framework, code, book, lang
        )
        for code in country or workspace.framework.countries
        for lang in language or ["en"]
    }
    for path, data in made.items():
        replace_file(path, data)
        typer.echo(f"written: {path}")


@monitor_app.command("import")
def import_(
    folder: Folder,
    returns: Annotated[list[Path], typer.Argument(help="Returned workbooks, or folders of them.")],
    who: Annotated[str, typer.Option(help="Role or office that imports; no person's name.")] = "secretariat",
    reason: Annotated[str, typer.Option(help="Why values that are on record change.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import country returns and report every doubt by cell; exit code 1 while values are held back.

    Example: `survey-toolkit monitor import commit returns/ --who "regional secretariat"`
    """
    from survey_toolkit.monitoring import import_returns, open_workspace

    with busy("reading the returns"):
        report = import_returns(open_workspace(folder), returns, who=who, reason=reason, dry_run=dry_run)
    if as_json:
        print_json(
            {
                "countries": [asdict(c) for c in report.countries],
                "doubts": [asdict(d) for d in report.doubts],
            }
        )
    else:
        _print_import(report, dry_run)
    if report.held:
        raise typer.Exit(1)


def _print_import(report: ImportReport, dry_run: bool) -> None:
    from rich.markup import escape

    from survey_toolkit.dissemination.terminal import new_console, new_table

    console = new_console()
    table = new_table("Returns", "country", "file", "read", "new", "changed", "change set")
    for item in report.countries:
        number = "only checked" if dry_run else str(item.batch or "nothing new")
        table.add_row(
            item.country, escape(item.file), str(item.n_read), str(item.n_new), str(item.n_changed), number
        )
    console.print(table)
    if report.doubts:
        doubts = new_table("Doubts", "file", "cell", "doubt", "what to know")
        for d in report.doubts:
            found = f" (found {d.found})" if d.found else ""
            mark = "read" if d.taken else "[bold red]held back[/]"
            place = f"{d.sheet}!{d.cell}" if d.cell else d.sheet or "whole file"
            doubts.add_row(escape(d.file), escape(place), f"{d.code}\n{mark}", escape(d.message + found))
        console.print(doubts)
    held, taken = len(report.held), len(report.doubts) - len(report.held)
    console.print(
        f"doubtful values: {taken} read as said above, {held} held back for a person to decide"
        if report.doubts
        else "no doubtful value in these files"
    )


def _compiled(folder: Path, figures: list[Path] | None) -> Compiled:
    from survey_toolkit.indicators import read_figures
    from survey_toolkit.monitoring import compile_workspace, open_workspace

    found = [f for path in figures or () for f in read_figures(path)]
    with busy("compiling and protecting the tables"):
        return compile_workspace(open_workspace(folder), figures=found)


@monitor_app.command("compile")
def compile_(
    folder: Folder, out: Out = Path("out"), figures: Figures = None, as_json: AsJson = False
) -> None:
    """Compile the region: protected tables, totals with coverage, ratings, mirror check, as CSV.

    Example: `survey-toolkit monitor compile commit --out out`
    """
    from survey_toolkit.monitoring import write_compilation

    done = _compiled(folder, figures)
    files = write_compilation(done, out)
    if as_json:
        print_json({"files": [str(f) for f in files], "suppressed": done.n_hidden})
        return
    for item in done.framework.indicators:
        for year in done.framework.years:
            total = done.totals[item.id, year, "total"]
            if total.n_reporting:
                shown = (
                    "suppressed"
                    if total.suppressed
                    else "–"
                    if total.value is None
                    else f"{total.value:,.0f}"
                )
                typer.echo(f"{item.id:16} {year}  {shown:>12}  {total.coverage}  {total.reason}".rstrip())
    typer.echo(f"{done.n_hidden} cells suppressed to protect people")
    for path in files:
        typer.echo(f"written: {path}")


@monitor_app.command("report")
def report(folder: Folder, out: Out = Path("out"), figures: Figures = None) -> None:
    """Write the progress report: one HTML file that needs no network, and the same tables as XLSX.

    Example: `survey-toolkit monitor report commit --out out --figures study/figures.json`
    """
    from survey_toolkit.monitoring import write_report

    for path in write_report(_compiled(folder, figures), out):
        typer.echo(f"written: {path}")


@monitor_app.command("query")
def query(
    folder: Folder,
    sql: Annotated[
        str, typer.Argument(help="SQL over: selection baseline marker actual source narrative event")
    ],
    as_json: AsJson = False,
) -> None:
    """Ask the records in SQL. What comes out is not protected: it is for the office, not for publication.

    Example: `survey-toolkit monitor query commit "select country, year, value from actual"`
    """
    from rich.markup import escape

    from survey_toolkit.dissemination.terminal import new_console, new_table
    from survey_toolkit.monitoring import open_workspace

    names, rows = open_workspace(folder).query(sql)
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = new_table("", *map(escape, names))
    for row in rows:
        table.add_row(*("" if v is None else escape(str(v)) for v in row))
    new_console().print(table)


@monitor_app.command("verify")
def verify(folder: Folder) -> None:
    """Check that the log is whole and unaltered; exit code 1 if not.

    Example: `survey-toolkit monitor verify commit`
    """
    from survey_toolkit.monitoring import open_workspace

    workspace = open_workspace(folder)
    problems = workspace.verify()
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(workspace.batches())} change sets, none missing, none altered")
