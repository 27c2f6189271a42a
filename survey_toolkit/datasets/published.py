"""Small published count tables, retyped from their publications and citable.

Each table is a capture history table: one row per combination of lists on which people were found, with
the number of people found on exactly those lists. Nobody is in the row of zeros: how many are on no list is
what multiple systems estimation asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from survey_toolkit._spreadsheet import frame_csv
from survey_toolkit.errors import SurveyToolkitError

if TYPE_CHECKING:
    import os

    import pandas as pd

__all__ = ["KOSOVO_1999", "UK_2013", "CaptureTable", "kosovo_1999", "uk_2013"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureTable:
    """A published table of capture histories.

    Attributes
    ----------
    name, title : str
        Short name and one line that says who was counted, where and when.
    lists : mapping of str to str
        Short list name to what the list is, in the order of the publication.
    rows : tuple of (str, int)
        The lists a group was found on, joined by ``+``, and the number of people in it.
    sources : tuple of str
        Publications that print the table.
    """

    name: str
    title: str
    lists: dict[str, str]
    rows: tuple[tuple[str, int], ...]
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        for label, _ in self.rows:
            unknown = set(label.split("+")) - set(self.lists)
            if unknown:
                raise SurveyToolkitError(
                    f"table '{self.name}' names a list it does not declare", found=", ".join(sorted(unknown))
                )

    @property
    def total(self) -> int:
        """Number of people in the table."""
        return sum(count for _, count in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Table as a frame: one 0/1 column per list, and ``count``.

        Returns
        -------
        pandas.DataFrame
            Shape (rows, lists + 1), integers.
        """
        import pandas as pd

        found_on = [label.split("+") for label, _ in self.rows]
        columns = {name: [int(name in found) for found in found_on] for name in self.lists}
        return pd.DataFrame(columns | {"count": [count for _, count in self.rows]})

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the table as CSV, the shape :class:`CaptureHistories` reads."""
        frame_csv(self.to_frame(), path)


#: Potential victims of trafficking in the United Kingdom, 2013: six lists, 2,744 people.
UK_2013 = CaptureTable(
    name="uk_2013",
    title="Potential victims of trafficking, United Kingdom, 2013",
    lists={
        "LA": "Local authorities",
        "NG": "Non-governmental organisations",
        "PF": "Police forces",
        "GO": "Government organisations",
        "GP": "General public",
        "NCA": "National Crime Agency",
    },
    rows=(
        ("LA", 54),
        ("NG", 463),
        ("PF", 907),
        ("GO", 695),
        ("GP", 316),
        ("NCA", 57),
        ("LA+NG", 15),
        ("LA+PF", 19),
        ("LA+GO", 3),
        ("NG+PF", 56),
        ("NG+GO", 19),
        ("NG+GP", 1),
        ("NG+NCA", 3),
        ("PF+GO", 69),
        ("PF+GP", 10),
        ("PF+NCA", 31),
        ("GO+GP", 8),
        ("GO+NCA", 6),
        ("GP+NCA", 1),
        ("LA+NG+PF", 1),
        ("LA+NG+GO", 1),
        ("NG+PF+GO", 4),
        ("NG+PF+NCA", 3),
        ("PF+GO+NCA", 1),
        ("LA+NG+PF+GO", 1),
    ),
    sources=(
        "Silverman, B. W. (2014). Modern Slavery: an application of Multiple Systems Estimation. "
        "London: Home Office",
        "Bales, K., Hesketh, O. and Silverman, B. (2015). Modern slavery in the UK: how many victims? "
        "Significance 12(3), 16-21. doi:10.1111/j.1740-9713.2015.00824.x",
    ),
)

#: Killings in Kosovo, March to June 1999: four lists, 4,400 people.
KOSOVO_1999 = CaptureTable(
    name="kosovo_1999",
    title="Killings of Kosovo Albanians, 20 March to 22 June 1999",
    lists={
        "EXH": "Exhumations",
        "ABA": "American Bar Association, Central and East European Law Initiative",
        "OSCE": "Organization for Security and Cooperation in Europe",
        "HRW": "Human Rights Watch",
    },
    rows=(
        ("EXH", 1131),
        ("ABA", 845),
        ("OSCE", 936),
        ("HRW", 306),
        ("EXH+ABA", 177),
        ("EXH+OSCE", 228),
        ("EXH+HRW", 106),
        ("ABA+OSCE", 217),
        ("ABA+HRW", 31),
        ("OSCE+HRW", 123),
        ("EXH+ABA+OSCE", 181),
        ("EXH+ABA+HRW", 18),
        ("EXH+OSCE+HRW", 42),
        ("ABA+OSCE+HRW", 32),
        ("EXH+ABA+OSCE+HRW", 27),
    ),
    sources=(
        "Ball, P., Betts, W., Scheuren, F., Dudukovich, J. and Asher, J. (2002). Killings and Refugee Flow "
        "in Kosovo, March-June 1999. Washington: American Association for the Advancement of Science and "
        "American Bar Association",
    ),
)


def uk_2013() -> pd.DataFrame:
    """Return the six-list table of potential victims of trafficking, United Kingdom, 2013.

    Strategic assessment data of the National Crime Agency: 2,744 people on six lists, as published by
    Silverman (2014) and Bales, Hesketh & Silverman (2015). The five-list table of the literature merges the
    police forces (PF) and the National Crime Agency (NCA).

    Returns
    -------
    pandas.DataFrame
        25 rows; columns LA, NG, PF, GO, GP, NCA (0/1) and ``count``.

    Examples
    --------
    >>> table = uk_2013()
    >>> int(table["count"].sum())
    2744
    >>> {name: int(table.loc[table[name] == 1, "count"].sum()) for name in table.columns[:6]}
    {'LA': 94, 'NG': 567, 'PF': 1102, 'GO': 807, 'GP': 336, 'NCA': 102}
    """
    return UK_2013.to_frame()


def kosovo_1999() -> pd.DataFrame:
    """Return the four-list table of killings in Kosovo, 1999 (Ball et al. 2002).

    Returns
    -------
    pandas.DataFrame
        15 rows; columns EXH, ABA, OSCE, HRW (0/1) and ``count``.

    Examples
    --------
    >>> int(kosovo_1999()["count"].sum())
    4400
    """
    return KOSOVO_1999.to_frame()
