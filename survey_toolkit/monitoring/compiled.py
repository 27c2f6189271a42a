"""The compilation of a monitoring round: protected, with its ratings, coverage, mirror check and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from survey_toolkit._yaml import load_document
from survey_toolkit.dissemination import DisclosurePolicy
from survey_toolkit.errors import DefinitionError
from survey_toolkit.indicators import Figure
from survey_toolkit.indicators.frameworks import (
    Baseline,
    Book,
    Cell,
    Framework,
    FrameworkIndicator,
    MirrorPair,
    Rating,
    RegionalTotal,
    SdgRow,
    breakdown_key,
    cells_of,
    mirror_pairs,
    ratings,
    sdg_rows,
    total_of,
)
from survey_toolkit.monitoring.importing import stored_doubts
from survey_toolkit.monitoring.protect import REGION, Hidden, hidden_cells
from survey_toolkit.monitoring.returned import Doubt
from survey_toolkit.monitoring.store import Batch, Workspace
from survey_toolkit.standards import in_language
from survey_toolkit.standards.models import PopulationFile

__all__ = ["Change", "Compiled", "compile_workspace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A revision of something that was on record, as it may be shown."""

    batch: int
    when: str
    who: str
    country: str
    object: str
    field: str
    old: Any
    new: Any
    reason: str
    numbers_hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Everything the products show; nothing in it is to be hidden any more.

    Attributes
    ----------
    framework : Framework
    on : str
        Date of the newest change set, so that the same records give the same compilation.
    cells : dict
        (indicator, year, country, breakdown key) to cell.
    totals : dict
        (indicator, year, breakdown key) to regional total.
    mirrors : dict
        (indicator, year) to pairs of reports.
    ratings : list of Rating
    book : Book
        Selections, baselines (small ones without their number), markers, sources, narratives; no actuals.
    sdg : list of SdgRow
    changes : list of Change
    doubts : dict
        Country to doubts about its latest return.
    policy : DisclosurePolicy
    notice : str
        What the folder says of its records, for the head of a report.
    """

    framework: Framework
    on: str
    cells: dict[tuple[str, int, str, str], Cell]
    totals: dict[tuple[str, int, str], RegionalTotal]
    mirrors: dict[tuple[str, int], list[MirrorPair]]
    ratings: list[Rating]
    book: Book
    sdg: list[SdgRow]
    changes: list[Change]
    doubts: dict[str, list[Doubt]] = field(default_factory=dict)
    policy: DisclosurePolicy = field(default_factory=DisclosurePolicy)
    notice: str = ""

    def __repr__(self) -> str:
        shown = len(self.cells) - self.n_hidden
        return (
            f"Compiled({self.framework.id}, {len(self.framework.countries)} countries, {shown:,} cells "
            f"shown, {self.n_hidden:,} suppressed, {len(self.ratings):,} ratings)"
        )

    def cell(self, indicator: str, country: str, year: int, key: str = "total") -> Cell:
        """One protected cell."""
        return self.cells[indicator, year, country, key]

    def rating(self, indicator: str, country: str, year: int, rule: str | None = None) -> Rating | None:
        """The rating by a rule, or by the indicator's main rule."""
        wanted = (indicator, country, year)
        for item in self.ratings:
            if (item.indicator, item.country, item.year) == wanted and rule in (None, item.rule):
                return item
        return None

    @property
    def n_hidden(self) -> int:
        """Cells suppressed here or by their countries."""
        return sum(c.state == "suppressed" for c in self.cells.values())


def compile_workspace(
    workspace: Workspace, *, figures: Iterable[Figure] = (), policy: DisclosurePolicy | None = None
) -> Compiled:
    """Compile the current records of a folder.

    Parameters
    ----------
    workspace : Workspace
    figures : iterable of Figure
        Published figures of surveys and multiple systems estimates, for the SDG annex.
    policy : DisclosurePolicy, optional

    Returns
    -------
    Compiled
    """
    batches = workspace.batches()
    book, framework = workspace.book(batches), workspace.framework
    rules = policy or DisclosurePolicy()
    on = max((e.when for b in batches for e in b.events), default="")[:10]
    hidden = {year: hidden_cells(framework, book, year, rules) for year in framework.years}
    cells, totals = _tables(framework, book, hidden)
    mirrors = {
        (item.id, year): _mask_pairs(item, mirror_pairs(framework, book, item, year), cells)
        for item in framework.indicators
        if item.mirror is not None
        for year in framework.years
    }

    def of(item: FrameworkIndicator, country: str, year: int) -> Cell:
        return cells[item.id, year, country, "total"]

    return Compiled(
        framework=framework, on=on, cells=cells, totals=totals, mirrors=mirrors,
        ratings=_mask_ratings(framework, book, cells, rules, on), book=_public(framework, book, rules),
        sdg=sdg_rows(
            framework, of, figures=figures, populations=_populations(workspace.folder),
            caveats=_caveats(framework)
        ),
        changes=_changes(framework, batches, cells, rules), doubts=stored_doubts(workspace), policy=rules,
        notice=workspace.notice,
    )  # fmt: skip


def _tables(
    framework: Framework, book: Book, hidden: Mapping[int, Mapping[str, Hidden]]
) -> tuple[dict[tuple[str, int, str, str], Cell], dict[tuple[str, int, str], RegionalTotal]]:
    cells: dict[tuple[str, int, str, str], Cell] = {}
    totals: dict[tuple[str, int, str], RegionalTotal] = {}
    for item in framework.indicators:
        for year in framework.years:
            gone = hidden[year].get(item.id, set())
            groups: dict[str, list[Cell]] = {}
            for cell in cells_of(framework, book, item, year):
                groups.setdefault(breakdown_key(cell.codes), []).append(cell)
            for key, group in groups.items():
                total = total_of(item, group)
                if (REGION, key) in gone:
                    total = replace(total, value=None, reason="suppressed to protect people", suppressed=True)
                totals[item.id, year, key] = total
                for cell in group:
                    cells[item.id, year, cell.country, key] = (
                        _mask(cell) if (cell.country, key) in gone else cell
                    )
    return cells, totals


def _mask(cell: Cell) -> Cell:
    return replace(cell, state="suppressed", value=None, numerator=None, denominator=None, text="")


def _mask_pairs(
    item: FrameworkIndicator, pairs: list[MirrorPair], cells: Mapping[tuple[str, int, str, str], Cell]
) -> list[MirrorPair]:
    assert item.mirror is not None
    other, name = item.mirror.with_, item.mirror.dimension
    out = []
    for pair in pairs:
        sent = cells[item.id, pair.year, pair.origin, f"{name}={pair.destination}"]
        got = cells[other, pair.year, pair.destination, f"{name}={pair.origin}"]
        out.append(
            replace(
                pair, sent=sent.value, received=got.value, sent_state=sent.state, received_state=got.state
            )
        )  # fmt: skip
    return out


def _small(item: FrameworkIndicator, value: float | None, rules: DisclosurePolicy) -> bool:
    return item.sensitive and item.type == "count" and value is not None and 0 < value < rules.threshold


def _mask_ratings(
    framework: Framework,
    book: Book,
    cells: Mapping[tuple[str, int, str, str], Cell],
    rules: DisclosurePolicy,
    on: str,
) -> list[Rating]:
    """Ratings of hidden numbers go: a score and its marker would tell the number, and so would the hash."""
    out = []
    for rating in ratings(framework, book, on=on):
        item = framework.indicator(rating.indicator)
        assert item is not None
        baseline = book.baseline(rating.country, rating.indicator)
        if cells[rating.indicator, rating.year, rating.country, "total"].state == "suppressed":
            rating = replace(
                rating, rating="withheld", score=None, basis="", inputs_hash="",
                reason="the number is suppressed to protect people",
            )  # fmt: skip
        elif baseline is not None and _small(item, baseline.value, rules):
            # Four guesses at the baseline would find the hash, and one division the score.
            score = None if rating.rule in ("linear_path", "annual_change") else rating.score
            rating = replace(rating, score=score, inputs_hash="")
        out.append(rating)
    return out


def _public(framework: Framework, book: Book, rules: DisclosurePolicy) -> Book:
    out = {}
    for key, record in book.records.items():
        if record.kind == "actual":
            continue
        if isinstance(record, Baseline):
            item = framework.indicator(record.indicator)
            if item is None or _small(item, record.value, rules):
                record = replace(record, value=None, status="suppressed")
        out[key] = record
    return Book(out)


def _changes(
    framework: Framework,
    batches: list[Batch],
    cells: Mapping[tuple[str, int, str, str], Cell],
    rules: DisclosurePolicy,
) -> list[Change]:
    """Revisions. Numbers are shown for totals only: old and new breakdowns together could tell a small
    cell.
    """
    out = []
    for batch in batches:
        for event in batch.events:
            kind, _, rest = event.object.partition("/")
            if (event.old is None and event.field == "*") or kind in ("source", "narrative"):
                continue
            country, indicator, *more = rest.split("/")
            item = framework.indicator(indicator)
            hide = False
            if item is not None and item.sensitive and event.field not in ("status", "source_id", "selected"):
                numbers = [v for v in (event.old, event.new) if isinstance(v, int | float)]
                hide = any(_small(item, float(v), rules) for v in numbers)
                if kind == "actual":
                    cell = cells.get((indicator, int(more[0]), country, more[1]))
                    hide = hide or more[1] != "total" or cell is None or cell.state == "suppressed"
            out.append(
                Change(
                    batch=batch.number, when=event.when[:10], who=event.who, country=country,
                    object=event.object,
                    field=event.field, old=None if hide else event.old, new=None if hide else event.new,
                    reason=event.reason, numbers_hidden=hide,
                )
            )  # fmt: skip
    return out


def _populations(folder: Path) -> dict[tuple[str, int], float]:
    """Denominators: the folder's ``populations/<country>.yaml``, as in the standards."""
    out: dict[tuple[str, int], float] = {}
    for file in sorted((folder / "populations").glob("*.yaml")):
        for item in load_document(file, name=f"populations/{file.name}").validate(PopulationFile).items():
            if item.universe == "total" and item.period.isdecimal():
                out[item.country, int(item.period)] = float(item.value)
    return out


def _caveats(framework: Framework) -> dict[str, list[str]]:
    from survey_toolkit.standards import load

    registry = load()
    out = {}
    for sdg in {link.indicator for item in framework.indicators for link in item.sdg_links}:
        try:
            out[sdg] = [
                in_language(c.text) for c in registry.indicator(sdg).caveats if c.id == "detected_only"
            ]
        except DefinitionError:
            out[sdg] = []
    return out
