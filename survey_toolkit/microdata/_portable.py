"""SPSS portable files (.por), with the codes declared missing that other open readers lose.

The file is one stream of characters in lines of 80: numbers in base 30 that end in a slash, texts that
begin with their length, records named by one letter (PSPP developers' guide, "Portable File Format").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from survey_toolkit.microdata._raw import Block, Column, Contents, NumberColumn, Unreadable
from survey_toolkit.microdata._spss import display_format

__all__ = ["open_por"]

_ROWS = 20_000
_LINE = 80
#: Characters 64 to 155 of the portable character set.
_PORTABLE = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .<(+|&[]!$*);^-/|,%_>?`:#@'=\""


def _stream(content: memoryview) -> str:
    """Text after the signature, line ends taken out and short lines filled up."""
    raw = bytes(content)
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    full = b"".join(
        line if i == len(lines) - 1 and not line else line.ljust(_LINE) for i, line in enumerate(lines)
    )
    if len(full) < 464 or full[456:464].upper() != b"SPSSPORT":
        table = full[200:456]
        if len(full) < 464 or full[456:464] != bytes(table[64 + _PORTABLE.index(c)] for c in b"SPSSPORT"):
            raise Unreadable("damaged", "no SPSSPORT signature after the character table")
        translated = bytearray(range(256))
        for place, character in enumerate(_PORTABLE):
            translated[table[64 + place]] = character
        full = full.translate(bytes(translated))
    return full[464:].decode("latin-1")


class _Tokens:
    """Numbers and texts, one after the other."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def letter(self) -> str:
        if self.at >= len(self.text):
            raise Unreadable("truncated", "the file ends before its end mark")
        self.at += 1
        return self.text[self.at - 1]

    def number(self) -> float:
        text = self.text
        at = self.at
        while at < len(text) and text[at] == " ":
            at += 1
        if text.startswith("*", at):
            self.at = at + 2  # a star and one more character: no value
            return float("nan")
        end = text.find("/", at, at + 200)
        if end < 0:
            kind = "truncated" if len(text) - at < 200 else "damaged"
            raise Unreadable(kind, f"a number at character {at:,} does not end")
        self.at = end + 1
        try:
            return _base30(text[at:end])
        except (ValueError, OverflowError):
            raise Unreadable("damaged", f"no number at character {at:,}") from None

    def integer(self) -> int:
        value = self.number()
        if value != value or value < 0 or value > 1e9 or value != int(value):
            raise Unreadable("damaged", f"no count at character {self.at:,}")
        return int(value)

    def string(self) -> str:
        n = self.integer()
        out = self.text[self.at : self.at + n]
        if len(out) < n:
            raise Unreadable("truncated", "the file ends inside a text")
        self.at += n
        return out.rstrip(" ")


def _base30(token: str) -> float:
    sign = -1.0 if token.startswith("-") else 1.0
    digits = token.lstrip("-")
    power = 0
    for mark in ("+", "-"):
        if mark in digits[1:]:
            digits, _, exponent = digits.partition(mark)
            power = int(mark + exponent, 30)
            break
    whole, _, fraction = digits.partition(".")
    if not (whole or fraction) or abs(power) > 300:
        raise ValueError(token)
    value = int((whole + fraction) or "0", 30)
    places = len(fraction) - power
    return sign * (value / 30**places if places > 0 else float(value * 30**-places))


class _Dictionary:
    def __init__(self, text: str) -> None:
        self.tokens = _Tokens(text)
        self.columns: list[Column] = []
        self.widths: list[int] = []
        self.by_name: dict[str, int] = {}
        self.letter_at = 0
        tokens = self.tokens
        if tokens.letter() != "A":
            raise Unreadable("damaged", "unknown version of the portable format")
        tokens.string(), tokens.string()
        self._records()

    def _records(self) -> None:
        tokens = self.tokens
        while True:
            letter = tokens.letter()
            if letter in "1236":
                tokens.string()
            elif letter in "45":
                tokens.integer()
            elif letter == "7":
                self._variable()
            elif letter in "89ABC":
                self._of_the_last_variable(letter)
            elif letter == "D":
                self._value_labels()
            elif letter == "E":
                for _ in range(tokens.integer()):
                    tokens.string()
            elif letter == "F":
                return
            else:
                raise Unreadable("damaged", f"unknown record '{ascii(letter)[1:-1]}' in the dictionary")

    def _variable(self) -> None:
        tokens = self.tokens
        width = tokens.integer()
        name = tokens.string()
        shown = [tokens.integer() for _ in range(6)]
        storage = f"string{width}" if width else "double"
        # ReadStat writes the types from TIME on moved by 82
        kind = shown[0] - 82 if shown[0] > 100 else shown[0]
        code = ((kind & 255) << 16) | ((shown[1] & 255) << 8) | (shown[2] & 255)
        column = Column(name, width > 0, storage, display_format(code, width))
        if not name or name in self.by_name or len(self.columns) >= 32_767:
            raise Unreadable("damaged", "a variable has no name of its own")
        self.by_name[name] = len(self.columns)
        self.columns.append(column)
        self.widths.append(width)

    def _value(self, width: int) -> Any:
        return self.tokens.string() if width else self.tokens.number()

    def _of_the_last_variable(self, letter: str) -> None:
        if not self.columns:
            raise Unreadable("damaged", "a missing code or label stands before the first variable")
        column, width = self.columns[-1], self.widths[-1]
        if letter == "C":
            column.label = self.tokens.string()
        elif letter == "8":
            column.missing.append(self._value(width))
        elif letter == "9":
            column.missing.append({"lo": float("-inf"), "hi": self._value(width)})
        elif letter == "A":
            column.missing.append({"lo": self._value(width), "hi": float("inf")})
        else:
            column.missing.append({"lo": self._value(width), "hi": self._value(width)})

    def _value_labels(self) -> None:
        tokens = self.tokens
        names = [tokens.string() for _ in range(tokens.integer())]
        unknown = [name for name in names if name not in self.by_name]
        if unknown or not names:
            raise Unreadable("damaged", "value labels are attached to a variable that does not exist")
        indices = [self.by_name[name] for name in names]
        width = self.widths[indices[0]]
        labels = [(self._value(width), tokens.string()) for _ in range(tokens.integer())]
        for index in indices:
            self.columns[index].value_labels += labels


def _blocks(dictionary: _Dictionary, start: int, wanted: list[int], rows: int) -> Iterator[Block]:
    tokens = dictionary.tokens
    tokens.at = start
    widths = dictionary.widths
    rows = rows or _ROWS
    cells: list[list[Any]] = [[] for _ in widths]
    n = 0
    while tokens.at < len(tokens.text) and tokens.text[tokens.at] != "Z":
        for width, column in zip(widths, cells, strict=True):
            column.append(tokens.string().encode("latin-1") if width else tokens.number())
        n += 1
        if n == rows:
            yield _block(cells, widths, wanted)
            cells, n = [[] for _ in widths], 0
    if tokens.at >= len(tokens.text):
        raise Unreadable("truncated", "the file ends before its end mark")
    if n:
        yield _block(cells, widths, wanted)


def _block(cells: list[list[Any]], widths: list[int], wanted: list[int]) -> Block:
    return [cells[i] if widths[i] else NumberColumn(np.array(cells[i], dtype=np.float64)) for i in wanted]


def open_por(content: memoryview) -> Contents:
    """Open a portable file from its bytes.

    Raises
    ------
    Unreadable
        No portable file, damaged, or cut off.
    """
    dictionary = _Dictionary(_stream(content))
    start = dictionary.tokens.at
    end = bytes(content[-2:])
    cut = b"\r\n" in bytes(content[:200]) and end != b"\r\n" and end[-1:] != b"Z"
    return Contents(
        notes=["the last line is not complete; the rows before it are"] if cut else [],
        columns=dictionary.columns,
        blocks=lambda wanted, rows: _blocks(dictionary, start, wanted, rows),
    )
