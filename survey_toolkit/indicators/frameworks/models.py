"""What a results framework is, as models of its YAML file: nodes, indicators, dimensions.

A framework is data, so any plan with areas, outcomes, outputs, indicators and activities can be loaded. Where
the source leaves open which row an indicator belongs to, ``link_confidence`` says so and every product
shows it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.model_parts import Date, Id, Labels, References

__all__ = [
    "LEVELS",
    "Dimension",
    "DimensionCode",
    "Framework",
    "FrameworkIndicator",
    "FrameworkNode",
    "Mirror",
    "SdgLink",
]

#: From the top down; a node's parent is on the level before its own.
LEVELS = ("area", "outcome", "output", "activity")

Confidence = Literal["certain", "uncertain", "proposed"]
Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})?$")]
Rule = Literal["marker", "linear_path", "annual_change", "ladder"]
#: ``_U``, ``0-17``, ``18+``: what a breakdown code may look like.
CodeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_+.-]*$", max_length=32)]


class DimensionCode(StrictModel):
    """One category of a breakdown; the categories of a dimension add up to the total."""

    id: CodeId
    label: Labels


class Dimension(StrictModel):
    """A breakdown; ``area`` marks one whose codes are countries, so that a country does not list itself."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]
    label: Labels
    area: bool = False
    codes: Annotated[tuple[DimensionCode, ...], Field(min_length=1)]

    def codes_for(self, country: str) -> tuple[DimensionCode, ...]:
        """The categories a country reports."""
        return tuple(c for c in self.codes if not (self.area and c.id == country))


class FrameworkNode(StrictModel):
    """Area, outcome, output or activity."""

    id: Id
    level: Literal["area", "outcome", "output", "activity"]
    parent: Id | None = None
    title: Labels
    title_shown: Annotated[bool, Field(description="false where the source does not show the title")] = True
    link_confidence: Confidence = "certain"


class SdgLink(StrictModel):
    """How an indicator relates to one of the Sustainable Development Goals."""

    indicator: Id
    relation: Literal["same", "contributes", "context"]


class Mirror(StrictModel):
    """The indicator in which the other country reports the same journeys, and the dimension that names it."""

    with_: Annotated[Id, Field(alias="with")]
    dimension: str


class FrameworkIndicator(StrictModel):
    """A measure of progress.

    ``time`` says how years add up: ``annual`` flows, a ``cumulative`` running total, a ``stock`` at a date.
    ``sensitive`` counts are of victims: small cells are suppressed. ``progress`` names the rating rules,
    the first
    one giving the traffic light.
    """

    id: Id
    nodes: Annotated[tuple[Id, ...], Field(min_length=1)]
    link_confidence: Confidence = "certain"
    title: Labels
    definition: Annotated[str | None, Field(description="definition@version of the standards")] = None
    type: Literal["count", "percent", "rate", "index", "yes_no", "milestone", "text"] = "count"
    unit: str
    sensitive: bool = True
    direction: Literal["up", "down", "range", "none"] = "up"
    time: Literal["annual", "cumulative", "stock"] = "annual"
    breakdowns: tuple[tuple[str, ...], ...] = ()
    ladder: Annotated[tuple[str, ...], Field(description="milestones from the first to the last")] = ()
    progress: tuple[Rule, ...] = ()
    mirror: Mirror | None = None
    mirror_only: bool = False
    limitations: Labels | None = None
    sdg_links: tuple[SdgLink, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.type in ("count", "percent", "rate", "index")

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rating rules, the first one being the main one; none where neither up nor down is better."""
        if self.progress or self.direction == "none":
            return self.progress
        if self.type in ("milestone", "yes_no"):
            return ("ladder",)
        if not self.numeric:
            return ()
        return ("marker",) if self.direction == "range" else ("marker", "linear_path", "annual_change")

    @property
    def steps(self) -> tuple[str, ...]:
        """Milestones in order; for a yes/no indicator ``no`` and ``yes``."""
        return ("no", "yes") if self.type == "yes_no" and not self.ladder else self.ladder


class Framework(StrictModel):
    """A results framework in one version."""

    id: Id
    version: Id
    title: Labels
    period: tuple[int, int]
    status: Literal["draft", "extract", "adopted", "closed"] = "adopted"
    adopted_on: Date | None = None
    adopted_by: str | None = None
    countries: Annotated[tuple[Country, ...], Field(min_length=1)]
    languages: tuple[Language, ...] = ("en",)
    references: Annotated[References, Field(min_length=1)]
    dimensions: tuple[Dimension, ...] = ()
    nodes: Annotated[tuple[FrameworkNode, ...], Field(min_length=1)]
    indicators: Annotated[tuple[FrameworkIndicator, ...], Field(min_length=1)]

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    @property
    def years(self) -> range:
        """Years of the plan."""
        return range(self.period[0], self.period[1] + 1)

    def indicator(self, id: str) -> FrameworkIndicator | None:
        """Return the indicator, or None."""
        return next((i for i in self.indicators if i.id == id), None)

    def node(self, id: str) -> FrameworkNode | None:
        """Return the node, or None."""
        return next((n for n in self.nodes if n.id == id), None)

    def dimension(self, id: str) -> Dimension | None:
        """Return the dimension, or None."""
        return next((d for d in self.dimensions if d.id == id), None)
