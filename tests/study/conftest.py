"""A tiny study of one CSV file, written by hand, that every bad-input test breaks in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

CROSSWALK = """\
id: tiny_2024
country: {code: XSC}
survey: Tiny survey
period: "2024"
title: A tiny survey, for tests
status: tested
references: [{source: survey-toolkit, locator: tests, verification: verified}]
levels:
  person:
    keep: [w, stratum, ea]
    targets:
      sex: {source: q1, recode: {1: M, 2: F}}
      age: {source: q2, range: [0, 120]}
      age_band: {from: age, band: true}
      ea_any: {source: q3, recode: {1: true, 2: false}, missing: {8: dk}}
      ea_hours: {source: q4, missing: {99: refused}, blank: not_applicable, on_missing: {not_applicable: 0}}
      chores_any: {source: q5, recode: {1: true, 2: false}}
      chores_hours: {source: q6}
"""

STUDY = """\
id: tiny
title: A tiny study
country: {code: XSC, name: Simulated Country}
period: 2024
survey:
  files:
    person: {path: person.csv, level: person}
  crosswalk: crosswalk.yaml
  design: {weight: w, strata: stratum, psu: ea}
  classify:
    - {definition: child_labour, version: sdg-2021}
indicators:
  - indicator: "8.7.1"
    by: [[sex]]
"""


def person_rows() -> list[dict[str, object]]:
    """A hundred and sixty children in two strata of four enumeration areas; every third one works."""
    rows = []
    for i in range(160):
        works = i % 3 == 0
        rows.append(
            {
                "w": 10 + i % 7,
                "stratum": 1 + i % 2,
                "ea": 10 * (1 + i % 2) + (i // 2) % 4,
                "q1": 1 + (i // 5) % 2,
                "q2": 5 + i % 13,
                "q3": 1 if works else 2,
                "q4": 20 + i % 30 if works else "",
                "q5": 1,
                "q6": i % 25,
            }
        )
    return rows


@dataclass
class TinyStudy:
    """A study folder on disk and the command line to run it."""

    folder: Path
    cli: Callable[..., tuple[int, str, str]]

    def write(
        self, *, study: str = STUDY, crosswalk: str = CROSSWALK, rows: list[dict[str, object]] | None = None
    ) -> None:
        """Write the three files, with the changes a test asks for."""
        (self.folder / "study.yaml").write_text(study, encoding="utf-8")
        (self.folder / "crosswalk.yaml").write_text(crosswalk, encoding="utf-8")
        rows = person_rows() if rows is None else rows
        lines = [",".join(rows[0])] + [",".join(str(v) for v in r.values()) for r in rows]
        (self.folder / "person.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def out(self) -> Path:
        """Where a run would write."""
        return self.folder / "out"

    def run(self, *options: str) -> tuple[int, str, str]:
        """``survey-toolkit run``: exit code, standard output, standard error."""
        return self.cli("run", str(self.folder / "study.yaml"), "--out", str(self.out), *options)


@pytest.fixture
def tiny(tmp_path: Path, cli: Callable[..., tuple[int, str, str]]) -> TinyStudy:
    """A complete tiny study; call ``write`` with a change, then ``run``."""
    study = TinyStudy(tmp_path, cli)
    study.write()
    return study
