"""Country returns: templates, round trip, forty planted defects, and files that are no returns."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import openpyxl
import pytest

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators.frameworks import Actual, Framework, Record, Selection, load_framework
from survey_toolkit.monitoring import (
    Workspace,
    create_workspace,
    filled_return,
    import_returns,
    return_template,
    stored_doubts,
)
from survey_toolkit.monitoring.example import LANGUAGES, example_records
from tests.monitoring.planted import DEFECTS, N_PLANTED, A, B, Book, C, planted_returns


def test_forty_planted_defects_are_found_and_none_is_invented(plan: Framework, tmp_path: Path) -> None:
    expected = planted_returns(plan, tmp_path / "returns")
    assert N_PLANTED == len(expected) == 40
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    report = import_returns(workspace, [tmp_path / "returns"], who="test")
    said = [(d.file, d.sheet, d.cell, d.code, d.taken) for d in report.doubts]
    assert sorted(set(said) - expected) == [], "invented"
    assert sorted(expected - set(said)) == [], "not found"
    assert len(said) == len(expected)
    # What had one reading went in, what had several did not.
    book = workspace.book()

    def value(country: str, indicator: str, year: int, **codes: str) -> float | None:
        found = book.actual(country, indicator, year, codes)
        return found.value if found is not None else None

    assert value("KHM", A, 2015, sex="F") == 127
    assert value("KHM", A, 2015) == 196
    assert value("KHM", A, 2016, sex="M") is None
    assert value("KHM", A, 2016) is None, "a total with an unread part is not known"
    assert value("THA", A, 2016, sex="F") == 289
    assert value("LAO", A, 2015, sex="M") is None
    small = book.actual("LAO", A, 2015, {"sex": "M"})
    assert small is not None
    assert (small.status, small.upper) == ("suppressed", 4)
    assert value("THA", A, 2016, age="18+") is None
    assert value("VNM", C, 2016) is None
    assert value("VNM", C, 2016, partner="KHM") is None
    assert value("CHN", C, 2016) is None
    baseline = book.baseline("THA", A)
    assert baseline is not None
    assert baseline.year == 2014
    assert book.baseline("KHM", A) is None


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: f"{d.country}-{d.code}")
def test_each_defect_alone_gives_exactly_one_doubt(defect: object, plan: Framework, tmp_path: Path) -> None:
    assert hasattr(defect, "plant")
    book = Book(plan, defect.country)  # type: ignore[attr-defined]
    sheet, cell = defect.plant(book)
    book.book.save(tmp_path / book.file)
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    report = import_returns(workspace, [tmp_path / book.file], who="test")
    said = [(d.sheet, d.cell, d.code, d.taken) for d in report.doubts]
    assert said == [(sheet, cell, defect.code, defect.taken)]  # type: ignore[attr-defined]


def test_what_a_message_repeats_holds_no_name(plan: Framework, tmp_path: Path) -> None:
    book = Book(plan, "KHM")
    book.cell("actuals", f"{A}|sex=M", "y:2016").value = "Sok Dara and two others"
    book.cell("narrative", 6, "achievements").value = "mail sok.dara@example.org"
    book.book.save(tmp_path / "KHM.xlsx")
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    report = import_returns(workspace, [tmp_path / "KHM.xlsx"], who="test")
    assert {d.code for d in report.doubts} == {"not_a_number", "personal_data"}
    text = "\n".join(map(str, report.doubts)) + (workspace.folder / "doubts" / "KHM.jsonl").read_text("utf-8")
    assert "Sok" not in text
    assert "sok.dara" not in text


@pytest.mark.parametrize("country", ["KHM", "CHN", "LAO", "MMR", "THA", "VNM"])
def test_a_clean_return_comes_back_equal_without_a_doubt(
    country: str, plan: Framework, tmp_path: Path
) -> None:
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    data = filled_return(plan, country, example_records(country), LANGUAGES[country])
    (tmp_path / "r.xlsx").write_bytes(data)
    report = import_returns(workspace, [tmp_path / "r.xlsx"], who="test")
    assert report.doubts == ()
    want = {r.key: r for r in example_records(country)}
    assert {r.key: r for r in workspace.book()} == want


@pytest.mark.parametrize("language", ["en", "km", "lo", "my", "th", "vi", "zh"])
def test_a_template_is_locked_and_offers_choices(language: str, plan: Framework) -> None:
    book = openpyxl.load_workbook(io.BytesIO(return_template(plan, "KHM", language)))
    assert len(book.sheetnames) == len(set(book.sheetnames)) == 6
    for sheet in book.worksheets:
        assert sheet.protection.sheet
        assert not sheet.merged_cells.ranges
    actuals = next(s for s in book.worksheets if str(s["A1"].value).endswith("|actuals"))
    assert actuals["A6"].protection.locked
    assert not actuals["D6"].protection.locked
    assert actuals.row_dimensions[4].hidden
    kinds = {v.type for v in actuals.data_validations.dataValidation}
    assert kinds == {"whole", "list"}
    keys = [actuals.cell(r, 1).value for r in range(6, actuals.max_row + 1)]
    assert f"{C}|partner=KHM" not in keys, "a country is no partner of itself"
    assert f"{C}|partner=THA" in keys


def test_a_template_holds_what_is_known(plan: Framework, example: Workspace) -> None:
    book = openpyxl.load_workbook(io.BytesIO(return_template(plan, "THA", "en", example.book())))
    sheet = next(s for s in book.worksheets if str(s["A1"].value).endswith("|indicators"))
    head = {c.value: c.column for c in sheet[4]}
    assert sheet.cell(6, head["selected"]).value == "yes"
    assert sheet.cell(6, head["baseline"]).value == 400
    assert sheet.cell(6, head["m:2018"]).value == 450


def test_a_template_needs_a_known_country_and_language(plan: Framework) -> None:
    with pytest.raises(SurveyToolkitError, match="unknown country"):
        return_template(plan, "FRA")
    with pytest.raises(SurveyToolkitError, match="unknown language"):
        return_template(plan, "KHM", "fr")


def test_two_returns_of_one_country_are_both_held(plan: Framework, tmp_path: Path) -> None:
    folder = tmp_path / "returns"
    folder.mkdir()
    for name, value in (("KHM.xlsx", 196), ("KHM final FINAL.xlsx", 169)):
        book = Book(plan, "KHM")
        book.cell("actuals", f"{B}|total", "y:2015").value = value
        book.book.save(folder / name)
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    report = import_returns(workspace, [folder], who="test")
    assert [(d.file, d.code, d.taken) for d in report.doubts] == [
        ("KHM final FINAL.xlsx", "two_returns", False),
        ("KHM.xlsx", "two_returns", False),
    ]
    assert len(workspace.book()) == 0
    chosen = import_returns(workspace, [folder / "KHM.xlsx"], who="test")
    assert [c.country for c in chosen.countries] == ["KHM"]
    assert len(workspace.book()) > 0


def test_a_change_needs_a_reason_and_keeps_its_history(plan: Framework, workspace: Workspace) -> None:
    book = Book(plan, "KHM")
    book.cell("actuals", f"{B}|total", "y:2016").value = 18
    file = workspace.folder.parent / "KHM.xlsx"
    book.book.save(file)
    held = import_returns(workspace, [file], who="test")
    assert [d.code for d in held.doubts] == ["revision_without_reason"]
    assert workspace.book().actual("KHM", B, 2016).value == 17  # type: ignore[union-attr]
    assert stored_doubts(workspace)["KHM"][0].code == "revision_without_reason"
    done = import_returns(workspace, [file], who="test", reason="late report of one province")
    assert done.doubts == ()
    assert workspace.book().actual("KHM", B, 2016).value == 18  # type: ignore[union-attr]
    event = workspace.batches()[-1].events[-1]
    assert (event.field, event.old, event.new, event.reason) == (
        "value", 17.0, 18.0, "late report of one province",
    )  # fmt: skip
    # A reason that stands in the row does as well.
    book.cell("actuals", f"{B}|total", "y:2016").value = 19
    book.cell("actuals", f"{B}|total", "reason").value = "recount"
    book.book.save(file)
    assert import_returns(workspace, [file], who="test").doubts == ()
    assert workspace.batches()[-1].events[-1].reason == "recount"


def test_an_emptied_cell_takes_nothing_away(plan: Framework, workspace: Workspace) -> None:
    book = Book(plan, "KHM")
    book.cell("actuals", f"{B}|total", "y:2016").value = None
    file = workspace.folder.parent / "KHM.xlsx"
    book.book.save(file)
    report = import_returns(workspace, [file], who="test")
    assert [d.code for d in report.doubts] == ["value_missing_now"]
    assert workspace.book().actual("KHM", B, 2016).value == 17  # type: ignore[union-attr]


def test_a_suppressed_row_leaves_its_total_unknown(plan: Framework, tmp_path: Path) -> None:
    book = Book(plan, "KHM")
    book.cell("actuals", f"{A}|sex=M", "y:2015").value = None
    book.cell("actuals", f"{A}|sex=M", "s:2015").value = "suppressed"
    book.book.save(tmp_path / "KHM.xlsx")
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    report = import_returns(workspace, [tmp_path / "KHM.xlsx"], who="test")
    assert [d.code for d in report.doubts] == ["total_not_known"]
    assert workspace.book().actual("KHM", A, 2015) is None


def test_moved_rows_and_columns_are_read_by_their_keys(plan: Framework, tmp_path: Path) -> None:
    book = Book(plan, "KHM")
    sheet = book.sheets["actuals"]
    row = book.row("actuals", f"{B}|total")
    for at in range(1, sheet.max_column + 1):  # the row of providers to the end of the sheet
        sheet.cell(sheet.max_row + (at == 1), at).value = sheet.cell(row, at).value
        sheet.cell(row, at).value = None
    sheet.insert_cols(2)
    for cells in sheet.iter_rows(min_row=6, min_col=5):
        for cell in cells:
            if cell.data_type == "f":  # as a spreadsheet program does when a column is put in
                old = openpyxl.utils.get_column_letter(cell.column - 1)
                cell.value = cell.value.replace(f"({old}", f"({cell.column_letter}").replace(
                    f":{old}", f":{cell.column_letter}"
                )
    book.book.save(tmp_path / "KHM.xlsx")
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    assert import_returns(workspace, [tmp_path / "KHM.xlsx"], who="test").doubts == ()
    assert workspace.book().actual("KHM", B, 2016).value == 17  # type: ignore[union-attr]
    assert workspace.book().actual("KHM", A, 2016).value == 215  # type: ignore[union-attr]


def _file(tmp_path: Path, data: bytes) -> Path:
    file = tmp_path / "KHM.xlsx"
    file.write_bytes(data)
    return file


def _bomb() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000_000)
    return raw.getvalue()


def _entities() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("[Content_Types].xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    return raw.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"no archive", b"PK\x03\x04broken", _bomb(), _entities()],
    ids=["empty", "text", "broken", "bomb", "entities"],
)  # fmt: skip
def test_files_that_are_no_workbooks_are_named_and_do_no_harm(
    data: bytes, workspace: Workspace, tmp_path: Path
) -> None:
    before = len(workspace.batches())
    report = import_returns(workspace, [_file(tmp_path, data)], who="test")
    assert [(d.code, d.taken) for d in report.doubts] == [("unreadable", False)]
    assert len(workspace.batches()) == before


def test_an_ordinary_workbook_is_no_return(workspace: Workspace, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "Victims 2016"  # type: ignore[index]
    book.save(tmp_path / "list.xlsx")
    report = import_returns(workspace, [tmp_path / "list.xlsx"], who="test")
    assert [d.code for d in report.doubts] == ["not_a_return"]


def test_returns_of_another_framework_or_country_are_refused(
    plan: Framework, workspace: Workspace, tmp_path: Path
) -> None:
    for key, code in (
        ("commit-spa4@2018.1|KHM|km|actuals", "framework_version"),
        ("commit-spa4@2017.1|FRA|km|actuals", "unknown_country"),
    ):
        book = Book(plan, "KHM")
        for name, sheet in book.sheets.items():
            if name in ("about", "indicators", "actuals", "sources", "narrative"):
                sheet["A1"] = key.rpartition("|")[0] + f"|{name}"
        book.book.save(tmp_path / "KHM.xlsx")
        report = import_returns(workspace, [tmp_path / "KHM.xlsx"], who="test")
        assert [d.code for d in report.doubts] == [code]
        assert report.countries == ()
    book = Book(plan, "KHM")
    book.sheets["actuals"]["A1"] = "commit-spa4@2017.1|THA|km|actuals"
    book.book.save(tmp_path / "KHM.xlsx")
    assert [d.code for d in import_returns(workspace, [tmp_path / "KHM.xlsx"], who="t").doubts] == [
        "mixed_countries"
    ]


def test_a_lost_sheet_or_key_row_is_one_doubt(plan: Framework, tmp_path: Path) -> None:
    book = Book(plan, "CHN")
    book.book.remove(book.sheets["narrative"])
    for cell in book.sheets["sources"][4]:
        cell.value = None
    book.book.save(tmp_path / "CHN.xlsx")
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    report = import_returns(workspace, [tmp_path / "CHN.xlsx"], who="test")
    assert sorted(d.code for d in report.doubts) == ["layout_changed", "sheet_missing", "source_unknown"]


def test_a_dry_run_writes_nothing(plan: Framework, tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "commit", "commit-spa4")
    Book(plan, "KHM").book.save(tmp_path / "KHM.xlsx")
    report = import_returns(workspace, [tmp_path / "KHM.xlsx"], who="test", dry_run=True)
    assert report.countries[0].n_new > 50
    assert workspace.batches() == []


def test_milestones_and_words_travel_through_a_return(tmp_path: Path) -> None:
    """Another framework, of another shape, from YAML to the records and back."""
    (tmp_path / "f.yaml").write_text(OTHER, "utf-8")
    plan = load_framework(tmp_path / "f.yaml")
    key = {"country": "AAA", "indicator": "i-law"}
    records: list[Record] = [
        Selection(country="AAA", indicator="i-law", selected=True),
        Selection(country="AAA", indicator="i-rate", selected=False),
        Actual(**key, year=2021, text="drafted"),  # type: ignore[arg-type]
    ]
    (tmp_path / "r.xlsx").write_bytes(filled_return(plan, "AAA", records))
    workspace = create_workspace(tmp_path / "m", tmp_path / "f.yaml")
    shutil.move(tmp_path / "f.yaml", tmp_path / "elsewhere.yaml")
    report = import_returns(workspace, [tmp_path / "r.xlsx"], who="test")
    assert [d.code for d in report.doubts] == ["baseline_missing", "source_missing"]
    assert workspace.book().actual("AAA", "i-law", 2021).text == "drafted"  # type: ignore[union-attr]


OTHER = """
id: other
version: "1"
title: {en: Another plan}
period: [2020, 2022]
countries: [AAA, BBB]
references: [{source: x, locator: y, verification: proposed}]
nodes:
  - {id: "1", level: area, title: {en: Law}}
indicators:
  - id: i-law
    nodes: ["1"]
    title: {en: Law in force}
    type: milestone
    unit: step
    ladder: [none, drafted, adopted, in_force]
  - {id: i-rate, nodes: ["1"], title: {en: Conviction rate}, type: rate, unit: per 100, direction: up}
"""
