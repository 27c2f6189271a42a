"""The products: self-contained, escaped, formulas neutralised, the same in page and workbook."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from survey_toolkit.indicators.frameworks import (
    Actual,
    Baseline,
    Narrative,
    Selection,
    Source,
    load_framework,
)
from survey_toolkit.monitoring import (
    Compiled,
    Workspace,
    compile_workspace,
    create_workspace,
    open_workspace,
    write_compilation,
    write_report,
)
from survey_toolkit.monitoring.outputs import progress_csv, progress_xlsx
from survey_toolkit.monitoring.report import progress_html, regional_blocks

A = "SPA4-4.2-a"
HOSTILE = '<script>alert(1)</script><img src=x onerror="x">'
FORMULA = '=HYPERLINK("http://example.org","x")'


class Page(HTMLParser):
    """Ids, links, elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")


def test_the_page_needs_nothing_and_its_links_resolve(compiled: Compiled) -> None:
    text = progress_html(compiled)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?://", text)


def test_every_part_is_on_the_page(compiled: Compiled) -> None:
    text = progress_html(compiled)
    for words in (
        "4 of 6 countries", "not sel.", "DIFFER: both reports are kept", "2,310 [1,820, 3,050]",
        "link uncertain", "0.62", "Open doubts", "observed against required yearly change",
        "fewer detected victims does not mean",
        "Nothing that was on record has been changed.", "title not shown in the source", "proposed link",
    ):  # fmt: skip
        assert words in text, words
    for country in ("Cambodia", "China", "Lao PDR", "Myanmar", "Thailand", "Viet Nam"):
        assert f">{country}</h3>" in text


def test_paper_shows_what_is_folded_and_marks_are_explained(compiled: Compiled) -> None:
    text = progress_html(compiled)
    assert re.search(r"@media print \{\s+main details::details-content \{ content-visibility: visible", text)
    assert ".country { break-before: page" not in text
    for mark, meaning in (
        ("link uncertain", "its place is a judgement."),
        ("proposed, not of the plan", "have not adopted it."),
    ):
        used = f"[{mark}]" in re.sub(r"<strong>.*?</strong>", "", text)
        assert (f"<strong>[{mark}]</strong>" in text and meaning in text) == used
    assert "[link uncertain]" in text


def test_the_workbook_holds_the_tables_of_the_page(compiled: Compiled) -> None:
    book = openpyxl.load_workbook(io.BytesIO(progress_xlsx(compiled)))
    assert book.sheetnames == [
        "About", "Completeness", "Matrix", "By year", "Breakdowns", "Mirror", "SDG annex", "Revisions",
        "KHM", "CHN", "LAO", "MMR", "THA", "VNM",
    ]  # fmt: skip
    rows = [[c.value for c in row] for row in book["By year"].iter_rows()]
    region = next(r for r in rows if r[0] == "Region")
    assert region[3:6] == [965, 1028, 980]
    assert all(isinstance(v, int | float) for v in region[3:6])
    china = next(r for r in rows if r[0] == "China")
    assert china[3:7] == ["not sel."] * 4
    blocks = regional_blocks(compiled)
    for name, key in (("By year", "years"), ("Mirror", "mirror"), ("Breakdowns", "breakdowns")):
        written = {c.value for row in book[name].iter_rows() for c in row}
        for block in blocks[key]:
            for row in block.rows:
                for item in row:
                    if item.number is not None:
                        assert item.number in written


HOSTILE_YAML = """
id: hostile
version: "1"
title: {en: 'HTML'}
period: [2020, 2021]
countries: [AAA, BBB]
references: [{source: x, locator: y, verification: proposed}]
dimensions:
  - id: partner
    area: true
    label: {en: 'HTML'}
    codes: [{id: AAA, label: {en: 'LONG'}}, {id: BBB, label: {en: 'FORMULA'}}]
nodes: [{id: "1", level: area, title: {en: 'HTML'}}]
indicators: [{id: i, nodes: ["1"], title: {en: 'FORMULA'}, unit: 'HTML', breakdowns: [[partner]]}]
"""


def _hostile(folder: Path) -> Workspace:
    """A framework and records that mean harm: markup, formulas, a 300-character country name."""
    text = HOSTILE_YAML.replace("HTML", HOSTILE).replace("FORMULA", FORMULA).replace("LONG", "Country" * 43)
    (folder / "f.yaml").write_text(text, "utf-8")
    workspace = create_workspace(folder / "m", folder / "f.yaml")
    key = {"country": "AAA", "indicator": "i"}
    workspace.commit(
        "AAA",
        [
            Selection(**key, selected=True, responsible_agency=HOSTILE, focal_point_role=FORMULA),  # type: ignore[arg-type]
            Baseline(**key, value=10, year=2019, note=HOSTILE),  # type: ignore[arg-type]
            Source(country="AAA", id="S1", type="admin", title=FORMULA, organisation=HOSTILE),
            Actual(**key, year=2020, value=50, source_id="S1"),  # type: ignore[arg-type]
            Narrative(country="AAA", node="1", year=2020, achievements=HOSTILE, challenges=FORMULA),
        ],
        who=HOSTILE,
    )
    workspace.commit("AAA", [Actual(**key, year=2020, value=60, source_id="S1")], who="@x", reason=FORMULA)  # type: ignore[arg-type]
    return workspace


def test_hostile_labels_do_nothing(tmp_path: Path) -> None:
    done = compile_workspace(_hostile(tmp_path))
    text = progress_html(done)
    page = Page(text)
    assert page.tags.isdisjoint({"script", "img"})
    assert "onerror" not in page.attributes
    assert "&lt;script&gt;" in text
    book = openpyxl.load_workbook(io.BytesIO(progress_xlsx(done)))
    cells = [c for s in book.worksheets for row in s.iter_rows() for c in row if c.value is not None]
    assert all(c.data_type != "f" for c in cells)
    texts = [c.value for c in cells if isinstance(c.value, str)]
    assert any("HYPERLINK" in t for t in texts)
    assert not [t for t in texts if t.lstrip().startswith(("=", "+", "-", "@"))]
    for csv_text in progress_csv(done).values():
        assert not re.search(r'(^|,)"?[=@+]', csv_text)
    assert "Country" * 43 in text, "a long name is kept, and breaks into lines"


def test_a_hostile_template_is_harmless_too(tmp_path: Path) -> None:
    from survey_toolkit.monitoring import return_template

    workspace = _hostile(tmp_path)
    book = openpyxl.load_workbook(
        io.BytesIO(return_template(workspace.framework, "AAA", "en", workspace.book()))
    )
    formulas = [c.value for s in book.worksheets for row in s.iter_rows() for c in row if c.data_type == "f"]
    assert formulas
    assert all(str(f).startswith("=IF(COUNT(") for f in formulas)


def test_revisions_stand_in_the_change_log(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "m", "commit-spa4")
    key = {"country": "THA", "indicator": A, "year": 2016}
    workspace.commit("THA", [Selection(country="THA", indicator=A, selected=True)], who="bureau")
    for value, reason in ((440, ""), (444, "late report of one province")):
        workspace.commit("THA", [Actual(**key, value=value)], who="bureau", reason=reason)  # type: ignore[arg-type]
    done = compile_workspace(workspace)
    assert [(c.old, c.new, c.reason) for c in done.changes] == [(440, 444, "late report of one province")]
    assert "late report of one province" in progress_html(done)


def test_an_empty_folder_gives_a_report(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "m", "commit-spa4")
    done = compile_workspace(workspace)
    text = progress_html(done)
    assert "no return" in text
    assert "0 of 6 countries" in text
    files = write_report(done, tmp_path / "out") + write_compilation(done, tmp_path / "out")
    assert sorted(f.name for f in files) == [
        "mirror.csv", "observations.csv", "progress.html", "progress.xlsx", "ratings.csv", "regional.csv",
    ]  # fmt: skip


def test_another_framework_is_reported_as_well(tmp_path: Path) -> None:
    from tests.monitoring.test_returns import OTHER

    (tmp_path / "f.yaml").write_text(OTHER, "utf-8")
    workspace = create_workspace(tmp_path / "m", tmp_path / "f.yaml")
    key = {"country": "AAA", "indicator": "i-law"}
    workspace.commit(
        "AAA", [Selection(**key, selected=True), Actual(**key, year=2021, text="drafted")], who="t"  # type: ignore[arg-type]
    )  # fmt: skip
    done = compile_workspace(workspace)
    assert done.totals["i-law", 2021, "total"].reason == "reports in words are not added"
    text = progress_html(done)
    assert "drafted" in text
    assert load_framework(tmp_path / "f.yaml").indicators[0].steps[1] == "drafted"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs headless Chromium")
@pytest.mark.parametrize("width", [1360, 400])
def test_the_page_opens_without_a_console_error(compiled: Compiled, tmp_path: Path, width: int) -> None:
    file = tmp_path / "progress.html"
    file.write_text(progress_html(compiled), "utf-8")
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'p'}",
         "--enable-logging=stderr", "--v=0", f"--window-size={width},900", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<table") == progress_html(compiled).count("<table")


def test_the_command_line_goes_the_whole_way(cli: object, tmp_path: Path) -> None:
    assert callable(cli)
    folder, out = str(tmp_path / "m"), str(tmp_path / "out")
    assert cli("monitor", "init", folder, "--example")[0] == 0
    code, text, _ = cli("monitor", "template", folder, "--country", "KHM", "--language", "km", "--out", out)
    assert code == 0
    made = tmp_path / "out" / "commit-spa4_KHM_km.xlsx"
    code, text, _ = cli("monitor", "import", folder, str(made), "--json")
    assert (code, '"doubts": []' in text, '"batch": null' in text) == (0, True, True), (
        "what is known is in it"
    )
    code, text, _ = cli("monitor", "import", folder, f"{folder}/returns")
    assert (code, "nothing new" in text) == (0, True)
    code, text, _ = cli("monitor", "compile", folder, "--out", out)
    assert code == 0
    assert re.search(r"SPA4-4\.2-a\s+2016\s+1,028\s+4 of 6 countries", text)
    assert cli("monitor", "report", folder, "--out", out, "--figures", f"{folder}/figures.json")[0] == 0
    assert "2,310" in (tmp_path / "out" / "progress.html").read_text("utf-8")
    assert cli("monitor", "verify", folder)[1].startswith("6 change sets")
    code, text, _ = cli("monitor", "query", folder, "select count(*) as n from source", "--json")
    assert (code, text.strip()) == (0, '[{"n": 6}]')


def test_the_command_line_says_what_is_held_back(cli: object, workspace: Workspace, tmp_path: Path) -> None:
    assert callable(cli)
    file = workspace.folder / "returns" / "KHM.xlsx"
    book = openpyxl.load_workbook(file)
    sheet = next(s for s in book.worksheets if str(s["A1"].value).endswith("|actuals"))
    sheet["D8"] = "approx. 20"
    book.save(tmp_path / "KHM.xlsx")
    code, text, _ = cli("monitor", "import", str(workspace.folder), str(tmp_path / "KHM.xlsx"), "--json")
    assert code == 1
    assert '"code": "approximate"' in text
    assert '"cell": "D8"' in text
    code, _, error = cli("monitor", "import", str(tmp_path / "nowhere"), str(tmp_path / "KHM.xlsx"))
    assert code == 1
    assert "no monitoring folder" in error
    code, _, error = cli("monitor", "import", str(workspace.folder), str(tmp_path / "gone.xlsx"))
    assert code == 1
    assert "no such file" in error
    assert len(open_workspace(workspace.folder).batches()) == 6


def test_a_report_of_invented_returns_says_so_at_its_head(compiled: Compiled, tmp_path: Path) -> None:
    assert compiled.notice.startswith("Invented returns")
    assert compiled.notice in progress_html(compiled).split('<section id="overview"')[0]
    about = openpyxl.load_workbook(io.BytesIO(progress_xlsx(compiled)))["About"]
    assert (about["A3"].value, about["B3"].value) == ("Notice", compiled.notice)
    own = compile_workspace(create_workspace(tmp_path / "own", "commit-spa4"))
    assert own.notice == ""
    assert 'class="banner"' not in progress_html(own)
    said = create_workspace(tmp_path / "said", "commit-spa4", notice='Draft: "not" for <quotation>')
    assert open_workspace(said.folder).notice == 'Draft: "not" for <quotation>'
    assert "&lt;quotation&gt;" in progress_html(compile_workspace(said))
