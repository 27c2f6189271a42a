"""The certificate: every section passes here, a wrong number fails, a section that breaks down is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.estimation import estimates
from survey_toolkit.validation import SECTIONS, Certificate, Check, certificate_html, golden, run, validate
from survey_toolkit.validation.attacks import attack_checks
from survey_toolkit.validation.coverage import coverage_checks
from survey_toolkit.validation.engines import engine_checks
from survey_toolkit.validation.golden import golden_checks
from survey_toolkit.validation.round_trips import round_trip_checks, standards_checks


@pytest.mark.parametrize(
    "section", [golden_checks, engine_checks, attack_checks, round_trip_checks, standards_checks]
)
def test_every_check_passes_and_compares_something(section: object) -> None:
    checks = list(section())  # type: ignore[operator]
    assert checks
    for check in checks:
        assert check.passed, check
        assert check.compared > 0, check
        assert check.section in SECTIONS


def test_golden_values_cover_every_room_of_estimation() -> None:
    assert sum(c.compared for c in golden_checks()) > 500


def test_a_wrong_golden_value_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> list[tuple[list[float], list[float]]]:
        return [([1.0, 2.0], [1.0, 2.0 + 1e-6])]

    monkeypatch.setattr(golden, "CASES", (("wrong", 1e-9, wrong),))
    (check,) = golden_checks()
    assert not check.passed
    assert check.worst == pytest.approx(5e-7, rel=1e-3)


def test_a_number_where_none_is_expected_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "CASES", (("hole", 1e-9, lambda: [([1.0], ["NaN"])]),))
    (check,) = golden_checks()
    assert not check.passed


def _breaks(full: bool) -> Iterator[Check]:
    yield Check(section="A", name="a", compared=1, worst=0, allowed=0, unit="", passed=True)
    raise ZeroDivisionError("secret")


def test_a_section_that_breaks_down_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SECTIONS", {"A": ("text", _breaks)})
    certificate = validate()
    assert [c.passed for c in certificate.checks] == [True, False]
    assert not certificate.passed
    assert certificate.checks[1].detail == "ZeroDivisionError"


def test_nothing_checked_is_no_pass() -> None:
    empty = Certificate(checks=(), versions={}, machine="", date="", seconds=0, full=False)
    assert not empty.passed
    assert "Nothing is proved" in certificate_html(empty)


def test_the_page_escapes_and_counts() -> None:
    checks = tuple(
        Check(section="Engines", name=f"<b>{i}", compared=2, worst=0, allowed=0, unit="", passed=i > 0)
        for i in range(3)
    )
    page = certificate_html(
        Certificate(checks=checks, versions={"a": "<1>"}, machine="m", date="d", seconds=1, full=True)
    )
    assert "1 of 3 checks failed" in page
    assert "<b>" not in page
    assert "&lt;1&gt;" in page
    assert "http" not in page


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {name: run.SECTIONS[name] for name in ("Disclosure control",)}
    monkeypatch.setattr(run, "SECTIONS", kept)
    done = CliRunner().invoke(app, ["validate", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["passed"]
    assert "All 2 checks passed" in Path(told["out"]).read_text(encoding="utf-8")


@pytest.mark.slow
def test_coverage() -> None:
    for check in coverage_checks():
        assert check.passed, check


def test_the_certificate_notices_a_broken_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the comparison alone: an estimator that goes wrong by one in a million is caught."""
    original = estimates.Estimates.__post_init__

    def slightly_wrong(self: estimates.Estimates) -> None:
        object.__setattr__(self, "estimate", self.estimate * (1 + 1e-6))
        original(self)

    monkeypatch.setattr(estimates.Estimates, "__post_init__", slightly_wrong)
    assert not next(iter(golden_checks())).passed
