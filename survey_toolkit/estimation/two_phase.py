r"""Two-phase sampling: a large first sample, and within its classes a second one that is measured in full.

With :math:`\check\Delta^{(1)}` and :math:`\check\Delta^{(2)}` the
:math:`(\pi_{ij} - \pi_i\pi_j)/\pi_{ij}` of the phases, the Horvitz-Thompson variance of the two together is
:math:`\sum_i\sum_j \check\Delta_{ij}\check z_i\check z_j` with
:math:`1 - \check\Delta = (1 - \check\Delta^{(1)})(1 - \check\Delta^{(2)})`
(Särndal, Swensson and Wretman 1992, sec. 9.3). Under simple random sampling within strata both are constant
over a few partitions of the sample (stratum, PSU, class, unit), so that sums over their cells give the
variance and no matrix of pairs is made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame, require_columns
from survey_toolkit.errors import DesignError
from survey_toolkit.estimation.cells import Cells, collect_cells
from survey_toolkit.estimation.codes import Floats, Ints, compact, factorize, sum_by
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.measures import PREFIX, Query
from survey_toolkit.estimation.psu_table import Stage, design_table
from survey_toolkit.estimation.taylor import UnitTerms
from survey_toolkit.estimation.totals import PsuTotals, check_weights, fold_cells

__all__ = ["TwoPhaseDesign", "TwoPhaseTotals", "two_phase_totals", "two_phase_vcov"]

_WEIGHT, _ONE, _SECOND, _ALL = (f"{PREFIX}phase_{name}" for name in ("weight", "one", "second", "all"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPhaseDesign:
    """A sample of a sample. The file holds every row of the first phase.

    Parameters
    ----------
    first : SurveyDesign
        Weight, strata, PSUs and FPC (counts) of the first phase, one stage.
    second : str
        Boolean column: the row is in the second phase. Variables may be missing in the others.
    strata : str, optional
        Classes known for the whole first phase, in which the second phase was drawn at random without
        replacement; its probabilities are the counts.

    Raises
    ------
    DesignError

    Examples
    --------
    >>> first = SurveyDesign(weight="w", psu="ea")
    >>> TwoPhaseDesign(first=first, second="interviewed", strata="screened").sentence()
    'weights w; PSU ea; lonely PSU: fail; second phase interviewed within screened'
    """

    first: SurveyDesign
    second: str
    strata: str | None = None

    def __post_init__(self) -> None:
        psu, strata, fpc = (tuple(part or ()) for part in (self.first.psu, self.first.strata, self.first.fpc))
        if self.first.weight is None or max(len(psu), len(strata), len(fpc)) > 1 or self.first.adjustments:
            raise DesignError(
                "the first phase must have a weight column and one stage",
                where="first",
                found=self.first.sentence(),
                hint="declare the first stage alone, or make replicates of both phases",
            )

    @property
    def lonely_psu(self) -> str:
        """Lonely units are refused in both phases."""
        return "fail"

    @property
    def plain(self) -> SurveyDesign:
        """The second phase as a stratified sample of rows."""
        return SurveyDesign(weight=_WEIGHT, strata=self.strata)

    def check_columns(self, frame: LazyFrame) -> None:
        """Raise if a column is missing or of the wrong type."""
        self.first.check_columns(frame)
        names = [self.second] + ([self.strata] if self.strata else [])
        require_columns(frame, names, what="two-phase design", error=DesignError)
        dtype = frame.collect_schema()[self.second]
        if dtype not in (nw.Boolean, nw.Unknown):
            raise DesignError(
                "membership of the second phase must be Boolean", where=self.second, found=str(dtype)
            )

    def sentence(self) -> str:
        """The design in one line of text."""
        within = f" within {self.strata}" if self.strata else ""
        return f"{self.first.sentence()}; second phase {self.second}{within}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPhaseTotals(PsuTotals):
    """Totals by row, and where each row stands in both phases.

    Attributes
    ----------
    stratum, psu, group : int arrays (U,)
        First-phase stratum and PSU, second-phase class.
    first_fraction, first_count : float arrays (H,)
        Sampling fraction and PSUs of the first phase.
    second_fraction, second_count : float arrays (G,)
        Share and rows of the second phase.
    """

    stratum: Ints
    psu: Ints
    group: Ints
    first_fraction: Floats
    first_count: Floats
    second_fraction: Floats
    second_count: Floats


def two_phase_totals(frame: LazyFrame, design: TwoPhaseDesign, query: Query) -> TwoPhaseTotals:
    """Read the rows once; the weights are the first phase's times the inverse share of the class.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : TwoPhaseDesign
    query : Query

    Returns
    -------
    TwoPhaseTotals

    Raises
    ------
    DesignError
        If a class has no row in the second phase, or one of several.
    """
    first, plain = design.first, design.plain
    key = design.strata or _ALL
    frame = _weighted(frame, design, key)
    extra = (*tuple(first.psu or ()), key, _SECOND)
    cells = collect_cells(
        frame, replace(first, weight=_WEIGHT, psu=None, ssu=None), replace(query, by=(*query.by, *extra))
    )
    held = cells.by[len(query.by) :]
    check_weights(cells, frame, plain)
    units = (held[0],) if first.psu else (np.arange(len(cells.sums["rows"])),)
    flat = replace(cells, units=units, by=cells.by[: len(query.by)])
    above, psu = design_table(flat, replace(first, psu=first.psu or "row", ssu=None))
    stage = above.stages[0]
    _refuse_lonely(stage)
    group, second = factorize(held[-2])[1], np.asarray(held[-1], dtype=float) > 0
    second_fraction, second_count = _second_phase(group, second)
    only = replace(flat, strata=(held[-2],), units=(), popsize_min=(), popsize_max=())
    table, unit = design_table(only, replace(plain, strata=key))
    bare = replace(first, weight=_WEIGHT, fpc=None)
    totals = fold_cells(_of_second_phase(only, second), table, unit, bare, query)
    told = {field.name: getattr(totals, field.name) for field in fields(PsuTotals)}
    return TwoPhaseTotals(
        **told,
        stratum=_at(unit, stage.stratum[psu]),
        psu=_at(unit, psu),
        group=_at(unit, group),
        first_fraction=stage.fraction,
        first_count=stage.n_units.astype(np.float64),
        second_fraction=second_fraction,
        second_count=second_count,
    )


def _weighted(frame: LazyFrame, design: TwoPhaseDesign, key: str) -> LazyFrame:
    """With the weight of both phases: zero for rows that the second did not take."""
    inside = nw.col(design.second).fill_null(False)
    taken = nw.when(inside).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    frame = frame.with_columns(**{_ALL: nw.lit(0), _ONE: nw.lit(1.0), _SECOND: taken})
    share = nw.col(_ONE).sum().over(key) / nw.col(_SECOND).sum().over(key)
    weight = nw.col(design.first.weight or "").cast(nw.Float64) * share
    return frame.with_columns(**{_WEIGHT: nw.when(inside).then(weight).otherwise(nw.lit(0.0))})


def _refuse_lonely(stage: Stage) -> None:
    if stage.lonely.any():
        raise DesignError(
            "a stratum of the first phase has one PSU",
            where="first",
            found=f"{int(stage.lonely.sum())} strata",
            expected="two or more PSUs in each",
            hint="join such strata",
            code="lonely-psu",
        )


def two_phase_vcov(terms: UnitTerms, z: Floats, totals: TwoPhaseTotals) -> Floats:
    """Covariance of K totals given their linearised weighted values by row, (K, K)."""
    k = terms.n_columns
    rows, at = compact(terms.unit)
    values = sum_by(at * k + terms.column, z, len(rows) * k).reshape(-1, k)
    h, p, g = totals.stratum[rows], totals.psu[rows], totals.group[rows]
    own1, cross1 = _delta(totals.first_fraction, totals.first_count)
    own2, cross2 = _delta(totals.second_fraction, totals.second_count)
    step1, step2 = (own1 - cross1)[h], (own2 - cross2)[g]
    n_groups = len(own2)
    parts = [
        (h, cross1[h]),
        (p, step1),
        (g, cross2[g]),
        (np.arange(len(rows)), step2 - cross1[h] * step2 - step1 * step2),
        (h * n_groups + g, -cross1[h] * cross2[g]),
        (p * n_groups + g, -step1 * cross2[g]),
    ]
    return np.asarray(sum(_form(values, cell, coefficient) for cell, coefficient in parts))


def _form(values: Floats, cell: Ints, coefficient: Floats) -> Floats:
    """Σ over cells of coefficient times the outer product of the cell's sum."""
    codes, place = compact(cell)
    sums = np.zeros((len(codes), values.shape[1]))
    np.add.at(sums, place, values)
    constant = np.zeros(len(codes))
    constant[place] = coefficient
    return np.asarray(sums.T @ (sums * constant[:, None]))


def _delta(fraction: Floats, count: Floats) -> tuple[Floats, Floats]:
    """(π_ij - π_i π_j)/π_ij of a unit with itself and with another of its stratum."""
    own = 1 - fraction
    return own, np.where(count > 1, -own / np.maximum(count - 1, 1), 0.0)


def _second_phase(group: Ints, second: np.ndarray) -> tuple[Floats, Floats]:
    """Share and rows of the second phase by class."""
    if (group < 0).any():
        raise DesignError(
            "rows of the first phase without a class", where="strata", found=f"{int((group < 0).sum())} rows"
        )
    whole = np.bincount(group).astype(np.float64)
    taken = np.bincount(group, second, minlength=len(whole)).astype(np.float64)
    few = (taken == 0) | ((taken == 1) & (whole > 1))
    if few.any():
        raise DesignError(
            "a class has no row in the second phase, or one of several",
            where="strata",
            found=f"{int(few.sum())} classes",
            expected="two or more rows, or the whole class",
            hint="join classes",
            code="lonely-psu",
        )
    return taken / whole, taken


def _of_second_phase(cells: Cells, second: np.ndarray) -> Cells:
    """Rows of the first phase alone hold no value and are not undetermined: they were not asked."""
    told = ("rows", "weighted", "bad")
    return replace(
        cells, sums={k: v if k in told else np.where(second, v, 0.0) for k, v in cells.sums.items()}
    )


def _at(unit: Ints, values: Ints) -> Ints:
    out = np.zeros_like(values)
    out[unit] = values
    return out
