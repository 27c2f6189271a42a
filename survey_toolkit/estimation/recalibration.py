"""Weighting steps on designs with replicates: the same step taken with every replicate weight.

Each replicate is calibrated as if it were the sample, so that its spread shows what calibration leaves to
chance. Replicates that were made here become columns first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.cells import collect_cells
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.psu_table import design_table
from survey_toolkit.estimation.replicate_design import ReplicatedDesign, ReplicateDesign
from survey_toolkit.estimation.replicate_factors import replicate_factors
from survey_toolkit.estimation.weighting import WeightStep, multipliers_of, new_weight, sample_of

__all__ = ["as_columns", "recalibrate"]

_MOST = 200_000_000  # replicate weights held at once


def recalibrate(
    frame: LazyFrame, design: ReplicateDesign | ReplicatedDesign, step: WeightStep
) -> tuple[LazyFrame, ReplicateDesign]:
    """Take a step with the full weight and with every replicate weight.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : ReplicateDesign or ReplicatedDesign
    step : WeightStep

    Returns
    -------
    frame, design

    Raises
    ------
    EstimationError
        If a total cannot be met, naming it and the replicate.
    """
    if isinstance(design, ReplicatedDesign):
        frame, design = as_columns(frame, design)
    names = design.columns_in(frame)
    full = nw.col(design.weight)
    columns = [nw.col(name) if design.combined else nw.col(name) * full for name in names]
    known, sample = sample_of(frame, design.weight, step, {f"r{i}": c for i, c in enumerate(columns)})
    variables = [expr for m in known for expr in m.expressions()]
    weights = [(full, sample.weight)] + [(c, sample.extra[f"r{i}"]) for i, c in enumerate(columns)]
    made = []
    for i, (column, weight) in enumerate(weights):
        label = f" (replicate {i} of {len(names)}, {names[i - 1]})" if i else ""
        g = multipliers_of(known, sample, weight, step, label)
        factor = step.distance.expression(_linear(g, variables))
        frame, name = new_weight(frame, column * factor)
        made.append(name)
    told = replace(
        design,
        weight=made[0],
        replicates=tuple(made[1:]),
        combined=True,
        allow_negative=True,
        ranked=design.ranked or names,
    )
    return frame, told


def _linear(coefficients: Any, variables: list[nw.Expr]) -> nw.Expr:
    total: nw.Expr = nw.lit(0.0)
    for b, m in zip(coefficients, variables, strict=True):
        total = total + float(b) * m
    return total


def as_columns(frame: LazyFrame, design: ReplicatedDesign) -> tuple[LazyFrame, ReplicateDesign]:
    """The replicates as columns of weights; the rows come into memory.

    Raises
    ------
    EstimationError
        If they would not fit.
    """
    if design.base.adjustments or design.base.weight is None:
        raise EstimationError(
            "weights are adjusted either before or after the replicates are made, and need a weight column",
            where="replicate",
            hint="make the replicates first, then take all the steps of weighting",
        )
    cells = collect_cells(frame, design.base, Query(outcomes=(nw.lit(1.0),), values="rows"))
    table, unit = design_table(cells, design.base)
    factors = replicate_factors(design, table)
    n_replicates = factors.matrix.shape[1]
    if len(unit) * n_replicates > _MOST:
        raise EstimationError(
            "too many rows and replicates to adjust each of them",
            where="replicate",
            found=f"{len(unit)} rows x {n_replicates} replicates",
            expected=f"at most {_MOST:,} weights",
            hint="take fewer replicates, or calibrate without replicates (linearised variance)",
        )
    local = frame.collect("pandas").to_native()
    weight = np.asarray(local[design.base.weight], dtype=np.float64)
    import pandas as pd

    names = [f"__replicate_{r + 1}" for r in range(n_replicates)]
    made = pd.DataFrame(weight[:, None] * factors.matrix[unit], columns=names, index=local.index)
    whole: LazyFrame = nw.from_native(pd.concat([local, made], axis=1)).lazy()
    scheme = factors.scheme
    told = ReplicateDesign(
        weight=design.base.weight,
        replicates=tuple(names),
        kind="other",
        scale=scheme.scale,
        rscales=tuple(scheme.rscales.tolist()),
        mse=scheme.mse,
    )
    return whole, told
