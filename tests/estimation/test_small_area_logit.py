"""The unit-level logit model: against lme4, the integral itself, plain logistic regression, and the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import SmallAreas, unit_level_logit
from survey_toolkit.estimation.small_area_logit import _bootstrap_mse, _read
from survey_toolkit.estimation.small_area_logit_fit import LogitAreas, LogitFit, _loglik

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "small_area_logit.json").read_text("utf-8"))
BETA = np.array([-1.5, 0.8, -0.5])


def drawn(
    seed: int, m: int = 40, sigma: float = 0.7, units: int = 40
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray[Any, Any]]:
    """Sample, population cells with one area more than the sample, and the true means of the areas."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, sigma, m + 1)
    area = np.repeat(np.arange(m), units)
    x, z = rng.choice([-1.0, 0.0, 1.0], len(area)), rng.integers(0, 2, len(area)).astype(float)
    y = rng.binomial(1, expit(BETA[0] + BETA[1] * x + BETA[2] * z + effect[area]))
    grid = [(a, i, j) for a in range(m + 1) for i in (-1.0, 0.0, 1.0) for j in (0.0, 1.0)]
    cells = pd.DataFrame(grid, columns=["area", "x", "z"]).assign(n=rng.integers(50, 500, len(grid)))
    p = expit(BETA[0] + BETA[1] * cells["x"] + BETA[2] * cells["z"] + effect[cells["area"]])
    truth = (p * cells["n"]).groupby(cells["area"]).sum() / cells.groupby("area")["n"].sum()
    return pd.DataFrame({"area": area, "x": x, "z": z, "y": y}), cells, truth.to_numpy()


def fitted(data: pd.DataFrame, cells: pd.DataFrame, **more: Any) -> SmallAreas:
    return unit_level_logit(data, cells, ["x", "z"], outcome="y", area="area", cell_size="n", **more)


@pytest.mark.parametrize(("points", "name"), [(1, "laplace"), (9, "agq")])
def test_the_fit_is_that_of_lme4(points: int, name: str) -> None:
    data = pd.DataFrame({key: GOLDEN[key] for key in ("area", "x", "z", "y")})
    # x = z = 0 alone: the mean of an area shows its effect
    cells = pd.DataFrame({"area": range(1, 19), "x": 0.0, "z": 0.0, "n": 10})
    got, wanted = fitted(data, cells, points=points), GOLDEN[name]
    np.testing.assert_allclose(got.coefficients, wanted["beta"], rtol=2e-4)
    assert got.sigma2_area**0.5 == pytest.approx(wanted["sigma"], rel=2e-4)
    np.testing.assert_allclose(got.coefficients_se, wanted["se"], rtol=1e-3)
    np.testing.assert_allclose(
        got.estimate, expit(wanted["beta"][0] + np.array(wanted["effects"])), rtol=5e-4
    )
    if points == 1:
        assert got.loglik == pytest.approx(wanted["loglik"], abs=1e-4)
        assert got.loglik >= wanted["loglik"] - 1e-7


def small_areas() -> LogitAreas:
    rng = np.random.default_rng(3)
    area = np.repeat(np.arange(6), 5)
    m = rng.integers(1, 4, 30).astype(float)
    x = np.column_stack([np.ones(30), rng.normal(size=30)])
    return LogitAreas(y=rng.binomial(m.astype(int), 0.4).astype(float), m=m, x=x, area=area)


@pytest.mark.parametrize("sigma", [0.4, 2.5])
def test_the_likelihood_is_the_integral(sigma: float) -> None:
    areas, beta = small_areas(), np.array([-0.3, 0.6])

    def density(z: float, d: int) -> float:
        at = areas.area == d
        eta = areas.x[at] @ beta + sigma * z
        terms = areas.y[at] * eta - areas.m[at] * np.log1p(np.exp(eta))
        return float(np.exp(terms.sum() - z**2 / 2) / np.sqrt(2 * np.pi))

    whole = sum(np.log(quad(density, -9, 9, args=(d,), epsabs=0, epsrel=1e-11)[0]) for d in range(6))
    theta = np.append(beta, sigma)
    assert _loglik(areas, theta, 40)[0] == pytest.approx(whole, abs=1e-7)
    gaps = [abs(_loglik(areas, theta, points)[0] - whole) for points in (1, 3, 9)]
    assert gaps[0] > gaps[1] > gaps[2]


@pytest.mark.parametrize("points", [1, 5])
@pytest.mark.parametrize("sigma", [0.0, 0.8, -1.7])
def test_the_gradient_is_that_of_differences(points: int, sigma: float) -> None:
    areas, theta, step = small_areas(), np.array([-0.3, 0.6, sigma]), 1e-6
    gradient = _loglik(areas, theta, points)[1]
    by_differences = [
        (_loglik(areas, theta + e, points)[0] - _loglik(areas, theta - e, points)[0]) / (2 * step)
        for e in step * np.eye(3)
    ]
    np.testing.assert_allclose(gradient, by_differences, atol=2e-7)


def test_without_spread_between_areas_it_is_plain_logistic_regression() -> None:
    from statsmodels.discrete.discrete_model import Logit

    data, cells, _ = drawn(2)
    # every area holds the same units: there is less between areas than chance would bring
    copied = pd.concat([data.iloc[:200].assign(area=a) for a in range(41)], ignore_index=True)
    peer = Logit(copied["y"], np.column_stack([np.ones(len(copied)), copied[["x", "z"]]])).fit(disp=0)
    for points in (1, 7):
        got = fitted(copied, cells, points=points)
        assert got.sigma2_area == 0
        np.testing.assert_allclose(got.coefficients, peer.params, rtol=1e-7)
        np.testing.assert_allclose(got.coefficients_se, peer.bse, rtol=1e-6)
        assert got.loglik == pytest.approx(peer.llf, abs=1e-8)
        np.testing.assert_allclose(got.estimate, got.synthetic, rtol=1e-12)
        assert (got.gamma == 0).all()
        assert "estimated as 0" in got.notes[0]


def test_known_truth_is_found_again() -> None:
    errors, betas, sigmas, plain = [], [], [], []
    for seed in range(12):
        data, cells, truth = drawn(seed)
        got = fitted(data, cells, points=9)
        errors.append(((got.estimate - truth)[:40] ** 2).mean())
        plain.append(((got.direct - truth)[:40] ** 2).mean())
        betas.append(got.coefficients)
        sigmas.append(got.sigma2_area**0.5)
    # within four standard errors of the mean over the runs
    spread = np.std(betas, axis=0, ddof=1) / np.sqrt(12)
    assert (np.abs(np.mean(betas, axis=0) - BETA) < 4 * spread).all()
    assert np.mean(sigmas) == pytest.approx(0.7, abs=4 * np.std(sigmas, ddof=1) / np.sqrt(12) + 0.02)
    assert np.mean(errors) < 0.75 * np.mean(plain)


def test_large_samples_speak_for_themselves() -> None:
    data, cells, truth = drawn(8, m=6, units=20_000)
    got = fitted(data, cells)
    np.testing.assert_allclose(got.estimate[:6], truth[:6], atol=0.01)
    assert (got.gamma[:6] > 0.99).all()


def test_order_labels_and_units_of_measure_do_not_matter() -> None:
    data, cells, _ = drawn(5)
    base = fitted(data, cells, points=3, bootstrap=2)
    mixed = fitted(data.sample(frac=1, random_state=1), cells.sample(frac=1, random_state=2), points=3)
    at = [mixed.areas.index(a) for a in base.areas]
    np.testing.assert_allclose(mixed.estimate[at], base.estimate, rtol=1e-7)

    def named(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(area=[f"k{(a * 7) % 41}" for a in frame["area"]])

    other = fitted(named(data), named(cells), points=3, bootstrap=2)
    assert other.areas == tuple(f"k{(a * 7) % 41}" for a in base.areas)
    np.testing.assert_allclose(other.estimate, base.estimate, rtol=1e-9)
    np.testing.assert_allclose(other.mse, base.mse, rtol=1e-6)
    scaled = fitted(data.assign(x=data["x"] * 1e5 + 3e5), cells.assign(x=cells["x"] * 1e5 + 3e5), points=3)
    np.testing.assert_allclose(scaled.estimate, base.estimate, rtol=1e-6)
    assert scaled.coefficients[1] * 1e5 == pytest.approx(base.coefficients[1], rel=1e-5)
    years = fitted(data.assign(x=data["x"] + 2020), cells.assign(x=cells["x"] + 2020), points=3)
    np.testing.assert_allclose(years.estimate, base.estimate, rtol=1e-6)
    turned = fitted(data.assign(y=1 - data["y"]), cells, points=3)
    np.testing.assert_allclose(1 - turned.estimate, base.estimate, rtol=1e-6)


def test_cells_are_people() -> None:
    """Cells of several people, rows of one person, and a boolean outcome say the same."""
    data, cells, _ = drawn(6, m=10)
    cells = cells.assign(n=cells["n"] // 50)
    base = fitted(data, cells)
    people = cells.loc[cells.index.repeat(cells["n"])].drop(columns="n")
    one_by_one = unit_level_logit(data, people, ["x", "z"], outcome="y", area="area")
    lookup = dict(zip(one_by_one.areas, one_by_one.estimate, strict=True))
    np.testing.assert_allclose([lookup[a] for a in base.areas], base.estimate, rtol=1e-10)
    yes = unit_level_logit(data.assign(y=data["y"] == 1), people, ["x", "z"], outcome="y", area="area")
    np.testing.assert_array_equal(yes.estimate, one_by_one.estimate)


def test_an_area_without_units_is_imputed() -> None:
    data, cells, _ = drawn(7)
    plug, best = fitted(data, cells), fitted(data, cells, predictor="best")
    for got in (plug, best):
        assert got.estimate[40] == got.synthetic[40]
        assert got.gamma[40] == 0
        assert np.isnan(got.mse).all()
        assert got.to_frame()["imputed"].tolist() == [False] * 40 + [True]
        assert "1 areas have no sampled unit" in got.notes[0]
    inside = cells[cells["area"] == 40]
    b, s = best.coefficients, best.sigma2_area**0.5

    def mean_at(u: float) -> float:
        eta = b[0] + b[1] * inside["x"] + b[2] * inside["z"] + u
        return float(np.average(expit(eta), weights=inside["n"]))

    assert plug.estimate[40] == pytest.approx(mean_at(0.0))
    over = quad(lambda u: mean_at(u) * np.exp(-(u**2) / 2 / s**2) / s / np.sqrt(2 * np.pi), -8 * s, 8 * s)[0]
    assert best.estimate[40] == pytest.approx(over, abs=1e-8)
    assert (best.estimate > plug.estimate).mean() > 0.9  # the outcome is rare


@pytest.mark.slow
def test_the_bootstrap_at_the_truth_is_the_error_of_repeated_samples() -> None:
    """From the true parameters the bootstrap has no error but chance; from estimated ones it is lower."""
    data, cells, _ = drawn(100, m=25, units=20)
    sample, population, _, sampled = _read(data, cells, ["x", "z"], "y", "area", "n")
    true = LogitFit(beta=BETA, covariance=np.eye(3), sigma=0.7, loglik=0.0)
    stated, lost = _bootstrap_mse(sample, population, sampled, true, 1, "best", 200, 1)
    rng, errors = np.random.default_rng(2), np.zeros(26)
    p0, p1 = (BETA[0] + BETA[1] * t["x"] + BETA[2] * t["z"] for t in (data, cells))
    for _ in range(200):
        effect = rng.normal(0, 0.7, 26)
        y = rng.binomial(1, expit(p0 + effect[data["area"]]))
        p = expit(p1 + effect[cells["area"]])
        truth = (p * cells["n"]).groupby(cells["area"]).sum() / cells.groupby("area")["n"].sum()
        errors += (fitted(data.assign(y=y), cells, predictor="best").estimate - truth.to_numpy()) ** 2 / 200
    assert lost == 0
    assert stated[:25].mean() == pytest.approx(errors[:25].mean(), rel=0.12)


def test_the_bootstrap_repeats_and_grows_where_nothing_is_known() -> None:
    data, cells, _ = drawn(9, m=15)
    first, second = (fitted(data, cells, bootstrap=25, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.mse, second.mse)
    assert first.mse[15] > first.mse[:15].mean()
    assert "25 replicates, seed 3" in first.method


def test_bad_input() -> None:
    data, cells, _ = drawn(1, m=5)
    apart = data.assign(y=(data["x"] > 0).astype(int))
    half = data.assign(y=np.where(data["z"] == 1, 0, data["y"]))  # nobody with z has the outcome
    opposite = data.assign(x=0.0, y=data["area"] % 2)
    cases: list[tuple[Any, tuple[str, ...]]] = [
        (lambda: fitted(data, cells[cells["area"] > 0]), ("not in the population", "0")),
        (lambda: fitted(data.assign(x=np.nan), cells), ("missing values in the sample",)),
        (lambda: fitted(data, cells.assign(z=np.nan)), ("missing values in the population",)),
        (lambda: fitted(data.assign(y=2), cells), ("yes or no", "0 or 1")),
        (lambda: fitted(data.assign(x=data["z"]), cells), ("too few units or areas",)),
        (lambda: fitted(data[data["area"] == 1], cells), ("too few units or areas", "in 1 areas")),
        (lambda: fitted(data, cells.assign(n=0)), ("nor an area empty",)),
        (lambda: fitted(data, cells.assign(n=[-1, *cells["n"].iloc[1:]])), ("must not be negative",)),
        (lambda: fitted(data.assign(y=0), cells), ("separate", "0 of 200")),
        (lambda: fitted(apart, cells), ("separate",)),
        (lambda: fitted(half, cells), ("separate",)),
        (
            lambda: unit_level_logit(opposite, cells, ["z"], outcome="y", area="area"),
            ("no finite maximum", "join areas"),
        ),
        (lambda: fitted(data, cells, predictor="mean"), ("unknown option", "plug_in")),
        (lambda: fitted(data, cells, points=0), ("out of range", "1 to 100")),
        (lambda: fitted(data, cells, bootstrap=-1), ("out of range",)),
        (lambda: fitted(data.drop(columns="z"), cells), ("no such column", "'z'")),
    ]
    for call, parts in cases:
        with pytest.raises(EstimationError) as e:
            call()
        for part in parts:
            assert part in str(e.value), str(e.value)
