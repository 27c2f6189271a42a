"""Read the result pages of the benchmarks and write the one table of them all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

_SECONDS = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*s\b")
_MEMORY = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(MB|GB)\b")
_NUMBER = re.compile(r"^\**(\d[\d,]*(?:\.\d+)?)\**(?=$|\s|\()")
_ROWS = re.compile(r"(\d[\d,]{3,})\s+(?:rows|children|x\s+\d+)")
_FRAME = re.compile(r"(\d[\d,]{3,})\s+(?:rows|children|households|x\s+\d+)")
_PEER_ROW = re.compile(r"\b(pyreadstat|svy \d+\.\d+)\b")
_DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
_MACHINE = re.compile(r"\b(x86_64|aarch64|arm64|AMD64)\b")
_PYTHON = re.compile(r"Python\s+(\d+\.\d+\.\d+)")
_CORES = re.compile(r"(\d+) (?:shared )?cores|(one thread)")
_PEERS = re.compile(r"\b((?:svy|pyreadstat|pandas|numpy|DuckDB|R survey|conting)(?: \d+(?:\.\d+)+)?)\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the overview; seconds and megabytes are None where the page does not give them."""

    task: str
    seconds: float | None
    peers: tuple[tuple[str, str], ...]
    megabytes: float | None
    rows: int | None
    unit: str = "s"

    @property
    def bytes_per_row(self) -> float | None:
        """Peak memory of the process over the rows of the file."""
        return self.megabytes * 1e6 / self.rows if self.megabytes is not None and self.rows else None


@dataclass(frozen=True, slots=True)
class Page:
    """A result page: title, where it was measured, its timed rows (none for a page on recovery)."""

    file: str
    title: str
    date: str
    machine: str
    rows: tuple[Row, ...] = field(default=())


def tables(text: str) -> list[tuple[list[str], list[list[str]]]]:
    """Return (header, rows) of every Markdown table of a text."""
    out: list[tuple[list[str], list[list[str]]]] = []
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
            continue
        if len(block) > 2 and set(block[1]) <= set("|-: "):
            header, _, *body = [[c.strip() for c in row.strip().strip("|").split("|")] for row in block]
            out.append((header, body))
        block = []
    return out


def number(text: str) -> float:
    """Return a number as printed, thousands with commas."""
    return float(text.replace(",", ""))


def seconds_of(header: str, cell: str) -> float | None:
    """Return seconds from a cell such as ``0.26 s, 330 MB``, or a bare number under a heading of seconds."""
    if found := _SECONDS.search(cell):
        return number(found[1])
    if re.search(r"wall s\b|seconds", header) and "CPU" not in header and (found := _NUMBER.match(cell)):
        return number(found[1])
    return None


def megabytes_of(header: str, cell: str) -> float | None:
    """Return megabytes from a cell, or a bare number under a heading such as ``peak GB``."""
    if "file" in header:
        return None
    if found := _MEMORY.search(cell):
        return number(found[1]) * (1000 if found[2] == "GB" else 1)
    if (unit := re.search(r"peak (MB|GB)", header)) and (found := _NUMBER.match(cell)):
        return number(found[1]) * (1000 if unit[1] == "GB" else 1)
    return None


def rows_of(text: str, pattern: re.Pattern[str] = _ROWS) -> int | None:
    """Return the number of data rows that a text speaks of first."""
    found = pattern.search(text)
    return int(found[1].replace(",", "")) if found else None


def _task(pairs: Sequence[tuple[str, str]], count: int | None) -> str:
    words = [c for h, c in pairs[:2] if not (_NUMBER.match(c) or seconds_of(h, c) or megabytes_of(h, c))]
    return " ".join(words) or (f"{count:,} rows" if count else pairs[0][1])


def _row(pairs: Sequence[tuple[str, str]], whole: int | None) -> Row:
    """One line of a table as it stands; seconds are None on a line of memory alone."""
    named = dict(pairs)
    count = next((int(number(c)) for h, c in pairs if h == "rows" and re.fullmatch(r"[\d,]+", c)), None)
    task = _task(pairs, count)
    timed = [(h, c, s) for h, c in pairs[1:] if (s := seconds_of(h, c)) is not None]
    memory = next((m for h, c in pairs[1:] if (m := megabytes_of(h, c)) is not None), None)
    rows = count or rows_of(task) or whole
    theirs, mine = named.get("peer's CPU s"), named.get("CPU s")
    if theirs and mine and named.get("peer"):
        return Row(task, number(mine), ((named["peer"], f"{theirs} CPU s"),), memory, rows, "CPU s")
    peers = tuple((h, c) for h, c, _ in timed[1:] if not re.search(r"busy|wall|CPU|^times", h))
    return Row(task, timed[0][2] if timed else None, peers, memory, rows)


def _of_the_peer(row: Row, found: re.Match[str]) -> Row:
    """Move what a peer's own line says to the column of peers."""
    said = f"{row.seconds:,.3g} {row.unit}" + (f", {row.megabytes:,.0f} MB" if row.megabytes else "")
    return Row(row.task, None, ((found[0], said),), None, row.rows)


def table_rows(header: Sequence[str], body: Sequence[Sequence[str]], whole: int | None) -> list[Row]:
    """Rows of one table, each peer beside ours.

    A line of memory alone goes to the first line of time (it is of the whole process). "The same" keeps the
    rows of the line before. A line of a peer stands beside the line of ours that is called alike.
    """
    out: list[Row] = []
    waiting: dict[str, Row] = {}
    for cells in body:
        row = _row(list(zip(header, cells, strict=False)), whole)
        if row.seconds is None:
            if out and row.megabytes is not None and out[0].megabytes is None:
                out[0] = replace(out[0], megabytes=row.megabytes)
            continue
        if out and row.task.startswith("the same") and rows_of(row.task) is None:
            row = replace(row, rows=out[-1].rows)
        if found := _PEER_ROW.search(row.task):
            waiting[row.task.replace(found[0], "ours")] = _of_the_peer(row, found)
            continue
        if peer := waiting.pop(row.task, None):
            row = replace(row, peers=peer.peers)
        out.append(row)
    return out + [replace(r, task=t.replace("ours", r.peers[0][0])) for t, r in waiting.items()]


def read_page(path: Path) -> Page:
    """Read a result page."""
    text = path.read_text(encoding="utf-8")
    title = next((line[2:] for line in text.splitlines() if line.startswith("# ")), path.stem)
    found = [r for header, body in tables(text) for r in table_rows(header, body, rows_of(text, _FRAME))]
    date, machine = _DATE.search(text), _MACHINE.search(text)
    python, cores = _PYTHON.search(text), _CORES.search(text)
    where = [
        machine[0] if machine else "",
        cores[0] if cores else "",
        f"Python {python[1]}" if python else "",
        *sorted({m[1] for m in _PEERS.finditer(text) if re.search(r"\d", m[1])}),
    ]
    timed = () if "recovery" in path.stem or "coverage" in path.stem else tuple(found)
    return Page(path.name, title, date[0] if date else "", ", ".join(filter(None, where)), timed)


def _line(page: Page, row: Row) -> str:
    memory = "" if row.megabytes is None else f"{row.megabytes:,.0f} MB"
    each = "" if row.bytes_per_row is None else f"{row.bytes_per_row:,.0f} B"
    peers = "; ".join(f"{name}: {value}" for name, value in row.peers)
    seconds = "" if row.seconds is None else f"{row.seconds:,.3g} {row.unit}"
    return f"| [{page.title}]({page.file}) | {row.task} | {seconds} | {peers} | {memory} | {each} |"


def overview(paths: Iterable[Path]) -> str:
    """Return the overview of all result pages, in Markdown."""
    pages = [read_page(p) for p in paths]
    lines = [
        "# All benchmarks",
        "",
        "Written by `python benchmarks/run_all.py` from the pages beside it; each says what is timed.",
        "Medians; memory is the peak of the whole process, imports included, and per row that over the rows.",
        "Seconds are wall seconds, or CPU seconds on both sides where the page has those of the peer only.",
        "Pages were measured at different loads: compare within a line, not between lines.",
        "",
        "| page | task | survey_toolkit | peers | memory | memory per row |",
        "|---|---|---:|---|---:|---:|",
        *(_line(page, row) for page in pages for row in page.rows),
        "",
        "## Where and when",
        "",
        "| page | measured | machine and versions |",
        "|---|---|---|",
        *(
            f"| [{p.title}]({p.file}) | {p.date or 'not stated'} | {p.machine or 'not stated'} |"
            for p in pages
        ),
        "",
        "Pages without a line above are on bias and coverage, not on time.",
    ]
    return "\n".join(lines) + "\n"
