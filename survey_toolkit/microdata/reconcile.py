"""One data set under two versions of a definition: who moved, why, and what it does to the rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from survey_toolkit._frames import MET, NOT_APPLICABLE, NOT_MET, STATUS_SUFFIX, UNDETERMINED
from survey_toolkit.errors import DefinitionError, HarmonizationError, did_you_mean
from survey_toolkit.microdata._cells import DTYPES, rule_mask
from survey_toolkit.microdata.classify import classify
from survey_toolkit.microdata.derive import derive_for
from survey_toolkit.microdata.model import Microdata
from survey_toolkit.microdata.reconciliation import Movement, Rate, Reconciliation, Transition
from survey_toolkit.microdata.rows import linked_rows
from survey_toolkit.standards.models import ROW_LEVELS, DefinitionVersion, Output
from survey_toolkit.standards.pairing import Pair, pair_rules
from survey_toolkit.standards.rules import Criterion, Rule, rule_variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from survey_toolkit.estimation import SurveyDesign
    from survey_toolkit.standards.registry import Registry

__all__ = ["reconcile"]

_STATUSES = (MET, NOT_MET, UNDETERMINED, NOT_APPLICABLE)
_UNKNOWN = -1


def reconcile(
    data: Microdata,
    first: str,
    second: str,
    *,
    output: str | None = None,
    weight: str | None = None,
    design: SurveyDesign | None = None,
    episodes: Mapping[str, Microdata] | None = None,
    missing_criteria: Literal["error", "unknown"] = "error",
    registry: Registry | None = None,
) -> Reconciliation:
    r"""Classify one data set under two versions and tell who moved, why, and the effect on the rate.

    Parameters
    ----------
    data : Microdata
        Harmonized persons.
    first, second : str
        ``"child_labour@mics6"`` and ``"child_labour@sdg-2021"``: two versions of one definition.
    output : str, optional
        Status compared; may be left out where the two versions share only one.
    weight : str, optional
        Weight column; default the weight of the design, or one for everybody.
    design : SurveyDesign, optional
        How the sample was drawn; gives the standard error of the difference of the two rates.
    episodes, missing_criteria, registry
        As in :func:`classify`.

    Returns
    -------
    Reconciliation
        Everybody by status under either version, the movements with their reasons, both rates with the
        bounds that the undetermined leave, and the difference with each movement's share in it.

    Raises
    ------
    DefinitionError
        Two definitions, an unknown version, or an output that one of them does not have.
    HarmonizationError
        A variable or the weight is missing.

    Notes
    -----
    A reason is a part of the rule that differs between the versions and whose truth value differs for the
    person (for work or episodes: in any of their rows); unknown is a value of its own. The rate is the
    weighted share of the met among the decided, :math:`p_k = \sum w y_k / D_k, D_k = \sum w d_k`, with
    :math:`y_k, d_k` met and decided under version k. A person contributes
    :math:`w (y_2 - p_1 d_2) / D_2 - w (y_1 - p_1 d_1) / D_1` to the difference, so that somebody who enters
    the decided lowers or raises the rate as their own status says. All
    contributions, those who did not move included, add up to the difference. Its standard error is that of
    the total of :math:`w z`, :math:`z = (y_2 - p_2 d_2) / D_2 - (y_1 - p_1 d_1) / D_1`
    (Taylor linearization; Woodruff 1971).

    Examples
    --------
    >>> import pandas as pd
    >>> people = Microdata.from_frame(pd.DataFrame({
    ...     "age": [16, 16, 16, 9], "ea_any": [True, True, True, False], "ea_hours": [43.0, 44.0, 20.0, None],
    ...     "chores_any": [False] * 4, "chores_hours": [0.0] * 4}))
    >>> found = reconcile(people, "child_labour@mics6", "child_labour@sdg-2021", output="child_labour_a")
    >>> found.movements[0].reasons
    ('aged 15-17 with at least 43 hours of economic activity -> ... more than 43 hours of economic activity',)
    >>> found.first_rate.value, found.second_rate.value, found.difference
    (0.5, 0.25, -0.25)
    """
    from survey_toolkit.standards.registry import load

    registry = registry or load()
    one, two = _versions(registry, first, second)
    name = _output(one, two, output)
    if design is not None and weight is None:
        weight = design.weight
    options: dict[str, Any] = {"missing_criteria": missing_criteria, "registry": registry}
    statuses = []
    for version in (one, two):
        only = version.model_copy(update={"outputs": (_known(version, name),)})
        done = classify(data, only, episodes=episodes, **options)
        statuses.append(_status(done, name, version.key))
    weights = _weights(data, weight)
    task = _Task(registry, one, two, name, data, dict(episodes or {}))
    reasons = task.reasons(statuses[0] != statuses[1])
    return _assemble(task, statuses, weights, reasons, weight, design)


def _versions(registry: Registry, first: str, second: str) -> tuple[DefinitionVersion, DefinitionVersion]:
    one, two = registry.deciding(first), registry.deciding(second)
    if one.id != two.id:
        raise DefinitionError(
            "two versions of one definition can be reconciled",
            found=f"{one.key} and {two.key}",
            expected="the same id before the @",
            code="different-definitions",
        )
    return one, two


def _output(one: DefinitionVersion, two: DefinitionVersion, name: str | None) -> str:
    shared = [o.id for o in one.outputs if two.output(o.id) is not None]
    if name is None and len(shared) == 1:
        return shared[0]
    if name not in shared:
        raise DefinitionError(
            "name the status to reconcile" if name is None else f"no status '{name}' in both versions",
            where=f"{one.key}, {two.key}",
            expected=", ".join(shared) or "a status that both versions give",
            hint=did_you_mean(name, shared) if name else "pass output=...",
            code="unknown-output",
        )
    return name


def _known(version: DefinitionVersion, name: str) -> Output:
    return next(output for output in version.outputs if output.id == name)


def _status(done: Microdata, name: str, key: str) -> NDArray[np.object_]:
    if name + STATUS_SUFFIX not in done.frame:
        raise HarmonizationError(
            f"{name} could not be classified under {key}", found=done.notes[-1], code="not-classified"
        )
    return done.frame[name + STATUS_SUFFIX].to_numpy(dtype=object)


def _weights(data: Microdata, weight: str | None) -> NDArray[np.float64]:
    if weight is None:
        return np.ones(data.n_rows)
    if weight not in data.frame:
        raise HarmonizationError(
            f"there is no weight column '{weight}'",
            where=data.source.name,
            expected=did_you_mean(weight, data.frame.columns),
            code="missing-weight",
        )
    values = data.frame[weight].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isnan(values).any() or (values < 0).any():
        raise HarmonizationError(
            "a weight is missing or negative", where=f"{data.source.name}: {weight}", code="bad-weight"
        )
    return values


@dataclass(slots=True)
class _Task:
    """The two versions on the data."""

    registry: Registry
    one: DefinitionVersion
    two: DefinitionVersion
    name: str
    data: Microdata
    episodes: dict[str, Microdata]

    def rules(self) -> dict[str, Rule]:
        return {**self.registry.criteria_rules(self.one), **self.registry.criteria_rules(self.two)}

    def reasons(self, moved: NDArray[np.bool_]) -> list[tuple[str, ...]]:
        """For each person who moved the parts of the rules that say otherwise; empty for the others."""
        found: list[tuple[str, ...]] = [()] * len(moved)
        for text, differs in self._differences():
            for row in np.flatnonzero(differs & moved):
                found[row] = (*found[row], text)
        for row in np.flatnonzero(moved):
            found[row] = found[row] or ("several parts of the rule together",)
        return found

    def _differences(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        a, b = _known(self.one, self.name), _known(self.two, self.name)
        criteria = self.rules()
        if a.universe != b.universe:
            says = [
                self.registry.sentence(u) if u is not None else "everybody" for u in (a.universe, b.universe)
            ]
            pair = Pair(a.universe, b.universe, absent=True)
            yield f"universe: {says[0]} -> {says[1]}", self._differs(pair, "person", criteria)
        for pair in pair_rules(a.rule, b.rule, criteria):
            yield self._say(pair), self._differs(pair, a.level, criteria)

    def _differs(self, pair: Pair, level: str, criteria: Mapping[str, Rule]) -> NDArray[np.bool_]:
        data, rows = self.data, self.episodes
        for version in (self.one, self.two):
            data, rows = derive_for(data, version, criteria, rows, self.registry)
        frame, place = data.frame, np.arange(data.n_rows)
        if level in ROW_LEVELS and level in rows:
            parts = [p for p in (pair.one, pair.two) if p is not None]
            needed = set().union(*(rule_variables(p, criteria=criteria) for p in parts))
            frame, place = linked_rows(data, rows[level], level, needed)
        values = [self._truth(frame, rule, pair.absent, criteria) for rule in (pair.one, pair.two)]
        return np.bincount(place[values[0] != values[1]], minlength=data.n_rows) > 0

    def _truth(
        self, frame: Any, rule: Rule | None, absent: bool, criteria: Mapping[str, Rule]
    ) -> NDArray[np.int8]:
        """1, 0 or -1 for unknown."""
        if rule is None:
            return np.full(len(frame), int(absent), dtype=np.int8)
        lacking = [n for n in rule_variables(rule, criteria=criteria) if n not in frame]
        for name in lacking:  # taken as unknown, as the classification did
            frame = frame.assign(**{name: _empty(len(frame), self.registry.variables[name].type)})
        holds, unknown = rule_mask(frame, rule, where=f"reasons of {self.name}", criteria=criteria)
        return np.where(unknown, _UNKNOWN, holds).astype(np.int8)

    def _say(self, pair: Pair) -> str:
        one, two = (None if p is None else self.registry.sentence(p) for p in (pair.one, pair.two))
        if one is None:
            return f"new: {two}"
        if two is None:
            return f"gone: {one}"
        if isinstance(pair.one, Criterion) and isinstance(pair.two, Criterion):
            return _shortened(one, two)
        return f"{one} -> {two}"


def _shortened(one: str, two: str) -> str:
    """Two labels; the second from where they part, on a whole word."""
    a, b = one.split(" "), two.split(" ")
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if same < 2 or same == len(b):
        return f"{one} -> {two}"
    return f"{one} -> ... {' '.join(b[same:])}"


def _empty(n: int, kind: str) -> Any:
    import pandas as pd

    return pd.array([pd.NA] * n, dtype=DTYPES[kind])


def _assemble(
    task: _Task,
    statuses: list[NDArray[np.object_]],
    weights: NDArray[np.float64],
    reasons: list[tuple[str, ...]],
    weight: str | None,
    design: SurveyDesign | None,
) -> Reconciliation:
    first, second = statuses
    rates = tuple(_rate(status, weights) for status in statuses)
    share = _shares(statuses, weights, rates[0].value)
    keys = [(a, b, r) for a, b, r in zip(first, second, reasons, strict=True)]
    groups: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for row, key in enumerate(keys):
        if key[0] != key[1]:
            groups.setdefault(key, []).append(row)
    movements = [
        Movement(a, b, why, len(rows), float(weights[rows].sum()), float(share[rows].sum()))
        for (a, b, why), rows in groups.items()
    ]
    order = sorted(movements, key=lambda m: (-m.weighted, m.before, m.after, m.reasons))
    moved = first != second
    places = np.zeros(len(first), dtype=np.int64)
    for number, movement in enumerate(order):
        places[groups[movement.before, movement.after, movement.reasons]] = number
    error = None if design is None else _standard_error(task.data, statuses, weights, design)
    transitions = [
        Transition(a, b, int(n), float(weights[both].sum()))
        for a in _STATUSES
        for b in _STATUSES
        if (n := (both := (first == a) & (second == b)).sum())
    ]
    for number, t in enumerate(transitions, len(order)):
        if t.before == t.after:
            places[first == t.before] = np.where(moved[first == t.before], places[first == t.before], number)
    return Reconciliation(
        first=task.one.key,
        second=task.two.key,
        output=task.name,
        n=len(first),
        weight=weight,
        first_rate=rates[0],
        second_rate=rates[1],
        difference=rates[1].value - rates[0].value,
        standard_error=error,
        stayed=float(share[~moved].sum()),
        transitions=tuple(transitions),
        movements=tuple(order),
        moved=moved,
        places=places,
    )


def _rate(status: NDArray[np.object_], weights: NDArray[np.float64]) -> Rate:
    met, not_met, unknown = (float(weights[status == s].sum()) for s in (MET, NOT_MET, UNDETERMINED))
    decided, everybody = met + not_met, met + not_met + unknown
    return Rate(
        value=met / decided if decided else float("nan"),
        lower=met / everybody if everybody else float("nan"),
        upper=(met + unknown) / everybody if everybody else float("nan"),
        n_met=int((status == MET).sum()),
        n_decided=int(np.isin(status, (MET, NOT_MET)).sum()),
        n_undetermined=int((status == UNDETERMINED).sum()),
    )


def _shares(
    statuses: list[NDArray[np.object_]], weights: NDArray[np.float64], rate: float
) -> NDArray[np.float64]:
    """What each person adds to the difference of the two rates, the first of which is ``rate``."""
    parts = []
    for status in statuses:
        met, decided = status == MET, np.isin(status, (MET, NOT_MET))
        total = float(weights[decided].sum())
        parts.append(weights * (met - rate * decided) / total if total else np.full(len(weights), np.nan))
    return np.asarray(parts[1] - parts[0], dtype=np.float64)


def _standard_error(
    data: Microdata,
    statuses: list[NDArray[np.object_]],
    weights: NDArray[np.float64],
    design: SurveyDesign,
) -> float:
    from survey_toolkit.estimation import Survey

    z = np.zeros(len(weights))
    for sign, status in ((-1.0, statuses[0]), (1.0, statuses[1])):
        met, decided = status == MET, np.isin(status, (MET, NOT_MET))
        total = float((weights * decided).sum())
        rate = float((weights * met).sum()) / total
        z += sign * (met - rate * decided) / total
    survey = Survey(data.frame.assign(_difference=z), design)
    return float(survey.total("_difference").to_frame()["se"].iloc[0])
