"""Where a national folder of standards departs from the international ones, item by item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from survey_toolkit.standards.compare import Change, diff
from survey_toolkit.standards.models import Codelist, DefinitionVersion, Reference, in_language
from survey_toolkit.standards.registry import Registry, load

__all__ = ["Departure", "departures"]


@dataclass(frozen=True, slots=True)
class Departure:
    """One national item beside the international one it stands for.

    Attributes
    ----------
    item : str
        ``child_labour@khm-2024``, or the kind and id of an item: ``code list age_band``.
    base : str or None
        The international item; None for a concept of the country's own.
    changes : tuple of Change
        What is different: the international text before, the national after.
    references : tuple of Reference
        The national source.
    """

    item: str
    base: str | None
    changes: tuple[Change, ...]
    references: tuple[Reference, ...]

    def lines(self) -> tuple[str, ...]:
        """One line a change, to be published."""
        if self.base is None:
            return (f"{self.item} is a concept of this country; there is no international one.",)
        return tuple(_line(change) for change in self.changes)

    def __str__(self) -> str:
        head = f"{self.item} departs from {self.base}" if self.base else f"{self.item}: national"
        return "\n".join([head, *(f"  - {line}" for line in self.lines())])


def departures(registry: Registry, definition: str | None = None) -> tuple[Departure, ...]:
    """Every departure of a national registry, or those of one definition or version.

    Parameters
    ----------
    registry : Registry
        Without ``national.yaml`` there are no departures.
    definition : str, optional
        ``"child_labour"`` or ``"child_labour@khm-2024"``.

    Notes
    -----
    Departures are computed from the rules and lists themselves, so none can be forgotten. A version is
    compared with the one it is ``based_on``, else with the international default.

    Examples
    --------
    >>> departures(load())
    ()
    """
    if registry.national is None:
        return ()
    ours = load()
    found = [*_versions(registry, ours)]
    if definition is not None:
        wanted = definition.partition("@")[0] if "@" not in definition else definition
        return tuple(d for d in found if wanted in (d.item, d.item.partition("@")[0]))
    found += [*_defaults(registry, ours), *_codelists(registry, ours), *_others(registry, ours)]
    return tuple(found)


def _versions(registry: Registry, ours: Registry) -> Iterator[Departure]:
    for id, national in registry.definitions.items():
        theirs = ours.definitions.get(id)
        known = {v.version for v in theirs.versions} if theirs else set()
        for version in national.versions:
            if version.version not in known:
                base = version.based_on or (theirs.default if theirs else None)
                yield _version(registry, version, base)


def _version(registry: Registry, version: DefinitionVersion, base: str | None) -> Departure:
    if base is None:
        return Departure(version.key, None, (), version.references)
    before = registry.definition(version.id, base)
    found = diff(registry, before.key, version.key).changes
    kept = tuple(c for c in found if c.where.startswith("output ") or c.where == "reference period")
    return Departure(version.key, before.key, kept, version.references)


def _defaults(registry: Registry, ours: Registry) -> Iterator[Departure]:
    for id, definition in registry.definitions.items():
        theirs = ours.definitions.get(id)
        if theirs is not None and theirs.default != definition.default:
            change = Change("version used when none is named", theirs.default, definition.default)
            chosen = registry.definition(id)
            yield Departure(f"definition {id}", f"definition {id}", (change,), chosen.references)


def _codelists(registry: Registry, ours: Registry) -> Iterator[Departure]:
    for kind, id in sorted(registry.overridden):
        if kind == "codelists":
            one, two = ours.codelist(id), registry.codelist(id)
            changes = tuple(_codes(one, two))
            yield Departure(f"code list {id}", f"code list {id}", changes, two.references)


def _codes(one: Codelist, two: Codelist) -> Iterator[Change]:
    before, after = one.labels(), two.labels()
    for code in [*before, *(c for c in after if c not in before)]:
        texts = [f"{code}: {labels[code]}" if code in labels else None for labels in (before, after)]
        if texts[0] != texts[1]:
            yield Change("code", *texts)
        elif one.code(code) != two.code(code):
            yield Change("code", *(f"{texts[0]} ({_detail(c, code)})" for c in (one, two)))


def _detail(codelist: Codelist, code: str) -> str:
    item = codelist.code(code)
    told = item.model_dump(exclude={"id", "label", "references"}, exclude_defaults=True) if item else {}
    return ", ".join(f"{key} {value}" for key, value in told.items()) or "no further detail"


def _others(registry: Registry, ours: Registry) -> Iterator[Departure]:
    """Variables and indicators: the fields that differ."""
    for kind, id in sorted(registry.overridden):
        if kind == "codelists":
            continue
        one, two = (getattr(r, kind)[id] for r in (ours, registry))
        fields = _fields(one), _fields(two)
        keys = dict.fromkeys((*fields[0], *fields[1]))
        changes = tuple(
            Change(key, fields[0].get(key), fields[1].get(key))
            for key in keys
            if fields[0].get(key) != fields[1].get(key)
        )
        name = f"{kind[:-1]} {id}"
        yield Departure(name, name, changes, two.references)


def _fields(item: Any) -> dict[str, str]:
    told = item.model_dump(exclude={"id", "references"}, exclude_none=True)
    return dict(_flat(told, ""))


def _flat(data: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, Mapping):
        if set(data) >= {"en"}:
            yield path.strip("."), in_language(data)
            return
        for key, value in data.items():
            yield from _flat(value, f"{path}.{key}")
    elif isinstance(data, list | tuple) and any(isinstance(v, Mapping) for v in data):
        for i, value in enumerate(data):
            name = value.get("id", i) if isinstance(value, Mapping) else i
            inner = {k: v for k, v in value.items() if k not in ("id", "references")}
            yield from _flat(inner, f"{path}.{name}")
    elif data not in ((), [], {}):
        yield path.strip("."), str(data)


def _line(change: Change) -> str:
    where = change.where.removeprefix("output ").replace(": rule", "", 1)
    if change.before is None:
        return f"{where}: added - {change.after}"
    if change.after is None:
        return f"{where}: left out - {change.before}"
    return f"{where}: {change.after} (international: {change.before})"
