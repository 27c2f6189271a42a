"""The verbs of the command line that take one data file: inspect, check, harmonize, and crosswalks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_toolkit.cli_complete import complete_crosswalk
from survey_toolkit.cli_manners import keep_input, print_json, write_text
from survey_toolkit.cli_progress import busy
from survey_toolkit.errors import HarmonizationError

if TYPE_CHECKING:
    from survey_toolkit.microdata import Microdata, TableSet

__all__ = ["crosswalk_app", "files_app"]

files_app = typer.Typer()
crosswalk_app = typer.Typer(help="Draft crosswalks and compare their audits.", no_args_is_help=True)

Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Of its texts, where the file does not say or says it wrong.")
]
Layout = Annotated[Path | None, typer.Option("--layout", help="CSPro dictionary (.dcf) of fixed-width data.")]
Catalog = Annotated[
    Path | None, typer.Option("--catalog", help="The .sas7bcat with the labels of a .sas7bdat.")
]
Table = Annotated[
    str | None, typer.Option("--table", help="Sheet of a workbook, record of a dictionary, file of a .zip.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@files_app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A data file, or an export of several tables (.zip, .xlsx).")],
    html: Annotated[Path | None, typer.Option("--html", help="Write the codebook as a page.")] = None,
    strip_identifiers: Annotated[
        Path | None, typer.Option("--strip-identifiers", help="Write the file without names, phones, GPS …")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="A further column to remove; may be repeated.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="A column to leave, although recognised.")
    ] = None,
    encoding: Encoding = None,
    layout: Layout = None,
    catalog: Catalog = None,
    table: Table = None,
    as_json: AsJson = False,
) -> None:
    """Lay a file open: codebook, columns that name a person, guesses of the design, what looks wrong.

    Counts below 5 are not shown. Of an export with several tables, each is shown, and each is written
    under its name: `out.csv` becomes `out_members.csv`. Example: `survey-toolkit inspect person.sav --html
    codebook.html`
    """
    from survey_toolkit.dissemination.terminal_files import print_inspection, print_links
    from survey_toolkit.microdata import inspect_data, inspections_page

    keep_input(file, html, strip_identifiers)
    with busy("reading and counting"):
        tables = _tables(file, encoding=encoding, layout=layout, catalog=catalog, table=table)
        seen = {name: inspect_data(data) for name, data in tables.tables.items()}
    if as_json:
        links = [{"child": k.child, "parent": k.parent, "on": list(k.on)} for k in tables.links]
        all_ = {"tables": {name: one.to_dict() for name, one in seen.items()}, "links": links}
        print_json(next(iter(seen.values())).to_dict() if len(seen) == 1 else all_)
    else:
        for one in seen.values():
            print_inspection(one)
        print_links(tables)
    if html is not None:
        write_text(html, inspections_page(file.name, list(seen.values()), tables.links))
    if strip_identifiers is not None:
        _write_stripped(tables, strip_identifiers, also or (), keep or (), quiet=as_json)


def _tables(
    file: Path, *, encoding: str | None, layout: Path | None, catalog: Path | None, table: str | None
) -> TableSet:
    """Every table of the file, or the one asked for."""
    from survey_toolkit.microdata import TableSet, read_microdata, read_tables

    several = file.suffix.lower() in (".zip", ".xlsx") or layout is not None
    if several and (table is None or file.suffix.lower() == ".zip"):
        found = read_tables(file, encoding=encoding, layout=layout)
        return found if table is None else TableSet(tables={table: found[table]})
    data = read_microdata(file, encoding=encoding, layout=layout, catalog=catalog, table=table)
    return TableSet(tables={table or file.stem: data})


def _one(
    file: Path, *, encoding: str | None, layout: Path | None, catalog: Path | None, table: str | None
) -> Microdata:
    """The table of a file that has one, or the one asked for."""
    from survey_toolkit.errors import DataFileError

    found = _tables(file, encoding=encoding, layout=layout, catalog=catalog, table=table)
    if len(found) > 1:
        raise DataFileError(
            "the file holds several tables",
            where=file.name,
            expected=", ".join(found)[:300],
            hint=f"choose one: --table '{next(iter(found))}'",
            code="several-tables",
        )
    return next(iter(found.tables.values()))


def _write_stripped(
    tables: TableSet, out: Path, also: Sequence[str], keep: Sequence[str], *, quiet: bool
) -> None:
    from survey_toolkit.errors import DataFileError, did_you_mean
    from survey_toolkit.microdata import write_microdata

    known = {c for data in tables.tables.values() for c in data.variables}
    for name in (*also, *keep):
        if name not in known:
            raise DataFileError("no such column", found=f"'{name}'", expected=did_you_mean(name, known))
    bare = tables.without_identifiers(also=also, keep=keep)
    for name, data in bare.tables.items():
        named = re.sub(r"[^\w.-]+", "_", name)
        target = out if len(bare) == 1 else out.with_name(f"{out.stem}_{named}{out.suffix}")
        gone = len(tables[name].variables) - len(data.variables)
        typer.echo(f"written without {gone} columns: {write_microdata(data, target)}", err=quiet)


@files_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The data file.")],
    weight: Annotated[str | None, typer.Option(help="Weight column.")] = None,
    strata: Annotated[str | None, typer.Option(help="Stratum column.")] = None,
    psu: Annotated[str | None, typer.Option(help="Primary sampling unit column.")] = None,
    nest: Annotated[bool, typer.Option("--nest", help="PSU codes repeat across strata.")] = False,
    key: Annotated[list[str] | None, typer.Option(help="Key column; may be repeated.")] = None,
    population: Annotated[float | None, typer.Option(help="What the weights should sum to.")] = None,
    age: Annotated[str | None, typer.Option(help="Column of age in years.")] = None,
    hours: Annotated[list[str] | None, typer.Option(help="Column of weekly hours; may be repeated.")] = None,
    interviewer: Annotated[str | None, typer.Option(help="Interviewer column.")] = None,
    area: Annotated[str | None, typer.Option(help="Area column.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="With --json: the numbers of the rows concerned.")
    ] = False,
    encoding: Encoding = None,
    layout: Layout = None,
    catalog: Catalog = None,
    table: Table = None,
    as_json: AsJson = False,
) -> None:
    """Check a file before estimation; exit code 1 if there are errors, 0 if there are flags at most.

    Example: `survey-toolkit check person.sav --weight w --strata stratum --psu ea --key hh --key line`
    """
    from survey_toolkit.dissemination.terminal_files import print_checks
    from survey_toolkit.estimation import SurveyDesign
    from survey_toolkit.microdata import check_data

    design = SurveyDesign(weight=weight, strata=strata, psu=psu, nest=nest) if weight else None
    keep_input(file, html)
    with busy("reading and checking"):
        report = check_data(
            _one(file, encoding=encoding, layout=layout, catalog=catalog, table=table),
            design=design, keys=key or (), population=population, age=age,
            hours=hours or (), interviewer=interviewer, area=area,
        )  # fmt: skip
    if as_json:
        typer.echo(report.to_json(rows=rows))
    else:
        print_checks(report)
    if html is not None:
        write_text(html, report.to_html())
    if report.errors:
        raise typer.Exit(1)


@files_app.command()
def harmonize(
    file: Annotated[Path, typer.Argument(help="The data file.")],
    crosswalk: Annotated[
        str,
        typer.Argument(
            help="A crosswalk file, or the id of a shipped one.", autocompletion=complete_crosswalk
        ),
    ],
    target: Annotated[Path, typer.Argument(help="Where to write: .parquet .sav .dta or .csv")],
    level: Annotated[str | None, typer.Option(help="Level of the crosswalk, if it has several.")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Write the audit: .html to read, .json to compare.")
    ] = None,
    cross_tabulate: Annotated[
        list[str] | None,
        typer.Option(help="Target whose sources and result are cross-tabulated in the .html audit."),
    ] = None,
    codebook: Annotated[
        Path | None, typer.Option(help="Write a DDI codebook (.xml) of the harmonized data.")
    ] = None,
    encoding: Encoding = None,
    layout: Layout = None,
    catalog: Catalog = None,
    table: Table = None,
    as_json: AsJson = False,
) -> None:
    """Harmonize one file with a crosswalk and print the audit.

    Example: `survey-toolkit harmonize person.sav my_crosswalk.yaml person_harmonized.parquet`
    """
    from survey_toolkit.dissemination.terminal import audit_rows, print_audit
    from survey_toolkit.microdata import audit_dict, audit_html, before_after, ddi_codebook, write_microdata
    from survey_toolkit.microdata import harmonize as harmonize_data

    keep_input(file, target, audit, codebook)
    if audit is not None and audit.suffix.lower() not in (".html", ".htm", ".json"):
        raise HarmonizationError(
            "an audit cannot be written so", where="--audit", found=audit.name, expected=".html or .json"
        )
    with busy("harmonizing"):
        raw = _one(file, encoding=encoding, layout=layout, catalog=catalog, table=table)
        result = harmonize_data(raw, crosswalk, level=level)
        crossed = {name: before_after(raw, crosswalk, name, level=level) for name in cross_tabulate or ()}
        target.parent.mkdir(parents=True, exist_ok=True)
        write_microdata(result, target)
    if codebook is not None:
        write_text(codebook, ddi_codebook(result))
    if audit is not None:
        as_data = audit.suffix.lower() == ".json"
        page = (
            json.dumps(audit_dict(result), indent=1)
            if as_data
            else audit_html(result, cross_tabulations=crossed)
        )
        write_text(audit, page)
    if as_json:
        print_json(audit_rows(result))
    else:
        print_audit(result)
        typer.echo(f"written: {target}")


@crosswalk_app.command("draft")
def crosswalk_draft(
    file: Annotated[Path, typer.Argument(help="The data file.")],
    level: Annotated[str, typer.Option(help="What a row is: person, household, job or episode.")] = "person",
    out: Annotated[Path | None, typer.Option("--out", help="Write here instead of printing.")] = None,
    encoding: Encoding = None,
    layout: Layout = None,
    catalog: Catalog = None,
    table: Table = None,
) -> None:
    """Draft a crosswalk from a file's names and labels, with open places for a person to fill.

    Example: `survey-toolkit crosswalk draft person.sav --out my_crosswalk.yaml`
    """
    from survey_toolkit.microdata import draft_crosswalk

    keep_input(file, out)
    with busy("reading and drafting"):
        raw = _one(file, encoding=encoding, layout=layout, catalog=catalog, table=table)
        text = draft_crosswalk(raw, level=level)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
        typer.echo(f"written: {out}; {text.count('<open>') - 1} open places")


@crosswalk_app.command("diff")
def crosswalk_diff(
    before: Annotated[Path, typer.Argument(help="Audit (.json) of the one.")],
    after: Annotated[Path, typer.Argument(help="Audit (.json) of the other.")],
    shares: Annotated[bool, typer.Option("--shares", help="Compare percentages: for two rounds.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two audits: two versions of a crosswalk, or two rounds of a survey.

    Example: `survey-toolkit crosswalk diff audit_2023.json audit_2024.json --shares`
    """
    from survey_toolkit.dissemination.terminal_files import print_diff
    from survey_toolkit.microdata import diff_audits

    found = diff_audits(before, after, shares=shares)
    if as_json:
        print_json(found.to_dict())
    else:
        print_diff(found)
