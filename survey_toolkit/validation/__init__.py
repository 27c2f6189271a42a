"""Proof on the user's own machine: golden values, engines, coverage, attacks, round trips; one certificate."""

from __future__ import annotations

from survey_toolkit.validation.certificate import Certificate, Check
from survey_toolkit.validation.page import certificate_html
from survey_toolkit.validation.run import SECTIONS, validate

__all__ = ["SECTIONS", "Certificate", "Check", "certificate_html", "validate"]
