"""Files of the Global SDG database and of the UNODC data portal."""

from __future__ import annotations

import re
from pathlib import Path

from survey_toolkit.dissemination.external.values import External, ExternalValue, interval_of, read_table
from survey_toolkit.dissemination.formats.sdmx_rows import SDG
from survey_toolkit.dissemination.formats.structures import load_structure
from survey_toolkit.indicators import TOTAL

__all__ = ["read_sdg_database", "read_unodc"]

_ALL = {
    "",
    "bothsex",
    "total",
    "allage",
    "allarea",
    "all",
    "_t",
    "all areas",
    "both sexes or no breakdown by sex",
}
_SEX = {"female": "F", "male": "M", "f": "F", "m": "M"}
_UNITS = {"percent": "PT", "percentage": "PT", "number": "NUMBER", "counts": "NUMBER", "count": "NUMBER"}
_RATE = re.compile(r"(rate )?per 100[, ]?000.*")
#: Columns of the database that are not a breakdown.
_PLAIN = ("nature", "units", "reporting type", "observation status")


def read_sdg_database(path: str | Path) -> External:
    """Read a CSV or XLSX download of the Global SDG database.

    Several rows a country and year differ in nature and reporting type, which are kept as notes; limits
    such as ``<2.5`` stay intervals.

    Raises
    ------
    DataFileError
        If the file lacks a column of the database.
    """
    needed = ("SeriesCode", "GeoAreaCode", "TimePeriod", "Value")
    areas = {m49: alpha for alpha, m49 in load_structure(SDG).areas.items()}
    values, doubts = [], []
    for number, row in read_table(path, needed):
        dimensions = {k[1:-1].lower(): v for k, v in row.items() if k.startswith("[") and k.endswith("]")}
        unit = _unit(dimensions.get("units", ""))
        try:
            value, low, high, status = interval_of(row["Value"], count=unit == "NUMBER")
        except ValueError:
            doubts.append(f"row {number}: Value: a text that is no number")
            continue
        breakdown = {name: _code(name, code) for name, code in dimensions.items() if name not in _PLAIN}
        notes = [f"{n}: {dimensions[n]}" for n in ("nature", "reporting type") if dimensions.get(n)]
        area = str(row["GeoAreaCode"])
        values.append(
            ExternalValue(
                source="Global SDG database",
                indicator=row.get("Indicator", ""),
                series=row["SeriesCode"],
                label=row.get("SeriesDescription", ""),
                country=areas.get(area.lstrip("0") or area, area),
                period=row["TimePeriod"].removesuffix(".0"),
                unit=unit,
                breakdown=breakdown,
                value=value,
                low=_limit(row.get("LowerBound", ""), low),
                high=_limit(row.get("UpperBound", ""), high),
                text=row["Value"],
                status=dimensions.get("observation status") or status,
                notes=tuple([*notes, *filter(None, (row.get("FootNote", ""), row.get("Source", "")))]),
            )
        )
    return External(source="Global SDG database", values=tuple(values), doubts=tuple(doubts))


def _limit(text: str, other: float | None) -> float | None:
    try:
        return interval_of(text)[0] if text else other
    except ValueError:
        return other


def _unit(text: str) -> str:
    low = text.strip().lower()
    if low in ("per_100000_pop",) or _RATE.fullmatch(low):
        return "PER_100000_POP"
    return _UNITS.get(low, text.strip().upper())


def _code(name: str, text: str) -> str:
    low = text.strip().lower()
    if low in _ALL:
        return TOTAL
    return _SEX.get(low, text.strip()) if name == "sex" else text.strip()


def read_unodc(path: str | Path) -> External:
    """Read a CSV or XLSX download of trafficking data from the UNODC portal.

    ``<5`` is the interval 1 to 4. Dimensions overlap: only ``totals()`` count everybody once.

    Raises
    ------
    DataFileError
        If the file lacks a column of the portal.
    """
    needed = ("Indicator", "Dimension", "Category", "Sex", "Age", "Year", "txtVALUE")
    values, doubts = [], []
    for number, row in read_table(path, needed):
        unit = _unit(row.get("Unit of measurement", "Counts"))
        try:
            value, low, high, status = interval_of(row["txtVALUE"], count=unit == "NUMBER")
        except ValueError:
            doubts.append(f"row {number}: txtVALUE: a text that is no number")
            continue
        dimension = row["Dimension"].strip().lower()
        parts = {"sex": _code("sex", row["Sex"]), "age": _unodc_age(row["Age"])}
        if dimension not in _ALL:
            parts[dimension.removeprefix("by ")] = row["Category"].strip()
        country = row.get("Iso3_code") or row.get("Country", "")
        values.append(
            ExternalValue(
                source="UNODC",
                indicator="16.2.2" if "detected" in row["Indicator"].lower() else "",
                series=row["Indicator"],
                label=row["Indicator"],
                country=country,
                period=row["Year"].removesuffix(".0"),
                unit=unit,
                breakdown=parts,
                value=value,
                low=low,
                high=high,
                text=row["txtVALUE"],
                status=row.get("Observation status") or status,
                notes=tuple(filter(None, (row.get("Source", ""),))),
            )
        )
    return External(source="UNODC", values=tuple(values), doubts=tuple(doubts))


def _unodc_age(text: str) -> str:
    low = text.strip().lower()
    if low in _ALL:
        return TOTAL
    if match := re.fullmatch(r"(\d+) to (\d+) years", low):
        return f"{match[1]}-{match[2]}"
    if match := re.fullmatch(r"(\d+) years (or|and) over", low):
        return f"{match[1]}+"
    return text.strip()
