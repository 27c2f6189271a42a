"""Random numbers that anyone can make again: the SHA-256 of seed, stage and unit.

``u = (first 13 hexadecimal digits of sha256("seed|stage|unit")) + ½) / 16¹³`` depends neither on the order of the
rows, nor on the engine, nor on the version of a library. An auditor recomputes any of them with ``sha256sum``, and
DuckDB makes the same numbers inside the query for frames that do not fit in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["sql_uniform", "uniform", "uniforms"]

_DIGITS = 13
_SCALE = 16.0**_DIGITS


def uniform(seed: int, stage: str, unit: object) -> float:
    """Random number in (0, 1) of a unit.

    Examples
    --------
    >>> round(uniform(1, "ea", "0101"), 6)
    0.816325
    """
    digest = hashlib.sha256(f"{seed}|{stage}|{unit}".encode()).hexdigest()
    return (int(digest[:_DIGITS], 16) + 0.5) / _SCALE


def uniforms(seed: int, stage: str, units: Iterable[object]) -> NDArray[np.float64]:
    """Random numbers of many units, shape (n,)."""
    start = hashlib.sha256(f"{seed}|{stage}|".encode())
    out = []
    for unit in units:
        state = start.copy()
        state.update(str(unit).encode())
        out.append(int(state.hexdigest()[:_DIGITS], 16))
    return np.asarray((np.array(out, dtype=np.float64) + 0.5) / _SCALE)


def sql_uniform(seed: int, stage: str, column: str) -> str:
    """The same number as a DuckDB expression; ``column`` is SQL that gives the unit as text."""
    prefix = f"{seed}|{stage}|".replace("'", "''")
    digits = f"substr(sha256(concat('{prefix}', {column})), 1, {_DIGITS})"
    return f"((('0x' || {digits})::BIGINT + 0.5) / {_SCALE:.1f})"
