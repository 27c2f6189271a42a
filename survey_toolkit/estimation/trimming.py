"""Weights cut at limits, and what was cut given to the other rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.adjustment import Adjustment
from survey_toolkit.estimation.cells import _float, _to_numpy
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.weighting import Weighted, new_weight, refuse_bad_weights, require_weight

__all__ = ["trim"]


def trim(
    frame: LazyFrame,
    design: Any,
    *,
    lower: float | None = None,
    upper: float | None = None,
    redistribute: Literal["equally", "proportionally"] | None = "equally",
    strict: bool = True,
) -> Weighted:
    """Cut the weights at limits and give what was cut to the other rows.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : SurveyDesign
    lower, upper : float, optional
        Limits; rows of weight zero stay at zero.
    redistribute : {"equally", "proportionally", None}
        The same amount to every row inside the limits (as R survey), the same factor, or nothing.
    strict : bool
        Repeat until no weight is outside.

    Returns
    -------
    frame, design

    Raises
    ------
    EstimationError
        If the limits cannot hold the sum of the weights.
    """
    if redistribute not in ("equally", "proportionally", None):
        raise EstimationError(
            "unknown redistribution",
            where="redistribute",
            found=repr(redistribute),
            expected="equally, proportionally",
        )
    low, high = (-np.inf if lower is None else float(lower)), (np.inf if upper is None else float(upper))
    if not max(low, 0) < high:
        raise EstimationError(
            "the limits of the weights are not in order", where="upper", found=f"{low:g}, {high:g}"
        )
    old = require_weight(design)
    refuse_bad_weights(frame, old)
    weight, count = _weights_counted(frame, old)
    changes = _trim_steps(weight, count, low, high, redistribute, strict)
    name = old
    for add, times in changes:
        moved = _moved(nw.col(name), low, high, add, times)
        frame, name = new_weight(frame, moved)
    if not changes:
        return frame, design
    sentence = f"trimmed to {low:g}-{high:g}, redistributed {redistribute or 'nowhere'}"
    none = np.zeros((0, 0))
    before = tuple(np.zeros((len(s.factors), 0)) for s in design.adjustments)
    record = Adjustment(sentence=sentence, weight=name, leverage=(), factors=(), gram=none, links=before)
    return frame, replace(design, weight=name, adjustments=(*design.adjustments, record))


def _moved(weight: nw.Expr, low: float, high: float, add: float, times: float) -> Any:
    """One round: cut outside the limits, moved inside them, zero kept."""
    inside: Any = nw.when(weight < low).then(nw.lit(low)).otherwise(weight * times + add)
    cut = nw.when(weight > high).then(nw.lit(high)).otherwise(inside)
    return nw.when(weight > 0).then(cut).otherwise(weight)


def _weights_counted(frame: LazyFrame, weight: str) -> tuple[Floats, Floats]:
    """Distinct positive weights and the rows that have them."""
    rows = frame.select(w=nw.col(weight).cast(nw.Float64), n=nw.lit(1.0))
    cells = _to_numpy(rows.group_by("w").agg(nw.col("n").sum()))
    values, count = _float(cells["w"]), _float(cells["n"])
    return values[values > 0], count[values > 0]


def _trim_steps(
    weight: Floats, count: Floats, low: float, high: float, redistribute: str | None, strict: bool
) -> list[tuple[float, float]]:
    """What is added to the rows inside, and their factor, in every round."""
    out: list[tuple[float, float]] = []
    for _ in range(100):
        outside = (weight < low) | (weight > high)
        if not outside.any() or (out and not strict):
            return out
        if outside.all() and redistribute is not None:
            break
        cut = np.clip(weight, low, high)
        surplus = float(((weight - cut) * count).sum())
        inside = count[~outside].sum()
        add = surplus / inside if redistribute == "equally" else 0.0
        held = float((weight * count)[~outside].sum())
        times = 1 + surplus / held if redistribute == "proportionally" else 1.0
        weight = np.where(outside, cut, weight * times + add)
        out.append((float(add), float(times)))
    raise EstimationError(
        "the limits cannot hold the sum of the weights",
        where="upper",
        found=f"limits {low:g} and {high:g}, {int(count.sum())} rows",
        expected="limits around the mean weight",
        hint="widen the limits, or redistribute=None",
        code="trim-impossible",
    )
