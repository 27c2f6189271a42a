"""The rows of an SPSS file: blocks of units of eight bytes, decompressed without a loop over cells.

In the compressed form, words of eight instruction bytes are each followed by one raw word for every
instruction 253 among them. So the number of 253s in a word tells where the next instruction word is:
the chain is followed in one light loop, and everything else is array work.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.microdata._raw import Block, NumberColumn, Unreadable

__all__ = ["Units", "row_blocks"]

_BLOCK_BYTES = 8_000_000
_INFLATE_LIMIT = 1 << 36
_ONES = np.uint64(0x0101010101010101)
_SEVENS = np.uint64(0x7F7F7F7F7F7F7F7F)
_RAW = np.uint64(253 * 0x0101010101010101)


@dataclass(slots=True, kw_only=True)
class Units:
    """Where the rows are and how they are stored."""

    content: memoryview
    at: int
    order: str
    compression: int
    bias: float
    a_row: int
    n_rows: int | None
    places: list[tuple[int, int, int]]
    notes: list[str]


def row_blocks(units: Units, columns: list[int], rows: int) -> Iterator[Block]:
    """Rows in blocks; fewer rows than declared are an error, more are noted."""
    if not units.a_row:
        return
    rows = rows or max(1, _BLOCK_BYTES // (8 * units.a_row))
    if (
        units.n_rows
        and units.compression == 0
        and len(units.content) - units.at < 8 * units.a_row * units.n_rows
    ):
        have = (len(units.content) - units.at) // (8 * units.a_row)
        raise Unreadable("truncated", f"{have:,} rows of {units.n_rows:,} declared")
    done = 0
    more = False
    for table in _tables(units, rows):
        if units.n_rows is not None and done + len(table) > units.n_rows:
            more = True
            table = table[: units.n_rows - done]
        if len(table):
            yield _cells(units, table, columns)
        done += len(table)
        if more:
            break
    if units.n_rows is not None and done < units.n_rows:
        raise Unreadable("truncated", f"{done:,} rows of {units.n_rows:,} declared")
    if more:
        units.notes.append(
            f"the file holds more rows than the {units.n_rows:,} its header declares; the rest was left"
        )


def _tables(units: Units, rows: int) -> Iterator[NDArray[np.uint64]]:
    """Arrays of (rows, units) from the stream of units."""
    parts: list[NDArray[np.uint64]] = []
    held = 0
    for part in _stream(units):
        parts.append(part)
        held += len(part)
        while held >= rows * units.a_row:
            joined = np.concatenate(parts) if len(parts) > 1 else parts[0]
            take = rows * units.a_row
            yield joined[:take].reshape(rows, units.a_row)
            parts, held = [joined[take:]], held - take
    if held:
        joined = np.concatenate(parts)
        whole = held // units.a_row
        if held % units.a_row and units.n_rows is None:
            raise Unreadable("truncated", "the last row is not complete")
        if whole:
            yield joined[: whole * units.a_row].reshape(whole, units.a_row)


def _stream(units: Units) -> Iterator[NDArray[np.uint64]]:
    if units.compression == 0:
        view = units.content[units.at :]
        whole = np.frombuffer(view[: len(view) // 8 * 8], dtype=np.uint64)
        step = _BLOCK_BYTES // 8
        for at in range(0, len(whole), step):
            yield whole[at : at + step]
    elif units.compression == 1:
        yield from _instructions(units, _slices(units.content[units.at :]))
    else:
        yield from _instructions(units, _inflated(units))


def _slices(view: memoryview) -> Iterator[bytes | memoryview]:
    for at in range(0, len(view), _BLOCK_BYTES):
        yield view[at : at + _BLOCK_BYTES]


def _inflated(units: Units) -> Iterator[bytes]:
    """Blocks of a .zsav, each inflated to no more than it declares."""
    content, order = units.content, units.order
    if units.at + 24 > len(content):
        raise Unreadable("truncated", "the compressed data are missing")
    _, trailer_at, trailer_size = struct.unpack_from(order + "3q", content, units.at)
    if trailer_at < units.at or trailer_size < 24 or trailer_at + trailer_size > len(content):
        raise Unreadable("truncated", "the index of the compressed data is missing")
    _, _, _, n_blocks = struct.unpack_from(order + "qqii", content, trailer_at)
    if n_blocks < 0 or 24 + 24 * n_blocks > trailer_size:
        raise Unreadable("damaged", f"the index declares {n_blocks:,} blocks")
    total = 0
    for block in range(n_blocks):
        entry = struct.unpack_from(order + "qqii", content, trailer_at + 24 + 24 * block)
        _, at, size, packed = entry
        total += size
        if at < 0 or packed < 0 or at + packed > trailer_at or size < 0 or total > _INFLATE_LIMIT:
            raise Unreadable("damaged", f"compressed block {block + 1} lies outside the file")
        if size > 1100 * packed + 1024:
            raise Unreadable("damaged", f"block {block + 1} declares {size:,} bytes from {packed:,}")
        try:
            inflater = zlib.decompressobj()
            out = inflater.decompress(content[at : at + packed], size + 1)
        except zlib.error:
            raise Unreadable("damaged", f"compressed block {block + 1} cannot be unpacked") from None
        if len(out) != size:
            raise Unreadable("damaged", f"compressed block {block + 1} does not unpack to its declared size")
        yield out


def _table_of_codes(units: Units) -> NDArray[np.uint64]:
    packed = [struct.pack(units.order + "d", code - units.bias) for code in range(256)]
    packed[254] = b" " * 8
    packed[255] = struct.pack(units.order + "d", -np.finfo(np.float64).max)
    return np.frombuffer(b"".join(packed), dtype=np.uint64)


def _instructions(units: Units, stream: Iterator[bytes | memoryview]) -> Iterator[NDArray[np.uint64]]:
    codes = _table_of_codes(units)
    rest = b""
    for piece in stream:
        data = b"".join((rest, piece)) if rest else piece
        words = np.frombuffer(data[: len(data) // 8 * 8], dtype=np.uint64)
        used, out, ended = _decompressed(words, codes)
        yield out
        if ended:
            return
        rest = bytes(data[8 * used :])
    if len(rest) >= 8:  # the last instruction word may lack raw words that stand after the end
        words = np.frombuffer(rest[: len(rest) // 8 * 8], dtype=np.uint64)
        yield _last(words, codes)


def _last(words: NDArray[np.uint64], codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    missing = 8 - (len(words) - 1)
    padded = np.concatenate([words, np.zeros(max(0, missing), dtype=np.uint64)])
    _, out, _ = _decompressed(padded, codes)
    have = len(words) - 1
    instructions = padded[:1].view(np.uint8)
    # cells up to the first raw word that is not there
    lacking = np.flatnonzero(np.cumsum(instructions == 253) > have)
    return out[: int((instructions[: lacking[0]] != 0).sum())] if len(lacking) else out


def _decompressed(
    words: NDArray[np.uint64], codes: NDArray[np.uint64]
) -> tuple[int, NDArray[np.uint64], bool]:
    """Words used, the cells they stand for, and whether the end mark was met."""
    differing = words ^ _RAW
    zero = ~(((differing & _SEVENS) + _SEVENS) | differing | _SEVENS)
    counts = (((zero >> np.uint64(7)) * _ONES) >> np.uint64(56)).astype(np.uint8).tobytes()
    places: list[int] = []
    at, n = 0, len(words)
    add = places.append
    while at < n:
        following = at + 1 + counts[at]
        if following > n:
            break
        add(at)
        at = following
    chain = np.array(places, dtype=np.int64)
    instructions = words[chain].view(np.uint8)
    is_raw = np.ones(at, dtype=bool)
    is_raw[chain] = False
    out = codes[instructions]
    out[instructions == 253] = words[:at][is_raw]
    ends = np.flatnonzero(instructions == 252)
    if len(ends):
        out, instructions = out[: ends[0]], instructions[: ends[0]]
    if (instructions == 0).any():
        out = out[instructions != 0]
    return at, out, bool(len(ends))


def _cells(units: Units, table: NDArray[np.uint64], columns: list[int]) -> Block:
    out: Block = []
    across = np.ascontiguousarray(table.T)
    lowest = -np.finfo(np.float64).max
    for column in columns:
        at, width, segments = units.places[column]
        if not width:
            values = across[at].view(units.order + "f8").astype(np.float64)
            values[values == lowest] = np.nan
            out.append(NumberColumn(values))
        else:
            out.append(_text(table, at, width, segments))
    return out


def _text(table: NDArray[np.uint64], at: int, width: int, segments: int) -> NDArray[np.bytes_]:
    """Cells of a string; a very long one stands in segments of 255 bytes, each in 256."""
    n = len(table)
    if segments == 1:
        n_units = -(-width // 8)
        raw = np.ascontiguousarray(table[:, at : at + n_units]).view(np.uint8)[:, :width]
    else:
        sizes = [255] * (segments - 1) + [width - 252 * (segments - 1)]
        parts = []
        for size in sizes:
            n_units = -(-size // 8)
            if at + n_units > table.shape[1]:
                raise Unreadable("damaged", "a very long string lacks some of its segments")
            part = np.ascontiguousarray(table[:, at : at + n_units]).view(np.uint8)
            parts.append(part[:, :size])
            at += n_units
        raw = np.concatenate(parts, axis=1)[:, :width]
    return np.ascontiguousarray(raw).view(f"S{raw.shape[1]}").reshape(n)
