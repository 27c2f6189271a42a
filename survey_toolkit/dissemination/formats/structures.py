"""Data structures of exchange: dimensions, attributes and codes, and a check of rows against them.

Ready-made SDMX writers check neither codes nor missing dimensions, so the check is done here, before
anything is written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from survey_toolkit._resources import data_root
from survey_toolkit._yaml import StrictModel, load_document
from survey_toolkit.errors import DefinitionError, did_you_mean

__all__ = ["SERIES_ATTRIBUTES", "DataStructure", "check_rows", "load_structure"]

_PERIOD = re.compile(r"\d{4}(-Q[1-4]|-(0[1-9]|1[0-2]))?")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_@$.\-]+")
#: Attributes that say something about a whole series, so they are the same in all its observations.
SERIES_ATTRIBUTES = (
    "UNIT_MEASURE", "COMMENT_TS", "GEO_INFO_URL", "GEO_INFO_TYPE", "CUST_BREAKDOWN_LB", "DATA_LAST_UPDATE",
)  # fmt: skip
_NUMERIC = ("OBS_VALUE", "UPPER_BOUND", "LOWER_BOUND")


class _StructureFile(StrictModel):
    id: str
    structure: str
    dataflow: str = ""
    extends: str | None = None
    dimensions: tuple[str, ...]
    measure: str
    attributes: dict[str, bool]
    custom_codes: int = 0
    user_areas: bool = False
    identifiers: tuple[str, ...] = ()
    codes: dict[str, dict[str, str]]
    areas: dict[str, str] = Field(default_factory=dict)


class DataStructure(_StructureFile):
    """A data structure definition, as far as the toolkit writes it.

    Attributes
    ----------
    id, dataflow : str
        ``agency:id(version)`` of the structure and of the dataflow reported under it.
    dimensions, measure, attributes
        Components in order; an attribute is mandatory or not.
    custom_codes : int
        ``CUST_BREAKDOWN`` takes C01 up to this number.
    user_areas : bool
        ``REF_AREA`` takes the user-assigned codes of ISO 3166-1 (XAA to XZZ), e.g. for a simulated country.
    identifiers : tuple of str
        Components that hold ids of the registry instead of codes of a list.
    codes : mapping
        Component to code to name.
    areas : mapping
        ISO 3166-1 alpha-3 code to the M49 code of ``REF_AREA``.
    """

    def model_post_init(self, context: object) -> None:
        """Name the dataflow after the structure where the file names none."""
        if not self.dataflow:
            object.__setattr__(self, "dataflow", self.id)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of an SDMX-CSV 2.0 file of this structure."""
        head = ("STRUCTURE", "STRUCTURE_ID", "ACTION")
        return (*head, *self.dimensions, self.measure, *self.attributes)

    def has(self, component: str, code: str) -> bool:
        """Whether a code may stand in a component; a component without a list takes any text."""
        if code in self.codes.get(component, ()):
            return True
        if component == "CUST_BREAKDOWN" and re.fullmatch(r"C\d{2,3}", code):
            return 1 <= int(code[1:]) <= self.custom_codes
        if component == "REF_AREA" and self.user_areas and re.fullmatch(r"X[A-Z]{2}", code):
            return True
        if component in self.identifiers:
            return bool(_IDENTIFIER.fullmatch(code))
        return component not in self.codes or code in self.codes[component]


@lru_cache(maxsize=8)
def load_structure(name: str) -> DataStructure:
    """Load a shipped structure: ``"sdg_1_4"`` or ``"msdi_prev_1_0"``.

    Raises
    ------
    DefinitionError
        If there is none of this name, or its file is wrong.

    Examples
    --------
    >>> sdg = load_structure("sdg_1_4")
    >>> len(sdg.dimensions), sdg.areas["KHM"], sdg.has("AGE", "Y5T17"), sdg.has("AGE", "Y5T11")
    (16, '116', True, False)
    """
    folder = data_root("harmonization") / "sdmx"
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise DefinitionError(
            "there is no such structure", found=f"'{name}'", expected=did_you_mean(name, known),
            hint="or name an SDMX-ML file (.xml) that holds one", code="unknown-structure",
        )  # fmt: skip
    return _load(folder / f"{name}.yaml")


def _load(path: Path) -> DataStructure:
    found = load_document(path, name=f"harmonization/sdmx/{path.name}").validate(DataStructure)
    if found.extends is None:
        return found
    base = _load(path.with_name(f"{found.extends}.yaml"))
    return found.model_copy(update={"codes": {**base.codes, **found.codes}, "areas": base.areas})


def check_rows(rows: Sequence[Mapping[str, str]], structure: DataStructure) -> list[str]:
    """Check rows of text against a structure.

    Returns
    -------
    list of str
        One line a problem: unknown or missing columns, empty or unknown codes, numbers that are none, a value
        where the status says suppressed, limits that do not hold the value, the same key twice.

    Examples
    --------
    >>> check_rows([{"SEX": "X9"}], load_structure("sdg_1_4"))[0]
    'row 1: FREQ: the dimension is missing'
    """
    problems = []
    keys: dict[tuple[str, ...], int] = {}
    series: dict[tuple[str, ...], tuple[int, Mapping[str, str]]] = {}
    for number, row in enumerate(rows, 1):
        problems += [f"row {number}: {text}" for text in _problems(row, structure)]
        key = tuple(row.get(d, "") for d in structure.dimensions)
        if key in keys:
            problems.append(f"row {number}: the same key stands on row {keys[key]}")
        keys.setdefault(key, number)
        of_series = tuple(row.get(d, "") for d in structure.dimensions if d != "TIME_PERIOD")
        first, known = series.setdefault(of_series, (number, row))
        problems += [
            f"row {number}: {name}: differs from row {first} of the same series"
            for name in SERIES_ATTRIBUTES
            if name in structure.attributes and row.get(name, "") != known.get(name, "")
        ]
    return problems


def _problems(row: Mapping[str, str], structure: DataStructure) -> Iterator[str]:
    known = set(structure.columns)
    yield from (f"{name}: no such component" for name in row if name not in known)
    for name in structure.dimensions:
        if not row.get(name):
            yield f"{name}: the dimension is missing"
    for name, mandatory in structure.attributes.items():
        if mandatory and not row.get(name):
            yield f"{name}: the attribute is mandatory"
    for name, code in row.items():
        if name in known and code and not structure.has(name, code):
            yield f"{name}: '{code}' is not in the code list of {structure.id}"
    period = row.get("TIME_PERIOD", "")
    if period and not _PERIOD.fullmatch(period):
        yield f"TIME_PERIOD: '{period}' is no year, quarter or month"
    expected = "Q" if "-Q" in period else "M" if "-" in period else "A"
    if period and row.get("FREQ") in ("A", "Q", "M") and row["FREQ"] != expected:
        yield f"FREQ: '{row['FREQ']}' does not go with the period '{period}'"
    yield from _number_problems(row)


def _number_problems(row: Mapping[str, str]) -> Iterator[str]:
    numbers: dict[str, float] = {}
    for name in _NUMERIC:
        text = row.get(name, "")
        if not text:
            continue
        try:
            numbers[name] = float(text)
        except ValueError:
            numbers[name] = math.nan
        if not math.isfinite(numbers[name]):
            yield f"{name}: '{text}' is not a number"
    missing = row.get("OBS_STATUS") in ("Q", "O", "M", "L", "H")
    if missing and numbers:
        yield "OBS_VALUE: there is a number although the status says it is missing"
    if not missing and "OBS_VALUE" not in numbers:
        yield "OBS_VALUE: there is no value although the status says there is"
    ordered = [numbers[n] for n in ("LOWER_BOUND", "OBS_VALUE", "UPPER_BOUND") if n in numbers]
    if ordered != sorted(ordered):
        yield "OBS_VALUE: the value is not between its limits"
