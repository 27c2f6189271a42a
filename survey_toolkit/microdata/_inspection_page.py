"""The inspection as a page of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from survey_toolkit.microdata._page import bullets, page, table

if TYPE_CHECKING:
    from survey_toolkit.microdata.inspection import Inspection, VariableProfile
    from survey_toolkit.microdata.tables import TableLink

__all__ = ["codes_text", "inspection_page", "inspections_page", "missing_text"]


def inspection_page(inspection: Inspection) -> str:
    """HTML page of an inspection."""
    return page(f"Codebook of {inspection.source.name}", _lead(inspection), *_sections(inspection))


def inspections_page(title: str, inspections: Sequence[Inspection], links: Iterable[TableLink] = ()) -> str:
    """HTML page of the tables of one export, one after the other, and how they hang together."""
    if len(inspections) == 1:
        return inspection_page(inspections[0])
    tables = [
        (one.source.name, one.rows_shown.removesuffix(" rows"), len(one.variables), len(one.identifiers))
        for one in inspections
    ]
    joined = [(k.child, k.parent, ", ".join(f"{a} = {b}" for a, b in k.on)) for k in links]
    sections = [
        ("Tables", table(
            ("table", "rows", "variables", "name a person"), tables,
            numbers=("rows", "variables", "name a person"))),
        ("Links (check them before a join)", table(("child", "parent", "by"), joined)),
    ]  # fmt: skip
    for one in inspections:
        name = one.source.name.rpartition(":")[2]
        sections += [(f"{name} · {heading}", content) for heading, content in _sections(one) if content]
    return page(f"Codebook of {title}", f"{len(inspections)} tables", *sections)


def _lead(inspection: Inspection) -> str:
    source = inspection.source
    facts = (source.format, source.encoding or "", f"sha256 {source.sha256[:16]}" if source.sha256 else "")
    return f"{inspection.rows_shown}, {len(inspection.variables)} variables · " + " · ".join(
        filter(None, facts)
    )


def _sections(inspection: Inspection) -> list[tuple[str, str]]:
    return [
        ("Names a person: remove before the file is passed on", table(
            ("column", "what", "why it was taken for one"),
            [(i.name, i.kind, i.reason) for i in inspection.identifiers])),
        ("What may be what (guesses; nothing is applied)", table(
            ("role", "column", "reason"), [(g.role, g.name, g.reason) for g in inspection.guesses])),
        ("What looks wrong", table(("column", "what"), [(s.name, s.what) for s in inspection.suspicions])),
        ("Variables", table(
            ("name", "label", "type", "valid", "missing", "codes or range"),
            [(v.name, v.label, v.kind if v.kind.startswith("identifier") else v.type, v.valid_shown,
              missing_text(v), codes_text(v)) for v in inspection.variables],
            numbers=("valid",))),
        ("Notes", bullets(filter(None, (inspection.hidden_note, *inspection.notes)))),
    ]  # fmt: skip


def missing_text(profile: VariableProfile) -> str:
    """``dk 12, system <5``."""
    return ", ".join(f"{reason} {n}" for reason, n in profile.missing_shown.items())


def codes_text(profile: VariableProfile, *, most: int = 60, between: str = "\n") -> str:
    """Codes with their frequency, or the range, in one text."""
    if profile.codes:
        shown = [
            f"{c.code} {c.label} ({c.shown}{', ' + c.reason if c.reason else ''})".replace("  ", " ")
            for c in profile.codes[:most]
        ]
        more = len(profile.codes) - most
        return between.join([*shown, f"… {more} more"] if more > 0 else shown)
    if profile.low is not None and profile.high is not None and profile.median is not None:
        return f"{profile.low:g} to {profile.high:g}, median {profile.median:g}"
    told = profile.kind == "text" and profile.n_distinct is not None
    return f"{profile.n_distinct:,} different" if told else ""
