"""The verbs that start a study: new, and the schema that lets an editor complete it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from survey_toolkit.cli_manners import print_json
from survey_toolkit.errors import SurveyToolkitError

__all__ = ["new_app"]

new_app = typer.Typer()

_NEEDED = {
    "title": "Title of the study",
    "country": "Country code (ISO 3166-1 alpha-3, e.g. KHM)",
    "country_name": "Country name",
    "period": "Reference period (2024, 2021-Q1 or 2021-03)",
}


@new_app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder of the new study; it must not exist yet.")],
    data: Annotated[Path | None, typer.Option(help="The survey file, or a CSV of capture histories.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the study.")] = None,
    country: Annotated[str | None, typer.Option(help="Country code, three letters.")] = None,
    country_name: Annotated[str | None, typer.Option(help="Country name.")] = None,
    period: Annotated[str | None, typer.Option(help="2024, 2021-Q1 or 2021-03.")] = None,
    indicator: Annotated[
        list[str] | None, typer.Option(help="8.7.1, 5.3.1, forced_labour; may be repeated.")
    ] = None,
    weight: Annotated[str | None, typer.Option(help="Weight column of a survey.")] = None,
    strata: Annotated[str | None, typer.Option(help="Stratum column.")] = None,
    psu: Annotated[str | None, typer.Option(help="Primary sampling unit column.")] = None,
    lists: Annotated[str | None, typer.Option(help="List columns, separated by commas: no survey.")] = None,
    count: Annotated[str, typer.Option(help="Count column of the capture histories.")] = "count",
    population: Annotated[int | None, typer.Option(help="Resident population, for rates.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """Start a study: asks what it needs at a terminal, takes it from the options elsewhere.

    Example: `survey-toolkit new my_study --data person.sav --title "Child labour" --country KHM
    --country-name Cambodia --period 2024 --weight w --strata stratum --psu ea`
    """
    from survey_toolkit.study import StudyPlan, new_study

    given = {"title": title, "country": country, "country_name": country_name, "period": period}
    told = {
        key: value or _ask(key, text)
        for (key, text), value in zip(_NEEDED.items(), given.values(), strict=True)
    }
    file = data or Path(_ask("data", "Data file"))
    columns: dict[str, str | None] = {"weight": weight, "strata": strata, "psu": psu}
    if not lists and _at_terminal() and not weight:
        columns = _ask_design(file, columns)
    chosen = tuple(indicator or (("16.2.2",) if lists else ("8.7.1",)))
    plan = StudyPlan(
        id=re.sub(r"[^A-Za-z0-9_-]+", "_", folder.name).strip("_") or "study",
        title=told["title"], country_code=told["country"].upper(), country_name=told["country_name"],
        period=told["period"], data=file, indicators=chosen, **columns,
        lists=tuple(name.strip() for name in lists.split(",")) if lists else (), count=count,
        population=population,
    )  # fmt: skip
    _report(new_study(plan, folder), file, folder, as_json)


def _report(written: list[Path], data: Path, folder: Path, as_json: bool) -> None:
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(f"written: {path}")
    beside = f" --data {data.parent}" if data.resolve().parent != folder.resolve() else ""
    if len(written) > 1:
        typer.echo("next: fill every <open> place of the crosswalk; `survey-toolkit inspect` shows the codes")
    typer.echo(f"then: survey-toolkit run {folder / 'study.yaml'}{beside}")


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(key: str, text: str) -> str:
    """Ask at a terminal; elsewhere say which option is missing."""
    if not _at_terminal():
        raise SurveyToolkitError(
            "an answer is missing and there is no terminal to ask at",
            where=f"--{key.replace('_', '-')}",
            expected=text,
        )
    answer: str = typer.prompt(text, err=True)
    return answer


def _ask_design(file: Path, columns: dict[str, str | None]) -> dict[str, str | None]:
    """Ask for the design columns, with the best guess and its reason as the suggestion."""
    from survey_toolkit.microdata import guess_roles, read_microdata

    best: dict[str, Any] = {}
    for guess in guess_roles(read_microdata(file)):
        best.setdefault({"stratum": "strata"}.get(guess.role, guess.role), guess)
    asked: dict[str, str | None] = {}
    for role, value in columns.items():
        found = best.get(role)
        if found is not None:
            typer.echo(f"  {role}: perhaps {found.name} ({found.reason})", err=True)
        answer = value or typer.prompt(
            f"Column of the {role} (- for none)", default=found.name if found else "-", err=True
        )
        asked[role] = None if answer == "-" else answer
    return asked


@new_app.command()
def schema() -> None:
    """Print the JSON Schema of the study file, so that an editor completes it.

    Example: `survey-toolkit schema > study.schema.json`
    """
    from survey_toolkit.study import json_schema

    typer.echo(json.dumps(json_schema(), indent=1))
