"""The inspection as a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from survey_toolkit.microdata._page import bullets, page, table

if TYPE_CHECKING:
    from survey_toolkit.microdata.inspection import Inspection, VariableProfile

__all__ = ["codes_text", "inspection_page", "missing_text"]


def inspection_page(inspection: Inspection) -> str:
    """HTML page of an inspection."""
    source = inspection.source
    facts = (source.format, source.encoding or "", f"sha256 {source.sha256[:16]}" if source.sha256 else "")
    lead = f"{inspection.n_rows:,} rows, {len(inspection.variables)} variables · " + " · ".join(
        filter(None, facts)
    )
    return page(
        f"Codebook of {source.name}",
        lead,
        ("Names a person: remove before the file is passed on", table(
            ("column", "what", "why it was taken for one"),
            [(i.name, i.kind, i.reason) for i in inspection.identifiers])),
        ("What may be what (guesses; nothing is applied)", table(
            ("role", "column", "reason"), [(g.role, g.name, g.reason) for g in inspection.guesses])),
        ("What looks wrong", table(("column", "what"), [(s.name, s.what) for s in inspection.suspicions])),
        ("Variables", table(
            ("name", "label", "type", "valid", "missing", "codes or range"),
            [(v.name, v.label, v.kind if v.kind.startswith("identifier") else v.type, v.n_valid,
              missing_text(v), codes_text(v)) for v in inspection.variables],
            numbers=("valid",))),
        ("Notes", bullets(inspection.notes)),
    )  # fmt: skip


def missing_text(profile: VariableProfile) -> str:
    """``dk 12, system <5``."""
    return ", ".join(f"{r} {n:,}" if n >= 5 else f"{r} <5" for r, n in profile.missing.items())


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
    return f"{profile.n_distinct:,} different" if profile.kind == "text" else ""
