"""Run every section and sum up."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from survey_toolkit.validation.attacks import attack_checks
from survey_toolkit.validation.certificate import Certificate, Check
from survey_toolkit.validation.coverage import coverage_checks
from survey_toolkit.validation.engines import engine_checks
from survey_toolkit.validation.golden import golden_checks
from survey_toolkit.validation.round_trips import round_trip_checks, standards_checks

__all__ = ["SECTIONS", "validate"]

#: Section to what it proves and how.
SECTIONS: dict[str, tuple[str, Callable[[bool], Iterator[Check]]]] = {
    "Golden values": (
        "Values computed by independent software are computed again and compared number by number.",
        lambda full: golden_checks(),
    ),
    "Engines": (
        "The same table gives the same numbers on every engine installed here.",
        lambda full: engine_checks(),
    ),
    "Coverage": (
        "In simulated populations the truth is known. 95 % intervals must hold it about 95 times in 100.",
        lambda full: coverage_checks(full=full),
    ),
    "Disclosure control": (
        "Tables with small cells are protected, then attacked by linear programming.",
        lambda full: attack_checks(),
    ),
    "Round trips": (
        "Files are written with labels and missing codes and read back.",
        lambda full: round_trip_checks(),
    ),
    "Standards": (
        "Every definition, criterion and indicator is checked, and every written case classified.",
        lambda full: standards_checks(),
    ),
}
_PACKAGES = (
    "survey_toolkit", "numpy", "scipy", "pandas", "narwhals", "duckdb", "pyreadstat", "statsmodels", "polars",
    "pyarrow",
)  # fmt: skip


def validate(*, full: bool = False, progress: Callable[[str, float], None] | None = None) -> Certificate:
    """Prove on this machine that the numbers are right.

    Parameters
    ----------
    full : bool
        Long coverage tables: ten times as many samples.
    progress : callable, optional
        Called with a text and the share done.

    Returns
    -------
    Certificate
        A section that breaks down is a failed check, never a missing one.
    """
    start = time.monotonic()
    checks: list[Check] = []
    for done, (section, (_, run)) in enumerate(SECTIONS.items()):
        if progress:
            progress(section, done / len(SECTIONS))
        checks += _guarded(section, run, full)
    return Certificate(
        checks=tuple(checks),
        versions={"Python": platform.python_version(), **_versions()},
        machine=f"{platform.system()} {platform.release()}, {platform.machine()}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.monotonic() - start,
        full=full,
    )


def _guarded(section: str, run: Callable[[bool], Iterator[Check]], full: bool) -> list[Check]:
    """The checks of a section; what stops it becomes a check that failed."""
    done: list[Check] = []
    try:
        for check in run(full):
            done.append(check)  # noqa: PERF402 - what came before the failure must stand
    except Exception as exc:  # any defect belongs in the certificate
        done.append(
            Check(
                section=section,
                name="the section ended with an error",
                compared=0,
                worst=float("inf"),
                allowed=0.0,
                unit="",
                passed=False,
                detail=type(exc).__name__,
            )
        )
    return done


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
