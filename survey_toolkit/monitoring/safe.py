"""Text that spreadsheet programs take as text; the one place where this room takes it from publication."""

from __future__ import annotations

from survey_toolkit.dissemination.formats.text import neutralise

__all__ = ["neutralise"]
