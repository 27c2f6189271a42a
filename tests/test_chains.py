"""Split R-hat and effective draws: the sums of the paper, known processes, chains that stand still."""

from __future__ import annotations

import numpy as np
import pytest

from survey_toolkit._chains import effective_draws, split_r_hat


def _walk(chains: int, draws: int, rho: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=(chains, draws))
    walk = np.zeros((chains, draws))
    for i in range(1, draws):
        walk[:, i] = rho * walk[:, i - 1] + noise[:, i]
    return walk


def _by_the_paper(draws: np.ndarray) -> tuple[float, float]:
    """Vehtari et al. (2021), equations 1 to 4 and 10 to 13, sum by sum."""
    half = draws.shape[1] // 2
    parts = [*draws[:, :half], *draws[:, -half:]]
    m, n = len(parts), half
    within = float(np.mean([np.var(p, ddof=1) for p in parts]))
    pooled = (n - 1) / n * within + float(np.var([p.mean() for p in parts], ddof=1))
    rho = []
    for lag in range(n):
        s_rho = []
        for part in parts:
            centred = part - part.mean()
            s_rho.append(np.var(part, ddof=1) * (centred[: n - lag] @ centred[lag:]) / (centred @ centred))
        rho.append(1 - (within - float(np.mean(s_rho))) / pooled)
    total, lowest, lag = 0.0, np.inf, 0
    while lag + 1 < n and rho[lag] + rho[lag + 1] > 0:
        lowest = min(lowest, rho[lag] + rho[lag + 1])
        total, lag = total + lowest, lag + 2
    return float(np.sqrt(pooled / within)), min(m * n / (2 * total - 1), m * n * np.log10(m * n))


@pytest.mark.parametrize("rho", [0.9, 0.3, 0.0, -0.6])
def test_against_the_sums_of_the_paper(rho: float) -> None:
    walk = _walk(3, 201, rho)
    r_hat, effective = _by_the_paper(walk)
    assert split_r_hat(walk) == pytest.approx(r_hat, rel=1e-12)
    assert effective_draws(walk) == pytest.approx(effective, rel=1e-9)


def test_an_autoregression_has_the_draws_of_theory() -> None:
    # An autoregression of 0.9 has one independent draw in (1 + 0.9) / (1 - 0.9) = 19.
    walk = _walk(4, 4000, 0.9)
    assert effective_draws(walk) == pytest.approx(16_000 / 19, rel=0.25)
    assert split_r_hat(walk) < 1.02


def test_chains_that_stand_still() -> None:
    assert split_r_hat(np.ones((3, 10))) == 1.0
    stuck = np.repeat(np.arange(3.0)[:, None], 10, axis=1)
    assert split_r_hat(stuck) == float("inf")
    assert effective_draws(stuck) < 6
