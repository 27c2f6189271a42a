"""Start a study: a folder with a study file, and for a survey a crosswalk drafted from the data file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from survey_toolkit._atomic import write_atomic
from survey_toolkit._yaml import load_text
from survey_toolkit.errors import StudyError, SurveyToolkitError, did_you_mean, shell_word
from survey_toolkit.study.schema import StudySpec

__all__ = ["StudyPlan", "new_study"]

_INDICATORS = {
    "8.7.1": ("child_labour", "sdg-2021", "[[sex], [age_band]]"),
    "5.3.1": ("child_marriage", "sdg-2021", "[]"),
    "forced_labour": ("forced_labour", "icls20-2018", "[[sex]]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What a new study is about.

    Attributes
    ----------
    id, title, country_code, country_name, period : str
        As in the study file.
    data : Path
        The survey file, or the table of capture histories.
    indicators : tuple of str
        ``"8.7.1"``, ``"5.3.1"``, ``"forced_labour"`` for a survey; ``"16.2.2"`` for lists.
    weight, strata, psu : str or None
        Design columns of a survey.
    lists : tuple of str
        List columns of a table of capture histories; empty for a survey.
    count : str
        Its count column.
    population : int or None
        Resident population, for rates per 100,000.
    """

    id: str
    title: str
    country_code: str
    country_name: str
    period: str
    data: Path
    indicators: tuple[str, ...]
    weight: str | None = None
    strata: str | None = None
    psu: str | None = None
    lists: tuple[str, ...] = ()
    count: str = "count"
    population: int | None = None


def new_study(plan: StudyPlan, folder: str | os.PathLike[str]) -> list[Path]:
    """Write ``study.yaml``, and for a survey ``crosswalk.yaml``, into a new folder.

    Parameters
    ----------
    plan : StudyPlan
    folder : path
        Must not exist, or be empty.

    Returns
    -------
    list of Path
        What was written. The crosswalk is a draft with open places; the study loads, and runs once they are
        filled.

    Raises
    ------
    SurveyToolkitError
        If the folder holds something, or the plan says something a study file may not.

    Notes
    -----
    The data file is not copied: data of people should not be in two places. If it lies elsewhere, run the
    study with ``--data FOLDER``.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SurveyToolkitError(
            "a new study needs a folder of its own",
            where=str(target),
            found="something is there already",
            hint="name a folder that does not exist",
        )
    files = {"study.yaml": _study_text(plan)}
    _check(files["study.yaml"])
    if plan.lists:
        _check_lists(plan)
    else:
        files["crosswalk.yaml"] = _crosswalk(plan)
    target.mkdir(parents=True, exist_ok=True)
    return [write_atomic(target / name, text.encode()) for name, text in files.items()]


def _check(text: str) -> None:
    """Hold the answers against the schema; the file is not written yet, so its lines are not told."""
    try:
        load_text(text, "study.yaml", error=StudyError).validate(StudySpec, error=StudyError)
    except StudyError as exc:
        raise StudyError(
            "these answers do not make a study",
            problems=[re.sub(r"^study\.yaml:\d+: ", "", problem) for problem in exc.problems] or [exc.what],
            hint="correct the option: country.code is --country, the others bear their own name",
        ) from None


def _check_lists(plan: StudyPlan) -> None:
    from survey_toolkit.multiple_systems import CaptureHistories

    CaptureHistories.from_counts(plan.data, lists=list(plan.lists), count=plan.count)


def _crosswalk(plan: StudyPlan) -> str:
    from survey_toolkit.microdata import draft_crosswalk, read_microdata

    data = read_microdata(plan.data)
    columns = [name for name in (plan.weight, plan.strata, plan.psu) if name]
    missing = [name for name in columns if name not in data.variables]
    if missing:
        raise SurveyToolkitError(
            "a design column is not in the file",
            where=plan.data.name,
            found=", ".join(missing),
            expected="; ".join(did_you_mean(name, data.variables) for name in missing),
            hint=f"survey-toolkit inspect {shell_word(plan.data)} guesses which column plays which role",
        )
    text = draft_crosswalk(data, id=plan.id)
    told = {
        "title": _quoted(plan.title),
        "country": f"{{code: {plan.country_code}}}",
        "survey": _quoted(plan.title),
        "period": _quoted(plan.period),
    }
    header = {f"{key}:": f"{key}: {value}" for key, value in told.items()}
    return "".join(
        header.pop(line.split(" ")[0]) + "\n" if line.split(" ")[0] in header else line
        for line in text.splitlines(keepends=True)
    )


def _study_text(plan: StudyPlan) -> str:
    """The study file; texts are written as JSON strings, which YAML reads the same."""
    lines = [
        "# Editors complete this file with the JSON Schema that `survey-toolkit schema` prints.",
        f"id: {plan.id}",
        f"title: {_quoted(plan.title)}",
        f"country: {{code: {plan.country_code}, name: {_quoted(plan.country_name)}}}",
        f"period: {_quoted(plan.period)}",
        "",
        *(_capture(plan) if plan.lists else _survey(plan)),
        "",
        "indicators:",
        *(f"  - {_indicator(name, survey=not plan.lists)}" for name in plan.indicators),
    ]
    return "\n".join(lines) + "\n"


def _survey(plan: StudyPlan) -> list[str]:
    if plan.weight is None:
        raise SurveyToolkitError(
            "a survey needs its weight column",
            where="--weight",
            hint="survey-toolkit inspect FILE guesses which column it is",
        )
    design = {"weight": plan.weight, "strata": plan.strata, "psu": plan.psu}
    told = ", ".join(f"{key}: {_quoted(value)}" for key, value in design.items() if value)
    classify = dict.fromkeys(_INDICATORS[name][:2] for name in _known(plan.indicators))
    return [
        "survey:",
        "  files:",
        f"    person: {{path: {_quoted(plan.data.name)}, level: person}}",
        "  crosswalk: crosswalk.yaml            # drafted: replace every <open>, look at every line",
        f"  design: {{{told}, lonely_psu: fail}}",
        "  classify:",
        *(f"    - {{definition: {name}, version: {version}}}" for name, version in classify),
    ]


def _known(indicators: Sequence[str]) -> Sequence[str]:
    unknown = [name for name in indicators if name not in _INDICATORS]
    if unknown:
        raise SurveyToolkitError(
            "a survey cannot be started for this indicator",
            where="--indicator",
            found=", ".join(unknown),
            expected=", ".join(_INDICATORS),
            hint="16.2.2 comes from capture lists: name them with --lists",
        )
    return indicators


def _capture(plan: StudyPlan) -> list[str]:
    population = [f"  population: {plan.population}"] if plan.population else []
    return [
        "capture:",
        f"  path: {_quoted(plan.data.name)}",
        f"  lists: [{', '.join(map(_quoted, plan.lists))}]",
        f"  count: {_quoted(plan.count)}",
        "  definition: trafficking",
        "  version: palermo-2000",
        "  method: {name: stepwise, p_enter: 0.02, interval: profile}",
        *population,
    ]


def _indicator(name: str, *, survey: bool) -> str:
    if not survey:
        return f'indicator: "{name}"'
    return f'{{indicator: "{name}", by: {_INDICATORS[name][2]}}}'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
