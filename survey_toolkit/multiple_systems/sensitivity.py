"""How the estimate moves when a list, a pair, a threshold, a criterion or one person changes.

A table that gives very different sizes under small changes does not determine the size (Whitehead, Jackson,
Balch & Francis 2021, J. Human Trafficking 7:1-13; Sharifi Far et al. 2021, Crime & Delinquency 67:2233-2257).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._display import format_number, html_table, text_table
from survey_toolkit.multiple_systems.comparison import METHODS
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.selection import Criterion, Family, select
from survey_toolkit.multiple_systems.stepwise import stepwise

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Sensitivity",
    "Variant",
    "leave_one_list_out",
    "merge_two_lists",
    "run_methods",
    "single_cell",
    "sweep_criteria",
    "sweep_thresholds",
]

Method = Callable[[CaptureHistories, float], PopulationSize]
DEFAULT_METHODS = ("independence", "stepwise", "pairwise_bic")
THRESHOLDS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One estimate under one change; ``refused`` gives the reason when there is none.

    Attributes
    ----------
    change, method, model : str
    n : int
        People in the changed table.
    estimate, ci_low, ci_high : float or None
    refused : str
    """

    change: str
    method: str
    n: int
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    model: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """Estimates under changes of one kind, beside the estimate without.

    Attributes
    ----------
    kind : str
    baseline : tuple of Variant
        Without any change, one a method.
    variants : tuple of Variant
    """

    kind: str
    baseline: tuple[Variant, ...]
    variants: tuple[Variant, ...]

    def range(self, method: str | None = None) -> tuple[float, float]:
        """Smallest and largest estimate, the one without change included.

        Raises
        ------
        EstimationError
            When every variant was refused.
        """
        found = [
            v.estimate
            for v in (*self.baseline, *self.variants)
            if v.estimate is not None and method in (None, v.method)
        ]
        if not found:
            raise EstimationError("no variant could be estimated", where=self.kind, code="no-mle")
        return min(found), max(found)

    def ratio(self, method: str) -> float:
        """Largest over smallest estimate."""
        low, high = self.range(method)
        return high / low

    def to_frame(self) -> pd.DataFrame:
        """One row a variant, the unchanged ones first."""
        import pandas as pd

        columns = ["change", "method", "estimate", "ci_low", "ci_high", "n", "model", "refused"]
        rows = [{c: getattr(v, c) for c in columns} for v in (*self.baseline, *self.variants)]
        frame = pd.DataFrame(rows, columns=columns)
        base = {v.method: v.estimate for v in self.baseline}
        reference = frame["method"].map(base).astype(float)
        return frame.assign(ratio=frame["estimate"].astype(float) / reference)

    def _rows(self) -> list[list[object]]:
        return [
            [
                v.change,
                v.method,
                format_number(v.estimate) or "refused",
                format_number(v.ci_low),
                format_number(v.ci_high),
                v.refused or v.model,
            ]
            for v in (*self.baseline, *self.variants)
        ]

    def __repr__(self) -> str:
        head = ["change", "method", "estimate", "low", "high", "model or reason"]
        return f"Sensitivity: {self.kind}\n" + text_table(head, self._rows())

    def _repr_html_(self) -> str:
        head = ["change", "method", "estimate", "low", "high", "model or reason"]
        return html_table(head, self._rows(), caption=self.kind)


def run_methods(
    data: CaptureHistories | None, change: str, methods: Mapping[str, Method], level: float
) -> list[Variant]:
    """Each method on one table; a refusal is a variant with its reason."""
    if data is None:
        return [Variant(change=change, method=m, n=0, refused="fewer than two lists left") for m in methods]
    out = []
    for name, method in methods.items():
        try:
            fit = method(data, level)
        except EstimationError as exc:
            reason = ". ".join(text for text in (exc.what, exc.found) if text)
            out.append(Variant(change=change, method=name, n=data.n_observed, refused=reason))
        else:
            out.append(
                Variant(
                    change=change,
                    method=name,
                    n=data.n_observed,
                    estimate=fit.estimate,
                    ci_low=fit.ci_low,
                    ci_high=fit.ci_high,
                    model=fit.model,
                )
            )
    return out


def leave_one_list_out(
    data: CaptureHistories,
    methods: Iterable[str] | Mapping[str, Method] = DEFAULT_METHODS,
    *,
    level: float = 0.95,
) -> Sensitivity:
    """Leave each list out in turn; people seen only there leave the table.

    Parameters
    ----------
    data : CaptureHistories
        Three lists or more.
    methods : iterable of str, or mapping name -> callable
        Names in :data:`METHODS`, or functions of (table, level).
    level : float

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> [round(v.estimate) for v in leave_one_list_out(lists, ["independence"]).variants]
    [334, 378, 336]
    """
    _require_lists(data, 3, "leave one out")
    chosen = _methods(methods)
    changes = {f"without {name}": _without(data, name) for name in data.lists}
    return _collect("one list left out", data, changes, chosen, level)


def merge_two_lists(
    data: CaptureHistories,
    methods: Iterable[str] | Mapping[str, Method] = DEFAULT_METHODS,
    *,
    level: float = 0.95,
) -> Sensitivity:
    """Merge each pair of lists in turn; nobody leaves the table. Parameters as :func:`leave_one_list_out`."""
    _require_lists(data, 3, "merge two")
    chosen = _methods(methods)
    changes = {f"{a} + {b}": data.merge({f"{a}+{b}": [a, b]}) for a, b in combinations(data.lists, 2)}
    return _collect("two lists merged", data, changes, chosen, level)


def sweep_thresholds(
    data: CaptureHistories, thresholds: Sequence[float] = THRESHOLDS, *, level: float = 0.95
) -> Sensitivity:
    """The stepwise estimate for several entry thresholds.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> [round(v.estimate) for v in sweep_thresholds(lists, [0.001, 0.02]).variants]
    [388, 388]
    """

    def at(p: float) -> Method:
        return lambda table, lev: stepwise(table, p, level=lev)

    methods = {f"p < {p:g}": at(p) for p in thresholds}
    variants = [
        v for name, method in methods.items() for v in run_methods(data, name, {"stepwise": method}, level)
    ]
    baseline = run_methods(data, "default", {"stepwise": METHODS["stepwise"]}, level)
    return Sensitivity(kind="entry threshold", baseline=tuple(baseline), variants=tuple(variants))


def sweep_criteria(
    data: CaptureHistories,
    criteria: Sequence[Criterion] = ("bic", "aicc", "aic"),
    families: Sequence[Family] = ("pairwise", "hierarchical"),
    *,
    level: float = 0.95,
) -> Sensitivity:
    """The selected model's estimate for several criteria and families of models."""

    def of(family: Family, criterion: Criterion) -> Method:
        return lambda table, lev: select(table, family, criterion, level=lev)

    variants = [
        v
        for family in families
        for criterion in criteria
        for v in run_methods(
            data, f"{family}, {criterion.upper()}", {"selected": of(family, criterion)}, level
        )
    ]
    baseline = run_methods(data, "pairwise, BIC", {"selected": METHODS["pairwise_bic"]}, level)
    return Sensitivity(kind="criterion and family", baseline=tuple(baseline), variants=tuple(variants))


def single_cell(
    data: CaptureHistories,
    methods: Iterable[str] | Mapping[str, Method] = DEFAULT_METHODS,
    *,
    change: int = 1,
    include_empty: bool = False,
    level: float = 0.95,
) -> Sensitivity:
    """Add and take away ``change`` people in each history in turn, one at a time.

    A single missed or false link moves one person; an estimate that moves far with it hangs on that link.

    Parameters
    ----------
    data : CaptureHistories
    methods, level
        As :func:`leave_one_list_out`.
    change : int
    include_empty : bool
        Also put people into histories that do not occur.

    Raises
    ------
    EstimationError
        When ``change`` is below 1.
    """
    if change < 1:
        raise EstimationError(
            "the change is a number of people, 1 or more", where="change", found=str(change)
        )
    chosen = _methods(methods)
    table = data.table().astype(np.int64)
    changes: dict[str, CaptureHistories | None] = {}
    for cell in range(1, len(table)):
        if not table[cell] and not include_empty:
            continue
        name = ":".join(n for j, n in enumerate(data.lists) if cell >> j & 1)
        for step in (-change, change):
            if table[cell] + step >= 0:
                moved = table.copy()
                moved[cell] += step
                changes[f"{name} {step:+d}"] = _from_table(data, moved)
    return _collect("one history changed", data, changes, chosen, level)


def _collect(
    kind: str,
    data: CaptureHistories,
    changes: Mapping[str, CaptureHistories | None],
    methods: Mapping[str, Method],
    level: float,
) -> Sensitivity:
    baseline = run_methods(data, "none", methods, level)
    variants = [v for name, table in changes.items() for v in run_methods(table, name, methods, level)]
    return Sensitivity(kind=kind, baseline=tuple(baseline), variants=tuple(variants))


def _methods(methods: Iterable[str] | Mapping[str, Method]) -> dict[str, Method]:
    if isinstance(methods, Mapping):
        return dict(methods)
    out: dict[str, Method] = {}
    for name in [methods] if isinstance(methods, str) else methods:
        if name not in METHODS:
            raise EstimationError(
                "there is no such method",
                where="methods",
                found=repr(name),
                expected=did_you_mean(name, METHODS),
                code="unknown-option",
            )
        out[name] = METHODS[name]
    return out


def _require_lists(data: CaptureHistories, least: int, what: str) -> None:
    if data.n_lists < least:
        raise EstimationError(
            f"there are not enough lists to {what}",
            where="lists",
            found=str(data.n_lists),
            expected=f"{least} or more",
            code="too-few-lists",
        )


def _without(data: CaptureHistories, name: str) -> CaptureHistories | None:
    """The table without a list, and without lists left empty."""
    return restrict(data, data.patterns[:, [j for j, n in enumerate(data.lists) if n != name]], name)


def restrict(
    data: CaptureHistories, patterns: np.ndarray, name: str, rows: np.ndarray | None = None
) -> CaptureHistories | None:
    """A table of the other lists over some histories; None when fewer than two lists hold anybody."""
    names = [n for n in data.lists if n != name]
    keep = patterns.any(axis=1) if rows is None else patterns.any(axis=1) & rows
    counts: dict[tuple[int, ...], int] = {}
    for row, count in zip(patterns[keep].tolist(), data.counts[keep].tolist(), strict=True):
        counts[tuple(row)] = counts.get(tuple(row), 0) + count
    held = [j for j in range(len(names)) if any(row[j] for row in counts)]
    if len(held) < 2:
        return None
    short = {tuple(row[j] for j in held): count for row, count in counts.items()}
    return CaptureHistories.from_counts(short, [names[j] for j in held])


def _from_table(data: CaptureHistories, table: np.ndarray) -> CaptureHistories | None:
    cells = np.flatnonzero(table)
    patterns = (cells[:, None] >> np.arange(data.n_lists)) & 1
    if not patterns.any(axis=0).all():
        return None
    return CaptureHistories(data.lists, patterns, table[cells])
