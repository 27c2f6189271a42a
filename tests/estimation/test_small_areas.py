"""Small areas: against the plain likelihood, statsmodels' mixed model, and the properties of the methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import (
    Survey,
    SurveyDesign,
    benchmark,
    fay_herriot,
    smoothed_variance,
    unit_level,
)


@pytest.fixture(scope="module")
def areas() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    m = 30
    x, v = rng.normal(size=m), rng.uniform(0.2, 1.5, m)
    y = 2 + 0.7 * x + rng.normal(0, 0.8, m) + rng.normal(0, np.sqrt(v))
    return pd.DataFrame({"area": [f"a{i:02d}" for i in range(m)], "y": y, "v": v, "x": x})


def dense_loglik(areas: pd.DataFrame, sigma2: float, reml: bool) -> float:
    """The multivariate normal density with whole matrices, as in a textbook."""
    x = np.column_stack([np.ones(len(areas)), areas["x"]])
    v = np.diag(sigma2 + areas["v"].to_numpy())
    inverse = np.linalg.inv(v)
    p = inverse - inverse @ x @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse
    y = areas["y"].to_numpy()
    out = -0.5 * (np.linalg.slogdet(v)[1] + y @ p @ y)
    return float(out - 0.5 * np.linalg.slogdet(x.T @ inverse @ x)[1] if reml else out)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_variance_between_areas_maximises_the_likelihood(areas: pd.DataFrame, method: Any) -> None:
    got = fay_herriot(areas, ["x"], area="area", direct="y", variance="v", method=method)
    best = minimize_scalar(
        lambda s: -dense_loglik(areas, s, method == "reml"),
        bounds=(1e-6, 5),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert got.sigma2_area == pytest.approx(best.x, rel=1e-5)
    gamma = got.sigma2_area / (got.sigma2_area + areas["v"])
    np.testing.assert_allclose(got.gamma, gamma)
    np.testing.assert_allclose(got.estimate, gamma * areas["y"] + (1 - gamma) * got.synthetic)


def test_the_moment_equation_holds(areas: pd.DataFrame) -> None:
    got = fay_herriot(areas, ["x"], area="area", direct="y", variance="v", method="fh")
    residual = areas["y"] - got.synthetic
    assert (residual**2 / (got.sigma2_area + areas["v"])).sum() == pytest.approx(len(areas) - 2)


def test_mse_is_that_of_repeated_samples() -> None:
    """Prasad and Rao's MSE averages to the error that simulation shows."""
    rng = np.random.default_rng(5)
    m, draws = 25, 400
    x, v = rng.normal(size=m), np.repeat([0.3, 0.6, 1.0, 1.4, 2.0], 5)
    errors, stated = np.zeros(m), np.zeros(m)
    for _ in range(draws):
        theta = 1 + x + rng.normal(0, 1, m)
        frame = pd.DataFrame({"a": range(m), "x": x, "v": v, "y": theta + rng.normal(0, np.sqrt(v))})
        got = fay_herriot(frame, ["x"], area="a", direct="y", variance="v")
        errors += (got.estimate - theta) ** 2 / draws
        stated += got.mse / draws
    assert stated.mean() == pytest.approx(errors.mean(), rel=0.05)
    assert (stated < v).all()


def test_areas_without_a_sample_are_imputed_and_say_so(areas: pd.DataFrame) -> None:
    gap = areas.assign(y=areas["y"].where(areas.index > 2))
    got = fay_herriot(gap, ["x"], area="area", direct="y", variance="v")
    np.testing.assert_allclose(got.estimate[:3], got.synthetic[:3])
    assert (got.gamma[:3] == 0).all()
    assert (got.mse[:3] > got.sigma2_area).all()
    assert got.to_frame()["imputed"].tolist() == [True] * 3 + [False] * 27
    assert "3 areas have no direct estimate" in got.notes[0]
    kept = fay_herriot(areas.iloc[3:], ["x"], area="area", direct="y", variance="v")
    assert got.sigma2_area == pytest.approx(kept.sigma2_area)


def test_arcsine_takes_zero_estimates_and_stays_in_range() -> None:
    frame = pd.DataFrame(
        {"a": range(8), "p": [0, 0.01, 0.02, 0, 0.05, 0.03, 0.01, None], "n": 80.0, "x": range(8)}
    )
    got = fay_herriot(frame, ["x"], area="a", direct="p", effective_n="n", scale="arcsine", method="ml")
    assert ((got.estimate > 0) & (got.estimate < 1)).all()
    assert np.isnan(got.mse).all()


def test_direct_estimates_with_their_design_variances(sample: pd.DataFrame, design: SurveyDesign) -> None:
    frame = sample.assign(district=sample["psu"] % 8)
    direct = Survey(frame, design).mean("members", by="district")
    covariates = pd.DataFrame({"district": range(9), "x": np.arange(9.0)})
    got = fay_herriot(covariates, ["x"], area="district", direct=direct)
    by_hand = covariates.iloc[:8].assign(y=direct.estimate, v=direct.se**2)
    plain = fay_herriot(by_hand, ["x"], area="district", direct="y", variance="v")
    np.testing.assert_allclose(got.estimate[:8], plain.estimate)
    assert got.gamma[8] == 0


@pytest.fixture(scope="module")
def units() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(9)
    m = 15
    area = np.repeat(np.arange(m), rng.integers(2, 9, m))
    x = rng.normal(10, 3, len(area))
    y = 3 + 0.5 * x + rng.normal(0, 1.2, m)[area] + rng.normal(0, 2, len(area))
    means = pd.DataFrame({"area": range(m + 1), "x": rng.normal(10, 1, m + 1), "size": 500.0})
    return pd.DataFrame({"area": area, "x": x, "y": y}), means


def test_unit_level_components_are_those_of_a_mixed_model(units: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    data, means = units
    got = unit_level(data, means, ["x"], outcome="y", area="area")
    exog = np.column_stack([np.ones(len(data)), data["x"]])
    peer = MixedLM(data["y"].to_numpy(), exog, groups=data["area"].to_numpy()).fit(reml=True, gtol=1e-10)
    np.testing.assert_allclose(got.coefficients, peer.fe_params, rtol=1e-4)
    assert got.sigma2_unit == pytest.approx(peer.scale, rel=1e-3)
    assert got.sigma2_area == pytest.approx(float(np.asarray(peer.cov_re)[0, 0]), rel=2e-3)
    effects = np.array([float(np.asarray(v)[0]) for v in peer.random_effects.values()])
    np.testing.assert_allclose((got.estimate - got.synthetic)[:15], effects, rtol=5e-3, atol=1e-4)
    assert got.estimate[15] == pytest.approx(got.synthetic[15])


def test_unit_level_bootstrap_and_analytic_mse_agree(units: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    data, means = units
    kwargs: dict[str, Any] = {"outcome": "y", "area": "area"}
    analytic = unit_level(data, means, ["x"], **kwargs)
    drawn = unit_level(data, means, ["x"], **kwargs, bootstrap=300, seed=4)
    assert drawn.mse.mean() == pytest.approx(analytic.mse.mean(), rel=0.1)
    again = unit_level(data, means, ["x"], **kwargs, bootstrap=300, seed=4)
    np.testing.assert_array_equal(drawn.mse, again.mse)


def test_a_whole_area_in_the_sample_is_its_mean(units: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    data, means = units
    sizes = data.groupby("area").size().reindex(range(16)).fillna(10).astype(float)
    in_sample = data.groupby("area")["x"].mean().reindex(range(16)).fillna(10.0)
    got = unit_level(
        data, means.assign(size=sizes, x=in_sample), ["x"], outcome="y", area="area", area_size="size"
    )
    np.testing.assert_allclose(got.estimate[:15], data.groupby("area")["y"].mean(), rtol=1e-9)


def test_benchmarks_add_up() -> None:
    estimate, share = np.array([0.01, 0.02, 0.04]), np.array([0.5, 0.3, 0.2])
    for how in ("ratio", "difference"):
        assert share @ benchmark(estimate, share, 0.03, how=how) == pytest.approx(0.03)  # type: ignore[arg-type]
    assert smoothed_variance(np.array([0.0, 0.1]), np.array([50.0, 150.0]))[0] == pytest.approx(
        0.075 * 0.925 / 50
    )


def test_bad_input(areas: pd.DataFrame, units: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    data, means = units
    fh: dict[str, Any] = {"area": "area", "direct": "y", "variance": "v"}
    unit: dict[str, Any] = {"outcome": "y", "area": "area"}
    cases: list[tuple[Any, tuple[str, ...]]] = [
        (lambda: fay_herriot(areas.assign(v=0.0), ["x"], **fh), ("above zero", "smoothed_variance()", "a00")),
        (lambda: fay_herriot(areas.assign(x=np.nan), ["x"], **fh), ("covariate is missing", "30 areas")),
        (lambda: fay_herriot(areas.iloc[:2], ["x"], **fh), ("not enough areas", "2 areas")),
        (lambda: fay_herriot(areas.assign(area="a"), ["x"], **fh), ("more than one row",)),
        (lambda: fay_herriot(areas, ["z"], **fh), ("no such column", "'z'")),
        (lambda: fay_herriot(areas, ["x"], **fh, method="rml"), ("unknown option", "reml")),
        (lambda: fay_herriot(areas, ["x"], **fh, scale="arcsine"), ("effective_n",)),
        (
            lambda: fay_herriot(areas.assign(n=9.0), ["x"], **fh, effective_n="n", scale="arcsine"),
            ("is for proportions",),
        ),
        (lambda: unit_level(data, means.iloc[1:], ["x"], **unit), ("do not match", "not among the means: 0")),
        (lambda: unit_level(data.assign(x=np.nan), means, ["x"], **unit), ("missing values in the sample",)),
        (lambda: unit_level(data.iloc[:2], means, ["x"], **unit), ("too few units",)),
        (
            lambda: unit_level(data, means.assign(size=1.0), ["x"], **unit, area_size="size"),
            ("smaller than its sample",),
        ),
        (lambda: benchmark(np.ones(2), np.ones(2), 1.0), ("add up to 1",)),
    ]
    for call, parts in cases:
        with pytest.raises(EstimationError) as e:
            call()
        for part in parts:
            assert part in str(e.value), str(e.value)
