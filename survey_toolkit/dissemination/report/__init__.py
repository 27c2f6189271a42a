"""The report: one HTML file that needs no network."""

from __future__ import annotations

from survey_toolkit.dissemination.report.page import report_html

__all__ = ["report_html"]
