"""Text tables: one strict reading, in which no digit is lost and no row is bent to fit.

DuckDB parses (its strict mode refuses ragged rows and open quotes); every column comes as text and is
made a number only if all its cells are numbers that survive it: codes with leading zeros and numbers of
more than fifteen digits keep their text (integers of up to eighteen digits are exact and become Int64).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._encodings import TextReader
from survey_toolkit.microdata._engine_room import connect
from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata._statistical import RawTable
from survey_toolkit.microdata.model import Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INTEGER", "REAL", "quote_identifier", "read_delimited", "relation_of", "stage_delimited"]

_DELIMITERS = (",", ";", "\t", "|")
_MAX_LINE = 1_000_000
_BLOCK = 1 << 22
_WIDE = 2_000
_SAMPLES = 2_000
INTEGER = r"[-+]?(0|[1-9][0-9]{0,17})"
REAL = r"[-+]?((0|[1-9][0-9]*)([.][0-9]+)?|[.][0-9]+)([eE][-+]?[0-9]{1,3})?"


def read_delimited(
    path: Path, folder: Path, *, encoding: str | None, columns: list[str] | None, limits: ReadLimits
) -> RawTable:
    """Read a comma, semicolon, tab or bar separated file strictly.

    Raises
    ------
    DataFileError
        Wrong encoding, NUL bytes, no header, a column name twice, too many columns, a row with too few
        or too many cells, an open quote.
    """
    staged = stage_delimited(path, folder, encoding=encoding, limits=limits)
    frame = _parse(path.name, staged.path, staged.delimiter, staged.names, columns)
    typed = {name: _typed(frame[name], decimal_comma=staged.delimiter == ";") for name in frame.columns}
    return RawTable(
        _frame(typed), {name: Variable(name=name) for name in typed}, staged.encoding, tuple(staged.notes)
    )


@dataclass(frozen=True, slots=True)
class Staged:
    """A text table as UTF-8 with plain line ends, and what its first line says."""

    path: Path
    delimiter: str
    names: list[str]
    encoding: str
    notes: list[str]


def stage_delimited(path: Path, folder: Path, *, encoding: str | None, limits: ReadLimits) -> Staged:
    """Decode a text table strictly into a private folder, and read its first line."""
    text = TextReader(path.name, given=encoding, usually_utf8=True)
    used = _encoding(path, text)
    staged = folder / "table.csv"
    notes = [*text.notes, *_stage(path, staged, used)]
    delimiter, names = _header(path.name, staged, limits)
    return Staged(staged, delimiter, names, used.removesuffix("-sig"), notes)


def relation_of(connection: Any, staged: Path, delimiter: str, names: list[str]) -> Any:
    """Cells as text through the engine, strictly: it refuses ragged rows and open quotes."""
    return connection.read_csv(
        str(staged),
        header=False,
        auto_detect=False,
        skiprows=1,
        sep=delimiter,
        quotechar='"',
        escapechar='"',
        strict_mode=True,
        null_padding=False,
        ignore_errors=False,
        columns=dict.fromkeys(names, "VARCHAR"),
        max_line_size=_MAX_LINE,
    )


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns)


def _encoding(path: Path, text: TextReader) -> str:
    """UTF-16 by its mark, else as given, else UTF-8 if all bytes are, else what the letters look like."""
    with path.open("rb") as handle:
        start = handle.read(4)
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        if text.given:
            return text.codec
        decoder = codecs.getincrementaldecoder("utf-8")()
        handle.seek(0)
        samples: list[bytes] = []
        valid = True
        while block := handle.read(_BLOCK):
            if b"\x00" in block:
                raise _nul(path)
            if len(samples) < _SAMPLES and not block.isascii():
                cells = re.split(rb"[,;\t|\r\n\"]+", block)
                samples += [cell for cell in cells if not cell.isascii()][:_SAMPLES]
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                valid = False
                break
        if valid:
            text.settle(samples)
            return "utf-8-sig"
    if not _utf8_up_to_the_end(path):
        text.settle(samples)
    return text.codec


def _cut_off(path: Path) -> DataFileError:
    return DataFileError(
        "the file ends in the middle of a letter; it was cut off",
        where=path.name,
        hint="fetch the file again, and compare its size or checksum with the original",
        code="truncated",
    )


def _too_long(name: str) -> DataFileError:
    return DataFileError(
        f"the line of column names is longer than {_MAX_LINE:,} characters",
        where=name,
        hint="is this a table of answers?",
        code="too-large",
    )


def _nul(path: Path) -> DataFileError:
    return DataFileError(
        "the text holds NUL bytes",
        where=path.name,
        hint="it is damaged: export it again; UTF-16 without its mark: encoding='utf-16-le'",
        code="damaged",
    )


def _utf8_up_to_the_end(path: Path) -> bool:
    """Whether the file is UTF-8 but for a few bytes: then it is damaged, not in another encoding."""
    with path.open("rb") as handle:
        text = handle.read(_BLOCK).decode("utf-8", "replace")
    odd = text.count("\ufffd")
    return 0 < 20 * odd < sum(not c.isascii() for c in text)


def _stage(path: Path, staged: Path, encoding: str) -> list[str]:
    """Write the text as UTF-8 with plain line ends; the strict decoding happens here."""
    notes = []
    odd_ends = False
    try:
        with (
            path.open(encoding=encoding, newline="") as source,
            staged.open("w", encoding="utf-8", newline="") as out,
        ):
            tail = ""
            while block := source.read(_BLOCK):
                block = tail + block
                tail = ""
                while block.endswith("\r"):
                    block, tail = block[:-1], "\r" + tail
                if "\x00" in block:
                    raise _nul(path)
                if "\r\r\n" in block + tail:
                    odd_ends = True
                    block = block.replace("\r\r\n", "\n")
                out.write(block.replace("\r\n", "\n").replace("\r", "\n"))
            out.write("\n" if tail else "")
    except UnicodeDecodeError as exc:
        if exc.reason in ("truncated data", "unexpected end of data") and exc.end >= len(exc.object):
            raise _cut_off(path) from None
        raise DataFileError(
            f"the text is not {encoding.removesuffix('-sig').upper()}",
            where=path.name,
            found=f"byte {exc.object[exc.start]:#04x}",
            hint="give its encoding, for example encoding='cp874' (Thai), 'gb18030' (Chinese), "
            "'cp1258' or 'tcvn' (Vietnamese), 'cp1252' (Western European)",
            code="encoding",
        ) from None
    except UnicodeError as exc:
        raise DataFileError("the text cannot be decoded", where=path.name, found=str(exc)[:80]) from None
    if odd_ends:
        notes.append("lines end in CR CR LF (a file written in text mode twice); read as one line end")
    return notes


def _header(name: str, staged: Path, limits: ReadLimits) -> tuple[str, list[str]]:
    with staged.open(encoding="utf-8", newline="") as handle:
        line = handle.readline(_MAX_LINE + 1)
    if not line.strip():
        raise DataFileError("the first line is empty", where=name, expected="the column names", code="schema")
    counts = {d: line.count(d) for d in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda d: counts[d]) if any(counts.values()) else ","
    if name.lower().endswith((".tsv", ".tab")):
        delimiter = "\t"
    if len(line) > _MAX_LINE and counts[delimiter] < limits.columns:
        raise _too_long(name)
    if counts[delimiter] >= limits.columns:
        raise DataFileError(
            "too many columns",
            where=name,
            found=f"{counts[delimiter] + 1:,}",
            expected=f"at most {limits.columns:,}",
            hint="raise the limit: ReadLimits(columns=…)",
            code="too-large",
        )
    try:
        names = [n.strip() for n in next(csv.reader(io.StringIO(line), delimiter=delimiter, strict=True))]
    except csv.Error:
        raise DataFileError(
            "the header line is not well formed", where=name, hint="check its quotation marks", code="schema"
        ) from None
    twice = sorted({n for n in names if names.count(n) > 1})[:5] if len(set(names)) < len(names) else []
    if twice or "" in names:
        problem = "an empty column name" if "" in names else ", ".join(f"'{n}'" for n in twice)
        raise DataFileError(
            "every column needs a name of its own",
            where=name,
            found=problem,
            hint="rename the columns in the header line",
            code="schema",
        )
    return delimiter, names


def _parse(
    name: str, staged: Path, delimiter: str, names: list[str], columns: list[str] | None
) -> pd.DataFrame:
    """Cells as text. DuckDB is fast; what it refuses goes through Python's parser, which tells the line."""
    import duckdb

    wanted = names if columns is None else [c for c in columns if c in names]
    if len(names) > _WIDE or len(names) == 1:
        return _parse_plainly(name, staged, delimiter, names, wanted)
    connection = connect()
    try:
        relation = relation_of(connection, staged, delimiter, names)
        chosen = relation.select(*[duckdb.ColumnExpression(w) for w in wanted]) if wanted else relation
        frame: pd.DataFrame = chosen.df()
    except duckdb.Error:
        return _parse_plainly(name, staged, delimiter, names, wanted)
    finally:
        connection.close()
    return frame


def _parse_plainly(
    name: str, staged: Path, delimiter: str, names: list[str], wanted: list[str]
) -> pd.DataFrame:
    """Python's strict parser; messages hold the line number and counts, never the answers on the line."""
    import pandas as pd

    rows: list[list[str]] = []
    before = csv.field_size_limit(_MAX_LINE)
    with staged.open(encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle, delimiter=delimiter, strict=True)
        try:
            next(reader)
            for row in reader:
                if len(row) != len(names) and row:
                    raise _error(
                        name, reader.line_num, found=f"{len(row)} cells", expected=f"{len(names)} cells"
                    )
                if row or len(names) == 1:
                    rows.append(row or [""])
        except csv.Error as exc:
            raise _error(name, reader.line_num, why=str(exc)) from None
        finally:
            csv.field_size_limit(before)
    cells = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    return pd.DataFrame({n: pd.Series(cells[n], dtype=object) for n in wanted})


def _error(
    name: str, line: int, *, why: str = "", found: str | None = None, expected: str | None = None
) -> DataFileError:
    if found:
        what, hint = (
            "a row has another number of cells than the header",
            "quote cells that hold the separator",
        )
    elif "field larger" in why:
        what, hint = f"a cell is longer than {_MAX_LINE:,} characters", "is this a table of answers?"
        return DataFileError(what, where=f"{name}:{line}", hint=hint, code="too-large")
    elif "end of data" in why:
        what, hint = "a quotation mark is opened and not closed", "close it, or double it inside a text"
    else:
        what, hint = "a quotation mark stands inside a cell", "put the cell in quotes and double the mark"
    return DataFileError(
        what, where=f"{name}:{line}", found=found, expected=expected, hint=hint, code="schema"
    )


def _typed(column: pd.Series[Any], *, decimal_comma: bool) -> Any:
    """Whole numbers, numbers, true and false, or text; empty cells are null."""
    import pandas as pd

    text = column.astype(pd.StringDtype(na_value=pd.NA))
    text = text.mask(text.str.strip() == "")
    distinct = pd.Series(text.dropna().unique(), dtype=pd.StringDtype(na_value=pd.NA)).str.strip()
    if distinct.empty:
        return text
    if set(distinct) <= {"true", "false"}:
        return (text.str.strip() == "true").astype("boolean")
    if distinct.str.fullmatch(INTEGER).all():
        return pd.to_numeric(text.str.strip()).astype("Int64")
    if decimal_comma and not distinct.str.contains(".", regex=False).any():
        distinct = distinct.str.replace(",", ".", regex=False)
        stripped = text.str.strip().str.replace(",", ".", regex=False)
    else:
        stripped = text.str.strip()
    digits = distinct.str.replace(r"[eE].*$|[^0-9]", "", regex=True).str.lstrip("0")
    if distinct.str.fullmatch(REAL).all() and (digits.str.len() <= 17).all():
        numbers = pd.to_numeric(stripped).astype("Float64")
        if not (numbers.abs() == float("inf")).any():
            return numbers
    return text


def quote_identifier(name: str) -> str:
    """Quote a column name for SQL."""
    return '"' + name.replace('"', '""') + '"'
