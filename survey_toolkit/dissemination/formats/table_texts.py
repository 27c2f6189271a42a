"""Publication tables as text: Markdown, LaTeX, HTML and CSV, with the same rows, marks and footnotes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.dissemination.context import ReportContext
from survey_toolkit.dissemination.tables import (
    MARKS,
    PublicationTable,
    Row,
    interval_text,
    mark_of,
    publication_tables,
    shown_value,
    weighted_n,
)  # fmt: skip
from survey_toolkit.indicators import Figure, Figures, format_number

__all__ = ["Layout", "layout", "tables_csv", "tables_html", "tables_latex", "tables_markdown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A table ready to print.

    Attributes
    ----------
    title : str
    heads : tuple of (str, str)
        Group heading and column heading of each column but the first.
    panels : tuple of (str, rows)
        Panel heading and its rows of (label, cells).
    notes : tuple of str
    """

    title: str
    heads: tuple[tuple[str, str], ...]
    panels: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]
    notes: tuple[str, ...]


def layout(table: PublicationTable, context: ReportContext) -> Layout:
    """Rows, marks and footnotes of a table as text."""
    place = ", ".join(p for p in (table.universe, f"{context.country} {context.period}".strip()) if p)
    heads: list[tuple[str, str]] = []
    for group in table.groups:
        name = group.heading if group.label else group.unit_label
        heads.append((name, "Estimate"))
        if group.has_interval:
            heads.append((name, f"{group.level_text} interval"))
    counts = _counts(table)
    heads += [("", head) for head, _ in counts]
    panels = tuple(
        (name, tuple((row.label, _cells(table, row, counts)) for row in rows)) for name, rows in table.panels
    )
    title = f"Table {table.number}. {table.title}" + (f": {place}" if place else "")
    return Layout(title=title, heads=tuple(heads), panels=panels, notes=tuple(_notes(table, context)))


def _counts(table: PublicationTable) -> list[tuple[str, Callable[[Row], str]]]:
    def unweighted(row: Row) -> str:
        return "○" if row.main.disclosure == "suppressed" else format_number(row.main.n)

    def weighted(row: Row) -> str:
        return "○" if row.main.disclosure == "suppressed" else format_number(weighted_n(row))

    found: list[tuple[str, Callable[[Row], str]]] = []
    if table.has("n"):
        found.append(("n (unweighted)", unweighted))
    if any(weighted_n(row) is not None for row in table.rows):
        found.append(("Weighted number", weighted))
    if table.has("cv"):
        found.append(("CV %", lambda row: _scaled(row.main.cv, 100, 1)))
    if table.has("deff"):
        found.append(("DEFF", lambda row: _scaled(row.main.deff, 1, 2)))
    return found


def _scaled(value: float | None, factor: float, decimals: int) -> str:
    return "" if value is None else format_number(value * factor, decimals)


def _cells(
    table: PublicationTable, row: Row, counts: Sequence[tuple[str, Callable[[Row], str]]]
) -> tuple[str, ...]:
    cells: list[str] = []
    for group, figure in zip(table.groups, row.figures, strict=True):
        cells.append("" if figure is None else shown_value(figure, group.decimals))
        if group.has_interval:
            cells.append("" if figure is None else interval_text(figure, group.decimals))
    return (*cells, *(count(row) for _, count in counts))


def _notes(table: PublicationTable, context: ReportContext) -> list[str]:
    notes = []
    if table.definition:
        series = ", ".join(group.series for group in table.groups if group.series)
        notes.append(f"Definition: {table.definition}." + (f" Series: {series}." if series else ""))
    if table.marks:
        notes.append("; ".join(f"{mark} {MARKS[mark]}" for mark in table.marks) + ".")
    for row in table.rows:
        told = [f for f in row.figures if f is not None and f.reasons and f.disclosure == "published"]
        # Reasons of plain values are remarks; those of marked ones explain the mark.
        notes += [f"{row.label}: {'; '.join(f.reasons)}." for f in told[:1] if mark_of(f)]
    if context.simulated:
        notes.append("Simulated data: the people in this table do not exist.")
    if context.source:
        notes.append(f"Source: {context.source}")
    return notes


def _layouts(figures: Sequence[Figure], context: ReportContext) -> list[Layout]:
    return [layout(t, context) for t in publication_tables(Figures(figures), context.dimension_labels)]


def tables_markdown(figures: Sequence[Figure], context: ReportContext) -> str:
    """Pipe tables of all figures."""

    def plain(text: str) -> str:
        text = " ".join(text.split())
        for sign in "\\|*_`<>[]":
            text = text.replace(sign, f"\\{sign}")
        return text

    out = []
    for table in _layouts(figures, context):
        heads = ["", *(" ".join(filter(None, (group, head))) for group, head in table.heads)]
        lines = ["| " + " | ".join(plain(h) for h in heads) + " |"]
        lines.append("|---|" + "---:|" * len(table.heads))
        for panel, rows in table.panels:
            if panel:
                lines.append(f"| **{plain(panel)}** |" + " |" * len(table.heads))
            lines += ["| " + " | ".join(plain(c) for c in (label, *cells)) + " |" for label, cells in rows]
        notes = [plain(note) for note in table.notes]
        out.append(f"**{plain(table.title)}**\n\n" + "\n".join(lines) + "\n\n" + "  \n".join(notes) + "\n")
    return "\n".join(out)


_CSS = (
    "body{font:14px sans-serif}table{border-collapse:collapse;margin-top:2em}"
    "caption{text-align:left;font-weight:bold}td,th{padding:.2em .6em;border-bottom:1px solid #ccc}"
    "td{text-align:right}tbody th{text-align:left}p{margin:.2em 0;color:#444}"
)
_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "○": r"$\circ$", "–": "--",
    "\u00a0": "~",
}  # fmt: skip


def tables_latex(figures: Sequence[Figure], context: ReportContext) -> str:
    """A document of ``longtable`` tables with ``booktabs`` rules."""

    def tex(text: str) -> str:
        return "".join(_TEX.get(c, c) for c in " ".join(text.split(" ")))

    out = []
    for table in _layouts(figures, context):
        width = len(table.heads) + 1
        groups = [
            (g, sum(1 for h, _ in table.heads if h == g)) for g in dict.fromkeys(h for h, _ in table.heads)
        ]
        # A group heading takes the width of its columns: a long one would drive the table off the page.
        room = [(n, tex(g), rf"P{{{2.1 * n:.1f}cm}}" if g else "c") for g, n in groups]
        top = " & ".join(["", *(rf"\multicolumn{{{n}}}{{{kind}}}{{{text}}}" for n, text, kind in room)])
        lines = [
            rf"\begin{{longtable}}{{l{'r' * (width - 1)}}}",
            rf"\caption*{{{tex(table.title)}}}\\",
            r"\toprule",
            top + r" \\",
            " & ".join(["", *(tex(h) for _, h in table.heads)]) + r" \\",
            r"\midrule",
            r"\endhead",
        ]
        for panel, rows in table.panels:
            if panel:
                lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textbf{{{tex(panel)}}}}} \\*")
            lines += [" & ".join(tex(c) for c in (label, *cells)) + r" \\" for label, cells in rows]
        # Notes stand below: inside, their width would be given to the last column.
        notes = r" \\ ".join(tex(note) for note in table.notes)
        below = [rf"{{\footnotesize\noindent {notes}\par}}"] if notes else []
        out.append("\n".join([*lines, r"\bottomrule", r"\end{longtable}", *below]))
    head = "\n".join([
        r"\documentclass[9pt,a4paper,landscape]{extarticle}",
        r"\usepackage{array,booktabs,longtable,caption}",
        r"\newcolumntype{P}[1]{>{\centering\arraybackslash}p{#1}}", r"\setlength{\tabcolsep}{4pt}",
        r"\usepackage[margin=15mm]{geometry}", r"\usepackage[T1]{fontenc}", r"\begin{document}",
    ])  # fmt: skip
    return head + "\n" + "\n\n".join(out) + "\n\\end{document}\n"


def tables_html(figures: Sequence[Figure], context: ReportContext) -> str:
    """A plain page of tables to paste into a text; the report is the full page."""
    out = []
    for table in _layouts(figures, context):
        heads = "".join(f'<th scope="col">{escape(f"{g} {h}".strip())}</th>' for g, h in table.heads)
        body = []
        for panel, rows in table.panels:
            lines = [
                f'<tr><th scope="row">{escape(label)}</th>'
                + "".join(f"<td>{escape(c)}</td>" for c in cells)
                + "</tr>"
                for label, cells in rows
            ]
            if panel:
                span = len(table.heads) + 1
                lines.insert(0, f'<tr><th scope="rowgroup" colspan="{span}">{escape(panel)}</th></tr>')
            body.append(f"<tbody>{''.join(lines)}</tbody>")
        notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
        out.append(
            f"<table><caption>{escape(table.title)}</caption><thead><tr><td></td>{heads}</tr></thead>"
            f"{''.join(body)}</table>{notes}"
        )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(context.title)}</title>'
        f"<style>{_CSS}</style></head><body><main>"
        f"<h1>{escape(context.title)}</h1>{''.join(out)}</main></body></html>\n"
    )


def tables_csv(figures: Sequence[Figure], context: ReportContext) -> str:
    """All tables below each other as they are printed; ``figures.csv`` is the tidy file for programs."""
    out = []
    for table in _layouts(figures, context):
        rows: list[list[str]] = []
        for panel, lines in table.panels:
            rows += ([[panel]] if panel else []) + [[label, *cells] for label, cells in lines]
        heads = ["", *(" ".join(filter(None, head)) for head in table.heads)]
        out.append(table_csv([table.title], [heads, *rows, *([note] for note in table.notes)]))
    return "\n".join(out)
