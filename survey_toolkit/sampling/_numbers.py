"""Random numbers that anyone can make again: the SHA-256 of seed, stage and unit.

``u = (first 13 hexadecimal digits of sha256("seed|stage|unit")) + ½) / 16¹³`` depends neither on the order of
the rows, nor on the engine, nor on the version of a library. An auditor recomputes any of them with
``sha256sum``, and DuckDB makes the same numbers inside the query for frames that do not fit in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["sql_bound", "sql_digest", "sql_number", "sql_uniform", "uniform", "uniforms"]

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


def sql_digest(seed: int, stage: str, column: str) -> str:
    """The digest a number is made of, as a DuckDB expression; it sorts as the numbers do."""
    prefix = f"{seed}|{stage}|".replace("'", "''")
    return f"sha256(concat('{prefix}', {column}))"


def sql_number(digest: str) -> str:
    """The number of a digest, as a DuckDB expression."""
    return f"((('0x' || substr({digest}, 1, {_DIGITS}))::BIGINT + 0.5) / {_SCALE:.1f})"


def sql_bound(share: float) -> str:
    """Digits that the digests of numbers up to ``share`` (below 1) do not pass.

    Examples
    --------
    >>> sql_bound(0.5)
    "'8000000000001'"
    """
    return f"'{int(share * _SCALE) + 1:0{_DIGITS}x}'"


def sql_uniform(seed: int, stage: str, column: str) -> str:
    """The number of a unit as a DuckDB expression; ``column`` is SQL that gives the unit as text."""
    return sql_number(sql_digest(seed, stage, column))
