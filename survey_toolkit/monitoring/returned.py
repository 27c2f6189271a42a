"""What one returned workbook says: records, where each stood, and doubts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from survey_toolkit.indicators.frameworks import Record
from survey_toolkit.monitoring.numbers import shown

__all__ = ["CountryReturn", "Doubt", "Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something in a return that is not as it should be, with the cell it stands in.

    Attributes
    ----------
    file, sheet, cell : str
        ``cell`` is empty where the whole sheet or file is meant.
    code : str
        Stable short name.
    taken : bool
        Whether a value was taken, read as the message says; otherwise a person has to decide.
    message, found : str
    """

    file: str
    sheet: str
    cell: str
    code: str
    taken: bool
    message: str
    found: str = ""

    def __str__(self) -> str:
        place = (
            f"{self.file}: {self.sheet}!{self.cell}"
            if self.cell
            else f"{self.file}: {self.sheet}".rstrip(": ")
        )
        found = f" (found {self.found})" if self.found else ""
        return f"{place}: {self.code}: {self.message}{found}"


@dataclass(frozen=True, slots=True)
class Place:
    """A cell."""

    sheet: str
    cell: str


@dataclass(slots=True)
class CountryReturn:
    """What one workbook says.

    Attributes
    ----------
    file, sha256, country, language : str
    records : dict
        Key to record.
    origin : dict
        Key to the cell it was read from.
    reasons : dict
        Key to the reason for a change that stands in its row.
    blanks : dict
        Key of a record that the workbook leaves empty to its cell.
    doubts : list of Doubt
    held_back : set of str
        Keys of records whose cell could not be read, so that nothing else is said about their absence.
    source_cells : dict
        Indicator to the cell of its source; None where that cell could not be read.
    """

    file: str
    sha256: str
    country: str = ""
    language: str = ""
    records: dict[str, Record] = field(default_factory=dict)
    origin: dict[str, Place] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    blanks: dict[str, Place] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    held_back: set[str] = field(default_factory=set)
    source_cells: dict[str, Place | None] = field(default_factory=dict)

    def doubt(self, place: Place, code: str, message: str, *, taken: bool = False, found: Any = None) -> None:
        """Put a doubt on record."""
        text = "" if found is None else shown(found)
        self.doubts.append(
            Doubt(
                file=self.file, sheet=place.sheet, cell=place.cell, code=code, taken=taken,
                message=message, found=text,
            )
        )  # fmt: skip

    def add(self, record: Record, place: Place, reason: str = "") -> None:
        """Take a record."""
        self.records[record.key] = record
        self.origin[record.key] = place
        if reason:
            self.reasons[record.key] = reason
