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
    starts: int = 1,
    seed: int = 0,
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
    starts, seed : int
        For "downhill": the first walk starts from main effects; of the others half start from the single
        pairs that come next after the best, half from pairs drawn at random. Never worse than one walk.
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
    _check_options(family, criterion, search, starts)
    order = 2 if family == "pairwise" else (max_order or max(2, data.n_lists - 1))
    walked: tuple[str, ...] = ()
    if search == "downhill":
        models, ends = downhill(data, criterion, order, starts, seed)
        walked = (_walk_note(ends),)
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
    return replace(result, selection=chosen, notes=(*result.notes, *_selection_notes(chosen, order), *walked))


def downhill(
    data: CaptureHistories, criterion: Criterion, max_order: int, starts: int = 1, seed: int = 0
) -> tuple[BoolArray, FloatArray]:
    """Greedy walks from main effects and from further starts.

    Returns
    -------
    models : array of bool (m, 2^t)
        Every model visited or compared.
    ends : array (walks,)
        Criterion at the end of each walk, the one from main effects first.
    """
    main = model_row((), data.n_lists)
    require_estimable(data, main, where="starting model")
    seen = {main.tobytes(): _criterion_values(data, main[None, :], criterion)[0]}
    ends = [_walk(data, main, criterion, max_order, seen)]
    if starts > 1:
        others = _further_starts(data, criterion, starts - 1, seed)
        _compare(data, others, criterion, seen)
        ends += [_walk(data, row, criterion, max_order, seen) for row in others]
    good = [np.frombuffer(key, dtype=bool) for key, value in seen.items() if np.isfinite(value)]
    return np.array(good), np.array(ends)


def _walk(
    data: CaptureHistories, start: BoolArray, criterion: Criterion, max_order: int, seen: dict[bytes, float]
) -> float:
    """Walk to a local minimum; every model met is kept with its criterion. Gives the last value."""
    current, value = start, seen[start.tobytes()]
    while True:
        around = _neighbours(current, data.n_lists, max_order)
        values = _compare(data, around, criterion, seen)
        if not len(values) or not values.min() < value - _TIE:
            return value
        best = int(np.argmin(values))
        current, value = around[best], float(values[best])


def _compare(
    data: CaptureHistories, models: BoolArray, criterion: Criterion, seen: dict[bytes, float]
) -> FloatArray:
    """Criterion of each model, infinite where it cannot be estimated; fits only those not yet seen."""
    keys = [row.tobytes() for row in models]
    new = list({key: i for i, key in enumerate(keys) if key not in seen}.values())
    if new:
        values = np.full(len(new), np.inf)
        good = existence_codes(data.table(), models[new]) == 0
        if good.any():
            values[good] = _criterion_values(data, models[new][good], criterion)
        seen.update(zip((keys[i] for i in new), values.tolist(), strict=True))
    return np.array([seen[key] for key in keys])


def _further_starts(data: CaptureHistories, criterion: Criterion, size: int, seed: int) -> BoolArray:
    """Estimable starts: the best single pairs but the first, then random sets of pairs; shape (k, 2^t)."""
    t = data.n_lists
    pairs = np.array([s for s in range(1 << t) if s.bit_count() == 2])
    single = np.repeat(model_row((), t)[None, :], len(pairs), axis=0)
    single[np.arange(len(pairs)), pairs] = True
    values = _compare(data, single, criterion, {})
    ordered = single[np.argsort(values, kind="stable")][np.isfinite(np.sort(values))]
    best = ordered[1 : 1 + size // 2]
    rng = np.random.default_rng(seed)
    # More than needed: some cannot be estimated, and a walk needs a value to fall from.
    drawn = np.repeat(model_row((), t)[None, :], 4 * size, axis=0)
    drawn[:, pairs] = rng.random((4 * size, len(pairs))) < rng.random((4 * size, 1))
    drawn = drawn[existence_codes(data.table(), drawn) == 0]
    return np.concatenate([best, drawn[: size - len(best)]])


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


def _selection_notes(chosen: Selection, order: int) -> tuple[str, ...]:
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
        others = "1 other model is" if len(ties) == 2 else f"{len(ties) - 1} other models are"
        notes.append(
            f"{others} about as good as the best ({chosen.criterion.upper()} within 2): with the best, "
            f"estimates from {min(spread):,.0f} to {max(spread):,.0f}"
        )
    return tuple(notes)


def _walk_note(ends: FloatArray) -> str:
    if len(ends) == 1:
        return (
            "a downhill walk can stop at a local minimum: compare with starts=20, or with search='all' where "
            "it is feasible"
        )
    minima = len(np.unique(np.round(ends, 6)))
    at_best = int((ends <= ends.min() + 1e-6).sum())
    gain = float(ends[0] - ends.min())
    better = f", {gain:.2f} below the walk from main effects" if gain > _TIE else ""
    return (
        f"{len(ends)} downhill walks, {at_best} of them to the best minimum found{better}; "
        f"{minima - 1} other minima"
    )


def _check_options(family: str, criterion: str, search: str, starts: int) -> None:
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
    if starts < 1 or (starts > 1 and search != "downhill"):
        raise EstimationError(
            "several starts belong to a downhill search",
            where="starts",
            found=str(starts),
            expected="1 or more with search='downhill'; 1 with search='all'",
            code="unknown-option",
        )
