"""The way back from a figure: estimator, design, variables, rules, criteria, definition, source paragraph.

A :class:`Trace` is plain data and travels inside the figure, so that ``explain`` works from a published
``figures.json`` without the microdata and without running anything again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["FileRecord", "Trace", "TraceStep"]

#: Text of a step that would have told numbers of a suppressed cell.
REDACTED = "not shown: the cell is suppressed to protect the people in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file that went in: name without folder, and the fingerprint of its bytes."""

    name: str
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One step of the way back.

    Attributes
    ----------
    kind : str
        ``figure estimator design model lists variable rule criterion definition indicator source file``.
    title : str
        What stands at this step, e.g. ``"child_labour@sdg-2021"``.
    text : str
        A sentence about it.
    reference : str
        Source and paragraph, where the step rests on one.
    own : bool
        True when the text tells numbers of this one cell; dropped when the cell is suppressed.
    children : tuple of TraceStep
        What the step rests on, e.g. the criteria of a rule.
    """

    kind: str
    title: str
    text: str = ""
    reference: str = ""
    own: bool = False
    children: tuple[TraceStep, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form; empty parts are left out."""
        out: dict[str, Any] = {"kind": self.kind, "title": self.title}
        out |= {k: v for k, v in (("text", self.text), ("reference", self.reference)) if v}
        if self.own:
            out["own"] = True
        if self.children:
            out["children"] = [child.to_dict() for child in self.children]
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TraceStep:
        """Inverse of :meth:`to_dict`."""
        children = tuple(cls.from_dict(child) for child in data.get("children", ()))
        return cls(**{**data, "children": children})

    def redacted(self) -> TraceStep:
        """The step without numbers of this one cell, all the way down."""
        children = tuple(child.redacted() for child in self.children)
        return replace(self, text=REDACTED if self.own else self.text, children=children)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, TraceStep]]:
        """The step and everything below it, with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Ordered chain of steps, and what is needed to repeat the run.

    Examples
    --------
    >>> trace = Trace(steps=(TraceStep(kind="figure", title="8.7.1", text="12.5 %", own=True),),
    ...               files=(FileRecord(name="lfs.sav", sha256="ab" * 32),), software="survey_toolkit 0.1.0")
    >>> Trace.from_dict(trace.to_dict()) == trace
    True
    >>> trace.redacted().steps[0].text
    'not shown: the cell is suppressed to protect the people in it'
    """

    steps: tuple[TraceStep, ...] = ()
    files: tuple[FileRecord, ...] = ()
    software: str = ""
    seed: int | None = None
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "steps": [step.to_dict() for step in self.steps],
            "files": [{"name": f.name, "sha256": f.sha256, "rows": f.rows} for f in self.files],
            "software": self.software,
            "seed": self.seed,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trace:
        """Inverse of :meth:`to_dict`."""
        return cls(
            steps=tuple(TraceStep.from_dict(step) for step in data.get("steps", ())),
            files=tuple(FileRecord(**record) for record in data.get("files", ())),
            software=data.get("software", ""),
            seed=data.get("seed"),
            notes=tuple(data.get("notes", ())),
        )

    def redacted(self) -> Trace:
        """The trace without numbers of this one cell."""
        return replace(self, steps=tuple(step.redacted() for step in self.steps), notes=())
