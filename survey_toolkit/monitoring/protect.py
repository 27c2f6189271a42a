"""Which cells of a compilation must not be shown: small counts, and what would let them be worked out.

The disclosure control of the toolkit does the work: the countries are one more dimension of the table, so a
region's total and its countries are protected together. The two reports of one journey (sent, received)
hide each
other: whoever knows one of them nearly knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from survey_toolkit.dissemination import DisclosurePolicy, protect
from survey_toolkit.indicators import TOTAL, Figure
from survey_toolkit.indicators.frameworks import (
    Book,
    Cell,
    Framework,
    FrameworkIndicator,
    breakdown_key,
    cells_of,
    total_of,
)

__all__ = ["REGION", "Hidden", "hidden_cells"]

#: Stands for the region where a country's code would stand.
REGION = TOTAL
#: Country (or region) and breakdown of cells that are not shown.
Hidden: TypeAlias = set[tuple[str, str]]
_ROUNDS = 20


def hidden_cells(
    framework: Framework, book: Book, year: int, policy: DisclosurePolicy | None = None
) -> dict[str, Hidden]:
    """Cells of one year that are not shown, by indicator.

    Parameters
    ----------
    framework : Framework
    book : Book
    year : int
    policy : DisclosurePolicy, optional
        Default: 1 to 4 persons are suppressed, and further cells so that they cannot be worked out.
    """
    rules = policy or DisclosurePolicy()
    items = {i.id: i for i in framework.indicators if i.sensitive and i.type == "count"}
    cells = {id: cells_of(framework, book, item, year) for id, item in items.items()}
    forced: dict[str, Hidden] = {id: set() for id in items}
    hidden: dict[str, Hidden] = {}
    todo = set(items)
    for _ in range(_ROUNDS):
        for id in todo:
            hidden[id] = _protect(framework, items[id], cells[id], forced[id], rules)
        todo = _link_mirrors(framework, items, cells, hidden, forced)
        if not todo:
            break
    return hidden


def _protect(
    framework: Framework, item: FrameworkIndicator, cells: list[Cell], forced: Hidden, rules: DisclosurePolicy
) -> Hidden:
    values: dict[tuple[str, str], float] = {}
    codes: dict[str, Mapping[str, str]] = {}
    by_codes: dict[str, list[Cell]] = {}
    for cell in cells:
        key = breakdown_key(cell.codes)
        codes[key] = cell.codes
        by_codes.setdefault(key, []).append(cell)
        known = cell.value if cell.state != "suppressed" else _worked_out(framework, cell, cells)
        if known is None:
            continue
        small = (cell.country, key) in forced or cell.state == "suppressed"
        # A cell that must be hidden whatever its size is treated as a small one.
        values[cell.country, key] = min(max(known, 1.0), rules.threshold - 1.0) if small else known
    for key, group in by_codes.items():
        total = total_of(item, group)
        if total.value is not None:
            values[REGION, key] = total.value
    figures = [
        Figure(
            id=f"{item.id}/{country}/{key}", indicator=item.id, series=item.id, label=item.id,
            variable=item.id, country="REGION", period="", breakdown={"country": country, **codes[key]},
            statistic="count", unit="NUMBER", value=value, n_positive=round(value),
        )
        for (country, key), value in values.items()
    ]  # fmt: skip
    done = protect(figures, rules)
    places = list(values)
    return {places[i] for i, f in enumerate(done.figures) if f.disclosure == "suppressed"}


def _worked_out(framework: Framework, cell: Cell, cells: list[Cell]) -> float | None:
    """What a reader can work out about a cell its country suppressed: the total less the other rows."""
    if len(cell.codes) != 1:
        return None
    (name,) = cell.codes
    mine = [c for c in cells if c.country == cell.country]
    total = next((c.value for c in mine if not c.codes), None)
    others = [c for c in mine if tuple(c.codes) == (name,) and c is not cell]
    if total is None or any(c.state == "suppressed" for c in others):
        return None
    return max(total - sum(c.value or 0.0 for c in others), 0.0)


def _link_mirrors(
    framework: Framework,
    items: Mapping[str, FrameworkIndicator],
    cells: Mapping[str, list[Cell]],
    hidden: Mapping[str, Hidden],
    forced: dict[str, Hidden],
) -> set[str]:
    """Force the other side of every hidden report; which indicators have to be protected again."""
    again: set[str] = set()
    for id, item in items.items():
        if item.mirror is None or item.mirror.with_ not in items:
            continue
        other, name = item.mirror.with_, item.mirror.dimension
        for here, there in ((id, other), (other, id)):
            reported = {(c.country, breakdown_key(c.codes)) for c in cells[there] if c.value}
            for country, key in hidden[here]:
                partner = key.removeprefix(f"{name}=")
                if country == REGION or partner == key or "&" in key:
                    continue
                twin = (partner, f"{name}={country}")
                if twin in reported and twin not in hidden[there] and twin not in forced[there]:
                    forced[there].add(twin)
                    again.add(there)
    return again
