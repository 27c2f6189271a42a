"""SPSS system files (.sav, .zsav) read in plain numpy; the layout is that of the PSPP developers' guide.

The parser never trusts a declared size: every length is checked against the bytes there are before
anything is allocated. Texts stay bytes, so that no conversion can move a letter from one to the next.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from survey_toolkit.microdata._raw import Column, Contents, Unreadable, dressed
from survey_toolkit.microdata._spss_data import Units, row_blocks

__all__ = ["display_format", "open_sav"]

_PRINT_FORMATS = {
    1: "A", 2: "AHEX", 3: "COMMA", 4: "DOLLAR", 5: "F", 6: "IB", 7: "PIBHEX", 8: "P", 9: "PIB", 10: "PK",
    11: "RB", 12: "RBHEX", 15: "Z", 16: "N", 17: "E", 20: "DATE", 21: "TIME", 22: "DATETIME", 23: "ADATE",
    24: "JDATE", 25: "DTIME", 26: "WKDAY", 27: "MONTH", 28: "MOYR", 29: "QYR", 30: "WKYR", 31: "PCT",
    32: "DOT", 33: "CCA", 34: "CCB", 35: "CCC", 36: "CCD", 37: "CCE", 38: "EDATE", 39: "SDATE",
    40: "MTIME", 41: "YMDHMS",
}  # fmt: skip
_WITH_DECIMALS = frozenset((3, 4, 5, 16, 17, 21, 22, 25, 31, 32, 33, 34, 35, 36, 37, 40, 41))
_CODEPAGES = {65001: "utf-8", 54936: "gb18030", 936: "gbk", 20127: "ascii", 28591: "latin-1"}
_HIGHEST = struct.unpack("<d", b"\xff\xff\xff\xff\xff\xff\xef\x7f")[0]
#: Longest text of a column: SPSS writes 32,767 bytes, other programs more.
_LONGEST = 10_000_000
_LOWEST = struct.unpack("<d", b"\xfe\xff\xff\xff\xff\xff\xef\xff")[0]


@dataclass(slots=True)
class _Variable:
    """One dictionary entry: where its cells are in a row, in units of eight bytes."""

    short: str
    width: int
    at: int
    column: Column
    raw_missing: list[bytes] = field(default_factory=list)
    n_missing: int = 0
    segments: int = 1


class _Cursor:
    """Bytes of the dictionary, read in order and never beyond the end."""

    def __init__(self, content: memoryview, at: int, order: str) -> None:
        self.content, self.at, self.order = content, at, order

    def take(self, n: int) -> bytes:
        if n < 0 or self.at + n > len(self.content):
            raise Unreadable(
                "damaged", f"a record at byte {self.at:,} declares {n:,} bytes that are not there"
            )
        out = bytes(self.content[self.at : self.at + n])
        self.at += n
        return out

    def integer(self) -> int:
        return int(struct.unpack(self.order + "i", self.take(4))[0])

    def integers(self, n: int) -> tuple[int, ...]:
        return struct.unpack(f"{self.order}{n}i", self.take(4 * n))


class _Dictionary:
    """All records before the data."""

    def __init__(self, content: memoryview) -> None:
        if len(content) < 180:
            raise Unreadable("truncated", f"{len(content):,} bytes are fewer than the header has")
        layout = struct.unpack_from("<i", content, 64)[0]
        if layout in (2, 3):
            self.order = "<"
        elif struct.unpack_from(">i", content, 64)[0] in (2, 3):
            self.order = ">"
        else:
            raise Unreadable("damaged", f"the header's layout code is {layout}, expected 2 or 3")
        _, self.compression, _, n_rows = struct.unpack_from(self.order + "4i", content, 68)
        self.bias = struct.unpack_from(self.order + "d", content, 84)[0]
        if self.compression not in (0, 1, 2):
            raise Unreadable("damaged", f"the header's compression code is {self.compression}")
        self.n_rows = n_rows if n_rows >= 0 else None
        self.label = dressed(bytes(content[109:173]))
        self.variables: list[_Variable] = []
        self.n_units = 0
        self.starts: dict[int, int] = {}
        self.codepage: int | None = None
        self.encoding: str | None = None
        self.long_names: dict[str, str] = {}
        self.very_long: dict[str, int] = {}
        self.long_labels: list[tuple[str, list[tuple[str, str]]]] = []
        self.long_missing: list[tuple[str, list[str]]] = []
        self.labels: list[tuple[list[tuple[bytes, str]], tuple[int, ...]]] = []
        self.notes: list[str] = []
        self.cursor = _Cursor(content, 176, self.order)
        self._read()

    def _read(self) -> None:
        pending: list[tuple[bytes, str]] = []
        while True:
            kind = self.cursor.integer()
            if kind == 2:
                self._variable()
            elif kind == 3:
                pending = self._value_labels()
            elif kind == 4:
                self.labels.append((pending, self.cursor.integers(self._count(4))))
            elif kind == 6:
                self.cursor.take(80 * self._count(80))
            elif kind == 7:
                self._extension()
            elif kind == 999:
                self.cursor.take(4)
                return
            else:
                raise Unreadable("damaged", f"unknown record type {kind} at byte {self.cursor.at - 4:,}")

    def _count(self, size: int) -> int:
        n = self.cursor.integer()
        left = len(self.cursor.content) - self.cursor.at
        if n < 0 or n * size > left:
            raise Unreadable("damaged", f"a record declares {n:,} entries, more than the file holds")
        return n

    def _variable(self) -> None:
        cursor = self.cursor
        width, has_label, n_missing, shown, _ = cursor.integers(5)
        name = dressed(cursor.take(8))
        label = b""
        if has_label == 1:
            length = cursor.integer()
            label = cursor.take(length)
            cursor.take(-length % 4)
        if not -3 <= n_missing <= 3 or n_missing == -1 or not -1 <= width <= 255:
            raise Unreadable(
                "damaged", f"a variable record declares width {width}, {n_missing} missing codes"
            )
        raw_missing = [cursor.take(8) for _ in range(abs(n_missing))]
        if width == -1:
            self.n_units += 1
            return
        expected = self.variables[-1].at + max(1, -(-self.variables[-1].width // 8)) if self.variables else 0
        if expected != self.n_units:
            raise Unreadable("damaged", f"the string before '{name}' lacks its continuation records")
        column = Column(
            name, width > 0, f"string{width}" if width else "double", display_format(shown, width)
        )
        column.label = dressed(label)
        self.starts[self.n_units] = len(self.variables)
        self.variables.append(_Variable(name, width, self.n_units, column, raw_missing, n_missing))
        self.n_units += 1

    def _value_labels(self) -> list[tuple[bytes, str]]:
        out = []
        for _ in range(self._count(16)):
            value = self.cursor.take(8)
            length = self.cursor.take(1)[0]
            text = self.cursor.take(length)
            self.cursor.take(-(length + 1) % 8)
            out.append((value, dressed(text)))
        return out

    def _extension(self) -> None:
        subtype, size, count = self.cursor.integers(3)
        if size < 0 or count < 0:
            raise Unreadable("damaged", f"extension record {subtype} declares {count:,} times {size:,} bytes")
        body = self.cursor.take(size * count)
        inner = _Cursor(memoryview(body), 0, self.order)
        if subtype == 3 and len(body) >= 32:
            self.codepage = struct.unpack_from(self.order + "i", body, 28)[0]
        elif subtype == 20:
            self.encoding = dressed(body).strip().lower() or None
        elif subtype == 13:
            self.long_names = dict(p for p in _pairs(body, b"\t"))
        elif subtype == 14:
            pairs = _pairs(body, b"\t")
            self.very_long = dict(map(_very_long, pairs))
        elif subtype == 21:
            self.long_labels = _long_labels(inner)
        elif subtype == 22:
            self.long_missing = _long_missing(inner)

    @property
    def declared_encoding(self) -> str | None:
        """Encoding record, else the code page; 2 and 3 ("ASCII") tell nothing."""
        if self.encoding:
            return self.encoding
        page = self.codepage
        return None if page is None or page <= 4 else _CODEPAGES.get(page, f"cp{page}")


def _pairs(body: bytes, separator: bytes) -> list[tuple[str, str]]:
    items = (item.partition(b"=") for item in body.split(separator))
    return [(dressed(name).strip().upper(), dressed(value)) for name, found, value in items if found]


def _very_long(pair: tuple[str, str]) -> tuple[str, int]:
    name, size = pair
    digits = size.strip()
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:9]) <= _LONGEST):
        raise Unreadable("damaged", f"a very long string declares {digits[:12]!r} bytes")
    return name, int(digits[:9])


def _long_labels(cursor: _Cursor) -> list[tuple[str, list[tuple[str, str]]]]:
    out = []
    while cursor.at < len(cursor.content):
        name = dressed(cursor.take(cursor.integer()))
        _, n = cursor.integers(2)
        labels = []
        for _ in range(n):
            value = dressed(cursor.take(cursor.integer()))
            labels.append((value, dressed(cursor.take(cursor.integer()))))
        out.append((name, labels))
    return out


def _long_missing(cursor: _Cursor) -> list[tuple[str, list[str]]]:
    out = []
    while cursor.at < len(cursor.content):
        name = dressed(cursor.take(cursor.integer()))
        n = cursor.take(1)[0]
        size = cursor.integer()
        out.append((name, [dressed(cursor.take(size)) for _ in range(n)]))
    return out


def display_format(shown: int, width: int) -> str:
    """Name of a packed SPSS format: type, width and decimals in a byte each."""
    kind, columns, decimals = (shown >> 16) & 255, (shown >> 8) & 255, shown & 255
    name = _PRINT_FORMATS.get(kind, "A" if width else "F")
    if kind in _WITH_DECIMALS and (decimals or name in ("F", "COMMA", "DOLLAR", "DOT", "E", "PCT")):
        return f"{name}{columns}.{decimals}"
    return f"{name}{columns}"


def _number(raw: bytes, order: str) -> float:
    value = float(struct.unpack(order + "d", raw)[0])
    if value >= _HIGHEST:
        return float("inf")
    return float("-inf") if value <= _LOWEST else value


def _missing(variable: _Variable, order: str) -> list[Any]:
    if variable.width:
        return [dressed(raw) for raw in variable.raw_missing]
    numbers = [_number(raw, order) for raw in variable.raw_missing]
    if variable.n_missing < 0:
        return [{"lo": numbers[0], "hi": numbers[1]}, *numbers[2:]]
    return list(numbers)


def _merged(dictionary: _Dictionary) -> list[_Variable]:
    """Variables as the user knows them: segments of very long strings together, long names."""
    out: list[_Variable] = []
    skip = 0
    for variable in dictionary.variables:
        if skip:
            skip -= 1
            continue
        width = dictionary.very_long.get(variable.short.upper(), 0)
        if width > 255 and variable.width:
            variable.segments = -(-width // 252)
            _check_segments(dictionary, variable, width)
            variable.width = width
            skip = variable.segments - 1
        variable.column.name = dictionary.long_names.get(variable.short.upper(), variable.short)
        variable.column.missing = _missing(variable, dictionary.order)
        out.append(variable)
    if skip:
        raise Unreadable("damaged", "a very long string lacks some of its segments")
    return out


def _check_segments(dictionary: _Dictionary, variable: _Variable, width: int) -> None:
    """All parts but the last hold 255 bytes, and the last what remains."""
    first = dictionary.variables.index(variable)
    parts = [v.width for v in dictionary.variables[first : first + variable.segments]]
    expected = [255] * (variable.segments - 1) + [width - 252 * (variable.segments - 1)]
    if len(parts) == len(expected) and parts != expected:
        dictionary.notes.append(
            f"a very long string declares {width:,} bytes, and its parts hold {sum(parts):,}: it may be cut"
        )


def _attach(dictionary: _Dictionary, variables: list[_Variable]) -> None:
    by_name = {v.column.name: v for v in variables} | {v.short: v for v in variables}
    for labels, indices in dictionary.labels:
        for index in indices:
            if index - 1 not in dictionary.starts:
                raise Unreadable(
                    "damaged", f"value labels are attached to variable {index}, which does not exist"
                )
            variable = dictionary.variables[dictionary.starts[index - 1]]
            for raw, text in labels:
                code = dressed(raw) if variable.width else _number(raw, dictionary.order)
                variable.column.value_labels.append((code, text))
    for name, long_labels in dictionary.long_labels:
        if name in by_name:
            by_name[name].column.value_labels += long_labels
    for name, codes in dictionary.long_missing:
        if name in by_name:
            by_name[name].column.missing = list(codes)


def open_sav(content: memoryview) -> Contents:
    """Open an SPSS file from its bytes.

    Raises
    ------
    Unreadable
        The dictionary is damaged or declares what is not there.
    """
    dictionary = _Dictionary(content)
    variables = _merged(dictionary)
    _attach(dictionary, variables)
    units = Units(
        content=content,
        at=dictionary.cursor.at,
        order=dictionary.order,
        compression=dictionary.compression,
        bias=dictionary.bias,
        a_row=dictionary.n_units,
        n_rows=dictionary.n_rows,
        places=[(v.at, v.width, v.segments) for v in variables],
        notes=dictionary.notes,
    )
    return Contents(
        columns=[v.column for v in variables],
        blocks=lambda columns, rows: row_blocks(units, columns, rows),
        encoding=dictionary.declared_encoding,
        n_rows=dictionary.n_rows,
        label=dictionary.label,
        notes=dictionary.notes,
    )
