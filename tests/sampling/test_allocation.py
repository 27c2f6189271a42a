"""Allocations against svy, against closed forms and against a general optimiser."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling import Constraint, allocate, allocate_multivariate
from tests.sampling.second_opinion import second_allocation

POPULATION = {"a": 12_000, "b": 5_300, "c": 2_100, "d": 44_000}
SD = {"a": 0.3, "b": 0.5, "c": 0.1, "d": 0.2}


@pytest.mark.parametrize("method", ["equal", "proportional", "neyman"])
def test_svy_agrees_where_no_limit_binds(method: str) -> None:
    sd = SD if method == "neyman" else None
    assert allocate(POPULATION, 1000, method=method, sd=sd).as_dict() == second_allocation(
        POPULATION, 1000, method=method, sd=sd
    )


def test_svy_drops_the_minimum_and_we_do_not() -> None:
    import svy

    with pytest.warns(svy.SvyUserWarning, match="not honored"):
        goal = svy.SampleSize().allocate(10, pop_size={"a": 1000, "b": 3, "c": 3}, min_n=2)
    assert min(goal.n.values()) < 2, "svy honours the minimum now: allocation could stand on it"
    assert allocate({"a": 1000, "b": 3, "c": 3}, 10, minimum=2).as_dict() == {"a": 6, "b": 2, "c": 2}


def test_neyman_has_the_smallest_variance() -> None:
    best = allocate(POPULATION, 2000, method="neyman", sd=SD)
    for method in ("equal", "proportional", "square_root"):
        assert best.se <= allocate(POPULATION, 2000, method=method, sd=SD).se
    n, units, sd = best.n, best.population, np.array(list(SD.values()))
    for i in range(4):
        for j in range(4):
            moved = n.astype(float) + np.eye(4)[i] - np.eye(4)[j]
            assert (units**2 * sd**2 / moved).sum() >= (units**2 * sd**2 / n).sum() * (1 - 1e-9)


def test_optimum_follows_cost_and_spends_the_budget() -> None:
    cost = {"a": 1.0, "b": 4.0, "c": 9.0, "d": 1.0}
    found = allocate(POPULATION, method="optimum", sd=SD, cost=cost, budget=3000)
    ideal = np.array([POPULATION[s] * SD[s] / np.sqrt(cost[s]) for s in "abcd"])
    assert found.n / found.n.sum() == pytest.approx(ideal / ideal.sum(), abs=0.002)
    assert 2980 < found.cost <= 3000


def test_power_allocation_lies_between_equal_cv_and_neyman() -> None:
    mean = {"a": 0.1, "b": 0.4, "c": 0.01, "d": 0.05}
    at = {q: allocate(POPULATION, 2000, method="power", sd=SD, mean=mean, q=q, minimum=0) for q in (0.0, 1.0)}
    assert at[1.0].as_dict() == allocate(POPULATION, 2000, method="neyman", sd=SD, minimum=0).as_dict()
    cv2 = np.array([(SD[s] / mean[s]) ** 2 for s in "abcd"]) / at[0.0].n ** 2
    assert cv2 == pytest.approx(np.full(4, cv2.mean()), rel=0.15)  # n proportional to the CV


def test_sizes_add_up_within_limits_whatever_the_numbers() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        units = rng.integers(1, 500, rng.integers(2, 30))
        low = int(rng.integers(0, 4))
        least = int(np.minimum(low, units).sum())
        n = int(rng.integers(max(least, 1), units.sum() + 1))
        got = allocate(dict(enumerate(units.tolist())), n, method="square_root", minimum=low).n
        assert got.sum() == n
        assert (got <= units).all()
        assert (got >= np.minimum(low, units)).all()


def strata(k: int = 12, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    p, q = rng.uniform(0.02, 0.3, k), rng.uniform(0.001, 0.05, k)
    return pd.DataFrame(
        {
            "stratum": [f"s{i}" for i in range(k)],
            "region": np.where(np.arange(k) < k // 2, "N", "S"),
            "population": rng.integers(2_000, 60_000, k),
            "cost": rng.uniform(1, 4, k),
            "child_mean": p,
            "child_sd": np.sqrt(p * (1 - p)),
            "forced_mean": q,
            "forced_sd": np.sqrt(q * (1 - q)),
        }
    )


WANTED = [
    Constraint(variable="child", cv=0.03),
    Constraint(variable="forced", cv=0.10),
    Constraint(variable="child", cv=0.05, domain={"region": "N"}),
    Constraint(variable="child", cv=0.04, domain={"region": "S"}),
]


def test_the_multivariate_allocation_is_the_cheapest() -> None:
    from scipy.optimize import minimize

    table = strata()
    found = allocate_multivariate(table, WANTED, cost="cost")
    assert (found.cv_reached <= found.cv_wanted * (1 + 1e-9)).all()
    units, price = table["population"].to_numpy(float), table["cost"].to_numpy()

    def room(n: np.ndarray) -> np.ndarray:
        out = []
        for c in WANTED:
            inside = (table["region"] == c.domain["region"]).to_numpy() if c.domain else np.ones(len(n), bool)
            mean, sd = table[f"{c.variable}_mean"].to_numpy(), table[f"{c.variable}_sd"].to_numpy()
            v = (units**2 * sd**2 * (1 / n - 1 / units))[inside].sum()
            out.append(1 - v / (c.cv * (units * mean)[inside].sum()) ** 2)
        return np.array(out)

    best = minimize(
        lambda x: price @ np.exp(x) / 1000,
        np.log(found.allocation.n * 1.3),
        constraints={"type": "ineq", "fun": lambda x: room(np.exp(x))},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert best.success
    assert found.allocation.cost == pytest.approx(best.fun * 1000, rel=2e-3)
    assert found.gap < 1e-5


def test_one_constraint_is_the_textbook_optimum() -> None:
    table = strata(6)
    found = allocate_multivariate(table, [Constraint(variable="child", cv=0.04)])
    ideal = table["population"] * table["child_sd"]
    assert found.allocation.n / found.allocation.n.sum() == pytest.approx(ideal / ideal.sum(), abs=0.002)


def test_a_constraint_that_does_not_bind_costs_nothing() -> None:
    table = strata()
    one = allocate_multivariate(table, [Constraint(variable="forced", cv=0.08)])
    two = allocate_multivariate(
        table, [Constraint(variable="forced", cv=0.08), Constraint(variable="child", cv=0.5)]
    )
    assert two.allocation.as_dict() == one.allocation.as_dict()
    assert two.multiplier[1] < 1e-6 * two.multiplier[0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: allocate({}, 10), "no strata"),
        (lambda: allocate({"a": 0, "b": 5}, 3), "empty or have negative"),
        (lambda: allocate({"a": -4, "b": 5}, 3), "a: -4"),
        (lambda: allocate({"a": float("nan"), "b": 5}, 3), "empty or have negative"),
        (lambda: allocate({"a": 5, "b": 5}, 30), "cannot hold"),
        (lambda: allocate({"a": 5, "b": 5}, 3, minimum=2), "cannot hold"),
        (lambda: allocate({"a": 5, "b": 5}), "sample size or a budget"),
        (lambda: allocate({"a": 5}, 3, method="neyman"), "standard deviations"),
        (lambda: allocate({"a": 5, "b": 6}, 3, method="neyman", sd={"a": 1}), "without a sd"),
        (lambda: allocate({"a": 5}, 3, method="nyman"), "neyman"),
        (lambda: allocate({"a": 5}, 2.5), "whole number"),  # type: ignore[arg-type]
        (lambda: allocate_multivariate(strata(), []), "no constraints"),
        (lambda: allocate_multivariate(strata(), [Constraint(variable="x", cv=0.1)]), "x_mean"),
        (lambda: allocate_multivariate(strata(), [Constraint(variable="child", cv=-1)]), "out of range"),
        (
            lambda: allocate_multivariate(
                strata(), [Constraint(variable="child", cv=0.1, domain={"region": "W"})]
            ),
            "no stratum",
        ),
        (lambda: allocate_multivariate(strata().assign(population=0), WANTED), "empty or have negative"),
        (lambda: allocate_multivariate(strata(), WANTED, cost="price"), "no such column"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call: object, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        call()  # type: ignore[operator]
