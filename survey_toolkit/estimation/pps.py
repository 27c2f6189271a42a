r"""Sampling with unequal probabilities and without replacement.

With inclusion probabilities :math:`\pi_i`, joint ones :math:`\pi_{ij}` and
:math:`\check\Delta_{ij} = (\pi_{ij} - \pi_i\pi_j)/\pi_{ij}`, the variance of the total of
:math:`\check z_i = z_i/\pi_i` is estimated by Horvitz and Thompson (1952) or by Yates and Grundy (1953) and
Sen (1953), for samples of fixed size:

.. math:: v_{HT} = \sum_i\sum_j \check\Delta_{ij}\check z_i\check z_j, \qquad
          v_{YG} = -\tfrac12 \sum_i\sum_j \check\Delta_{ij}(\check z_i - \check z_j)^2.

Where :math:`\pi_{ij}` is not given it is approximated from the :math:`\pi_i` of the n sampled units of a
stratum (those with :math:`\pi = 1` aside):

* ``overton`` (1985): :math:`\check\Delta_{ij} = 1 - \big(n - (\pi_i+\pi_j)/2\big)/(n-1)`;
* ``hr`` (Hartley and Rao 1962): :math:`1 - \big(n - \pi_i - \pi_j + \sum_U \pi_k^2/n\big)/(n-1)`, the sum
  over the population given; ``hr1`` estimates it by the mean of the sampled :math:`\pi_i`;
* ``brewer`` (Brewer 2002, p. 153, in the form of R's survey):
  :math:`v = \sum_h \tfrac{n_h}{n_h-1}\sum_i (1-\pi_i)(\check z_i - \bar z_h)^2`. R counts units
  with :math:`\pi = 1` in n and in the mean, though nothing was drawn there: a standard error of 120.3 where
  leaving them aside gives 120.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, get_args

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import DesignError, did_you_mean
from survey_toolkit.estimation.cells import collect_cells
from survey_toolkit.estimation.codes import Floats, Ints, factorize, sum_by
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.measures import PREFIX, Query
from survey_toolkit.estimation.psu_table import DesignTable, design_table
from survey_toolkit.estimation.taylor import UnitTerms
from survey_toolkit.estimation.totals import PsuTotals, check_weights, fold_cells

__all__ = ["PpsDesign", "PpsTotals", "joint_delta", "pps_totals", "pps_vcov"]

PpsMethod: TypeAlias = Literal["brewer", "overton", "hr", "hr1", "joint"]
_WEIGHT = PREFIX + "pps_weight"
_LARGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PpsDesign:
    """One stage of sampling with unequal probabilities, without replacement.

    Parameters
    ----------
    probability : str
        Inclusion probability of the sampling unit, in (0, 1].
    method : {"brewer", "overton", "hr", "hr1", "joint"}
    variance : {"HT", "YG"}
        Horvitz-Thompson or Yates-Grundy form; Brewer's has one form of its own.
    weight : str, optional
        Weight of the row; 1/probability when not given.
    strata, psu : str, optional
        Without a PSU every row is a unit.
    joint : matrix (U, U), optional
        Joint inclusion probabilities, the probabilities themselves on the diagonal (``method="joint"``).
    joint_units : sequence, optional
        Codes of the PSUs in the order of the matrix. Without it, the order of the codes (sorted), or of the
        rows where rows are units; a matrix in another order is refused by its diagonal.
    sum_of_squares : float or mapping of stratum to float, optional
        Σπ²/n over the population (``method="hr"``).
    nest : bool
        As in :class:`~survey_toolkit.estimation.SurveyDesign`.

    Raises
    ------
    DesignError
        If the method lacks what it needs, or a probability is not one.

    Examples
    --------
    >>> PpsDesign(probability="p", method="overton", variance="YG").sentence()
    'unequal probabilities p without replacement (overton, YG)'
    """

    probability: str
    method: PpsMethod = "brewer"
    variance: Literal["HT", "YG"] = "HT"
    weight: str | None = None
    strata: str | None = None
    psu: str | None = None
    joint: Any = None
    joint_units: Sequence[Any] | None = None
    sum_of_squares: float | Mapping[Any, float] | None = None
    nest: bool = False

    def __post_init__(self) -> None:
        for where, value, allowed in (
            ("method", self.method, get_args(PpsMethod)),
            ("variance", self.variance, ("HT", "YG")),
        ):
            if value not in allowed:
                raise DesignError(
                    "unknown option",
                    where=where,
                    found=repr(value),
                    expected=", ".join(allowed),
                    hint=did_you_mean(str(value), allowed),
                )
        if (self.joint is None) == (self.method == "joint"):
            raise DesignError(
                "a matrix of joint probabilities goes with method='joint', and only with it",
                where="joint",
                found=f"method {self.method!r}, {'no ' if self.joint is None else ''}matrix",
            )
        if (self.sum_of_squares is None) == (self.method == "hr"):
            raise DesignError(
                "method='hr' needs the population's sum of squared probabilities over n, and only it",
                where="sum_of_squares",
                hint="hr1 estimates it from the sample",
            )
        if self.joint is not None:
            object.__setattr__(self, "joint", _checked_joint(self.joint))

    @property
    def lonely_psu(self) -> str:
        """A single uncertain unit has no variance of its own here."""
        return "fail"

    @property
    def plain(self) -> SurveyDesign:
        """Weights, strata and units as an ordinary design, for the one pass over the rows."""
        return SurveyDesign(
            weight=self.weight or _WEIGHT,
            strata=self.strata,
            psu=self.psu,
            fpc=self.probability,
            nest=self.nest,
        )

    def check_columns(self, frame: LazyFrame) -> None:
        """Raise if a column is missing or not numeric."""
        SurveyDesign(
            weight=self.weight or self.probability, strata=self.strata, psu=self.psu, fpc=self.probability
        ).check_columns(frame)

    def sentence(self) -> str:
        """The design in one line of text."""
        how = self.method if self.method == "brewer" else f"{self.method}, {self.variance}"
        parts = [f"unequal probabilities {self.probability} without replacement ({how})"]
        for label, column in (("weights", self.weight), ("strata", self.strata), ("PSU", self.psu)):
            if column:
                parts.append(f"{label} {column}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PpsTotals(PsuTotals):
    """Totals by sampling unit, with the probability and the row of the matrix of each unit, (U,)."""

    probability: Floats
    place: Ints


def pps_totals(frame: LazyFrame, design: PpsDesign, query: Query) -> PpsTotals:
    """Read the rows once, with the probability of every unit.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : PpsDesign
    query : Query

    Returns
    -------
    PpsTotals

    Raises
    ------
    DesignError
        If a probability is missing, outside (0, 1] or varies inside a unit, or the matrix does not fit.
    """
    plain = design.plain
    if design.weight is None:
        frame = frame.with_columns(**{_WEIGHT: 1.0 / nw.col(design.probability).cast(nw.Float64)})
    cells = collect_cells(frame, plain, query)
    low, high = cells.popsize_min[0], cells.popsize_max[0]
    wrong = ~((low > 0) & (high <= 1))
    if wrong.any():
        raise DesignError(
            "an inclusion probability is missing, zero, negative or above 1",
            where=design.probability,
            found=f"in {int(wrong.sum())} units",
            expected="a number in (0, 1] in every row",
            code="bad-probability",
        )
    if design.weight is not None:
        check_weights(cells, frame, plain)
    bare = replace(plain, fpc=None)
    table, unit = design_table(replace(cells, popsize_min=(), popsize_max=()), bare)
    probability = np.zeros(table.n_psu)
    probability[unit] = low
    if (probability[unit] != low).any() or (low != high).any():
        raise DesignError(
            "the inclusion probability varies inside a sampling unit",
            where=design.probability,
            expected="one probability a PSU",
            code="bad-probability",
        )
    totals = fold_cells(cells, table, unit, bare, query)
    told = {field.name: getattr(totals, field.name) for field in fields(PsuTotals)}
    place = _place(design, cells.units[0] if cells.units else None, unit, probability)
    return PpsTotals(**told, probability=probability, place=place)


def pps_vcov(terms: UnitTerms, z: Floats, totals: PpsTotals, design: PpsDesign) -> Floats:
    """Covariance of K totals given their values by unit.

    Parameters
    ----------
    terms : UnitTerms
    z : float array (T,)
        Linearised weighted values of the terms.
    totals : PpsTotals
    design : PpsDesign

    Returns
    -------
    float array (K, K)
    """
    k = terms.n_columns
    values = sum_by(terms.unit * k + terms.column, z, totals.table.n_psu * k).reshape(-1, k)
    if design.method == "brewer":
        return _brewer(values, totals)
    delta = joint_delta(design, totals.table, totals.probability, totals.place)
    vcov = values.T @ delta @ values
    if design.variance == "YG":
        vcov = vcov - values.T @ (values * delta.sum(axis=1)[:, None])
    return np.asarray((vcov + vcov.T) / 2)


def joint_delta(design: PpsDesign, table: DesignTable, probability: Floats, place: Ints) -> Floats:
    """(π_ij - π_i π_j) / π_ij, given or approximated: (U, U).

    Units taken with certainty are independent of all others: their row is 0, and they do not count as drawn.
    """
    if len(probability) > _LARGEST:
        raise DesignError(
            "too many units for a matrix of joint probabilities",
            where="method",
            found=str(len(probability)),
            expected=f"at most {_LARGEST}",
            hint='take method="brewer"',
        )
    if design.joint is not None:
        joint = np.asarray(design.joint)[np.ix_(place, place)]
        return np.asarray((joint - np.outer(probability, probability)) / joint)
    stratum, drawn = table.stages[0].stratum, probability < 1
    n = _drawn_in_stratum(table, probability)[stratum]
    both = np.add.outer(probability, probability)
    if design.method == "overton":
        expected = n[:, None] - both / 2
    else:
        expected = n[:, None] - both + _mean_square(design, table, probability)[stratum][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = 1 - expected / (n - 1)[:, None]
    apart = (stratum[:, None] != stratum[None, :]) | ~np.outer(drawn, drawn)
    delta = np.where(apart, 0.0, delta)
    np.fill_diagonal(delta, 1 - probability)
    return np.asarray(delta)


def _brewer(values: Floats, totals: PpsTotals) -> Floats:
    stratum = totals.table.stages[0].stratum
    n = _drawn_in_stratum(totals.table, totals.probability)
    drawn = (totals.probability < 1).astype(np.float64)
    k, n_strata = values.shape[1], len(n)
    mean = np.zeros((n_strata, k))
    np.add.at(mean, stratum, values * drawn[:, None])
    mean /= np.maximum(n, 1)[:, None]
    scale = (1 - totals.probability) * (n / np.maximum(n - 1, 1))[stratum]
    spread = (values - mean[stratum]) * np.sqrt(scale)[:, None]
    return np.asarray(spread.T @ spread)


def _drawn_in_stratum(table: DesignTable, probability: Floats) -> Floats:
    """Units of each stratum that were not certain to be drawn, (H,)."""
    first = table.stages[0]
    n = np.bincount(first.stratum, probability < 1, minlength=len(first.n_units)).astype(np.float64)
    if (n == 1).any():
        codes = [first.codes[h] for h in np.flatnonzero(n == 1)]
        raise DesignError(
            "a stratum with one unit that was not certain has no variance",
            where="strata",
            found=f"{len(codes)} strata, such as {', '.join(repr(c) for c in codes[:5])}",
            hint="join such strata",
            code="lonely-psu",
        )
    return n


def _mean_square(design: PpsDesign, table: DesignTable, probability: Floats) -> Floats:
    """Σπ²/n over the population of each stratum, given or estimated by the mean of the sampled π, (H,)."""
    first = table.stages[0]
    given = design.sum_of_squares
    if given is None:
        drawn = probability < 1
        total = np.bincount(first.stratum[drawn], probability[drawn], minlength=len(first.n_units))
        return np.asarray(total / np.maximum(_drawn_in_stratum(table, probability), 1))
    if not isinstance(given, Mapping):
        return np.full(len(first.n_units), float(given))
    missing = [code for code in first.codes if code not in given]
    if missing:
        raise DesignError(
            "a stratum lacks its sum of squared probabilities",
            where="sum_of_squares",
            found=", ".join(repr(c) for c in missing[:5]),
        )
    return np.array([float(given[code]) for code in first.codes])


def _checked_joint(joint: Any) -> Floats:
    matrix = np.array(joint, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DesignError("joint probabilities form a square matrix", where="joint", found=str(matrix.shape))
    if not ((matrix > 0) & (matrix <= 1)).all():
        raise DesignError(
            "joint probabilities must lie in (0, 1]",
            where="joint",
            found=f"{int((~((matrix > 0) & (matrix <= 1))).sum())} others",
            hint="a pair that cannot be drawn together has no unbiased variance",
            code="bad-probability",
        )
    if not np.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-12):
        raise DesignError("the matrix of joint probabilities is not symmetric", where="joint")
    matrix.setflags(write=False)
    return matrix


def _place(design: PpsDesign, codes: Any, unit: Ints, probability: Floats) -> Ints:
    """Row of the joint matrix for each unit, checked against its diagonal."""
    n = len(probability)
    place = np.arange(n)
    if design.joint is None:
        return place
    if codes is not None:
        distinct, index = factorize(codes)
        order = {code: i for i, code in enumerate(design.joint_units or distinct)}
        absent = [code for code in distinct if code not in order]
        if absent or len(order) != n:
            raise DesignError(
                "the units of the matrix are not those of the data",
                where="joint_units",
                found=f"{len(order)} units in the matrix, {n} in the data, {len(absent)} of them not in it",
            )
        place[unit] = np.array([order[code] for code in distinct])[index]
    diagonal = np.diagonal(design.joint)
    if len(diagonal) != n:
        raise DesignError(
            "the matrix has another size", where="joint", found=str(len(diagonal)), expected=str(n)
        )
    off = ~np.isclose(diagonal[place], probability, rtol=1e-4)
    if off.any():
        raise DesignError(
            "the diagonal of the matrix is not the probability of its unit",
            where="joint",
            found=f"{int(off.sum())} of {n} units differ",
            expected="the order of the units, named in joint_units, or the order of the rows",
            code="joint-order",
        )
    return place
