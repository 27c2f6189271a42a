"""The report in a real browser: no console message, nothing wider than a phone, links open their trace."""

import re
import shutil
import subprocess

import publication_sample as sample
import pytest

from survey_toolkit.dissemination import report_html

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


@pytest.mark.parametrize("width", [390, 1300])
def test_no_console_message_and_no_sideways_scroll(report, width):
    done = chromium(f"--window-size={width},2000", "--dump-dom", url=report)
    assert "CONSOLE" not in done.stderr
    found = re.search(r"<title>W(\d+) C(\d+)", done.stdout)
    assert found, "the page ran its script"
    assert int(found[1]) <= int(found[2])


def test_a_link_to_a_trace_opens_it(report):
    assert re.search(r"<title>W\d+ C\d+ O1", chromium("--dump-dom", url=f"{report}#trace-3").stdout)
    assert re.search(r"<title>W\d+ C\d+ O0", chromium("--dump-dom", url=report).stdout)
