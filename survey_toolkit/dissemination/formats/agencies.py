"""Tables in the layouts of the agencies: ILOSTAT, UNODC and the Global SDG database.

Every layout says the same: suppressed values are blank with status Q, unreliable ones carry U.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.dissemination.context import ReportContext, dimension_title
from survey_toolkit.dissemination.formats.sdmx_rows import SDG, sdmx_age
from survey_toolkit.dissemination.formats.structures import load_structure
from survey_toolkit.indicators import TOTAL, Figure
from survey_toolkit.indicators.units import UNITS, exact_number

__all__ = ["SDG_DATABASE_COLUMNS", "UNODC_COLUMNS", "ilostat_csv", "sdg_database_csv", "unodc_csv"]

_AGES = ("age", "age_band", "age_group")
#: Data set id of an SDG series at ILOSTAT; rates end in RT, numbers in NB.
_ILOSTAT = {
    "SL_TLF_CHLDEA": "SDG_A871_SEX_AGE_RT",
    "SL_TLF_CHLDEC": "SDG_B871_SEX_AGE_RT",
    "SL_TLF_CHLDEAN": "SDG_A871_SEX_AGE_NB",
    "SL_TLF_CHLDECN": "SDG_B871_SEX_AGE_NB",
}
_ILO_SEX = {"F": "SEX_F", "M": "SEX_M", TOTAL: "SEX_T"}
_ILO_HEAD = (
    "ref_area",
    "source",
    "indicator",
    "sex",
    "classif1",
    "classif1.label",
    "classif2",
    "classif2.label",
    "time",
    "obs_value",
    "obs_lower",
    "obs_upper",
    "obs_status",
    "note_classif",
    "note_indicator",
    "note_source",
)

UNODC_COLUMNS = (
    "Iso3_code", "Country", "Indicator", "Dimension", "Category", "Sex", "Age", "Year",
    "Unit of measurement", "txtVALUE", "Observation status", "Source",
)  # fmt: skip
_FORMS = {
    "SX": "Sexual exploitation", "FL": "Forced labour, servitude and slavery", "OG": "Organ removal",
    "OP": "Other purposes",
}  # fmt: skip

SDG_DATABASE_COLUMNS = (
    "Goal",
    "Target",
    "Indicator",
    "SeriesCode",
    "SeriesDescription",
    "GeoAreaCode",
    "GeoAreaName",
    "TimePeriod",
    "Value",
    "Time_Detail",
    "UpperBound",
    "LowerBound",
    "BasePeriod",
    "Source",
    "FootNote",
    "[Age]",
    "[Sex]",
    "[Location]",
    "[Custom breakdown]",
    "[Nature]",
    "[Units]",
    "[Reporting Type]",
    "[Observation Status]",
)
_SDG_SEX = {"F": "FEMALE", "M": "MALE", TOTAL: "BOTHSEX"}
_SDG_UNIT = {"PT": "PERCENT"}


def _area_name(figure: Figure, context: ReportContext) -> str:
    """Name of the figure's own country; that of the report for codes no list has."""
    structure = load_structure(SDG)
    code = structure.areas.get(figure.country, "")
    return structure.codes["REF_AREA"].get(code) or context.country or figure.country


def _age(figure: Figure) -> str:
    """Age band of the cell, or that of the series."""
    code = next((figure.breakdown[d] for d in _AGES if figure.breakdown.get(d, TOTAL) != TOTAL), TOTAL)
    return code if code != TOTAL else figure.sdmx.get("AGE", TOTAL)


def _plain_age(code: str) -> str:
    """Age as people write it: ``Y5T17`` is ``5-17``.

    Examples
    --------
    >>> _plain_age("Y5T17"), _plain_age("Y_GE18"), _plain_age("15-17"), _plain_age("_T")
    ('5-17', '18+', '15-17', 'ALLAGE')
    """
    if match := re.fullmatch(r"Y(\d+)T(\d+)", code):
        return f"{match[1]}-{match[2]}"
    if match := re.fullmatch(r"Y_GE(\d+)", code):
        return f"{match[1]}+"
    return "ALLAGE" if code == TOTAL else code


def _others(figure: Figure, context: ReportContext, known: Sequence[str]) -> str:
    """Breakdowns the layout has no column for, in words."""
    return "; ".join(
        f"{dimension_title(d, context.dimension_labels)}: {figure.labels.get(d, code)}"
        for d, code in figure.breakdown.items()
        if code != TOTAL and d not in known
    )


def ilostat_csv(figures: Sequence[Figure], context: ReportContext) -> str:
    """Text of a file in the layout of ILOSTAT's bulk download, limits and labels beside the values.

    Series that ILOSTAT has no data set for keep their own code; breakdowns other than sex and age stand in
    ``classif2``.
    """
    rows = []
    for f in figures:
        age, other = _age(f), _others(f, context, ("sex", *_AGES))
        code = "" if not other else "_".join(f"{d}_{c}" for d, c in f.breakdown.items() if c != TOTAL)
        status = {"A": "", "E": ""}.get(f.obs_status, f.obs_status)
        sex = f.breakdown.get("sex", TOTAL)
        rows.append(
            [
                f.country,
                context.source,
                _ILOSTAT.get(f.series, f.series),
                _ILO_SEX.get(sex, f"SEX_{sex}"),
                f"AGE_{sdmx_age(age).replace('_T', 'TOTAL')}",
                f"Age: {_plain_age(age).replace('ALLAGE', 'Total')}",
                code.upper(),
                other,
                f.period.replace("-Q", "Q"),
                exact_number(f.present()),
                exact_number(f.present("ci_low")),
                exact_number(f.present("ci_high")),
                status,
                "",
                f"{f.definition}@{f.version}" if f.definition else "",
                context.producer,
            ]
        )
    return table_csv(_ILO_HEAD, rows)


def unodc_csv(figures: Sequence[Figure], context: ReportContext) -> str:
    """Text of a long file in the layout of the UNODC data portal.

    The value is text, as there. A suppressed count is blank: "<5" beside a cell that was suppressed only
    to protect it would tell which of them is the small one.
    """
    rows = []
    for f in figures:
        form = re.fullmatch(r"VC_HTF_DETV(SX|FL|OG|OP)R?", f.series)
        other = _others(f, context, ("sex", *_AGES))
        dimension, category = "Total", "Total"
        if form:
            dimension, category = "by form of exploitation", _FORMS[form[1]]
        elif other:
            dimension, category = "by other breakdown", other
        age = _age(f)
        rows.append([
            f.country, _area_name(f, context), f.label, dimension, category,
            {"F": "Female", "M": "Male", TOTAL: "Total"}.get(f.breakdown.get("sex", TOTAL), "Other/Unknown"),
            "Total" if age == TOTAL else _unodc_age(age), f.period, UNITS[f.unit].label,
            exact_number(f.present()), f.obs_status, context.source,
        ])  # fmt: skip
    return table_csv(UNODC_COLUMNS, rows)


def _unodc_age(code: str) -> str:
    plain = _plain_age(code)
    if plain.endswith("+"):
        return f"{plain[:-1]} years or over"
    return re.sub(r"^(\d+)-(\d+)$", r"\1 to \2 years", plain)


def sdg_database_csv(figures: Sequence[Figure], context: ReportContext) -> str:
    """Text of a file in the layout of the download of the Global SDG database."""
    areas = load_structure(SDG).areas
    rows = []
    for f in figures:
        parts = f.indicator.split(".")
        numbered = len(parts) == 3
        place = f.breakdown.get("urbanisation", TOTAL)
        other = _others(f, context, ("sex", "urbanisation", *_AGES))
        notes = [
            f"{f.definition}@{f.version}" if f.definition else "",
            f"n = {f.n}" if f.n is not None else "",
        ]
        sex = f.breakdown.get("sex", TOTAL)
        rows.append(
            [
                parts[0] if numbered else "",
                ".".join(parts[:2]) if numbered else "",
                f.indicator,
                f.series,
                f.label,
                areas.get(f.country, f.country),
                _area_name(f, context),
                f.period,
                exact_number(f.present()),
                f.period,
                exact_number(f.present("ci_high")),
                exact_number(f.present("ci_low")),
                "",
                context.source,
                "; ".join(n for n in notes if n),
                _plain_age(_age(f)),
                _SDG_SEX.get(sex, sex),
                {"U": "URBAN", "R": "RURAL", TOTAL: "ALLAREA"}.get(place, place),
                other,
                "M" if f.estimator == "mse" else "C",
                _SDG_UNIT.get(f.unit, f.unit),
                "N",
                f.obs_status,
            ]
        )
    return table_csv(SDG_DATABASE_COLUMNS, rows)
