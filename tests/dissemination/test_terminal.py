"""What a user sees in the terminal: readable at 80 columns, nothing interpreted, nothing hidden."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from survey_toolkit.dissemination import terminal
from survey_toolkit.estimation import Survey, SurveyDesign
from survey_toolkit.indicators import Figure, Figures
from survey_toolkit.multiple_systems import CaptureHistories, compare


def _console(width: int = 80) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, emoji=False), out


def _figures() -> Figures:
    base = Figure(
        id="8.7.1/XSC/2024/_T",
        indicator="8.7.1",
        series="A",
        label="Children [bold]working[/bold]",
        variable="child_labour_a",
        country="XSC",
        period="2024",
        breakdown={"sex": "_T"},
        statistic="proportion",
        unit="PT",
        value=0.102,
        ci_low=0.092,
        ci_high=0.113,
        n=6411,
        truth=0.1,
    )
    return Figures(
        [
            base,
            replace(
                base,
                id="8.7.1/XSC/2024/F",
                breakdown={"sex": "F"},
                labels={"sex": "Female"},
                truth=0.2,
            ),
            replace(base, id="8.7.1/XSC/2024/M", breakdown={"sex": "M"}, labels={"sex": "Male"}).masked(
                disclosure="suppressed", obs_status="Q"
            ),
        ]
    )


@pytest.mark.parametrize("width", [80, 120])
def test_figures(width: int, tmp_path: Path) -> None:
    console, out = _console(width)
    terminal.print_run(_figures(), title="Title [red]", folder=tmp_path, console=console)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "[bold]working[/bold]" in text  # a label is shown, never interpreted
    assert "9.2 – 11.3" in text
    assert "20.0 missed" in text
    assert "suppressed" in text
    assert "1 of 2 intervals cover the true value" in text


def test_interactions_are_not_pictograms() -> None:
    rows = {"11100": 3, "10000": 54, "01000": 463, "00100": 995, "00010": 695, "00001": 316, "01010": 19}
    rows |= {"11000": 15, "10100": 19, "01100": 62, "00110": 76, "00101": 11, "00011": 8, "10010": 3}
    lists = CaptureHistories.from_counts(rows, lists=["LA", "NG", "PF", "GO", "GP"])
    console, out = _console()
    terminal.print_comparison(lists, compare(lists, ["independence", "stepwise"]), console=console)
    assert ":NG" in out.getvalue()
    assert "🆖" not in out.getvalue()
    assert terminal.new_console()._emoji is False


def test_estimates_with_notes() -> None:
    data = pd.DataFrame(
        {
            "w": [1.0] * 8,
            "ea": [1, 1, 2, 2, 3, 3, 4, 4],
            "works": [1, 0, 1, 1, 0, 0, 1, None],
            "sex": list("FMFMFMFM"),
        }
    )
    result = Survey(data, SurveyDesign(weight="w", psu="ea")).proportion("works", by="sex")
    console, out = _console()
    terminal.print_estimates(result, console=console)
    assert "95 % interval" in out.getvalue()
    assert "note:" in out.getvalue()


def test_codes_stand_with_their_labels_and_without_thousands() -> None:
    data = pd.DataFrame({"w": 1.0, "ea": range(8), "works": [1, 0] * 4, "area": [10101, 10102] * 4})
    result = Survey(data, SurveyDesign(weight="w", psu="ea")).proportion("works", by="area")
    console, out = _console()
    terminal.print_estimates(result, console=console, labels={"area": {10101: "North [old]"}})
    assert "10101 North [old]" in out.getvalue()
    assert "10102 " in out.getvalue()
    assert "10,10" not in out.getvalue()


def test_one_dash_where_there_is_no_interval_and_its_meaning_below() -> None:
    """Domain a has an interval, b no event, c nobody at all; one row and one estimate are told as one."""
    data = pd.DataFrame(
        {
            "w": 1.0, "h": [1, 1, 1, 1, 2, 2, 2, 2], "ea": [1, 1, 2, 2, 3, 3, 4, 4],
            "y": [1, 0, 1, 0, 0, None, 0, 1], "g": list("aaabbcba"),
        }
    )  # fmt: skip
    survey = Survey(data, SurveyDesign(weight="w", psu="ea", strata="h"))
    for result, dashes in ((survey.proportion("y", by="g"), 1), (survey.total("y", by="g"), 2)):
        console, out = _console()
        terminal.print_estimates(result, console=console)
        rows = [line.split() for line in out.getvalue().splitlines() if line[:3] in (" a ", " b ", " c ")]
        assert sum((row[2] == "–" and row[3] != "–") or row[2:4] == ["–", "–"] for row in rows) == dashes
        assert "– – –" not in out.getvalue()
        assert "–: nothing to give: no estimate, or no interval" in out.getvalue()
        assert "1 row has no value of y" in out.getvalue()
    console, out = _console()
    terminal.print_estimates(survey.proportion("y"), console=console)
    assert "nothing to give" not in out.getvalue()


def test_a_refusal_stands_below_the_table_in_full_width() -> None:
    lists = CaptureHistories.from_counts({"10": 40, "01": 60}, lists=["A", "B"])
    console, out = _console()
    table = compare(lists, ["chapman", "independence"])
    terminal.print_comparison(lists, table, console=console)
    name, reason = next(iter(table.refused.items()))
    assert "refused: see below" in out.getvalue()
    assert f"{name} refused: {reason}" in " ".join(out.getvalue().split())
    assert ". " not in reason or all(part[0].isupper() for part in reason.split(". ")[1:])
