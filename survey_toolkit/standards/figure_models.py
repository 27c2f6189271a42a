"""Indicators with their series, and the populations that rates are of, as models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.model_parts import Date, Id, Labels, Name, References, inherit

__all__ = ["Caveat", "Indicator", "Population", "PopulationFile", "Series"]


class Caveat(StrictModel):
    """What a reader of the figure must know."""

    id: Id
    text: Labels
    references: References = ()


class Series(StrictModel):
    """A published series of an indicator.

    ``sdmx`` gives the codes of dimensions that the breakdown does not set; ``custom`` is true when no
    global SDG series exists and an own data structure is needed.
    """

    id: Id
    label: Labels
    variable: Annotated[Name | None, Field(description="classified output; null when no survey gives it")] = (
        None
    )
    definition: Name
    version: Id
    statistic: Literal["proportion", "total", "count", "rate", "population_size"]
    unit: str
    multiplier: Annotated[float, Field(gt=0)] = 1.0
    universe: Labels
    sdmx: dict[str, str] = Field(default_factory=dict)
    breakdowns: tuple[tuple[Name, ...], ...] = ()
    custom: bool = False
    note: Labels | None = None
    references: References = ()


class Indicator(StrictModel):
    """An indicator and its series, the first being the main one."""

    id: Id
    title: Labels
    sdg_target: str | None = None
    custodians: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    references: Annotated[References, Field(min_length=1)]
    series: Annotated[tuple[Series, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _references_reach_down(self) -> Indicator:
        object.__setattr__(self, "series", inherit(self.series, self.references))
        object.__setattr__(self, "caveats", inherit(self.caveats, self.references))
        return self


class Population(StrictModel):
    """A resident population, the denominator of a rate."""

    country: str = Field(default="", exclude=True)
    period: Date
    universe: Annotated[Name, Field(description="total, or a part such as adults")] = "total"
    label: Labels
    value: Annotated[int, Field(gt=0)]
    as_of: Date
    rounded_to: Annotated[int, Field(ge=1, description="1 when the figure is exact")]
    references: Annotated[References, Field(min_length=1)]

    @property
    def key(self) -> str:
        """``GBR/2013``, or ``GBR/2013/adults`` for a part."""
        part = "" if self.universe == "total" else f"/{self.universe}"
        return f"{self.country}/{self.period}{part}"


class PopulationFile(StrictModel):
    """Populations of one country."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    populations: Annotated[tuple[Population, ...], Field(min_length=1)]

    def items(self) -> tuple[Population, ...]:
        """Populations, each with its country."""
        return tuple(p.model_copy(update={"country": self.country}) for p in self.populations)
