"""The command line's manners: quiet, verbose, colour on terminals only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|38;)[0-9;]*m")
VERB = [sys.executable, "-m", "survey_toolkit.cli"]


def _env(**more: str) -> dict[str, str]:
    plain = {
        k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS")
    }
    return {**plain, "TERM": "xterm-256color", **more}


def _on_a_terminal(args: list[str], **env: str) -> str:
    pty = pytest.importorskip("pty")
    main, side = pty.openpty()
    process = subprocess.Popen([*VERB, *args], stdout=side, stderr=side, stdin=side, env=_env(**env))
    os.close(side)
    told = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # Linux tells the end of a terminal by an error
            break
        if not part:
            break
        told += part
    os.close(main)
    assert process.wait() == 0
    return told.decode(errors="replace")


def test_colour_on_terminals_only() -> None:
    args = ["standards", "list"]
    piped = subprocess.run([*VERB, *args], capture_output=True, text=True, env=_env(), check=True)
    assert "\x1b" not in piped.stdout + piped.stderr
    assert COLOUR.search(_on_a_terminal(["--help"]))
    assert not COLOUR.search(_on_a_terminal(["--help"], NO_COLOR="1"))
    assert not COLOUR.search(_on_a_terminal(args, NO_COLOR="1"))


def test_quiet_and_verbose(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from survey_toolkit.cli_progress import busy, progress, set_telling

    monkeypatch.setenv("FORCE_COLOR", "1")  # as if on a terminal: without --quiet the bar is drawn
    try:
        for quiet, verbose, expected in (
            (True, False, ""),
            (False, True, "work: step one"),
            (False, False, "work"),
        ):
            set_telling(quiet=quiet, verbose=verbose)
            with progress("work") as tell:
                tell("step one", 0.2)
                tell("step one", 0.4)
            if quiet:
                with busy("sorting"):
                    pass
            told = capsys.readouterr()
            assert told.out == ""
            assert expected in told.err
            assert not quiet or told.err == ""
            assert not verbose or told.err.count("step one") == 1
    finally:
        set_telling()


def test_quiet_and_verbose_exclude_each_other() -> None:
    done = subprocess.run(
        [*VERB, "-q", "-v", "standards", "list"], capture_output=True, text=True, env=_env()
    )
    assert done.returncode == 2
    assert "exclude" in done.stderr


@pytest.fixture
def run() -> Callable[..., Any]:
    from typer.testing import CliRunner

    from survey_toolkit.cli import app

    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_quiet_and_verbose_may_stand_after_the_verb(run: Callable[..., Any]) -> None:
    from survey_toolkit import cli_progress

    try:
        assert run("standards", "list", "-q").exit_code == 0
        assert cli_progress._telling.quiet
        assert run("standards", "list", "--verbose").exit_code == 0
        assert cli_progress._telling.verbose
        assert not cli_progress._telling.quiet
        assert run("-q", "standards", "list", "-v").exit_code == 2
    finally:
        cli_progress.set_telling()


def test_version_and_short_help(run: Callable[..., Any]) -> None:
    from survey_toolkit import __version__

    assert run("--version").output == f"survey-toolkit {__version__}\n"
    assert "Usage" in run("standards", "show", "-h").output


def test_json_has_no_nan_and_only_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    import json
    from datetime import date

    import numpy as np

    from survey_toolkit.cli_manners import print_json

    print_json({"a": [float("nan"), np.float64("inf"), np.int64(3)], 5: (Path("é"), date(2024, 1, 2))})
    told = capsys.readouterr().out
    assert told.isascii()
    assert json.loads(told) == {"a": [None, None, 3], "5": ["é", "2024-01-02"]}


@pytest.mark.parametrize("args", [["standards", "list"], ["standards", "list", "--json"], ["--help"]])
def test_a_reader_that_goes_away_is_no_error(args: list[str]) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([*VERB, *args], stdout=pipe, stderr=pipe, env=_env()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_stop_is_a_sentence_and_130(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> None:
    import survey_toolkit.standards

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(survey_toolkit.standards, "load", stop)
    done = run("standards", "list")
    assert done.exit_code == 130
    assert "stopped" in done.stderr
    assert "Traceback" not in done.output


def test_letters_that_the_output_cannot_show_do_not_stop_it() -> None:
    env = _env(PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    for args in (["standards", "show", "forced_labour"], ["instrument", "show", "marriage", "--lang", "fr"]):
        assert subprocess.run([*VERB, *args], capture_output=True, env=env).returncode == 0


def test_no_progress_in_pipes() -> None:
    done = subprocess.run([*VERB, "run", "nothere.yaml"], capture_output=True, text=True, env=_env())
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: nothere.yaml: there is no such file")


def test_no_verb_writes_over_what_it_reads(tmp_path: Path, run: Callable[..., Any]) -> None:
    file = tmp_path / "cells.csv"
    file.write_text("sex,n\nF,3\nM,10\n_T,13\n", encoding="utf-8")
    before = file.read_bytes()
    for args in (
        ("protect-table", file, "--out", file),
        ("inspect", file, "--html", file),
        ("inspect", file, "--strip-identifiers", file),
        ("harmonize", file, "mics6_child_5_17", file),
        ("crosswalk", "draft", file, "--out", file),
    ):
        done = run(*args)
        assert done.exit_code == 1
        assert "overwrite" in str(done.exception)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["cells.csv"]


def test_ids_that_the_shell_offers_are_those_of_the_standards() -> None:
    from survey_toolkit.cli_complete import complete_crosswalk, complete_form, complete_item, complete_version
    from survey_toolkit.instruments import read_catalogue
    from survey_toolkit.microdata import load_crosswalk
    from survey_toolkit.standards import load, show

    registry = load()
    assert set(complete_version("")) == {v.key for d in registry.definitions.values() for v in d.versions}
    assert set(complete_form("")) == set(read_catalogue(None).questionnaires)
    assert all(show(registry, item) for item in complete_item("child"))
    assert complete_version("child_labour@mics6") == ["child_labour@mics6", "child_labour@mics6-first"]
    assert all(load_crosswalk(name, registry=registry).id == name for name in complete_crosswalk("mics"))
    assert complete_crosswalk("./my") == []


@pytest.mark.parametrize(
    ("words", "cursor", "whole", "at"),
    [
        (["st", "diff", "a", "@", "m"], 4, ["st", "diff", "a@m"], 2),
        (["st", "diff", "a", "@"], 3, ["st", "diff", "a@"], 2),
        (["st", "diff", "a", "@", "m", ""], 5, ["st", "diff", "a@m", ""], 3),
        (["st", "diff", "a", "@", "m", "b", "@", "q"], 7, ["st", "diff", "a@m", "b@q"], 3),
        (["st", "show", "a"], 2, ["st", "show", "a"], 2),
    ],
)
def test_words_that_bash_broke(words: list[str], cursor: int, whole: list[str], at: int) -> None:
    from survey_toolkit.cli_complete import joined

    assert joined("\n".join(words), cursor) == (whole, at)


def test_bash_completes_a_version() -> None:
    words = ["survey-toolkit", "standards", "show", "child_labour", "@", "mics6"]
    env = _env(COMP_WORDS="\n".join(words), COMP_CWORD="5", _SURVEY_TOOLKIT_COMPLETE="complete_bash")
    code = "import sys; sys.argv[0] = 'survey-toolkit'; from survey_toolkit.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.split() == ["@mics6", "@mics6-first"]


def test_a_language_without_a_word_is_noted(run: Callable[..., Any]) -> None:
    done = run("standards", "show", "child_labour", "--lang", "xx")
    assert done.exit_code == 0
    assert "no text is in 'xx'" in done.stderr
    assert "note" not in run("standards", "show", "child_labour", "--lang", "en").stderr
