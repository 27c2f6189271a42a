"""What a validation says: its checks, one by one, and the machine they ran on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Certificate", "Check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was tried.

    Attributes
    ----------
    section : str
        Which proof it belongs to.
    name : str
        What was compared, with what.
    compared : int
        How many numbers, tables or files.
    worst : float
        The largest deviation found, in the unit that ``unit`` names.
    allowed : float
        The largest that passes.
    unit : str
        ``relative difference``, ``cells``, ``points``, ...
    passed : bool
    detail : str
        What to know to read it; empty if nothing.
    """

    section: str
    name: str
    compared: int
    worst: float
    allowed: float
    unit: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """All checks of one validation.

    Attributes
    ----------
    checks : tuple of Check
    versions : dict of str to str
        Python, this package and what it stands on.
    machine : str
    date : str
        ISO date and time, UTC.
    seconds : float
    full : bool
        Whether the long coverage tables ran.
    """

    checks: tuple[Check, ...]
    versions: dict[str, str]
    machine: str
    date: str
    seconds: float
    full: bool

    @property
    def passed(self) -> bool:
        """Whether every check passed and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "passed": self.passed}
