"""From the child's raw arrays to columns and variables: text, whole numbers, dates, missing values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._process import ReadLimits, run_reader
from survey_toolkit.microdata._sniff import Header
from survey_toolkit.microdata._text import codec_name, decode, decode_column, looks_western
from survey_toolkit.microdata.model import MISSING_SUFFIX, Code, MissingCode, Variable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["RawTable", "read_statistical"]

_BIG = 32_000_000
_CELLS_A_CHUNK = 4_000_000
_RAW_FORMATS = ("sav", "zsav", "dta")

#: Display formats whose numbers count from an epoch.
_SPSS_EPOCH = np.datetime64("1582-10-14T00:00:00", "s")
_EPOCH_1960 = np.datetime64("1960-01-01T00:00:00", "s")
_SPSS_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "DATETIME", "YMDHMS")
_SAS_DAYS = ("DATE", "DDMMYY", "MMDDYY", "YYMMDD", "E8601DA", "B8601DA", "WEEKDATE", "WORDDATE", "JULIAN")
_SAS_SECONDS = ("DATETIME", "E8601DT", "B8601DT", "DATEAMPM")


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns and their descriptions as read, before they become Microdata."""

    frame: pd.DataFrame
    variables: dict[str, Variable]
    encoding: str
    notes: tuple[str, ...]


def read_statistical(
    path: Path,
    folder: Path,
    *,
    kind: str,
    header: Header,
    n_bytes: int,
    encoding: str | None,
    columns: list[str] | None,
    limits: ReadLimits,
) -> RawTable:
    """Read an SPSS, Stata or SAS file through the child process.

    Raises
    ------
    WorkerFailure
        From the child: crash, time, memory, or the parser's refusal.
    DataFileError
        The text is not in the encoding; fewer or more rows than the header declares.
    """
    # Stata 14 and later is UTF-8 throughout, and its long strings do not pass through the conversion
    raw = kind in _RAW_FORMATS and not (kind == "dta" and (header.release or 0) >= 118 and not encoding)
    request = {
        "path": str(path.resolve()),
        "folder": str(folder),
        "format": kind,
        "raw": raw,
        "encoding": "LATIN1" if raw else encoding,
        "columns": columns,
        "rows_a_chunk": _rows_a_chunk(n_bytes, header),
    }
    run_reader(request, n_bytes=n_bytes, limits=limits)
    meta = json.loads((folder / "meta.json").read_text("ascii"))
    if meta["names"]:
        _check_rows(path.name, header, sum(meta["rows"]))
    meta["raw"] = raw
    return _assemble(path.name, folder, meta, kind=kind, declared=encoding or header.encoding)


def _rows_a_chunk(n_bytes: int, header: Header) -> int:
    """Rows read at a time; 0 reads all at once. Chunks keep the child's memory flat on large files."""
    if n_bytes < _BIG:
        return 0
    a_row = max(8, n_bytes // max(header.n_rows or 100_000, 1))
    return max(5_000, _CELLS_A_CHUNK * 4 // a_row)


def _check_rows(name: str, header: Header, n_rows: int) -> None:
    if header.n_rows is not None and header.n_rows != n_rows:
        raise DataFileError(
            "the file does not hold the rows it declares; it is damaged or was cut off in transfer",
            where=name,
            found=f"{n_rows:,} rows read",
            expected=f"{header.n_rows:,} rows by the file's header",
            hint="fetch the file again, and compare its size or checksum with the original",
            code="truncated",
        )


def _assemble(name: str, folder: Path, meta: dict[str, Any], *, kind: str, declared: str | None) -> RawTable:
    import pandas as pd

    text, notes = _decoder(name, folder, meta, kind, declared)
    arrays: dict[str, Any] = {}
    variables: dict[str, Variable] = {}
    for index in range(len(meta["names"])):
        column = _Column(folder, index, meta, kind, text)
        if column.name in arrays:
            raise DataFileError("two columns have the same name", where=name, found=f"'{column.name}'")
        values, tags, note = column.values(name)
        arrays[column.name] = values
        if tags is not None:
            arrays[column.name + MISSING_SUFFIX] = tags
        if note:
            notes.append(note)
        variables[column.name] = column.variable(tags)
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(sum(meta["rows"])), copy=False)
    return RawTable(frame, variables, text.encoding, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Turns the child's texts, which are raw bytes dressed as Latin-1, into text."""

    encoding: str
    raw: bool
    where: str

    def __call__(self, text: str | None) -> str:
        if not text:
            return ""
        raw = text.encode("latin-1") if self.raw else text.encode("utf-8")
        return decode(raw, self.encoding, where=self.where)


def _decoder(
    name: str, folder: Path, meta: dict[str, Any], kind: str, declared: str | None
) -> tuple[_Decoder, list[str]]:
    """Encoding of the file's text: given, declared, UTF-8 if it is, Western if it clearly reads so."""
    if not meta["raw"]:
        return _Decoder("utf-8", False, name), []
    if declared:
        return _Decoder(codec_name(declared, where=name), True, name), []
    samples = list(_samples(folder, meta))
    try:
        for sample in samples:
            sample.decode("utf-8")
    except UnicodeDecodeError:
        if looks_western(samples):
            note = "the file does not declare its text encoding; it was read as Western European (cp1252)"
            return _Decoder("cp1252", True, name), [note]
    return _Decoder("utf-8", True, name), []


def _samples(folder: Path, meta: dict[str, Any]) -> Iterator[bytes]:
    """Every non-ASCII text of the metadata, and the text columns as wholes."""
    for texts in (meta["names"], meta["labels"]):
        yield from (t.encode("latin-1") for t in texts if t and not t.isascii())
    for labels in meta["value_labels"]:
        yield from (t.encode("latin-1") for _, t in labels if t and not t.isascii())
    for index, kind in enumerate(meta["kinds"]):
        if kind == "text":
            blob = (folder / f"{index}.0.bin").read_bytes()
            if not blob.isascii():
                yield blob


class _Column:
    """One column of the child's result."""

    def __init__(self, folder: Path, index: int, meta: dict[str, Any], kind: str, text: _Decoder) -> None:
        self.stem = str(folder / str(index))
        self.n_chunks = len(meta["rows"])
        self.is_text = meta["kinds"][index] == "text"
        self.storage = str(meta["types"][index])
        self.format = text(meta["formats"][index]) or None
        self.kind = kind
        self.text = text
        self.name = text(meta["names"][index])
        self.label = text(meta["labels"][index])
        self.value_labels = {self._code(c): text(label) for c, label in meta["value_labels"][index]}
        self.missing = tuple(self._missing(r) for r in meta["missing_ranges"][index])

    def _code(self, code: Any) -> Code:
        if isinstance(code, str):
            text = self.text(code)
            return text if self.is_text else f".{text.lower()}"
        return int(code) if isinstance(code, float) and code.is_integer() else code

    def _missing(self, item: Any) -> MissingCode:
        ends = (item["lo"], item["hi"]) if isinstance(item, Mapping) else (item, item)
        low, high = (self.text(e) if isinstance(e, str) else e for e in ends)
        if isinstance(low, float) and low == high and low.is_integer():
            low = high = int(low)
        return MissingCode(low=low, high=high, label=self.value_labels.get(low) if low == high else None)

    def variable(self, tags: Any) -> Variable:
        missing = self.missing
        if tags is not None:
            found = sorted(set(tags.dropna().unique()))
            missing += tuple(MissingCode(low=t, high=t, label=self.value_labels.get(t)) for t in found)
        return Variable(
            name=self.name,
            label=self.label,
            value_labels=self.value_labels,
            missing=missing,
            format=self.format,
        )

    def values(self, where: str) -> tuple[Any, Any, str | None]:
        """Values, tags of missing values where there are any, and a note."""
        import pandas as pd

        if self.is_text:
            texts: list[str] = []
            for chunk in range(self.n_chunks):
                blob = Path(f"{self.stem}.{chunk}.bin").read_bytes()
                lengths = np.load(f"{self.stem}.{chunk}.len.npy", allow_pickle=False)
                place = f"{where}: column '{self.name}'"
                texts += decode_column(blob, lengths, self.text.encoding, where=place)
            return pd.Series(texts, dtype=pd.StringDtype(na_value=pd.NA)), None, None
        parts = [np.load(f"{self.stem}.{c}.npy", allow_pickle=False) for c in range(self.n_chunks)]
        numbers = parts[0] if len(parts) == 1 else np.concatenate(parts)
        tags = self._tags(len(numbers))
        dates, note = self._dates(numbers)
        return (dates if dates is not None else self._numeric(numbers)), tags, note

    def _tags(self, n: int) -> pd.Series[Any] | None:
        """Companion column of ``.a`` to ``.z``, or None if no cell is tagged."""
        import pandas as pd

        letters = np.zeros(n, dtype=np.uint8)
        at = 0
        for chunk in range(self.n_chunks):
            size = np.load(f"{self.stem}.{chunk}.npy", mmap_mode="r", allow_pickle=False).shape[0]
            file = Path(f"{self.stem}.{chunk}.tag.npy")
            if file.is_file():
                letters[at : at + size] = np.load(file, allow_pickle=False)
            at += size
        if not letters.any():
            return None
        tags = [f".{chr(letter).lower()}" if letter else pd.NA for letter in letters]
        return pd.Series(tags, dtype=pd.StringDtype(na_value=pd.NA))

    def _numeric(self, numbers: NDArray[np.float64]) -> Any:
        """Whole numbers where the format or the labels say so and every value is one; else floats."""
        import pandas as pd

        mask = np.isnan(numbers)
        if self._whole_format() and _all_whole(numbers, mask):
            whole = np.where(mask, 0, numbers).astype(np.int64)
            return pd.arrays.IntegerArray(whole, mask)
        return pd.arrays.FloatingArray(numbers, mask)

    def _whole_format(self) -> bool:
        if self.value_labels or self.storage.startswith("int"):
            return True
        if self.kind not in ("sav", "zsav") or not self.format:
            return False
        return self.format.endswith(".0") or "." not in self.format

    def _dates(self, numbers: NDArray[np.float64]) -> tuple[Any, str | None]:
        """Dates where the format says so and nothing is lost; else None and a note why."""
        import pandas as pd

        unit = _date_unit(self.format or "", self.kind)
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


def _all_whole(numbers: NDArray[np.float64], mask: NDArray[np.bool_]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.all(mask | ((numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53))))


def _date_unit(display: str, kind: str) -> tuple[np.datetime64, float] | None:
    """Epoch and units in a second of a date format; None for any other format."""
    name = display.upper().rstrip("0123456789.")
    a_day = 1 / 86_400
    if kind in ("sav", "zsav"):
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
