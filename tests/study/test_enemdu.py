"""Ecuador ENEMDU 2021 Q1: from the .sav file through crosswalk, classification and survey to R's numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from survey_toolkit.study import Study, StudyRun, shipped_study

#: Closed-form estimates and Taylor standard errors: the file's own tolerance.
RTOL = 1e-8

BANDS = {"5-11", "12-14", "15-17"}
SEX = {"1": "M", "2": "F"}
AREA = {"1": "U", "2": "R"}

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def expected(bank: Path) -> dict[str, Any]:
    path = bank / "files" / "official" / "ecu_enemdu_2021q1_children.json"
    values: dict[str, Any] = json.loads(path.read_text())["exact"]
    return values


def _run(bank: Path, study: Path) -> StudyRun:
    return Study.load(study, data_folder=bank / "files" / "data").run()


@pytest.fixture(scope="module")
def sdg(bank: Path) -> StudyRun:
    return _run(bank, shipped_study("ecu_enemdu_2021q1") / "study.yaml")


@pytest.fixture(scope="module")
def mics6(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    text = (shipped_study("ecu_enemdu_2021q1") / "study.yaml").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("mics6") / "study.yaml"
    path.write_text(text.replace("version: sdg-2021", "version: mics6"), encoding="utf-8")
    return _run(bank, path)


def _cells(values: dict[str, Any]) -> list[tuple[dict[str, str], dict[str, float]]]:
    """Breakdown of the study and R's numbers, for every row of the reference."""
    cells: list[tuple[dict[str, str], dict[str, float]]] = [({}, values)]
    cells += [({"sex": SEX[r["level"]]}, r) for r in values["p02"]]
    cells += [({"urbanisation": AREA[r["level"]]}, r) for r in values["area"]]
    cells += [({"age_band": r["level"]}, r) for r in values["grp"]]
    cells += [({"sex": SEX[r["p02"]], "age_band": r["grp"]}, r) for r in values["p02_by_grp"]]
    return cells


@pytest.mark.parametrize(("run", "wording"), [("sdg", "cl_gt"), ("mics6", "cl")])
def test_every_cell_equals_r(
    run: str, wording: str, expected: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    result: StudyRun = request.getfixturevalue(run)
    estimates = {
        (series.series.id, tuple(zip(found.domain_names, domain, strict=True))): (
            found.estimate[i],
            found.se[i],
        )
        for series, found in result.survey.estimates  # type: ignore[union-attr]
        for i, domain in enumerate(found.domains)
    }
    cells = _cells(expected["values"][wording])
    assert len(cells) == 14
    for breakdown, r in cells:
        estimate, se = estimates["SL_TLF_CHLDEA", tuple(breakdown.items())]
        assert estimate == pytest.approx(r["estimate"], rel=RTOL), breakdown
        assert se == pytest.approx(r["se"], rel=RTOL), breakdown
    total, total_se = estimates["SL_TLF_CHLDEAN", ()]
    assert total == pytest.approx(cells[0][1]["total"], rel=RTOL)
    assert total_se == pytest.approx(cells[0][1]["total_se"], rel=RTOL)


def test_published_figures_carry_the_same_numbers(sdg: StudyRun, expected: dict[str, Any]) -> None:
    values = expected["values"]["cl_gt"]
    figure = sdg.figures.get("8.7.1/ECU/2021-Q1/_T/_T/_T")
    assert figure.value == pytest.approx(values["estimate"], rel=RTOL)
    assert figure.se == pytest.approx(values["se"], rel=RTOL)
    assert figure.n == expected["n"]
    assert figure.df == expected["df"]
    girls = sdg.figures.get("8.7.1/ECU/2021-Q1/F/15-17/_T")
    assert girls.value == pytest.approx(values["p02_by_grp"][3]["estimate"], rel=RTOL)


def test_nothing_is_undetermined_and_nothing_dropped(sdg: StudyRun, expected: dict[str, Any]) -> None:
    assert sdg.survey is not None
    status = sdg.survey.microdata.frame["child_labour_a__status"].value_counts()
    assert status.sum() == expected["n"]
    assert set(status.index) == {"met", "not_met"}


def test_the_series_with_chores_is_not_invented(sdg: StudyRun) -> None:
    assert {f.series for f in sdg.figures} == {"SL_TLF_CHLDEA", "SL_TLF_CHLDEAN"}
    assert "child_labour_b" not in sdg.survey.microdata.frame.columns  # type: ignore[union-attr]


def test_a_version_that_is_not_the_series_own_is_marked(mics6: StudyRun) -> None:
    assert {f.version for f in mics6.figures} == {"mics6"}
    assert {f.obs_status for f in mics6.figures if f.shown} <= {"D", "U"}
    assert any("definition differs" in note.title for note in mics6.context.caveats)


def test_explain_reaches_the_source_paragraph(sdg: StudyRun) -> None:
    text = sdg.explain("8.7.1/ECU/2021-Q1/F/5-11")
    for part in ("p24", "ea_hours", "child_labour@sdg-2021", "SDG indicator metadata 8.7.1", "sha256"):
        assert part in text
