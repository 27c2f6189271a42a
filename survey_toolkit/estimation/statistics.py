"""From totals by sampling unit to the numerators and denominators of means, totals, ratios, proportions.

K estimates are laid out domain by domain: column ``d * J + j`` is item j (a variable, or a level of a
category) in domain d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from survey_toolkit.estimation.codes import Floats, Ints, sum_by
from survey_toolkit.estimation.taylor import UnitTerms
from survey_toolkit.estimation.totals import PsuTotals

__all__ = [
    "Deff",
    "Kind",
    "Layout",
    "bound_terms",
    "kish_design_effect",
    "layout",
    "srs_variance",
    "unit_terms",
]

Kind: TypeAlias = Literal[
    "mean", "total", "ratio", "proportion", "quantile", "variance", "covariance", "correlation", "gini"
]
Deff: TypeAlias = Literal["wr", "wor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What stands in each of the K columns.

    Attributes
    ----------
    domain, item : int array (K,)
    n, n_weighted, w : float array (K,)
        Valid rows of the domain, those with a positive weight, and the sum of their weights.
    n_positive : float array (K,)
        Valid rows whose value is not zero (that have the level).
    """

    domain: Ints
    item: Ints
    n: Floats
    n_weighted: Floats
    w: Floats
    n_positive: Floats


def layout(totals: PsuTotals, n_items: int) -> Layout:
    """Columns for ``n_items`` variables, or for the levels of the category when there are any."""
    n_items = len(totals.levels) or n_items
    n_domains = len(totals.domains)
    domain = np.repeat(np.arange(n_domains), n_items)
    item = np.tile(np.arange(n_items), n_domains)
    if totals.levels:
        met = totals.level >= 0
        column = totals.domain[met] * n_items + totals.level[met]
        positive = sum_by(column, totals.sums["n"][met], n_domains * n_items)
    else:
        positive = _by_item(totals, "pos")
    return Layout(
        domain=domain,
        item=item,
        n=totals.by_domain("n")[domain],
        n_weighted=totals.by_domain("n_weighted")[domain],
        w=totals.by_domain("w")[domain],
        n_positive=positive,
    )


def _by_item(totals: PsuTotals, name: str) -> Floats:
    """Sums by domain of a measure that each variable has, in column order (K,)."""
    names = [key for key in totals.sums if key.startswith(name) and key[len(name) :].isdigit()]
    return np.stack([totals.by_domain(key) for key in names], axis=1).reshape(-1)


def unit_terms(totals: PsuTotals, kind: Kind, n_items: int) -> UnitTerms:
    """Numerators and denominators by sampling unit for one kind of statistic.

    Parameters
    ----------
    totals : PsuTotals
    kind : {"mean", "total", "ratio", "proportion"}
    n_items : int
        Variables; levels are taken from ``totals``.

    Returns
    -------
    UnitTerms
    """
    if totals.levels:
        return _level_terms(totals, kind)
    known = totals.sums["n"] > 0
    valid: Any = slice(None) if known.all() else known  # what is kept whole is not copied
    unit, domain = totals.unit[valid], totals.domain[valid]
    den = totals.sums["wx" if kind == "ratio" else "w"][valid]
    num = [totals.sums[f"wy{j}"][valid] for j in range(n_items)]
    if n_items == 1:
        none = None if kind == "total" else den
        return UnitTerms(unit=unit, column=domain, num=num[0], den=none, n_columns=len(totals.domains))
    return UnitTerms(
        unit=np.tile(unit, n_items),
        column=np.concatenate([domain * n_items + j for j in range(n_items)]),
        num=np.concatenate(num),
        den=None if kind == "total" else np.tile(den, n_items),
        n_columns=len(totals.domains) * n_items,
    )


def _level_terms(totals: PsuTotals, kind: Kind) -> UnitTerms:
    """All levels at once: Σw of the level over Σw of all levels."""
    n_levels = len(totals.levels)
    met = totals.level >= 0
    unit, domain, level = totals.unit[met], totals.domain[met], totals.level[met]
    weight = totals.sums["w"][met]
    n_columns = len(totals.domains) * n_levels
    if kind == "total":
        return UnitTerms(
            unit=unit, column=domain * n_levels + level, num=weight, den=None, n_columns=n_columns
        )
    every = np.repeat(np.arange(n_levels), len(unit))
    return UnitTerms(
        unit=np.tile(unit, n_levels),
        column=np.tile(domain * n_levels, n_levels) + every,
        num=np.where(np.tile(level, n_levels) == every, np.tile(weight, n_levels), 0.0),
        den=np.tile(weight, n_levels),
        n_columns=n_columns,
    )


def bound_terms(totals: PsuTotals, kind: Kind) -> tuple[UnitTerms, UnitTerms]:
    """Terms with every undetermined row not met, and with every one met (one variable)."""
    there = (totals.sums["n"] > 0) | (totals.sums["undetermined"] > 0)
    unit, domain = totals.unit[there], totals.domain[there]
    low, unknown = totals.sums["wy0"][there], totals.sums["w_undetermined"][there]
    den = None if kind == "total" else totals.sums["w"][there] + unknown
    n_columns = len(totals.domains)
    return (
        UnitTerms(unit=unit, column=domain, num=low, den=den, n_columns=n_columns),
        UnitTerms(unit=unit, column=domain, num=low + unknown, den=den, n_columns=n_columns),
    )


def srs_variance(totals: PsuTotals, at: Layout, kind: Kind, estimate: Floats, against: Deff) -> Floats:
    """Variance under simple random sampling of the same number of rows (Kish 1965), (K,).

    Parameters
    ----------
    totals : PsuTotals
        Summed with squares, except for proportions.
    at : Layout
    kind : {"mean", "total", "ratio", "proportion"}
    estimate : float array (K,)
        Relative to the origin of the query, if it has one.
    against : {"wr", "wor"}
        With replacement, or without from a population of Σw: the latter is NaN where Σw does not exceed
        the number of rows, and everywhere when the weights of the file have a mean of 1 (normalised to the
        sample size), for then Σw is no population.
    """
    n, w = at.n_weighted, at.w
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = _spread(totals, at, kind, estimate) * n / (n - 1)
        variance = spread / n
        if kind == "total":
            variance = variance * w**2
        if kind == "ratio":
            variance = variance * (w / totals.by_domain("wx")[at.domain]) ** 2
        if against == "wor":
            variance = np.where((w > n) & (totals.mean_weight > 1.001), variance * (w - n) / w, np.nan)
    return np.where(n > 1, variance, np.nan)


def kish_design_effect(weights: Floats) -> float:
    """Loss of precision by unequal weights alone, n Σw² / (Σw)² (Kish 1965, *Survey Sampling*, 11.7).

    Examples
    --------
    >>> kish_design_effect(np.array([1.0, 1.0, 2.0]))
    1.125
    """
    w = np.asarray(weights, dtype=np.float64)
    return float(len(w) * (w**2).sum() / w.sum() ** 2)


def _spread(totals: PsuTotals, at: Layout, kind: Kind, estimate: Floats) -> Floats:
    """Weighted variance of the values (of the residuals y - Rx for a ratio), divisor Σw."""
    if totals.levels:
        share = estimate / at.w if kind == "total" else estimate
        return share * (1 - share)
    if kind == "proportion":
        return estimate * (1 - estimate)
    squares = _by_item(totals, "wyy")
    if kind == "ratio":
        wxy, wxx = totals.by_domain("wxy0"), totals.by_domain("wxx")
        return np.asarray(np.maximum(squares - 2 * estimate * wxy + estimate**2 * wxx, 0.0) / at.w)
    mean = estimate / at.w if kind == "total" else estimate
    return np.asarray(np.maximum(squares / at.w - mean**2, 0.0))
