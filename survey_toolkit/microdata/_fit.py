"""Whether a column can be the variable it is called: a text "True" compared with true is a silent no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import HarmonizationError

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.standards.models import StandardVariable

__all__ = ["require_types"]

_EXPECTED = {
    "boolean": "true or false (or 1 and 0)",
    "integer": "numbers",
    "number": "numbers",
    "code": "codes as text",
    "text": "text",
}


def require_types(
    frame: pd.DataFrame, names: Iterable[str], variables: Mapping[str, StandardVariable], *, where: str
) -> None:
    """Refuse columns whose kind of value is not that of the variable; columns without a value fit.

    Raises
    ------
    HarmonizationError
        Names the first such column, what it holds and what was expected.
    """
    for name in names:
        variable = variables.get(name)
        if variable is None or name not in frame or _fits(frame[name], variable.type):
            continue
        raise HarmonizationError(
            f"'{name}' does not hold what the rule compares it with",
            where=where,
            found=f"a column of {_kind(frame[name])}",
            expected=f"{_EXPECTED[variable.type]}, as the variable is {variable.type}",
            hint="make it with a crosswalk that recodes its codes",
            code="wrong-type",
        )


def _fits(column: pd.Series[Any], kind: str) -> bool:
    from pandas.api import types

    if types.is_bool_dtype(column.dtype) and not types.is_object_dtype(column.dtype):
        return kind == "boolean"
    if types.is_numeric_dtype(column.dtype):
        if kind == "boolean":
            return bool(column.dropna().isin([0, 1]).all())
        return kind in ("integer", "number") or bool(column.isna().all())
    values = column.dropna()
    if values.empty:
        return True
    held = {type(v) for v in values}
    if kind == "boolean":
        return all(issubclass(t, bool) or t.__name__ in ("bool", "bool_") for t in held)
    if kind in ("code", "text"):
        return held <= {str}
    return not held & {str, bool}


def _kind(column: pd.Series[Any]) -> str:
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return "true and false"
    if types.is_numeric_dtype(column.dtype):
        return "numbers"
    return "text" if any(isinstance(v, str) for v in column.dropna()) else f"type {column.dtype}"
