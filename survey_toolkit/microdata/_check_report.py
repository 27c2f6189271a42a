"""The report of the checks: findings by severity, as text, page and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.microdata._page import bullets, page, table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from survey_toolkit.microdata.model import Microdata

__all__ = ["CheckReport", "Finding", "Severity"]

Severity = Literal["error", "flag"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        Short name, e.g. ``weight-zero``.
    severity : {"error", "flag"}
        An error makes estimates wrong and must be settled; a flag must be looked at.
    message : str
        One sentence; codes and counts only.
    count, of : int
        Rows (or groups, as the message says) concerned, and how many were looked at.
    columns : tuple of str
    value : float or None
        The index or ratio, where the finding is one.
    rows : integer array
        Positions of the rows concerned; empty where a finding is about no single rows.
    """

    check: str
    severity: Severity
    message: str
    count: int = 0
    of: int = 0
    columns: tuple[str, ...] = ()
    value: float | None = None
    rows: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp), repr=False)

    def to_dict(self, *, rows: bool = False) -> dict[str, Any]:
        """Plain values; row positions only on request."""
        plain: dict[str, Any] = {
            "check": self.check,
            "severity": self.severity,
            "message": self.message,
            "count": self.count,
            "of": self.of,
            "columns": list(self.columns),
            "value": self.value,
        }
        return plain | ({"rows": self.rows.tolist()} if rows else {})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckReport:
    """Findings of all checks, errors first.

    Attributes
    ----------
    name : str
        The file.
    n_rows : int
    findings : tuple of Finding
    ran : tuple of str
        Every check that was run, found something or not.
    notes : tuple of str
        Measures worth knowing although nothing is wrong (design effect of the weights and the like), and
        checks that could not be run.
    """

    name: str
    n_rows: int
    findings: tuple[Finding, ...]
    ran: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that must be settled."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def flags(self) -> tuple[Finding, ...]:
        """Findings to be looked at."""
        return tuple(f for f in self.findings if f.severity == "flag")

    def finding(self, check: str) -> Finding:
        """Return the first finding of a check."""
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise SurveyToolkitError(
            f"check '{check}' found nothing" if check in self.ran else f"there was no check '{check}'",
            expected=did_you_mean(check, [f.check for f in self.findings]),
            code="no-finding",
        )

    def rows(self, check: str, data: Microdata) -> pd.DataFrame:
        """Rows a check is about, with the columns it looked at and the keys."""
        found = [f for f in self.findings if f.check == check] or [self.finding(check)]
        places = np.unique(np.concatenate([f.rows for f in found]))
        columns = dict.fromkeys([*data.keys, *(c for f in found for c in f.columns)])
        return data.frame.iloc[places][[c for c in columns if c in data.frame.columns]]

    def require(self) -> CheckReport:
        """Return the report if it holds no error.

        Raises
        ------
        SurveyToolkitError
            Naming every error.
        """
        if self.errors:
            raise SurveyToolkitError(
                f"{len(self.errors)} check{'s' if len(self.errors) != 1 else ''} failed",
                where=self.name,
                problems=[f"{f.check}: {f.message}" for f in self.errors],
                hint="settle these before estimation; report.rows(check, data) shows the rows",
                code="failed-checks",
            )
        return self

    def text(self) -> str:
        """Plain lines: errors, flags, notes."""
        lines = [f"{self.name}: {self.n_rows:,} rows, {self._summary()}"]
        lines += [f"  {f.severity:5}  {f.check}: {f.message}" for f in self.findings]
        lines += [f"  note   {note}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self, *, rows: bool = False) -> str:
        """JSON text for a program; row positions only on request."""
        return json.dumps(
            {
                "file": self.name,
                "rows": self.n_rows,
                "errors": len(self.errors),
                "flags": len(self.flags),
                "findings": [f.to_dict(rows=rows) for f in self.findings],
                "ran": list(self.ran),
                "notes": list(self.notes),
            },
            ensure_ascii=False,
        )

    def to_html(self) -> str:
        """Return a page of its own."""
        rows = [(f.severity, f.check, f.message, f.count, f.of) for f in self.findings]
        found = {f.check for f in self.findings}
        return page(
            f"Checks of {self.name}",
            f"{self.n_rows:,} rows, {self._summary()}",
            (
                "Findings",
                table(
                    ("severity", "check", "what", "count", "of"),
                    rows,
                    numbers=("count", "of"),
                    classes=[f.severity for f in self.findings],
                ),
            ),
            ("To know", bullets(self.notes)),
            ("Checks without a finding", bullets(c for c in self.ran if c not in found)),
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return self.text()

    def _summary(self) -> str:
        return f"{_plural(len(self.errors), 'error')}, {_plural(len(self.flags), 'flag')}"


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, otherwise in the order found."""
    return tuple(sorted(findings, key=lambda f: f.severity != "error"))


def _plural(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
