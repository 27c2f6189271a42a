"""Bridge to the SDG indicators: what was detected, what was estimated and what a survey found, side by
side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from survey_toolkit.indicators.figure import Figure
from survey_toolkit.indicators.frameworks.models import Framework, FrameworkIndicator
from survey_toolkit.indicators.frameworks.regional import Cell

__all__ = ["SdgRow", "sdg_rows"]

#: How the framework's number relates to the SDG's, in words a reader of the figure sees.
RELATION_TEXT = {
    "same": "The country's report counts what the SDG indicator counts.",
    "contributes": "The country's report counts a part of what the SDG indicator counts: a rate from it is a "
    "lower limit of the rate of detected victims.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SdgRow:
    """One country and year of one SDG indicator.

    Attributes
    ----------
    sdg, country, year : str, str, int
    detected : float or None
        Persons; from a published figure where there is one, otherwise from the framework's linked indicator.
    detected_from : str
        Id of that figure, or of the indicator.
    detected_state : str
        State of the framework's cell.
    population : float or None
        Persons, the denominator of ``rate``.
    rate : float or None
        Detected per 100,000 population.
    estimated : Figure or None
        Multiple systems estimate of all victims.
    surveys : tuple of Figure
        Survey figures of the same SDG indicator.
    caveats : tuple of str
        Attached whatever the reader asks for.
    """

    sdg: str
    country: str
    year: int
    detected: float | None
    detected_from: str
    detected_state: str
    population: float | None
    estimated: Figure | None
    surveys: tuple[Figure, ...]
    caveats: tuple[str, ...]

    @property
    def rate(self) -> float | None:
        """Detected victims per 100,000 population."""
        if self.detected is None or not self.population:
            return None
        return self.detected / self.population * 100_000

    @property
    def detection_ratio(self) -> tuple[float, float | None, float | None] | None:
        """Detected over estimated, with the limits that the estimate's interval gives."""
        given = self.estimated
        if self.detected is None or given is None or not given.value:
            return None
        low = self.detected / given.ci_high if given.ci_high else None
        high = self.detected / given.ci_low if given.ci_low else None
        return self.detected / given.value, low, high


def sdg_rows(
    framework: Framework,
    cell: Callable[[FrameworkIndicator, str, int], Cell],
    *,
    figures: Iterable[Figure] = (),
    populations: Mapping[tuple[str, int], float] | None = None,
    caveats: Mapping[str, Iterable[str]] | None = None,
) -> list[SdgRow]:
    """Rows of the annex: every country and year for which there is something to show.

    Parameters
    ----------
    framework : Framework
    cell : callable
        Indicator, country and year to the **protected** cell for everybody.
    figures : iterable of Figure
        Published, protected figures of surveys and multiple systems estimates.
    populations : mapping
        Country and year to resident population.
    caveats : mapping
        SDG indicator to the caveats of the standards.
    """
    known = list(figures)
    links: dict[str, list[tuple[FrameworkIndicator, str]]] = {}
    for item in framework.indicators:
        for link in item.sdg_links:
            links.setdefault(link.indicator, []).append((item, link.relation))
    rows = []
    for sdg in sorted({*links, *(f.indicator for f in known)}):
        for country in framework.countries:
            for year in framework.years:
                mine = [f for f in known if _fits(f, sdg, country, year)]
                row = _row(
                    sdg, country, year, links.get(sdg, []), mine, cell, populations or {}, caveats or {}
                )
                if (
                    row.detected is not None
                    or row.estimated
                    or row.surveys
                    or row.detected_state == "suppressed"
                ):
                    rows.append(row)
    return rows


def _fits(figure: Figure, sdg: str, country: str, year: int) -> bool:
    same = figure.indicator == sdg and figure.country == country and figure.period.startswith(str(year))
    return same and figure.is_total and figure.shown


def _row(
    sdg: str,
    country: str,
    year: int,
    links: list[tuple[FrameworkIndicator, str]],
    figures: list[Figure],
    cell: Callable[[FrameworkIndicator, str, int], Cell],
    populations: Mapping[tuple[str, int], float],
    caveats: Mapping[str, Iterable[str]],
) -> SdgRow:
    texts = list(caveats.get(sdg, ()))
    detected, origin, state = None, "", "no_data"
    admin = [f for f in figures if f.estimator == "admin" and f.unit == "NUMBER"]
    if admin:
        detected, origin, state = admin[0].value, admin[0].id, "value"
    for item, relation in links:
        if admin or relation not in RELATION_TEXT:
            continue
        found = cell(item, country, year)
        if found.state in ("value", "zero", "suppressed"):
            detected, origin, state = found.value, item.id, found.state
            texts.append(RELATION_TEXT[relation])
            break
    estimated = [f for f in figures if f.estimator == "mse" and f.unit == "NUMBER"]
    return SdgRow(
        sdg=sdg, country=country, year=year, detected=detected, detected_from=origin, detected_state=state,
        population=populations.get((country, year)), estimated=estimated[0] if estimated else None,
        surveys=tuple(f for f in figures if f.estimator == "survey"), caveats=tuple(texts),
    )  # fmt: skip
