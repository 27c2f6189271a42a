"""From a plan file to results: the four verbs of ``survey-toolkit sample``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling.allocation import Allocation, allocate
from survey_toolkit.sampling.comparisons import ComparisonSize, size_comparison
from survey_toolkit.sampling.costs import ClusterDesign, optimal_take
from survey_toolkit.sampling.field import FieldPlan
from survey_toolkit.sampling.multivariate import Constraint, MultivariateAllocation, allocate_multivariate
from survey_toolkit.sampling.plan import AllocateSpec, PlanSpec, SizeSpec
from survey_toolkit.sampling.precision import Precision
from survey_toolkit.sampling.rare import RareOutcome, rare_outcome
from survey_toolkit.sampling.selection import Selection, select
from survey_toolkit.sampling.sizes import SampleSize, size_by_domain, size_mean, size_proportion, size_total
from survey_toolkit.sampling.stage import Stage
from survey_toolkit.sampling.unit_frame import UnitFrame, quoted
from survey_toolkit.sampling.weights import WeightChain

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["PlannedSize", "run_allocate", "run_select", "run_size", "run_weight"]

Progress = Callable[[str, float], None]
_NO_ROWS: dict[str, Any] = {
    "found": "the names of columns only",
    "expected": "one row a unit or a stratum",
    "hint": "export the frame again, with its rows",
    "code": "empty-frame",
}
#: Below this proportion the plan speaks of what a rare outcome means.
_RARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSize:
    """A size of a plan with what belongs to it.

    Attributes
    ----------
    name : str
    rows : tuple of SampleSize
        One a domain; empty for a comparison.
    households, clusters : int or None
        Of the sample that serves all domains.
    comparison : ComparisonSize or None
    rare : tuple of RareOutcome
        Beside ``rows``; None where a proportion is not small.
    take : ClusterDesign or None
        Best take of a cluster, where costs are given.
    """

    name: str
    rows: tuple[SampleSize, ...] = ()
    households: int | None = None
    clusters: int | None = None
    comparison: ComparisonSize | None = None
    rare: tuple[RareOutcome | None, ...] = ()
    take: ClusterDesign | None = None


def run_size(plan: PlanSpec) -> tuple[PlannedSize, ...]:
    """Every size of a plan."""
    if not plan.size:
        raise DesignError("the plan asks for no size", where="size", hint="add a list 'size:' to the plan")
    return tuple(_size(s) for s in plan.size)


def run_allocate(plan: PlanSpec, frame: Any) -> Allocation | MultivariateAllocation:
    """The allocation of a plan over the strata of a frame file.

    The population of a stratum is the sum of ``size`` over its rows, or their number; ``sd``, ``mean`` and
    ``cost`` are
    averaged over the rows by the same size. A frame may have one row a unit or one row a stratum.
    """
    spec = plan.allocate
    if spec is None:
        raise DesignError("the plan has no allocation", where="allocate")
    table = _strata(spec, UnitFrame(frame))
    labels = table["stratum"].tolist()
    if spec.method == "multivariate":
        constraints = [
            Constraint(variable=c.variable, cv=c.cv, domain=c.domain, deff=c.deff) for c in spec.constraints
        ]
        return allocate_multivariate(
            table, constraints, cost=spec.cost, minimum=spec.minimum, population="population"
        )

    def column(name: str | None) -> dict[str, float] | None:
        return None if name is None else dict(zip(labels, table[name].tolist(), strict=True))

    return allocate(
        dict(zip(labels, table["population"].tolist(), strict=True)),
        spec.n,
        method=spec.method,
        sd=column(spec.sd),
        cost=column(spec.cost),
        mean=column(spec.mean),
        q=spec.q,
        budget=spec.budget,
        minimum=spec.minimum,
        maximum=dict(zip(labels, table["units"].tolist(), strict=True)) if spec.size else None,
    )


def run_select(plan: PlanSpec, frame: Path, folder: Path, progress: Progress | None = None) -> Selection:
    """The selection of a plan from a frame file; frames of later stages are relative to ``folder``."""
    if plan.select is None:
        raise DesignError("the plan has no selection", where="select")
    stages = []
    for spec in plan.select.stages:
        given = spec.model_dump(exclude={"frame", "n"})
        n: int | Mapping[str, int]
        if spec.n == "allocated":
            found = run_allocate(plan, frame)
            n = (found.allocation if isinstance(found, MultivariateAllocation) else found).as_dict()
        else:
            n = spec.n
        stages.append(Stage(n=n, frame=None if spec.frame is None else folder / spec.frame, **given))
    return select(frame, stages, seed=plan.seed, progress=progress)


def run_weight(plan: PlanSpec, rows: pd.DataFrame) -> WeightChain:
    """The weighting of a plan."""
    spec = plan.weight
    if spec is None:
        raise DesignError("the plan has no weighting", where="weight")
    chain = WeightChain.start(rows, probability=spec.probability, weight=spec.base, groups=spec.groups)
    if spec.status is not None:
        chain = chain.unknown_eligibility(spec.status, classes=spec.eligibility_classes)
        chain = chain.nonresponse(
            spec.status, classes=spec.response_classes, propensity=spec.response_propensity
        )
    if spec.subsample is not None:
        chain = chain.subsample(spec.subsample)
    if spec.trim is not None:
        t = spec.trim
        chain = chain.trim(lower=t.lower, upper=t.upper, median_times=t.median_times)
    if spec.calibrate is not None:
        c = spec.calibrate
        chain = chain.calibrate(_typed_totals(c.totals, rows), method=c.method, bounds=c.bounds)
    return chain


def _size(spec: SizeSpec) -> PlannedSize:
    plan = FieldPlan(**spec.field.model_dump())
    common: dict[str, Any] = {"confidence": spec.confidence, "plan": plan}
    take = None
    if spec.cost is not None and spec.cost.budget is not None:
        take = optimal_take(
            icc=spec.field.icc,
            cluster_cost=spec.cost.cluster,
            interview_cost=spec.cost.interview,
            fixed_cost=spec.cost.fixed,
            budget=spec.cost.budget,
        )
    if isinstance(spec.value, tuple):
        found = size_comparison(
            spec.value,
            power=spec.power,
            sd=spec.sd,
            half_width=spec.precision.half_width if spec.precision else None,
            overlap=spec.overlap,
            correlation=spec.correlation,
            **common,
        )
        return PlannedSize(name=spec.name, comparison=found, take=take)
    wanted = Precision(**spec.precision.model_dump()) if spec.precision else Precision(relative=1)
    if isinstance(spec.value, dict):
        sizes = size_by_domain(spec.value, wanted, shares=spec.shares, method=spec.method, **common)
        rows, households, clusters = sizes.rows, sizes.households, sizes.clusters
    else:
        rows = (_single(spec, spec.value, wanted, common),)
        households, clusters = rows[0].households, rows[0].clusters
    rare = tuple(
        rare_outcome(r.value, r.interviews, plan=plan, confidence=spec.confidence)
        if r.parameter == "proportion" and r.value < _RARE
        else None
        for r in rows
    )
    return PlannedSize(
        name=spec.name, rows=rows, households=households, clusters=clusters, rare=rare, take=take
    )


def _single(spec: SizeSpec, value: float, wanted: Precision, common: dict[str, Any]) -> SampleSize:
    if spec.parameter == "mean":
        return size_mean(spec.sd or 0.0, wanted, mean=value, **common)
    if spec.parameter == "total":
        big = spec.field.population or 0.0
        if spec.sd is None:
            return size_total(big, wanted, p=value, **common)
        return size_total(big, wanted, mean=value, sd=spec.sd, **common)
    return size_proportion(value, wanted, method=spec.method, **common)


def _strata(spec: AllocateSpec, frame: UnitFrame) -> pd.DataFrame:
    """One row a stratum: label, population, units, averages of the other columns, domains of constraints."""
    numbers = [c for c in (spec.sd, spec.mean, spec.cost) if c]
    for c in spec.constraints:
        numbers += [f"{c.variable}_mean", f"{c.variable}_sd"]
    domains = list(dict.fromkeys(k for c in spec.constraints for k in (c.domain or {})))
    frame.require([*spec.stratum, *numbers, *domains, *([spec.size] if spec.size else [])], "allocate")
    size = frame.number(spec.size) if spec.size else "1.0"
    parts = [f"SUM({frame.number(c)} * {size}) / SUM({size}) AS {quoted(c)}" for c in dict.fromkeys(numbers)]
    parts += [f"MIN({quoted(c)}) AS {quoted(c)}" for c in domains if c not in spec.stratum]
    by = ", ".join(quoted(c) for c in spec.stratum)
    shown = "".join(f", {p}" for p in parts)
    checked = [*([spec.size] if spec.size else []), *dict.fromkeys(numbers)]
    odd = [_odd_rows(frame.number(c), c == spec.size) for c in checked]
    shown += "".join(f", {sql} AS _odd{i}" for i, sql in enumerate(odd))
    sql = (
        f"SELECT {by}, SUM({size}) AS population, COUNT(*) AS units{shown} "
        f"FROM frame GROUP BY {by} ORDER BY {by}"
    )
    table = frame.query(sql)
    if table.empty:
        raise DesignError("the frame has no rows", where=frame.name, **_NO_ROWS)
    labels = ["|".join(map(str, row)) for row in table[list(spec.stratum)].itertuples(index=False)]
    for i, column in enumerate(checked):
        _refuse_odd(table[f"_odd{i}"].to_numpy(), labels, f"{frame.name}: {column}")
    if spec.size and (table["units"] == 1).all():
        table["units"] = np.floor(table["population"]).astype("int64")  # one row a stratum
    return table.assign(stratum=labels)


def _odd_rows(number: str, is_size: bool) -> str:
    """SQL that counts rows without a number: a sum would pass over them in silence."""
    below = f" OR {number} < 0" if is_size else ""
    return f"COUNT(*) FILTER (WHERE {number} IS NULL OR NOT isfinite({number}){below})"


def _refuse_odd(odd: NDArray[Any], labels: list[str], where: str) -> None:
    if not odd.any():
        return
    met = list(compress(labels, odd > 0))
    more = f" and {len(met) - 8} more" if len(met) > 8 else ""
    raise DesignError(
        "numbers are missing, no numbers, or sizes below zero",
        where=where,
        found=f"rows: {int(odd.sum()):,}, in strata {', '.join(met[:8])}{more}",
        expected="numbers with a point for decimals",
        hint="look for blanks and text in this column",
        code="bad-size",
    )


def _typed_totals(totals: Mapping[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    """Codes of the plan as the file has them: text in YAML, numbers in a numeric column."""
    out: dict[str, Any] = {}
    for column, given in totals.items():
        numeric = column in rows.columns and rows[column].dtype.kind in "iuf"
        if isinstance(given, Mapping) and numeric:
            try:
                out[column] = {float(k) if "." in str(k) else int(k): v for k, v in given.items()}
            except ValueError:
                raise DesignError(
                    "codes of the totals are not numbers", where=f"calibrate.{column}"
                ) from None
        else:
            out[column] = given
    return out
