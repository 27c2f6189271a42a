"""Mark-recapture prevalence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError


def met(victims: tuple[int, int, int], others: tuple[int, int, int]) -> pd.DataFrame:
    """People met both times, the first only, the second only."""
    rows = []
    for v, (both, first, second) in ((1, victims), (0, others)):
        rows += [(1, 1, v)] * both + [(1, 0, v)] * first + [(0, 1, v)] * second
    return pd.DataFrame(rows, columns=["a", "b", "v"])


def run(rows: pd.DataFrame, **more: Any) -> hp.MarkRecapture:
    return hp.mark_recapture(rows, first="a", second="b", outcome="v", **more)


def test_by_hand() -> None:
    got = run(met((10, 20, 15), (40, 60, 50)))
    v, o = 31 * 26 / 11 - 1, 101 * 91 / 41 - 1
    assert got.victims.estimate == pytest.approx(v)
    assert got.others.estimate == pytest.approx(o)
    assert got.prevalence.estimate[0] == pytest.approx(v / (v + o))
    assert got.naive_share == pytest.approx(45 / 195)
    se = np.hypot(o * got.victims.se, v * got.others.se) / (v + o) ** 2
    assert got.prevalence.se[0] == pytest.approx(se)
    assert 0 < got.prevalence.ci_low[0] < got.prevalence.estimate[0] < got.prevalence.ci_high[0] < 1


def test_bootstrap_repeats_and_agrees() -> None:
    rows = met((20, 40, 35), (60, 90, 80))
    a, b = (run(rows, interval="bootstrap", seed=5) for _ in range(2))
    assert a.prevalence.ci_low[0] == b.prevalence.ci_low[0]
    plain = run(rows)
    assert a.prevalence.se[0] == pytest.approx(plain.prevalence.se[0], rel=0.2)
    assert a.prevalence.ci_high[0] == pytest.approx(plain.prevalence.ci_high[0], abs=0.04)


def test_less_visible_victims_are_not_lost() -> None:
    """The naive share sees half of them; two sizes of their own see all."""
    rng = np.random.default_rng(3)
    v = rng.random(40_000) < 0.2
    p = np.where(v, 0.15, 0.3)
    a, b = rng.random((2, 40_000)) < p
    rows = pd.DataFrame({"a": a, "b": b, "v": v})[a | b].astype(int)
    got = run(rows)
    assert got.prevalence.estimate[0] == pytest.approx(v.mean(), abs=3 * got.prevalence.se[0])
    assert got.naive_share < 0.15


def test_bad_input() -> None:
    rows = met((10, 20, 15), (40, 60, 50))
    with pytest.raises(EstimationError, match="on no occasion"):
        run(pd.concat([rows, pd.DataFrame({"a": [0], "b": [0], "v": [1]})]))
    with pytest.raises(EstimationError, match="nobody was met on one of the occasions"):
        run(met((0, 20, 0), (40, 60, 50)))
    with pytest.raises(EstimationError, match="must be 1 or 0"):
        run(rows.assign(a=2))
    with pytest.raises(EstimationError, match="an outcome must be 0 or 1"):
        run(rows.assign(v=3))
    gap = rows.astype({"v": float})
    gap.loc[0, "v"] = None
    assert any("1 people without an answer" in note for note in run(gap).prevalence.notes)
