"""Disclosure control: no published number may tell that a particular person is a victim.

Three steps. *Primary*: cells whose unweighted counts are too small. *Complementary*: because margins are
published with their cells, further cells so that none can be had by subtraction. *Audit*: a linear programme
attacks the result and more cells are suppressed until it fails. Every figure of a suppressed cell
(proportion, total, rate) goes, because any one of them tells the others.

What is decided here
--------------------
- A count of zero is published: "no case was found" points at nobody. It is not used to protect others while
  any other cell can.
- Few *negative* cases are protected like few positive ones, and so is a cell where all are positive:
  it tells the status of everybody in it.
- A denominator from 1 to the threshold - 1 is suppressed, and its size with it.
- The interval that can still be inferred for a primary cell is at least as wide as the threshold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from survey_toolkit.dissemination.disclosure.lattice import (
    Cell,
    Intervals,
    build_lattice,
    inferred_intervals,
)
from survey_toolkit.dissemination.disclosure.policy import DisclosurePolicy
from survey_toolkit.dissemination.disclosure.problem import Problem
from survey_toolkit.dissemination.disclosure.tables import solve
from survey_toolkit.errors import DisclosureError
from survey_toolkit.indicators import TOTAL, Figure, Figures

__all__ = ["DisclosureReport", "Protected", "SuppressedCell", "attack", "protect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedCell:
    """A suppressed cell, without its count: where, why, and how many figures went with it."""

    variable: str
    country: str
    period: str
    codes: Cell
    kind: str
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureReport:
    """What was suppressed and that the attack on the result failed."""

    policy: DisclosurePolicy
    cells: tuple[SuppressedCell, ...]
    withheld: tuple[str, ...]

    @property
    def n_primary(self) -> int:
        """Cells suppressed for their own counts."""
        return sum(cell.kind == "primary" for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """Figures that may be published, and the report of what was done to make them so."""

    figures: Figures
    report: DisclosureReport


@dataclass(frozen=True, slots=True)
class Counts:
    """Unweighted counts of one table: positive, negative and all cases by cell."""

    positive: Mapping[Cell, float]
    negative: Mapping[Cell, float]
    total: Mapping[Cell, float]

    @property
    def tables(self) -> tuple[Mapping[Cell, float], ...]:
        """The three tables, in the order their numbers 0, 1, 2 mean."""
        return self.positive, self.negative, self.total


def protect(figures: Iterable[Figure], policy: DisclosurePolicy | None = None) -> Protected:
    """Suppress what would expose people, and withhold what is not publishable for its quality.

    Parameters
    ----------
    figures : Figures
        With their unweighted counts, and quality marked.
    policy : DisclosurePolicy, optional
        Default: fewer than 5.

    Returns
    -------
    Protected
        Suppressed figures have no number at all, not even in their trace, and observation status ``Q``;
        figures withheld for quality keep ``n`` and have status ``Q`` too.

    Raises
    ------
    DisclosureError
        If a figure has no unweighted count, so that nobody can tell whether it is safe.

    Examples
    --------
    >>> def cell(sex, n, k):
    ...     return Figure(id=f"8.7.1/KHM/2024/{sex}", indicator="8.7.1", series="S", label="S",
    ...         variable="child_labour_a", country="KHM", period="2024", breakdown={"sex": sex},
    ...         statistic="proportion", unit="PT", value=k / n, n=n, n_positive=k)
    >>> done = protect([cell("_T", 900, 40), cell("F", 450, 3), cell("M", 450, 37)])
    >>> [(f.category, f.text, f.obs_status) for f in done.figures]
    [('Total', '4.4 %', 'A'), ('F', 'suppressed', 'Q'), ('M', 'suppressed', 'Q')]
    """
    rules = policy or DisclosurePolicy()
    items = Figures(figures)
    tables: dict[tuple[str, ...], list[Figure]] = {}
    for figure in items:
        if figure.value is not None:
            tables.setdefault(_table(figure), []).append(figure)
    hidden: dict[str, str] = {}
    cells: list[SuppressedCell] = []
    for key, members in tables.items():
        for cell, kind in _protect_table(members, rules).items():
            ids = tuple(f.id for f in members if _cell(f, _dimensions(members)) == cell)
            hidden |= dict.fromkeys(ids, kind)
            cells.append(
                SuppressedCell(
                    variable=key[0], country=key[2], period=key[3], codes=cell, kind=kind, figures=ids
                )
            )
    shown = items.map(lambda figure: _mask(figure, hidden.get(figure.id)))
    withheld = tuple(f.id for f in shown if f.quality == "not_publishable" and f.disclosure == "published")
    return Protected(
        figures=shown, report=DisclosureReport(policy=rules, cells=tuple(cells), withheld=withheld)
    )


def _mask(figure: Figure, kind: str | None) -> Figure:
    if kind is not None:
        # One reason for both kinds: which of the suppressed cells is the small one must not be told.
        return figure.masked(
            disclosure="suppressed",
            disclosure_reason="suppressed to protect people in small cells",
            obs_status="Q",
            quality="reliable",
            reasons=(),
        )
    if figure.quality == "not_publishable" and figure.value is not None:
        return figure.masked(keep_n=True, obs_status="Q")
    return figure


#: Series of detected victims by form of exploitation are parts of one total: number and rate of each part
#: stand in one table with it, because any of them can be had from the others.
_PARTS = re.compile(r"(VC_HTF_DETV)(SX|FL|OG|OP)?R?")


def _table(figure: Figure) -> tuple[str, ...]:
    """Figures with the same key rest on the same people."""
    part = _PARTS.fullmatch(figure.variable)
    subject = part[1] if part else figure.variable
    return (subject, f"{figure.definition}@{figure.version}", figure.country, figure.period)


def _dimensions(figures: Iterable[Figure]) -> tuple[str, ...]:
    items = list(figures)
    forms = ("form",) if any(_form(f) != TOTAL for f in items) else ()
    return (*dict.fromkeys(d for f in items for d in f.breakdown), *forms)


def _form(figure: Figure) -> str:
    part = _PARTS.fullmatch(figure.variable)
    return (part[2] or TOTAL) if part else TOTAL


def _cell(figure: Figure, dimensions: tuple[str, ...]) -> Cell:
    codes = {**figure.breakdown, "form": figure.breakdown.get("form", _form(figure))}
    return tuple(codes.get(d, TOTAL) for d in dimensions)


def _counts(figures: list[Figure]) -> Counts:
    dimensions = _dimensions(figures)
    positive: dict[Cell, float] = {}
    total: dict[Cell, float] = {}
    for figure in figures:
        known = figure.n_positive
        if known is None and figure.statistic == "count" and figure.unit == "NUMBER":
            known = round(figure.value or 0)
        if known is None:
            raise DisclosureError(
                "a figure has no unweighted count of positive cases, so it cannot be judged safe",
                where=figure.id,
                expected="n_positive",
                hint="estimate with the toolkit, or add the counts",
                code="no-counts",
            )
        cell = _cell(figure, dimensions)
        positive[cell] = min(known, positive.get(cell, known))
        total[cell] = figure.n if figure.n is not None else known
    lists = all(f.statistic in ("count", "rate", "population_size") for f in figures)
    # People on lists are all positive by construction: there is no negative case to protect.
    negative = {} if lists else {cell: total[cell] - positive[cell] for cell in total}
    return Counts(positive, negative, total)


def primary_cells(counts: Counts, policy: DisclosurePolicy) -> dict[Cell, list[int]]:
    """Cells that are too small, with the tables of counts in which they have to be protected."""
    positive, negative, total = counts.tables
    found: dict[Cell, list[int]] = {}
    for cell in positive:
        exposed = []
        if 0 < positive[cell] < policy.threshold:
            exposed.append(0)
        if policy.complement and positive[cell] and negative.get(cell, policy.threshold) < policy.threshold:
            exposed.append(1)
        if 0 < total[cell] < policy.threshold:
            exposed.append(2)
        if exposed:
            found[cell] = exposed
    return found


def _protect_table(figures: list[Figure], policy: DisclosurePolicy) -> dict[Cell, str]:
    """Suppressed cells of one table and why."""
    counts = _counts(figures)
    primary = primary_cells(counts, policy)
    for cell in _few_places(figures, policy):
        primary.setdefault(cell, [0])
    if not primary:
        return {}
    problem = Problem(build_lattice(counts.positive), counts.tables, primary, float(policy.threshold))
    hidden, _, _ = solve(problem, policy.method)
    return {cell: "primary" if cell in primary else "complementary" for cell in hidden}


def _few_places(figures: list[Figure], policy: DisclosurePolicy) -> list[Cell]:
    """Cells with cases that rest on too few primary sampling units."""
    dimensions = _dimensions(figures)
    return [
        _cell(f, dimensions)
        for f in figures
        if f.n_psu is not None and f.n_psu < policy.min_psu and f.n_positive
    ]


def attack(figures: Iterable[Figure], protected: Protected) -> dict[tuple[str, ...], Intervals]:
    """Attack a protected publication: the interval of the positive count of every suppressed cell.

    Parameters
    ----------
    figures : Figures
        The figures before protection; only their published parts are used, and their true counts to set up
        the sums.
    protected : Protected
        The result of :func:`protect`.

    Returns
    -------
    dict
        Variable, definition, country and period to suppressed cell to (low, high).
    """
    masked = {f.id for f in protected.figures if f.disclosure == "suppressed"}
    tables: dict[tuple[str, ...], list[Figure]] = {}
    for figure in figures:
        if figure.value is not None:
            tables.setdefault(_table(figure), []).append(figure)
    risks = {}
    for key, members in tables.items():
        counts = _counts(members)
        cells = {_cell(f, _dimensions(members)) for f in members if f.id in masked}
        risks[key] = inferred_intervals(build_lattice(counts.positive), counts.positive, cells)
    return risks
