"""What a survey file is, once read: a frame, what its columns mean, where it came from, what was done to it.

Three facts about a cell are kept apart: its *value*, the *reason* it has none, and the *label* of a code.
Codes that a file declares missing (SPSS user-missing values) stay in the frame exactly as they stand in
the file, and their declaration stands in :class:`Variable`. Where a format has missing values that are no
numbers (Stata's ``.a`` to ``.z``), and in harmonized data, the cell is null and its tag or reason stands
beside it in a text column ``<name>__missing``.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import SurveyToolkitError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "MISSING_REASONS",
    "MISSING_SUFFIX",
    "STATUSES",
    "Code",
    "FileSource",
    "Microdata",
    "MissingCode",
    "TargetAudit",
    "Variable",
]

#: A code of a categorical variable, as it stands in the file.
Code = int | float | str | bool

#: Why a cell has no value. ``user_missing``: the file declares the code missing but not why;
#: ``system``: blank without a declared reason; ``unmapped``: a code the crosswalk sets aside.
MISSING_REASONS = (
    "dk",
    "refused",
    "not_applicable",
    "not_asked",
    "no_response",
    "inconsistent",
    "suppressed",
    "out_of_range",
    "unmapped",
    "user_missing",
    "system",
)

#: Suffix of the text column that tells why a cell of the column beside it is null.
MISSING_SUFFIX = "__missing"

#: How far a harmonized variable matches its target.
STATUSES = ("complete", "partial", "impossible")

_SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCode:
    """A code, or a closed range of codes, that a file declares missing.

    Parameters
    ----------
    low, high : float or str
        Ends of the range, both included; equal for one code. ``".a"`` to ``".z"`` are Stata's tagged
        missing values.
    reason : str, optional
        One of :data:`MISSING_REASONS`, where it is known.
    label : str, optional
        The file's own label of the code.

    Examples
    --------
    >>> MissingCode(low=97, high=99).contains([12, 98, None])
    array([False,  True, False])
    """

    low: float | str
    high: float | str
    reason: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.low, str) != isinstance(self.high, str):
            raise SurveyToolkitError(
                "a missing range needs two numbers or two texts", found=f"{self.low!r} to {self.high!r}"
            )
        if self.low > self.high:  # type: ignore[operator]
            raise SurveyToolkitError("a missing range ends before it begins", found=self.text)

    @property
    def text(self) -> str:
        """``98`` or ``97 to 99``."""
        return _number(self.low) if self.low == self.high else f"{_number(self.low)} to {_number(self.high)}"

    def contains(self, values: Any) -> NDArray[np.bool_]:
        """Which of ``values`` (any sequence; null is never inside) fall into the range."""
        import pandas as pd

        series = pd.Series(values)
        if isinstance(self.low, str):
            # SPSS pads text codes with blanks; they do not count
            inside = series.astype("string").str.rstrip() == self.low.rstrip()
        elif pd.api.types.is_numeric_dtype(series.dtype):
            inside = (series >= self.low) & (series <= self.high)
        else:
            inside = pd.Series(False, index=series.index)
        return inside.fillna(False).to_numpy(dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What one column means.

    Attributes
    ----------
    name, label : str
        Column name; the question or description in words.
    value_labels : mapping
        Code to label, codes as they stand in the column (``.a`` to ``.z`` for tagged missing values).
    missing : tuple of MissingCode
        Codes that are no answer.
    unit : str or None
        Unit of a number, e.g. ``"hours"``.
    level : str or None
        ``"household"``, ``"person"``, ``"job"``, ``"episode"``, where it is known.
    sources : tuple of str
        Columns this one was made from; empty for a column of a file.
    format : str or None
        Display format of the file (``F8.2``, ``DATE11``, ``%td``).
    provenance : mapping
        How the column was made: definition, version, rule in words, criteria, columns read.
    """

    name: str
    label: str = ""
    value_labels: Mapping[Code, str] = field(default_factory=dict)
    missing: tuple[MissingCode, ...] = ()
    unit: str | None = None
    level: str | None = None
    sources: tuple[str, ...] = ()
    format: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Where data came from: enough to find the very same file again."""

    name: str
    sha256: str = ""
    format: str = ""
    encoding: str | None = None
    n_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAudit:
    """The account of one harmonized variable; ``n_in = n_valid + sum(missing) + sum(unmapped)``.

    Attributes
    ----------
    target, level : str
        Harmonized variable and its level.
    sources : tuple of str
        Columns read.
    rule : str
        What was done, in words.
    n_in, n_valid : int
        Rows that came in, and rows that have a value now.
    n_recoded : int
        Rows whose value is not the source's own value.
    n_outside : int
        Rows outside the variable's universe.
    unmapped : mapping
        Code found but not mapped, to its count.
    missing : mapping
        Reason to count.
    codes : tuple of (source code, result, count)
        One row a code for recodes: what became what, how often.
    status, note : str
        ``complete``, ``partial`` or ``impossible``, and the comparability note.
    """

    target: str
    level: str
    sources: tuple[str, ...]
    rule: str
    n_in: int
    n_valid: int
    n_recoded: int = 0
    n_outside: int = 0
    unmapped: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    codes: tuple[tuple[str, str, int], ...] = ()
    status: str = "complete"
    note: str = ""

    def row(self) -> dict[str, Any]:
        """One flat row for a table."""
        return {
            "target": self.target,
            "level": self.level,
            "sources": ", ".join(self.sources),
            "rule": self.rule,
            "n_in": self.n_in,
            "n_valid": self.n_valid,
            "n_recoded": self.n_recoded,
            "n_outside": self.n_outside,
            "unmapped": _counts(self.unmapped),
            "missing": _counts(self.missing),
            "status": self.status,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Microdata:
    """A survey file with its meaning and its history.

    Attributes
    ----------
    frame : pandas.DataFrame
        Nullable dtypes; the codes of the file, or harmonized values.
    variables : mapping of str to Variable
        One entry a column; companions ``<name>__missing`` have none.
    source : FileSource
        The file it was read from.
    level : str or None
        What one row is, once harmonized.
    keys : tuple of str
        Columns that name one row, once harmonized.
    audit : tuple of TargetAudit
        Account of the harmonization, one entry a target; empty for data as read.
    notes : tuple of str
        What a reader of the figures must know.

    Examples
    --------
    >>> import pandas as pd
    >>> sex = Variable(name="sex", label="Sex", value_labels={1: "male", 2: "female"})
    >>> data = Microdata.from_frame(pd.DataFrame({"sex": [1, 2]}), [sex])
    >>> print(data)
    Microdata: 2 rows, 1 variable (memory)
      sex  Int64  Sex  [1 male, 2 female]
    """

    frame: pd.DataFrame
    variables: Mapping[str, Variable]
    source: FileSource
    level: str | None = None
    keys: tuple[str, ...] = ()
    audit: tuple[TargetAudit, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.variables if name not in self.frame.columns]
        if unknown:
            raise SurveyToolkitError(
                "a variable is described that is not in the frame",
                found=", ".join(f"'{name}'" for name in unknown[:5]),
                expected=did_you_mean(unknown[0], self.frame.columns),
            )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        variables: Iterable[Variable] = (),
        *,
        name: str = "memory",
        level: str | None = None,
        keys: Iterable[str] = (),
        notes: Iterable[str] = (),
    ) -> Microdata:
        """Microdata from a frame made here; columns without a description get a bare one."""
        from survey_toolkit._frames import null_aware_pandas

        nullable = null_aware_pandas(frame)
        given = {v.name: v for v in variables}
        bare = [c for c in nullable.columns if not c.endswith(MISSING_SUFFIX)]
        described = {name: given.pop(name, Variable(name=name)) for name in bare} | given
        source = FileSource(name=name, format="frame", n_rows=len(nullable))
        return cls(
            frame=nullable,
            variables=described,
            source=source,
            level=level,
            keys=tuple(keys),
            notes=tuple(notes),
        )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    def variable(self, name: str) -> Variable:
        """Return the description of a column; an unknown name is told with the nearest ones."""
        if name not in self.variables:
            raise SurveyToolkitError(
                "no such variable",
                where=self.source.name,
                found=f"'{name}'",
                expected=did_you_mean(name, self.variables),
                code="missing-column",
            )
        return self.variables[name]

    def status(self, name: str) -> str | None:
        """Harmonization status of a target: complete, partial, impossible, or None if there was none."""
        return next((a.status for a in self.audit if a.target == name), None)

    def replace(self, **changes: Any) -> Microdata:
        """Return a copy with some parts changed."""
        return replace(self, **changes)

    def audit_frame(self) -> pd.DataFrame:
        """Return the audit as a table: one row a target."""
        import pandas as pd

        return pd.DataFrame([entry.row() for entry in self.audit])

    def codes_frame(self) -> pd.DataFrame:
        """Return the audit of the recodes as a table: one row a code."""
        import pandas as pd

        rows = [(a.target, *code) for a in self.audit for code in a.codes]
        return pd.DataFrame(rows, columns=["target", "source_code", "result", "n"])

    def __repr__(self) -> str:
        lines = [f"Microdata: {_title(self)}"]
        shown = list(self.variables.values())[:_SHOWN]
        rows = [(v.name, str(self.frame[v.name].dtype), v.label, _codes(v)) for v in shown]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            lines.append("  " + "  ".join([*cells, row[3]]).rstrip())
        if len(self.variables) > _SHOWN:
            lines.append(f"  … and {len(self.variables) - _SHOWN} more")
        lines += [f"  {_audit_line(entry)}" for entry in self.audit]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>"
            for v in list(self.variables.values())[:_SHOWN]
            for cells in [(v.name, str(self.frame[v.name].dtype), v.label, _codes(v))]
        )
        audit = "".join(f"<li>{html.escape(_audit_line(entry))}</li>" for entry in self.audit)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        head = "".join(f"<th>{name}</th>" for name in ("variable", "type", "label", "codes"))
        return (
            f"<h4>Microdata: {html.escape(_title(self))}</h4>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            + (f"<h5>Audit</h5><ul>{audit}</ul>" if audit else "")
            + (f"<h5>Notes</h5><ul>{notes}</ul>" if notes else "")
        )


def _title(data: Microdata) -> str:
    n = len(data.variables)
    source = ", ".join(
        part for part in (data.source.name, data.source.encoding, data.source.sha256[:12]) if part
    )
    level = f" at {data.level} level" if data.level else ""
    return f"{data.n_rows:,} rows, {n} variable{'s' if n != 1 else ''}{level} ({source})"


def _codes(variable: Variable) -> str:
    items = [f"{_number(code)} {label.strip()}" for code, label in variable.value_labels.items()]
    text = f"[{', '.join(items[:6])}{', …' if len(items) > 6 else ''}]" if items else ""
    missing = ", ".join(code.text for code in variable.missing)
    return f"{text} missing {missing}".strip() if missing else text


def _audit_line(entry: TargetAudit) -> str:
    parts = [f"{entry.n_valid:,} valid of {entry.n_in:,}"]
    parts += [f"{n:,} {reason}" for reason, n in entry.missing.items()]
    parts += [f"{n:,} unmapped code {code}" for code, n in entry.unmapped.items()]
    status = "" if entry.status == "complete" else f" ({entry.status})"
    return f"{entry.target}{status}: {', '.join(parts)}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{key}: {n}" for key, n in counts.items())


def _number(code: Code) -> str:
    return str(int(code)) if isinstance(code, float) and code.is_integer() else str(code)
