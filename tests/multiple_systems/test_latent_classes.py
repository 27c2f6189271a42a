from __future__ import annotations

import numpy as np
import pytest

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.chains import count_modes


@pytest.fixture(scope="module")
def two_classes() -> ms.CaptureHistories:
    """2,000 people: 70 % are caught rarely, 30 % often."""
    rng = np.random.default_rng(7)
    often = rng.random(2000) < 0.3
    chance = np.where(often[:, None], [0.6, 0.5, 0.55, 0.6, 0.5], [0.15, 0.2, 0.1, 0.2, 0.15])
    seen = (rng.random((2000, 5)) < chance).astype(int)
    seen = seen[seen.any(axis=1)]
    return ms.CaptureHistories.from_records({c: seen[:, j] for j, c in enumerate("ABCDE")}, list("ABCDE"))


def test_recovers_two_classes(two_classes: ms.CaptureHistories) -> None:
    fit = ms.latent_classes(two_classes, chains=16, burn_in=1500, draws=1000, seed=1)
    assert fit.ci_low < 2000 < fit.ci_high
    # Independence misses most of the rarely caught.
    assert ms.loglinear(two_classes, ci="wald").estimate < fit.ci_low
    assert fit.detail.r_hat < 1.1
    assert fit.detail.draws.shape == (16, 1000)
    assert fit.replicates is not None
    assert len(fit.replicates) == 16_000


def test_one_class_is_the_independence_posterior() -> None:
    """Independent lists: the posterior median lies by the independence estimate."""
    rng = np.random.default_rng(2)
    seen = (rng.random((1500, 4)) < [0.3, 0.25, 0.35, 0.2]).astype(int)
    seen = seen[seen.any(axis=1)]
    data = ms.CaptureHistories.from_records({c: seen[:, j] for j, c in enumerate("ABCD")}, list("ABCD"))
    fit = ms.latent_classes(data, chains=16, burn_in=800, draws=600, seed=1)
    assert fit.estimate == pytest.approx(1500, rel=0.08)


def test_same_seed_same_draws(kosovo: ms.CaptureHistories) -> None:
    settings = {"chains": 4, "burn_in": 50, "draws": 50}
    one, two = (ms.latent_classes(kosovo, seed=9, **settings) for _ in range(2))  # type: ignore[arg-type]
    assert np.array_equal(one.detail.draws, two.detail.draws)
    other = ms.latent_classes(kosovo, seed=10, **settings)  # type: ignore[arg-type]
    assert not np.array_equal(one.detail.draws, other.detail.draws)


def test_says_when_it_does_not_mix(uk5: ms.CaptureHistories) -> None:
    fit = ms.latent_classes(uk5, chains=8, burn_in=300, draws=300, seed=1)
    assert not fit.detail.mixed
    assert any("do not mix" in note for note in fit.notes)
    assert "R-hat" in repr(fit.detail)
    with pytest.raises(EstimationError) as caught:
        ms.latent_classes(uk5, chains=8, burn_in=300, draws=300, seed=1, require_mixing=True)
    assert caught.value.code == "no-convergence"


def test_cap_is_reported(two_classes: ms.CaptureHistories) -> None:
    fit = ms.latent_classes(two_classes, chains=4, burn_in=100, draws=200, cap=0.3, seed=1)
    unseen = fit.detail.draws - two_classes.n_observed
    assert unseen.max() <= 0.3 * two_classes.n_observed
    assert fit.detail.share_at_cap > 0.01
    assert any("met the cap" in note for note in fit.notes)


@pytest.mark.parametrize(
    "options",
    [{"classes": 1}, {"chains": 1}, {"burn_in": -1}, {"draws": 2}, {"thin": 0}, {"cap": 0}, {"level": 2}],
)
def test_bad_settings(kosovo: ms.CaptureHistories, options: dict[str, object]) -> None:
    with pytest.raises(EstimationError):
        ms.latent_classes(kosovo, **options)  # type: ignore[arg-type]


def test_two_lists_are_refused() -> None:
    data = ms.CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, ["A", "B"])
    with pytest.raises(EstimationError) as caught:
        ms.latent_classes(data)
    assert caught.value.code == "not-identifiable"


def test_modes() -> None:
    rng = np.random.default_rng(1)
    assert count_modes(np.concatenate([rng.normal(m, 1, 3000) for m in (0, 8, 16)])) == 3
    assert count_modes(np.ones(50)) == 1


@pytest.mark.slow
def test_sampler_recovers_its_own_prior_predictions() -> None:
    """Simulation-based calibration: parameters from the prior, data from them, ranks of N uniform.

    Talts et al. (2018). The population size has a proper prior here by keeping tables of 200 people drawn
    with their unseen: given n observed, 1/N makes the unseen negative binomial, which is what is simulated.
    """
    rng = np.random.default_rng(12)
    ranks = []
    for run in range(120):
        alpha = max(rng.gamma(0.25 * 8, 1 / (0.25 * 8)), 0.02)
        stick = np.append(rng.beta(1, alpha, 4), 1.0)
        pi = stick * np.append(1.0, np.cumprod(1 - stick[:-1]))
        chance = rng.beta(1, 1, (5, 4))
        missed = float(pi @ np.prod(1 - chance, axis=1))
        unseen = rng.negative_binomial(200, 1 - missed) if missed > 0 else 0
        if unseen > 4000:
            continue
        seen = np.zeros((0, 4), dtype=int)
        while len(seen) < 200:
            label = rng.choice(5, 400, p=pi)
            draw = (rng.random((400, 4)) < chance[label]).astype(int)
            seen = np.concatenate([seen, draw[draw.any(axis=1)]])[:200]
        if not seen.any(axis=0).all():
            continue
        data = ms.CaptureHistories.from_records({c: seen[:, j] for j, c in enumerate("ABCD")}, list("ABCD"))
        fit = ms.latent_classes(
            data, classes=5, chains=8, burn_in=800, draws=250, alpha_prior=(2.0, 2.0), seed=run
        )
        ranks.append((fit.detail.draws < 200 + unseen).mean())
    share = np.array(ranks)
    print("ranks:", len(share), share.mean().round(3), np.histogram(share, 5, (0, 1))[0])  # noqa: T201
    assert share.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * len(share)))
    assert 0.6 < ((share > 0.1) & (share < 0.9)).mean() < 0.95
