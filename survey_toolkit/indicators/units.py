"""Units of presentation: internal values stay 0-1, people read percent, per 1,000, per 100,000 and counts.

The codes are those of the SDG code list of units (``IAEG-SDGs:CL_UNIT_MEASURE``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from survey_toolkit.errors import SurveyToolkitError, did_you_mean

__all__ = ["UNITS", "Unit", "decimals_for", "exact_number", "format_number", "presentation", "unit_of"]

#: Shown where there is no value to show.
MISSING_TEXT = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a stored value is shown.

    Attributes
    ----------
    code : str
        SDG unit code, e.g. ``"PT"``.
    factor : float
        Stored value times this is the value shown.
    label : str
        ``"Percent"``, for headings.
    suffix : str
        Put after a number in running text, with its leading space.
    """

    code: str
    factor: float
    label: str
    suffix: str


UNITS: dict[str, Unit] = {
    "PT": Unit(code="PT", factor=100.0, label="Percent", suffix=" %"),
    "NUMBER": Unit(code="NUMBER", factor=1.0, label="Number", suffix=""),
    "PER_1000_POP": Unit(code="PER_1000_POP", factor=1e3, label="Per 1,000 population", suffix=" per 1,000"),
    "PER_100000_POP": Unit(
        code="PER_100000_POP", factor=1e5, label="Per 100,000 population", suffix=" per 100,000"
    ),
}


def unit_of(code: str) -> Unit:
    """Return the unit with this code.

    Raises
    ------
    SurveyToolkitError
        If the unit is unknown; names the known ones.
    """
    if code not in UNITS:
        raise SurveyToolkitError(
            "unknown unit of presentation",
            found=f"'{code}'",
            expected=did_you_mean(code, UNITS),
            code="unknown-unit",
        )
    return UNITS[code]


def presentation(value: float | None, unit: str) -> float | None:
    """Value in the unit people read; missing stays missing.

    Examples
    --------
    >>> presentation(0.125, "PT"), presentation(2744.0, "NUMBER"), presentation(None, "PT")
    (12.5, 2744.0, None)
    >>> round(presentation(2744 / 64_100_000, "PER_100000_POP"), 2)
    4.28
    """
    factor = unit_of(unit).factor
    return None if value is None or math.isnan(value) else float(value) * factor


def decimals_for(values: Iterable[float | None], unit: str) -> int:
    """Decimals for a column of values already in the unit: enough to tell rare prevalence from none.

    One decimal for percentages and rates (the convention of DHS and MICS tables), two when every value
    is below one, three when every value is below a tenth; none for numbers.

    Examples
    --------
    >>> decimals_for([12.4, 0.31], "PT"), decimals_for([0.27, 0.5], "PT"), decimals_for([10572.0], "NUMBER")
    (1, 2, 0)
    """
    if unit == "NUMBER":
        return 0
    sizes = [abs(v) for v in values if v is not None and v != 0]
    largest = max(sizes, default=1.0)
    if largest >= 1:
        return 1
    return 2 if largest >= 0.1 else 3


def exact_number(value: float | None) -> str:
    """Number as other programs read it: ten significant digits, missing as nothing.

    Examples
    --------
    >>> exact_number(0.1 + 0.2), exact_number(1e6), exact_number(None)
    ('0.3', '1000000', '')
    """
    return "" if value is None else f"{value:.10g}"


def format_number(value: float | None, decimals: int = 0) -> str:
    """Number as printed in a table: thousands separated by commas, missing as a dash.

    Examples
    --------
    >>> format_number(10572.4), format_number(0.2744, 2), format_number(None)
    ('10,572', '0.27', '–')
    """
    if value is None or math.isnan(value):
        return MISSING_TEXT
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text
