"""Stata files of formats 102 to 119, either byte order, read in plain numpy.

Formats 102 to 115 are one run of fixed-size fields; 117 to 119 put the same fields between tags, with a
map of their places. Every size is checked against the bytes there are before anything is allocated.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.microdata._raw import Block, Column, Contents, NumberColumn, Unreadable, dressed
from survey_toolkit.microdata._stata_numbers import LARGEST, real_numbers, whole_numbers

__all__ = ["STATA_RELEASES", "open_dta"]

#: Formats read here.
STATA_RELEASES = (102, 103, 104, 105, 108, 110, 111, 112, 113, 114, 115, 117, 118, 119)
_BLOCK_BYTES = 8_000_000
_OLD_CODES = {98: 251, 105: 252, 108: 253, 102: 254, 100: 255}
_STORAGE = {65530: "int8", 65529: "int16", 65528: "int32", 65527: "float", 65526: "double"}
_KINDS = {65530: "i1", 65529: "i2", 65528: "i4", 65527: "f4", 65526: "f8"}
_STRL = 32768
_MAX_ROW = 1 << 26


@dataclass(slots=True)
class _Sizes:
    """Bytes of the fields of a format."""

    name: int
    format: int
    label_name: int
    label: int

    @classmethod
    def of(cls, release: int) -> _Sizes:
        if release >= 118:
            return cls(129, 57, 129, 321)
        return cls(
            name=33 if release > 108 else 9,
            format=49 if release > 113 else 12 if release > 104 else 7,
            label_name=33 if release > 108 else 9,
            label=81 if release > 105 else 32,
        )


@dataclass(slots=True)
class _File:
    """What the header says."""

    content: memoryview
    release: int
    order: str
    n_columns: int = 0
    n_rows: int = 0
    label: str = ""
    types: list[int] = field(default_factory=list)
    at: int = 0
    data_at: int = 0
    labels_at: int = 0
    strls: dict[tuple[int, int], bytes] = field(default_factory=dict)
    strls_at: int = 0

    def take(self, n: int) -> bytes:
        if n < 0 or self.at + n > len(self.content):
            raise Unreadable("truncated", f"{n:,} bytes declared at byte {self.at:,} are not there")
        out = bytes(self.content[self.at : self.at + n])
        self.at += n
        return out

    def number(self, code: str) -> int:
        size = struct.calcsize(code)
        return int(struct.unpack(self.order + code, self.take(size))[0])

    def texts(self, n: int, size: int) -> list[str]:
        raw = self.take(n * size)
        return [dressed(raw[i * size : (i + 1) * size]) for i in range(n)]

    def tag(self, tag: bytes) -> None:
        at = self.at
        found = self.take(len(tag))
        if found != tag:
            raise Unreadable("damaged", f"no {tag.decode()} at byte {at:,}")


def _old_header(file: _File) -> list[Column]:
    release = file.release
    file.at = 4
    file.n_columns = file.number("H")
    file.n_rows = file.number("I" if release >= 103 else "H")
    file.label = dressed(file.take(81 if release > 105 else 32))
    if release > 104:
        file.take(18)
    codes = list(file.take(file.n_columns))
    if release < 111:
        codes = [_OLD_CODES.get(c, c - 127) for c in codes]
    file.types = [_type_of(c) for c in codes]
    sizes = _Sizes.of(release)
    names = file.texts(file.n_columns, sizes.name)
    file.take(2 * (file.n_columns + 1))
    formats = file.texts(file.n_columns, sizes.format)
    label_names = file.texts(file.n_columns, sizes.label_name)
    labels = file.texts(file.n_columns, sizes.label)
    while release > 104:
        kind = file.take(1)[0]
        size = file.number("i" if release > 108 else "h")
        if not kind:
            break
        file.take(size)
    file.data_at = file.at
    file.labels_at = file.data_at + file.n_rows * _row_bytes(file.types)
    return _columns(names, file.types, formats, labels, label_names)


def _type_of(code: int) -> int:
    """Type code of formats 117 on."""
    if code >= 251:
        return 65530 - (code - 251)
    if not 0 < code <= 244:
        raise Unreadable("damaged", f"unknown storage type {code}")
    return code


def _new_header(file: _File) -> list[Column]:
    release = file.release
    file.at = bytes(file.content[:200]).index(b"</byteorder>")
    file.tag(b"</byteorder><K>")
    file.n_columns = file.number("I" if release == 119 else "H")
    file.tag(b"</K><N>")
    file.n_rows = file.number("Q" if release >= 118 else "I")
    file.tag(b"</N><label>")
    file.label = dressed(file.take(file.number("H" if release >= 118 else "B")))
    file.tag(b"</label><timestamp>")
    file.take(file.number("B"))
    file.tag(b"</timestamp></header><map>")
    places = struct.unpack(file.order + "14Q", file.take(112))
    file.tag(b"</map><variable_types>")
    if file.n_columns > len(file.content):
        raise Unreadable("damaged", f"{file.n_columns:,} variables declared")
    file.types = list(struct.unpack(f"{file.order}{file.n_columns}H", file.take(2 * file.n_columns)))
    sizes, n = _Sizes.of(release), file.n_columns
    file.tag(b"</variable_types><varnames>")
    names = file.texts(n, sizes.name)
    file.tag(b"</varnames><sortlist>")
    file.take((4 if release == 119 else 2) * (n + 1))
    file.tag(b"</sortlist><formats>")
    formats = file.texts(n, sizes.format)
    file.tag(b"</formats><value_label_names>")
    label_names = file.texts(n, sizes.label_name)
    file.tag(b"</value_label_names><variable_labels>")
    labels = file.texts(n, sizes.label)
    file.tag(b"</variable_labels>")
    file.at = places[9]
    file.tag(b"<data>")
    file.data_at = file.at
    file.at = file.data_at + file.n_rows * _row_bytes(file.types)
    file.tag(b"</data><strls>")
    file.strls_at = file.at
    file.labels_at = places[11]
    if bytes(file.content[-12:]) != b"</stata_dta>" and b"</stata_dta>" not in bytes(file.content[-64:]):
        raise Unreadable("truncated", "no closing tag at the end")
    return _columns(names, file.types, formats, labels, label_names)


def _row_bytes(types: list[int]) -> int:
    size = 0
    for code in types:
        if code in _KINDS:
            size += int(_KINDS[code][1])
        elif code == _STRL:
            size += 8
        elif 0 < code <= 2045:
            size += code
        else:
            raise Unreadable("damaged", f"unknown storage type {code}")
    if size > _MAX_ROW:
        raise Unreadable("damaged", f"a row would have {size:,} bytes")
    return size


def _columns(
    names: list[str], types: list[int], formats: list[str], labels: list[str], label_names: list[str]
) -> list[Column]:
    out = []
    for name, code, shown, label, set_name in zip(names, types, formats, labels, label_names, strict=True):
        storage = _STORAGE.get(code, "strL" if code == _STRL else f"str{code}")
        column = Column(name, code not in _KINDS, storage, shown, label)
        column.missing = [set_name] if set_name else []  # replaced by _attach
        out.append(column)
    return out


def _value_labels(file: _File) -> dict[str, list[tuple[Any, str]]]:
    out: dict[str, list[tuple[Any, str]]] = {}
    file.at = file.labels_at
    if file.release >= 117:
        file.tag(b"<value_labels>")
    elif file.at > len(file.content):
        raise Unreadable("truncated", "the rows declared are not all there")
    while True:
        if file.release >= 117:
            if bytes(file.content[file.at : file.at + 5]) != b"<lbl>":
                file.tag(b"</value_labels>")
                return out
            file.take(5)
        elif len(file.content) - file.at < 8:
            return out
        elif file.release < 108:
            name, labels = _short_labels(file)
            out[name] = labels
            continue
        name, labels = _label_set(file)
        out[name] = labels
        if file.release >= 117:
            file.tag(b"</lbl>")


def _short_labels(file: _File) -> tuple[str, list[tuple[Any, str]]]:
    """Before format 108: texts of eight bytes."""
    n = file.number("H")
    name = dressed(file.take(9))
    file.take(1)
    codes = struct.unpack(f"{file.order}{n}h", file.take(2 * n))
    return name, [(code, dressed(file.take(8))) for code in codes]


def _label_set(file: _File) -> tuple[str, list[tuple[Any, str]]]:
    size = file.number("i")
    name = dressed(file.take(_Sizes.of(file.release).label_name))
    file.take(3)
    end = file.at + size
    n, n_text = file.number("i"), file.number("i")
    if n < 0 or n_text < 0 or 8 * n + n_text > len(file.content) - file.at:
        raise Unreadable("damaged", f"a value label declares {n:,} codes")
    offsets = struct.unpack(f"{file.order}{n}i", file.take(4 * n))
    codes = struct.unpack(f"{file.order}{n}i", file.take(4 * n))
    text = file.take(n_text) + b"\0"
    if any(not 0 <= offset <= n_text for offset in offsets):
        raise Unreadable("damaged", "the text of a value label lies outside the file")
    if file.release < 117:
        file.at = max(file.at, end)
    ordered = sorted(zip(codes, offsets, strict=True))
    return name, [
        (_code(code, file.release), dressed(text[offset : text.index(0, offset)])) for code, offset in ordered
    ]


def _code(code: int, release: int) -> int | str:
    """Code of a label; the letter of a tagged missing value."""
    if release >= 113 and 2147483621 <= code <= 2147483647:
        return chr(96 + code - 2147483621) if code > 2147483621 else "."
    return code


def _strls(file: _File) -> None:
    """Long strings, which stand together behind the rows."""
    file.at = file.strls_at
    while bytes(file.content[file.at : file.at + 3]) == b"GSO":
        file.take(3)
        column = file.number("I")
        row = file.number("Q" if file.release >= 118 else "I")
        kind, size = file.take(1)[0], file.number("I")
        if kind not in (129, 130):
            raise Unreadable("damaged", f"a long text is of kind {kind}, expected 129 or 130")
        text = file.take(size)
        file.strls[column, row] = text.removesuffix(b"\0") if kind == 130 else text
    file.tag(b"</strls>")


def _dtype(file: _File) -> np.dtype[Any]:
    fields = []
    for i, code in enumerate(file.types):
        kind = file.order + _KINDS[code] if code in _KINDS else "V8" if code == _STRL else f"S{code}"
        fields.append((f"f{i}", kind))
    return np.dtype(fields)


def _blocks(file: _File, columns: list[int], rows: int) -> Iterator[Block]:
    dtype = _dtype(file)
    if not dtype.itemsize or not file.n_rows:
        return
    rows = rows or max(1, _BLOCK_BYTES // dtype.itemsize)
    table = np.frombuffer(file.content, dtype=dtype, count=file.n_rows, offset=file.data_at)
    if any(file.types[i] == _STRL for i in columns):
        _strls(file)
    for start in range(0, file.n_rows, rows):
        part = table[start : start + rows]
        yield [_cells(file, part[f"f{i}"], file.types[i]) for i in columns]


def _cells(file: _File, cells: NDArray[Any], code: int) -> NumberColumn | NDArray[np.bytes_] | list[bytes]:
    if code == _STRL:
        return [_long_text(file, cell.tobytes()) for cell in cells]
    if code not in _KINDS:
        return _until_nul(np.ascontiguousarray(cells), code)
    if code in LARGEST:
        return whole_numbers(cells, code, file.release)
    return real_numbers(cells, code, file.release)


def _until_nul(cells: NDArray[np.bytes_], width: int) -> NDArray[np.bytes_]:
    """What stands behind the first NUL of a cell is left from an older text."""
    table = cells.view(np.uint8).reshape(len(cells), width)
    ended = np.logical_or.accumulate(table == 0, axis=1)
    if not (ended & (table != 0)).any():
        return cells
    return np.where(ended, 0, table).astype(np.uint8).view(f"S{width}").reshape(len(cells))


def _long_text(file: _File, raw: bytes) -> bytes:
    if file.release == 117:
        key = struct.unpack(file.order + "II", raw)
    else:
        split = 2 if file.release == 118 else 3
        byteorder = "little" if file.order == "<" else "big"
        key = tuple(int.from_bytes(part, byteorder) for part in (raw[:split], raw[split:]))  # type: ignore[arg-type]
    if not any(key):
        return b""
    if (key[0], key[1]) not in file.strls:
        raise Unreadable("damaged", "a long text is not in the file")
    return file.strls[key[0], key[1]]


def open_dta(content: memoryview) -> Contents:
    """Open a Stata file from its bytes.

    Raises
    ------
    Unreadable
        Another format than 102 to 119, or a header that declares what is not there.
    """
    if bytes(content[:11]) == b"<stata_dta>":
        head = bytes(content[:200])
        try:
            release = int(head[head.index(b"<release>") + 9 :][:3])
            order = head[head.index(b"<byteorder>") + 11 :][:3]
        except ValueError:
            raise Unreadable("damaged", "the header is not complete") from None
        file = _File(content, release, ">" if order == b"MSF" else "<")
        if order not in (b"MSF", b"LSF"):
            raise Unreadable("damaged", "the byte order is not declared")
    else:
        if len(content) < 60:
            raise Unreadable("truncated", "fewer bytes than the header has")
        file = _File(content, content[0], ">" if content[1] == 1 else "<")
        if content[1] > 2 or (content[1] == 0 and file.release != 102):
            raise Unreadable("damaged", f"the byte order is {content[1]}, expected 1 or 2")
    if file.release not in STATA_RELEASES:
        raise Unreadable("unsupported", f"Stata format {file.release}")
    columns = _new_header(file) if file.release >= 117 else _old_header(file)
    if file.data_at + file.n_rows * _row_bytes(file.types) > len(content):
        raise Unreadable("truncated", f"{file.n_rows:,} rows declared, more than the file holds")
    sets = _value_labels(file)
    for column in columns:
        set_name = column.missing[0] if column.missing else ""
        column.value_labels, column.missing = list(sets.get(set_name, [])), []
    return Contents(
        columns=columns,
        blocks=lambda wanted, rows: _blocks(file, wanted, rows),
        encoding="utf-8" if file.release >= 118 else None,
        n_rows=file.n_rows,
        label=file.label,
    )
