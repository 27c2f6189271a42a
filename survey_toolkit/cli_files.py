"""The verbs of the command line that take one data file: inspect, check, harmonize, and crosswalks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["crosswalk_app", "files_app"]

files_app = typer.Typer()
crosswalk_app = typer.Typer(help="Draft crosswalks and compare their audits.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@files_app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A data file: .sav .dta .csv .parquet …")],
    html: Annotated[Path | None, typer.Option("--html", help="Write the codebook as a page.")] = None,
    strip_identifiers: Annotated[
        Path | None, typer.Option("--strip-identifiers", help="Write the file without names, phones, GPS …")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lay a file open: codebook, columns that name a person, guesses of the design, what looks wrong.

    Counts below 5 are not shown. Example: `survey-toolkit inspect person.sav --html codebook.html`
    """
    from survey_toolkit.dissemination.terminal_files import print_inspection
    from survey_toolkit.microdata import inspect_data, read_microdata, write_microdata
    from survey_toolkit.microdata import strip_identifiers as without_identifiers

    data = read_microdata(file)
    seen = inspect_data(data)
    if as_json:
        typer.echo(json.dumps(seen.to_dict(), default=str))
    else:
        print_inspection(seen)
    if html is not None:
        html.write_text(seen.to_html(), encoding="utf-8")
    if strip_identifiers is not None:
        stripped = write_microdata(without_identifiers(data), strip_identifiers)
        typer.echo(f"written without {len(seen.identifiers)} columns: {stripped}", err=as_json)


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
    as_json: AsJson = False,
) -> None:
    """Check a file before estimation; exit code 1 if there are errors, 0 if there are flags at most.

    Example: `survey-toolkit check person.sav --weight w --strata stratum --psu ea --key hh --key line`
    """
    from survey_toolkit.dissemination.terminal_files import print_checks
    from survey_toolkit.estimation import SurveyDesign
    from survey_toolkit.microdata import check_data, read_microdata

    design = SurveyDesign(weight=weight, strata=strata, psu=psu, nest=nest) if weight else None
    report = check_data(
        read_microdata(file), design=design, keys=key or (), population=population, age=age,
        hours=hours or (), interviewer=interviewer, area=area,
    )  # fmt: skip
    if as_json:
        typer.echo(report.to_json())
    else:
        print_checks(report)
    if html is not None:
        html.write_text(report.to_html(), encoding="utf-8")
    if report.errors:
        raise typer.Exit(1)


@files_app.command()
def harmonize(
    file: Annotated[Path, typer.Argument(help="The data file.")],
    crosswalk: Annotated[str, typer.Argument(help="A crosswalk file, or the id of a shipped one.")],
    target: Annotated[Path, typer.Argument(help="Where to write: .parquet .sav .dta or .csv")],
    level: Annotated[str | None, typer.Option(help="Level of the crosswalk, if it has several.")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Write the audit: .html to read, .json to compare.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Harmonize one file with a crosswalk and print the audit.

    Example: `survey-toolkit harmonize person.sav my_crosswalk.yaml person_harmonized.parquet`
    """
    from survey_toolkit.dissemination.terminal import audit_rows, print_audit
    from survey_toolkit.microdata import audit_dict, audit_html, read_microdata, write_microdata
    from survey_toolkit.microdata import harmonize as harmonize_data

    result = harmonize_data(read_microdata(file), crosswalk, level=level)
    write_microdata(result, target)
    if audit is not None:
        page = audit_html(result) if audit.suffix == ".html" else json.dumps(audit_dict(result), indent=1)
        audit.write_text(page, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(audit_rows(result), default=str))
    else:
        print_audit(result)
        typer.echo(f"written: {target}")


@crosswalk_app.command("draft")
def crosswalk_draft(
    file: Annotated[Path, typer.Argument(help="The data file.")],
    level: Annotated[str, typer.Option(help="What a row is: person, household, job or episode.")] = "person",
    out: Annotated[Path | None, typer.Option("--out", help="Write here instead of printing.")] = None,
) -> None:
    """Draft a crosswalk from a file's names and labels, with open places for a person to fill.

    Example: `survey-toolkit crosswalk draft person.sav --out my_crosswalk.yaml`
    """
    from survey_toolkit.microdata import draft_crosswalk, read_microdata

    text = draft_crosswalk(read_microdata(file), level=level)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
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
        typer.echo(json.dumps(found.to_dict()))
    else:
        print_diff(found)
