"""What the command line prints: figures, audits, estimates and the registry as tables."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit.dissemination.tables import MARKS
from survey_toolkit.indicators import TOTAL, UNITS, Figure, Figures, decimals_for, format_number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from survey_toolkit.estimation import Estimates
    from survey_toolkit.microdata import Microdata
    from survey_toolkit.multiple_systems import CaptureHistories, Comparison
    from survey_toolkit.standards import Registry

__all__ = [
    "audit_rows",
    "escaped",
    "new_console",
    "new_table",
    "print_audit",
    "print_comparison",
    "print_estimates",
    "print_notes",
    "print_registry",
    "print_run",
    "registry_rows",
    "shown_cell",
]

#: Columns a terminal needs for the rate and the number of a status side by side.
_PAIRED_WIDTH = 100

#: Quality and disclosure in one short word each; the report says why.
FLAGS = {"reliable": "", "low_reliability": "low reliability", "not_publishable": "not publishable"}


def print_run(figures: Figures, *, title: str, folder: Path, console: Console | None = None) -> None:
    """Print the figures of a run, one table a status or case count, and where the files are."""
    out = console or new_console()
    out.print(f"\n[bold]{escaped(title)}[/bold]")
    for group in _groups(figures, paired=out.width >= _PAIRED_WIDTH):
        out.print(_series_table(group) if len(group[0].breakdown) == 0 else _domain_table(group))
    known = [f for f in figures if f.covers is not None]
    if known:
        covered, expected = sum(bool(f.covers) for f in known), sum(f.level for f in known)
        out.print(f"{covered} of {len(known)} intervals cover the true value; about {expected:.0f} should.")
    suppressed = sum(f.disclosure == "suppressed" for f in figures)
    if any(f.shown and f.ci_low is None for f in figures):
        out.print(f"–: {MARKS['–']}.")
    if suppressed:
        verb = "figure is" if suppressed == 1 else "figures are"
        out.print(f"○: {suppressed} {verb} suppressed to protect the people in them.")
    files = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    out.print(f"Written to {escaped(_short(folder))}: {', '.join(files)}")


def audit_rows(data: Microdata) -> list[dict[str, Any]]:
    """One row a harmonized variable: sources, rule, counts in and out, missing by reason, status."""
    return [
        {
            "target": a.target,
            "sources": list(a.sources),
            "rule": a.rule,
            "n_in": a.n_in,
            "n_valid": a.n_valid,
            "unmapped": {str(k): v for k, v in a.unmapped.items()},
            "missing": dict(a.missing),
            "status": a.status,
            "note": a.note,
        }
        for a in data.audit
    ]


def print_audit(data: Microdata, console: Console | None = None) -> None:
    """Print what harmonization did, one row a target variable."""
    table = new_table("Harmonization audit")
    for heading in ("target", "from", "rows in", "valid", "missing by reason", "unmapped", "status"):
        table.add_column(heading, justify="right" if heading in ("rows in", "valid") else "left")
    rows = audit_rows(data)
    table.columns[0].min_width = max((len(row["target"]) for row in rows), default=0)
    for row in rows:
        missing = ", ".join(f"{k} {v:,}" for k, v in row["missing"].items())
        unmapped = ", ".join(f"{k} ({v:,})" for k, v in row["unmapped"].items())
        cells = (row["target"], ", ".join(row["sources"]), f"{row['n_in']:,}", f"{row['n_valid']:,}")
        table.add_row(*map(escaped, (*cells, missing, unmapped, row["status"])))
    (console or new_console()).print(table)


def print_estimates(
    estimates: Estimates,
    console: Console | None = None,
    *,
    labels: Mapping[str, Mapping[Any, str]] | None = None,
) -> None:
    """Print a result of estimation with its notes; ``labels`` gives words to the codes of domain columns."""
    out = console or new_console()
    frame = estimates.to_frame()
    table = new_table(f"{estimates.statistic} of {estimates.variable}")
    for name in estimates.domain_names:
        table.add_column(escaped(name))
    wide = ("cv", "deff", "df") if out.width >= _PAIRED_WIDTH else ()
    for name in ("estimate", f"{100 * estimates.level:g} % interval", "se", *wide, "n"):
        table.add_column(name, justify="right", no_wrap=True)
    bare = 0
    for row in frame.to_dict("records"):
        # A total of no case has variance zero; that is no certainty that there is none.
        known = not (estimates.statistic == "total" and row["n_positive"] == 0)
        interval = _limits(shown_cell(row["ci_low"]), shown_cell(row["ci_high"])) if known else "–"
        bare += interval == "–"
        more = (shown_cell(row[name]) for name in ("se", *wide, "n"))
        numbers = [shown_cell(row["estimate"]), interval, *more]
        codes = (_coded(row[name], (labels or {}).get(name, {})) for name in estimates.domain_names)
        table.add_row(*codes, *numbers)
    out.print(table)
    _print_indented(out, estimates.method)
    legend = (
        ("–: nothing to give: no estimate, or no interval (no case found in the sample)",) if bare else ()
    )
    print_notes(out, (*estimates.notes, *legend))


def print_comparison(
    histories: CaptureHistories, comparison: Comparison, console: Console | None = None
) -> None:
    """Print every method of multiple systems estimation side by side, the refusals with their reason."""
    out = console or new_console()
    table = new_table(
        f"Population size: {histories.n_observed:,} people seen on {len(histories.lists)} lists"
    )
    table.add_column("method", no_wrap=True)
    for name in ("estimate", "interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("model, remark")
    for name, result in comparison.results.items():
        interval = _limits(_people(result.ci_low), _people(result.ci_high))
        words = "; ".join(part for part in (result.model, comparison.flag(name)) if part)
        table.add_row(escaped(name), f"{result.estimate:,.0f}", interval, escaped(words))
    for name in comparison.refused:
        table.add_row(escaped(name), "–", "–", "refused: see below")
    out.print(table)
    for name, reason in comparison.refused.items():
        _print_indented(out, f"{name} refused: {reason}")


def registry_rows(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    """Definitions with versions, criteria lists, indicators and correspondences, as plain rows."""
    return {
        "definitions": [
            {"id": v.key, "title": v.title["en"], "status": v.status}
            for d in registry.definitions.values()
            for v in d.versions
        ],
        "criteria": [
            {"id": c.id, "title": c.title["en"], "criteria": len(c.criteria)}
            for c in registry.criteria_lists.values()
        ],
        "indicators": [
            {"id": i.id, "title": i.title["en"], "series": [s.id for s in i.series]}
            for i in registry.indicators.values()
        ],
        "correspondences": [
            {"id": c.id, "title": c.title["en"], "rows": len(c.rows)}
            for c in registry.correspondences.values()
        ],
    }


def print_registry(registry: Registry, console: Console | None = None) -> None:
    """Print what the standards hold."""
    out = console or new_console()
    for kind, rows in registry_rows(registry).items():
        table = new_table(kind.capitalize())
        for name in rows[0] if rows else ():
            table.add_column(name, overflow="fold", no_wrap=name == "id")
        for row in rows:
            table.add_row(*(", ".join(v) if isinstance(v, list) else escaped(v) for v in row.values()))
        out.print(table)


def _groups(figures: Figures, *, paired: bool) -> list[list[Figure]]:
    """Figures that stand in one table: of one indicator and one status, or without any breakdown."""
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for figure in figures:
        key: tuple[str, ...] = (figure.indicator,)
        if figure.breakdown:
            key = (figure.indicator, figure.variable, "" if paired else figure.series)
        groups.setdefault(key, []).append(figure)
    return list(groups.values())


def _series_table(figures: list[Figure]) -> Table:
    """One row a series: figures of the whole population only."""
    table = new_table(figures[0].indicator)
    table.add_column("")
    for name in ("estimate", _interval_heading(figures), "unit", "n"):
        table.add_column(name, justify="left" if name == "unit" else "right", no_wrap=True)
    table.add_column("")
    for figure in figures:
        places = decimals_for([figure.present()], figure.unit)
        label = escaped(figure.label.removesuffix(f" {_unit(figure.unit)} population").rstrip(","))
        table.add_row(label, *_value(figure, places), _unit(figure.unit), _count(figure.n), _flag(figure))
    return table


def _domain_table(figures: list[Figure]) -> Table:
    """One row a domain; the rate and the number of a status stand side by side."""
    series = list(dict.fromkeys(f.series for f in figures))
    by_cell = {(f.series, tuple(f.breakdown.values())): f for f in figures}
    first = figures[0]
    table = new_table(f"{first.indicator} · {first.label}")
    table.add_column("", min_width=22, no_wrap=True)
    places = {s: decimals_for([f.present() for f in figures if f.series == s], u) for s, u in _units(figures)}
    for _, unit in _units(figures):
        table.add_column(_unit(unit), justify="right", no_wrap=True)
        table.add_column(_interval_heading(figures), justify="right", no_wrap=True)
        if first.truth is not None:
            table.add_column("truth", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("")
    before: tuple[bool, ...] | None = None
    for cell in dict.fromkeys(tuple(f.breakdown.values()) for f in figures):
        kind = tuple(code == TOTAL for code in cell)
        if before not in (None, kind):
            table.add_section()
        before = kind
        row = [by_cell[s, cell] for s in series if (s, cell) in by_cell]
        cells = [escaped(row[0].category)]
        for figure in row:
            cells += _value(figure, places[figure.series])
            if first.truth is not None:
                cells.append(_truth(figure, places[figure.series]))
        table.add_row(*cells, _count(row[0].n), _flag(row[0]))
    return table


def _unit(code: str) -> str:
    return UNITS[code].label.lower().removesuffix(" population").replace("percent", "%")


def _units(figures: list[Figure]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((f.series, f.unit) for f in figures))


def _value(figure: Figure, places: int) -> list[str]:
    if figure.disclosure == "suppressed":
        return ["○", ""]
    low, high = figure.present("ci_low"), figure.present("ci_high")
    known = low is not None and high is not None
    interval = f"{format_number(low, places)} – {format_number(high, places)}" if known else "–"
    return [format_number(figure.present(), places), interval]


def _truth(figure: Figure, places: int) -> str:
    text = format_number(figure.present("truth"), places)
    return f"[bold]{text} missed[/bold]" if figure.covers is False else text


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def _flag(figure: Figure) -> str:
    return "suppressed" if figure.disclosure == "suppressed" else FLAGS[figure.quality]


def _interval_heading(figures: Iterable[Figure]) -> str:
    levels = {f.level for f in figures}
    return f"{100 * levels.pop():g} % interval" if len(levels) == 1 else "interval"


def print_notes(out: Console, notes: Sequence[str]) -> None:
    """One line a note."""
    for note in notes:
        _print_indented(out, f"note: {note}")


def _print_indented(out: Console, text: str) -> None:
    """Text below a table; its further lines stand as far in as its first."""
    from rich.padding import Padding

    out.print(Padding(escaped(text), (0, 0, 0, 2), expand=False))


def _limits(low: str, high: str) -> str:
    """Both limits, or one dash where there is no interval."""
    return "–" if "–" in (low, high) else f"{low} – {high}"


def _people(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:,.0f}" if math.isfinite(value) else "∞"


def _coded(code: Any, labels: Mapping[Any, str]) -> str:
    """A code with its label; a number that is a code has no thousands."""
    shown = escaped(str(code)) if isinstance(code, int) else shown_cell(code)
    return f"{shown} {escaped(labels[code])}" if code in labels else shown


def shown_cell(value: Any) -> str:
    """A value as a table shows it: a dash where there is none, four figures, thousands."""
    if value is None or value != value or type(value).__name__ == "NAType":
        return "–"
    if isinstance(value, float):
        if 1e-6 <= abs(value) < 1e-4:
            return f"{value:.6f}"
        return f"{value:,.0f}" if abs(value) >= 1e3 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return escaped(value)


def escaped(value: object) -> str:
    """Text without the console's own markup and without control characters."""
    from rich.markup import escape

    return escape("".join(c for c in str(value) if c.isprintable()))


def _short(folder: Path) -> str:
    try:
        relative = os.path.relpath(folder)
    except ValueError:  # another drive of Windows
        return str(folder)
    return str(folder) if relative.startswith("..") else relative


def new_table(title: str, *headings: str) -> Table:
    """An empty table in the look of this toolkit."""
    from rich import box
    from rich.table import Table

    return Table(
        *headings, title=escaped(title) or None, title_justify="left", title_style="bold",
        box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip


def new_console() -> Console:
    """The console of the terminal."""
    from rich.console import Console

    # ":NG:" between two lists is an interaction, not a pictogram
    return Console(emoji=False)
