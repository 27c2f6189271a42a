"""What a study file may say: the pydantic models behind ``study.yaml`` and its JSON Schema.

A study names its files, how they join, the crosswalk that harmonizes them, the survey design, the
definitions to classify under, the indicators with their breakdowns, the capture lists for people no
survey reaches, and what to publish. Everything is data; nothing in it is ever evaluated as code.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from survey_toolkit._yaml import StrictModel

__all__ = [
    "CaptureSpec",
    "CountrySpec",
    "DesignSpec",
    "DisclosureSpec",
    "FileSpec",
    "IndicatorSpec",
    "MethodSpec",
    "OutputSpec",
    "StudySpec",
    "SurveySpec",
    "json_schema",
]

Names = Annotated[tuple[str, ...], Field(min_length=1)]
Interval = Literal["beta", "logit", "wald", "clopper_pearson", "wilson", "likelihood", "asin"]
OutputFormat = Literal[
    "csv", "xlsx", "html", "sdmx", "json", "sdmx-csv-1.0", "sdmx-ml-2.1", "sdmx-ml-3.0", "open-sdg",
    "ilostat", "unodc", "sdg-database", "datapackage", "ddi", "tables-csv", "tables-html", "latex",
    "markdown",
]  # fmt: skip


class CountrySpec(StrictModel):
    """The country the figures speak of."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 3166-1 alpha-3 code")]
    name: Annotated[str, Field(description="as the report shall print it")]


class FileSpec(StrictModel):
    """One data file of a survey and the level its rows stand for."""

    path: Annotated[str, Field(description="relative to the study file")]
    level: Annotated[str, Field(description="household, person, job, episode: as in the crosswalk")]
    key: Annotated[
        tuple[str, ...], Field(description="kept columns that identify a row; needed where files are joined")
    ] = ()
    parent: Annotated[str | None, Field(description="name of the file these rows belong to")] = None
    encoding: Annotated[str | None, Field(description="only if the file does not say it itself")] = None


class DesignSpec(StrictModel):
    """The survey design, in the words of ``SurveyDesign``; columns as kept by the crosswalk."""

    weight: Annotated[str, Field(description="weight column")]
    strata: Annotated[str | None, Field(description="stratum column")] = None
    psu: Annotated[str | None, Field(description="column of the primary sampling unit")] = None
    fpc: Annotated[
        str | None, Field(description="column of the finite population correction, by stratum")
    ] = None
    nest: Annotated[bool, Field(description="codes of primary sampling units repeat across strata")] = False
    lonely_psu: Annotated[
        Literal["fail", "certainty", "remove", "adjust", "average"],
        Field(description="what a stratum with one primary sampling unit gives"),
    ] = "fail"


class ClassifySpec(StrictModel):
    """A definition to classify the persons under."""

    definition: Annotated[str, Field(description="id of a definition: survey-toolkit standards list")]
    version: Annotated[str | None, Field(description="default: the version in use")] = None


class SurveySpec(StrictModel):
    """A household survey: files, crosswalk, design, classification."""

    files: Annotated[
        dict[str, FileSpec], Field(min_length=1, description="data files, by a name of your choice")
    ]
    crosswalk: Annotated[str, Field(description="id of a shipped crosswalk, or a path ending in .yaml")]
    analysis_file: Annotated[
        str | None, Field(description="the file whose rows are estimated from; default: the person file")
    ] = None
    design: DesignSpec
    classify: Annotated[
        tuple[ClassifySpec, ...],
        Field(min_length=1, description="definitions to classify persons by"),
    ]

    @model_validator(mode="after")
    def _parents_exist(self) -> SurveySpec:
        for name, spec in self.files.items():
            if spec.parent is not None and spec.parent not in self.files:
                raise ValueError(f"files.{name}.parent: no file is called '{spec.parent}'")
            if spec.parent is not None and not (spec.key and self.files[spec.parent].key):
                raise ValueError(f"files.{name}: joining to '{spec.parent}' needs a 'key' on both files")
            seen, step = {name}, spec.parent
            while step is not None:
                if step in seen:
                    raise ValueError(f"files.{name}.parent: the files are parents of each other in a circle")
                seen.add(step)
                step = self.files[step].parent if step in self.files else None
        if self.analysis_file is not None and self.analysis_file not in self.files:
            raise ValueError(f"analysis_file: no file is called '{self.analysis_file}'")
        return self


class MethodSpec(StrictModel):
    """Which multiple systems estimate is published."""

    name: Annotated[
        Literal["loglinear", "select", "stepwise"],
        Field(description="one model, the best of a family, or stepwise"),
    ] = "stepwise"
    interactions: Annotated[tuple[str, ...], Field(description="loglinear: terms such as LA:NG")] = ()
    family: Annotated[
        Literal["pairwise", "hierarchical"], Field(description="select: the models compared")
    ] = "pairwise"
    criterion: Annotated[
        Literal["bic", "aic", "aicc"], Field(description="select: what the models are compared by")
    ] = "bic"
    p_enter: Annotated[
        float, Field(gt=0, lt=1, description="stepwise: p-value below which a term enters")
    ] = 0.02
    interval: Annotated[
        Literal["profile", "wald"], Field(description="profile likelihood, or Wald on the log scale")
    ] = "profile"


class CaptureSpec(StrictModel):
    """Lists of detected people and the population they come from."""

    path: Annotated[
        str, Field(description="CSV of 0/1 columns, a list each, and a count; relative to the study file")
    ]
    lists: Annotated[tuple[str, ...], Field(min_length=2, description="columns of the lists")]
    count: Annotated[str, Field(description="column of the number of people with this history")] = "count"
    list_names: Annotated[
        dict[str, str], Field(default_factory=dict, description="what each list is, for the report")
    ]
    merge: Annotated[
        dict[str, Names], Field(default_factory=dict, description="new list: the lists it joins")
    ]
    definition: Annotated[str, Field(description="id of the definition by which the people were listed")] = (
        "trafficking"
    )
    version: Annotated[str | None, Field(description="default: the version in use")] = None
    method: MethodSpec = MethodSpec()
    population: Annotated[
        str | int | None,
        Field(description="resident population: a number, or a key of harmonization/populations: GBR/2013"),
    ] = None

    @field_validator("merge")
    @classmethod
    def _merge_names(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, parts in value.items():
            if len(parts) < 2:
                raise ValueError(f"merge.{name}: name at least two lists to join")
        return value


class IndicatorSpec(StrictModel):
    """An indicator to publish and how to break it down; the total is always given."""

    indicator: Annotated[str, Field(description="8.7.1, 16.2.2, 5.3.1, forced_labour and the like")]
    series: Annotated[tuple[str, ...], Field(description="default: every series the study can give")] = ()
    by: Annotated[
        tuple[tuple[str, ...], ...], Field(description="breakdowns; each a list of harmonized variables")
    ] = ()
    interval: Annotated[Interval, Field(description="confidence interval of proportions")] = "beta"
    level: Annotated[float, Field(gt=0.5, lt=1, description="confidence level")] = 0.95
    undetermined: Annotated[
        Literal["exclude", "not_met", "met"],
        Field(description="how a case that cannot be decided enters the point estimate"),
    ] = "exclude"
    bounds: Annotated[bool, Field(description="also all undetermined not met … all met")] = True
    definition_version: Annotated[
        str | None, Field(description="where a definition is classified by several versions")
    ] = None

    @field_validator("by", mode="before")
    @classmethod
    def _plain_names(cls, value: Any) -> Any:
        if isinstance(value, list):
            return tuple((item,) if isinstance(item, str) else item for item in value)
        return value


class DisclosureSpec(StrictModel):
    """Protection of small cells."""

    min_count: Annotated[int, Field(ge=0, description="smallest unweighted count that is published")] = 5
    reason: Annotated[str | None, Field(description="why a lower limit than 5 is safe")] = None

    @model_validator(mode="after")
    def _lower_needs_reason(self) -> DisclosureSpec:
        if self.min_count < 5 and not self.reason:
            raise ValueError("a limit below 5 needs a 'reason', which the report will show")
        return self


class OutputSpec(StrictModel):
    """What is written."""

    formats: Annotated[tuple[OutputFormat, ...], Field(min_length=1, description="files of a run")] = (
        "csv",
        "xlsx",
        "html",
        "sdmx",
        "json",
    )


class StudySpec(StrictModel):
    """A study: from files to published figures, in one YAML."""

    id: Annotated[str, Field(description="letters, digits, - and _; names the output folder")]
    title: Annotated[str, Field(description="as the report shall print it")]
    country: CountrySpec
    period: Annotated[str, Field(description="reference period of the figures, e.g. 2024 or 2021-Q1")]
    description: Annotated[str | None, Field(description="a paragraph for the head of the report")] = None
    source: Annotated[
        str | None, Field(description="where the data come from, as the report shall cite it")
    ] = None
    survey: SurveySpec | None = None
    capture: CaptureSpec | None = None
    indicators: Annotated[
        tuple[IndicatorSpec, ...], Field(min_length=1, description="what is published, and by what")
    ]
    quality: Annotated[str, Field(description="name of the reliability standard")] = "default"
    disclosure: DisclosureSpec = DisclosureSpec()
    outputs: OutputSpec = OutputSpec()
    seed: Annotated[int | None, Field(description="seed of simulated data; shown with the figures")] = None
    truth: Annotated[
        str | None,
        Field(description="CSV of known true values (simulated studies); relative to the study file"),
    ] = None

    @field_validator("id")
    @classmethod
    def _safe_id(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value):
            raise ValueError("use letters, digits, - and _ only, at most 64, starting with a letter or digit")
        return value

    @field_validator("period", mode="before")
    @classmethod
    def _period_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("period")
    @classmethod
    def _period_form(cls, value: str) -> str:
        if not re.fullmatch(r"\d{4}(-Q[1-4]|-(0[1-9]|1[0-2]))?", value):
            raise ValueError("write a year (2024), a quarter (2021-Q1) or a month (2021-03)")
        return value

    @model_validator(mode="after")
    def _has_input(self) -> StudySpec:
        if self.survey is None and self.capture is None:
            raise ValueError("a study needs a 'survey' block, a 'capture' block, or both")
        return self


def json_schema() -> dict[str, Any]:
    """JSON Schema of the study file, so that editors complete it.

    Examples
    --------
    >>> sorted(json_schema()["required"])
    ['country', 'id', 'indicators', 'period', 'title']
    """
    schema = StudySpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
