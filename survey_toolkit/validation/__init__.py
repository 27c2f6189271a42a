"""Proof on the user's machine, in one certificate: golden values, engines, coverage, attacks, round trips."""

from __future__ import annotations

from survey_toolkit.validation.certificate import Certificate, Check
from survey_toolkit.validation.page import certificate_html
from survey_toolkit.validation.run import SECTIONS, validate

__all__ = ["SECTIONS", "Certificate", "Check", "certificate_html", "validate"]
