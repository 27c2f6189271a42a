"""What the command line prints of data files: inspections, checks, differences between audits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from survey_toolkit.dissemination.terminal import escaped, new_console, new_table, print_notes
from survey_toolkit.microdata._inspection_page import codes_text, missing_text

if TYPE_CHECKING:
    from rich.console import Console

    from survey_toolkit.microdata import AuditDiff, CheckReport, Inspection, TableSet

__all__ = ["print_checks", "print_diff", "print_inspection", "print_links"]

#: Codes of a variable shown in one line.
_CODES = 6


def print_inspection(inspection: Inspection, console: Console | None = None) -> None:
    """Print a codebook, columns that name a person, guesses of roles, and what looks wrong."""
    out = console or new_console()
    source = inspection.source
    title = f"{source.name}: {inspection.rows_shown}, {len(inspection.variables)} variables ({source.format})"
    table = new_table(title)
    table.add_column("variable", no_wrap=True)
    table.add_column("label", ratio=2)
    table.add_column("type", no_wrap=True)
    table.add_column("valid", justify="right", no_wrap=True)
    table.add_column("missing", ratio=1)
    table.add_column("codes or range", ratio=3)
    for v in inspection.variables:
        kind = v.kind if v.kind.startswith("identifier") else v.type
        shown = codes_text(v, most=_CODES, between="; ")
        table.add_row(*map(escaped, (v.name, v.label, kind, v.valid_shown, missing_text(v), shown)))
    out.print(table)
    if inspection.hidden_note:
        out.print(escaped(inspection.hidden_note))
    _print_rows(
        out,
        "Names a person: remove before the file is passed on",
        ("column", "what", "why"),
        [(i.name, i.kind, i.reason) for i in inspection.identifiers],
    )
    _print_rows(
        out,
        "What may be what (guesses; nothing is applied)",
        ("role", "column", "reason"),
        [(g.role, g.name, g.reason) for g in inspection.guesses],
    )
    _print_rows(
        out, "What looks wrong", ("column", "what"), [(s.name, s.what) for s in inspection.suspicions]
    )
    print_notes(out, inspection.notes)


def print_links(tables: TableSet, console: Console | None = None) -> None:
    """Print how the rows of child tables find their parents."""
    _print_rows(
        console or new_console(),
        "Links between the tables (check them before a join)",
        ("child", "parent", "by"),
        [(k.child, k.parent, ", ".join(f"{a} = {b}" for a, b in k.on)) for k in tables.links],
    )


def print_checks(report: CheckReport, console: Console | None = None) -> None:
    """Print the findings of the checks, errors first."""
    out = console or new_console()
    title = (
        f"{report.name}: {len(report.errors)} errors, {len(report.flags)} flags in {len(report.ran)} checks"
    )
    rows = [(f.severity, f.check, f.message, f"{f.count:,}") for f in report.findings]
    _print_rows(out, title, ("severity", "check", "what", "count"), rows, empty="nothing found")
    print_notes(out, report.notes)


def print_diff(diff: AuditDiff, console: Console | None = None) -> None:
    """Print what differs between two audits."""
    rows = [(c.target, c.what, c.before, c.after) for c in diff.changes]
    _print_rows(
        console or new_console(),
        f"{diff.before} → {diff.after}",
        ("target", "what", "before", "after"),
        rows,
        empty="no difference",
    )


def _print_rows(
    out: Console, title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = ""
) -> None:
    listed = list(rows)
    if not listed:
        if empty:
            out.print(f"{escaped(title)}: {empty}")
        return
    table = new_table(title)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in listed:
        table.add_row(*map(escaped, row))
    out.print(table)
