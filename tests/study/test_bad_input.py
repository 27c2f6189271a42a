"""Bad input: one clear message, exit code 1 or 2, no traceback, no output folder half written."""

from __future__ import annotations

import json

import pytest

from survey_toolkit.errors import StudyError
from survey_toolkit.study import published_figures
from tests.study.conftest import CROSSWALK, STUDY, TinyStudy, person_rows


def refused(tiny: TinyStudy, *expected: str, options: tuple[str, ...] = ()) -> None:
    """The run stops with one message that holds every expected part, and leaves nothing behind."""
    code, out, err = tiny.run(*options)
    assert code in (1, 2), err
    for part in expected:
        assert part in err
    assert "Traceback" not in out + err
    assert "internal error" not in err
    assert err.count("error:") == 1
    left = [p for p in tiny.folder.iterdir() if p.name not in ("study.yaml", "crosswalk.yaml", "person.csv")]
    assert [p for p in left if any(p.rglob("*"))] == []


def test_the_unbroken_study_runs(tiny: TinyStudy) -> None:
    code, out, err = tiny.run()
    assert code == 0, err
    assert (tiny.out / "tiny" / "figures.csv").is_file()
    assert "8.7.1" in out


def test_missing_study_file(tiny: TinyStudy) -> None:
    (tiny.folder / "study.yaml").unlink()
    refused(tiny, "study.yaml: there is no such file")


def test_missing_data_file(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("person.csv", "persons.csv"))
    refused(tiny, "study.yaml:7: survey.files.person.path: there is no such file", "found: persons.csv")


def test_unreadable_data_file(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("person.csv", "person.sav"))
    (tiny.folder / "person.sav").write_text("<!DOCTYPE html><html>Please log in</html>")
    code, _, err = tiny.run()
    assert code == 1
    assert "person.sav" in err
    assert "HTML" in err
    assert "to do:" in err
    assert not tiny.out.exists()


def test_column_that_is_not_there(tiny: TinyStudy) -> None:
    tiny.write(crosswalk=CROSSWALK.replace("source: q1", "source: q11"))
    refused(tiny, "q11", "sex", "did you mean 'q1'")


def test_design_column_that_is_not_there(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("psu: ea", "psu: eas"))
    refused(tiny, "eas", "did you mean 'ea'")


@pytest.mark.parametrize(("value", "word"), [(-1, "negative"), ("", "missing")], ids=["negative", "missing"])
def test_weight_that_cannot_be(tiny: TinyStudy, value: object, word: str) -> None:
    rows = person_rows()
    rows[3]["w"] = value
    tiny.write(rows=rows)
    refused(tiny, "study.yaml:9: survey.design", f"w: weights are {word}", f"1 {word} of 160 rows")


def test_psu_in_two_strata(tiny: TinyStudy) -> None:
    rows = person_rows()
    for row in rows:
        row["ea"] = int(str(row["ea"])) % 10
    tiny.write(rows=rows)
    refused(tiny, "nest", "strat")


def test_unknown_indicator(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace('"8.7.1"', '"8.7.2"'))
    refused(tiny, "study.yaml:13", "8.7.2", "did you mean '8.7.1'")


def test_unknown_series(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY + "    series: [SL_TLF_CHLDXX]\n")
    refused(tiny, "SL_TLF_CHLDXX", "did you mean")


def test_unknown_breakdown(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("by: [[sex]]", "by: [[sexe]]"))
    refused(tiny, "sexe", "did you mean 'sex'")


def test_code_in_the_data_that_the_crosswalk_does_not_know(tiny: TinyStudy) -> None:
    rows = person_rows()
    rows[5]["q1"] = 3
    rows[6]["q1"] = 3
    tiny.write(rows=rows)
    refused(
        tiny, "person.csv: crosswalk 'tiny_2024'", "targets.sex: column 'q1'", "unmapped codes: 3 (2 rows)"
    )


def test_target_code_that_is_not_in_the_code_list(tiny: TinyStudy) -> None:
    tiny.write(crosswalk=CROSSWALK.replace("{1: M, 2: F}", "{1: male, 2: F}"))
    refused(tiny, "crosswalk.yaml:", "male", "sex")


def test_yaml_typo_in_the_study(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("weight:", "wieght:"))
    refused(tiny, "study.yaml:9: survey.design.wieght: unknown key 'wieght'; did you mean 'weight'?")


def test_yaml_typo_in_the_crosswalk(tiny: TinyStudy) -> None:
    tiny.write(crosswalk=CROSSWALK.replace("recode: {1: M", "recod: {1: M"))
    refused(tiny, "crosswalk.yaml:12", "unknown key 'recod'; did you mean 'recode'?")


def test_broken_yaml(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("indicators:", "indicators"))
    refused(tiny, "study.yaml:", "not valid YAML")


@pytest.mark.parametrize(
    "path",
    [
        *("../person.csv", "/etc/passwd", "a/../../person.csv"),
        *(r"..\person.csv", r"a\..\..\person.csv", r"C:\person.csv", "C:person.csv", r"\person.csv"),
        *(r"\\host\share\person.csv", "a/..\\../person.csv"),
    ],
)
def test_path_that_leaves_the_folder(tiny: TinyStudy, path: str) -> None:
    tiny.write(study=STUDY.replace("path: person.csv", f"path: {path}"))
    refused(tiny, "study.yaml:7", "leaves the study's folder", "--allow-outside")


def test_a_windows_path_is_refused_even_where_such_a_file_could_be(tiny: TinyStudy) -> None:
    """On POSIX a backslash is a letter of a name: the file is there, the path is refused all the same."""
    (tiny.folder / "person.csv").rename(tiny.folder / r"..\person.csv")
    tiny.write(study=STUDY.replace("path: person.csv", r"path: ..\person.csv"))
    code, out, err = tiny.run()
    assert code == 1
    assert "leaves the study's folder" in err
    assert "Traceback" not in out + err


def test_crosswalk_path_that_leaves_the_folder(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("crosswalk: crosswalk.yaml", "crosswalk: ../crosswalk.yaml"))
    refused(tiny, "study.yaml:8", "leaves the study's folder")


def test_a_link_that_leaves_the_folder(tiny: TinyStudy, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "person.csv"
    elsewhere.write_text((tiny.folder / "person.csv").read_text())
    (tiny.folder / "person.csv").unlink()
    (tiny.folder / "person.csv").symlink_to(elsewhere)
    refused(tiny, "leaves the study's folder")
    assert tiny.run("--allow-outside")[0] == 0


def test_unknown_definition_version(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("version: sdg-2021", "version: sdg-2012"))
    refused(tiny, "sdg-2012", "sdg-2021")


def test_an_output_folder_that_is_not_ours_is_left_alone(tiny: TinyStudy) -> None:
    mine = tiny.out / "tiny"
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("precious")
    code, _, err = tiny.run()
    assert code == 1
    assert "thesis" not in err
    assert [p.name for p in mine.iterdir()] == ["thesis.txt"]


def test_wrong_use_is_exit_code_two(tiny: TinyStudy) -> None:
    code, _, err = tiny.cli("run", "--no-such-option")
    assert code == 2
    assert "Traceback" not in err


def test_no_case_found_is_not_certainty(tiny: TinyStudy) -> None:
    rows = person_rows()
    for row in rows:
        row["q3"], row["q4"], row["q6"] = 2, "", 3
    tiny.write(rows=rows)
    assert tiny.run()[0] == 0
    figures = published_figures(tiny.out)
    proportion = figures.get("8.7.1/XSC/2024/_T")
    assert proportion.value == 0
    assert proportion.ci_high is not None
    assert proportion.ci_high > 0.02
    number = figures.get("8.7.1:SL_TLF_CHLDEAN/XSC/2024/_T")
    assert number.value == 0
    assert number.ci_high is None


def test_an_unknown_crosswalk_is_told_with_its_line(tiny: TinyStudy) -> None:
    tiny.write(study=STUDY.replace("crosswalk: crosswalk.yaml", "crosswalk: demo_houshold_survey_2024"))
    words = ("there is no crosswalk", "did you mean 'demo_household_survey_2024'?")
    refused(tiny, "study.yaml:8: survey.crosswalk", *words)


def test_a_published_copy_counts_once_and_another_run_is_told(tiny: TinyStudy) -> None:
    code, _, err = tiny.run()
    assert code == 0, err
    home = tiny.out / "tiny" / "figures.json"
    for name in ("share", "a later run"):
        (tiny.out / name).mkdir()
    (tiny.out / "share" / "figures.json").write_bytes(home.read_bytes())
    assert len(published_figures(tiny.out)) == len(published_figures(tiny.out / "tiny"))
    text = home.read_text(encoding="utf-8")
    first = published_figures(tiny.out)[0]
    later = text.replace(json.dumps(first.label), json.dumps("Another"))
    assert later != text
    (tiny.out / "a later run" / "figures.json").write_text(later, encoding="utf-8")
    with pytest.raises(StudyError, match="two runs have other figures under the same id") as told:
        published_figures(tiny.out)
    assert "a later run and in" in (told.value.found or "")
    assert (told.value.hint or "").endswith(f'--out "{tiny.out / "a later run"}"')
