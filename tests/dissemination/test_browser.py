"""The report in a real browser: no console message, nothing wider than a phone, links open their trace."""

import html
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import publication_sample as sample
import pytest

from survey_toolkit.dissemination import report_html
from survey_toolkit.indicators import Figures

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def chromium(*options, url):
    if CHROMIUM is None:
        pytest.fail("these tests need Chromium on the path")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--enable-logging=stderr", "--v=0", *options, url,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    # A probe of the test's own: widths after layout, and whether the trace named in the address is open.
    probe = (
        "<script>addEventListener('load',function(){var d=document.documentElement;document.title="
        "'W'+d.scrollWidth+' C'+d.clientWidth+' O'+(document.getElementById('trace-3').open?1:0)})</script>"
    )
    text = report_html(sample.protected().figures, sample.context())
    file.write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("width", [390, 800, 1100, 1300])
def test_no_console_message_and_no_sideways_scroll(report, width):
    done = chromium(f"--window-size={width},2000", "--dump-dom", url=report)
    assert "CONSOLE" not in done.stderr
    found = re.search(r"<title>W(\d+) C(\d+)", done.stdout)
    assert found, "the page ran its script"
    assert int(found[1]) <= int(found[2])


def test_a_link_to_a_trace_opens_it(report):
    assert re.search(r"<title>W\d+ C\d+ O1", chromium("--dump-dom", url=f"{report}#trace-3").stdout)
    assert re.search(r"<title>W\d+ C\d+ O0", chromium("--dump-dom", url=report).stdout)


def axe_source():
    """The accessibility checker, where a developer has it: AXE_CORE names its axe.min.js (npm axe-core)."""
    named = os.environ.get("AXE_CORE")
    places = (
        [Path(named)]
        if named
        else [p / "node_modules/axe-core/axe.min.js" for p in (Path.cwd(), Path.home())]
    )
    found = next((p for p in places if p.is_file()), None)
    if found is None:
        pytest.skip("axe-core is not here: npm install axe-core, or set AXE_CORE")
    return found.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [500, 1300])
def test_no_serious_barrier(tmp_path, width):
    probe = (
        f"<script>{axe_source()}</script><script>addEventListener('load',function(){{axe.run(document).then("
        "function(r){document.title='AXE '+JSON.stringify(r.violations.map(function(v){return [v.id,v.impact,"
        "v.nodes[0].html.slice(0,120)]}))})})</script>"
    )
    file = tmp_path / "report.html"
    text = report_html(sample.protected().figures, sample.context())
    file.write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    page = chromium(
        f"--window-size={width},2000", "--virtual-time-budget=30000", "--dump-dom", url=file.as_uri()
    ).stdout
    told = re.search(r"<title>AXE (\[.*?)</title>", page)
    assert told, "the checker ran"
    violations = json.loads(html.unescape(told[1]))
    assert [v for v in violations if v[1] in ("serious", "critical")] == []


def test_every_link_of_the_page_leads_somewhere(tmp_path):
    probe = (
        "<script>addEventListener('load',function(){var n=0,bad=[];"
        "document.querySelectorAll('a[href]').forEach(function(a){n++;var h=a.getAttribute('href');"
        "if(h[0]!=='#'||!document.getElementById("
        "decodeURIComponent(h.slice(1))))bad.push(h)});document.title='LINKS '+n+' '+JSON.stringify("
        "bad)})</script>"
    )
    file = tmp_path / "report.html"
    text = report_html(sample.protected().figures, sample.context())
    file.write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    told = re.search(r"<title>LINKS (\d+) (\[.*?\])", chromium("--dump-dom", url=file.as_uri()).stdout)
    assert told
    assert int(told[1]) > 60
    assert json.loads(html.unescape(told[2])) == []


def test_a_heading_sorts_its_column_and_gives_the_order_back(tmp_path):
    probe = (
        "<script>addEventListener('load',function(){var t=document.querySelector('table.sortable'),"
        "b=t.querySelector('th[data-at=\"1\"] button'),o=[];"
        "function col(){return Array.from(t.tBodies[2].rows).filter(r=>!r.classList.contains("
        "'panel')).map(r=>r.cells[1].textContent.trim()).join('/')}o.push(col());"
        "for(var i=0;i<3;i++){b.click();o.push(col()+' '+t.querySelector('th[data-at=\"1\"]').getAttribute("
        "'aria-sort'))}document.title='SORT '+JSON.stringify(o)})</script>"
    )
    file = tmp_path / "report.html"
    text = report_html(sample.protected().figures, sample.context())
    file.write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    told = re.search(r"<title>SORT (\[.*?\])", chromium("--dump-dom", url=file.as_uri()).stdout)
    assert told
    printed, down, up, back = json.loads(html.unescape(told[1]))
    assert printed == "1.3/10.9/22.8"
    assert (down, up) == ("22.8/10.9/1.3 descending", "1.3/10.9/22.8 ascending")
    assert back == "1.3/10.9/22.8 none"


def test_a_report_of_2000_figures_opens_in_under_three_seconds(tmp_path):
    base = list(sample.protected().figures)
    many = [
        replace(f, id=f"{f.id}@{i}", period=str(1950 + i)) for i in range(2000 // len(base) + 1) for f in base
    ][:2000]
    probe = (
        "<script>addEventListener('load',function(){requestAnimationFrame(function(){document.title="
        "'OPEN '+Math.round(performance.now())})})</script>"
    )
    file = tmp_path / "report.html"
    text = report_html(Figures(many), sample.context())
    file.write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    seconds = []
    for _ in range(3):
        page = chromium(
            "--window-size=1300,2000", "--virtual-time-budget=3000", "--dump-dom", url=file.as_uri()
        )
        told = re.search(r"<title>OPEN (\d+)", page.stdout)
        assert told
        seconds.append(int(told[1]) / 1000)
        if seconds[-1] < 3:
            break
    assert min(seconds) < 3, seconds
