r"""Prevalence from two capture occasions: how many workers there are, and how many of them are victims.

Interviewers visit the places of a trade twice, note who was met both times (a mark, a token, a hashed code),
and ask about the working conditions. Teams of the Prevalence Reduction Innovation Forum found this much
easier to run than respondent-driven or time-location samples. Victims and others may differ in visibility, so
their numbers are estimated apart (Chapman) and added:

.. math:: \hat P = \frac{\hat N_v}{\hat N_v + \hat N_o}

References
----------
Chapman (1951); Seber (1970), *Biometrics* 26:13-22 (variance); Sekar and Deming (1949), JASA 44:101-115
(estimation by strata).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._plain import plain_estimates
from survey_toolkit.hidden_populations._sample import Floats, Labelled, open_sample
from survey_toolkit.multiple_systems import CaptureHistories, PopulationSize, two_list

__all__ = ["MarkRecapture", "mark_recapture"]

Interval = Literal["logit", "bootstrap"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkRecapture:
    """Sizes and prevalence from two occasions.

    Attributes
    ----------
    prevalence : Estimates
        One row; logit interval, or bootstrap percentiles.
    victims, others : PopulationSize
    population : float
        Sum of the two.
    naive_share : float
        Victims among the distinct people met: right only if both groups are equally visible.
    replicates : float array (R,) or None
        Prevalence in each bootstrap replicate.
    """

    prevalence: Estimates
    victims: PopulationSize
    others: PopulationSize
    population: float
    naive_share: float
    replicates: Floats | None

    def __repr__(self) -> str:
        p = self.prevalence
        return (
            f"MarkRecapture: prevalence {p.estimate[0]:.3f} ({p.ci_low[0]:.3f} to {p.ci_high[0]:.3f}); "
            f"{self.victims.estimate:,.0f} victims of {self.population:,.0f} people "
            f"(naive share of those met {self.naive_share:.3f})"
        )


def mark_recapture(
    data: Any,
    *,
    first: str,
    second: str,
    outcome: str,
    interval: Interval = "logit",
    replicates: int = 2000,
    seed: int = 1,
    level: float = 0.95,
) -> MarkRecapture:
    """Prevalence of an outcome in a population met on two occasions.

    Parameters
    ----------
    data : frame or path
        One row a distinct person.
    first, second : str
        0-1: met on the occasion.
    outcome : str
        0-1: a victim. People without an answer are left out and counted.
    interval : {"logit", "bootstrap"}
        Delta method on the logit, or percentiles of a parametric bootstrap of both capture tables.
    replicates, seed : int
    level : float

    Returns
    -------
    MarkRecapture

    Raises
    ------
    EstimationError
        If a person was met on no occasion, or nobody of a group was met on one of them.

    Examples
    --------
    >>> import pandas as pd
    >>> met = pd.DataFrame({"a": [1] * 30 + [0] * 20, "b": [1] * 10 + [0] * 20 + [1] * 20,
    ...                     "v": [1, 0, 0, 0, 1] * 10})
    >>> round(mark_recapture(met, first="a", second="b", outcome="v").population, 1)
    83.4
    """
    sample = open_sample(data)
    a, b, v = (sample.numbers(name) for name in (first, second, outcome))
    for name, values in ((first, a), (second, b)):
        if not np.isin(values, (0.0, 1.0)).all():
            raise EstimationError("met or not must be 1 or 0", where=name, hint="missing counts as wrong too")
    if ((a + b) == 0).any():
        raise EstimationError(
            "people who were met on no occasion", where=f"{first}, {second}",
            found=f"{int(((a + b) == 0).sum())} rows", hint="take these rows out",
        )  # fmt: skip
    known = ~np.isnan(v)
    if not np.isin(v[known], (0.0, 1.0)).all():
        raise EstimationError("an outcome must be 0 or 1", where=outcome, hint="recode it")
    notes = (f"{int((~known).sum())} people without an answer are left out",) if not known.all() else ()
    tables = [_table(a, b, known & (v == value)) for value in (1.0, 0.0)]
    victims, others = (
        _size(table, (first, second), "victims" if i == 0 else "others", level)
        for i, table in enumerate(tables)
    )
    draws = _bootstrap(tables, replicates, seed) if interval == "bootstrap" else None
    return _result(victims, others, tables, draws, outcome, notes, level)


def _table(a: Floats, b: Floats, rows: Any) -> tuple[int, int, int]:
    """Met both times, the first only, the second only."""
    return (
        int((rows & (a == 1) & (b == 1)).sum()),
        int((rows & (a == 1) & (b == 0)).sum()),
        int((rows & (a == 0) & (b == 1)).sum()),
    )


def _size(table: tuple[int, int, int], names: tuple[str, str], who: str, level: float) -> PopulationSize:
    if table[0] + table[1] == 0 or table[0] + table[2] == 0:
        raise EstimationError(
            f"{who}: nobody was met on one of the occasions",
            found=f"{table[0]} both times, {table[1]} and {table[2]} once",
            hint="without captures on both occasions there is no estimate",
            code="no-captures",
        )
    counts = {"11": table[0], "10": table[1], "01": table[2]}
    return two_list(CaptureHistories.from_counts(counts, lists=list(names)), level=level)


def _bootstrap(tables: list[tuple[int, int, int]], replicates: int, seed: int) -> Floats:
    """Capture tables drawn from the fitted independent model, in each group."""
    rng = np.random.default_rng(seed)
    sizes = []
    for both, only_a, only_b in tables:
        n1, n2 = both + only_a, both + only_b
        n = (n1 + 1) * (n2 + 1) / (both + 1) - 1
        p1, p2 = min(n1 / n, 1.0), min(n2 / n, 1.0)
        cells = [p1 * p2, p1 * (1 - p2), (1 - p1) * p2, (1 - p1) * (1 - p2)]
        drawn = rng.multinomial(round(n), cells, size=replicates)
        m = drawn[:, 0]
        sizes.append((m + drawn[:, 1] + 1) * (m + drawn[:, 2] + 1) / (m + 1) - 1)
    return np.asarray(sizes[0] / np.maximum(sizes[0] + sizes[1], 1e-9))


def _result(
    victims: PopulationSize,
    others: PopulationSize,
    tables: list[tuple[int, int, int]],
    draws: Floats | None,
    outcome: str,
    notes: tuple[str, ...],
    level: float,
) -> MarkRecapture:
    from survey_toolkit.multiple_systems.intervals import normal_quantile

    total = victims.estimate + others.estimate
    share = victims.estimate / total
    se = float(np.hypot(others.estimate * victims.se, victims.estimate * others.se) / total**2)
    if draws is not None:
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        se = float(draws.std(ddof=1))
    elif 0 < share < 1:
        logit, half = np.log(share / (1 - share)), normal_quantile(level) * se / (share * (1 - share))
        low, high = 1 / (1 + np.exp(-(logit - half))), 1 / (1 + np.exp(-(logit + half)))
    else:
        low, high = np.nan, np.nan
    met = [sum(t) for t in tables]
    named = Labelled(
        statistic="proportion", variable=outcome, unit="proportion", notes=notes,
        method="mark-recapture (Chapman) of victims and of others; "
        + ("parametric bootstrap" if draws is not None else "delta method, logit interval"),
    )  # fmt: skip
    estimates = plain_estimates(
        named, [""], np.array([share]), np.array([[se**2]]), np.array([float(sum(met))]),
        positive=np.array([float(met[0])]), level=level, limits=(np.array([low]), np.array([high])),
    )  # fmt: skip
    return MarkRecapture(
        prevalence=estimates, victims=victims, others=others, population=total,
        naive_share=met[0] / sum(met), replicates=draws,
    )  # fmt: skip
