"""Rules on the questions of a form: bound to items and codes, then written as XPath, evaluated, or said.

A rule of the standards names harmonized variables and harmonized values; a form has questions and codes.
Binding replaces each leaf by a test on one item. From the bound rule two XPath expressions are made: one
that is true exactly when the rule is *met*, one exactly when it is *not met*. Where neither is true the
rule is undetermined: the question was not asked, or was answered don't know, refused, not applicable.
XPath itself knows two values only, so this pair carries Kleene's three:

    met(all_of)  = every part met            not_met(all_of)  = some part not met
    met(at_least n of k) = n parts met       not_met = k - n + 1 parts not met
    met(not p)   = not_met(p)                not_met(not p)   = met(p)

``relevant`` is *met* (or *not not_met*, with ``when_unknown: ask``); a ``constraint`` is *not not_met*: it
blocks only what is surely wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from survey_toolkit.standards.rules import at_least

__all__ = [
    "AtLeastOf",
    "Bound",
    "Codes",
    "Every",
    "Negated",
    "Number",
    "Unknown",
    "bound_items",
    "constraint_xpath",
    "digits",
    "evaluate",
    "implied_codes",
    "is_known",
    "known_xpath",
    "met_xpath",
    "not_met_xpath",
    "relevant_xpath",
    "say",
]

_SYMBOLS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "!="}
_OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
_WORDS = {"lt": "below", "le": "at most", "gt": "above", "ge": "at least", "eq": "equal to", "ne": "not"}


@dataclass(frozen=True, slots=True)
class Codes:
    """The answer is one of ``codes`` (of several answers: some one is). ``missing`` are no answers."""

    item: str
    codes: tuple[str, ...]
    missing: tuple[str, ...] = ()
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """The answer compares with a number."""

    item: str
    op: str
    value: float | int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The item is not answered: blank, or one of the missing codes. Never itself unknown."""

    item: str
    missing: tuple[str, ...] = ()
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class AtLeastOf:
    """At least ``n`` parts hold."""

    n: int
    parts: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """The part does not hold."""

    part: Bound


Bound: TypeAlias = Codes | Number | Unknown | Every | AtLeastOf | Negated
#: Answers of one respondent, by item; a select_multiple is a sequence of codes.
Answers: TypeAlias = Mapping[str, Any]


def bound_items(rule: Bound) -> tuple[str, ...]:
    """Items a rule reads, in writing order, each once."""
    if isinstance(rule, Every | AtLeastOf):
        return tuple(dict.fromkeys(name for part in rule.parts for name in bound_items(part)))
    return bound_items(rule.part) if isinstance(rule, Negated) else (rule.item,)


def implied_codes(rule: Bound) -> frozenset[tuple[str, str]]:
    """Items and the one code that each must have for the rule to be met: what stands gate to it.

    Examples
    --------
    >>> either = AtLeastOf(1, (Codes("a", ("1",)), Codes("b", ("1",))))
    >>> sorted(implied_codes(Every((Codes("consent", ("1",)), either))))
    [('consent', '1')]
    """
    if isinstance(rule, Every):
        return frozenset().union(*(implied_codes(part) for part in rule.parts))
    if isinstance(rule, AtLeastOf):
        each = [implied_codes(part) for part in rule.parts]
        return (
            frozenset[tuple[str, str]]().union(*each)
            if rule.n == len(each)
            else each[0].intersection(*each[1:])
        )
    if isinstance(rule, Codes) and len(rule.codes) == 1:
        return frozenset(((rule.item, rule.codes[0]),))
    return frozenset()


def relevant_xpath(rule: Bound, *, ask_unknown: bool = False, current: str | None = None) -> str:
    """XPath of ``relevant``."""
    return f"not({not_met_xpath(rule, current)})" if ask_unknown else met_xpath(rule, current)


def constraint_xpath(rule: Bound, current: str) -> str:
    """XPath of ``constraint``: all but what is surely wrong; ``current`` is the item it stands on."""
    return f"not({not_met_xpath(rule, current)})"


def met_xpath(rule: Bound, current: str | None = None) -> str:
    """XPath that is true exactly when the rule is met.

    Examples
    --------
    >>> met_xpath(Codes("q1", ("1", "2"), ("98",)))
    "(${q1} = '1' or ${q1} = '2')"
    >>> met_xpath(Negated(Codes("q1", ("1",), ("98",))))
    "(${q1} != '' and ${q1} != '98' and not(${q1} = '1'))"
    >>> met_xpath(Number("age", "ge", 18, ("998",)))
    "(${age} != '' and ${age} != 998 and ${age} >= 18)"
    """
    if isinstance(rule, Every):
        return _joined(" and ", [met_xpath(part, current) for part in rule.parts])
    if isinstance(rule, AtLeastOf):
        return _counted(rule.n, [met_xpath(part, current) for part in rule.parts])
    if isinstance(rule, Negated):
        return not_met_xpath(rule.part, current)
    if isinstance(rule, Unknown):
        return f"not({known_xpath(rule.item, rule.missing, rule.multiple, current=current)})"
    if isinstance(rule, Number):
        return _number(rule, rule.op, current)
    if rule.multiple:
        known = known_xpath(rule.item, rule.missing, True, current=current)
        return (
            _joined(" and ", [known, _any_code(rule, current)]) if rule.missing else _any_code(rule, current)
        )
    return _any_code(rule, current)


def not_met_xpath(rule: Bound, current: str | None = None) -> str:
    """XPath that is true exactly when the rule is not met."""
    if isinstance(rule, Every):
        return _counted(1, [not_met_xpath(part, current) for part in rule.parts])
    if isinstance(rule, AtLeastOf):
        return _counted(len(rule.parts) - rule.n + 1, [not_met_xpath(part, current) for part in rule.parts])
    if isinstance(rule, Negated):
        return met_xpath(rule.part, current)
    if isinstance(rule, Unknown):
        return known_xpath(rule.item, rule.missing, rule.multiple, current=current)
    if isinstance(rule, Number):
        return _number(rule, _OPPOSITE[rule.op], current)
    known = known_xpath(rule.item, rule.missing, rule.multiple, current=current)
    return _joined(" and ", [*_flat(known), f"not({_any_code(rule, current)})"])


def known_xpath(
    item: str,
    missing: Sequence[str] = (),
    multiple: bool = False,
    *,
    numeric: bool = False,
    current: str | None = None,
) -> str:
    """XPath that is true when the item has a real answer.

    A number is compared with its missing codes as a number: 98 may be stored as ``98.0``.
    """
    name = _ref(item, current)
    tests = [f"{name} != ''"]
    for code in missing:
        if multiple:
            tests.append(f"not(selected({name}, {quote(code)}))")
        else:
            tests.append(f"{name} != {code if numeric else quote(code)}")
    return _joined(" and ", tests)


def quote(text: str) -> str:
    """An XPath string; XPath 1.0 has no escape, so the other quote is taken."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def digits(value: float) -> str:
    """A number as XPath writes it: no exponent.

    Examples
    --------
    >>> digits(1e9), digits(2.5)
    ('1000000000', '2.5')
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _ref(item: str, current: str | None) -> str:
    return "." if item == current else f"${{{item}}}"


def _any_code(rule: Codes, current: str | None) -> str:
    name = _ref(rule.item, current)
    if rule.multiple:
        return _joined(" or ", [f"selected({name}, {quote(code)})" for code in rule.codes])
    return _joined(" or ", [f"{name} = {quote(code)}" for code in rule.codes])


def _number(rule: Number, op: str, current: str | None) -> str:
    known = known_xpath(rule.item, rule.missing, numeric=True, current=current)
    return _joined(
        " and ", [*_flat(known), f"{_ref(rule.item, current)} {_SYMBOLS[op]} {digits(rule.value)}"]
    )


def _flat(known: str) -> list[str]:
    """The tests of a conjunction without the brackets around it."""
    return [known[1:-1]] if known.startswith("(") else [known]


def _joined(operator: str, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + operator.join(parts) + ")"


def _counted(n: int, parts: Sequence[str]) -> str:
    if n == 1:
        return _joined(" or ", parts)
    if n == len(parts):
        return _joined(" and ", parts)
    return "(" + " + ".join(f"if({part}, 1, 0)" for part in parts) + f" >= {n})"


def evaluate(rule: Bound, answers: Answers) -> bool | None:
    """Met, not met, or None: on answers as the form stores them. The reference for the XPath.

    Examples
    --------
    >>> evaluate(Codes("q", ("1",), ("98",)), {"q": "98"}) is None
    True
    >>> evaluate(Negated(Codes("q", ("1",), ("98",))), {"q": "2"})
    True
    """
    if isinstance(rule, Every):
        return at_least(len(rule.parts), [evaluate(p, answers) for p in rule.parts])
    if isinstance(rule, AtLeastOf):
        return at_least(rule.n, [evaluate(p, answers) for p in rule.parts])
    if isinstance(rule, Negated):
        inner = evaluate(rule.part, answers)
        return None if inner is None else not inner
    value: Any = answers.get(rule.item)
    known = is_known(value, rule.missing)
    if isinstance(rule, Unknown):
        return not known
    if not known:
        return None
    if isinstance(rule, Number):
        return _COMPARE[rule.op](float(value), float(rule.value))
    if rule.multiple:
        return any(code in value for code in rule.codes)
    return str(value) in rule.codes


def is_known(value: Any, missing: Sequence[str]) -> bool:
    """Whether a stored answer is a real one."""
    if value is None or value == "" or value == [] or value == ():
        return False
    if isinstance(value, list | tuple):
        return not any(code in value for code in missing)
    if isinstance(value, int | float):
        return not any(float(value) == float(code) for code in missing)
    return str(value) not in missing


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def say(rule: Bound, names: Mapping[str, str], labels: Mapping[str, Mapping[str, str]]) -> str:
    """Say a bound rule with question numbers and category texts, as paper and codebook need it.

    Examples
    --------
    >>> say(Every((Codes("q", ("1",)), Number("a", "ge", 18))), {"q": "FL1", "a": "C4"}, {"q": {"1": "Yes"}})
    'FL1 is Yes (1) and C4 is at least 18'
    """
    if isinstance(rule, Every):
        return " and ".join(_bracketed(part, names, labels) for part in rule.parts)
    if isinstance(rule, AtLeastOf):
        said = [_bracketed(part, names, labels) for part in rule.parts]
        if rule.n == 1:
            return " or ".join(said)
        return f"at least {rule.n} of these: " + "; ".join(said)
    if isinstance(rule, Negated):
        return f"not ({say(rule.part, names, labels)})"
    name = names.get(rule.item, rule.item)
    if isinstance(rule, Unknown):
        return f"{name} has no answer"
    if isinstance(rule, Number):
        return f"{name} is {_WORDS[rule.op]} {digits(rule.value)}"
    texts = labels.get(rule.item, {})
    codes = " or ".join(f"{texts[code]} ({code})" if code in texts else code for code in rule.codes)
    return f"{name} {'includes' if rule.multiple else 'is'} {codes}"


def _bracketed(rule: Bound, names: Mapping[str, str], labels: Mapping[str, Mapping[str, str]]) -> str:
    text = say(rule, names, labels)
    simple = not isinstance(rule, Every | AtLeastOf) or len(rule.parts) == 1
    return text if simple else f"({text})"
