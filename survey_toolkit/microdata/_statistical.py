"""From the child's raw arrays to columns and variables: text, whole numbers, dates, missing values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._encodings import TextReader
from survey_toolkit.microdata._process import Reading, ReadLimits, reading
from survey_toolkit.microdata._text import decode_cells, decode_fixed, non_ascii
from survey_toolkit.microdata.model import MISSING_SUFFIX, Code, MissingCode, Variable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["OpenFile", "RawBlock", "RawColumn", "RawTable", "open_statistical", "read_statistical"]

#: Rows that are read at a time; 0: as many as make some megabytes.
ROWS_A_BLOCK = 0
_C_PARSED = ("sas7bdat", "sas7bcat", "xpt")
#: Display formats whose numbers count from an epoch.
_SPSS_EPOCH = np.datetime64("1582-10-14T00:00:00", "s")
_EPOCH_1960 = np.datetime64("1960-01-01T00:00:00", "s")
_SPSS_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "DATETIME", "YMDHMS")
_SAS_DAYS = ("DATE", "DDMMYY", "MMDDYY", "YYMMDD", "E8601DA", "B8601DA", "WEEKDATE", "WORDDATE", "JULIAN")
_SAS_SECONDS = ("DATETIME", "E8601DT", "B8601DT", "DATEAMPM")
#: Letter of a tagged missing value to its text; 0 stands for none.
TAG_WORDS = np.array([f".{chr(i).lower()}" if i else None for i in range(256)], dtype=object)


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns and their descriptions as read, before they become Microdata."""

    frame: pd.DataFrame
    variables: dict[str, Variable]
    encoding: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Some rows: for each column numbers or texts, and letters of tagged missing values."""

    n_rows: int
    numbers: dict[int, NDArray[np.float64]]
    tags: dict[int, NDArray[np.uint8]]
    texts: dict[int, NDArray[np.object_]]


@dataclass(slots=True)
class OpenFile:
    """A file open in the child: what its header says, and its rows when asked for."""

    name: str
    folder: Path
    kind: str
    meta: dict[str, Any]
    source: Reading
    text: TextReader
    chosen: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def columns(self) -> list[RawColumn]:
        """Descriptions of the columns chosen."""
        return [RawColumn(index, self.meta, self.kind, self.text) for index in self.chosen]

    def choose(self, names: list[str] | None) -> None:
        """Keep the columns with these names, in the order of the file; unknown names are left out."""
        self.chosen = list(range(len(self.meta["names"])))
        if names is not None:
            wanted = set(names)
            self.chosen = [i for i in self.chosen if self.text(self.meta["names"][i]) in wanted]

    def blocks(self) -> Iterator[RawBlock]:
        """Read the rows, block after block; texts are decoded strictly."""
        self.source.ask({"op": "choose", "columns": self.chosen, "rows": ROWS_A_BLOCK})
        for stem, n_rows in self.source.blocks(self.folder):
            yield self._block(stem, n_rows)
        self.notes += self.source.notes

    def _block(self, stem: str, n_rows: int) -> RawBlock:
        is_text = [bool(self.meta["texts"][i]) for i in self.chosen]
        held = [i for i, text in zip(self.chosen, is_text, strict=True) if not text]
        block = RawBlock(n_rows, {}, {}, {})
        if held:
            block.numbers.update(zip(held, _taken(f"{stem}.npy"), strict=True))
            if Path(f"{stem}.tags.npy").is_file():
                found = zip(held, _taken(f"{stem}.tags.npy"), strict=True)
                block.tags.update((i, letters) for i, letters in found if letters.any())
        raw = {i: _raw_text(f"{stem}.{at}") for at, i in enumerate(self.chosen) if is_text[at]}
        if not self.text.settled:
            self.text.settle([sample for cells in raw.values() for sample in non_ascii(*cells)])
        for index in list(raw):
            place = f"{self.name}: column '{self.text(self.meta['names'][index])}'"
            cells, lengths = raw.pop(index)
            encoding = self.text.codec
            if lengths is None:
                block.texts[index] = decode_fixed(cells, encoding, where=place, padded=self.kind != "dta")
            else:
                block.texts[index] = decode_cells(cells, lengths, encoding, where=place)
        return block


def _taken(path: str) -> Any:
    """Load an array and remove its file."""
    out = np.load(path, allow_pickle=False)
    os.unlink(path)
    return out


def _raw_text(stem: str) -> tuple[Any, NDArray[np.int64] | None]:
    if os.path.exists(stem + ".npy"):
        return _taken(stem + ".npy"), None
    blob = Path(stem + ".bin").read_bytes()
    os.unlink(stem + ".bin")
    return blob, _taken(stem + ".len.npy")


@contextmanager
def open_statistical(
    path: Path,
    folder: Path,
    *,
    kind: str,
    n_bytes: int,
    encoding: str | None,
    limits: ReadLimits,
    options: Mapping[str, Any] | None = None,
) -> Iterator[OpenFile]:
    """Open a file in the child process; it can be read until the block ends.

    Raises
    ------
    WorkerFailure
        From the child: crash, time, memory, or the parser's refusal.
    DataFileError
        Its texts are not in the encoding.
    """
    request = {
        "op": "open",
        "path": str(path.resolve()),
        "format": kind,
        "memory": limits.memory_for(n_bytes),
        "catalog": None,
        "table": None,
        **(options or {}),
    }
    with reading(n_bytes=n_bytes, limits=limits, fragile=kind in _C_PARSED) as source:
        meta = source.ask(request)["meta"]
        text = TextReader(path.name, given=encoding, declared=meta["encoding"], raw=meta["raw"])
        text.settle(list(_samples(meta)))
        opened = OpenFile(path.name, folder, kind, meta, source, text)
        opened.choose(None)
        yield opened


def _samples(meta: dict[str, Any]) -> Iterator[bytes]:
    """Every non-ASCII text of the descriptions."""
    for texts in (meta["names"], meta["labels"], [meta["label"]]):
        yield from (t.encode("latin-1") for t in texts if t and not t.isascii())
    for labels in meta["value_labels"] if meta["raw"] else ():
        yield from (t.encode("latin-1") for _, t in labels if t and not t.isascii())


def read_statistical(
    path: Path,
    folder: Path,
    *,
    kind: str,
    n_bytes: int,
    encoding: str | None,
    columns: list[str] | None,
    limits: ReadLimits,
    options: Mapping[str, Any] | None = None,
) -> RawTable:
    """Read an SPSS, Stata or SAS file or a workbook through the child process.

    Raises
    ------
    WorkerFailure
        From the child: crash, time, memory, or the parser's refusal.
    DataFileError
        The text is not in the encoding; a column name twice.
    """
    given = {"kind": kind, "n_bytes": n_bytes, "encoding": encoding, "limits": limits, "options": options}
    with open_statistical(path, folder, **given) as opened:  # type: ignore[arg-type]
        opened.choose(columns)
        blocks = list(opened.blocks())
        return _assemble(opened, blocks)


def _assemble(opened: OpenFile, blocks: list[RawBlock]) -> RawTable:
    import pandas as pd

    n_rows = sum(block.n_rows for block in blocks)
    if not opened.chosen:
        n_rows = int(opened.meta["n_rows"] or 0)
    arrays: dict[str, Any] = {}
    variables: dict[str, Variable] = {}
    notes = [*opened.meta["notes"], *opened.text.notes]
    notes += [note for note in opened.notes if note not in notes]
    for column in opened.columns():
        if column.name in arrays:
            raise DataFileError(
                "two columns have the same name", where=opened.name, found=f"'{column.name}'", code="schema"
            )
        values, tags, note = column.values(blocks)
        arrays[column.name] = values
        if tags is not None:
            arrays[column.name + MISSING_SUFFIX] = tags
        if note:
            notes.append(note)
        variables[column.name] = column.variable([] if tags is None else sorted(set(tags.dropna().unique())))
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(n_rows), copy=False)
    return RawTable(frame, variables, opened.text.encoding, tuple(notes))


class RawColumn:
    """One column of an open file."""

    def __init__(self, index: int, meta: dict[str, Any], kind: str, text: TextReader) -> None:
        self.index = index
        self.is_text = bool(meta["texts"][index])
        self.storage = str(meta["storages"][index])
        self.format = text(meta["formats"][index]) or None
        self.kind = kind
        self.text = text
        self.name = text(meta["names"][index])
        self.label = text(meta["labels"][index])
        self.value_labels = {self._code(c): text(label) for c, label in meta["value_labels"][index]}
        self.missing = tuple(self._missing(r) for r in meta["missing"][index])

    def _code(self, code: Any) -> Code:
        if isinstance(code, str):
            text = self.text(code)
            return text if self.is_text else f".{text.lower().lstrip('.')}"
        return int(code) if isinstance(code, float) and code.is_integer() else code

    def _missing(self, item: Any) -> MissingCode:
        ends = (item["lo"], item["hi"]) if isinstance(item, Mapping) else (item, item)
        low, high = (self.text(e) if isinstance(e, str) else e for e in ends)
        if not isinstance(low, str) and low > high:
            raise DataFileError(
                "a missing range ends before it begins",
                where=f"{self.text.where}: {self.name}",
                code="damaged",
            )
        if isinstance(low, float) and low == high and low.is_integer():
            low = high = int(low)
        return MissingCode(low=low, high=high, label=self.value_labels.get(low) if low == high else None)

    def variable(self, tags: list[str]) -> Variable:
        """Description, with the tags that occur among its missing codes."""
        missing = self.missing
        missing += tuple(MissingCode(low=t, high=t, label=self.value_labels.get(t)) for t in tags)
        return Variable(
            name=self.name,
            label=self.label,
            value_labels=self.value_labels,
            missing=missing,
            format=self.format,
        )

    def values(self, blocks: list[RawBlock]) -> tuple[Any, Any, str | None]:
        """Values, tags of missing values where there are any, and a note; the blocks give them up."""
        import pandas as pd

        if self.is_text:
            texts = [block.texts.pop(self.index) for block in blocks]
            joined = np.concatenate(texts) if texts else np.array([], dtype=object)
            return pd.Series(joined, dtype=pd.StringDtype("python", na_value=pd.NA)), None, None
        parts = [block.numbers.pop(self.index) for block in blocks]
        numbers = np.concatenate(parts) if parts else np.array([], dtype=np.float64)
        tags = self._tags(blocks)
        dates, note = self._dates(numbers)
        return (dates if dates is not None else self._numeric(numbers)), tags, note

    def _tags(self, blocks: list[RawBlock]) -> pd.Series[Any] | None:
        """Companion column of ``.a`` to ``.z``, or None if no cell is tagged."""
        import pandas as pd

        if not any(self.index in block.tags for block in blocks):
            return None
        none = np.zeros(0, dtype=np.uint8)
        parts = [block.tags.pop(self.index, none) for block in blocks]
        filled = [
            p if len(p) else np.zeros(b.n_rows, dtype=np.uint8) for p, b in zip(parts, blocks, strict=True)
        ]
        return pd.Series(TAG_WORDS[np.concatenate(filled)], dtype=pd.StringDtype("python", na_value=pd.NA))

    def _numeric(self, numbers: NDArray[np.float64]) -> Any:
        """Whole numbers where the format or the labels say so and every value is one; else floats."""
        import pandas as pd

        mask = np.isnan(numbers)
        if self.is_whole and all_whole(numbers, mask):
            whole = np.where(mask, 0, numbers).astype(np.int64)
            return pd.arrays.IntegerArray(whole, mask)
        return pd.arrays.FloatingArray(numbers, mask)

    @property
    def is_whole(self) -> bool:
        """Whether the format or the labels say that the numbers are whole."""
        if self.value_labels or self.storage.startswith("int"):
            return True
        if self.kind not in ("sav", "zsav", "por") or not self.format:
            return False
        return self.format.endswith(".0") or "." not in self.format

    def _dates(self, numbers: NDArray[np.float64]) -> tuple[Any, str | None]:
        """Dates where the format says so and nothing is lost; else None and a note why."""
        import pandas as pd

        unit = date_unit(self.format or "", self.kind)
        if unit is None:
            return None, None
        epoch, per_second = unit
        mask = np.isnan(numbers)
        moments = np.where(mask, 0.0, numbers / per_second)
        if self.missing or not np.all(np.abs(moments) < 4e17):
            why = "it has declared missing codes" if self.missing else "a value is too large for a date"
            return None, f"date variable '{self.name}' was left as numbers ({self.format}): {why}"
        precision = "s" if np.array_equal(moments, np.floor(moments)) else "us"
        if precision == "us":
            if not np.all(np.abs(moments) < 4e11):
                return None, f"date variable '{self.name}' was left as numbers ({self.format}): not exact"
            moments = np.round(moments * 1e6)
        out = epoch.astype(f"datetime64[{precision}]") + moments.astype(f"timedelta64[{precision}]")
        out[mask] = np.datetime64("NaT")
        return pd.Series(out), None


def all_whole(numbers: NDArray[np.float64], mask: NDArray[np.bool_]) -> bool:
    """Whether every value present is a whole number that a float holds exactly."""
    with np.errstate(invalid="ignore"):
        return bool(np.all(mask | ((numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53))))


def date_unit(display: str, kind: str) -> tuple[np.datetime64, float] | None:
    """Epoch and units in a second of a date format; None for any other format."""
    name = display.upper().rstrip("0123456789.")
    a_day = 1 / 86_400
    if kind in ("sav", "zsav", "por", "xlsx"):
        return (_SPSS_EPOCH, 1.0) if name in _SPSS_DATES else None
    if kind == "dta":
        code = display.lower().lstrip("%-")
        if code.startswith(("td", "d")):
            return _EPOCH_1960, a_day
        return (_EPOCH_1960, 1000.0) if code.startswith("tc") else None
    if name in _SAS_SECONDS:
        return _EPOCH_1960, 1.0
    plain = name[:-1] if name[:6] in ("DDMMYY", "MMDDYY", "YYMMDD") and len(name) == 7 else name
    return (_EPOCH_1960, a_day) if plain in _SAS_DAYS else None
