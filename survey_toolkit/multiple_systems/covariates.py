"""Population size by stratum: one shared log-linear model, or a model of its own for every stratum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._log_type import log_limits, log_type_size
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level, wald_limits
from survey_toolkit.multiple_systems.latent import LatentFit, LatentTable, fit_latent
from survey_toolkit.multiple_systems.loglinear import ASSUMPTIONS
from survey_toolkit.multiple_systems.results import PopulationSize, coefficients_of, criteria
from survey_toolkit.multiple_systems.strata import StratifiedHistories
from survey_toolkit.multiple_systems.stratified import StratifiedSize, StratumSize

__all__ = ["StratifiedSize", "StratumSize", "estimate_strata", "loglinear_covariates"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MAX_CELLS = 200_000


def estimate_strata(
    data: StratifiedHistories, method: Callable[[CaptureHistories], PopulationSize], *, level: float = 0.95
) -> StratifiedSize:
    """Separate models: any method on every stratum, and the sum.

    Strata are independent samples: variances add, and the total has a log-type interval (Chao 1987).

    Parameters
    ----------
    data : StratifiedHistories
        With every covariate known.
    method : callable
        Such as ``loglinear``, ``stepwise``, or ``lambda d: select(d, "hierarchical")``.
    level : float
        Of the interval of the total.

    Examples
    --------
    >>> from survey_toolkit.multiple_systems import two_list
    >>> table = {"A": [1, 1, 0, 1, 1, 0], "B": [1, 0, 1, 1, 0, 1], "sex": list("FFFMMM"),
    ...          "count": [10, 40, 30, 5, 20, 25]}
    >>> data = StratifiedHistories.from_counts(table, ["A", "B"], ["sex"])
    >>> sizes = estimate_strata(data, lambda d: two_list(d, estimator="lincoln_petersen"))
    >>> sizes.by_level("sex"), round(sizes.total.estimate)
    ({'F': 200.0, 'M': 150.0}, 350)
    """
    if not data.complete:
        raise EstimationError(
            "separate models need every covariate known for everybody",
            found=", ".join(data.recorded),
            hint="use loglinear_covariates()",
        )
    strata: list[StratumSize] = []
    fits: list[PopulationSize] = []
    for code, outcome in data.apply(method).items():
        if isinstance(outcome, EstimationError):
            nan = float("nan")
            reason = ". ".join(text for text in (outcome.what, outcome.found) if text)
            rows = (data.codes == [data.levels[j].index(v) for j, v in enumerate(code)]).all(axis=1)
            strata.append(StratumSize(code, float(data.counts[rows].sum()), nan, nan, nan, nan, reason))
        else:
            fits.append(outcome)
            strata.append(
                StratumSize(
                    code,
                    float(outcome.n),
                    outcome.estimate,
                    outcome.se,
                    outcome.ci_low,
                    outcome.ci_high,
                )
            )
    total = _sum(fits, data.lists, level) if len(fits) == len(strata) else None
    return StratifiedSize(by=data.by, total=total, strata=tuple(strata))


def _sum(fits: Sequence[PopulationSize], lists: tuple[str, ...], level: float) -> PopulationSize:
    n = sum(f.n for f in fits)
    estimate = float(sum(f.estimate for f in fits))
    se = float(np.sqrt(sum(f.se**2 for f in fits)))
    return log_type_size(
        method=f"{fits[0].method}, separate models",
        model="; ".join(dict.fromkeys(f.model for f in fits)),
        estimate=estimate,
        se=se,
        level=level,
        n=n,
        lists=lists,
        assumptions=fits[0].assumptions,
        notes=(f"sum of {len(fits)} strata, estimated separately",),
    )


def loglinear_covariates(
    data: StratifiedHistories,
    interactions: Iterable[str | Sequence[str]] = (),
    *,
    level: float = 0.95,
) -> StratifiedSize:
    """Shared model: one Poisson log-linear model for lists and covariates together.

    Every main effect of lists and covariates is in the model; interactions join lists (``"A:B"``), lists and
    covariates (``"A:sex"``: the list reaches the sexes unequally) or covariates (``"sex:year"``), with their
    lower-order terms. Lists absent in some strata, and covariates that only some lists record, are handled
    by maximum likelihood on what was observed (Zwane, van der Pal-de Bruin & van der Heijden 2004, Statistics
    in Medicine 23:2267-2281; Zwane & van der Heijden 2007; van der Heijden et al. 2012).

    Parameters
    ----------
    data : StratifiedHistories
    interactions : iterable of "A:sex" or ("A", "sex")
    level : float
        Wald intervals on the log dark figure. ``df`` counts every observable cell and every term.

    Raises
    ------
    EstimationError
        No estimate exists, the model is not identifiable, unknown names.

    Examples
    --------
    >>> table = {"A": [1, 1, 0, 1, 1, 0], "B": [1, 0, 1, 1, 0, 1], "sex": list("FFFMMM"),
    ...          "count": [10, 40, 30, 5, 20, 25]}
    >>> data = StratifiedHistories.from_counts(table, ["A", "B"], ["sex"])
    >>> round(loglinear_covariates(data, ["A:sex", "B:sex"]).total.estimate)
    350
    """
    check_level(level)
    chosen = _interactions(data, interactions)
    histories, codes = _cells(data)
    design, terms = _design(data, histories, codes, chosen)
    group, counts = _groups(data, histories, codes)
    fit = fit_latent(LatentTable(design, group, counts, terms))
    return _assemble(data, design, (group, codes), terms, chosen, fit, level)


def _interactions(
    data: StratifiedHistories, interactions: Iterable[str | Sequence[str]]
) -> tuple[tuple[str, ...], ...]:
    """Interactions and everything below them, as tuples of factor names in model order."""
    factors = [*data.lists, *data.by]
    if isinstance(interactions, str):
        interactions = [interactions]
    out: dict[tuple[str, ...], None] = {}
    for item in interactions:
        names = [p.strip() for p in item.split(":")] if isinstance(item, str) else list(item)
        for name in names:
            if name not in factors:
                raise EstimationError(
                    "an interaction names a list or covariate that is not there",
                    where="interactions",
                    found=f"'{name}'",
                    expected=did_you_mean(name, factors),
                    code="unknown-list",
                )
        if len(set(names)) != len(names) or len(names) < 2:
            raise EstimationError(
                "an interaction needs two or more different factors",
                where="interactions",
                found=repr(item),
                code="bad-interaction",
            )
        ordered = sorted(names, key=factors.index)
        for size in range(2, len(ordered) + 1):
            out |= dict.fromkeys(combinations(ordered, size))
    return tuple(sorted(out, key=lambda t: (len(t), [factors.index(n) for n in t])))


def _cells(data: StratifiedHistories) -> tuple[IntArray, IntArray]:
    """Every cell of the full table: histories (K, t), level numbers (K, k)."""
    shape = [2] * len(data.lists) + [len(v) for v in data.levels]
    if np.prod(shape) > _MAX_CELLS:
        raise EstimationError(
            "the table of lists and covariates is too large",
            found=f"{int(np.prod(shape)):,} cells",
            expected=f"at most {_MAX_CELLS:,}",
            hint="merge levels or lists",
        )
    grid = np.indices(shape).reshape(len(shape), -1).T.astype(np.int64)
    t = len(data.lists)
    return grid[:, :t], grid[:, t:]


def _design(
    data: StratifiedHistories, histories: IntArray, codes: IntArray, chosen: Iterable[tuple[str, ...]]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Treatment coding: lists 0/1, covariates against their first level."""
    columns: dict[str, list[tuple[str, FloatArray]]] = {}
    for j, name in enumerate(data.lists):
        columns[name] = [(name, histories[:, j].astype(float))]
    for j, name in enumerate(data.by):
        columns[name] = [
            (f"{name}[{v}]", (codes[:, j] == i).astype(float)) for i, v in enumerate(data.levels[j]) if i
        ]
    names, parts = ["(Intercept)"], [np.ones(len(histories))]
    for term in [*((f,) for f in columns), *chosen]:
        for combination in product(*(columns[f] for f in term)):
            names.append(":".join(label for label, _ in combination))
            parts.append(np.prod([values for _, values in combination], axis=0))
    return np.column_stack(parts), tuple(names)


def _groups(data: StratifiedHistories, histories: IntArray, codes: IntArray) -> tuple[IntArray, FloatArray]:
    """Observed count each cell belongs to, and the counts."""
    seen, known = histories.copy(), codes.copy()
    if (data.histories < 0).any():
        stratum = {tuple(s): i for i, s in enumerate(product(*(range(len(v)) for v in data.levels)))}
        active = data.operating()[[stratum[tuple(c)] for c in codes.tolist()]]
        seen[~active] = -1
    for name, lists in data.recorded.items():
        columns = [data.lists.index(n) for n in lists]
        known[~(histories[:, columns] == 1).any(axis=1), data.by.index(name)] = -1
    observable = (seen == 1).any(axis=1)
    keys = np.hstack([seen, known])
    rows, number = np.unique(keys[observable], axis=0, return_inverse=True)
    group = np.full(len(keys), -1)
    group[observable] = np.ravel(number)
    place = {tuple(r): i for i, r in enumerate(rows.tolist())}
    counts = np.zeros(len(rows))
    observed = np.hstack([data.histories, data.codes]).tolist()
    for key, count in zip(observed, data.counts, strict=True):
        counts[place[tuple(key)]] += count
    return group, counts


def _assemble(
    data: StratifiedHistories,
    design: FloatArray,
    places: tuple[IntArray, IntArray],
    terms: tuple[str, ...],
    chosen: tuple[tuple[str, ...], ...],
    fit: LatentFit,
    level: float,
) -> StratifiedSize:
    group, codes = places
    unseen = group < 0
    n, dark = data.n_observed, float(fit.mean[unseen].sum())
    gradient = fit.mean[unseen] @ np.where(fit.mean[unseen][:, None] > 0, design[unseen], 0.0)
    se_log = float(np.sqrt(gradient @ fit.covariance @ gradient)) / dark
    low, high = wald_limits(n, np.log(dark), se_log, level)
    p = len(terms)
    total = PopulationSize(
        method="log-linear model with covariates",
        model="[" + ", ".join([*data.lists, *data.by, *(":".join(c) for c in chosen)]) + "]",
        estimate=n + dark,
        se=float(np.sqrt(dark + (dark * se_log) ** 2)),
        ci_low=low,
        ci_high=high,
        level=level,
        ci_method="Wald on the log dark figure",
        n=n,
        lists=data.lists,
        df=int(group.max()) + 1 - p,
        deviance=fit.deviance,
        aicc=-2 * fit.loglik + 2 * p + 2 * p * (p + 1) / max(n - p - 1, 1),
        **criteria(fit.loglik, p, n),
        coefficients=coefficients_of(terms, fit.coef, fit.covariance),
        boundary_terms=fit.infinite,
        diagnostics={"se_log_dark": se_log, "loglik_kernel": fit.kernel, "n_terms": float(p)},
        assumptions=ASSUMPTIONS + _extra_assumptions(data),
        notes=(*_notes(data), *_infinite_notes(fit.infinite)),
    )
    return StratifiedSize(by=data.by, total=total, strata=_stratum_sizes(data, codes, unseen, fit, level))


def _stratum_sizes(
    data: StratifiedHistories, codes: IntArray, unseen: NDArray[np.bool_], fit: LatentFit, level: float
) -> tuple[StratumSize, ...]:
    """Observed and unseen people of every stratum, with delta-method errors."""
    strata = []
    for code, numbers in zip(data.strata, product(*(range(len(v)) for v in data.levels)), strict=True):
        here = (codes == numbers).all(axis=1)
        dark = float(fit.mean[here & unseen].sum())
        estimate = float(fit.completed[here].sum())
        gradient = fit.sharing[here].sum(axis=0)
        se = float(np.sqrt(dark + gradient @ fit.covariance @ gradient))
        low, high = log_limits(estimate - dark, estimate, se, level)
        strata.append(StratumSize(code, estimate - dark, estimate, se, low, high))
    return tuple(strata)


def _extra_assumptions(data: StratifiedHistories) -> str:
    parts = []
    if data.recorded:
        parts.append(" Covariates that a list does not record are missing at random given the model.")
    if (data.histories < 0).any():
        parts.append(" Where a list did not operate, the other lists relate to each other as the model says.")
    return "".join(parts)


def _infinite_notes(terms: Sequence[str]) -> tuple[str, ...]:
    if not terms:
        return ()
    return (f"{', '.join(terms)}: at infinity, because some combination holds nobody",)


def _notes(data: StratifiedHistories) -> tuple[str, ...]:
    told: Mapping[str, Sequence[str]] = data.recorded
    notes = [f"{name} is recorded only by {', '.join(lists)}" for name, lists in told.items()]
    absent = [
        f"{data.lists[j]} absent in {'/'.join(data.strata[i])}" for i, j in np.argwhere(~data.operating())
    ]
    return (*notes, *(["; ".join(absent[:8])] if absent else []))
