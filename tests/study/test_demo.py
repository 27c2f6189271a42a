"""The demo as a user runs it: two studies, their figures, the way back, nothing outside the folder."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from survey_toolkit.study import Study, published_figures
from survey_toolkit.study.schema import json_schema
from tests.study.conftest import TinyStudy

FILES = {"figures.csv", "figures.json", "figures.xlsx", "report.html"}


def _cpu_of_children() -> float:
    """CPU, not the clock on the wall: a busy machine does not make the demo slower."""
    spent = os.times()
    return spent.children_user + spent.children_system


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """Output folder, printed text and CPU seconds of one demo in a process of its own."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, "COLUMNS": "120"}
    begun = _cpu_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "survey_toolkit.cli", "demo", "--out", "out"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder / "out", done.stdout, _cpu_of_children() - begun


def test_it_prints_the_figures_and_is_quick(demo: tuple[Path, str, float]) -> None:
    _, text, seconds = demo
    assert seconds < 60
    for part in ("2,744", "11,313", "9,889 – 13,063", "8.7.1", "5.3.1", "forced_labour", "truth"):
        assert part in text


def test_it_writes_into_its_folder_only(demo: tuple[Path, str, float]) -> None:
    out, _, _ = demo
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    assert {p.name for p in out.iterdir()} == {"studies", "uk_2013", "simulated_country_2024"}
    for study in ("uk_2013", "simulated_country_2024"):
        written = {p.name for p in (out / study).iterdir()}
        assert written >= FILES
        assert any(name.startswith("sdmx") for name in written)


def test_the_survey_files_are_real(demo: tuple[Path, str, float]) -> None:
    folder = demo[0] / "studies" / "simulated_country_2024"
    assert (folder / "person.sav").read_bytes()[:4] == b"$FL2"
    assert (folder / "job.sav").read_bytes()[:4] == b"$FL2"
    assert (folder / "household.dta").read_bytes()[:11] == b"<stata_dta>"


def test_uk_figures_are_the_published_model(demo: tuple[Path, str, float]) -> None:
    figures = published_figures(demo[0] / "uk_2013")
    assert figures.get("16.2.2/GBR/2013").value == 2744
    total = figures.get("16.2.2:MSDI_HTF_TOT/GBR/2013")
    # SparseMSE 2.0.1 on the five lists at p = .02; profile limits of Rcapture 1.4.4 on the same model
    assert total.value == pytest.approx(11312.9902894353, rel=1e-5)
    assert total.ci_low == pytest.approx(9889.19554350361, rel=1e-3)
    assert total.ci_high == pytest.approx(13063.0963759664, rel=1e-3)
    rate = figures.get("16.2.2:MSDI_HTF_TOTR/GBR/2013")
    assert rate.present() == pytest.approx(total.value / 64_100_000 * 100_000)


def test_most_intervals_cover_the_truth_and_the_report_says_so(demo: tuple[Path, str, float]) -> None:
    figures = published_figures(demo[0] / "simulated_country_2024")
    covered = [f.covers for f in figures if f.covers is not None]
    assert len(covered) > 50
    # 72 dependent intervals of 95 %: fewer than 60 covered would be far outside chance
    assert sum(covered) >= 60
    with (demo[0] / "simulated_country_2024" / "figures.csv").open(encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["id"] for row in rows} == {f.id for f in figures}


def test_the_annex_tells_units_strata_and_other_methods(demo: tuple[Path, str, float]) -> None:
    page = (demo[0] / "simulated_country_2024" / "report.html").read_text("utf-8")
    assert "24,513 records in 300 primary sampling units of 12 strata; 288 degrees of freedom" in page
    uk = (demo[0] / "uk_2013" / "report.html").read_text("utf-8")
    assert (
        '<th scope="row">Pairwise BIC</th><td class="num">22,991</td><td class="num">17,991 – 30,142</td>'
        in uk
    )
    assert (
        "<td>Refused: the latent-class sampler does not mix on this table, so its draws are no posterior. "
        "The " in uk
    )
    methods = uk[uk.index('id="methods"') : uk.index('id="data-quality"')]
    starts = re.findall(r"<(?:p|td)>([^<]+)", methods[methods.index("<h3>Notes on the lists") :])
    assert all(text[0].isupper() for text in starts)


def test_a_chart_with_one_drawing_is_shown_on_a_phone(demo: tuple[Path, str, float]) -> None:
    """A chart with a drawing of its own for phones hides the wide one there; the pyramids have one only."""
    page = (demo[0] / "simulated_country_2024" / "report.html").read_text("utf-8")
    figures = re.findall(r"<figure>(.*?)<figcaption>", page, re.S)
    pyramids = [f for f in figures if 'class="narrow"' not in f]
    assert 0 < len(pyramids) < len(figures)
    assert all("<svg" in f and 'class="wide"' not in f for f in pyramids)
    assert not any("None" in f for f in figures)


def test_explain_from_the_published_file(demo: tuple[Path, str, float], cli) -> None:  # type: ignore[no-untyped-def]
    for figure, parts in {
        "8.7.1/XSC/2024/F/5-11": ("person.sav", "child_labour@sdg-2021", "SDG indicator metadata 8.7.1"),
        "16.2.2:MSDI_HTF_TOT/GBR/2013": ("capture_histories.csv", "trafficking@palermo-2000", "LA:NG"),
        "forced_labour/XSC/2024/_T/_T": ("job.sav", "inv.", "pen.", "forced_labour@icls20-2018"),
    }.items():
        code, out, err = cli("explain", figure, "--out", str(demo[0]))
        assert code == 0, err
        for part in parts:
            assert part in out, (figure, part)


def test_unknown_figure_names_the_nearest(demo: tuple[Path, str, float], cli) -> None:  # type: ignore[no-untyped-def]
    code, _, err = cli("explain", "8.7.1/XSC/2023", "--out", str(demo[0]))
    assert code == 1
    assert "did you mean" in err


def test_no_figures_no_traceback(tmp_path: Path, cli) -> None:  # type: ignore[no-untyped-def]
    code, _, err = cli("explain", "8.7.1", "--out", str(tmp_path))
    assert code == 1
    assert "no published figures here" in err


def test_the_same_study_gives_the_same_bytes(demo: tuple[Path, str, float], tmp_path: Path) -> None:
    folder = demo[0] / "studies" / "simulated_country_2024"
    again = Study.load(folder / "study.yaml").run().report(tmp_path / "again")
    first = demo[0] / "simulated_country_2024"
    for name in ("figures.csv", "figures.json", "report.html"):
        assert (again / name).read_bytes() == (first / name).read_bytes(), name


def test_json_for_a_program(tiny: TinyStudy) -> None:
    code, out, err = tiny.run("--json")
    assert code == 0, err
    assert {f["indicator"] for f in json.loads(out)["figures"]} == {"8.7.1"}


def test_the_shipped_schema_is_the_models() -> None:
    shipped = Path(__file__).parents[2] / "survey_toolkit" / "study" / "study.schema.json"
    assert json.loads(shipped.read_text(encoding="utf-8")) == json_schema()


def test_the_report_needs_no_network(demo: tuple[Path, str, float]) -> None:
    for study in ("uk_2013", "simulated_country_2024"):
        text = (demo[0] / study / "report.html").read_text(encoding="utf-8")
        links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(https?:)?//""", text)
        assert links == []


def test_help_has_an_example_for_every_verb(cli) -> None:  # type: ignore[no-untyped-def]
    verbs = [["demo"], ["run"], ["explain"], ["inspect"], ["harmonize"], ["estimate"], ["population-size"]]
    verbs += [["standards", v] for v in ("list", "show", "diff", "check")]
    for verb in verbs:
        code, out, _ = cli(*verb, "--help")
        assert code == 0
        assert "Example" in out, verb
