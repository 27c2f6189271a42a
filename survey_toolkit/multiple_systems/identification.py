"""What the estimate rests on: the assumption that no table can check, varied.

Models that fit the observed histories equally well can give any population size: the size follows only from
an identifying assumption (Aleshin-Guendel, Sadinle & Wakefield 2024, Annals of Applied Statistics; preprint
arXiv:2101.09304). For two lists it is their odds ratio in the whole population, for ``t`` lists the odds
ratio of the highest order; both are 1 by convention, not by evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._display import format_number, html_table, text_table
from survey_toolkit.multiple_systems.classical import two_names
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import wald_limits

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AssumptionSweep", "highest_order_odds_ratio", "two_list_odds_ratio"]

_DEFAULT = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumptionSweep:
    """Population size by the value of an assumption the data cannot check.

    Attributes
    ----------
    assumption : str
        In words.
    values : tuple of float
    estimate, ci_low, ci_high : tuple of float
        By value; the interval is for that value of the assumption.
    level : float
    n : int
        People observed.
    se_log_dark : float
    """

    assumption: str
    values: tuple[float, ...]
    estimate: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]
    level: float
    n: int
    se_log_dark: float

    def to_frame(self) -> pd.DataFrame:
        """One row a value."""
        import pandas as pd

        columns = ("values", "estimate", "ci_low", "ci_high")
        frame = pd.DataFrame({c.rstrip("s") if c == "values" else c: getattr(self, c) for c in columns})
        return frame.assign(n=self.n)

    def value_for(self, size: float) -> float:
        """Value of the assumption under which the population has this size.

        Raises
        ------
        EstimationError
            When the size is below the people seen.
        """
        if size < self.n:
            raise EstimationError(
                "a population is not smaller than the people seen in it",
                where="size",
                found=f"{size:,.0f}",
                expected=f"{self.n:,} or more",
                code="below-observed",
            )
        return (size - self.n) / (self.estimate[0] - self.n) * self.values[0]

    def _rows(self) -> list[list[object]]:
        rows = zip(self.values, self.estimate, self.ci_low, self.ci_high, strict=True)
        return [[f"{v:g}", *map(format_number, rest)] for v, *rest in rows]

    def __repr__(self) -> str:
        return self.assumption + "\n" + text_table(["value", "estimate", "low", "high"], self._rows())

    def _repr_html_(self) -> str:
        return html_table(["value", "estimate", "low", "high"], self._rows(), caption=self.assumption)


def two_list_odds_ratio(
    data: CaptureHistories,
    lists: tuple[str, str] | None = None,
    *,
    theta: Sequence[float] = _DEFAULT,
    level: float = 0.95,
) -> AssumptionSweep:
    """Population size from two lists for several odds ratios between them.

    ``N = n11 + n10 + n01 + theta n10 n01 / n11``: theta above 1 (referrals from one list to the other, people
    visible to both) means more people unseen than independence says.

    Parameters
    ----------
    data : CaptureHistories
    lists : (str, str), optional
        Not needed when there are only two.
    theta : sequence of float
    level : float

    Raises
    ------
    EstimationError
        No overlap; theta at or below 0; a list with nobody of its own.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> [round(x) for x in two_list_odds_ratio(lists).estimate]
    [1570, 2380, 4000, 7240, 13720]
    """
    a, b = two_names(data, lists)
    matrix, i, j = data.overlap_matrix(), data.lists.index(a), data.lists.index(b)
    both = int(matrix[i, j])
    cells = {(a, b): both, (a,): int(matrix[i, i]) - both, (b,): int(matrix[j, j]) - both}
    empty = [" and ".join(k) + (" only" if len(k) == 1 else "") for k, v in cells.items() if v == 0]
    if empty:
        raise _undefined(empty)
    alone_a, alone_b = cells[a,], cells[b,]
    variance = 1 / both + 1 / alone_a + 1 / alone_b
    return _sweep(
        f"odds ratio between {a} and {b} in the whole population (1 = independent)",
        theta,
        alone_a * alone_b / both,
        float(np.sqrt(variance)),
        both + alone_a + alone_b,
        level,
    )


def highest_order_odds_ratio(
    data: CaptureHistories, *, xi: Sequence[float] = _DEFAULT, level: float = 0.95
) -> AssumptionSweep:
    """Population size of the saturated model for several values of its one unidentified term.

    The unseen are ``xi`` times the product of the counts on an odd number of lists over that on an even
    number; the log-linear model with every term but the highest is ``xi = 1``. The interval is Wald on the
    log dark figure with variance the sum of the reciprocal counts.

    Parameters
    ----------
    data : CaptureHistories
    xi : sequence of float
        Odds ratios of the highest order.
    level : float

    Raises
    ------
    EstimationError
        When a history has no people: the saturated estimate is 0 or infinite.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> [round(x) for x in highest_order_odds_ratio(lists, xi=[0.5, 1, 2]).estimate]
    [792, 1313, 2355]
    """
    table, names = data.table()[1:], data.lists
    if (table == 0).any():
        gone = np.flatnonzero(table == 0) + 1
        raise _undefined([":".join(n for j, n in enumerate(names) if w >> j & 1) for w in gone[:6]])
    odd = np.array([w.bit_count() % 2 for w in range(1, len(table) + 1)])
    log_dark = float(np.log(table) @ np.where(odd == 1, 1.0, -1.0))
    return _sweep(
        f"odds ratio of the highest order between the {len(names)} lists (1 = the usual convention)",
        xi,
        float(np.exp(log_dark)),
        float(np.sqrt((1 / table).sum())),
        data.n_observed,
        level,
    )


def _sweep(
    assumption: str, values: Sequence[float], dark: float, se_log: float, n: int, level: float
) -> AssumptionSweep:
    bad = [v for v in values if not (v > 0 and np.isfinite(v))]
    if bad or not len(values):
        raise EstimationError(
            "an odds ratio is above 0",
            where="theta or xi",
            found=", ".join(f"{v:g}" for v in bad) or "none",
            expected="one or more numbers above 0",
            code="bad-odds-ratio",
        )
    limits = [wald_limits(n, float(np.log(dark * v)), se_log, level) for v in values]
    return AssumptionSweep(
        assumption=assumption,
        values=tuple(map(float, values)),
        estimate=tuple(n + dark * v for v in values),
        ci_low=tuple(low for low, _ in limits),
        ci_high=tuple(high for _, high in limits),
        level=level,
        n=n,
        se_log_dark=se_log,
    )


def _undefined(empty: Sequence[str]) -> EstimationError:
    return EstimationError(
        "the odds ratio leaves the unseen at zero or infinity when a history has no people",
        where="histories",
        found="nobody on exactly " + ", ".join(empty),
        hint="merge lists, or vary the assumption on two lists that overlap",
        code="empty-history",
    )
