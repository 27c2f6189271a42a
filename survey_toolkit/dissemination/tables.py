"""Publication tables: rows in background panels, one group of columns a series, marks and footnotes.

The shape is the one readers of household survey reports know: total first, then a panel for each breakdown;
unweighted counts beside the estimates; a value of low reliability in parentheses, one that is not
publishable as an asterisk, a suppressed one as a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from survey_toolkit.dissemination.context import dimension_title
from survey_toolkit.indicators import TOTAL, Figure, decimals_for, format_number, presentation
from survey_toolkit.indicators.units import UNITS

__all__ = [
    "MARKS",
    "Group",
    "PublicationTable",
    "Row",
    "interval_text",
    "mark_of",
    "publication_tables",
    "shown_value",
    "weighted_n",
]

#: Dimension and code of each dimension that is broken down.
Cell: TypeAlias = tuple[tuple[str, str], ...]

#: Mark to its meaning, in the order of the legend.
MARKS = {
    "( )": "low reliability: use with caution",
    "*": "not publishable: too few cases",
    "○": "suppressed to protect people in small cells",
    "–": "nothing to give: no estimate, or no interval (a plain count, or no case found in the sample)",
}


@dataclass(frozen=True, slots=True)
class Group:
    """The columns of one series: its figures' label, unit and decimals."""

    series: str
    label: str
    unit: str
    decimals: int
    has_interval: bool
    has_truth: bool
    level: float = 0.95

    @property
    def level_text(self) -> str:
        """Confidence level: ``"95 %"``."""
        return f"{self.level * 100:g}\u00a0%"

    @property
    def unit_label(self) -> str:
        """Heading of the value column: ``"Per 1,000"`` where the label says of whom."""
        unit = UNITS[self.unit]
        return unit.suffix.strip().capitalize() if self._says_unit else unit.label

    @property
    def heading(self) -> str:
        """Label with the unit, which is not said twice."""
        return self.label if self._says_unit else f"{self.label}, {self.unit_label.lower()}"

    @property
    def _says_unit(self) -> bool:
        suffix = UNITS[self.unit].suffix.strip()
        return suffix.startswith("per ") and suffix in self.label


@dataclass(frozen=True, slots=True)
class Row:
    """One line: panel heading, row label, and the figure of each series (None where there is none)."""

    panel: str
    label: str
    figures: tuple[Figure | None, ...]

    @property
    def main(self) -> Figure:
        """The figure whose counts the row shows."""
        return next(f for f in self.figures if f is not None)


@dataclass(frozen=True, slots=True)
class PublicationTable:
    """Figures of series that rest on one variable, ready to be laid out.

    Attributes
    ----------
    number : int
        1-based, over the whole publication.
    indicator, variable, title, universe, definition : str
    groups : tuple of Group
    rows : tuple of Row
    """

    number: int
    indicator: str
    variable: str
    title: str
    universe: str
    definition: str
    groups: tuple[Group, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Rows under their panel heading."""
        names = dict.fromkeys(row.panel for row in self.rows)
        return tuple((name, tuple(r for r in self.rows if r.panel == name)) for name in names)

    def has(self, name: str) -> bool:
        """Whether any row has this number."""
        return any(getattr(row.main, name) is not None for row in self.rows)

    @property
    def marks(self) -> tuple[str, ...]:
        """Marks that occur in the table."""
        used = {mark_of(f) for row in self.rows for f in row.figures if f is not None}
        cells = ((g, f) for row in self.rows for g, f in zip(self.groups, row.figures, strict=True))
        if any(f is not None and g.has_interval and interval_text(f) == "–" for g, f in cells):
            used.add("–")
        return tuple(mark for mark in MARKS if mark in used)


def mark_of(figure: Figure) -> str:
    """Mark that stands for or around the value; empty for a plain one."""
    if figure.disclosure == "suppressed":
        return "○"
    if figure.value is None:
        # Suppressed for quality has status Q; an empty domain has O.
        return "*" if figure.obs_status == "Q" else "–"
    return "( )" if figure.quality != "reliable" else ""


def shown_value(figure: Figure, decimals: int) -> str:
    """Value as a table prints it: plain, in parentheses, or the mark that stands for it."""
    mark = mark_of(figure)
    text = format_number(figure.present(), decimals)
    return text if not mark else f"({text})" if mark == "( )" else mark


def interval_text(figure: Figure, decimals: int = 0) -> str:
    """Interval as a table prints it; a dash where the value has none, empty beside a mark for the value."""
    low, high = figure.present("ci_low"), figure.present("ci_high")
    if not figure.shown:
        return ""
    if low is None or high is None:
        return "–"
    return f"{format_number(low, decimals)} – {format_number(high, decimals)}"


def publication_tables(
    figures: Sequence[Figure], dimension_labels: Mapping[str, str] | None = None
) -> tuple[PublicationTable, ...]:
    """Lay out all figures: one table an indicator and variable, series of that variable side by side.

    Examples
    --------
    >>> publication_tables([])
    ()
    """
    keys = dict.fromkeys((f.indicator, _subject(f), f.country, f.period) for f in figures)
    tables = []
    for number, key in enumerate(keys, 1):
        members = [f for f in figures if (f.indicator, _subject(f), f.country, f.period) == key]
        tables.append(_table(number, members, dimension_labels))
    return tuple(tables)


def weighted_n(row: Row) -> float | None:
    """Estimated people the proportion of a row is about, where the row has their proportion and their total.

    A total is the weighted number times the proportion, so both together give the number.
    """
    shown = [f for f in row.figures if f is not None and f.shown]
    share = next((f.value for f in shown if f.statistic == "proportion" and f.value), None)
    total = next((f.value for f in shown if f.statistic == "total" and f.value), None)
    return None if share is None or total is None else total / share


def _subject(figure: Figure) -> str:
    """Survey series share a table by variable; detected and estimated series share one."""
    return figure.variable if figure.estimator == "survey" else "_mse"


def _table(
    number: int, figures: list[Figure], dimension_labels: Mapping[str, str] | None
) -> PublicationTable:
    first = figures[0]
    survey = first.estimator == "survey"
    # Survey series stand side by side; detected and estimated numbers stand below each other, by unit.
    columns = tuple(dict.fromkeys(f.series if survey else f.unit for f in figures))
    found: dict[tuple[Cell, str], dict[str, Figure]] = {}
    for figure in figures:
        cell = tuple((d, c) for d, c in figure.breakdown.items() if c != TOTAL)
        row = "" if survey else _people(figure, figures)
        found.setdefault((cell, row), {})[figure.series if survey else figure.unit] = figure
    rows = []
    for (cell, label), by_column in found.items():
        some = next(iter(by_column.values()))
        panel = " and ".join(dimension_title(d, dimension_labels) for d, _ in cell)
        parts = [label, *(some.labels.get(d, c) for d, c in cell)]
        text = ", ".join(part for part in parts if part) or "Total"
        rows.append((len(cell), Row(_sentence(panel), text, tuple(by_column.get(c) for c in columns))))
    panels = {row.panel: i for i, (_, row) in reversed(list(enumerate(rows)))}
    rows.sort(key=lambda item: (item[0], panels[item[1].panel]))
    return PublicationTable(
        number=number,
        indicator=first.indicator,
        variable=first.variable,
        title=first.label if survey else "Detected and estimated victims",
        universe=first.universe,
        definition=f"{first.definition}@{first.version}" if first.definition else "",
        groups=tuple(_group([f for f in figures if c in (f.series, f.unit)], survey) for c in columns),
        rows=tuple(row for _, row in rows),
    )


def _people(figure: Figure, figures: list[Figure]) -> str:
    """Row label of a detected or estimated number; the series' own title where several share a kind."""
    alike = {f.series for f in figures if f.estimator == figure.estimator and f.unit == figure.unit}
    if len(alike) > 1:
        return figure.label
    return "Detected" if figure.estimator == "admin" else "Estimated, detected and undetected"


def _sentence(panel: str) -> str:
    head, *rest = panel.split(" and ")
    return " and ".join([head, *(part.lower() for part in rest)])


def _group(figures: list[Figure], survey: bool) -> Group:
    first = figures[0]
    shown = [presentation(f.value, f.unit) for f in figures]
    return Group(
        series=first.series if survey else "",
        label=first.label if survey else "",
        unit=first.unit,
        decimals=decimals_for(shown, first.unit),
        has_interval=any(f.ci_low is not None for f in figures),
        has_truth=any(f.truth is not None for f in figures),
        level=first.level,
    )
