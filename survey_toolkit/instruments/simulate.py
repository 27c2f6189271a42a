"""Simulated respondents with a known truth: they answer any questionnaire and obey its routing.

For each respondent the truth is drawn first (met with the prevalence asked for), then answers are proposed
at random until the definition itself says of them what was drawn. So the truth holds by the definition, not
by how this module thinks the questions work. Refusals and don't-knows come on top, question by question,
and the respondent walks through the form again, since a refusal changes the route.

People who do not belong to a definition's universe (children, for forced labour of adults) come as often as
ages are drawn; their truth is None.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit._atomic import write_atomic
from survey_toolkit._frames import MET, NOT_APPLICABLE, NOT_MET
from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.errors import InstrumentError
from survey_toolkit.instruments.crosswalk import MAIN, ROW_KEY, tables_of
from survey_toolkit.instruments.facts import Judge
from survey_toolkit.instruments.interview import Interview, Rows, Script
from survey_toolkit.instruments.models import Choice
from survey_toolkit.instruments.questionnaire import Questionnaire
from survey_toolkit.instruments.routing import evaluate
from survey_toolkit.instruments.steps import Step

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answers", "simulate"]

_TRIES = 4000
_GATES = ("consent", "consent_sensitive", "privacy", "permission", "assent")
Draw = tuple[float, float] | Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Filled forms and the truth behind them.

    Attributes
    ----------
    form : Questionnaire
    rows : mapping of table to rows
    truth : mapping of output to tuple of bool or None
        In the order of the forms; None outside the universe.
    seed : int
    """

    form: Questionnaire
    rows: Rows
    truth: Mapping[str, tuple[bool | None, ...]]
    seed: int

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(rows)} {name}" for name, rows in self.rows.items())
        return f"Answers('{self.form.id}': {counts}, seed {self.seed})"

    def columns(self, table: str) -> tuple[str, ...]:
        """Columns of a table as a data file has them: keys, questions, categories of multiple answers."""
        found = list(tables_of(self.form)[table].keys)
        for step in tables_of(self.form)[table].steps:
            if step.item.type == "note":
                continue
            found.append(step.id)
            if step.item.type == "select_multiple":
                found += [f"{step.id}/{option.code}" for option in self.form.options(step.id)]
        return tuple(found)

    def records(self, table: str) -> list[dict[str, Any]]:
        """Rows of a table as a data file has them; a multiple answer also as a column a category.

        Where a multiple answer is a missing code, each of its columns holds that code: it is not known of any
        category whether it holds.
        """
        multiple = [s for s in tables_of(self.form)[table].steps if s.item.type == "select_multiple"]
        return [_split(self.form, row, multiple) for row in self.rows.get(table, [])]

    def frame(self, table: str = MAIN) -> pd.DataFrame:
        """A table as a frame."""
        import pandas as pd

        return pd.read_csv(io.StringIO(self.csv(table)), dtype={ROW_KEY: "string"}, low_memory=False)

    def csv(self, table: str = MAIN) -> str:
        """A table as CSV."""
        columns = self.columns(table)
        return table_csv(columns, ([row.get(name, "") for name in columns] for row in self.records(table)))

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``<form>.csv`` and ``<form>-<repeat>.csv``."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        written = []
        for table in tables_of(self.form):
            name = self.form.id if table == MAIN else f"{self.form.id}-{table}"
            written.append(write_atomic(target / f"{name}.csv", self.csv(table).encode()))
        return written


def _split(form: Questionnaire, row: dict[str, Any], multiple: list[Step]) -> dict[str, Any]:
    out = {k: " ".join(v) if isinstance(v, list) else v for k, v in row.items()}
    for step in multiple:
        chosen = row.get(step.id)
        if not chosen:
            continue
        codes = set(step.item.missing_codes.values())
        unknown = next((code for code in chosen if code in codes), None)
        for option in form.options(step.id):
            plain = int(option.code in chosen)
            out[f"{step.id}/{option.code}"] = plain if unknown is None or option.missing else unknown
    return out


def simulate(
    form: Questionnaire,
    n: int,
    *,
    seed: int,
    prevalence: Mapping[str, float] | None = None,
    refused: float = 0.0,
    dont_know: float = 0.0,
    consent: float = 1.0,
    draws: Mapping[str, Draw] | None = None,
) -> Answers:
    """Let ``n`` simulated respondents fill a form.

    Parameters
    ----------
    form : Questionnaire
        Without errors.
    n, seed : int
    prevalence : mapping, optional
        ``definition`` or ``definition.output`` to the probability that it is met, for those in its universe.
    refused, dont_know : float
        Probability of either at each question that has such a code.
    consent : float
        Probability that a gate (consent, privacy, permission, assent) is open.
    draws : mapping, optional
        Item or harmonized variable to ``(low, high)`` for a number, or to the answers to draw from.

    Returns
    -------
    Answers

    Raises
    ------
    InstrumentError
        The questionnaire cannot give what is asked: no answers were found that meet the definition.

    Examples
    --------
    >>> from survey_toolkit.instruments import questionnaire
    >>> simulate(questionnaire("example"), 3, seed=1)
    Answers('example': 3 form, 3 ex_job, seed 1)
    """
    errors = [f for f in form.check() if f.kind == "error"]
    if errors:
        raise InstrumentError(f"questionnaire '{form.id}' has errors", problems=[str(f) for f in errors])
    wanted = dict(prevalence or {})
    judge = Judge(form, list(wanted))
    maker = _Maker(form, judge, wanted, dict(draws or {}), consent, refused, dont_know)
    rows: Rows = {name: [] for name in tables_of(form)}
    truth: dict[str, list[bool | None]] = {name: [] for name in wanted}
    # one stream a respondent: the first n are the same whatever n is
    for number, child in enumerate(np.random.SeedSequence(seed).spawn(n), start=1):
        filled, true = maker.respondent(np.random.default_rng(child), f"f{number:06d}")
        for name, found in filled.items():
            rows[name] += found
        for name, value in true.items():
            truth[name].append(value)
    return Answers(form=form, rows=rows, truth={k: tuple(v) for k, v in truth.items()}, seed=seed)


@dataclass(slots=True)
class _Maker:
    form: Questionnaire
    judge: Judge
    prevalence: Mapping[str, float]
    draws: Mapping[str, Draw]
    consent: float
    refused: float
    dont_know: float
    script: Script = field(init=False)
    decisive: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script.of(self.form)
        self.decisive = self.judge.variables()

    def respondent(self, rng: np.random.Generator, key: str) -> tuple[Rows, dict[str, bool | None]]:
        """One person: truth, answers that fit it, then what is refused or not known."""
        true = {name: bool(rng.random() < share) for name, share in self.prevalence.items()}
        latent: dict[tuple[str, str], Any] = {}
        for attempt in range(_TRIES):
            person = _Person(self, rng, {}, any(true.values()))
            rows = Interview(self.script, person.answer, person.rows, key).hold()
            status = self.judge.statuses(rows)
            if attempt == 0:
                closed = self._closed(rows)
                outside = {name for name, found in status.items() if found == NOT_APPLICABLE}
            if closed and self._closed(rows):
                return rows, dict(true)
            fits = all(
                found == NOT_APPLICABLE if name in outside else found == (MET if true[name] else NOT_MET)
                for name, found in status.items()
            )
            if fits and self._closed(rows) == closed:
                latent = person.latent
                break
        else:
            raise InstrumentError(
                f"no answers to '{self.form.id}' were found that fit the truth drawn",
                found=", ".join(f"{k}: {'met' if v else 'not met'}" for k, v in true.items()),
                hint="does the form measure every criterion? see coverage()",
                code="no-answers",
            )
        told = {name: None if name in outside else value for name, value in true.items()}
        if self.refused or self.dont_know:
            hiding = _Person(self, rng, latent, False, hides=True)
            rows = Interview(self.script, hiding.answer, hiding.rows, key).hold()
        return rows, told

    def _closed(self, rows: Rows) -> bool:
        """Whether a gate is shut."""
        main = rows[MAIN][0]
        for step in self.form.items():
            if step.item.role in _GATES and step.id in main:
                yes = [c.id for c in self.form.asked(step.id).choices if c.value is True]
                if main[step.id] not in yes:
                    return True
        return False


@dataclass(slots=True)
class _Person:
    """Answers from what is known of the person, else at random; remembers what was said."""

    maker: _Maker
    rng: np.random.Generator
    latent: dict[tuple[str, str], Any]
    victim: bool
    hides: bool = False

    def rows(self, step: Step, at: str) -> int:
        place = (step.id, at)
        if place not in self.latent:
            self.latent[place] = int(self.rng.integers(1, 4))
        return int(self.latent[place])

    def answer(self, step: Step, at: str, seen: dict[str, Any]) -> Any:
        place = (step.id, at)
        if place not in self.latent:
            self.latent[place] = self._drawn(step, seen)
        if self.hides:
            hidden = self._hidden(step)
            if hidden is not None:
                return [hidden] if step.item.type == "select_multiple" else hidden
        return self.latent[place]

    def _hidden(self, step: Step) -> str | None:
        if step.item.role in _GATES or not step.item.asked:
            return None
        codes, draw = step.item.missing_codes, self.rng.random()
        if "refused" in codes and draw < self.maker.refused:
            return codes["refused"]
        if "dk" in codes and self.maker.refused <= draw < self.maker.refused + self.maker.dont_know:
            return codes["dk"]
        return None

    def _drawn(self, step: Step, seen: dict[str, Any]) -> Any:
        for _ in range(60):
            value = self._draw(step)
            trial = {**seen, step.id: value}
            if step.constraint is None or evaluate(step.constraint, trial) is not False:
                return value
        return value

    def _draw(self, step: Step) -> Any:
        item = step.item
        given = self.maker.draws.get(step.id, self.maker.draws.get(item.variable or ""))
        if item.calculate is not None:
            return int(self.rng.integers(1, (item.calculate.random or 2) + 1))
        if item.type in ("integer", "decimal"):
            return self._number(step, given)
        if given is not None:
            return given[int(self.rng.integers(len(given)))]
        choices = self.maker.form.asked(step.id).choices
        if item.type == "select_one":
            return self._one(step, choices)
        if item.type == "select_multiple":
            return self._several(choices)
        day = f"{int(self.rng.integers(2015, 2025))}-{int(self.rng.integers(1, 13)):02d}-15"
        return day if item.type == "date" else f"text {int(self.rng.integers(1, 10))}"

    def _number(self, step: Step, given: Draw | None) -> int | float:
        low, high = given if given is not None and len(given) == 2 else step.item.range or (0, 20)
        if given is not None and len(given) != 2:
            return given[int(self.rng.integers(len(given)))]
        if step.item.type == "integer":
            return int(self.rng.integers(int(low), int(high) + 1))
        return round(float(self.rng.uniform(low, high)), 1)

    def _one(self, step: Step, choices: tuple[Choice, ...]) -> str:
        yes = [c.id for c in choices if c.value is True]
        no = [c.id for c in choices if c.value is False]
        if not yes or not no:
            return choices[int(self.rng.integers(len(choices)))].id
        if step.item.role in _GATES:
            share = self.maker.consent
        elif step.item.variable in self.maker.decisive:
            share = 0.5 if self.victim else 0.05
        else:
            share = 0.5
        return str(self.rng.choice(yes)) if self.rng.random() < share else str(self.rng.choice(no))

    def _several(self, choices: tuple[Choice, ...]) -> list[str]:
        chosen = []
        for choice in choices:
            decisive = choice.variable in self.maker.decisive
            share = 0.0 if choice.exclusive else (0.3 if self.victim or not decisive else 0.02)
            if self.rng.random() < share:
                chosen.append(choice.id)
        if not chosen:
            alone = [c.id for c in choices if c.exclusive] or [c.id for c in choices if not c.variable]
            chosen = [str(self.rng.choice(alone or [c.id for c in choices]))]
        return chosen
