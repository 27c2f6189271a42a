"""Further tables: mirror statistics, completeness, SDG annex, revisions."""

from __future__ import annotations

from collections.abc import Iterable

from survey_toolkit.indicators.frameworks import STATES, SdgRow
from survey_toolkit.monitoring.blocks import STATE_MARKS, Block, Item, Names, due, number, text
from survey_toolkit.monitoring.compiled import Compiled
from survey_toolkit.standards import in_language

__all__ = ["changes_block", "completeness_blocks", "mirror_blocks", "sdg_blocks"]

_VERDICTS = {
    "agree": "agree",
    "differ": "DIFFER: both reports are kept",
    "one_side": "one side only",
    "hidden": "suppressed to protect people",
}


def mirror_blocks(done: Compiled) -> Iterable[Block]:
    """What both sides report about the same journeys, a table a year."""
    names = Names(done.framework)
    for (id, year), pairs in done.mirrors.items():
        if not pairs:
            continue
        rows = []
        for pair in pairs:
            cells = []
            for value, state in ((pair.sent, pair.sent_state), (pair.received, pair.received_state)):
                shown = (
                    number(value)
                    if value is not None
                    else Item(STATE_MARKS.get(state, ""), None, f"state {state}", STATES[state])
                )
                cells.append(shown)
            style = "flag" if pair.verdict == "differ" else "soft"
            rows.append(
                (
                    text(f"{names.country(pair.origin)} → {names.country(pair.destination)}"),
                    *cells,
                    number(pair.gap),
                    text(_VERDICTS[pair.verdict], style),
                )
            )
        item = done.framework.indicator(id)
        assert item is not None
        yield Block(
            id=f"mirror-{id}-{year}",
            title=f"{id} {in_language(item.title)}: both reports, {year}",
            head=("From → to", "Reported sent", "Reported received", "Difference", "Verdict"),
            rows=tuple(rows),
            notes=("Neither report replaces the other, and none is an average.",),
        )


def completeness_blocks(done: Compiled) -> Iterable[Block]:
    """What each country has returned."""
    years = done.framework.years
    yield Block(
        id="completeness",
        title="What each country has returned",
        head=("Country", "Selected", "Baselines", "Markers", *(f"Results {y}" for y in years), "Open doubts"),
        rows=tuple(_returned(done, country) for country in done.framework.countries),
        notes=(
            "Shares are of the indicators the country selected. Markers are due where a direction is better. "
            "Open doubts: cells of the latest return whose value was held back.",
        ),
    )


def _returned(done: Compiled, country: str) -> tuple[Item, ...]:
    framework = done.framework
    chosen = [i for i in framework.indicators if done.book.selected(country, i.id)]
    plain = [i for i in chosen if not i.mirror_only]
    based = sum(done.book.baseline(country, i.id) is not None for i in plain)
    marked = [i for i in plain if i.direction != "none"]
    markers = sum(len(done.book.markers(country, i.id)) for i in marked)
    answered = any(done.book.selection(country, i.id) is not None for i in framework.indicators)
    per_year = []
    for year in framework.years:
        got = sum(done.cell(i.id, country, year).state not in ("no_data", "not_selected") for i in chosen)
        share = _share(got, len(chosen)) if due(done, year) else text("–", "soft", "not yet due")
        per_year.append(share)
    held = sum(not d.taken for d in done.doubts.get(country, ()))
    return (
        text(Names(framework).country(country)),
        _answered(answered, len(chosen), len(framework.indicators)),
        _share(based, len(plain)),
        _share(markers, len(marked) * len(framework.years)),
        *per_year,
        text(held or "", "flag" if held else ""),
    )


def _answered(answered: bool, chosen: int, of: int) -> Item:
    return text(f"{chosen} of {of}") if answered else text("no return", "state no_data")


def _share(part: int, whole: int) -> Item:
    if not whole:
        return text("–", "soft", "nothing is due")
    style = "full" if part >= whole else "part" if part else "none"
    return Item(f"{part} of {whole}", None, style)


_SDG_HEAD = (
    "Country", "Year", "Detected", "From", "Population", "Per 100,000", "Estimated (detected and not)",
    "Detection ratio", "Survey figures",
)  # fmt: skip
_RATIO_CAVEAT = (
    "The detection ratio sets a count against a model's estimate: it moves with the model, the lists and the "
    "effort to detect, and it is no measure of one country against another."
)


def sdg_blocks(done: Compiled) -> Iterable[Block]:
    """Detected, estimated and survey figures, a table an SDG indicator."""
    names = Names(done.framework)
    by_sdg: dict[str, list[SdgRow]] = {}
    for row in done.sdg:
        by_sdg.setdefault(row.sdg, []).append(row)
    for sdg, found in by_sdg.items():
        caveats = tuple(dict.fromkeys(c for row in found for c in row.caveats))
        if any(row.detection_ratio for row in found):
            caveats += (_RATIO_CAVEAT,)
        yield Block(
            id=f"sdg-{sdg}",
            title=f"SDG indicator {sdg}: detected, estimated and survey figures",
            head=_SDG_HEAD,
            rows=tuple(_sdg_row(names, row) for row in found),
            notes=caveats,
        )


def _sdg_row(names: Names, row: SdgRow) -> tuple[Item, ...]:
    state = row.detected_state
    mark = Item(STATE_MARKS.get(state, "…"), None, f"state {state}", STATES.get(state, ""))
    ratio, shown = row.detection_ratio, ""
    if ratio is not None:
        limits = f" [{ratio[1] * 100:.0f}–{ratio[2] * 100:.0f}]" if ratio[1] and ratio[2] else ""
        shown = f"{ratio[0] * 100:.0f} %{limits}"
    return (
        text(names.country(row.country)),
        text(row.year, "year"),
        number(row.detected) if row.detected is not None else mark,
        text(row.detected_from, "soft"),
        number(row.population),
        number(row.rate, 2),
        text(row.estimated.text if row.estimated else ""),
        text(shown),
        text("; ".join(f"{f.label}: {f.text}" for f in row.surveys)),
    )


def changes_block(done: Compiled) -> Block:
    """Revisions of what was on record."""
    names = Names(done.framework)
    rows = []
    for change in done.changes:
        old, new = ("not shown", "not shown") if change.numbers_hidden else (change.old, change.new)
        rows.append(
            (
                text(change.batch),
                text(change.when),
                text(names.country(change.country)),
                text(change.object),
                text(change.field),
                text("" if old is None else old),
                text("" if new is None else new),
                text(change.reason),
                text(change.who, "soft"),
            )
        )
    return Block(
        id="changes",
        title="Revisions of what was on record",
        head=("Change set", "Date", "Country", "Record", "Field", "From", "To", "Reason", "By"),
        rows=tuple(rows),
        notes=("Numbers of breakdowns are not shown: old and new together could tell a small one.",)
        if rows
        else ("Nothing that was on record has been changed.",),
        numeric_from=9,
    )
