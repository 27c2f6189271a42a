"""The verbs that publish, as a user types them."""

import json

import publication_sample as sample
import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.dissemination import write, write_outputs
from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators import Figures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "out"
    write_outputs(sample.protected().figures, out, ["sdmx"], sample.context())
    return out


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_publish_writes_the_formats_asked_for(tmp_path, folder):
    done = run("publish", folder, "--out", tmp_path / "share", "--formats", "latex,unodc")
    assert done.exit_code == 0
    assert (tmp_path / "share" / "tables.tex").is_file()
    assert (tmp_path / "share" / "unodc.csv").is_file()


def test_figures_read_back_bring_their_title_place_and_definitions(tmp_path, folder):
    run("publish", folder, "--out", tmp_path / "all", "--formats", "html,markdown")
    page = (tmp_path / "all" / "report.html").read_text("utf-8")
    # two countries and two years: neither stands for the other's table
    assert "<title>Figures on 8.7.1, forced labour, 16.2.2</title>" in page
    assert "KHM 2024" not in (tmp_path / "all" / "tables.md").read_text("utf-8")
    assert "Simulated data." not in page
    assert "Proportion and number of children aged" in page
    assert 'id="def-child-labour-sdg-2021"' in page
    assert "stand in the report of the study that made them" in page
    some = tmp_path / "one.json"
    write(Figures(f for f in sample.protected().figures if f.country == "KHM"), some)
    run("publish", some, "--out", tmp_path / "one", "--formats", "html,markdown")
    page = (tmp_path / "one" / "report.html").read_text("utf-8")
    assert "<title>Figures on 8.7.1, forced labour: KHM 2024</title>" in page
    assert "Simulated data." in page  # figures with known truth
    text = (tmp_path / "one" / "tables.md").read_text("utf-8")
    assert "children aged 5-17, KHM 2024" in text
    assert "Simulated data: the people in this table do not exist" in text


def test_plot_says_what_it_drew(tmp_path, folder):
    done = run("plot", folder, "--series", "SL_TLF_CHLDEA", "--out", tmp_path / "x.svg")
    assert "Total: 8.5 %" in done.output
    assert (tmp_path / "x.svg").is_file()


def test_check_sdmx_counts_problems_by_its_exit_code(tmp_path, folder):
    assert run("check-sdmx", folder / "sdmx_sdg.csv").exit_code == 0
    file = tmp_path / "bad.csv"
    file.write_text(
        (folder / "sdmx_sdg.csv").read_text(encoding="utf-8").replace(",F,", ",X9,"), encoding="utf-8"
    )
    done = run("check-sdmx", file, "--json")
    assert done.exit_code == 1
    assert any("X9" in p for p in json.loads(done.output)["problems"])


def test_protect_table_hides_small_cells_and_says_how_well(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("sex,n\nF,3\nM,40\nX,9\nTotal,52\n", encoding="utf-8")
    done = run("protect-table", file, "--margin", "Total", "--out", tmp_path / "safe.csv")
    assert "1 small cell and 1 other suppressed" in done.output
    text = (tmp_path / "safe.csv").read_text(encoding="utf-8-sig")
    assert "F,,Q" in text
    assert "X,,Q" in text
    assert isinstance(
        run("protect-table", file, "--count", "m", "--out", tmp_path / "y").exception, SurveyToolkitError
    )


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_table_of_a_country_with_decimal_commas(tmp_path, sign):
    plain = "region,n\nA,3\nB,8\nC,9\nTotal,20\n"
    (tmp_path / "plain.csv").write_text(plain)
    (tmp_path / "other.csv").write_text(plain.replace(",", sign))
    for name in ("plain", "other"):
        done = run(
            "protect-table",
            tmp_path / f"{name}.csv",
            "--margin",
            "Total",
            "--out",
            tmp_path / f"{name}_safe.csv",
        )
        assert done.exit_code == 0, done.output
    assert (tmp_path / "other_safe.csv").read_bytes() == (tmp_path / "plain_safe.csv").read_bytes()
    assert len((tmp_path / "plain_safe.csv").read_text().splitlines()) == 5
