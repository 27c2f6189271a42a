"""Bayesian scale-up: recovery, and simulation-based calibration of both samplers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations.scale_up_chains import overdispersed_chain, random_degree_chain


def simulated(seed: int = 5, n: int = 150) -> tuple[pd.DataFrame, dict[str, float]]:
    rng = np.random.default_rng(seed)
    shares = {"a": 0.01, "b": 0.02, "c": 0.005, "h": 0.008}
    degree = rng.lognormal(5.5, 0.5, n)
    omega = {"a": 1.5, "b": 2.0, "c": 1.2, "h": 3.0}
    columns = {}
    for name, share in shares.items():
        mean = degree * share
        columns[name] = rng.negative_binomial(mean / (omega[name] - 1), 1 / omega[name])
    return pd.DataFrame(columns), {k: 1e6 * v for k, v in shares.items()}


@pytest.mark.parametrize("model", ["overdispersed", "random_degree"])
def test_recovers_and_repeats(model: Any) -> None:
    rows, sizes = simulated()
    known = {k: sizes[k] for k in "abc"}
    made = hp.network_reports(rows, known=known, hidden="h", population=1e6)
    options: dict[str, Any] = {"model": model, "draws": 250, "burn_in": 250, "thin": 1}
    got, again = (hp.bayes_scale_up(made, seed=4, **options) for _ in range(2))
    np.testing.assert_array_equal(got.draws, again.draws)
    middle = got.quantiles([0.5])[0, 0]
    assert middle == pytest.approx(made.size().estimate[0], rel=0.15)
    assert got.rhat[0] < 1.2
    if model == "overdispersed":
        assert got.quantiles([0.025])[0, 0] < 8000 < got.quantiles([0.975])[0, 0]
        assert got.overdispersion is not None
        assert np.median(got.overdispersion[..., 3]) > np.median(got.overdispersion[..., 2])
    assert "R-hat" in repr(got)
    assert list(got.to_frame()["group"]) == ["h"]


def test_known_groups_keep_their_scale() -> None:
    rows, sizes = simulated()
    made = hp.network_reports(rows, known={k: sizes[k] for k in "abc"}, hidden="h", population=1e6)
    options: dict[str, Any] = {"draws": 200, "burn_in": 200, "thin": 1}
    one = hp.bayes_scale_up(made, reference=["a"], **options)
    two = hp.bayes_scale_up(made, reference=["a"], balance=(["b"], ["b"]), **options)
    np.testing.assert_allclose(one.draws, two.draws)
    with pytest.raises(EstimationError, match="no known groups"):
        hp.bayes_scale_up(made, reference=["h"])
    with pytest.raises(EstimationError, match="unknown model"):
        hp.bayes_scale_up(made, model="probit")  # type: ignore[arg-type]


def rank(draws: Any, truth: float, rng: np.random.Generator) -> float:
    """Rank of the truth among the draws, made continuous: uniform if the sampler is right."""
    return (float((draws < truth).sum()) + rng.random()) / (len(draws) + 1)


def uniform(ranks: Any, bins: int = 8) -> float:
    """P-value that ranks scaled to 0-1 are uniform."""
    counts = np.histogram(ranks, bins=bins, range=(0, 1))[0]
    return float(stats.chisquare(counts).pvalue)


@pytest.mark.slow
def test_calibration_of_the_overdispersed_sampler() -> None:
    prior = hp.OverdispersedPrior(
        alpha_mean=(3.0, 0.5), beta_mean=(-3.0, 0.5), alpha_variance=(6.0, 2.0), beta_variance=(6.0, 2.0)
    )
    ranks = []
    for s in range(120):
        rng = np.random.default_rng([8, s])
        n, k = 25, 4
        mu = rng.normal(3, 0.5), rng.normal(-3, 0.5)
        variance = 2 / rng.gamma(6), 2 / rng.gamma(6)
        alpha = rng.normal(mu[0], np.sqrt(variance[0]), n)
        beta = rng.normal(mu[1], np.sqrt(variance[1]), k)
        omega = 1 / rng.random(k)
        mean = np.exp(alpha[:, None] + beta)
        counts = rng.negative_binomial(mean / (omega - 1), np.broadcast_to(1 / omega, (n, k))).astype(float)
        run = overdispersed_chain(counts, np.full(3, 0.05), (40, 250, 8), rng, prior)
        truth = [
            mu[0],
            mu[1],
            np.log(variance[0]),
            beta[3],
            beta[3] - np.log(np.exp(beta[:3]).sum()),
            omega[3],
        ]
        shift = np.log(np.exp(run.beta[:, :3]).sum(axis=1))
        drawn = [
            run.hyper[:, 0], run.hyper[:, 1], np.log(run.hyper[:, 2]), run.beta[:, 3],
            run.beta[:, 3] - shift, run.omega[:, 3],
        ]  # fmt: skip
        ranks.append([rank(d, t, rng) for d, t in zip(drawn, truth, strict=True)])
    p_values = [uniform(column) for column in np.array(ranks).T]
    assert min(p_values) > 0.001, p_values


@pytest.mark.slow
def test_calibration_of_the_random_degree_sampler() -> None:
    """Hyperparameters have an improper prior and are held fixed: ranks of the hidden share only."""
    ranks = []
    for s in range(120):
        rng = np.random.default_rng([9, s])
        n, shares = 60, np.array([0.02, 0.03, 0.01])
        p = np.exp(rng.uniform(np.log(0.004), np.log(0.06)))
        degree = np.rint(rng.lognormal(5, 0.6, n))
        counts = rng.binomial(degree.astype(int)[:, None], np.append(shares, p)).astype(float)
        run = random_degree_chain(counts, shares, (40, 200, 8), rng)
        ranks.append(rank(run.beta[:, 3], np.log(p), rng))
    # 1/p on a bounded range against 1/p on all of (0, 1): the data decide, edges aside
    assert uniform(ranks) > 0.001
