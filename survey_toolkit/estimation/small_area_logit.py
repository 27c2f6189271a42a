r"""Small areas from unit records of a yes or no: the logistic model with random area effects.

.. math:: \operatorname{logit} p_{di} = x_{di}'\beta + u_d, \quad u_d \sim N(0, \sigma^2), \qquad
   \hat P_d = \sum_c N_{dc} \operatorname{expit}(x_{dc}'\hat\beta + \hat u_d) \Big/ \sum_c N_{dc}

over the population cells c of the area, with :math:`\hat u_d` the mode of its distribution given the sample
(plug-in), or the mean of the whole over that distribution (empirical best predictor).

References
----------
MacGibbon and Tomberlin (1989), *Survey Methodology* 15:237-252; Jiang and Lahiri (2001), *Annals of the
Institute of Statistical Mathematics* 53:217-243; Rao and Molina (2015), *Small Area Estimation*, ch. 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.asking import check_choice
from survey_toolkit.estimation.codes import Floats, Ints, sum_by
from survey_toolkit.estimation.small_area_logit_fit import LogitAreas, LogitFit, fit_logit, nodes, posterior
from survey_toolkit.estimation.small_areas import SmallAreas, area_columns

__all__ = ["AreaPredictor", "unit_level_logit"]

AreaPredictor: TypeAlias = Literal["plug_in", "best"]

_BEST_POINTS: Final = 25  # nodes for the mean over the distribution of an effect; exact to many digits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Population:
    """C cells of covariates (C, K) in M areas, with the number of people."""

    x: Floats
    size: Floats
    area: Ints
    m: int

    def mean(self, beta: Floats, effect: Floats) -> Floats:
        """Mean probability by area, (M, Q) for effects (M, Q)."""
        from scipy.special import expit

        p = expit((self.x @ beta)[:, None] + effect[self.area]) * self.size[:, None]
        total = sum_by(self.area, self.size, self.m)
        return np.stack([sum_by(self.area, column, self.m) for column in p.T], axis=1) / total[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Predicted:
    """By area of the population, (M,)."""

    estimate: Floats
    synthetic: Floats
    gamma: Floats


def unit_level_logit(
    data: Any,
    cells: Any,
    covariates: Sequence[str],
    *,
    outcome: str,
    area: str,
    cell_size: str | None = None,
    points: int = 1,
    predictor: AreaPredictor = "plug_in",
    bootstrap: int = 0,
    seed: int = 1,
) -> SmallAreas:
    """Unit-level logit model: sampled units with a yes or no, and the population by area and covariates.

    Parameters
    ----------
    data : frame or path
        Sampled units.
    cells : frame or path
        The whole population, one row a cell: its area, the covariates under the same names, its size.
    covariates : sequence of str
        Numeric; a constant is added.
    outcome : str
        0 or 1, or a boolean.
    area : str
    cell_size : str, optional
        Column of ``cells`` with the number of people; without it every row is one person.
    points : int
        Nodes of the adaptive Gauss-Hermite quadrature; 1 is the approximation of Laplace, which understates
        the variance between areas where areas have few units.
    predictor : {"plug_in", "best"}
        Probabilities at the most likely effect of the area, or their mean over what the effect may be (an
        area without units: over all effects). ``plug_in`` is a little low for rare outcomes.
    bootstrap : int
        Replicates of the parametric bootstrap for the MSE; 0 gives none (NaN).
        It takes the estimated variance between areas as true and so is too low with few areas: by about a
        fifth in a simulation of 25 areas of 20 units, where from the true parameters it is not.
    seed : int

    Returns
    -------
    SmallAreas
        Areas in the order in which they first appear in ``cells``; an area without units gets its
        synthetic mean. ``gamma`` is the part of the variance of the area's effect that its own sample
        removes, 1 - 1/(1 + σ² Σ p(1-p)), ``coefficients`` and ``sigma2_area`` are in logits, and ``mse``
        is that of the mean probability of the area. The sampling design is not used: covariates have to
        hold what it depends on.

    Raises
    ------
    EstimationError
        If values are missing, the outcome is not 0 or 1, an area of the sample is not in ``cells``, there
        are too few areas, or the covariates separate the outcomes.

    Examples
    --------
    >>> import pandas as pd
    >>> units = pd.DataFrame({"a": list("ppppqqqqrrrr"), "x": [0, 0, 1, 1] * 3,
    ...                       "y": [0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0]})
    >>> cells = pd.DataFrame({"a": list("ppqqrrs"), "x": [0, 1, 0, 1, 0, 1, 1], "n": [60, 40] * 3 + [9]})
    >>> unit_level_logit(units, cells, ["x"], outcome="y", area="a", cell_size="n").estimate.round(2)
    array([0.22, 0.56, 0.08, 0.49])
    """
    check_choice("predictor", predictor, ("plug_in", "best"))
    _check_counts(points, bootstrap)
    sample, population, codes, sampled = _read(data, cells, covariates, outcome, area, cell_size)
    fit = fit_logit(sample, points)
    got = _predict(sample, population, sampled, fit, predictor)
    notes = _notes(fit, population.m - len(sampled))
    mse, method = np.full(population.m, np.nan), f"logit model with area effects, ML by {_named(points)}"
    if bootstrap:
        mse, lost = _bootstrap_mse(sample, population, sampled, fit, points, predictor, bootstrap, seed)
        method += f"; MSE by parametric bootstrap ({bootstrap} replicates, seed {seed})"
        if lost:
            notes.append(f"{lost} bootstrap replicates without a finite fit are left out of the MSE")
    direct = np.full(population.m, np.nan)
    direct[sampled] = sample.sums(sample.y) / sample.sums(sample.m)
    return SmallAreas(
        areas=codes,
        estimate=got.estimate,
        mse=mse,
        direct=direct,
        synthetic=got.synthetic,
        gamma=got.gamma,
        coefficients=fit.beta,
        coefficients_se=np.sqrt(np.diagonal(fit.covariance)),
        names=("Intercept", *covariates),
        sigma2_area=fit.sigma**2,
        loglik=fit.loglik,
        method=method,
        notes=tuple(notes),
    )


def _named(points: int) -> str:
    return "the approximation of Laplace" if points == 1 else f"adaptive quadrature with {points} nodes"


def _notes(fit: LogitFit, empty: int) -> list[str]:
    notes = []
    if empty:
        notes.append(f"{empty} areas have no sampled unit: imputed from the covariates alone")
    if fit.sigma == 0:
        notes.append("the variance between areas is estimated as 0: every area is its synthetic estimate")
    return notes


def _check_counts(points: int, bootstrap: int) -> None:
    for where, value, low, high in (("points", points, 1, 100), ("bootstrap", bootstrap, 0, 1_000_000)):
        if not low <= value <= high or int(value) != value:
            raise EstimationError(
                "a number is out of range", where=where, found=str(value), expected=f"{low} to {high}"
            )


def _read(
    data: Any, cells: Any, covariates: Sequence[str], outcome: str, area: str, cell_size: str | None
) -> tuple[LogitAreas, _Population, tuple[Any, ...], Ints]:
    """Sample, population, codes of its areas, and which of them are sampled."""
    rows = area_columns(data, area, [outcome, *covariates])
    table = area_columns(cells, area, [*covariates, *([cell_size] if cell_size else [])])
    for what, values in (("sample", rows), ("population", table)):
        gaps = [name for name, column in values.items() if name != area and not np.isfinite(column).all()]
        if gaps:
            raise EstimationError(
                f"missing values in the {what}", where=gaps[0], hint="leave such rows out and say so"
            )
    codes = tuple(dict.fromkeys(table[area].tolist()))
    place = {code: i for i, code in enumerate(codes)}
    lost = sorted({str(code) for code in rows[area].tolist() if code not in place})
    if lost:
        raise EstimationError(
            "an area of the sample is not in the population",
            where=area,
            found=", ".join(lost[:5]),
            expected="population cells of every area",
        )
    population = _population(
        table, [place[code] for code in table[area].tolist()], covariates, cell_size, codes
    )
    at = np.array([place[code] for code in rows[area].tolist()], dtype=np.int64)
    sample, sampled = _sample(rows, at, covariates, outcome)
    return sample, population, codes, sampled


def _population(
    table: dict[str, Any], at: list[int], covariates: Sequence[str], size: str | None, codes: tuple[Any, ...]
) -> _Population:
    held = table[size] if size else np.ones(len(at))
    place = np.array(at, dtype=np.int64)
    total = sum_by(place, held, len(codes))
    if (held < 0).any() or (total <= 0).any():
        raise EstimationError(
            "cells must not be negative, nor an area empty",
            where=str(size),
            found=", ".join(str(codes[i]) for i in np.flatnonzero(total <= 0)[:5]) or "a size below 0",
        )
    x = np.column_stack([np.ones(len(at)), *(table[name] for name in covariates)])
    return _Population(x=x, size=held, area=place, m=len(codes))


def _sample(
    rows: dict[str, Any], at: Ints, covariates: Sequence[str], outcome: str
) -> tuple[LogitAreas, Ints]:
    """Counts by area and pattern of covariates, whatever the order of the rows."""
    y = rows[outcome]
    if not np.isin(y, (0.0, 1.0)).all():
        raise EstimationError("the outcome is a yes or no", where=outcome, expected="0 or 1, or a boolean")
    x = np.column_stack([np.ones(len(at)), *(rows[name] for name in covariates)])
    sampled = np.unique(at)
    if len(sampled) < 2 or len(at) <= x.shape[1] + 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        raise EstimationError(
            "there are too few units or areas for the covariates",
            found=f"{len(at)} units in {len(sampled)} areas, {x.shape[1]} coefficients",
            expected="two areas or more, and no covariate a combination of others",
        )
    patterns, pattern = np.unique(np.column_stack([at, x]), axis=0, return_inverse=True)
    pattern = np.asarray(pattern, dtype=np.int64).reshape(-1)
    counts = np.bincount(pattern, minlength=len(patterns)).astype(np.float64)
    area = np.searchsorted(sampled, patterns[:, 0].astype(np.int64)).astype(np.int64)
    held = LogitAreas(y=sum_by(pattern, y, len(patterns)), m=counts, x=patterns[:, 1:], area=area)
    return held, sampled


def _predict(
    sample: LogitAreas, population: _Population, sampled: Ints, fit: LogitFit, predictor: AreaPredictor
) -> _Predicted:
    points = 1 if predictor == "plug_in" else _BEST_POINTS
    z, share, curvature = posterior(sample, fit.beta, fit.sigma, points)
    # an area without units keeps the distribution of all areas
    a, log_weight = nodes(points)
    effect = np.tile(np.sqrt(2) * fit.sigma * a, (population.m, 1))
    weight = np.tile(np.exp(log_weight - a**2) / np.sqrt(np.pi), (population.m, 1))
    synthetic = (population.mean(fit.beta, effect) * weight).sum(axis=1)
    effect[sampled], weight[sampled] = fit.sigma * z, share
    estimate = (population.mean(fit.beta, effect) * weight).sum(axis=1)
    gamma = np.zeros(population.m)
    gamma[sampled] = 1 - 1 / curvature
    return _Predicted(estimate=estimate, synthetic=synthetic, gamma=gamma)


def _bootstrap_mse(
    sample: LogitAreas,
    population: _Population,
    sampled: Ints,
    fit: LogitFit,
    points: int,
    predictor: AreaPredictor,
    replicates: int,
    seed: int,
) -> tuple[Floats, int]:
    """Mean squared error over samples drawn from the fit, and how many had no fit of their own."""
    from scipy.special import expit

    rng = np.random.default_rng(seed)
    errors, lost = np.zeros(population.m), 0
    for _ in range(replicates):
        effect = rng.normal(0.0, fit.sigma, population.m)
        p = expit(sample.x @ fit.beta + effect[sampled][sample.area])
        y = rng.binomial(sample.m.astype(np.int64), p).astype(np.float64)
        drawn = LogitAreas(y=y, m=sample.m, x=sample.x, area=sample.area)
        try:
            again = fit_logit(drawn, points, start=fit)
        except EstimationError:
            lost += 1
            continue
        truth = population.mean(fit.beta, effect[:, None])[:, 0]
        errors += (_predict(drawn, population, sampled, again, predictor).estimate - truth) ** 2
    if 2 * lost > replicates:
        raise EstimationError(
            "most bootstrap samples have no finite fit",
            where="bootstrap",
            found=f"{lost} of {replicates}",
            hint="too few units have the outcome for an MSE: leave out covariates or join areas",
        )
    return errors / (replicates - lost), lost
