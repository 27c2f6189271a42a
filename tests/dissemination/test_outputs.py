import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import publication_sample as sample
import pytest

from survey_toolkit.dissemination import (
    Note,
    ReportContext,
    check_rows,
    load_structure,
    publication_tables,
    report_html,
    write,
    write_outputs,
)
from survey_toolkit.dissemination.charts.svg import wrap
from survey_toolkit.dissemination.formats import table_texts
from survey_toolkit.dissemination.formats.csv_out import figures_csv
from survey_toolkit.dissemination.formats.sdmx import write_sdmx_rows
from survey_toolkit.dissemination.formats.sdmx_rows import sdmx_age, sdmx_rows, split_by_structure
from survey_toolkit.dissemination.tables import interval_text
from survey_toolkit.dissemination.write import MARKER
from survey_toolkit.errors import DefinitionError, SurveyToolkitError
from survey_toolkit.indicators import Figures, read_figures

SDG, OWN = load_structure("sdg_1_4"), load_structure("msdi_prev_1_0")
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


# --- SDMX ------------------------------------------------------------------------------------------------


def test_sdmx_rows_are_valid_and_in_the_order_of_the_structure():
    world, own = split_by_structure(sample.protected().figures)
    for figures, structure in ((world, SDG), (own, OWN)):
        text = write_sdmx_rows(figures, structure)
        assert text.splitlines()[0].split(",") == list(structure.columns)
        assert check_rows(rows_of(text), structure) == []
    assert len(SDG.dimensions) == 16
    assert {f.series for f in own} == {"FL_PREV", "VC_HTF_DETVR", "VC_HTF_MSE", "VC_HTF_MSER"}


def test_sdmx_codes_values_and_limits():
    world, _ = split_by_structure(sample.protected().figures)
    rows = sdmx_rows(world, SDG)
    total = next(
        r for r in rows if r["SERIES"] == "SL_TLF_CHLDEA" and r["SEX"] == "_T" and r["AGE"] == "Y5T17"
    )
    figure = world.get("8.7.1/KHM/2024/_T/_T")
    assert (total["REF_AREA"], total["REPORTING_TYPE"], total["FREQ"], total["TIME_PERIOD"]) == (
        "116", "N", "A", "2024",
    )  # fmt: skip
    assert float(total["OBS_VALUE"]) == pytest.approx(figure.value * 100)
    assert float(total["LOWER_BOUND"]) == pytest.approx(figure.ci_low * 100)
    assert (total["OBS_STATUS"], total["UNIT_MEASURE"], total["UNIT_MULT"]) == ("A", "PT", "0")
    girls = next(r for r in rows if r["AGE"] == "Y15T17" and r["SEX"] == "F")
    assert girls["CUST_BREAKDOWN"] == "_T"


def test_age_band_without_a_code_is_a_custom_breakdown():
    assert not SDG.has("AGE", "Y5T11")
    world, _ = split_by_structure(sample.protected().figures)
    rows = [r for r in sdmx_rows(world, SDG) if r["CUST_BREAKDOWN"] != "_T"]
    assert {(r["CUST_BREAKDOWN"], r["CUST_BREAKDOWN_LB"], r["AGE"]) for r in rows} == {
        ("C01", "Age band: 5 to 11 years", "Y5T17")
    }


def test_suppressed_and_unreliable_status():
    _, own = split_by_structure(sample.protected().figures)
    rows = {r["CUST_BREAKDOWN_LB"] or r["SERIES"]: r for r in sdmx_rows(own, OWN)}
    assert rows["Region: North"]["OBS_STATUS"] == "U"
    assert "fewer than 10" in rows["Region: North"]["COMMENT_OBS"]
    assert (rows["Region: Islands"]["OBS_STATUS"], rows["Region: Islands"]["OBS_VALUE"]) == ("Q", "")
    assert (rows["VC_HTF_MSE"]["ESTIMATOR"], rows["VC_HTF_MSE"]["NATURE"]) == ("MSE", "M")
    assert rows["VC_HTF_DETVR"]["ESTIMATOR"] == "ADMIN"
    assert (rows["FL_PREV"]["DEFINITION"], rows["FL_PREV"]["DEF_VERSION"]) == ("forced_labour", "icls20-2018")


FAULTS = [
    ({"SEX": "X9"}, "SEX: 'X9' is not in the code list"),
    ({"AGE": "Y5T11"}, "AGE: 'Y5T11' is not"),
    ({"SERIES": "NOPE"}, "SERIES: 'NOPE'"),
    ({"REF_AREA": "999"}, "REF_AREA: '999'"),
    ({"UNIT_MEASURE": "PERCENT"}, "UNIT_MEASURE"),
    ({"OBS_STATUS": "Z"}, "OBS_STATUS"),
    ({"OBS_STATUS": ""}, "OBS_STATUS: the attribute is mandatory"),
    ({"PRODUCT": ""}, "PRODUCT: the dimension is missing"),
    ({"CUST_BREAKDOWN": "C00"}, "CUST_BREAKDOWN"),
    ({"TIME_PERIOD": "24"}, "TIME_PERIOD: '24'"),
    ({"OBS_VALUE": "many"}, "OBS_VALUE: 'many' is not a number"),
    ({"OBS_VALUE": ""}, "there is no value"),
    ({"OBS_STATUS": "Q"}, "there is a number although"),
    ({"LOWER_BOUND": "99"}, "not between its limits"),
    ({"NOTE": "x"}, "NOTE: no such component"),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS, ids=[f[1][:24] for f in FAULTS])
def test_every_fault_is_told(fault, told):
    world, _ = split_by_structure(sample.protected().figures)
    row = {**sdmx_rows(world[:1], SDG)[0], **fault}
    problems = check_rows([row], SDG)
    assert any(told in p for p in problems), problems


def test_duplicate_key_is_told():
    world, _ = split_by_structure(sample.protected().figures)
    row = sdmx_rows(world[:1], SDG)[0]
    assert check_rows([row, row], SDG) == ["row 2: the same key stands on row 1"]


def test_series_with_a_wrong_code_cannot_be_written():
    figure = replace(sample.survey_figures()[0], sdmx={"AGE": "Y5T99"})
    with pytest.raises(DefinitionError, match="AGE: 'Y5T99'"):
        sdmx_rows([figure], SDG)


def test_country_without_a_code():
    figure = replace(sample.survey_figures()[0], country="KHX")
    with pytest.raises(DefinitionError, match="did you mean 'KHM'"):
        sdmx_rows([figure], SDG)


def test_a_simulated_country_goes_under_our_own_structure():
    figures = [replace(f, country="XSC") for f in sample.survey_figures()]
    world, own = split_by_structure(figures)
    assert len(world) == 0
    rows = sdmx_rows(own, OWN)
    assert {r["REF_AREA"] for r in rows} == {"XSC"}
    assert check_rows(rows, OWN) == []


@pytest.mark.parametrize(
    ("period", "frequency", "time", "detail"),
    [
        ("2021-Q1", "Q", "2021-Q1", ""),
        ("2021-03", "M", "2021-03", ""),
        ("2019-2021", "A", "2020", "2019-2021"),
    ],
)
def test_periods(period, frequency, time, detail):
    row = sdmx_rows([replace(sample.survey_figures()[0], period=period)], SDG)[0]
    assert (row["FREQ"], row["TIME_PERIOD"], row["TIME_DETAIL"]) == (frequency, time, detail)


def test_codes_of_the_shipped_structure_are_those_of_the_standards():
    from survey_toolkit import standards

    registry = standards.load()
    for name, dimension in (("sex", "SEX"), ("urbanisation", "URBANISATION")):
        codes = registry.codelist(name).sdmx_codes().values()
        assert all(SDG.has(dimension, code) for code in codes if code)
    for indicator in registry.indicators.values():
        for series in indicator.series:
            assert all(OWN.has(d, c) for d, c in series.sdmx.items())


# --- CSV and XLSX ----------------------------------------------------------------------------------------


def test_csv_has_presented_and_raw_numbers():
    figures = sample.protected().figures
    rows = rows_of(figures_csv(figures))
    assert len(rows) == len(figures)
    first = figures[0]
    assert float(rows[0]["raw_value"]) == first.value
    assert float(rows[0]["value"]) == pytest.approx(first.value * 100)
    assert rows[-1]["sex"] == "_T", "a dimension that a figure does not have is the total"
    assert rows[0]["reasons"] == ""


def test_csv_label_that_is_a_formula():
    figure = replace(sample.survey_figures()[0], label='=HYPERLINK("http://x")')
    assert rows_of(figures_csv([figure]))[0]["label"].startswith("'=")


@pytest.fixture
def workbook(tmp_path):
    import openpyxl

    figures = sample.protected().figures.map(
        lambda f: replace(f, label="=1+1") if f.indicator == "8.7.1" else f
    )
    write(figures, tmp_path / "f.xlsx", context=sample.context(title="=cmd()"))
    return openpyxl.load_workbook(tmp_path / "f.xlsx")


def test_workbook_has_a_sheet_an_indicator_and_numeric_cells(workbook):
    assert workbook.sheetnames == ["About", "8.7.1", "forced_labour", "16.2.2", "All figures"]
    sheet = workbook["forced_labour"]
    cells = {row[0].value: row for row in sheet.iter_rows() if row[0].value}
    assert cells["Total"][1].value == pytest.approx(1000 * 13 / 7363)
    assert cells["Total"][1].data_type == "n"
    assert cells["North"][1].number_format == "(#,##0.0)"
    assert cells["North"][1].data_type == "n"
    assert (cells["Islands"][1].value, cells["Islands"][1].data_type) == ("*", "s")


def test_workbook_prints_one_page_wide_and_texts_keep_within_their_table(workbook):
    for name in ("About", "8.7.1", "16.2.2"):
        sheet = workbook[name]
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    sheet = workbook["16.2.2"]
    long = [row[0] for row in sheet.iter_rows() if len(str(row[0].value or "")) > 60 and row[0].row > 1]
    assert long
    assert all(cell.alignment.wrap_text for cell in long)
    assert all(any(cell.coordinate in merged for merged in sheet.merged_cells.ranges) for cell in long)
    cells = {row[0].value: row for row in sheet.iter_rows() if row[0].value}
    assert [cell.value for cell in cells["Detected"][2:4]] == ["–", "–"]


def test_workbook_holds_no_formula(workbook):
    for sheet in workbook:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    assert workbook["About"]["A1"].value == "'=cmd()"


def test_workbook_bytes_do_not_depend_on_the_clock(tmp_path):
    figures = sample.protected().figures
    paths = [write(figures, tmp_path / f"{i}.xlsx", context=sample.context()) for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"2026-" not in paths[0].read_bytes()


def test_list_sheet_is_the_tidy_table(workbook):
    sheet = workbook["All figures"]
    head = [cell.value for cell in sheet[1]]
    n = head.index("n")
    assert sheet.max_row == len(sample.protected().figures) + 1
    assert sheet.cell(2, n + 1).value == 3117


# --- tables ----------------------------------------------------------------------------------------------


def test_series_of_one_variable_share_a_table():
    tables = publication_tables(sample.protected().figures)
    assert [(t.indicator, len(t.groups), len(t.rows)) for t in tables] == [
        ("8.7.1", 2, 12), ("forced_labour", 1, 5), ("16.2.2", 2, 2),
    ]  # fmt: skip
    assert [p for p, _ in tables[0].panels] == ["", "Sex", "Age", "Sex and age"]
    assert [r.label for r in tables[2].rows] == ["Detected", "Estimated, detected and undetected"]
    assert tables[0].marks == ("○",)
    assert tables[1].marks == ("( )", "*")


def test_a_missing_interval_has_one_mark_with_its_meaning():
    table = publication_tables(sample.protected().figures)[2]
    assert table.marks == ("–",)
    assert interval_text(table.rows[0].figures[0]) == "–"
    assert re.fullmatch(r"[\d,]+ – [\d,]+", interval_text(table.rows[1].figures[0]))
    hidden = next(f for f in sample.protected().figures if f.disclosure == "suppressed")
    assert interval_text(hidden) == ""
    text = table_texts.tables_markdown(sample.protected().figures, sample.context())
    assert "– nothing to give: no estimate, or no interval" in text


def test_a_latex_heading_is_no_wider_than_its_columns():
    text = table_texts.tables_latex(sample.protected().figures, sample.context())
    heads = re.findall(r"\\multicolumn\{(\d)\}\{P\{([\d.]+)cm\}\}\{([^}]+)\}", text)
    assert len(heads) >= 4
    assert all(float(width) <= 2.2 * int(n) for n, width, _ in heads)
    assert "p{\\linewidth}" not in text
    assert text.count("\\end{longtable}\n{\\footnotesize") == text.count("\\begin{longtable}")


def test_labels_are_wrapped_to_two_lines():
    assert wrap("one two three four five six", 9) == ["one two", "three fo…"]
    assert wrap("x" * 40, 10) == ["xxxxxxxxx…"]


# --- report ----------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Ids, links, headings and resources of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.headings, self.resources, self.tables = [], [], [], [], []
        self.captions = self.scripts = 0
        self.scopeless = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if "id" in known:
            self.ids.append(known["id"])
        if tag == "a":
            self.links.append(known.get("href"))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in ("img", "link", "iframe", "object", "embed", "source", "use", "image") or (
            tag == "script" and "src" in known
        ):
            self.resources.append((tag, known))
        self.scripts += tag == "script"
        self.captions += tag == "caption"
        self.tables += [tag] if tag == "table" else []
        self.scopeless += tag == "th" and "scope" not in known


@pytest.fixture(scope="module")
def page():
    text = report_html(sample.protected().figures, sample.context())
    return text, Page(text)


def test_a_methods_table_and_a_chain_told_before():
    note = Note(
        title="Other", paragraphs=("Text.",), head=("Method", "Estimate"), rows=(("Chao", "–"), ("B", "7"))
    )
    assert note.lines == ("Text.", "Chao", "B; 7")
    text = report_html(sample.protected().figures, replace(sample.context(), methods=(note,)))
    assert '<th scope="row">B</th><td class="num">7</td>' in text
    told = re.findall(r'class="told".*?In full under “([^”]+)”', text, re.S)
    assert told
    titles = re.findall(r'<article class="chain.*?<h3>([^<]+)</h3>', text, re.S)
    assert all(title in titles for title in told)


def test_report_needs_no_network(page):
    text, parsed = page
    assert parsed.resources == []
    assert not re.search(r"https?://|url\(\s*[\"']?(?!#)|@import|//cdn", text)
    assert "default-src 'none'" in text


def test_every_internal_link_resolves_and_ids_are_unique(page):
    _, parsed = page
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.links
    for link in parsed.links:
        assert link.startswith("#")
        assert link[1:] in parsed.ids, link


def test_report_structure_is_accessible(page):
    text, parsed = page
    assert parsed.headings.count(1) == 1
    steps = [b - a for a, b in zip(parsed.headings, parsed.headings[1:], strict=False)]
    assert max(steps) <= 1, "no heading level is skipped"
    assert parsed.captions == len(parsed.tables)
    assert parsed.scopeless == 0
    assert '<html lang="en">' in text
    assert 'class="skip"' in text
    assert text.count('role="img"') == text.count("<svg")


def test_every_figure_has_a_trace_and_a_place(page):
    _, parsed = page
    for i in range(1, len(sample.protected().figures) + 1):
        assert f"trace-{i}" in parsed.ids
        assert f"fig-{i}" in parsed.ids


def test_report_tells_what_was_done(page):
    text, _ = page
    for part in (
        "Not publishable below 25", "Cells with 1 to 4 positive cases", "Fewer detections do not mean",
        "child_labour@sdg-2021", "dont know 22", "true value in the simulated population",
        "inside the interval", "Undetermined cases", "section 2.a", "20260101", "ab12ab12",
    ):  # fmt: skip
        assert part in text, part


def test_hostile_text_is_escaped_everywhere():
    figures = sample.protected().figures.map(
        lambda f: replace(
            f,
            label=HOSTILE,
            labels={k: HOSTILE for k in f.labels},
            universe=HOSTILE,
            reasons=(HOSTILE,),
            trace=replace(
                f.trace, steps=tuple(replace(s, title=HOSTILE, text=HOSTILE) for s in f.trace.steps)
            ),
        )
    )
    context = sample.context(title=HOSTILE, subtitle=HOSTILE, source=HOSTILE, design=HOSTILE, country=HOSTILE)
    text = report_html(figures, context)
    assert "<script>alert" not in text
    assert "49" not in re.findall(r"&amp;(?:\{\{7\*7\}\}|\d+)", text)
    assert Page(text).scripts == 1
    assert text.count("&lt;script&gt;") > 50


def test_report_of_nothing_and_of_one():
    assert "Headline figures" in report_html(Figures(), ReportContext(title="Empty"))
    one = report_html(sample.protected().figures[:1], ReportContext(title="One"))
    assert all(link[1:] in Page(one).ids for link in Page(one).links)


def test_report_is_deterministic():
    figures = sample.protected().figures
    assert report_html(figures, sample.context()) == report_html(figures, sample.context())


# --- files -----------------------------------------------------------------------------------------------


def test_output_folder(tmp_path):
    done = sample.protected()
    paths = write_outputs(
        done.figures, tmp_path / "a/out", ("csv", "xlsx", "html", "sdmx-csv"), sample.context()
    )
    assert [p.name for p in paths] == [
        "figures.csv", "figures.xlsx", "report.html", "sdmx_sdg.csv", "sdmx_msdi.csv", "figures.json",
    ]  # fmt: skip
    assert all(p.is_file() for p in paths)
    assert read_figures(tmp_path / "a/out") == done.figures
    assert {p.name for p in (tmp_path / "a").iterdir()} == {"out"}


def test_our_folder_is_replaced_and_nothing_old_stays(tmp_path):
    done = sample.protected()
    write_outputs(done.figures, tmp_path / "out", ("csv", "html"), sample.context())
    write_outputs(done.figures, tmp_path / "out", ("csv",), sample.context())
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"figures.csv", "figures.json", MARKER}


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(SurveyToolkitError, match="did not write"):
        write_outputs(sample.protected().figures, tmp_path / "out", ("csv",), sample.context())
    assert (tmp_path / "out" / "thesis.docx").read_text(encoding="utf-8") == "years of work"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_the_old_folder_whole(tmp_path, monkeypatch):
    done = sample.protected()
    write_outputs(done.figures, tmp_path / "out", ("csv",), sample.context())
    before = (tmp_path / "out" / "figures.csv").read_bytes()
    real = Path.rename

    def broken(self, target):
        if Path(target).name == "out":
            raise OSError("no space left")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="no space"):
        write_outputs(done.figures[:1], tmp_path / "out2" / "out", ("csv",), sample.context())
    monkeypatch.undo()
    bad = replace(done.figures[0], country="KHX")
    with pytest.raises(DefinitionError):
        write_outputs([bad], tmp_path / "out", ("csv", "sdmx"), sample.context())
    assert (tmp_path / "out" / "figures.csv").read_bytes() == before
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_failed_swap_brings_the_old_folder_back(tmp_path, monkeypatch):
    done = sample.protected()
    write_outputs(done.figures, tmp_path / "out", ("csv",), sample.context())
    before = (tmp_path / "out" / "figures.csv").read_bytes()
    real, calls = Path.rename, []

    def broken(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("disk gone")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="disk gone"):
        write_outputs(done.figures[:1], tmp_path / "out", ("csv",), sample.context())
    assert (tmp_path / "out" / "figures.csv").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_unknown_format_before_anything_is_written(tmp_path):
    with pytest.raises(SurveyToolkitError, match="did you mean 'html'"):
        write_outputs(Figures(), tmp_path / "out", ("htm",), sample.context())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["f.csv", "f.xlsx", "f.html", "f.json"])
def test_write_one_file(tmp_path, name):
    path = write(sample.protected().figures, tmp_path / name)
    assert path.stat().st_size > 1000
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_write_sdmx_is_one_structure_a_file(tmp_path):
    figures = sample.protected().figures
    write(figures.filter(series="SL_TLF_CHLDEA"), tmp_path / "s.csv", format="sdmx-csv")
    assert (tmp_path / "s.csv").read_text(encoding="utf-8").startswith("STRUCTURE,STRUCTURE_ID,ACTION,FREQ")
    with pytest.raises(SurveyToolkitError, match="two data structures"):
        write(figures, tmp_path / "t.csv", format="sdmx")


def test_write_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(SurveyToolkitError, match="cannot be written"):
        write({"a": 1}, tmp_path / "x.csv")
    with pytest.raises(SurveyToolkitError, match="unknown output format"):
        write(Figures(), tmp_path / "x.docx")
    with pytest.raises(SurveyToolkitError, match="no such folder"):
        write(Figures(), tmp_path / "no" / "x.csv")


def test_write_estimates_by_their_frame(tmp_path):
    import pandas as pd

    class Estimates(SimpleNamespace):
        def to_frame(self):
            return pd.DataFrame({"domain": ["=F", "M"], "estimate": [0.1, None]})

    write(Estimates(), tmp_path / "e.csv")
    rows = rows_of((tmp_path / "e.csv").read_text(encoding="utf-8-sig"))
    assert rows == [{"domain": "'=F", "estimate": "0.1"}, {"domain": "M", "estimate": ""}]


def test_ages():
    assert [sdmx_age(a) for a in ("5–11", "18 +", "67")] == ["Y5T11", "Y_GE18", "67"]
