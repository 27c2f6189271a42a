"""Six countries with invented numbers: what a round looks like. No number here was reported by anybody."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from survey_toolkit.indicators import Figure, Figures
from survey_toolkit.indicators.frameworks import (
    Actual,
    Baseline,
    Framework,
    Marker,
    Narrative,
    Record,
    Selection,
    Source,
)
from survey_toolkit.monitoring.filling import filled_return
from survey_toolkit.monitoring.importing import import_returns
from survey_toolkit.monitoring.locking import replace_file
from survey_toolkit.monitoring.store import Workspace, create_workspace

__all__ = ["create_example", "example_figures", "example_records"]

A, B, C, C_IN = "SPA4-4.2-a", "SPA4-4.2-b", "SPA4-4.2-c", "SPA4-4.2-c-in"
#: Baseline 2014, markers 2015-2018, actuals by year. China did not select the first indicator; Myanmar
#: selected
#: it and has reported nothing yet.
_ASSISTED: dict[str, tuple[float, tuple[float, ...], dict[int, float]]] = {
    "KHM": (180, (200, 220, 240, 260), {2015: 196, 2016: 215, 2017: 244}),
    "THA": (400, (410, 420, 430, 450), {2015: 405, 2016: 444, 2017: 431}),
    "LAO": (60, (64, 68, 72, 80), {2015: 64, 2016: 71}),
    "VNM": (310, (320, 330, 340, 350), {2015: 300, 2016: 298, 2017: 305}),
    "MMR": (150, (160, 170, 180, 190), {}),
}
_PROVIDERS: dict[str, tuple[float, tuple[float, ...], dict[int, float]]] = {
    "KHM": (11, (14, 18, 22, 26), {2015: 14, 2016: 17, 2017: 22}),
    "THA": (40, (45, 50, 55, 60), {2015: 44, 2016: 52, 2017: 56}),
    "VNM": (0, (5, 10, 15, 20), {2015: 0, 2016: 6, 2017: 9}),
}
#: Year to sender to receiver: persons sent home, and received home, as each side reports them.
_SENT = {
    2015: {"THA": {"KHM": 96, "LAO": 31, "MMR": 140}, "CHN": {"VNM": 52, "MMR": 61}},
    2016: {"THA": {"KHM": 120, "LAO": 28, "MMR": 133}, "CHN": {"VNM": 47, "MMR": 58}, "VNM": {"KHM": 12}},
}
_RECEIVED = {
    2015: {"KHM": {"THA": 96}, "LAO": {"THA": 31}, "VNM": {"CHN": 50}},
    2016: {"KHM": {"THA": 112, "VNM": 12}, "LAO": {"THA": 28}, "VNM": {"CHN": 47}},
}
#: Language in which each country returns.
LANGUAGES = {"KHM": "km", "CHN": "zh", "LAO": "lo", "MMR": "my", "THA": "th", "VNM": "vi"}


def example_records(country: str) -> list[Record]:
    """Records of one country.

    Examples
    --------
    >>> len([r for r in example_records("CHN") if isinstance(r, Selection) and r.selected])
    1
    """
    out: list[Record] = [
        Source(country=country, id="S1", type="register", title="National referral register (invented)",
               organisation="Ministry in charge (invented)", date="2017-01-31"),
    ]  # fmt: skip
    for indicator, table in ((A, _ASSISTED), (B, _PROVIDERS)):
        chosen = country in table
        out.append(
            Selection(country=country, indicator=indicator, selected=chosen, focal_point_role="Secretariat")
        )
        if chosen:
            out += _series(country, indicator, *table[country])
    sends = any(country in flows for flows in _SENT.values())
    gets = any(country in flows for flows in _RECEIVED.values())
    for indicator, chosen in ((C, sends), (C_IN, gets)):
        out.append(Selection(country=country, indicator=indicator, selected=chosen))
    if sends:
        out.append(Baseline(country=country, indicator=C, value=50, year=2014, source_id="S1"))
    out += _flows(country)
    if country == "KHM":
        out.append(
            Narrative(
                country=country, node="4.2", year=2016, language="km", achievements="ការបណ្តុះបណ្តាលត្រូវបានបញ្ចប់",
                challenges="Few interpreters at the borders.", next_steps="Agree on the return form.",
            )
        )  # fmt: skip
    return out


def _series(
    country: str, indicator: str, base: float, markers: tuple[float, ...], actuals: dict[int, float]
) -> list[Record]:
    out: list[Record] = [
        Baseline(country=country, indicator=indicator, value=base, year=2014, source_id="S1")
    ]
    for year, value in zip(range(2015, 2019), markers, strict=True):
        out.append(
            Marker(
                country=country, indicator=indicator, year=year, value=value,
                role="target" if year == 2018 else "progress_marker",
            )
        )  # fmt: skip
    for year, value in actuals.items():
        out.append(_actual(country, indicator, year, value))
        if indicator == A:
            out += _split(country, indicator, year, value)
    return out


def _actual(country: str, indicator: str, year: int, value: float, **codes: str) -> Actual:
    definition = "" if indicator == B else "trafficking@palermo-2000"
    return Actual(
        country=country, indicator=indicator, year=year, value=value, breakdown=codes, definition=definition,
        source_id="" if codes else "S1",
    )  # fmt: skip


def _split(country: str, indicator: str, year: int, total: float) -> list[Actual]:
    """Breakdowns that add up; in Laos few men, so that protection has something to do."""
    men = 3.0 if country == "LAO" else float(round(total * 0.35))
    young = float(round(total * 0.28))
    forms = {"SX": float(round(total * 0.46)), "FL": float(round(total * 0.41)), "_U": 0.0}
    forms["OT"] = total - sum(forms.values())
    cells = [("sex", "F", total - men), ("sex", "M", men), ("sex", "_U", 0.0), ("age", "0-17", young),
             ("age", "18+", total - young), ("age", "_U", 0.0)]  # fmt: skip
    cells += [("form", code, value) for code, value in forms.items()]
    return [_actual(country, indicator, year, value, **{name: code}) for name, code, value in cells]


def _flows(country: str) -> list[Actual]:
    out = []
    for indicator, table in ((C, _SENT), (C_IN, _RECEIVED)):
        for year, flows in table.items():
            mine = flows.get(country, {})
            if not mine:
                continue
            total = float(sum(mine.values()))
            out.append(_actual(country, indicator, year, total))
            out += [_actual(country, indicator, year, float(v), partner=p) for p, v in mine.items()]
            if indicator == C:
                women = float(round(total * 0.7))
                out += [_actual(country, C, year, v, sex=s) for s, v in (("F", women), ("M", total - women))]
    return out


def example_figures() -> Figures:
    """An invented multiple systems estimate, for the SDG annex."""
    return Figures(
        [
            Figure(
                id="16.2.2:MSDI_HTF_TOT/THA/2016", indicator="16.2.2", series="MSDI_HTF_TOT",
                label="Estimated victims of human trafficking, detected and undetected", variable="example",
                country="THA", period="2016", statistic="population_size", unit="NUMBER", value=2310.0,
                ci_low=1820.0, ci_high=3050.0, estimator="mse", obs_status="E", custom=True,
            )
        ]
    )  # fmt: skip


#: The countries are real: without this a report of the example could be taken for theirs.
_NOTICE = "Invented returns. No country reported any number in this report."

_POPULATION = """# Invented for the example.
country: THA
populations:
  - period: "2016"
    label: {en: Invented resident population for the example}
    value: 71600000
    as_of: 2016-07-01
    rounded_to: 100000
    references:
      - {source: survey-toolkit, locator: invented example, verification: proposed}
"""


def create_example(folder: str | os.PathLike[str]) -> Workspace:
    """Make a monitoring folder with six returned workbooks, imported.

    Returns
    -------
    Workspace
        Its ``returns/`` holds the workbooks, ``figures.json`` an invented estimate for the SDG annex.
    """
    workspace = create_workspace(folder, "commit-spa4", notice=_NOTICE)
    framework: Framework = workspace.framework
    returns = Path(folder) / "returns"
    for country in framework.countries:
        data = filled_return(framework, country, example_records(country), LANGUAGES[country])
        replace_file(returns / f"{country}.xlsx", data)
    replace_file(Path(folder) / "populations" / "THA.yaml", _POPULATION.encode())
    replace_file(Path(folder) / "figures.json", example_figures().to_json().encode())
    when = dt.datetime(2017, 2, 3, 9, 0, tzinfo=dt.UTC)
    import_returns(workspace, [returns], who="regional secretariat (example)", when=when)
    return workspace
