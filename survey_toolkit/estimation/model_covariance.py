"""Design-based covariance of statistics of a model, from its cells: Taylor, replicates, or other designs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from survey_toolkit.estimation import variance
from survey_toolkit.estimation.codes import Floats, compact, sum_by
from survey_toolkit.estimation.model_cells import ModelCells, ReplicateWeights
from survey_toolkit.estimation.psu_table import DesignTable
from survey_toolkit.estimation.replication import replicate_vcov
from survey_toolkit.estimation.taylor import UnitTerms, taylor_vcov
from survey_toolkit.estimation.totals import PsuTotals

__all__ = ["covariance"]


def covariance(
    cells: ModelCells, g: Floats, statistic: Callable[[Floats], Floats], bread: Floats | None = None
) -> Floats:
    """Design-based covariance of K statistics of the pattern weights.

    Parameters
    ----------
    cells : ModelCells
    g : float array (P, K)
        Linearised value of one row with weight 1 and that pattern.
    statistic : callable
        From sums of weights by pattern (P,) to the statistics (K,); called with each set of replicate
        weights where the design has them.
    bread : float array (K, K), optional
        By which ``g`` is still to be multiplied: cheaper once rows are summed.

    Returns
    -------
    float array (K, K)
    """
    held = cells.held
    if isinstance(held, ReplicateWeights):
        values = held.estimates(cells, statistic)
        return replicate_vcov(statistic(cells.by_pattern(cells.w)), values, held.scheme)
    vcov = _taylor(cells, held, g) if isinstance(held, DesignTable) else _from_design(cells, held, g)
    return vcov if bread is None else np.asarray(bread.T @ vcov @ bread)


def _from_design(cells: ModelCells, held: PsuTotals, g: Floats) -> Floats:
    """By the machinery of the design: unequal probabilities, two phases, adjusted weights."""
    k = g.shape[1]

    def terms(totals: PsuTotals) -> UnitTerms:
        return UnitTerms(
            unit=np.repeat(totals.unit, k),
            column=np.tile(np.arange(k), len(totals.unit)),
            num=(totals.sums["w"][:, None] * g[totals.domain]).reshape(-1),
            den=None,
            n_columns=k,
        )

    return variance.linear(cells.design, held, terms).vcov


def _taylor(cells: ModelCells, table: DesignTable, g: Floats) -> Floats:
    """Values summed by finest unit first: a row then costs one addition a column."""
    units, place = compact(cells.unit)
    k = g.shape[1]
    z = np.stack([sum_by(place, cells.w * cells.by_cell(column), len(units)) for column in g.T], axis=1)
    column = np.tile(np.arange(k), len(units))
    return taylor_vcov(np.repeat(units, k), column, z.reshape(-1), k, table, cells.design)
