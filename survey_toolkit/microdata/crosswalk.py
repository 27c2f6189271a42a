"""Crosswalks: how a survey's own variables become harmonized ones, as data a person can read and check.

A crosswalk is a YAML file. Its levels are the survey's files (household, person, job); each level names
its keys, the rows that count, the codes that are no answer, the columns carried along, and its targets.
Each target is made in exactly one way, and says how far it matches: complete, partial or impossible.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, model_validator

from survey_toolkit._resources import data_root
from survey_toolkit._yaml import StrictModel, YamlDocument, load_document
from survey_toolkit.errors import HarmonizationError, did_you_mean
from survey_toolkit.microdata.model import MISSING_REASONS
from survey_toolkit.standards.models import Reference, Source, StandardVariable
from survey_toolkit.standards.rules import Rule, parse_rule, rule_tree, rule_variables

if TYPE_CHECKING:
    from survey_toolkit.standards.registry import Registry

__all__ = [
    "OPEN",
    "Country",
    "Crosswalk",
    "Level",
    "MissingMap",
    "SourceCode",
    "Target",
    "Value",
    "code_range",
    "describe",
    "load_crosswalk",
    "shipped_crosswalks",
]

#: An open place of a drafted crosswalk; a crosswalk does not load while it holds one.
OPEN = "<open>"

_RANGE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*\.\.\s*(-?[0-9]+(?:\.[0-9]+)?)")


def _reason(value: str) -> str:
    if value not in MISSING_REASONS:
        raise ValueError(f"unknown missing reason '{value}'; {did_you_mean(value, MISSING_REASONS)}")
    return value


Reason = Annotated[str, AfterValidator(_reason)]
SourceCode = bool | int | float | str
Value = bool | int | float | str

if TYPE_CHECKING:
    RuleField = Rule
else:
    RuleField = Annotated[Any, PlainValidator(parse_rule), PlainSerializer(rule_tree)]


class Country(StrictModel):
    """ISO 3166-1 alpha-3 code and, if wanted, the name."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    name: str | None = None


class MissingMap(StrictModel):
    """Codes that are no answer, for a whole level: by column and code, or by the label's wording."""

    by_code: dict[str, dict[SourceCode, Reason]] = Field(default_factory=dict)
    by_label: dict[str, Reason] = Field(default_factory=dict)


class Convert(StrictModel):
    """A change of unit: the value times ``factor`` plus ``offset``."""

    factor: float = 1.0
    offset: float = 0.0


class Target(StrictModel):
    """One harmonized variable and the one way it is made.

    Made from one column (``source``, ``label`` or, of a target above, ``from``), by a ``rule``, as a
    ``sum``, as the ``first_of`` several, or as a ``constant``; or ``status: impossible`` with a reason.
    """

    source: str | None = None
    label: Annotated[str | None, Field(description="label of the source column, instead of its name")] = None
    from_: Annotated[str | None, Field(alias="from", description="a target made above")] = None
    rule: RuleField | None = None
    sum: tuple[str, ...] = ()
    first_of: tuple[str, ...] = ()
    constant: Value | None = None
    recode: dict[SourceCode, Value] = Field(default_factory=dict)
    recode_labels: dict[str, Value] = Field(default_factory=dict)
    band: Annotated[bool, Field(description="number to the band of the target's code list")] = False
    convert: Convert | None = None
    range: tuple[float, float] | None = None
    missing: dict[SourceCode, Reason] = Field(default_factory=dict)
    blank: Annotated[Reason | None, Field(description="reason of blank cells")] = None
    universe: RuleField | None = None
    outside: Annotated[Value | None, Field(description="value outside the universe")] = None
    unmapped: Literal["error", "missing"] = "error"
    on_missing: dict[Reason, Value] = Field(default_factory=dict)
    status: Literal["complete", "partial", "impossible"] = "complete"
    reason: Annotated[Reason | None, Field(description="why impossible")] = None
    note: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        ways = self.ways()
        if self.status == "impossible":
            if ways:
                raise ValueError(f"an impossible target is not made; remove '{ways[0]}'")
            return self
        if len(ways) != 1:
            found = " and ".join(f"'{w}'" for w in ways) or "none"
            raise ValueError(
                "a target is made in exactly one way: source, label, from, rule, sum, first_of or "
                f"constant; found {found}"
            )
        if self.status == "partial" and not self.note:
            raise ValueError("a partial target needs a note: what is not comparable?")
        self._column_only(ways[0])
        return self

    def _column_only(self, way: str) -> None:
        single = way in ("source", "label", "from")
        used = [k for k in ("recode", "recode_labels", "band", "missing") if getattr(self, k)]
        if used and not single:
            raise ValueError(f"'{used[0]}' needs a single source, not '{way}'")
        if self.blank and way in ("rule", "constant", "from"):
            raise ValueError(f"'blank' needs source columns, not '{way}'")
        if self.outside is not None and self.universe is None:
            raise ValueError("'outside' needs a 'universe'")
        if self.recode and self.recode_labels:
            raise ValueError("recode by code or by label, not both")

    def ways(self) -> list[str]:
        """Keys that say how the target is made."""
        given = {
            "source": self.source is not None,
            "label": self.label is not None,
            "from": self.from_ is not None,
            "rule": self.rule is not None,
            "sum": bool(self.sum),
            "first_of": bool(self.first_of),
            "constant": self.constant is not None,
        }
        return [name for name, is_given in given.items() if is_given]

    def results(self) -> tuple[Value, ...]:
        """Every value the target may be given by its own words."""
        fixed = [self.constant, self.outside]
        listed = (*self.recode.values(), *self.recode_labels.values(), *self.on_missing.values())
        return (*listed, *(v for v in fixed if v is not None))

    def reads(self) -> tuple[str, ...]:
        """Columns or targets it names, in order."""
        named = [n for n in (self.source, self.from_) if n is not None]
        named += [*self.sum, *self.first_of]
        for rule in (self.rule, self.universe):
            named += sorted(rule_variables(rule)) if rule is not None else []
        return tuple(dict.fromkeys(named))


class Level(StrictModel):
    """One file of the survey."""

    file_key: Annotated[tuple[str, ...], Field(description="columns that name one row")] = ()
    filter: Annotated[RuleField | None, Field(description="rows that count; rule on source columns")] = None
    filter_note: str = ""
    missing: MissingMap = MissingMap()
    keep: Annotated[tuple[str, ...], Field(description="columns carried along unchanged")] = ()
    targets: Annotated[dict[str, Target], Field(min_length=1)]


class Crosswalk(StrictModel):
    """A survey's crosswalk."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    country: Country
    survey: str
    period: str
    status: Literal["draft", "reviewed", "tested"] = "draft"
    sources: Annotated[tuple[Source, ...], Field(description="documents of this survey only")] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    levels: Annotated[dict[str, Level], Field(min_length=1)]

    @cached_property
    def only_level(self) -> str | None:
        """The level, if there is one only."""
        return next(iter(self.levels)) if len(self.levels) == 1 else None


def shipped_crosswalks() -> dict[str, Path]:
    """Id to file of the crosswalks that ship with the package.

    Examples
    --------
    >>> "ecu_enemdu_2021q1" in shipped_crosswalks()
    True
    """
    folder = data_root("harmonization") / "crosswalks"
    return {p.stem: p for p in sorted(folder.glob("*.yaml"))}


def load_crosswalk(
    crosswalk: str | os.PathLike[str] | Crosswalk, *, registry: Registry | None = None
) -> Crosswalk:
    """Load a crosswalk and check it against the registry; every problem is told with its line.

    Parameters
    ----------
    crosswalk : path, shipped id or Crosswalk
    registry : Registry, optional
        Target variables and their code lists; default the shipped standards.

    Raises
    ------
    HarmonizationError
        No such crosswalk; unknown keys; a target the registry does not know; a value that is not in
        the target's code list or not of its type.

    Examples
    --------
    >>> load_crosswalk("ecu_enemdu_2021q1").country.code
    'ECU'
    """
    from survey_toolkit.standards.registry import load

    if isinstance(crosswalk, Crosswalk):
        document = YamlDocument(None, crosswalk.id, {})
        model = crosswalk
    else:
        document = load_document(_find(crosswalk), name=_shown(crosswalk), error=HarmonizationError)
        _refuse_open_places(document)
        model = document.validate(Crosswalk, error=HarmonizationError)
    problems = list(_registry_problems(model, document, registry or load()))
    if problems:
        raise HarmonizationError(
            f"crosswalk '{model.id}' does not fit the standards",
            problems=problems,
            hint="correct the lines named above; 'survey-toolkit standards list' shows the variables",
            code="invalid-crosswalk",
        )
    return model


def _refuse_open_places(document: YamlDocument) -> None:
    places = [document.where(path) for path in _open_places(document.data, ())]
    if places:
        raise HarmonizationError(
            f"the draft has {len(places)} open place{'s' if len(places) != 1 else ''}",
            problems=places,
            hint=f"replace every {OPEN}, or remove the target or declare it impossible",
            code="open-places",
        )


def _open_places(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from ((*path, key),) if OPEN in (key, value) else _open_places(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from ((*path, index),) if value == OPEN else _open_places(value, (*path, index))


def _shown(crosswalk: str | os.PathLike[str]) -> str:
    return Path(crosswalk).name if not str(crosswalk).endswith((".yaml", ".yml")) else str(crosswalk)


def _find(crosswalk: str | os.PathLike[str]) -> Path:
    path = Path(crosswalk)
    if path.suffix.lower() in (".yaml", ".yml") or path.is_file():
        return path
    shipped = shipped_crosswalks()
    if str(crosswalk) not in shipped:
        raise HarmonizationError(
            f"there is no crosswalk '{crosswalk}'",
            expected=did_you_mean(crosswalk, shipped),
            hint="give a shipped id, or the path of a .yaml file",
            code="unknown-crosswalk",
        )
    return shipped[str(crosswalk)]


def _registry_problems(crosswalk: Crosswalk, document: YamlDocument, registry: Registry) -> Iterator[str]:
    known_sources = {*registry.sources, *(s.id for s in crosswalk.sources)}
    for index, reference in enumerate(crosswalk.references):
        if reference.source not in known_sources:
            near = did_you_mean(reference.source, known_sources)
            yield f"{document.where(('references', index))}: there is no source '{reference.source}'; {near}"
    for level_name, level in crosswalk.levels.items():
        earlier: set[str] = set()
        for name, target in level.targets.items():
            path = ("levels", level_name, "targets", name)
            if name not in registry.variables:
                known = did_you_mean(name, registry.variables)
                yield f"{document.where(path)}: there is no harmonized variable '{name}'; {known}"
                continue
            if target.from_ is not None and target.from_ not in earlier:
                known = did_you_mean(target.from_, earlier)
                yield f"{document.where((*path, 'from'))}: no target '{target.from_}' above; {known}"
            for problem in _value_problems(registry.variables[name], target, registry):
                yield f"{document.where(path)}: {problem}"
            if target.status != "impossible":
                earlier.add(name)


def _value_problems(variable: StandardVariable, target: Target, registry: Registry) -> Iterator[str]:
    codelist = registry.codelist(variable.codelist) if variable.codelist else None
    if target.band and (codelist is None or not any(c.interval for c in codelist.codes)):
        yield f"'{variable.id}' has no bands; only a variable whose code list gives intervals can be banded"
    if target.rule is not None and variable.type != "boolean":
        yield f"'{variable.id}' is {variable.type}; a rule gives yes, no or unknown"
    for value in dict.fromkeys((type(v), v) for v in target.results()):
        if codelist is not None:
            if value[1] not in codelist.details():
                known = did_you_mean(value[1], codelist.details())
                yield f"'{value[1]}' is no code of '{codelist.id}'; {known}"
        elif not _fits(value[1], variable.type):
            yield f"'{variable.id}' is {variable.type}, found the value {value[1]!r}"


def _fits(value: Value, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def code_range(key: SourceCode) -> tuple[float, float] | None:
    """Ends of a key such as ``"1..11"``, or None for a single code.

    Examples
    --------
    >>> code_range("1..11"), code_range(5)
    ((1.0, 11.0), None)
    """
    match = _RANGE.fullmatch(key.strip()) if isinstance(key, str) else None
    return (float(match.group(1)), float(match.group(2))) if match else None


def describe(target: Target, variable_labels: Mapping[str, str] | None = None) -> str:
    """Say in words what a target's entry does."""
    from survey_toolkit.standards.rules import rule_sentence

    labels = variable_labels or {}
    parts: list[str] = []
    way = target.ways()[0] if target.ways() else "impossible"
    named = {"source": target.source, "label": f"the column labelled '{target.label}'", "from": target.from_}
    if way in named:
        parts.append(f"{named[way]}")
    elif way == "rule" and target.rule is not None:
        parts.append(f"yes if {rule_sentence(target.rule, variable_labels=labels)}")
    elif way in ("sum", "first_of"):
        parts.append(f"{'sum' if way == 'sum' else 'first known'} of {', '.join(getattr(target, way))}")
    elif way == "constant":
        parts.append(f"always {target.constant}")
    else:
        parts.append("cannot be made")
    mapping = target.recode or target.recode_labels
    if mapping:
        parts.append("recoded " + ", ".join(f"{k} to {_say(v)}" for k, v in mapping.items()))
    if target.band:
        parts.append("put into bands")
    if target.convert:
        parts.append(f"times {target.convert.factor:g} plus {target.convert.offset:g}")
    if target.range:
        parts.append(f"kept from {target.range[0]:g} to {target.range[1]:g}")
    if target.universe is not None:
        outside = "not applicable" if target.outside is None else _say(target.outside)
        parts.append(f"where {rule_sentence(target.universe, variable_labels=labels)}, else {outside}")
    parts += [f"{reason} counts as {_say(value)}" for reason, value in target.on_missing.items()]
    return "; ".join(parts)


def _say(value: Value) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
