"""Columns of a result of estimation, whichever of them it has, as plain Python values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Columns", "code_text"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a result, whichever of them it has, as plain Python values by row."""

    result: Any
    rows: int

    def number(self, name: str, row: int) -> float | None:
        """Value of a column in a row; None where the column is absent or not finite."""
        column = getattr(self.result, name, None)
        if column is None:
            return None
        values = np.atleast_1d(np.asarray(column, dtype=float))
        value = float(values[row] if values.size > 1 else values[0])
        return value if np.isfinite(value) else None

    def count(self, name: str, row: int) -> int | None:
        """The same as a whole number."""
        value = self.number(name, row)
        return None if value is None else round(value)

    def text(self, name: str) -> str:
        """Text attribute of the result."""
        value = getattr(self.result, name, "")
        return value if isinstance(value, str) else ""


def code_text(code: object) -> str:
    """Code of a domain as text: whole floats lose their ``.0``, missing is ``_U`` (unknown).

    Examples
    --------
    >>> code_text(3.0), code_text("F"), code_text(True), code_text(None)
    ('3', 'F', 'true', '_U')
    """
    if code is None or code != code or type(code).__name__ in ("NAType", "NaTType"):
        return "_U"
    if isinstance(code, bool | np.bool_):
        return "true" if code else "false"
    if isinstance(code, float | np.floating) and float(code).is_integer():
        return str(int(code))
    return str(code)
