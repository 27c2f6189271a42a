"""From a rule on harmonized variables or item ids to a rule on the items of this form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from survey_toolkit.errors import InstrumentError, SurveyToolkitError, did_you_mean
from survey_toolkit.instruments.models import SELECTS, Choice, Item
from survey_toolkit.instruments.routing import AtLeastOf, Bound, Codes, Every, Negated, Number, Unknown
from survey_toolkit.standards.rules import (
    AllOf,
    AtLeast,
    Comparison,
    Criterion,
    Not,
    Rule,
    Scalar,
    Test,
    resolve_criteria,
)

__all__ = ["Asked", "Scope"]

_YES_NO = (Choice(id="1", text="Yes", value=True), Choice(id="2", text="No", value=False))


@dataclass(frozen=True, slots=True)
class Asked:
    """An item in its place: position in the form, repeats around it, its categories without missing ones."""

    item: Item
    order: int
    repeats: tuple[str, ...]
    choices: tuple[Choice, ...]

    @property
    def coded(self) -> bool:
        """Whether the answer is a code."""
        return self.item.type in SELECTS or bool(self.choices)


@dataclass(slots=True)
class Scope:
    """What a rule may name: the items of the form, and the variables they are bound to."""

    criteria: Mapping[str, Rule]
    variables: frozenset[str]
    items: dict[str, Asked] = field(default_factory=dict)
    bound: dict[str, list[tuple[Asked, Choice | None]]] = field(default_factory=dict)

    def add(self, asked: Asked) -> None:
        """Make an item known; of two with one name the first stands (the check tells)."""
        item = asked.item
        self.items.setdefault(item.id, asked)
        if item.variable:
            self.bound.setdefault(item.variable, []).append((asked, None))
        for choice in asked.choices if item.type == "select_multiple" else ():
            if choice.variable:
                self.bound.setdefault(choice.variable, []).append((asked, choice))

    def bind(self, rule: Rule, *, at: int, repeats: tuple[str, ...]) -> Bound:
        """Bind a rule that stands at a place of the form.

        Parameters
        ----------
        rule : Rule
        at : int
            Position of what the rule decides on; used to choose among items bound to one variable.
        repeats : tuple of str
            Repeats around that place: rows of other repeats cannot be seen from there.

        Raises
        ------
        InstrumentError
            The rule names nothing known, a row that cannot be seen, or a code that there is not.
        """
        try:
            plain = resolve_criteria(rule, self.criteria)
        except InstrumentError:
            raise
        except SurveyToolkitError as exc:
            raise InstrumentError(exc.what, expected=exc.expected, code=exc.code) from None
        return self._bind(plain, at, repeats)

    def _bind(self, rule: Rule, at: int, repeats: tuple[str, ...]) -> Bound:
        if isinstance(rule, Comparison):
            tests = tuple(self._leaf(rule.variable, test, at, repeats) for test in rule.tests)
            return tests[0] if len(tests) == 1 else Every(tests)
        if isinstance(rule, Criterion):
            raise TypeError("criteria are resolved before binding")
        if isinstance(rule, Not):
            return Negated(self._bind(rule.part, at, repeats))
        parts = tuple(self._bind(part, at, repeats) for part in rule.parts)
        if isinstance(rule, AllOf):
            return parts[0] if len(parts) == 1 else Every(parts)
        some = AtLeastOf(rule.n if isinstance(rule, AtLeast) else 1, parts)
        plain = parts[0] if len(parts) == 1 else some
        return plain if isinstance(rule, AtLeast) or type(rule).__name__ == "AnyOf" else Negated(plain)

    def _leaf(self, name: str, test: Test, at: int, repeats: tuple[str, ...]) -> Bound:
        asked, choice = self.find(name, at, repeats)
        item = asked.item
        missing = tuple(item.missing_codes.values())
        multiple = item.type == "select_multiple"
        if test.op == "is_missing":
            leaf = Unknown(item.id, missing, multiple)
            return leaf if test.value else Negated(leaf)
        if choice is not None:
            return _of_choice(item, choice, test, missing)
        if test.op in ("eq", "ne", "in") and (asked.coded or isinstance(test.value, str | bool | tuple)):
            return self._equal(asked, test, missing, multiple)
        return _number(item, test, missing)

    def find(self, name: str, at: int, repeats: tuple[str, ...]) -> tuple[Asked, Choice | None]:
        """The item a name stands for at a place: itself, or the latest one bound to the variable."""
        if name in self.items:
            asked = self.items[name]
            _visible(asked, name, repeats)
            return asked, None
        candidates = self.bound.get(name, [])
        seen = [c for c in candidates if c[0].repeats == repeats[: len(c[0].repeats)]]
        earlier = [c for c in seen if c[0].order < at] or seen
        if earlier:
            return max(earlier, key=lambda c: (len(c[0].repeats), c[0].order))
        if candidates:
            _visible(candidates[0][0], name, repeats)
        if name in self.variables:
            raise InstrumentError(
                f"no question of this form asks the variable '{name}'",
                hint="add the module that asks it, or bind a question to it",
                code="unasked-variable",
            )
        raise InstrumentError(
            f"there is no question and no harmonized variable '{name}'",
            expected=did_you_mean(name, [*self.items, *self.bound]),
            code="unknown-variable",
        )

    def _equal(self, asked: Asked, test: Test, missing: tuple[str, ...], multiple: bool) -> Bound:
        item = asked.item
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        for value in values:
            if str(value) in missing and not isinstance(value, bool):
                raise InstrumentError(
                    f"'{value}' is no answer of '{item.id}' but a missing code",
                    hint="write 'is_missing: true'",
                    code="missing-code",
                )
        codes = tuple(dict.fromkeys(c for v in values for c in _codes_of(asked, v)))
        leaf = Codes(item.id, codes, missing, multiple)
        return Negated(leaf) if test.op == "ne" else leaf


def _codes_of(asked: Asked, value: Scalar) -> tuple[str, ...]:
    """Codes of the form that mean a value: the code itself, or all categories with that harmonized value."""
    if not asked.coded:
        return (str(value),)
    ids = [c.id for c in asked.choices]
    if not isinstance(value, bool) and str(value) in ids:
        return (str(value),)
    meant = tuple(
        c.id
        for c in asked.choices
        if c.value is not None and c.value == value and isinstance(c.value, bool) == isinstance(value, bool)
    )
    if not meant:
        known = [*ids, *(str(c.value).lower() for c in asked.choices if c.value is not None)]
        raise InstrumentError(
            f"'{asked.item.id}' has no category '{str(value).lower() if isinstance(value, bool) else value}'",
            expected=did_you_mean(value, known),
            code="unknown-code",
        )
    return meant


def _of_choice(item: Item, choice: Choice, test: Test, missing: tuple[str, ...]) -> Bound:
    """A boolean variable that is a category of a select_multiple: chosen is yes, not chosen no."""
    if test.op not in ("eq", "ne") or not isinstance(test.value, bool):
        raise InstrumentError(
            f"'{choice.variable}' is a category of '{item.id}': it is true or false",
            found=f"{test.op}: {test.value}",
            code="wrong-comparison",
        )
    leaf = Codes(item.id, (choice.id,), missing, True)
    return leaf if (test.op == "eq") == test.value else Negated(leaf)


def _number(item: Item, test: Test, missing: tuple[str, ...]) -> Bound:
    if item.type in ("text", "date", "note", "select_multiple"):
        raise InstrumentError(
            f"'{item.id}' is {item.type}; it cannot be compared with '{test.op}'", code="wrong-comparison"
        )
    if test.op == "between" and isinstance(test.value, tuple):
        low, high = (_plain(v) for v in test.value)
        return Every((Number(item.id, "ge", low, missing), Number(item.id, "le", high, missing)))
    if test.op == "in" and isinstance(test.value, tuple):
        return AtLeastOf(1, tuple(Number(item.id, "eq", _plain(v), missing) for v in test.value))
    return Number(item.id, test.op, _plain(test.value), missing)


def _plain(value: object) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise InstrumentError("a number is needed here", found=str(value)[:40], code="wrong-comparison")


def _visible(asked: Asked, name: str, repeats: Sequence[str]) -> None:
    if asked.repeats != tuple(repeats[: len(asked.repeats)]):
        raise InstrumentError(
            f"'{name}' is asked in each row of '{asked.repeats[-1]}' and cannot be seen from outside it",
            hint="use a calculate with sum_rows or from_row",
            code="other-repeat",
        )


def calculated_choices(item: Item) -> tuple[Choice, ...]:
    """Categories of a calculated value: yes and no of a rule; a constant truth likewise."""
    made = item.calculate
    if made is None:
        return ()
    return _YES_NO if made.rule is not None or isinstance(made.constant, bool) else ()
