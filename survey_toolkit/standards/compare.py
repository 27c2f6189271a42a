"""What changed between two versions of a definition: texts, outputs, and rules down to the threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from survey_toolkit.errors import DefinitionError
from survey_toolkit.standards.models import DefinitionVersion, Output, Reference, in_language
from survey_toolkit.standards.registry import Registry
from survey_toolkit.standards.rule_nodes import (
    AllOf,
    AnyOf,
    AtLeast,
    Comparison,
    Criterion,
    NoneOf,
    Not,
    Rule,
    rule_variables,
)

__all__ = ["Change", "VersionDiff", "diff"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; ``before`` or ``after`` is None where a part is new or gone."""

    where: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.where}\n  + {self.after}"
        if self.after is None:
            return f"{self.where}\n  - {self.before}"
        return f"{self.where}\n  - {self.before}\n  + {self.after}"


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

    Rules are compared through the criteria they name, so that a threshold that moved shows as such even
    where the two versions use lists of their own.

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
    changes = [*_plain(one, two, language), *_outputs(one, two, walk)]
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
        if isinstance(one, Criterion) and isinstance(two, Criterion):
            where = f"{where}: {one.id} -> {two.id}"
            yield from self.rules(where, self.criteria[one.id], self.criteria[two.id])
        elif isinstance(one, Not) and isinstance(two, Not):
            yield from self.rules(f"{where}: not", one.part, two.part)
        elif self._same_kind(one, two):
            yield from self._parts(where, one.parts, two.parts)  # type: ignore[union-attr]
        else:
            yield Change(where, self.say(one), self.say(two))

    def _same_kind(self, one: Rule, two: Rule) -> bool:
        if isinstance(one, AtLeast) and isinstance(two, AtLeast):
            return one.n == two.n
        return type(one) is type(two) and isinstance(one, AllOf | AnyOf | NoneOf)

    def _parts(self, where: str, one: Sequence[Rule], two: Sequence[Rule]) -> Iterator[Change]:
        """Pair the parts that differ by the variables they read; the rest is new or gone."""
        gone = [part for part in one if part not in two]
        new = [part for part in two if part not in one]
        for part in gone:
            twin = next((other for other in new if self._reads(other) == self._reads(part)), None)
            if twin is None:
                yield Change(where, self.say(part), None)
                continue
            new.remove(twin)
            yield from self.rules(where, part, twin)
        for part in new:
            yield Change(where, None, self.say(part))

    def _reads(self, rule: Rule) -> frozenset[str] | str:
        if isinstance(rule, Comparison):
            return rule.variable
        return rule_variables(rule, criteria=self.criteria)
