"""Adaptive cluster and time-location sampling: published example, unbiasedness, recovery, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling import (
    adaptive_estimate,
    adaptive_sample,
    enumerate_adaptive,
    grid_neighbours,
    networks,
    time_location,
    time_location_weights,
)


def test_thompsons_published_example() -> None:
    line = np.arange(5)
    every = enumerate_adaptive(
        [1, 0, 2, 10, 1000], [1, 2, 3, 4, 4], 2, neighbours=np.column_stack([line[:-1], line[1:]])
    )
    assert (every.hh.mean(), every.ht.mean()) == pytest.approx((202.6, 202.6))
    # Thompson (1990): variances 22,862 and 17,418; 59,615 for the initial mean
    assert [round(v) for v in (every.hh.var(), every.ht.var(), every.initial.var())] == [22862, 17418, 59615]
    assert every.final_size.mean() == pytest.approx(3.1)


def clustered(seed: int, side: int = 12) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    row, col = np.divmod(np.arange(side * side), side)
    count = np.zeros(side * side, dtype=int)
    for r, c in rng.integers(1, side - 1, (4, 2)):
        near = (np.abs(row - r) + np.abs(col - c)) <= 1
        count[near] += rng.poisson(4, near.sum())
    return pd.DataFrame({"row": row, "col": col, "count": count}), grid_neighbours(row, col)


def test_both_estimators_are_unbiased_and_so_are_their_variances() -> None:
    grid, pairs = clustered(1)
    ok = (grid["count"] > 0).to_numpy()
    rng = np.random.default_rng(2)
    found = []
    for _ in range(500):
        initial = np.zeros(len(grid), dtype=bool)
        initial[rng.choice(len(grid), 20, replace=False)] = True
        sample = adaptive_sample(ok, pairs, initial)
        est = adaptive_estimate(grid["count"], sample.network, initial, population=len(grid))
        found.append((est.total_hh, est.total_ht, est.se_hh**2, est.se_ht**2, est.total_initial))
    hh, ht, v_hh, v_ht, plain = np.array(found).T
    for values in (hh, ht):
        assert values.mean() == pytest.approx(grid["count"].sum(), abs=4 * values.std() / np.sqrt(500))
    assert v_hh.mean() == pytest.approx(hh.var(), rel=0.25)
    assert np.nanmean(v_ht) == pytest.approx(ht.var(), rel=0.25)
    assert ht.std() < hh.std() < plain.std()


def test_units_outside_the_networks_met_do_not_count() -> None:
    grid, pairs = clustered(3)
    ok = (grid["count"] > 0).to_numpy()
    initial = np.arange(len(grid)) % 9 == 0
    sample = adaptive_sample(ok, pairs, initial)
    seen = np.zeros(len(grid), dtype=bool)
    seen[sample.final] = True
    full = adaptive_estimate(grid["count"], sample.network, initial, population=144)
    part = adaptive_estimate(
        grid["count"][seen], sample.network[seen], initial[seen], population=144, n_final=sample.final.size
    )
    assert part.total_ht == pytest.approx(full.total_ht)
    assert part.total_hh == pytest.approx(full.total_hh)
    assert not ok[sample.edges].any()
    assert networks(ok, pairs)[ok].size == ok.sum()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: adaptive_estimate([1, -1], [1, 2], [1, 0], population=2), "negative"),
        (lambda: adaptive_estimate([1, np.nan], [1, 2], [1, 0], population=2), "missing"),
        (lambda: adaptive_estimate([1, 1], [1, 2], [0, 0], population=2), "at least one"),
        (lambda: adaptive_estimate([1, 1], [1, 2], [1, 0], population=1), "2 or more"),
        (lambda: grid_neighbours([1, 1], [2, 2]), "one place"),
        (lambda: enumerate_adaptive(np.ones(60), np.arange(60), 20), "too many"),
        (lambda: time_location_weights([0.5], [1.2]), "more interviewed"),
        (lambda: time_location_weights([0.0], [0.2]), "outside"),
        (lambda: time_location_weights([0.1], [0.2], [0]), "below one"),
        (lambda: time_location_weights([0.1], [0.2], [np.nan]), "missing"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call: Any, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        call()


def draw_venues(rng: np.random.Generator, visits: np.ndarray, case: np.ndarray) -> pd.DataFrame:
    """One time-location sample: 200 events, 30 drawn, up to 12 people interviewed at each."""
    attends = [rng.choice(200, size=v, replace=False) for v in visits]
    at = [[] for _ in range(200)]
    for person, events in enumerate(attends):
        for event in events:
            at[event].append(person)
    rows = []
    for event in rng.choice(200, 30, replace=False):
        here = at[event]
        taken = rng.choice(here, min(12, len(here)), replace=False) if here else []
        rows += [(event, len(here), len(taken), visits[p], case[p]) for p in taken]
    return pd.DataFrame(rows, columns=["event", "counted", "interviewed", "visits", "case"])


@pytest.mark.slow
def test_frequent_visitors_do_not_bias_the_estimate() -> None:
    rng = np.random.default_rng(7)
    visits = rng.choice([1, 2, 4, 10], 1500, p=[0.4, 0.3, 0.2, 0.1])
    case = (rng.random(1500) < np.where(visits >= 4, 0.3, 0.05)).astype(int)  # cases come more often
    got = []
    for _ in range(60):
        data = draw_venues(rng, visits, case)
        est = time_location(
            data,
            outcome="case",
            event="event",
            visits="visits",
            event_probability=np.full(len(data), 30 / 200),
            person_probability=data["interviewed"] / data["counted"],
        )
        got.append(
            [
                float(x.estimate[0])
                for x in (est.prevalence, est.persons, est.cases, est.prevalence_without_attendance)
            ]
            + [float(est.prevalence.se[0]), float(est.prevalence.ci_low[0]), float(est.prevalence.ci_high[0])]
        )
    p, persons, cases, naive, se, low, high = np.array(got).T
    truth = case.mean()
    for values, true in ((p, truth), (persons, 1500), (cases, case.sum())):
        assert values.mean() == pytest.approx(true, abs=4 * values.std() / np.sqrt(60) + 0.01 * true)
    assert naive.mean() > truth + 0.05
    assert se.mean() == pytest.approx(p.std(), rel=0.35)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.85
