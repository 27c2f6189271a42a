"""Comparisons of groups: t tests, and rank tests of Lumley and Scott (2013).

Ranks are estimated population ranks, from cumulated weights. Rows that tie share the middle of their
weights, so that the result does not depend on the order of the rows.

With replicate weights every replicate ranks the rows anew. R's ``svyranktest`` keeps the ranks and replicates
the total of a linearised value, so that its t is near ours, not equal; without replicates the two agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.chi_square_sums import f_sf
from survey_toolkit.estimation.codes import Floats, Ints, factorize, sum_by
from survey_toolkit.estimation.model_cells import ModelCells, model_cells
from survey_toolkit.estimation.model_covariance import covariance
from survey_toolkit.estimation.tests_of_hypotheses import HypothesisTest, one_number, quadratic_form
from survey_toolkit.estimation.variance import Design

__all__ = ["RANK_TESTS", "rank_test", "two_group_test", "with_row_number"]

ROW: Final = "__row_number"


def _normal_scores(rank: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(rank))


#: Test to its score of a relative rank in (0, 1).
RANK_TESTS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "wilcoxon": lambda rank: rank,
    "KruskalWallis": lambda rank: rank,
    "vanderWaerden": _normal_scores,
    "median": lambda rank: (rank > 0.5).astype(np.float64),
}


def two_group_test(
    cells: ModelCells,
    variable: str,
    group: str | None,
    *,
    paired: str | None = None,
    null: float = 0.0,
    level: float = 0.95,
) -> HypothesisTest:
    """Test by t a mean, a mean paired difference, or the difference between two groups.

    Parameters
    ----------
    cells : ModelCells
        Of the variable and of ``group`` or ``paired``.
    variable : str
    group : str or None
        A variable with two levels; second minus first in sorted order.
    paired : str or None
        Subtracted from the variable row by row.
    null : float
        Value of the mean, or of the difference, to test against.
    level : float

    Returns
    -------
    HypothesisTest
        With PSUs minus strata minus 1 degrees of freedom, also for one sample, as R's ``svyttest``.
    """
    y = cells.patterns[variable].astype(np.float64)
    df = float(cells.df_known - 1)
    if group is not None:
        levels, index = _groups(cells, group, two=True)
        means, vcov = _means(cells, lambda w: y, index, 2)
        estimate, variance = means[1] - means[0], vcov[0, 0] + vcov[1, 1] - 2 * vcov[0, 1]
        label = f"t test of {variable}, {group} {levels[1]} minus {levels[0]}"
    else:
        y = y - cells.patterns[paired].astype(np.float64) if paired is not None else y
        means, vcov = _means(cells, lambda w: y, np.zeros(len(y), dtype=np.int64), 1)
        estimate, variance = means[0], vcov[0, 0]
        label = f"t test of {variable}" + (f" minus {paired}" if paired else "")
    used = tuple(name for name in (variable, group, paired) if name)
    return one_number(
        label, float(estimate) - null, float(np.sqrt(variance)), df, level, notes=cells.notes(used)
    )


def rank_test(
    cells: ModelCells, variable: str, group: str, *, test: str, level: float = 0.95
) -> HypothesisTest:
    """Rank test of two or more groups.

    Parameters
    ----------
    cells : ModelCells
        Of the variable and the group (and the row number, where ties go by the order of rows).
    variable, group : str
    test : str
        A key of :data:`RANK_TESTS`.
    level : float

    Returns
    -------
    HypothesisTest
        t for two groups, with the difference of mean scores; F for more.

    References
    ----------
    Lumley and Scott (2013), *Biometrika* 100:831-842. Oracle: ``svyranktest`` of R survey, whose ranks of
    tied values depend on the order of the rows unless all weights are equal.
    """
    if test not in RANK_TESTS:
        raise EstimationError(
            "unknown rank test",
            where="test",
            found=repr(test),
            expected=", ".join(RANK_TESTS),
            hint=did_you_mean(test, RANK_TESTS),
        )
    levels, index = _groups(cells, group, two=False)
    rank = _ranker(cells, variable)
    means, vcov = _means(cells, lambda w: RANK_TESTS[test](rank(w)), index, len(levels))
    q = len(levels) - 1
    contrast = np.hstack([-np.ones((q, 1)), np.eye(q)])
    difference, spread = contrast @ means, contrast @ vcov @ contrast.T
    label = f"{test} rank test of {variable} by {group}"
    notes = cells.notes((variable, group))
    if q == 1:
        df = float(cells.df_known - 1)
        label += f", {levels[1]} minus {levels[0]}"
        return one_number(label, float(difference[0]), float(np.sqrt(spread[0, 0])), df, level, notes=notes)
    statistic = quadratic_form(difference, spread) / q
    df = float(cells.df_known - q)
    return HypothesisTest(
        test=label,
        name="F",
        statistic=statistic,
        df=float(q),
        df_denominator=df,
        p_value=f_sf(statistic, q, df),
        notes=notes,
    )


def _groups(cells: ModelCells, group: str, *, two: bool) -> tuple[list[Any], Ints]:
    levels, index = factorize(np.asarray(cells.patterns[group]))
    if len(levels) < 2 or (two and len(levels) > 2):
        raise EstimationError(
            "the grouping variable has not two levels" if two else "there is one group only",
            where=group,
            found=f"{len(levels)} levels among the complete rows",
            expected="two" if two else "two or more",
            hint="choose two with where=, or use glm()" if len(levels) > 2 else "check the condition",
        )
    return levels, index


def _means(
    cells: ModelCells, score: Callable[[Floats], Floats], index: Ints, k: int
) -> tuple[Floats, Floats]:
    """Means of a score in k groups, and their covariance: (k,), (k, k).

    The score may depend on the weights of the patterns; the linearisation takes it as given. Replicates rank
    again with their own weights, where R keeps the ranks of the full sample (t of 0.54 against 0.55 with JKn,
    0.46 against 0.51 with a bootstrap of 40); where the groups are alike both have the same limit.
    """

    def means_of(w: Floats) -> Floats:
        there = w > 0  # the score of a value without weight may be infinite
        return sum_by(index[there], w[there] * score(w)[there], k) / sum_by(index, w, k)

    w = cells.by_pattern(cells.w)
    means, values = means_of(w), score(w)
    g = np.zeros((len(values), k))
    g[np.arange(len(values)), index] = (values - means[index]) / sum_by(index, w, k)[index]
    return means, covariance(cells, g, means_of)


def _ranker(cells: ModelCells, variable: str) -> Callable[[Floats], Floats]:
    """Estimated population rank of each pattern over the population, in (0, 1), given pattern weights."""
    values = cells.patterns[variable].astype(np.float64)
    distinct, place = np.unique(values, return_inverse=True)

    def middle(w: Floats) -> Floats:
        mass = sum_by(place, w, len(distinct))
        return np.asarray(((np.cumsum(mass) - mass / 2) / mass.sum())[place])

    if ROW not in cells.patterns:
        return middle
    order = np.lexsort((cells.patterns[ROW], values))

    def by_row(w: Floats) -> Floats:
        own = np.empty(len(values))
        own[order] = np.cumsum(w[order]) - w[order] / 2
        return np.asarray((sum_by(place, own, len(distinct)) / np.bincount(place))[place] / w.sum())

    return by_row


def with_row_number(
    frame: LazyFrame, design: Design, names: tuple[str, ...], where: nw.Expr | None
) -> ModelCells:
    """Cells of single rows that remember their place in the file; for ties as R breaks them."""
    rows = frame.collect().with_row_index(ROW).lazy()
    return model_cells(rows, design, (*names, ROW), where)
