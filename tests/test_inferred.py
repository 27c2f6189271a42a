"""An attack that could not be made must not pass for one that failed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit._frames import MET, NOT_MET
from survey_toolkit._inferred import least
from survey_toolkit.dissemination.disclosure.lattice import build_lattice, inferred_intervals
from survey_toolkit.microdata import Microdata, inspect_data
from survey_toolkit.microdata._reconciled import not_shown
from survey_toolkit.microdata.reconciliation import Movement, Transition


@pytest.fixture(params=[1, 2, 4], ids=["out of time", "nothing fits", "numerical trouble"])
def silent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver that stops without an answer."""

    def stopped(*_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(status=request.param, fun=None)

    monkeypatch.setattr("scipy.optimize.linprog", stopped)


@pytest.mark.usefixtures("silent")
def test_no_answer_counts_as_told() -> None:
    assert least(np.array([1.0]), np.ones((1, 1)), [3.0], (0.0, None)) == np.inf


@pytest.mark.usefixtures("silent")
def test_a_published_table_is_not_taken_for_protected() -> None:
    counts = {("_T",): 40.0, ("F",): 3.0, ("M",): 37.0}
    low, high = inferred_intervals(build_lattice(counts), counts, [("F",), ("M",)])[("F",)]
    assert high - low < 0  # narrower than any need


@pytest.mark.usefixtures("silent")
def test_a_reconciliation_shows_no_number() -> None:
    moved = {(MET, NOT_MET): 3, (NOT_MET, MET): 60, (MET, MET): 900, (NOT_MET, NOT_MET): 5508}
    transitions = tuple(Transition(*pair, n, float(n)) for pair, n in moved.items())
    movements = tuple(Movement(*pair, ("x",), n, float(n), 0.0) for pair, n in list(moved.items())[:2])
    not_shown.cache_clear()
    gone = not_shown(transitions, movements, 5)
    not_shown.cache_clear()
    assert (gone.rates, gone.cells, gone.movements) == ((0, 0), frozenset(moved), frozenset({0, 1}))


@pytest.mark.usefixtures("silent")
def test_linked_columns_of_a_codebook_show_no_small_count() -> None:
    """A filter and its question, linked because those who said 2 or 9 were not asked."""
    q1 = [1] * 300 + [2] * 500 + [9] * 3
    q2 = [1] * 120 + [2] * 180 + [None] * 503
    frame = pd.DataFrame({"q1": q1, "q2": q2}, dtype="Int64")
    first, then = inspect_data(Microdata.from_frame(frame)).variables
    assert first.n_valid is None
    assert [code.shown for code in first.codes if code.shown.isdigit()] == []
    assert then.missing == {"system": None}
