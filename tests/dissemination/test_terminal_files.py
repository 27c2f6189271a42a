"""What the command line prints of data files: no respondent's answers, no markup of theirs."""

from __future__ import annotations

from io import StringIO

import pandas as pd
from rich.console import Console

from survey_toolkit.dissemination import terminal_files
from survey_toolkit.estimation import SurveyDesign
from survey_toolkit.microdata import AuditDiff, Microdata, Variable, check_data, inspect_data


def _console() -> tuple[Console, StringIO]:
    out = StringIO()
    return Console(file=out, width=140, emoji=False), out


def _data() -> Microdata:
    return Microdata.from_frame(
        pd.DataFrame({"name": ["Amina", "Bopha"] * 6, "sex": [1, 2] * 6, "w": [1.0] * 11 + [-1.0]}),
        [Variable(name="sex", label="Sex [bold]", value_labels={1: "male", 2: "female"})],
    )


def test_inspection_tells_no_answers() -> None:
    console, out = _console()
    terminal_files.print_inspection(inspect_data(_data()), console=console)
    assert "Amina" not in out.getvalue()
    assert "1 male (6); 2 female (6)" in out.getvalue()
    assert "Sex [bold]" in out.getvalue()
    assert "Names a person" in out.getvalue()


def test_checks_and_differences() -> None:
    console, out = _console()
    terminal_files.print_checks(check_data(_data(), design=SurveyDesign(weight="w")), console=console)
    terminal_files.print_checks(check_data(_data()), console=console)
    terminal_files.print_diff(AuditDiff(before="a", after="b", changes=()), console=console)
    assert "weight-negative" in out.getvalue()
    assert "0 errors, 0 flags" in out.getvalue()
    assert "a → b: no difference" in out.getvalue()
