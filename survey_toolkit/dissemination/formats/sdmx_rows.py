"""SDMX-CSV 2.0: SDG series under the global structure, everything else under a structure of our own.

Suppressed values are empty with ``OBS_STATUS`` Q, values of low reliability carry U, intervals stand in
``LOWER_BOUND`` and ``UPPER_BOUND``, and what the structure has no attribute for (sample, coefficient of
variation, design effect) in ``COMMENT_OBS``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from survey_toolkit.dissemination.formats.structures import DataStructure, check_rows, load_structure
from survey_toolkit.errors import DefinitionError, did_you_mean
from survey_toolkit.indicators import TOTAL, Figure, Figures
from survey_toolkit.indicators.units import exact_number

__all__ = ["sdmx_age", "sdmx_rows", "split_by_structure"]

SDG, OWN = "sdg_1_4", "msdi_prev_1_0"

#: Breakdown variable to SDMX dimension; every other variable is a custom breakdown.
_DIMENSIONS = {
    "sex": "SEX",
    "age": "AGE",
    "age_band": "AGE",
    "age_group": "AGE",
    "urbanisation": "URBANISATION",
    "wealth_quintile": "INCOME_WEALTH_QUANTILE",
    "disability": "DISABILITY_STATUS",
}


def sdmx_age(code: str) -> str:
    """Age band as an SDMX age code; whether the code list has it is another question.

    Examples
    --------
    >>> sdmx_age("5-11"), sdmx_age("18+"), sdmx_age("<15"), sdmx_age("_T"), sdmx_age("Y5T17")
    ('Y5T11', 'Y_GE18', 'Y0T14', '_T', 'Y5T17')
    """
    if match := re.fullmatch(r"(\d+)\s*[-–]\s*(\d+)", code):
        return f"Y{int(match[1])}T{int(match[2])}"
    if match := re.fullmatch(r"(\d+)\s*\+", code):
        return f"Y_GE{int(match[1])}"
    if match := re.fullmatch(r"<\s*(\d+)", code):
        return f"Y0T{int(match[1]) - 1}"
    return code


def split_by_structure(figures: Iterable[Figure]) -> tuple[Figures, Figures]:
    """Figures the global SDG structure can hold, and the others.

    The others are custom series, series its shipped version lacks, and user-assigned country codes.
    """
    structure = load_structure(SDG)
    own_area = re.compile(r"X[A-Z]{2}")

    def fits(figure: Figure) -> bool:
        known = figure.series in structure.codes["SERIES"]
        return known and not figure.custom and not own_area.fullmatch(figure.country)

    items = tuple(figures)
    return Figures(f for f in items if fits(f)), Figures(f for f in items if not fits(f))


def sdmx_rows(figures: Sequence[Figure], structure: DataStructure) -> list[dict[str, str]]:
    """Rows of SDMX-CSV 2.0, one a figure, columns in the order of the structure.

    Raises
    ------
    DefinitionError
        If a row would not fit the structure; tells every problem.
    """
    custom: dict[str, str] = {}
    drafts = [_codes(figure, structure) for figure in figures]
    for label in sorted({label for _, label in drafts if label}):
        custom[label] = f"C{len(custom) + 1:02d}"
    rows = []
    for figure, (codes, label) in zip(figures, drafts, strict=True):
        given = {
            **dict.fromkeys(structure.columns, ""),
            **dict.fromkeys(structure.dimensions, TOTAL),
            "STRUCTURE": structure.structure,
            "STRUCTURE_ID": structure.id,
            "ACTION": "I",
            **codes,
            **_fixed(figure, structure),
            **_values(figure),
            "CUST_BREAKDOWN": custom[label] if label else TOTAL,
            "CUST_BREAKDOWN_LB": label,
        }
        rows.append({name: given[name] for name in structure.columns})
    problems = check_rows(rows, structure)
    if problems:
        raise DefinitionError(
            f"the figures do not fit {structure.id}",
            problems=problems[:20],
            hint="correct the sdmx codes of the series in harmonization/indicators",
            code="sdmx-invalid",
        )
    return rows


def _codes(figure: Figure, structure: DataStructure) -> tuple[dict[str, str], str]:
    """Codes of a figure's breakdown, and the label of what the code lists cannot say."""
    codes = dict(figure.sdmx)
    labels = []
    for variable, code in figure.breakdown.items():
        if code == TOTAL:
            continue
        dimension = _DIMENSIONS.get(variable, "CUST_BREAKDOWN")
        value = sdmx_age(code) if dimension == "AGE" else code
        if dimension != "CUST_BREAKDOWN" and structure.has(dimension, value):
            codes[dimension] = value
        else:
            labels.append(f"{variable.replace('_', ' ').capitalize()}: {figure.labels.get(variable, code)}")
    return {k: v for k, v in codes.items() if k in structure.columns}, "; ".join(labels)


def _fixed(figure: Figure, structure: DataStructure) -> dict[str, str]:
    area = structure.areas.get(figure.country)
    if area is None and structure.has("REF_AREA", figure.country):
        area = figure.country
    if area is None:
        raise DefinitionError(
            "the country has no M49 code",
            where=figure.id,
            found=f"'{figure.country}'",
            expected=did_you_mean(figure.country, structure.areas),
            hint="use ISO 3166-1 alpha-3",
            code="unknown-country",
        )
    frequency = "Q" if "-Q" in figure.period else "M" if re.fullmatch(r"\d{4}-\d\d", figure.period) else "A"
    fixed = {
        "FREQ": frequency,
        "REPORTING_TYPE": "N",
        "SERIES": figure.series,
        "REF_AREA": area,
        **_period(figure.period),
    }
    if "DEFINITION" in structure.dimensions:
        fixed |= {
            "DEFINITION": figure.definition or TOTAL,
            "DEF_VERSION": figure.version or TOTAL,
            "ESTIMATOR": figure.estimator.upper(),
        }
    return fixed


def _period(period: str) -> Mapping[str, str]:
    """Period; a range of years stands under its middle year, the range in ``TIME_DETAIL``."""
    if match := re.fullmatch(r"(\d{4})[-/](\d{4})", period):
        return {"TIME_PERIOD": str((int(match[1]) + int(match[2])) // 2), "TIME_DETAIL": period}
    return {"TIME_PERIOD": period}


def _values(figure: Figure) -> dict[str, str]:
    return {
        "OBS_VALUE": exact_number(figure.present()),
        "LOWER_BOUND": exact_number(figure.present("ci_low")),
        "UPPER_BOUND": exact_number(figure.present("ci_high")),
        "OBS_STATUS": figure.obs_status,
        "UNIT_MULT": "0",
        "UNIT_MEASURE": figure.unit,
        "NATURE": "M" if figure.estimator == "mse" else "C",
        "COMMENT_OBS": _comment(figure),
        "SOURCE_DETAIL": f"Definition {figure.definition}@{figure.version}" if figure.definition else "",
    }


def _comment(figure: Figure) -> str:
    if figure.disclosure == "suppressed":
        return "Suppressed to protect people in small cells"
    told = []
    if figure.ci_low is not None:
        told.append(f"{figure.level * 100:g} % confidence interval")
    if figure.n is not None:
        told.append(f"n = {figure.n}")
    if figure.cv is not None:
        told.append(f"CV = {figure.cv * 100:.1f} %")
    if figure.deff is not None:
        told.append(f"design effect = {figure.deff:.2f}")
    if figure.quality != "reliable":
        told.append(f"{figure.quality.replace('_', ' ')}: {', '.join(figure.reasons)}")
    return "; ".join(told)
