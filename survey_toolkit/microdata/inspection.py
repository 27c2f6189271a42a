"""A file laid open before anything is done to it: a codebook, what looks wrong, and what may be what.

Counts below five are not shown, nor those from which they could be had by subtraction: within a column,
or from another one with the same filter. Ranges leave out the four most extreme rows on each side, and
columns that name a person are named but never shown: an inspection can be passed on with the file's
description.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._cells import code_text, read_source
from survey_toolkit.microdata._hidden_counts import HIDDEN, SMALL, VALID, Hiding, partition
from survey_toolkit.microdata._hidden_links import hide_linked
from survey_toolkit.microdata._suspicions import Suspicion, suspicions
from survey_toolkit.microdata._words import REASON_LABELS
from survey_toolkit.microdata.identifiers import Identifier, find_identifiers
from survey_toolkit.microdata.model import MISSING_REASONS, FileSource, Microdata, Variable
from survey_toolkit.microdata.roles import Guess, guess_roles

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.microdata._cells import Cells

__all__ = ["SMALL", "CodeCount", "Inspection", "VariableProfile", "inspect_data"]

#: Distinct values up to which a column without labels is shown as a list of codes.
_FEW = 20
_TYPES = {"Int64": "integer", "Float64": "number", "string": "text", "boolean": "yes/no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCount:
    """A code and its frequency; ``count`` is None where it is small, or would give a small one away.

    ``hidden`` is then ``"<5"``, or ``"·"`` where the count is hidden for the sake of others, or where even
    to call it small would tell it.
    """

    code: str
    label: str = ""
    count: int | None = None
    hidden: str = ""
    reason: str | None = None

    @property
    def shown(self) -> str:
        """``"1,204"``, ``"<5"`` or ``"·"`` (hidden)."""
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
    n_valid, n_distinct : int or None
        Rows with a value that is an answer, and how many different ones there are; None where hidden.
    missing : mapping of reason to count
        Blank cells, declared missing codes, and labels that are known to mean no answer; None where hidden.
    codes : tuple of CodeCount
        For coded variables: codes found, and labels that are never used with count 0.
    low, median, high : float or None
        For numbers that are no identifiers: the fifth lowest value, the median, the fifth highest.
    hidden : mapping of str to str
        Mark (as in :class:`CodeCount`) of each number of this line that is None: ``valid``, missing reasons.
    """

    name: str
    label: str
    type: str
    kind: str
    n_valid: int | None
    n_distinct: int | None
    missing: Mapping[str, int | None] = field(default_factory=dict)
    codes: tuple[CodeCount, ...] = ()
    low: float | None = None
    median: float | None = None
    high: float | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def valid_shown(self) -> str:
        """``n_valid`` as it is printed."""
        return self.hidden[VALID] if self.n_valid is None else f"{self.n_valid:,}"

    @property
    def missing_shown(self) -> dict[str, str]:
        """``missing`` as it is printed."""
        return {r: self.hidden[r] if n is None else f"{n:,}" for r, n in self.missing.items()}

    @property
    def n_hidden(self) -> int:
        """How many numbers of this line are hidden."""
        return len(self.hidden) + sum(c.count is None for c in self.codes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; hidden counts as ``"<5"`` or ``"·"``."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "kind": self.kind,
            "valid": self.hidden[VALID] if self.n_valid is None else self.n_valid,
            "distinct": self.n_distinct,
            "missing": {r: self.hidden[r] if n is None else n for r, n in self.missing.items()},
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
    threshold : int
        Counts below it are hidden.
    """

    source: FileSource
    n_rows: int
    variables: tuple[VariableProfile, ...]
    identifiers: tuple[Identifier, ...]
    guesses: tuple[Guess, ...]
    suspicions: tuple[Suspicion, ...]
    notes: tuple[str, ...] = ()
    threshold: int = SMALL

    @property
    def rows_shown(self) -> str:
        """``"6,411 rows"``; the number of a very small file is hidden too."""
        return (
            f"fewer than {self.threshold} rows" if self.n_rows < self.threshold else f"{self.n_rows:,} rows"
        )

    @property
    def hidden_note(self) -> str:
        """What is hidden, in words; empty where nothing is."""
        n = sum(v.n_hidden for v in self.variables)
        if not n:
            return ""
        numbers = "1 number is" if n == 1 else f"{n:,} numbers are"
        return (
            f"{numbers} not shown: <{self.threshold} is a count from 1 to {self.threshold - 1}, {HIDDEN} a "
            "count of any size, hidden so that no small one can be worked out"
        )

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
                     "encoding": source.encoding,
                     "rows": self.n_rows if self.n_rows >= self.threshold else f"<{self.threshold}"},
            "variables": [v.to_dict() for v in self.variables],
            "identifiers": [{"name": i.name, "kind": i.kind, "reason": i.reason} for i in self.identifiers],
            "guesses": [{"role": g.role, "name": g.name, "reason": g.reason} for g in self.guesses],
            "suspicious": [{"name": s.name, "what": s.what} for s in self.suspicions],
            "notes": list(self.notes),
            "hidden": self.hidden_note,
        }  # fmt: skip

    def to_html(self) -> str:
        """Return a page of its own."""
        from survey_toolkit.microdata._inspection_page import inspection_page

        return inspection_page(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        lines = [
            f"Inspection of {self.source.name}: {self.rows_shown}, {len(self.variables)} variables",
            *(f"  {g.role} may be {g.name}: {g.reason}" for g in self.guesses),
            *(f"  identifier {i.name} ({i.kind}): {i.reason}" for i in self.identifiers),
            *(f"  {s.name}: {s.what}" for s in self.suspicions),
        ]
        return "\n".join(lines)


def inspect_data(data: Microdata, *, threshold: int = SMALL) -> Inspection:
    """Lay a file open: a codebook, columns that name a person, what looks wrong, and what may be what.

    Parameters
    ----------
    data : Microdata
        As read, or harmonized.
    threshold : int
        Smallest count that is shown. With 1 every count is: for the office that holds the file.

    Returns
    -------
    Inspection
        Frequencies below the threshold are not shown, nor further ones from which they could be worked out
        (numbers of rows, of answers and of missing cells, other codes, other columns with the same filter),
        nor any value of a column that names a person.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = Microdata.from_frame(
    ...     pd.DataFrame({"HL4": [1] * 7 + [2] * 6 + [9] * 2 + [8] * 3}),
    ...     [Variable(name="HL4", label="Sex", value_labels={1: "Male", 2: "Female", 8: "Other", 9: "DK"})])
    >>> seen = inspect_data(raw)
    >>> [(c.code, c.shown) for c in seen.variable("HL4").codes]
    [('1', '7'), ('2', '6'), ('8', '<5'), ('9', '<5')]
    >>> seen.variable("HL4").valid_shown, seen.variable("HL4").missing_shown, seen.guesses[0].name
    ('·', {'dk': '<5'}, 'HL4')
    """
    identifiers = find_identifiers(data)
    kinds = {i.name: i.kind for i in identifiers}
    cells = {name: read_source(data, name, by_code={}, by_label=REASON_LABELS) for name in data.variables}
    looks = [_Look.at(data, v, cells[v.name], kinds.get(v.name), threshold) for v in data.variables.values()]
    if data.n_rows:
        hide_linked([look.hiding for look in looks])
    return Inspection(
        source=data.source,
        n_rows=data.n_rows,
        variables=tuple(look.profile() for look in looks),
        identifiers=identifiers,
        guesses=guess_roles(data),
        suspicions=tuple(
            s for k in looks for s in suspicions(data, k.variable, k.cells, hidden=k.hidden_codes())
        ),
        notes=data.notes,
        threshold=threshold,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """A column with what is hidden of it."""

    raw: pd.Series[Any]
    variable: Variable
    cells: Cells
    kind: str
    hiding: Hiding

    @classmethod
    def at(
        cls, data: Microdata, variable: Variable, cells: Cells, identifier: str | None, threshold: int
    ) -> _Look:
        raw, valid = data.frame[variable.name], cells.values.dropna()
        kind = _kind(variable, valid, int(valid.nunique()), identifier)
        parts = partition(raw, cells, coded=kind == "coded")
        return cls(raw, variable, cells, kind, Hiding(parts, threshold).solve())

    def profile(self) -> VariableProfile:
        valid = self.cells.values.dropna()
        dtype = str(self.raw.dtype)
        totals = {group: self.hiding.total(group) for group in self._groups()}
        n_valid, _ = totals.get(VALID, (0, ""))
        coded = self.kind == "coded"
        low, median, high = self._range(valid, odd=n_valid is None)
        return VariableProfile(
            name=self.variable.name,
            label=self.variable.label,
            type="date" if dtype.startswith("datetime") else _TYPES.get(dtype, dtype),
            kind=self.kind,
            n_valid=n_valid,
            # of a column that is not listed, it is a lower limit of the answers
            n_distinct=int(valid.nunique()) if coded or n_valid is not None else None,
            missing={group: n for group, (n, _) in totals.items() if group != VALID},
            codes=_codes(self.variable, self.hiding) if coded else (),
            low=low,
            median=median,
            high=high,
            hidden={group: mark for group, (n, mark) in totals.items() if n is None},
        )

    def hidden_codes(self) -> frozenset[str]:
        """Codes whose count is hidden."""
        codes = self.hiding.parts.codes
        return frozenset(code_text(codes[i]) for i in self.hiding.hidden if codes[i] is not None)

    def _groups(self) -> Iterable[str]:
        found = set(self.hiding.parts.groups)
        return [group for group in (VALID, *MISSING_REASONS) if group in found]

    def _range(self, valid: pd.Series[Any], *, odd: bool) -> tuple[float | None, float | None, float | None]:
        """Fifth lowest value, median, fifth highest; ``odd``: a median between two values tells n is even."""
        import pandas as pd

        numeric = pd.api.types.is_numeric_dtype(valid.dtype)
        if self.kind != "number" or len(valid) < 2 * SMALL or not numeric:
            return None, None, None
        numbers = np.sort(valid.to_numpy(dtype=float))
        median = numbers[(len(numbers) - 1) // 2] if odd else np.median(numbers)
        return float(numbers[SMALL - 1]), float(median), float(numbers[-SMALL])


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


def _codes(variable: Variable, hiding: Hiding) -> tuple[CodeCount, ...]:
    """Codes found with their frequency, and labelled codes never found."""
    parts = hiding.parts
    found: dict[Any, int | None] = {code: i for i, code in enumerate(parts.codes) if code is not None}
    for code in variable.value_labels:
        found.setdefault(code, None)
    order = sorted(found, key=lambda c: (isinstance(c, str), c if not isinstance(c, str) else 0, str(c)))
    return tuple(_count(code, found[code], variable, hiding) for code in order[:200])


def _count(code: Any, cell: int | None, variable: Variable, hiding: Hiding) -> CodeCount:
    hidden = cell in hiding.hidden
    group = None if cell is None else hiding.parts.groups[cell]
    n = 0 if cell is None else hiding.parts.counts[cell]
    return CodeCount(
        code=str(code) if isinstance(code, str) and code in variable.value_labels else _code(code),
        label=variable.value_labels.get(code, "").strip(),
        count=None if hidden else n,
        hidden=hiding.mark(cell) if hidden and cell is not None else "",
        reason=None if group == VALID else group,
    )


def _code(code: Any) -> str:
    return code.strip() if isinstance(code, str) and len(code) <= 40 else code_text(code)
