r"""Linearised variance from totals by sampling unit (Woodruff 1971; Binder 1983).

Every statistic here is a total or a ratio of totals. Its linearised value for one sampling unit is

.. math:: z_u = \Big(\sum_{i \in u} w_i y_i - \hat R \sum_{i \in u} w_i x_i\Big) \big/ \hat X,

and the variance of an estimate is that of the total of :math:`z`:

.. math:: v = \sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_{u \in h} (z_u - \bar z_h)^2,

to which each later stage adds the same sum over its strata, times the sampling fractions of the stages
above it (Särndal, Swensson and Wretman 1992, sec. 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation.codes import Floats, Ints, compact, increasing, sum_by
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.psu_table import DesignTable, Stage

if TYPE_CHECKING:
    from survey_toolkit.estimation.replication import Replicates

__all__ = ["Linear", "UnitTerms", "estimate_linear", "finish", "linearise", "taylor_vcov"]

_BLOCK = 4_000_000  # numbers in one dense block of a stratum


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTerms:
    """Numerators and denominators of K estimates by sampling unit, in sparse form with T terms.

    Attributes
    ----------
    unit, column : int arrays (T,)
        Finest sampling unit, and the estimate (0 … K-1).
    num, den : float arrays (T,)
        Σwy and Σwx; several terms for one unit and column add up. ``den`` is None for totals.
    n_columns : int
        K.
    """

    unit: Ints
    column: Ints
    num: Floats
    den: Floats | None
    n_columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Point estimates with their covariance.

    Attributes
    ----------
    estimate : float array (K,)
        NaN where the denominator is zero.
    vcov : float array (K, K)
    replicates : Replicates or None
        Where the covariance comes from replicates.
    """

    estimate: Floats
    vcov: Floats
    replicates: Replicates | None = None


def estimate_linear(terms: UnitTerms, table: DesignTable, design: SurveyDesign) -> Linear:
    """Totals or ratios of totals, and their linearised covariance.

    Parameters
    ----------
    terms : UnitTerms
    table : DesignTable
    design : SurveyDesign
        Its ``lonely_psu`` and ``adjust_domain_lonely`` are used.

    Returns
    -------
    Linear
        ``estimate`` (K,), ``vcov`` (K, K) in the unit of the estimate and its square.

    Raises
    ------
    DesignError
        If a stratum holds one PSU and ``lonely_psu="fail"``.
    """
    estimate, z = linearise(terms)
    vcov = taylor_vcov(terms.unit, terms.column, z, terms.n_columns, table, design)
    return finish(estimate, vcov)


def linearise(terms: UnitTerms) -> tuple[Floats, Floats]:
    """Estimates (K,), NaN where undefined, and the linearised value of every term (T,)."""
    numerator = sum_by(terms.column, terms.num, terms.n_columns)
    if terms.den is None:
        return numerator, terms.num
    denominator = sum_by(terms.column, terms.den, terms.n_columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(denominator != 0, numerator / denominator, np.nan)
        z = (terms.num - estimate[terms.column] * terms.den) / denominator[terms.column]
    return estimate, np.where(np.isfinite(z), z, 0.0)


def finish(estimate: Floats, vcov: Floats) -> Linear:
    """Estimates and covariance, undefined where there is no estimate, without rounding noise."""
    undefined = np.isnan(estimate)
    vcov[undefined, :] = vcov[:, undefined] = np.nan
    return Linear(estimate=estimate, vcov=_clean(vcov, estimate))


def _clean(vcov: Floats, estimate: Floats) -> Floats:
    """Rounding noise is no variance: where the SE is below 1e-13 of the estimate it is zero."""
    with np.errstate(invalid="ignore"):
        none = np.sqrt(np.abs(np.diagonal(vcov))) < 1e-13 * np.abs(estimate)
    vcov[none, :] = vcov[:, none] = 0.0
    return vcov


def taylor_vcov(
    unit: Ints, column: Ints, z: Floats, n_columns: int, table: DesignTable, design: SurveyDesign
) -> Floats:
    """Covariance of K totals given their values by finest sampling unit.

    Parameters
    ----------
    unit, column : int arrays (T,)
    z : float array (T,)
        Linearised values; several terms for one unit and column add up, none means zero.
    n_columns : int
    table : DesignTable
    design : SurveyDesign

    Returns
    -------
    float array (K, K)
    """
    vcov = np.zeros((n_columns, n_columns))
    above = np.ones(1)  # product of the sampling fractions above each stratum of the stage
    for s, stage in enumerate(table.stages):
        multiplier = above[stage.block] if s else np.ones(len(stage.n_units))
        if not multiplier.any():
            break
        values = _Sparse.build(table.unit_at[s][unit], column, z, (len(stage.stratum), n_columns))
        vcov += _stage_vcov(values, stage, multiplier, design, s + 1)
        above = (multiplier * stage.fraction)[stage.stratum]
    return vcov


@dataclass(frozen=True, slots=True)
class _Sparse:
    """Rows of a sparse matrix, sorted; a stored zero means 'there, with value zero'."""

    start: Ints
    column: Ints
    value: Floats
    n_columns: int

    @classmethod
    def build(cls, row: Ints, column: Ints, value: Floats, shape: tuple[int, int]) -> _Sparse:
        key, width = row * shape[1] + column, shape[1]
        ends = np.arange(shape[0] + 1) * width
        if increasing(key):
            return cls(np.searchsorted(key, ends), column, value, width)
        key, place = compact(key)
        return cls(np.searchsorted(key, ends), key % width, sum_by(place, value, len(key)), width)


def _stage_vcov(
    values: _Sparse, stage: Stage, multiplier: Floats, design: SurveyDesign, number: int
) -> Floats:
    """Variance between the units of one stage, over its strata."""
    option = design.lonely_psu
    lonely = stage.lonely & (multiplier > 0)
    if option == "fail" and lonely.any():
        _fail_lonely(stage, lonely, number)
    domain_lonely = _domain_lonely(values, stage) if design.adjust_domain_lonely else None
    factor = _average_factor(values, stage, lonely, domain_lonely) if option == "average" else None
    grand = _block_means(values, stage) if option == "adjust" else None
    vcov = np.zeros((values.n_columns, values.n_columns))
    scale = multiplier * (1.0 - stage.fraction) * stage.n_units / np.maximum(stage.n_units - 1, 1)
    blocks = _Blocks.build(values, stage.n_units)
    counted = (scale != 0) & (~lonely if option != "adjust" else True)
    treated = lonely if domain_lonely is None or option not in ("adjust", "average") else counted
    plain = counted & ~treated  # centred at their own means, whatever the domain
    for alike in blocks.alike(np.flatnonzero(plain)):
        _add_alike(vcov, blocks, alike, scale, None if factor is None else factor[stage.block])
    for h in np.flatnonzero(counted & ~plain):
        columns, dense, mean = blocks.of_stratum(h)
        block = stage.block[h]
        if lonely[h]:
            assert grand is not None
            columns, dense, mean = _widen(columns, dense, grand[block])
        elif domain_lonely is not None and option in ("adjust", "average"):
            mean, dense = _treat_domain_lonely(columns, dense, mean, domain_lonely[h], grand, block)
        weight = np.sqrt(factor[block, columns]) if factor is not None else 1.0
        vcov[np.ix_(columns, columns)] += scale[h] * _scatter(dense, mean, weight)
    return vcov


@dataclass(frozen=True, slots=True)
class _Block:
    """The values of one stratum: n units by m columns, sparse."""

    row: Ints
    column: Ints
    value: Floats
    n: int
    m: int


@dataclass(frozen=True, slots=True)
class _Blocks:
    """All values, which are sorted by stratum as units are, and for each stratum the columns met in it.

    Attributes
    ----------
    row, column : int arrays (T,)
        Unit and column of a value, both counted inside its stratum.
    value : float array (T,)
    at, met : int arrays (H + 1,)
        Where the values, and the columns, of a stratum begin.
    columns : int array
        Columns met, stratum by stratum, sorted.
    n_units : int array (H,)
    """

    row: Ints
    column: Ints
    value: Floats
    at: Ints
    columns: Ints
    met: Ints
    n_units: Ints

    @classmethod
    def build(cls, values: _Sparse, n_units: Ints) -> _Blocks:
        counts = np.diff(values.start)
        ends = np.cumsum(n_units)
        at = values.start[np.append(0, ends)]
        stratum = np.repeat(np.arange(len(n_units)), np.diff(at))
        pairs, local = compact(stratum * values.n_columns + values.column)
        met = np.searchsorted(pairs, np.arange(len(n_units) + 1) * values.n_columns)
        inside = np.arange(len(counts)) - np.repeat(ends - n_units, n_units)
        return cls(
            row=np.repeat(inside, counts),
            column=local - met[stratum],
            value=values.value,
            at=at,
            columns=pairs % values.n_columns,
            met=met,
            n_units=n_units,
        )

    def of_stratum(self, h: Any) -> tuple[Ints, _Block, Floats]:
        """Columns met in the stratum, its values and their mean over all its units."""
        there = slice(self.at[h], self.at[h + 1])
        columns, n = self.columns[self.met[h] : self.met[h + 1]], int(self.n_units[h])
        block = _Block(self.row[there], self.column[there], self.value[there], n, len(columns))
        return columns, block, sum_by(block.column, block.value, block.m) / n

    def alike(self, strata: Ints) -> Iterator[Ints]:
        """Strata of one number of units and columns together, a few of those that fill memory."""
        n, m = self.n_units[strata], np.diff(self.met)[strata]
        kinds, kind = np.unique(n * (int(m.max(initial=0)) + 1) + m, return_inverse=True)
        order = np.argsort(kind, kind="stable")
        for part in np.split(order, np.cumsum(np.bincount(kind, minlength=len(kinds)))[:-1]):
            if len(part):
                size = max(int(n[part[0]]), int(m[part[0]])) * int(m[part[0]])
                step = max(1, _BLOCK // max(size, 1))
                yield from (strata[part[low : low + step]] for low in range(0, len(part), step))


def _add_alike(vcov: Floats, blocks: _Blocks, strata: Ints, scale: Floats, factor: Floats | None) -> None:
    """Add sums of squares and products about the means of strata that have equally many units and columns."""
    if len(strata) == 1:
        columns, block, mean = blocks.of_stratum(strata[0])
        weight = 1.0 if factor is None else np.sqrt(factor[strata[0], columns])
        vcov[np.ix_(columns, columns)] += scale[strata[0]] * _scatter(block, mean, weight)
        return
    b, n, m = len(strata), int(blocks.n_units[strata[0]]), int(np.diff(blocks.met)[strata[0]])
    counts = np.diff(blocks.at)[strata]
    terms = _ranges(blocks.at[strata], counts)
    flat = np.zeros(b * n * m)
    flat[np.repeat(np.arange(b) * (n * m), counts) + blocks.row[terms] * m + blocks.column[terms]] = (
        blocks.value[terms]
    )
    dense = flat.reshape(b, n, m)
    dense -= dense.sum(axis=1, keepdims=True) / n
    columns = blocks.columns[_ranges(blocks.met[strata], np.full(b, m))].reshape(b, m)
    if factor is not None:
        dense *= np.sqrt(factor[strata[:, None], columns])[:, None, :]
    products = np.matmul(dense.transpose(0, 2, 1), dense) * scale[strata][:, None, None]
    place = columns[:, :, None] * vcov.shape[1] + columns[:, None, :]
    np.add.at(vcov.reshape(-1), place.reshape(-1), products.reshape(-1))


def _ranges(start: Ints, counts: Ints) -> Ints:
    """Whole numbers from each start on, one range after the other."""
    ends = np.cumsum(counts)
    return np.repeat(start - ends + counts, counts) + np.arange(counts.sum())


def _scatter(block: _Block, centre: Floats, weight: Floats | float) -> Floats:
    """Sum of squares and products about ``centre``, centred before it is squared, in bounded memory."""
    if block.n * block.m > _BLOCK and np.bincount(block.column).max() < block.n / 2:
        return _sparse_scatter(block, centre) * np.outer(weight, weight)
    out = np.zeros((block.m, block.m))
    step = max(1, _BLOCK // max(block.m, 1))
    for low in range(0, block.n, step):
        high = min(low + step, block.n)
        first, last = np.searchsorted(block.row, [low, high])
        dense = np.zeros((high - low, block.m))
        dense[block.row[first:last] - low, block.column[first:last]] = block.value[first:last]
        dense = (dense - centre) * weight
        out += dense.T @ dense
    return out


def _sparse_scatter(block: _Block, centre: Floats) -> Floats:
    """The same where most values are zero: then Σzz' exceeds n times the squared mean: no cancelling."""
    from scipy.sparse import csr_array

    z = csr_array((block.value, (block.row, block.column)), shape=(block.n, block.m))
    cross = np.outer(sum_by(block.column, block.value, block.m), centre)
    return np.asarray((z.T @ z).toarray() - cross - cross.T + block.n * np.outer(centre, centre))


def _widen(columns: Ints, block: _Block, grand: Floats) -> tuple[Ints, _Block, Floats]:
    """The same stratum over all columns, centred at the mean of all units (``adjust``)."""
    wide = _Block(block.row, columns[block.column], block.value, block.n, len(grand))
    return np.arange(len(grand)), wide, grand


def _treat_domain_lonely(
    columns: Ints, block: _Block, mean: Floats, lonely: NDArray[np.bool_], grand: Floats | None, at: int
) -> tuple[Floats, _Block]:
    """Centre a domain met in one unit of the stratum at the grand mean, or (average) take it out."""
    there = lonely[columns]
    if grand is not None:
        return np.where(there, grand[at, columns], mean), block
    kept = np.where(there[block.column], 0.0, block.value)
    return np.where(there, 0.0, mean), _Block(block.row, block.column, kept, block.n, block.m)


def _domain_lonely(values: _Sparse, stage: Stage) -> NDArray[np.bool_]:
    """Whether exactly one of several units of a stratum has members of the domain, (H, K)."""
    rows = np.repeat(np.arange(len(stage.stratum)), np.diff(values.start))
    met = np.zeros((len(stage.n_units), values.n_columns), dtype=np.int64)
    np.add.at(met, (stage.stratum[rows], values.column), 1)
    return np.asarray((met == 1) & (stage.n_units[:, None] > 1))


def _block_means(values: _Sparse, stage: Stage) -> Floats:
    """Mean over all units of a block (the whole sample at the first stage), (B, K)."""
    n_blocks = int(stage.block.max(initial=0)) + 1
    block_of_unit = stage.block[stage.stratum]
    rows = np.repeat(np.arange(len(stage.stratum)), np.diff(values.start))
    sums = np.zeros((n_blocks, values.n_columns))
    np.add.at(sums, (block_of_unit[rows], values.column), values.value)
    return np.asarray(sums / np.bincount(block_of_unit, minlength=n_blocks)[:, None])


def _average_factor(
    values: _Sparse, stage: Stage, lonely: NDArray[np.bool_], domain_lonely: NDArray[np.bool_] | None
) -> Floats:
    """Strata over strata that are not lonely, by block and column: (B, K); NaN when all are lonely."""
    n_blocks = int(stage.block.max(initial=0)) + 1
    strata = np.bincount(stage.block, minlength=n_blocks)[:, None]
    alone = np.zeros((n_blocks, values.n_columns))
    marked = np.repeat(lonely[:, None], values.n_columns, axis=1)
    np.add.at(alone, stage.block, marked if domain_lonely is None else marked | domain_lonely)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(strata > alone, strata / (strata - alone), np.nan)


def _fail_lonely(stage: Stage, lonely: NDArray[np.bool_], number: int) -> None:
    codes: list[Any] = [stage.codes[h] for h in np.flatnonzero(lonely)]
    unit = "PSU" if number == 1 else f"unit at stage {number}"
    raise DesignError(
        f"a stratum with one {unit} has no variance of its own",
        where="lonely_psu",
        found=f"{len(codes)} strata with one {unit}, such as {', '.join(repr(c) for c in codes[:5])}",
        expected="two or more in each stratum, or a decision what one contributes",
        hint='join such strata, or declare lonely_psu="adjust" (or certainty, average, remove)',
        code="lonely-psu",
    )
