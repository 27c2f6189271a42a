"""Population size from individual records with covariates: everybody has their own chance of being seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._people import Ci, People, people_result, read_people
from survey_toolkit.multiple_systems._regression import expit, logistic, multinomial_logistic, softmax
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["doubly_robust", "tilling_sterne"]

FloatArray = NDArray[np.float64]
Nuisance = Literal["logistic", "multinomial"]
DrEstimator = Literal["one_step", "plug_in", "tmle"]

_FLUCTUATION = 0.005


@dataclass(frozen=True, slots=True)
class _Chances:
    """Probabilities among the seen, shapes (n,): on both, on the first only, on the second only."""

    both: FloatArray
    first: FloatArray
    second: FloatArray

    @property
    def inverse(self) -> FloatArray:
        """Inverse probability of having been seen, q1 q2 / q12."""
        out: FloatArray = (self.both + self.first) * (self.both + self.second) / self.both
        return out


def doubly_robust(
    data: Any,
    lists: Sequence[str],
    covariates: Sequence[str],
    *,
    nuisance: Nuisance = "multinomial",
    estimator: DrEstimator = "one_step",
    folds: int = 1,
    margin: float = 0.005,
    ci: Ci = "log",
    level: float = 0.95,
    seed: int = 20140401,
) -> PopulationSize:
    r"""Doubly robust population size from two lists with covariates.

    With :math:`q_1, q_2, q_{12}` the chances, among the seen, of being on the first, second and both lists
    given the covariates, :math:`\gamma = q_1 q_2 / q_{12}` and
    :math:`\varphi = \gamma (A/q_1 + B/q_2 - AB/q_{12})`, the estimate is :math:`n` times the mean of
    :math:`\varphi`, with variance :math:`n\,var(\varphi) + n\psi^{-1}(\psi^{-1} - 1)` (Das, Kennedy & Jewell
    2024, JASA 119:1309-1321).

    Parameters
    ----------
    data : frame, mapping or path
        One row a person.
    lists : (str, str)
        0/1 columns; people on neither are left out.
    covariates : sequence of str
        Numbers as they are; text and Booleans by level.
    nuisance : {"multinomial", "logistic"}
        One multinomial logit of the history, or three separate logistic regressions.
    estimator : {"one_step", "plug_in", "tmle"}
        ``"plug_in"`` is the mean of gamma; ``"tmle"`` tilts the chances along the influence function until
        no tilt exceeds 0.005.
    folds : int
        Above 1: chances are estimated on the other folds (cross-fitting).
    margin : float
        Floor for the chance of being on both lists.

    Raises
    ------
    EstimationError
        Not two lists, missing covariates, no overlap, a regression without finite estimate.

    Examples
    --------
    >>> import pandas as pd
    >>> seen = pd.DataFrame({"A": [1] * 60 + [0] * 30, "B": [1] * 20 + [0] * 40 + [1] * 30,
    ...                      "age": [20, 30, 40] * 30})
    >>> 140 < doubly_robust(seen, ["A", "B"], ["age"]).estimate < 160
    True
    """
    people = _two_lists(data, lists, covariates)
    a, b = people.seen[:, 0], people.seen[:, 1]
    _check_options(nuisance, estimator, ci)
    chances = _cross_fit(people, nuisance, folds, margin, seed)
    if estimator == "tmle":
        chances = _target(chances, a, b, margin)
    n, gamma = len(a), chances.inverse
    q1, q2 = chances.both + chances.first, chances.both + chances.second
    influence = gamma * (a / q1 + b / q2 - a * b / chances.both)
    inverse = float((influence if estimator == "one_step" else gamma).mean())
    variance = n * float(influence.var(ddof=1)) + n * inverse * max(inverse - 1, 0.0)
    floor = float((chances.both <= margin).mean())
    notes: tuple[str, ...] = () if folds > 1 else ("chances were estimated on the same people (folds=1)",)
    if floor:
        notes += (f"the chance of being on both lists was raised to the margin {margin:g} for {floor:.1%}",)
    names = {"one_step": "one-step", "plug_in": "plug-in", "tmle": "targeted maximum likelihood"}
    return people_result(
        f"doubly robust, {names[estimator]}",
        people,
        n * inverse,
        float(np.sqrt(variance)),
        ci=ci,
        level=level,
        model=f"{nuisance} chances given {', '.join(people.names[1:])}",
        diagnostics={"share_at_margin": floor, "largest_weight": float(gamma.max())},
        notes=notes,
    )


def tilling_sterne(
    data: Any, lists: Sequence[str], covariates: Sequence[str], *, level: float = 0.95
) -> PopulationSize:
    r"""Covariate-adjusted two-list estimate: the sum of :math:`1 + p_{10} p_{01} / p_{11}` over the seen.

    Probabilities come from a multinomial logit of the history (Tilling & Sterne 1999, Am J Epidemiol
    149:392-400). The standard error adds the uncertainty of the logit by the delta method.

    Parameters
    ----------
    data : frame or path
        One row a person seen, 0/1 by list.
    lists : sequence of str
        The two lists.
    covariates : sequence of str
    level : float
        Of the interval.

    Returns
    -------
    PopulationSize

    Raises
    ------
    EstimationError
        As :func:`doubly_robust`.
    """
    people = _two_lists(data, lists, covariates)
    x = people.design
    fit = multinomial_logistic(x, _classes(people.seen))
    prob = fit.probabilities
    unseen = prob[:, 1] * prob[:, 2] / prob[:, 0]
    gradient = np.concatenate([x.T @ (unseen * (1 - prob[:, 1])), x.T @ (unseen * (1 - prob[:, 2]))])
    variance = float((unseen * (1 + unseen)).sum() + gradient @ fit.covariance @ gradient)
    return people_result(
        "covariate-adjusted (Tilling & Sterne)",
        people,
        float((1 + unseen).sum()),
        float(np.sqrt(variance)),
        ci="log",
        level=level,
        model=f"multinomial logit on {', '.join(people.names[1:]) or 'no covariate'}",
        diagnostics={"largest_weight": float(1 + unseen.max())},
    )


def _two_lists(data: Any, lists: Sequence[str], covariates: Sequence[str]) -> People:
    if len(lists) != 2:
        raise EstimationError(
            "this estimator takes two lists",
            where="lists",
            found=", ".join(map(str, lists)) or "none",
            hint="run it on pairs of lists, or use loglinear_covariates()",
        )
    people = read_people(data, lists, covariates)
    if not (people.seen[:, 0] * people.seen[:, 1]).any():
        raise EstimationError(
            "the lists share nobody, so nothing tells how many are unseen",
            where=f"lists {lists[0]} and {lists[1]}",
            hint="check the linkage, or choose lists that overlap",
            code="no-overlap",
        )
    return people


def _check_options(nuisance: str, estimator: str, ci: str) -> None:
    for where, value, known in (
        ("nuisance", nuisance, ("multinomial", "logistic")),
        ("estimator", estimator, ("one_step", "plug_in", "tmle")),
        ("ci", ci, ("log", "wald")),
    ):
        if value not in known:
            raise _unknown(where, value, ", ".join(known))


def _unknown(where: str, value: object, known: str) -> EstimationError:
    return EstimationError("there is no such option", where=where, found=repr(value), expected=known)


def _classes(seen: FloatArray) -> FloatArray:
    """One-hot histories: both, first only, second only."""
    a, b = seen[:, 0], seen[:, 1]
    return np.column_stack([a * b, a * (1 - b), b * (1 - a)])


def _cross_fit(people: People, nuisance: Nuisance, folds: int, margin: float, seed: int) -> _Chances:
    n = len(people.seen)
    if folds < 1 or folds > n // 2:
        raise _unknown("folds", folds, f"1 to {n // 2}")
    if not 0 < margin < 0.5:
        raise _unknown("margin", margin, "a number between 0 and 0.5")
    fold = np.zeros(n, dtype=int)
    if folds > 1:
        fold = np.random.default_rng(seed).permutation(np.arange(n) % folds)
    out = np.empty((n, 3))
    for k in range(folds):
        train = fold != k if folds > 1 else np.ones(n, dtype=bool)
        classes = _classes(people.seen[train])
        out[fold == k] = _fit_chances(people.design[train], classes, people.design[fold == k], nuisance)
    both = np.clip(out[:, 0], margin, 1.0)
    first = np.minimum(out[:, 1], 1 - both)
    return _Chances(both, first, np.minimum(out[:, 2], 1 - both - first))


def _fit_chances(x: FloatArray, classes: FloatArray, new: FloatArray, nuisance: Nuisance) -> FloatArray:
    if nuisance == "multinomial":
        return softmax(new, multinomial_logistic(x, classes).coef)
    return np.column_stack([expit(new @ logistic(x, classes[:, j])) for j in range(3)])


def _target(chances: _Chances, a: FloatArray, b: FloatArray, margin: float) -> _Chances:
    """Tilt each chance along its part of the influence function until the tilts are small."""
    both, first, second = chances.both, chances.first, chances.second
    for _ in range(100):
        q1, q2 = both + first, both + second
        both, e0 = _tilt(both, a * b, q1 / both + q2 / both - q1 * q2 / both**2)
        both = np.clip(both, margin, 1 - 1e-6)
        first = np.minimum(first, 1 - both)
        first, e1 = _tilt(first, a * (1 - b), (both + second) / both)
        first = np.minimum(first, 1 - both)
        second = np.minimum(second, 1 - both - first)
        second, e2 = _tilt(second, b * (1 - a), (both + first) / both)
        second = np.clip(second, 0.0, 1 - both - first)
        if max(e0, e1, e2) < _FLUCTUATION:
            break
    return _Chances(both, first, second)


def _tilt(q: FloatArray, y: FloatArray, direction: FloatArray) -> tuple[FloatArray, float]:
    from scipy.special import logit

    start = logit(np.clip(q, 1e-9, 1 - 1e-9))
    size = logistic_offset(direction, y, start)
    return expit(start + size * direction), abs(size)


def logistic_offset(x: FloatArray, y: FloatArray, offset: FloatArray) -> float:
    """One coefficient of a logistic regression through a known offset, by damped Newton steps."""
    size = 0.0
    for _ in range(100):
        p = expit(offset + size * x)
        information = float((x * x * p * (1 - p)).sum())
        step = float((x * (y - p)).sum()) / max(information, 1e-12)
        size += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-10:
            break
    return size
