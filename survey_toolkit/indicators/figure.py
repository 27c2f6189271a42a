"""Figures: published numbers that carry their quality, their disclosure status and their way back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators.trace import Trace
from survey_toolkit.indicators.units import decimals_for, format_number, presentation, unit_of

__all__ = ["NUMBERS", "TOTAL", "Disclosure", "Figure", "Quality", "figure_id"]

#: Code of "all categories together" in a breakdown, as in SDMX.
TOTAL = "_T"

Quality: TypeAlias = Literal["reliable", "low_reliability", "not_publishable"]
Disclosure: TypeAlias = Literal["published", "suppressed"]

#: Fields that tell something about the people in the cell; a suppressed figure has none of them.
NUMBERS = (
    "value", "ci_low", "ci_high", "se", "cv", "deff", "df", "n", "n_psu", "n_positive", "n_undetermined",
    "bound_low", "bound_high", "truth", "population",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One published number.

    Attributes
    ----------
    id : str
        ``"8.7.1/KHM/2024/F/5-11"``: indicator, country, period, one part per breakdown dimension, ``_T``
        for all; with the series after a colon when it is not the indicator's first.
    indicator, series, label : str
        Indicator id, series code, title of the series.
    variable : str
        The classified status or case count the figure rests on; figures of one variable and one cell
        (proportion, total, rate) are protected together.
    country, period : str
        ISO 3166 alpha-3 code; ``"2024"``, ``"2021-Q1"`` or a range.
    breakdown, labels : mapping of str to str
        Dimension id to code, and to the label of that code.
    statistic, unit : str
        ``proportion total count rate population_size``; SDG unit code.
    value, ci_low, ci_high, se, bound_low, bound_high : float or None
        Stored 0-1 for proportions and rates (victims per person); see :meth:`present`. The bounds take
        every undetermined case as not met, and as met.
    cv, deff, df : float or None
        Coefficient of variation (se / value), design effect, degrees of freedom.
    n, n_psu, n_positive, n_undetermined : int or None
        Unweighted: denominator, primary sampling units, positive cases, undetermined cases.
    level : float
        Confidence level of the interval.
    truth : float or None
        True value where the data were simulated.
    population : float or None
        Denominator of a rate.
    quality, reasons : str, tuple of str
        Verdict of the reliability policy and why.
    disclosure, disclosure_reason : str
        ``published`` or ``suppressed`` and why.
    obs_status : str
        SDMX observation status: A normal, U low reliability, Q suppressed, E estimated (model), O missing.
    definition, version : str
        Which definition, in which version.
    universe : str
        Whom the figure is about, e.g. ``"children aged 5-17"``.
    estimator : {"survey", "mse", "admin"}
        Household survey, multiple systems estimation, or a count in administrative records.
    custom : bool
        True when the global SDG structure has no such series.
    sdmx : mapping of str to str
        Fixed SDMX codes of the series, e.g. ``{"AGE": "Y5T17"}``.
    trace : Trace
        The way back.
    """

    id: str
    indicator: str
    series: str
    label: str
    variable: str
    country: str
    period: str
    breakdown: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    statistic: str
    unit: str
    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    se: float | None = None
    cv: float | None = None
    deff: float | None = None
    df: float | None = None
    n: int | None = None
    n_psu: int | None = None
    n_positive: int | None = None
    n_undetermined: int | None = None
    bound_low: float | None = None
    bound_high: float | None = None
    level: float = 0.95
    truth: float | None = None
    population: float | None = None
    quality: Quality = "reliable"
    reasons: tuple[str, ...] = ()
    disclosure: Disclosure = "published"
    disclosure_reason: str = ""
    obs_status: str = "A"
    definition: str = ""
    version: str = ""
    universe: str = ""
    estimator: Literal["survey", "mse", "admin"] = "survey"
    custom: bool = False
    sdmx: Mapping[str, str] = field(default_factory=dict)
    trace: Trace = field(default_factory=Trace)

    def __post_init__(self) -> None:
        unit_of(self.unit)
        for name in NUMBERS:
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                object.__setattr__(self, name, None)
        for name in ("breakdown", "labels", "sdmx"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return Figure.from_dict, (self.to_dict(),)

    @property
    def covers(self) -> bool | None:
        """Whether the interval holds the true value; None where either is not known."""
        if self.truth is None or self.ci_low is None or self.ci_high is None:
            return None
        return self.ci_low <= self.truth <= self.ci_high

    @property
    def is_total(self) -> bool:
        """Whether the figure is the one for everybody."""
        return all(code == TOTAL for code in self.breakdown.values())

    @property
    def shown(self) -> bool:
        """Whether there is a number to show."""
        return self.value is not None and self.disclosure == "published"

    def present(self, name: str = "value") -> float | None:
        """A number field in the unit of presentation: ``value ci_low ci_high se bound_low …``."""
        return presentation(getattr(self, name), self.unit)

    @property
    def category(self) -> str:
        """The cell in words: ``"Female, 5-11"``, or ``"Total"``."""
        parts = [self.labels.get(d, c) for d, c in self.breakdown.items() if c != TOTAL]
        return ", ".join(parts) or "Total"

    @property
    def text(self) -> str:
        """Value and interval for running text: ``"12.3 % [10.1, 14.9]"``."""
        if self.disclosure == "suppressed":
            return "suppressed"
        if self.value is None:
            return "not publishable" if self.quality == "not_publishable" else "not available"
        low, high = self.present("ci_low"), self.present("ci_high")
        places = decimals_for([self.present()], self.unit)
        text = format_number(self.present(), places) + unit_of(self.unit).suffix
        if low is not None and high is not None:
            text += f" [{format_number(low, places)}, {format_number(high, places)}]"
        return text

    def masked(self, *, keep_n: bool = False, **changes: Any) -> Figure:
        """The figure without any number about the people in its cell."""
        gone = {name: None for name in NUMBERS if not (keep_n and name in ("n", "n_psu", "df"))}
        return replace(self, **{**gone, "trace": self.trace.redacted(), **changes})

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form of everything, the trace included."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Trace):
                value = value.to_dict()
            elif isinstance(value, Mapping):
                value = dict(value)
            elif isinstance(value, tuple):
                value = list(value)
            out[item.name] = value
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Figure:
        """Inverse of :meth:`to_dict`.

        Raises
        ------
        SurveyToolkitError
            If the mapping is not a figure.
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown or "id" not in data:
            raise SurveyToolkitError(
                "this is not a figure written by this version",
                found=", ".join(unknown[:5]) or "no id",
                hint="run the study again",
                code="figure-format",
            )
        values = dict(data)
        values["trace"] = Trace.from_dict(values.get("trace") or {})
        values["reasons"] = tuple(values.get("reasons") or ())
        return cls(**values)


def figure_id(
    indicator: str, series: str | None, country: str, period: str, codes: Sequence[str] = ()
) -> str:
    """Build the id of a figure; ``series`` is None for the first series of the indicator.

    Examples
    --------
    >>> figure_id("8.7.1", None, "KHM", "2024", ["F", "5-11"])
    '8.7.1/KHM/2024/F/5-11'
    >>> figure_id("8.7.1", "SL_TLF_CHLDEC", "KHM", "2024", ["_T"])
    '8.7.1:SL_TLF_CHLDEC/KHM/2024/_T'
    """
    head = f"{indicator}:{series}" if series else indicator
    return "/".join([head, country, period, *(code.replace("/", "∕") for code in codes)])
