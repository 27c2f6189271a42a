"""The verbs that start a study: new, and the schema that lets an editor complete it."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from survey_toolkit.cli_manners import print_json
from survey_toolkit.cli_progress import busy
from survey_toolkit.errors import SurveyToolkitError, did_you_mean, shell_word

__all__ = ["new_app"]

new_app = typer.Typer()

_NEEDED = {
    "title": "Title of the study",
    "country": "Country code (ISO 3166-1 alpha-3, e.g. KHM)",
    "country_name": "Country name",
    "period": "Reference period (2024, 2021-Q1 or 2021-03)",
    "data": "Data file",
}
_ROLES = {"weight": "weight", "strata": "stratum", "psu": "primary sampling unit"}
_INDICATORS = ("8.7.1", "5.3.1", "forced_labour", "16.2.2")
#: What an answer must look like for the next question to come.
_FORMS: dict[str, tuple[str, str]] = {
    "country": (r"[A-Za-z]{3}", "three letters"),
    "period": (
        r"\d{4}(-Q[1-4]|-(0[1-9]|1[0-2]))?",
        "a year (2024), a quarter (2021-Q1) or a month (2021-03)",
    ),
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
    told = _told({**given, "data": None if data is None else str(data)})
    file = Path(told["data"])
    if indicator is None and lists is None and _at_terminal():
        indicator = _ask_indicators()
    if lists is None and indicator and "16.2.2" in indicator and _at_terminal():
        lists = typer.prompt("Columns of the lists, separated by commas", err=True)
    columns: dict[str, str | None] = {"weight": weight, "strata": strata, "psu": psu}
    if not lists and _at_terminal() and not weight:
        columns = _ask_design(file, columns)
    chosen = tuple(indicator or (("16.2.2",) if lists else ("8.7.1",)))
    plan = StudyPlan(
        id=_id(folder.name),
        title=told["title"], country_code=told["country"].upper(), country_name=told["country_name"],
        period=told["period"], data=file, indicators=chosen, **columns,
        lists=tuple(name.strip() for name in lists.split(",")) if lists else (), count=count,
        population=population,
    )  # fmt: skip
    with busy("reading the columns and drafting"):
        written = new_study(plan, folder)
    _report(written, file, folder, as_json)


def _id(name: str) -> str:
    """The folder's name as an id: letters without their accents, everything else a line."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-") or "study"


def _report(written: list[Path], data: Path, folder: Path, as_json: bool) -> None:
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(f"written: {path}")
    beside = f" --data {shell_word(data.parent)}" if data.resolve().parent != folder.resolve() else ""
    if len(written) > 1:
        typer.echo("next: fill every <open> place of the crosswalk; `survey-toolkit inspect` shows the codes")
    typer.echo(f"then: survey-toolkit run {shell_word(folder / 'study.yaml')}{beside}")


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _told(given: dict[str, str | None]) -> dict[str, str]:
    """What the options say, the rest asked for; without a terminal every missing option at once."""
    missing = [key for key, value in given.items() if not value]
    if missing and not _at_terminal():
        raise SurveyToolkitError(
            "answers are missing and there is no terminal to ask at",
            problems=[f"--{key.replace('_', '-')}: {_NEEDED[key]}" for key in missing],
            hint="give these options",
        )
    return {key: value or _ask(key) for key, value in given.items()}


def _ask(key: str) -> str:
    """Ask until the answer can be used."""
    form, words = _FORMS.get(key, (r".*\S.*", "some text"))
    while True:
        answer: str = typer.prompt(_NEEDED[key], err=True).strip()
        if not re.fullmatch(form, answer):
            typer.echo(f"  please: {words}", err=True)
        elif key == "data" and not Path(answer).is_file():
            typer.echo(f"  there is no file {answer} in {Path.cwd()}", err=True)
        else:
            return answer


def _ask_indicators() -> list[str]:
    while True:
        said = typer.prompt(f"Indicators, by commas: {', '.join(_INDICATORS)}", default="8.7.1", err=True)
        names = [name.strip() for name in said.split(",") if name.strip()]
        unknown = [name for name in names if name not in _INDICATORS]
        if names and not unknown and ("16.2.2" not in names or len(names) == 1):
            return names
        typer.echo(
            f"  {', '.join(unknown)}: {did_you_mean(unknown[0], _INDICATORS)}"
            if unknown
            else "  16.2.2 comes from lists, the others from a survey: one study for each",
            err=True,
        )


def _ask_design(file: Path, columns: dict[str, str | None]) -> dict[str, str | None]:
    """Ask for the design columns, with the best guess and its reason as the suggestion."""
    from survey_toolkit.microdata import guess_roles, read_microdata

    best: dict[str, Any] = {}
    with busy("reading the file"):
        data = read_microdata(file)
        guesses = guess_roles(data)
    for guess in guesses:
        best.setdefault({"stratum": "strata"}.get(guess.role, guess.role), guess)
    asked: dict[str, str | None] = {}
    for role, value in columns.items():
        found = best.get(role)
        if found is not None:
            typer.echo(f"  perhaps {found.name}: {found.reason.split(';')[0]}", err=True)
        asked[role] = value or _ask_column(role, found.name if found else None, data.variables)
    return asked


def _ask_column(role: str, guess: str | None, known: Collection[str]) -> str | None:
    needed = role == "weight"
    while True:
        answer: str = typer.prompt(
            f"Column of the {_ROLES[role]}{'' if needed else ' (- for none)'}",
            default=guess or ("" if needed else "-"),
            show_default=bool(guess) or not needed,
            err=True,
        )
        if answer == "-" and not needed:
            return None
        if answer in known:
            return answer
        wrong = f"no column '{answer}'; {did_you_mean(answer, known)}"
        typer.echo(f"  {wrong if answer else _columns(known)}", err=True)


def _columns(known: Collection[str]) -> str:
    """What there is to choose from, and what to do if it is not there."""
    return (
        f"the columns are: {', '.join(known)}\n  weights in another file, as of households, are joined to "
        "this one first; Ctrl-C leaves, and nothing has been written"
    )


@new_app.command()
def schema() -> None:
    """Print the JSON Schema of the study file, so that an editor completes it.

    Example: `survey-toolkit schema > study.schema.json`
    """
    from survey_toolkit.study import json_schema

    typer.echo(json.dumps(json_schema(), indent=1))
