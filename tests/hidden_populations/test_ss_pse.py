"""Population size by successive sampling: prior, posterior, and calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError

QUICK: dict[str, Any] = {"chains": 2, "draws": 150, "burn_in": 200, "thin": 2}


def sampled(seed: int, size: int, n: int) -> hp.Recruitment:
    """People taken in proportion to degree, without replacement; a chain keeps the order."""
    rng = np.random.default_rng(seed)
    degree = np.clip(rng.poisson(7, size), 1, 25).astype(float)
    taken = degree[np.argsort(rng.exponential(size=size) / degree)[:n]]
    rows = pd.DataFrame({"id": range(n), "by": ["seed", *range(n - 1)], "d": taken})
    return hp.read_recruiters(rows, id="id", recruiter="by", degree="d", seed_marker="seed")


@pytest.mark.parametrize("median", [150, 200, 450, 2000])
def test_prior_has_its_median(median: int) -> None:
    prior = hp.size_prior(100, median=median)
    assert prior.quantiles([0.5]) == [median]
    assert prior.mass.sum() == pytest.approx(1)
    assert prior.mean > median


def test_prior_by_parameters() -> None:
    """n/N is uniform for alpha = beta = 1, so N has median 2n when nothing is cut off."""
    prior = hp.size_prior(100, alpha=1, beta=1, max_size=200_000)
    assert prior.quantiles([0.5])[0] == pytest.approx(200, abs=2)
    with pytest.raises(EstimationError, match="above the sample size"):
        hp.size_prior(100, median=90)
    with pytest.raises(EstimationError, match="the median or beta"):
        hp.size_prior(100)


def test_posterior_follows_the_fall_of_degrees() -> None:
    """Nearly everybody taken: degrees fall steeply. A tenth taken: they do not."""
    deep = hp.ss_pse(sampled(1, 330, 300), prior_median=700, **QUICK)
    shallow = hp.ss_pse(sampled(2, 3000, 300), prior_median=700, **QUICK)
    assert deep.quantiles([0.5])[0] < 480 < shallow.quantiles([0.5])[0]
    assert (deep.draws >= 300).all()
    assert deep.learned < shallow.learned
    assert list(deep.to_frame().columns) == ["quantile", "prior", "posterior"]
    assert "prior" in repr(deep)


def test_repeats_with_its_seed_and_needs_a_prior() -> None:
    sample = sampled(3, 300, 60)
    a, b = (hp.ss_pse(sample, prior_median=150, seed=7, **QUICK) for _ in range(2))
    np.testing.assert_array_equal(a.draws, b.draws)
    capped = hp.ss_pse(sample, prior_median=150, degree_cap=8, **QUICK)
    assert any("above 8" in note for note in capped.notes)
    with pytest.raises(EstimationError, match="give prior_median or prior") as caught:
        hp.ss_pse(sample)
    assert caught.value.code == "no-prior"


@pytest.mark.slow
def test_calibration() -> None:
    """Sizes drawn from the prior: the posterior rank of the truth is uniform.

    Degrees come from a fixed distribution instead of the prior of its parameters, which the sample then
    overrules; ranks of N stay nearly uniform.
    """
    prior = hp.size_prior(80, median=160, alpha=3, max_size=800)
    ranks = []
    for s in range(100):
        rng = np.random.default_rng([6, s])
        size = int(rng.choice(prior.sizes, p=prior.mass))
        got = hp.ss_pse(
            sampled(1000 + s, size, 80), prior=prior, chains=1, draws=80, burn_in=200, thin=6, seed=s
        )
        ranks.append((float((got.draws < size).sum()) + rng.random()) / 81)
    counts = np.histogram(ranks, bins=6, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 0.001, counts
