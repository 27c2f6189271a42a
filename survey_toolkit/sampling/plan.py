"""What a plan file may say: sizes, an allocation, a selection, a weighting. Data only, checked whole."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from survey_toolkit._yaml import StrictModel, load_document
from survey_toolkit.errors import DesignError

__all__ = [
    "AllocateSpec",
    "ConstraintSpec",
    "FieldSpec",
    "PlanSpec",
    "PrecisionSpec",
    "SelectSpec",
    "SizeSpec",
    "StageSpec",
    "WeightSpec",
    "json_schema",
    "load_plan",
]

Share = Annotated[float, Field(gt=0, le=1)]
Proportion = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Method = Literal["srs", "systematic", "pps_systematic", "sampford", "brewer", "rhc"]


class PrecisionSpec(StrictModel):
    """What is asked of an estimate; exactly one."""

    half_width: Positive | None = None
    relative: Positive | None = None
    cv: Positive | None = None

    @model_validator(mode="after")
    def _one(self) -> PrecisionSpec:
        if sum(v is not None for v in (self.half_width, self.relative, self.cv)) != 1:
            raise ValueError("give one of half_width, relative, cv")
        return self


class FieldSpec(StrictModel):
    """How people are reached, in the words of ``FieldPlan``."""

    cluster_take: Positive | None = None
    icc: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    household_size: Positive | None = None
    eligible_share: Share = 1.0
    eligibles_per_household: Positive | None = None
    one_per_household: bool = False
    household_response: Share = 1.0
    person_response: Share = 1.0
    weight_cv: Annotated[float, Field(ge=0)] = 0.0
    population: Positive | None = None
    deff: Positive | None = None


class CostSpec(StrictModel):
    """Costs, for the best take of a cluster."""

    cluster: Positive
    interview: Positive
    fixed: Annotated[float, Field(ge=0)] = 0.0
    budget: Positive | None = None


class SizeSpec(StrictModel):
    """One sample size wanted."""

    name: str
    parameter: Literal["proportion", "mean", "total", "comparison"] = "proportion"
    value: Annotated[
        float | dict[str, float] | tuple[float, ...],
        Field(description="anticipated value; one a domain; or a list, for a comparison of groups or rounds"),
    ]
    precision: PrecisionSpec | None = None
    power: Proportion = 0.8
    confidence: Proportion = 0.95
    method: Literal["wald", "wilson", "exact", "fleiss"] = "wilson"
    sd: Positive | None = None
    shares: Annotated[
        dict[str, Share] | None, Field(description="share of eligible persons in each domain")
    ] = None
    overlap: Annotated[float, Field(ge=0, le=1)] = 0.0
    correlation: Annotated[float, Field(ge=-1, le=1)] = 0.0
    field: FieldSpec = FieldSpec()
    cost: CostSpec | None = None

    @model_validator(mode="after")
    def _fits(self) -> SizeSpec:
        if self.parameter == "comparison":
            if not isinstance(self.value, tuple):
                raise ValueError("a comparison needs a list of values")
        elif self.precision is None:
            raise ValueError("a precision is needed")
        elif isinstance(self.value, tuple) or (
            isinstance(self.value, dict) and self.parameter != "proportion"
        ):
            raise ValueError("this parameter takes one value (a proportion: also one a domain)")
        if self.parameter == "mean" and self.sd is None:
            raise ValueError("a mean needs sd")
        if self.parameter == "total" and self.field.population is None:
            raise ValueError("a total needs field.population")
        return self


class ConstraintSpec(StrictModel):
    """A wanted CV of one variable, in one domain or everywhere."""

    variable: str
    cv: Positive
    domain: dict[str, str] | None = None
    deff: Positive = 1.0


class AllocateSpec(StrictModel):
    """How the sample is shared out over strata; the columns are those of the frame file."""

    stratum: Annotated[tuple[str, ...], Field(min_length=1)]
    method: Literal["equal", "proportional", "square_root", "neyman", "optimum", "power", "multivariate"] = (
        "proportional"
    )
    n: Annotated[int, Field(gt=0)] | None = None
    budget: Positive | None = None
    size: Annotated[str | None, Field(description="column summed to the population; rows without it")] = None
    sd: str | None = None
    mean: str | None = None
    cost: str | None = None
    q: Annotated[float, Field(ge=0, le=1)] = 0.5
    minimum: Annotated[int, Field(ge=0)] = 2
    constraints: tuple[ConstraintSpec, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> AllocateSpec:
        if self.method == "multivariate":
            if not self.constraints:
                raise ValueError("a multivariate allocation needs constraints")
        elif (self.n is None) == (self.budget is None):
            raise ValueError("give n or budget")
        return self


class StageSpec(StrictModel):
    """One stage, in the words of ``Stage``."""

    unit: str
    n: Annotated[int, Field(gt=0)] | dict[str, Annotated[int, Field(ge=0)]] | Literal["allocated"]
    method: Method = "srs"
    strata: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    size: str | None = None
    reserve: Annotated[int, Field(ge=0)] = 0
    zero: Literal["smallest", "exclude", "refuse"] = "smallest"
    large: Literal["certainty", "hits", "refuse"] = "certainty"
    name: str = ""
    frame: Annotated[str | None, Field(description="file of this stage, relative to the plan")] = None


class SelectSpec(StrictModel):
    """Stages from the largest units to the smallest."""

    stages: Annotated[tuple[StageSpec, ...], Field(min_length=1)]


class CalibrationSpec(StrictModel):
    """Known totals by column and code."""

    totals: dict[str, dict[str, float] | float]
    method: Literal["rake", "poststratify", "linear", "raking", "logit"] = "rake"
    bounds: tuple[float, float] | None = None


class TrimSpec(StrictModel):
    """Limits of the weights."""

    lower: Positive | None = None
    upper: Positive | None = None
    median_times: Positive | None = None


class WeightSpec(StrictModel):
    """Steps of weighting; columns of the frame file."""

    probability: str | None = None
    base: Annotated[str | None, Field(description="column of base weights, in place of probability")] = None
    status: Annotated[str | None, Field(description="ER, ENR, NE, UNK")] = None
    eligibility_classes: tuple[str, ...] = ()
    response_classes: tuple[str, ...] = ()
    response_propensity: tuple[str, ...] = ()
    subsample: str | None = None
    trim: TrimSpec | None = None
    calibrate: CalibrationSpec | None = None
    groups: Annotated[str | None, Field(description="column by which the report tells who lost weight")] = (
        None
    )

    @model_validator(mode="after")
    def _one_base(self) -> WeightSpec:
        if (self.probability is None) == (self.base is None):
            raise ValueError("give probability or base")
        return self


class PlanSpec(StrictModel):
    """A sampling plan."""

    id: str
    seed: Annotated[int, Field(ge=0)] = 1
    size: tuple[SizeSpec, ...] = ()
    allocate: AllocateSpec | None = None
    select: SelectSpec | None = None
    weight: WeightSpec | None = None


def load_plan(path: str | os.PathLike[str]) -> PlanSpec:
    """Read a plan file; all problems are told at once, with their lines.

    Raises
    ------
    DesignError
    """
    return load_document(path, error=DesignError).validate(PlanSpec, error=DesignError)


def json_schema() -> dict[str, Any]:
    """JSON Schema of the plan file, so that editors complete it.

    Examples
    --------
    >>> json_schema()["required"]
    ['id']
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanSpec.model_json_schema()}
