"""One interview: a respondent with given answers walks through the form and obeys its routing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from survey_toolkit.instruments.crosswalk import FORM_KEY, MAIN, ROW_KEY
from survey_toolkit.instruments.models import Item, Repeat
from survey_toolkit.instruments.questionnaire import Questionnaire
from survey_toolkit.instruments.routing import evaluate, is_known
from survey_toolkit.instruments.steps import Step

__all__ = ["Interview", "Rows", "Script", "calculate"]

#: Rows of each table.
Rows: TypeAlias = dict[str, list[dict[str, Any]]]
#: Gives the answer to a question: step, row (``""`` or ``2`` or ``2.1``), answers so far.
Respondent: TypeAlias = Callable[[Step, str, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Script:
    """The steps as a tree."""

    form: Questionnaire
    top: tuple[Step, ...]
    inside: dict[str, tuple[Step, ...]]

    @classmethod
    def of(cls, form: Questionnaire) -> Script:
        """Lay the steps out by what they stand in."""
        inside: dict[str, list[Step]] = {}
        for step in form.steps():
            inside.setdefault(step.around[-1] if step.around else "", []).append(step)
        top = tuple(inside.pop("", []))
        return cls(form, top, {name: tuple(steps) for name, steps in inside.items()})


@dataclass(slots=True)
class Interview:
    """What a walk through the form leaves behind: rows of the tables, by name.

    Attributes
    ----------
    script : Script
    respondent : callable
        Step, row and the answers so far to an answer as the form stores it.
    rows : callable
        Repeat without a count, and row, to the number of rows that are added.
    key : str
    """

    script: Script
    respondent: Respondent
    rows: Callable[[Step, str], int]
    key: str
    year: int = 2024
    month: int = 6
    tables: Rows = field(default_factory=dict)

    def hold(self) -> Rows:
        """Walk through the form once."""
        main: dict[str, Any] = {FORM_KEY: self.key}
        self.tables = {MAIN: [main]}
        self._walk(self.script.top, dict(main), main, "")
        return self.tables

    def _walk(self, steps: tuple[Step, ...], seen: dict[str, Any], row: dict[str, Any], at: str) -> None:
        for step in steps:
            if not all(condition.holds(seen) for condition in step.conditions):
                continue
            if step.kind == "repeat":
                self._repeat(step, seen, at)
            elif step.kind != "item":
                self._walk(self.script.inside.get(step.id, ()), seen, row, at)
            elif step.item.type != "note" and "capi" in step.item.modes:
                made = step.item.calculate is not None
                value = self._calculated(step, seen, at) if made else self.respondent(step, at, seen)
                seen[step.id] = row[step.id] = value

    def _repeat(self, step: Step, seen: dict[str, Any], at: str) -> None:
        assert isinstance(step.node, Repeat)
        for number in range(1, self._count(step, step.node, seen, at) + 1):
            here = f"{at}.{number}" if at else str(number)
            row: dict[str, Any] = {FORM_KEY: self.key, ROW_KEY: here}
            self.tables.setdefault(step.id, []).append(row)
            self._walk(self.script.inside[step.id], dict(seen), row, here)

    def _count(self, step: Step, node: Repeat, seen: dict[str, Any], at: str) -> int:
        if isinstance(node.count, int):
            return min(node.count, node.max)
        if node.count is None:
            return min(self.rows(step, at), node.max)
        value: Any = seen.get(node.count)
        missing = tuple(self.script.form.asked(node.count).item.missing_codes.values())
        return min(int(value), node.max) if is_known(value, missing) else 0

    def _calculated(self, step: Step, seen: dict[str, Any], at: str) -> Any:
        made = step.item.calculate
        assert made is not None
        if made.random is not None:
            return self.respondent(step, at, seen)
        if made.today is not None:
            day = f"{self.year:04d}-{self.month:02d}-15"
            return {"year": self.year, "month": self.month, "date": day}[made.today]
        if made.from_row is not None or made.sum_rows is not None or made.count_rows is not None:
            return self._of_rows(step.item, at)
        return calculate(self.script.form, step, seen, at)

    def _of_rows(self, item: Item, at: str) -> Any:
        made = item.calculate
        assert made is not None
        if made.count_rows is not None:
            return len(self.tables.get(made.count_rows, []))
        name = str(made.from_row or made.sum_rows)
        rows = self.tables.get(self.script.form.asked(name).repeats[-1], [])
        if made.sum_rows is not None:
            return sum(_number(row[name]) for row in rows if row.get(name) not in (None, ""))
        index = int(at.rsplit(".", maxsplit=1)[-1]) - 1
        return rows[index].get(name) if index < len(rows) else None


def calculate(form: Questionnaire, step: Step, seen: dict[str, Any], at: str) -> Any:
    """Value of a calculation that looks at the answers of its own row only.

    Blank, as in the form, where nothing is known.
    """
    made = step.item.calculate
    assert made is not None
    if step.formula is not None:
        decided = evaluate(step.formula, seen)
        return None if decided is None else "1" if decided else "2"
    known = list(_known(form, (*made.sum, *made.first_of), seen))
    if made.sum:
        return sum(_number(v) for v in known) if known else None
    if made.first_of:
        return known[0] if known else None
    if made.row_number:
        return int(at.rsplit(".", maxsplit=1)[-1])
    if made.parameter is not None:
        return step.used.parameters[made.parameter]
    return {True: "1", False: "2"}[made.constant] if isinstance(made.constant, bool) else made.constant


def _known(form: Questionnaire, names: tuple[str, ...], seen: dict[str, Any]) -> Iterator[Any]:
    for name in names:
        if is_known(seen.get(name), tuple(form.asked(name).item.missing_codes.values())):
            yield seen[name]


def _number(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number
