"""The folder: concurrent imports lose nothing, a kill leaves the last good state, the log shows tampering."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators.frameworks import Actual, Record, Selection
from survey_toolkit.monitoring import Workspace, create_workspace, import_returns, open_workspace

A = "SPA4-4.2-a"
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def _records(country: str, value: float) -> list[Record]:
    return [
        Selection(country=country, indicator=A, selected=True),
        *(Actual(country=country, indicator=A, year=year, value=value + year) for year in range(2015, 2019)),
    ]


def _in_child(work: Callable[[], object]) -> int:
    """Run in a forked process; its exit status as the system gives it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def _end(child: int) -> int:
    return os.waitpid(child, 0)[1]


def test_zero_is_kept_apart_from_nothing(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "m", "commit-spa4")
    workspace.commit("KHM", [Actual(country="KHM", indicator=A, year=2016, value=0.0)], who="t")
    found = open_workspace(tmp_path / "m").book().actual("KHM", A, 2016)
    assert found is not None
    assert found.value == 0.0
    assert found.status == "final"


def test_concurrent_commits_lose_nothing(tmp_path: Path) -> None:
    create_workspace(tmp_path / "m", "commit-spa4")
    countries = ("KHM", "CHN", "LAO", "MMR", "THA", "VNM")

    def work(country: str) -> Callable[[], None]:
        def run() -> None:
            workspace = open_workspace(tmp_path / "m")
            for step in range(5):
                workspace.commit(country, _records(country, 100.0 * step), who=country, reason="round")

        return run

    children = [_in_child(work(country)) for country in countries]
    assert [_end(child) for child in children] == [0] * 6
    workspace = open_workspace(tmp_path / "m")
    batches = workspace.batches()
    assert [b.number for b in batches] == list(range(1, 31))
    assert workspace.verify() == []
    for country in countries:
        mine = [b for b in batches if b.country == country]
        assert [len(b.events) for b in mine] == [5, 4, 4, 4, 4]
        found = workspace.book().actual(country, A, 2016)
        assert found is not None
        assert found.value == 400 + 2016
        lines = (tmp_path / "m" / "records" / f"{country}.jsonl").read_text("utf-8").splitlines()
        assert len(lines) == 5


@pytest.mark.parametrize(
    ("call", "point"),
    [("fsync", 1), ("fsync", 2), ("fsync", 3), ("fsync", 4), ("replace", 1), ("replace", 2)],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_kill_in_the_middle_leaves_a_good_state(
    tmp_path: Path, call: str, point: int, before: bool
) -> None:
    """The process is killed at each write and each rename of a commit, before or after it."""
    workspace = create_workspace(tmp_path / "m", "commit-spa4")
    workspace.commit("KHM", _records("KHM", 0.0), who="t")

    def work() -> None:
        real, seen = getattr(os, call), [0]

        def deadly(*given: object, **more: object) -> object:
            seen[0] += 1
            if seen[0] == point and before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*given, **more)
            if seen[0] == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(os, call, deadly)
        open_workspace(tmp_path / "m").commit("KHM", _records("KHM", 500.0), who="t", reason="later")

    status = _end(_in_child(work))
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    after = open_workspace(tmp_path / "m")
    assert after.verify() == []
    values = {a.value - a.year for a in after.book().of_kind(Actual) if a.value is not None}
    assert values in ({0.0}, {500.0}), "all of a change set or nothing of it"
    # The next commit goes through, clears up, and brings the readable state up to date.
    after.commit("KHM", _records("KHM", 900.0), who="t", reason="after")
    assert list((tmp_path / "m").rglob(".unfinished-*")) == []
    assert after.verify() == []
    lines = (tmp_path / "m" / "records" / "KHM.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(x)["value"] - json.loads(x)["year"] for x in lines if "actual" in x] == [900.0] * 4


def test_an_import_that_is_killed_can_be_run_again(example: Workspace, tmp_path: Path) -> None:
    """The program itself, killed after some of six countries; what is in stays in, the rest comes later."""
    workspace = create_workspace(tmp_path / "m", "commit-spa4")
    returns = example.folder / "returns"
    code = "from survey_toolkit.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "monitor", "import", str(workspace.folder), str(returns)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 60
    while len(list((workspace.folder / "log").glob("[0-9]*.jsonl"))) < 2 and time.monotonic() < end:
        assert running.poll() is None or running.returncode == 0
        time.sleep(0.005)
    running.kill()
    running.wait()
    after = open_workspace(workspace.folder)
    assert after.verify() == []
    done = len(after.batches())
    assert done >= 2
    report = import_returns(after, [returns], who="t")
    assert report.doubts == ()
    assert sum(c.batch is not None for c in report.countries) == 6 - done
    assert after.book().records == example.book().records
    assert after.verify() == []


def test_a_lock_that_stays_held_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from survey_toolkit.monitoring import locking

    workspace = create_workspace(tmp_path / "m", "commit-spa4")
    with (
        locking.locked(workspace.folder),
        pytest.raises(SurveyToolkitError, match="another process"),
        locking.locked(workspace.folder, timeout=0.05),
    ):
        pass


def test_an_altered_or_lost_change_set_shows(workspace: Workspace) -> None:
    files = sorted((workspace.folder / "log").glob("*.jsonl"))
    assert workspace.verify() == []
    text = files[1].read_text("utf-8")
    files[1].write_text(text.replace('"value": 196.0', '"value": 999.0'), "utf-8")
    assert files[1].read_text("utf-8") != text
    assert "does not follow" in workspace.verify()[0]
    files[1].unlink()
    assert "missing" in workspace.verify()[0]


def test_a_damaged_change_set_is_an_error_with_its_name(workspace: Workspace) -> None:
    file = sorted((workspace.folder / "log").glob("*.jsonl"))[2]
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[:-1]), "utf-8")
    with pytest.raises(SurveyToolkitError, match=file.name):
        workspace.book()


def test_a_log_file_is_never_overwritten(tmp_path: Path) -> None:
    from survey_toolkit.monitoring.locking import create_once

    create_once(tmp_path / "x", b"1")
    with pytest.raises(FileExistsError):
        create_once(tmp_path / "x", b"2")
    assert (tmp_path / "x").read_bytes() == b"1"


def test_the_query_sees_records_and_history_and_nothing_else(workspace: Workspace, tmp_path: Path) -> None:
    names, rows = workspace.query(
        "select country, value from actual where indicator = 'SPA4-4.2-a' and year = 2016 "
        "and breakdown = 'total' order by country"
    )
    assert names == ["country", "value"]
    assert rows == [("KHM", 215), ("LAO", 71), ("THA", 444), ("VNM", 298)]
    ((events,),) = workspace.query("select count(*) from event")[1]
    assert events == sum(len(b.events) for b in workspace.batches())
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", "utf-8")
    for sql in (
        f"select * from '{secret}'",
        f"copy actual to '{tmp_path / 'x.csv'}'",
        "selec",
        "install httpfs",
    ):
        with pytest.raises(SurveyToolkitError, match="cannot be run"):
            workspace.query(sql)
    assert not (tmp_path / "x.csv").exists()


def test_a_folder_is_made_once_and_only_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "thing").write_text("x", "utf-8")
    with pytest.raises(SurveyToolkitError, match="not empty"):
        create_workspace(tmp_path, "commit-spa4")
    with pytest.raises(SurveyToolkitError, match="no monitoring folder"):
        open_workspace(tmp_path)
    with pytest.raises(SurveyToolkitError, match="unknown results framework"):
        create_workspace(tmp_path / "new", "nonsense")
    assert not (tmp_path / "new").exists()


def test_a_shared_folder_cannot_point_elsewhere(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / "monitor.yaml").write_text(
        "format: 1\nframework: ../../elsewhere/passwords.yaml\n", "utf-8"
    )
    with pytest.raises(SurveyToolkitError, match="no such file") as caught:
        open_workspace(workspace.folder)
    assert str(workspace.folder / "passwords.yaml") in str(caught.value)
