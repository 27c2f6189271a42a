"""What changed between two versions of a definition: texts, outputs, and rules down to the threshold."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from survey_toolkit.errors import DefinitionError
from survey_toolkit.standards.models import DefinitionVersion, Output, Reference, in_language
from survey_toolkit.standards.pairing import pair_rules
from survey_toolkit.standards.registry import Registry
from survey_toolkit.standards.rule_nodes import Comparison, Criterion, Not, Rule

__all__ = ["Change", "VersionDiff", "diff"]

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; ``before`` or ``after`` is None where a part is new or gone."""

    where: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        lines = [self.where]
        for sign, text in (("-", self.before), ("+", self.after)):
            if text is not None:
                lines += textwrap.wrap(
                    text,
                    _WIDTH,
                    initial_indent=f"  {sign} ",
                    subsequent_indent="    ",
                    break_long_words=False,
                )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """All differences between two versions."""

    first: str
    second: str
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        head = f"{self.first} -> {self.second}: {len(self.changes)} difference"
        head += "" if len(self.changes) == 1 else "s"
        return "\n".join([head, *map(str, self.changes)])


def diff(registry: Registry, first: str, second: str, *, language: str = "en") -> VersionDiff:
    """Compare two versions, ``id@version`` each.

    What decides comes first, then texts, dates and sources. Rules are compared through the criteria they
    name, so that a threshold that moved shows as such even where the two versions use lists of their own.

    Parameters
    ----------
    registry : Registry
    first, second : str
        From and to, e.g. ``child_labour@mics6``.
    language : str
        Of the sentences that tell the rules.

    Returns
    -------
    VersionDiff

    Raises
    ------
    DefinitionError
        If a definition or version is unknown, or the two are of different definitions.

    Examples
    --------
    >>> from survey_toolkit.standards import load
    >>> changes = diff(load(), "child_labour@mics6", "child_labour@sdg-2021").changes
    >>> print(next(c for c in changes if "chores_5_14" in c.where))
    output child_labour_b: rule: cl.mics6.chores_5_14 -> cl.sdg.chores_5_14
      - hours of household chores is at least 21
      + hours of household chores is above 21
    """
    one, two = registry.definition(first), registry.definition(second)
    if one.id != two.id:
        raise DefinitionError(
            "two versions of one definition can be compared",
            found=f"{one.key} and {two.key}",
            expected="the same id before the @",
            code="different-definitions",
        )
    walk = _Walk(registry, language, registry.criteria_rules(one) | registry.criteria_rules(two))
    changes = [*_together(_outputs(one, two, walk)), *_plain(one, two, language)]
    return VersionDiff(one.key, two.key, tuple(changes))


def _plain(one: DefinitionVersion, two: DefinitionVersion, language: str) -> Iterator[Change]:
    def period(v: DefinitionVersion) -> str:
        return f"{v.in_force.start or 'unknown'} to {v.in_force.end or 'now'}"

    def reference_period(v: DefinitionVersion) -> str | None:
        return in_language(v.reference_period, language) if v.reference_period else None

    pairs: tuple[tuple[str, str | None, str | None], ...] = (
        ("title", in_language(one.title, language), in_language(two.title, language)),
        ("text", in_language(one.text, language), in_language(two.text, language)),
        ("status", one.status, two.status),
        ("in force", period(one), period(two)),
        ("reference period", reference_period(one), reference_period(two)),
    )
    for where, before, after in pairs:
        if before != after:
            yield Change(where, before, after)
    yield from _sets("reference", _references(one.references), _references(two.references))


def _references(references: Sequence[Reference]) -> list[str]:
    return [f"{r.source}, {r.locator} ({r.verification})" for r in references]


def _sets(where: str, before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    for text in before:
        if text not in after:
            yield Change(where, text, None)
    for text in after:
        if text not in before:
            yield Change(where, None, text)


def _outputs(one: DefinitionVersion, two: DefinitionVersion, walk: _Walk) -> Iterator[Change]:
    for output in one.outputs:
        other = two.output(output.id)
        if other is None:
            yield Change(f"output {output.id}", walk.label(output), None)
            continue
        here = f"output {output.id}"
        for name in ("level", "lift"):
            if getattr(output, name) != getattr(other, name):
                yield Change(f"{here}: {name}", str(getattr(output, name)), str(getattr(other, name)))
        if output.universe is not None and other.universe is not None:
            yield from walk.rules(f"{here}: universe", output.universe, other.universe)
        elif output.universe != other.universe:
            sentences = [walk.say(u) if u is not None else None for u in (output.universe, other.universe)]
            yield Change(f"{here}: universe", *sentences)
        yield from walk.rules(f"{here}: rule", output.rule, other.rule)
    for output in two.outputs:
        if one.output(output.id) is None:
            yield Change(f"output {output.id}", None, walk.label(output))


def _together(changes: Iterator[Change]) -> Iterator[Change]:
    """One change for all outputs that share it, where the first of them stands."""
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for change in changes:
        output, colon, rest = change.where.partition(":")
        found.setdefault((colon + rest, change.before, change.after), []).append(output)
    for (rest, before, after), outputs in found.items():
        names = ", ".join(output.removeprefix("output ") for output in outputs)
        yield Change(f"output {names}{rest}", before, after)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Two rules side by side."""

    registry: Registry
    language: str
    criteria: Mapping[str, Rule]

    def say(self, rule: Rule) -> str:
        return self.registry.sentence(rule, self.language)

    def label(self, output: Output) -> str:
        return in_language(output.label, self.language)

    def rules(self, where: str, one: Rule, two: Rule) -> Iterator[Change]:
        if one == two:
            return
        pairs = list(pair_rules(one, two, self.criteria))
        if not pairs:
            yield from self._same(where, one, two)
        for pair in pairs:
            if isinstance(pair.one, Criterion) and isinstance(pair.two, Criterion):
                inner = f"{where}: {pair.one.id} -> {pair.two.id}"
                yield from self.rules(inner, self.criteria[pair.one.id], self.criteria[pair.two.id])
            else:
                yield Change(where, *(None if p is None else self.say(p) for p in (pair.one, pair.two)))

    def _same(self, where: str, one: Rule, two: Rule) -> Iterator[Change]:
        """The same facts decide. Criteria of the same rule with other ids are worth no word."""
        if [type(n) for n in _shape(one)] != [type(n) for n in _shape(two)]:
            yield Change(
                f"{where}: the same answers decide, in another wording", self.say(one), self.say(two)
            )


def _shape(rule: Rule) -> Iterator[Rule]:
    """Nodes of a rule from the top, criteria not followed."""
    yield rule
    if not isinstance(rule, Comparison | Criterion):
        for part in (rule.part,) if isinstance(rule, Not) else rule.parts:
            yield from _shape(part)
