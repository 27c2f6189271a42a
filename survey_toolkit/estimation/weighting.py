"""Weights after selection: post-stratification, raking and calibration.

Each function takes a frame and a design and returns both anew: the frame with one more weight column, the
design with that weight and a record of the step (:mod:`.adjustment`), from which every later variance is
computed. The weights are expressions: a file on disk stays there.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import DesignError, EstimationError
from survey_toolkit.estimation.adjustment import Adjustment
from survey_toolkit.estimation.cells import _float, _to_numpy, count_bad_weights
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.distances import Distance, Method, solve
from survey_toolkit.estimation.margins import Margin, Sample, Totals, check_sums, margins, sample_cells

__all__ = [
    "Residuals",
    "WeightStep",
    "Weighted",
    "calibrate",
    "links",
    "multipliers_of",
    "new_weight",
    "poststratify",
    "rake",
    "refuse_bad_weights",
    "require_weight",
    "sample_of",
    "take",
]

Residuals: TypeAlias = Literal["weighted", "unweighted"]
Weighted: TypeAlias = tuple[LazyFrame, Any]
_MISSED = 1e-8


def poststratify(frame: LazyFrame, design: Any, totals: Totals, *, partial: bool = False) -> Weighted:
    """Make the weights of every class add up to its population.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : SurveyDesign
    totals : mapping
        One entry: column, or tuple of columns, to ``{code or tuple of codes: population}``.
    partial : bool
        Leave out classes that nobody in the sample belongs to, instead of refusing.

    Returns
    -------
    frame, design

    References
    ----------
    Holt and Smith (1979), JRSS A 142:33-46. Oracle: ``postStratify`` of R survey.
    """
    known = margins(totals)
    if len(known) != 1 or known[0].number is not None:
        raise EstimationError(
            "post-stratification takes one classification",
            where="totals",
            found=", ".join(m.label for m in known),
            hint="use rake() for several margins, calibrate() for numbers",
        )
    step = WeightStep(known=known, distance=Distance(method="raking"), partial=partial)
    return take(frame, design, replace(step, sentence=f"post-stratified by {known[0].label}"))


def rake(frame: LazyFrame, design: Any, totals: Totals, *, residuals: Residuals = "weighted") -> Weighted:
    """Make the weights add up to several margins at once (iterative proportional fitting).

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : SurveyDesign
    totals : mapping
        Margins, each as in :func:`poststratify`.
    residuals : {"weighted", "unweighted"}
        Regression whose residuals give the variance: with the weights before raking (Deville, Särndal and
        Sautory 1993, JASA 88:1013-1020), or without weights, as R survey computes after ``rake``.

    Returns
    -------
    frame, design
    """
    if residuals not in ("weighted", "unweighted"):
        raise EstimationError(
            "unknown residuals", where="residuals", found=repr(residuals), expected="weighted, unweighted"
        )
    known = margins(totals)
    if any(m.number is not None for m in known):
        raise EstimationError(
            "raking takes classes",
            where=next(m.label for m in known if m.number is not None),
            hint="use calibrate()",
        )
    check_sums(known)
    sentence = f"raked to {', '.join(m.label for m in known)}"
    return take(
        frame,
        design,
        WeightStep(known=known, distance=Distance(method="raking"), sentence=sentence, residuals=residuals),
    )


def calibrate(
    frame: LazyFrame,
    design: Any,
    totals: Totals,
    *,
    method: Method = "linear",
    bounds: Sequence[float] | None = None,
) -> Weighted:
    """Make the weights meet known totals of classes and numbers.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : SurveyDesign
    totals : mapping
        As in :func:`~survey_toolkit.estimation.margins.margins`; classes need not cover the sample, so that
        totals of the columns of a model matrix can be given.
    method : {"linear", "raking", "logit"}
    bounds : pair of float, optional
        Limits of new over old weight; needed for ``logit``.

    Returns
    -------
    frame, design

    References
    ----------
    Deville and Särndal (1992), JASA 87:376-382. Oracle: ``calibrate`` of R survey.
    """
    known = margins(totals, complete=False)
    low, high = bounds if bounds is not None else (-np.inf, np.inf)
    distance = Distance(method=method, low=float(low), high=float(high))
    sentence = f"calibrated to {', '.join(m.label for m in known)} ({method})"
    return take(frame, design, WeightStep(known=known, distance=distance, sentence=sentence))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStep:
    """Known totals, the distance by which weights move to them, and how the variance follows."""

    known: list[Margin]
    distance: Distance
    sentence: str = ""
    residuals: Residuals = "weighted"
    partial: bool = False


def take(frame: LazyFrame, design: Any, step: WeightStep) -> Weighted:
    """Take a step on any design that has one: with replicates, every replicate takes it too."""
    if isinstance(design, SurveyDesign):
        return _adjust(frame, design, step)
    from survey_toolkit.estimation.recalibration import recalibrate
    from survey_toolkit.estimation.replicate_design import ReplicatedDesign, ReplicateDesign

    if isinstance(design, ReplicateDesign | ReplicatedDesign):
        return recalibrate(frame, design, step)
    raise DesignError("the weights of this design cannot be adjusted", found=type(design).__name__)


def sample_of(
    frame: LazyFrame, weight: str, step: WeightStep, extra: dict[str, Any]
) -> tuple[list[Margin], Sample]:
    """Cells of the sample for a step, its weights checked; classes without sample refused or left out."""
    refuse_bad_weights(frame, weight)
    return _without_empty(step, sample_cells(frame, weight, step.known, extra))


def multipliers_of(
    known: list[Margin], sample: Sample, weight: Floats, step: WeightStep, label: str = ""
) -> Floats:
    """Multipliers that meet the totals with given weights of the cells, (P,).

    Raises
    ------
    EstimationError
        Naming the totals that cannot be met.
    """
    aim = np.concatenate([m.totals for m in known])
    multipliers, missed = solve(sample.matrix, weight, aim, step.distance)
    if missed.max(initial=0) > _MISSED:
        reached = sample.matrix.T @ (weight * step.distance.factor(sample.matrix @ multipliers))
        _fail_missed([name for m in known for name in m.names()], aim, reached, missed, label)
    return multipliers


def _adjust(frame: LazyFrame, design: SurveyDesign, step: WeightStep) -> tuple[LazyFrame, SurveyDesign]:
    """Solve for the factors, make the column, and record what the variance needs."""
    old = require_weight(design)
    rows = nw.when(nw.col(old) > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    known, sample = sample_of(frame, old, step, {"rows": rows})
    multipliers = multipliers_of(known, sample, sample.weight, step)
    factor = step.distance.factor(sample.matrix @ multipliers)
    if (factor < 0).any():
        raise EstimationError(
            "calibration would make weights negative",
            where=", ".join(m.label for m in known),
            found=f"{int(sample.extra['rows'][factor < 0].sum())} rows",
            expected="weights of zero or above",
            hint='give bounds=(0.1, 10), or use method="raking"',
            code="negative-weight",
        )
    variables = [expr for m in known for expr in m.expressions()]
    u = functools.reduce(operator.add, [float(b) * m for b, m in zip(multipliers, variables, strict=True)])
    frame, new = new_weight(frame, nw.col(old) * step.distance.expression(u))
    inner = sample.weight if step.residuals == "weighted" else sample.extra["rows"]
    before = nw.col(old) if step.residuals == "weighted" else nw.lit(1.0)
    ratio = nw.when(nw.col(new) > 0).then(before / nw.col(new)).otherwise(nw.lit(0.0))
    leverage = tuple(nw.col(new) * m for m in variables)
    record = Adjustment(
        sentence=step.sentence,
        weight=new,
        leverage=leverage,
        factors=tuple(m * ratio for m in variables),
        gram=sample.matrix.T @ (inner[:, None] * sample.matrix),
        links=links(frame, design.adjustments, leverage),
    )
    return frame, replace(design, weight=new, adjustments=(*design.adjustments, record))


def require_weight(design: Any) -> str:
    """The weight column of a design without replicates.

    Raises
    ------
    DesignError
        If the weights follow from the FPC and are no column, or there are replicates.
    """
    if not isinstance(design, SurveyDesign):
        raise DesignError(
            "this step is taken before replicates are made",
            where="weight",
            found=type(design).__name__,
            expected="SurveyDesign",
            hint="adjust the weights first; poststratify, rake and calibrate work on replicates too",
        )
    if design.weight is None:
        raise DesignError(
            "weights that follow from the FPC cannot be adjusted",
            where="weight",
            hint="put the base weight (population over sample units, times over the stages) in a column",
        )
    return design.weight


def refuse_bad_weights(frame: LazyFrame, weight: str) -> None:
    """Raise if a weight is missing, negative or infinite, counting the rows."""
    kinds = {kind: count for kind, count in count_bad_weights(frame, weight).items() if count}
    if kinds:
        raise DesignError(
            "weights are " + " and ".join(kinds),
            where=weight,
            found=", ".join(f"{count} {kind}" for kind, count in kinds.items()),
            expected="finite weights, zero or above",
            hint="a row without a weight is not in the sample: correct the weights, or leave such rows out",
            code="bad-weight",
        )


def _without_empty(step: WeightStep, sample: Sample) -> tuple[list[Margin], Sample]:
    """Classes without sample are refused, or (partial) left out."""
    aim = np.concatenate([m.totals for m in step.known])
    empty = (np.abs(sample.matrix).T @ sample.weight == 0) & (aim != 0)
    if not empty.any():
        return step.known, sample
    names = [name for m in step.known for name in m.names()]
    if not step.partial:
        raise EstimationError(
            "a total cannot be met: nobody in the sample counts towards it",
            where=", ".join(m.label for m in step.known),
            found="; ".join(f"{names[j]} (population {aim[j]:.10g})" for j in np.flatnonzero(empty)[:5]),
            expected="rows with weight in every class",
            hint="join the class with a neighbour, or leave it out with partial=True (poststratify)",
            code="total-not-met",
        )
    (margin,) = step.known
    kept = np.flatnonzero(~empty).tolist()
    left = replace(margin, codes=tuple(margin.codes[j] for j in kept), totals=margin.totals[kept])
    return [left], replace(sample, matrix=sample.matrix[:, kept])


def _fail_missed(names: list[str], aim: Floats, reached: Floats, missed: Floats, label: str) -> None:
    worst = np.argsort(-missed)[:5]
    lines = [
        f"{names[j]}: {aim[j]:.10g} wanted, {reached[j]:.10g} reached" for j in worst if missed[j] > _MISSED
    ]
    raise EstimationError(
        f"the totals cannot be met together{label}",
        where=names[int(worst[0])],
        problems=lines,
        expected="totals that some weights within the bounds can meet",
        hint="check that the totals describe one population, widen the bounds, or drop a total",
        code="total-not-met",
    )


def new_weight(frame: LazyFrame, weight: Any) -> tuple[LazyFrame, str]:
    """Add a weight column, an expression, under a free name."""
    taken = set(frame.collect_schema().names())
    name = next(f"__weight_{i}" for i in range(1, len(taken) + 2) if f"__weight_{i}" not in taken)
    return frame.with_columns(**{name: weight}), name


def links(
    frame: LazyFrame, adjustments: tuple[Adjustment, ...], leverage: tuple[nw.Expr, ...]
) -> tuple[Floats, ...]:
    """C'A of every earlier step with a new one, (P_s, P) each; one query a step."""
    out = []
    for step in adjustments:
        pairs = {
            f"l{j}_{k}": factor * column
            for j, factor in enumerate(step.factors)
            for k, column in enumerate(leverage)
        }
        values = np.zeros(0)
        if pairs:
            sums = _to_numpy(frame.select(**pairs).select(*(nw.col(name).sum() for name in pairs)))
            values = np.array([_float(sums[name], missing=0.0)[0] for name in pairs])
        out.append(values.reshape(len(step.factors), len(leverage)))
    return tuple(out)
