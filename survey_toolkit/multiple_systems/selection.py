"""Choosing a log-linear model by an information criterion."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.existence import existence_codes
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.loglinear import CiMethod, Criteria, population_size, standard_errors
from survey_toolkit.multiple_systems.poisson import Fits, fit_models
from survey_toolkit.multiple_systems.results import PopulationSize, RankedModel, Selection
from survey_toolkit.multiple_systems.terms import (
    enumerate_models,
    generators,
    members,
    model_label,
    model_row,
    sort_masks,
)
from survey_toolkit.multiple_systems.verdict import require_estimable, verdict_of

__all__ = ["Criterion", "Family", "downhill", "select"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Family = Literal["pairwise", "hierarchical"]
Criterion = Literal["bic", "aic", "aicc"]
Search = Literal["all", "downhill"]

_RANKED_WITHIN, _RANKED_LEAST, _RANKED_MOST = 10.0, 10, 200
_TIE = 1e-9


def select(
    data: CaptureHistories,
    family: Family = "pairwise",
    criterion: Criterion = "bic",
    *,
    max_order: int | None = None,
    search: Search = "all",
    ci: CiMethod = "profile",
    level: float = 0.95,
) -> PopulationSize:
    """Fit a family of log-linear models and report the best by an information criterion.

    Every model is first checked for existence and identifiability; those that fail are counted, never ranked.
    The result holds the near ties, the spread of all valid estimates and the weighted average: read them
    before the single best model.

    Parameters
    ----------
    data : CaptureHistories
    family : {"pairwise", "hierarchical"}
        Interactions of two lists only, or every hierarchical model up to ``max_order``.
    criterion : {"bic", "aic", "aicc"}
        With n = people observed; parameters at minus infinity are counted.
    max_order : int, optional
        For the hierarchical family, default one less than the number of lists.
    search : {"all", "downhill"}
        Fit all, or walk from main effects to the best neighbour (add or drop one term) until none is better:
        cheap for many lists, but it can stop in a local minimum (Silverman, Chan & Vincent 2024, Statistics
        and Computing 34:44).
    ci, level
        As in :func:`loglinear`; the interval holds the selected model fixed, and a note says so.

    Raises
    ------
    EstimationError
        When no model of the family can be estimated, or there are too many to fit.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> select(lists, criterion="aic").model
    '[P:Q, P:E, Q:E]'
    """
    _check_options(family, criterion, search)
    order = 2 if family == "pairwise" else (max_order or max(2, data.n_lists - 1))
    if search == "downhill":
        models = downhill(data, criterion, order)
    else:
        models = enumerate_models(data.n_lists, order)
    codes = existence_codes(data.table(), models)
    valid = models[codes == 0]
    if not len(valid):
        require_estimable(
            data, model_row((), data.n_lists), where="no model can be estimated; starting model"
        )
        raise EstimationError("no model of the family can be estimated", code="no-mle")  # pragma: no cover
    fits = fit_models(data.table(), valid)
    values: FloatArray = getattr(Criteria.of(fits, data.n_observed), criterion)
    # Equal models in floating point are ordered by parsimony, then by list order, so that the result does
    # not hang on the last bit.
    ranking = np.lexsort((np.arange(len(values)), fits.n_terms, np.round(values / _TIE) * _TIE))
    chosen = _summary(data, valid, fits, values, ranking, (family, criterion, search), codes)
    best = int(ranking[0])
    result = population_size(
        data,
        valid[best],
        fits,
        best,
        verdict=verdict_of(data, valid[best]),
        ci=ci,
        level=level,
        method=f"log-linear, {family}, {criterion.upper()}" + (" downhill" if search == "downhill" else ""),
    )
    return replace(result, selection=chosen, notes=(*result.notes, *_selection_notes(chosen, result, order)))


def downhill(data: CaptureHistories, criterion: Criterion, max_order: int) -> BoolArray:
    """Models visited and compared by a greedy walk from main effects, shape (m, 2^t)."""
    table, t = data.table(), data.n_lists
    current = model_row((), t)
    require_estimable(data, current, where="starting model")
    seen = {current.tobytes(): current}
    value = _criterion_values(data, current[None, :], criterion)[0]
    while True:
        around = _neighbours(current, t, max_order)
        around = around[existence_codes(table, around) == 0] if len(around) else around
        if not len(around):
            break
        seen.update({row.tobytes(): row for row in around})
        values = _criterion_values(data, around, criterion)
        best = int(np.argmin(values))
        if values[best] >= value - _TIE:
            break
        current, value = around[best], values[best]
    return np.array(list(seen.values()))


def _criterion_values(data: CaptureHistories, models: BoolArray, criterion: Criterion) -> FloatArray:
    values: FloatArray = getattr(Criteria.of(fit_models(data.table(), models), data.n_observed), criterion)
    return values


def _neighbours(model: BoolArray, t: int, max_order: int) -> BoolArray:
    """Hierarchical models with one interaction more or one fewer, shape (k, 2^t)."""
    rows = []
    for s in sort_masks(range(1, 1 << t)):
        if not 2 <= s.bit_count() <= max_order:
            continue
        faces = [s ^ (1 << j) for j in members(s)]
        covers = [s | (1 << j) for j in range(t) if not s >> j & 1]
        if (not model[s] and model[faces].all()) or (model[s] and not model[covers].any()):
            row = model.copy()
            row[s] = not row[s]
            rows.append(row)
    return np.array(rows, dtype=bool).reshape(len(rows), 1 << t)


def _summary(
    data: CaptureHistories,
    models: BoolArray,
    fits: Fits,
    values: FloatArray,
    ranking: IntArray,
    how: tuple[Family, Criterion, Search],
    codes: IntArray,
) -> Selection:
    """Ranked models, weights and the model-averaged estimate."""
    delta = values - values[ranking[0]]
    weight = np.exp(-delta / 2)
    weight /= weight.sum()
    estimates = data.n_observed + fits.dark_figure
    mean = float(weight @ estimates)
    se = float(weight @ np.sqrt(standard_errors(fits) ** 2 + (estimates - mean) ** 2))
    close = int((delta <= _RANKED_WITHIN).sum())
    shown = ranking[: min(max(close, _RANKED_LEAST), _RANKED_MOST)]
    estimates_sorted, values_sorted = estimates[ranking], values[ranking]
    estimates_sorted.flags.writeable = values_sorted.flags.writeable = False
    return Selection(
        family=how[0],
        criterion=how[1],
        search=how[2],
        n_considered=len(codes),
        n_no_mle=int((codes % 2 == 1).sum()),
        n_unidentified=int((codes >= 2).sum()),
        n_valid=len(models),
        ranked=tuple(
            _ranked(data, models[i], float(estimates[i]), float(values[i]), float(delta[i]), float(weight[i]))
            for i in shown
        ),
        estimates=estimates_sorted,
        values=values_sorted,
        averaged_estimate=mean,
        averaged_se=se,
    )


def _ranked(
    data: CaptureHistories, row: BoolArray, estimate: float, value: float, delta: float, weight: float
) -> RankedModel:
    masks = [int(s) for s in np.flatnonzero(row)]
    tops = tuple(tuple(data.lists[j] for j in members(s)) for s in generators(masks))
    return RankedModel(model_label(masks, data.lists), tops, estimate, value, delta, weight)


def _selection_notes(chosen: Selection, result: PopulationSize, order: int) -> tuple[str, ...]:
    low, high = float(chosen.estimates.min()), float(chosen.estimates.max())
    notes = [
        "the interval is conditional on the selected model: it leaves out the uncertainty of the selection "
        "and is too short",
        f"{chosen.n_considered:,} models with interactions up to order {order}: {chosen.n_valid:,} can be "
        f"estimated, {chosen.n_considered - chosen.n_valid:,} refused; estimates {low:,.0f} to {high:,.0f}",
    ]
    ties = chosen.near_ties()
    if len(ties) > 1:
        spread = [m.estimate for m in ties]
        notes.append(
            f"{len(ties) - 1} other models within 2 of the best {chosen.criterion.upper()}: estimates from "
            f"{min(spread):,.0f} to {max(spread):,.0f}"
        )
    if chosen.search == "downhill":
        notes.append(
            "a downhill walk can stop at a local minimum: compare with search='all' where it is feasible"
        )
    return tuple(notes)


def _check_options(family: str, criterion: str, search: str) -> None:
    options = (
        ("family", family, ("pairwise", "hierarchical")),
        ("criterion", criterion, ("bic", "aic", "aicc")),
        ("search", search, ("all", "downhill")),
    )
    for name, value, allowed in options:
        if value not in allowed:
            raise EstimationError(
                f"there is no such {name}",
                where=name,
                found=repr(value),
                expected=" or ".join(map(repr, allowed)),
                code="unknown-option",
            )
