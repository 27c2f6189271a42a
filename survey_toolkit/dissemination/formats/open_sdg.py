"""Open SDG: the input side of a site, one data, one configuration and one metadata file an indicator.

Format of the data: first column ``Year``, last column ``Value``, ``GeoCode`` before it where there is one;
every breakdown a column, blank for the total; suppressed values are blank with their status beside them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from survey_toolkit._spreadsheet import table_csv
from survey_toolkit._yaml import dump_text
from survey_toolkit.dissemination.context import ReportContext, dimension_title
from survey_toolkit.indicators import TOTAL, Figure, Figures
from survey_toolkit.indicators.units import UNITS, exact_number

__all__ = ["check_open_sdg", "open_sdg_files", "open_sdg_slug"]

_STATUS = {
    "A": "Normal", "U": "Low reliability", "Q": "Suppressed", "E": "Estimated", "O": "Missing",
}  # fmt: skip
_EXTRA = ("Lower limit", "Upper limit", "Observation status")


def open_sdg_slug(indicator: str) -> str:
    """Indicator id as Open SDG names files: ``"8-7-1"``.

    Examples
    --------
    >>> open_sdg_slug("8.7.1"), open_sdg_slug("Forced labour/2")
    ('8-7-1', 'forced-labour-2')
    """
    return re.sub(r"[^a-z0-9]+", "-", indicator.lower()).strip("-") or "indicator"


def open_sdg_files(figures: Iterable[Figure], context: ReportContext) -> dict[str, bytes]:
    """Files by name: ``data/indicator_8-7-1.csv``, ``indicator-config/8-7-1.yml``, ``meta/8-7-1.yml``."""
    items = Figures(figures)
    files: dict[str, bytes] = {}
    for indicator in items.indicators:
        members = [f for f in items if f.indicator == indicator]
        slug = open_sdg_slug(indicator)
        files[f"data/indicator_{slug}.csv"] = _data(members, context).encode()
        files[f"indicator-config/{slug}.yml"] = dump_text(
            _config(indicator, members, context), width=100
        ).encode()
        files[f"meta/{slug}.yml"] = dump_text(_metadata(indicator, members, context), width=100).encode()
    return files


def _data(figures: Sequence[Figure], context: ReportContext) -> str:
    dimensions = list(dict.fromkeys(d for f in figures for d in f.breakdown))
    titles = [dimension_title(d, context.dimension_labels) for d in dimensions]
    words = {
        d: _distinct((f.breakdown.get(d, TOTAL), f.labels.get(d, "")) for f in figures) for d in dimensions
    }
    series = _distinct((f.series, f.label) for f in figures)
    places = len({f.country for f in figures}) > 1
    head = ["Year", "Series", "Units", *titles, *_EXTRA, *(["GeoCode"] if places else []), "Value"]
    rows = []
    for f in figures:
        codes = ["" if (code := f.breakdown.get(d, TOTAL)) == TOTAL else words[d][code] for d in dimensions]
        low, high, value = (exact_number(f.present(n)) for n in ("ci_low", "ci_high", "value"))
        geo = [f.country] if places else []
        status = _STATUS.get(f.obs_status, f.obs_status)
        rows.append(
            [_year(f.period), series[f.series], UNITS[f.unit].label, *codes, low, high, status, *geo, value]
        )
    return table_csv(head, rows)


def _year(period: str) -> str:
    """Year of a period; a range of years stands under its middle year, as in the SDMX file."""
    years = [int(y) for y in re.findall(r"\d{4}", period)]
    return str(sum(years[:2]) // len(years[:2])) if years else period


def _distinct(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Label of each code; one that several codes have gets the code behind it, so that cells stay apart."""
    labels = {code: _clean(label) or code for code, label in pairs}
    used = list(labels.values())
    return {c: text if used.count(text) == 1 else f"{text} ({c})" for c, text in labels.items()}


def _clean(text: str) -> str:
    return " ".join(text.split())


def _config(indicator: str, figures: Sequence[Figure], context: ReportContext) -> dict[str, Any]:
    entry = context.indicator(indicator)
    number = indicator if re.fullmatch(r"\d+\.\w+\.\w+", indicator) else open_sdg_slug(indicator)
    units = list(dict.fromkeys(UNITS[f.unit].label for f in figures))
    notes = [*entry.caveats, context.disclosure_policy]
    return {
        "indicator_number": number,
        "indicator_name": entry.title or figures[0].label,
        "graph_type": "line" if len({f.period for f in figures}) > 1 else "bar",
        "reporting_status": "complete" if any(f.shown for f in figures) else "inprogress",
        "data_non_statistical": False,
        "computation_units": units[0],
        "graph_titles": [
            {"series": _clean(label), "unit": unit, "title": _clean(label)}
            for label, unit in dict.fromkeys((f.label, UNITS[f.unit].label) for f in figures)
        ],
        "precision": [{"unit": unit, "decimals": 0 if unit == "Number" else 1} for unit in units],
        "proxy": "no" if not any(f.custom for f in figures) else "proxy",
        "data_footnote": " ".join(n for n in notes if n),
    }


def _metadata(indicator: str, figures: Sequence[Figure], context: ReportContext) -> dict[str, Any]:
    """Fields of the SDG metadata structure that follow from what was done."""
    entry = context.indicator(indicator)
    first = figures[0]
    keys = dict.fromkeys(f"{f.definition}@{f.version}" for f in figures if f.definition)
    used = [d for d in context.definitions if d.key in keys]
    parts = indicator.split(".")
    given = {
        "SDG_GOAL": parts[0] if parts[0].isdigit() else "",
        "SDG_TARGET": ".".join(parts[:2]) if parts[0].isdigit() else "",
        "SDG_INDICATOR": f"{indicator} {entry.title}".strip(),
        "SDG_SERIES_DESCR": "; ".join(dict.fromkeys(f.label for f in figures)),
        "META_LAST_UPDATE": context.generated or "",
        "CONTACT_ORGANISATION": context.producer,
        "COMPILING_ORG": context.producer,
        "STAT_CONC_DEF": "\n\n".join(f"{d.title} ({d.key}). {d.text}" for d in used) or "; ".join(keys),
        "UNIT_MEASURE": "; ".join(dict.fromkeys(UNITS[f.unit].label for f in figures)),
        "DATA_SOURCE": context.source,
        "COLL_METHOD": context.design,
        "DATA_COMP": "\n\n".join("\n".join((n.title, *n.lines)) for n in context.methods),
        "REC_USE_LIM": "\n".join(entry.caveats),
        "QUALITY_ASSURE": "\n\n".join(t for t in (context.quality_policy, context.disclosure_policy) if t),
        "COVERAGE": first.universe,
        "OTHER_DOC": entry.reference,
    }
    return {key: value for key, value in given.items() if value}


def check_open_sdg(text: str) -> list[str]:
    r"""Check a data file against the rules of the Open SDG documentation.

    Examples
    --------
    >>> check_open_sdg("Year,Sex,Value\n2024,,1.5\n2024,Total,x\n")
    ["row 2: Sex: 'Total' must be blank", "row 2: Value: 'x' is not a number"]
    """
    if text.startswith("\ufeff"):
        return ["the file begins with a byte order mark"]
    head, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    problems = []
    if not head or head[0] != "Year":
        problems.append("the first column is not Year")
    if not head or head[-1] != "Value":
        problems.append("the last column is not Value")
    if "GeoCode" in head and head.index("GeoCode") != len(head) - 2:
        problems.append("GeoCode is not the second last column")
    if len(set(head)) != len(head):
        problems.append("two columns have the same name")
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, 1):
        problems += [f"row {number}: {problem}" for problem in _row_problems(head, row)]
        key = tuple(v for c, v in zip(head, row, strict=False) if c not in (*_EXTRA, "Value"))
        if key in seen:
            problems.append(f"row {number}: the same cell twice")
        seen.add(key)
    return problems


def _row_problems(head: Sequence[str], row: Sequence[str]) -> list[str]:
    if len(row) != len(head):
        return [f"{len(row)} values for {len(head)} columns"]
    given = dict(zip(head, row, strict=True))
    found = [f"{c}: spaces around the value" for c, v in given.items() if v != v.strip()]
    found += [f"{c}: '{v}' must be blank" for c, v in given.items() if v.lower() in ("total", "_t")]
    if not re.fullmatch(r"\d{4}", given.get("Year", "")):
        found.append(f"Year: '{given.get('Year', '')}' is no year")
    if given.get("Value") and not re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", given["Value"]):
        found.append(f"Value: '{given['Value']}' is not a number")
    return found
