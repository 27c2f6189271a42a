"""Checks of the numbers a design is made of; each refusal names the number, what was found and wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from survey_toolkit.errors import DesignError, did_you_mean

__all__ = ["choice", "positive", "proportion", "share", "whole", "z_value"]


def positive(value: float, where: str, *, zero: bool = False) -> float:
    """A finite number above zero (or from zero on)."""
    number = _number(value, where)
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise DesignError(
            "the number is out of range",
            where=where,
            found=f"{value}",
            expected="a finite number, zero or above" if zero else "a finite number above zero",
            code="bad-number",
        )
    return number


def proportion(value: float, where: str) -> float:
    """A number strictly between 0 and 1."""
    number = _number(value, where)
    if not 0 < number < 1:
        raise DesignError(
            "a proportion is wanted",
            where=where,
            found=f"{value}",
            expected="a number between 0 and 1, both excluded",
            hint="write 2.5 per cent as 0.025" if number > 1 else None,
            code="bad-proportion",
        )
    return number


def share(value: float, where: str) -> float:
    """A number above 0, up to 1."""
    return 1.0 if value == 1 else proportion(value, where)


def whole(value: Any, where: str, *, least: int = 1) -> int:
    """A whole number, at least ``least``."""
    number = _number(value, where)
    if number != math.floor(number) or number < least:
        raise DesignError(
            "a whole number is wanted",
            where=where,
            found=f"{value}",
            expected=f"a whole number, {least} or more",
            code="bad-number",
        )
    return int(number)


def choice(value: str, known: Sequence[str] | Mapping[str, Any], where: str) -> str:
    """One of the known words."""
    if value not in known:
        raise DesignError(
            "unknown choice", where=where, found=repr(value), expected=did_you_mean(value, known)
        )
    return value


def z_value(confidence: float) -> float:
    """Two-sided normal quantile of a confidence level, e.g. 1.96 for 0.95."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + proportion(confidence, "confidence") / 2))


def _number(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DesignError("a number is wanted", where=where, found=repr(value)[:60]) from None
