"""The command line's manners: quiet, verbose, colour on terminals only."""

from __future__ import annotations

import os
import re
import subprocess
import sys

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
