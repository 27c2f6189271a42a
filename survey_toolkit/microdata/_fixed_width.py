"""Fixed-width text: lines cut by a layout, each kind of line a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._encodings import TextReader
from survey_toolkit.microdata._files import SourceFile
from survey_toolkit.microdata._layouts import Field, Layout, Record, read_layout
from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata._statistical import RawTable, all_whole
from survey_toolkit.microdata._text import decode_fixed, non_ascii
from survey_toolkit.microdata.model import Variable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["read_fixed_width", "read_records"]


def read_fixed_width(
    source: SourceFile,
    layout: Path,
    *,
    table: str | None,
    encoding: str | None,
    columns: list[str] | None,
    limits: ReadLimits,
) -> RawTable:
    """Read the lines of one record; ``table`` names it where the layout has several.

    Raises
    ------
    DataFileError
        Several records and none named, a line of no known kind, a number that is none.
    """
    described = read_layout(layout)
    record = _record(source.name, described, table)
    return _read_record(source, described, record, encoding, columns, limits)


def read_records(
    source: SourceFile, layout: Path, *, encoding: str | None, limits: ReadLimits
) -> dict[str, tuple[RawTable, Layout]]:
    """Every record of the layout that has lines."""
    described = read_layout(layout)
    tables = {
        record.name: (_read_record(source, described, record, encoding, None, limits), described)
        for record in described.records
    }
    return {name: found for name, found in tables.items() if len(found[0].frame)}


def _record(where: str, layout: Layout, table: str | None) -> Record:
    names = [record.name for record in layout.records]
    if table is None and len(names) == 1:
        return layout.records[0]
    if table in names:
        return layout.records[names.index(table)]
    raise DataFileError(
        "the layout describes several kinds of lines" if table is None else "the layout has no such record",
        where=where,
        found=f"'{table}'" if table else None,
        expected=", ".join(names[:20]),
        hint=f"read_microdata(path, layout=…, table='{names[0]}'), or all with read_tables(path, layout=…)",
        code="several-tables",
    )


def _read_record(
    source: SourceFile,
    layout: Layout,
    record: Record,
    encoding: str | None,
    columns: list[str] | None,
    limits: ReadLimits,
) -> RawTable:
    import pandas as pd

    lines = [line for line in source.path.read_bytes().split(b"\n") if line.strip(b" \r\x1a\x00")]
    lines = [line.rstrip(b"\r") for line in lines]
    text = TextReader(source.name, given=encoding, usually_utf8=True)
    own = _own_lines(source.name, lines, layout, record)
    fields = [f for f in record.fields if columns is None or f.name in columns]
    _check_width(source.name, own, record)
    _check_room(source, own, fields, limits)
    arrays: dict[str, Any] = {}
    cut = {f.name: _cut(own, f) for f in fields}
    text.settle([cell for cells in cut.values() for cell in non_ascii(cells, None, 50)])
    for item in fields:
        where = f"{source.name}: column '{item.name}'"
        arrays[item.name] = _typed(cut.pop(item.name), item, text.codec, where)
    variables = {
        f.name: Variable(name=f.name, label=f.label, value_labels=f.value_labels, missing=tuple(f.missing))
        for f in fields
    }
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(len(own)))
    return RawTable(frame, variables, text.codec, tuple(text.notes))


def _own_lines(where: str, lines: list[bytes], layout: Layout, record: Record) -> list[bytes]:
    if not record.mark:
        return lines
    marks = {r.mark.encode() for r in layout.records}
    start, size = record.mark_at, len(record.mark)
    unknown = next((n for n, line in enumerate(lines, 1) if line[start : start + size] not in marks), None)
    if unknown is not None:
        raise DataFileError(
            "a line is of no kind that the layout knows",
            where=f"{where}:{unknown}",
            expected=f"one of {', '.join(sorted(r.mark for r in layout.records))} at column {start + 1}",
            hint="is this the layout of this file?",
            code="schema",
        )
    own = record.mark.encode()
    return [line for line in lines if line[start : start + size] == own]


def _check_width(where: str, lines: list[bytes], record: Record) -> None:
    if not lines:
        return
    needed = max(f.start for f in record.fields) + 1
    widest = max(map(len, lines))
    if widest < needed:
        raise DataFileError(
            "the lines are shorter than the layout says",
            where=where,
            found=f"{widest:,} characters",
            expected=f"{needed:,} or more",
            hint="is this the layout of this file?",
            code="schema",
        )


def _check_room(source: SourceFile, lines: list[bytes], fields: list[Field], limits: ReadLimits) -> None:
    """Cells are held at the width of their column: one long line among short ones must not fill memory."""
    widest = max(map(len, lines), default=0)
    room = len(lines) * sum(min(f.width, max(0, widest - f.start)) for f in fields)
    if room > (most := limits.memory_for(source.n_bytes)):
        raise DataFileError(
            "reading would need more memory than the limit",
            where=source.name,
            found=f"{room:,} bytes for {len(lines):,} lines of up to {widest:,} characters",
            expected=f"at most {most:,}",
            hint="is this the layout of this file? else raise limits=ReadLimits(memory_bytes=…)",
            code="too-large",
        )


def _cut(lines: list[bytes], item: Field) -> NDArray[np.bytes_]:
    end = item.start + item.width
    cells = [line[item.start : end] for line in lines]
    return np.array(cells, dtype=f"S{max(1, max(map(len, cells), default=1))}")


def _typed(cells: NDArray[np.bytes_], item: Field, codec: str, where: str) -> Any:
    import pandas as pd

    texts = decode_fixed(cells, codec, where=where)
    dtype = pd.StringDtype("python", na_value=pd.NA)
    if item.is_text:
        return pd.Series(texts, dtype=dtype)
    stripped = pd.Series(texts, dtype=dtype).str.strip()
    blank = (stripped == "").to_numpy(dtype=bool)
    whole = not item.decimals and not stripped.str.contains(".", regex=False).any()
    if whole and item.width > 15:  # identifiers: no digit may be lost
        return stripped.mask(blank)
    numbers = pd.to_numeric(stripped.mask(blank), errors="coerce")
    values = numbers.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    bad = np.flatnonzero(np.isnan(values) & ~blank)
    stars = stripped.str.strip("*.") == ""
    bad = bad[~stars.to_numpy(dtype=bool)[bad]]
    if len(bad):
        raise DataFileError(
            "a cell of a number column holds no number",
            where=f"{where}, row {bad[0] + 1:,}",
            hint="is this the layout of this file?",
            code="schema",
        )
    if item.decimals:
        point = stripped.str.contains(".", regex=False).fillna(False).to_numpy(dtype=bool)
        values[~point] /= 10.0**item.decimals
    return _masked(values)


def _masked(values: NDArray[np.floating[Any]]) -> pd.api.extensions.ExtensionArray:
    import pandas as pd

    mask = np.isnan(values)
    if all_whole(values.astype(np.float64), mask):
        return pd.arrays.IntegerArray(np.where(mask, 0, values).astype(np.int64), mask)
    return pd.arrays.FloatingArray(values, mask)
