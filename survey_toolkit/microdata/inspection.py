"""A file laid open before anything is done to it: a codebook, what looks wrong, and what may be what.

Counts below five are not shown, ranges leave out the four most extreme rows on each side, and columns
that name a person are named but never shown: an inspection can be passed on with the file's description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._cells import code_text, read_source
from survey_toolkit.microdata._suspicions import Suspicion, suspicions
from survey_toolkit.microdata._words import REASON_LABELS
from survey_toolkit.microdata.identifiers import Identifier, find_identifiers
from survey_toolkit.microdata.model import FileSource, Microdata, Variable
from survey_toolkit.microdata.roles import Guess, guess_roles

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.microdata._cells import Cells

__all__ = ["SMALL", "CodeCount", "Inspection", "VariableProfile", "inspect_data"]

#: Counts below this are not shown.
SMALL = 5
#: Distinct values up to which a column without labels is shown as a list of codes.
_FEW = 20
_TYPES = {"Int64": "integer", "Float64": "number", "string": "text", "boolean": "yes/no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCount:
    """A code and its frequency; ``count`` is None where it is small, or would give a small one away."""

    code: str
    label: str = ""
    count: int | None = None
    hidden: str = ""
    reason: str | None = None

    @property
    def shown(self) -> str:
        """``"1,204"``, ``"<5"`` or ``"·"`` (hidden to protect another)."""
        return self.hidden if self.count is None else f"{self.count:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableProfile:
    """One line of the codebook.

    Attributes
    ----------
    name, label, type : str
        ``type``: integer, number, text, yes/no, date.
    kind : str
        ``coded``, ``number``, ``text``, ``date``, ``empty``, or ``identifier: …``.
    n_valid, n_distinct : int
        Rows with a value that is an answer, and how many different ones there are.
    missing : mapping of reason to count
        Blank cells, declared missing codes, and labels that are known to mean no answer.
    codes : tuple of CodeCount
        For coded variables: codes found, and labels that are never used with count 0.
    low, median, high : float or None
        For numbers that are no identifiers: the fifth lowest value, the median, the fifth highest.
    """

    name: str
    label: str
    type: str
    kind: str
    n_valid: int
    n_distinct: int
    missing: Mapping[str, int] = field(default_factory=dict)
    codes: tuple[CodeCount, ...] = ()
    low: float | None = None
    median: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values; small counts as ``"<5"``."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "kind": self.kind,
            "valid": self.n_valid,
            "distinct": self.n_distinct,
            "missing": {reason: _small(n) for reason, n in self.missing.items()},
            "codes": [
                {"code": c.code, "label": c.label, "count": c.shown if c.count is None else c.count}
                | ({"reason": c.reason} if c.reason else {})
                for c in self.codes
            ],
            "range": None if self.low is None else [self.low, self.median, self.high],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a file holds, before it is used.

    Attributes
    ----------
    source : FileSource
    n_rows : int
    variables : tuple of VariableProfile
    identifiers : tuple of Identifier
        Columns that name a person.
    guesses : tuple of Guess
        What may be weight, PSU, stratum, sex and age; never applied.
    suspicions : tuple of Suspicion
        What looks wrong.
    notes : tuple of str
        Notes of the reading.
    """

    source: FileSource
    n_rows: int
    variables: tuple[VariableProfile, ...]
    identifiers: tuple[Identifier, ...]
    guesses: tuple[Guess, ...]
    suspicions: tuple[Suspicion, ...]
    notes: tuple[str, ...] = ()

    def variable(self, name: str) -> VariableProfile:
        """Return the profile of one column."""
        from survey_toolkit.errors import SurveyToolkitError, did_you_mean

        for profile in self.variables:
            if profile.name == name:
                return profile
        near = did_you_mean(name, [v.name for v in self.variables])
        raise SurveyToolkitError("no such variable", found=f"'{name}'", expected=near, code="missing-column")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a program; holds no more than the page does."""
        source = self.source
        return {
            "file": {"name": source.name, "sha256": source.sha256, "format": source.format,
                     "encoding": source.encoding, "rows": self.n_rows},
            "variables": [v.to_dict() for v in self.variables],
            "identifiers": [{"name": i.name, "kind": i.kind, "reason": i.reason} for i in self.identifiers],
            "guesses": [{"role": g.role, "name": g.name, "reason": g.reason} for g in self.guesses],
            "suspicious": [{"name": s.name, "what": s.what} for s in self.suspicions],
            "notes": list(self.notes),
        }  # fmt: skip

    def to_html(self) -> str:
        """Return a page of its own."""
        from survey_toolkit.microdata._inspection_page import inspection_page

        return inspection_page(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        lines = [
            f"Inspection of {self.source.name}: {self.n_rows:,} rows, {len(self.variables)} variables",
            *(f"  {g.role} may be {g.name}: {g.reason}" for g in self.guesses),
            *(f"  identifier {i.name} ({i.kind}): {i.reason}" for i in self.identifiers),
            *(f"  {s.name}: {s.what}" for s in self.suspicions),
        ]
        return "\n".join(lines)


def inspect_data(data: Microdata) -> Inspection:
    """Lay a file open: a codebook, columns that name a person, what looks wrong, and what may be what.

    Parameters
    ----------
    data : Microdata
        As read, or harmonized.

    Returns
    -------
    Inspection
        Frequencies below 5 are not shown, nor any value of a column that names a person.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = Microdata.from_frame(
    ...     pd.DataFrame({"HL4": [1] * 7 + [2] * 6 + [9] * 2 + [8] * 3}),
    ...     [Variable(name="HL4", label="Sex", value_labels={1: "Male", 2: "Female", 8: "Other", 9: "DK"})])
    >>> seen = inspect_data(raw)
    >>> [(c.code, c.shown) for c in seen.variable("HL4").codes]
    [('1', '7'), ('2', '6'), ('8', '<5'), ('9', '<5')]
    >>> seen.variable("HL4").missing, seen.guesses[0].name
    ({'dk': 2}, 'HL4')
    """
    identifiers = find_identifiers(data)
    kinds = {i.name: i.kind for i in identifiers}
    cells = {name: read_source(data, name, by_code={}, by_label=REASON_LABELS) for name in data.variables}
    profiles = tuple(_profile(data, v, cells[v.name], kinds.get(v.name)) for v in data.variables.values())
    return Inspection(
        source=data.source,
        n_rows=data.n_rows,
        variables=profiles,
        identifiers=identifiers,
        guesses=guess_roles(data),
        suspicions=tuple(s for v in data.variables.values() for s in suspicions(data, v, cells[v.name])),
        notes=data.notes,
    )


def _profile(data: Microdata, variable: Variable, cells: Cells, identifier: str | None) -> VariableProfile:
    import pandas as pd

    raw, valid = data.frame[variable.name], cells.values.dropna()
    dtype = str(raw.dtype)
    type_ = "date" if dtype.startswith("datetime") else _TYPES.get(dtype, dtype)
    n_distinct = int(valid.nunique())
    low = median = high = None
    codes: tuple[CodeCount, ...] = ()
    kind = _kind(variable, valid, n_distinct, identifier)
    if kind == "coded":
        codes = _codes(raw, variable, cells)
    elif kind == "number" and len(valid) >= 2 * SMALL and pd.api.types.is_numeric_dtype(valid.dtype):
        numbers = np.sort(valid.to_numpy(dtype=float))
        low, median, high = float(numbers[SMALL - 1]), float(np.median(numbers)), float(numbers[-SMALL])
    return VariableProfile(
        name=variable.name,
        label=variable.label,
        type=type_,
        kind=kind,
        n_valid=len(valid),
        n_distinct=n_distinct,
        missing=cells.missing_counts(),
        codes=codes,
        low=low,
        median=median,
        high=high,
    )


def _kind(variable: Variable, valid: pd.Series[Any], n_distinct: int, identifier: str | None) -> str:
    import pandas as pd

    if identifier is not None:
        return f"identifier: {identifier}"
    if not len(valid):
        return "coded" if variable.value_labels else "empty"
    if str(valid.dtype).startswith("datetime"):
        return "date"
    covered = valid.isin(list(variable.value_labels)).mean() if variable.value_labels else 0.0
    if str(valid.dtype) == "boolean" or covered >= 0.5 or (variable.value_labels and n_distinct <= _FEW):
        return "coded"
    is_text = pd.api.types.is_string_dtype(valid.dtype)
    repeated = n_distinct <= _FEW and len(valid) >= SMALL * n_distinct
    if repeated and (not is_text or valid.str.len().max() <= 40):
        return "coded"
    return "text" if is_text else "number"


def _codes(raw: pd.Series[Any], variable: Variable, cells: Cells) -> tuple[CodeCount, ...]:
    """Codes found with their frequency, and labelled codes never found; small counts hidden."""
    counts = raw.value_counts()
    found: dict[Any, int] = {code: int(n) for code, n in counts.items()}
    for code in variable.value_labels:
        found.setdefault(code, 0)
    reasons = {code: _reason(raw, code, cells) for code in found}
    small = [code for code, n in found.items() if 0 < n < SMALL]
    hidden = dict.fromkeys(small, f"<{SMALL}")
    if len(small) == 1:  # the total would give it away
        others = sorted((n, str(code)) for code, n in found.items() if n >= SMALL)
        hidden |= {code: "·" for code in found if others and str(code) == others[0][1] and len(others) > 1}
    order = sorted(found, key=lambda c: (isinstance(c, str), c if not isinstance(c, str) else 0, str(c)))
    return tuple(
        CodeCount(
            code=str(code) if isinstance(code, str) and code in variable.value_labels else _code(code),
            label=variable.value_labels.get(code, "").strip(),
            count=None if code in hidden else found[code],
            hidden=hidden.get(code, ""),
            reason=reasons[code],
        )
        for code in order[:200]
    )


def _code(code: Any) -> str:
    return code.strip() if isinstance(code, str) and len(code) <= 40 else code_text(code)


def _reason(raw: pd.Series[Any], code: Any, cells: Cells) -> str | None:
    """Missing reason of a code, as one of its rows shows it."""
    from survey_toolkit.microdata.model import MISSING_REASONS

    rows = np.flatnonzero((raw == code).fillna(False).to_numpy(dtype=bool))
    number = int(cells.reasons[rows[0]]) if len(rows) else 0
    return MISSING_REASONS[number - 1] if number else None


def _small(n: int) -> int | str:
    return n if n >= SMALL else f"<{SMALL}"
