r"""Samplers of the Bayesian scale-up models of :mod:`~survey_toolkit.hidden_populations.scale_up_bayes`.

Metropolis steps for all respondents, then all groups, at once; conjugate draws of the rest, with variance
:math:`\sigma^2/n` for the means. Both pass simulation-based calibration in the tests.

References
----------
Talts et al. (2018), arXiv:1804.06788.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from survey_toolkit.hidden_populations._sample import Floats

__all__ = ["Chain", "OverdispersedPrior", "overdispersed_chain", "random_degree_chain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdispersedPrior:
    """Priors of the overdispersed model: normal means, inverse gamma variances, uniform 1/omega.

    Attributes
    ----------
    alpha_mean, beta_mean : (float, float)
        Mean and standard deviation of the priors of the two means; an infinite deviation is flat.
    alpha_variance, beta_variance : (float, float)
        Shape and scale of the inverse gamma priors of the two variances; (-1/2, 0) is flat on the standard
        deviation.
    """

    alpha_mean: tuple[float, float] = (0.0, np.inf)
    beta_mean: tuple[float, float] = (0.0, 10.0)
    alpha_variance: tuple[float, float] = (-0.5, 0.0)
    beta_variance: tuple[float, float] = (-0.5, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """Kept draws: mean degree, log prevalences (draws, groups), omega, hyperparameters."""

    first: Floats
    beta: Floats
    omega: Floats
    hyper: Floats
    acceptance: float


class _Steps:
    """Random-walk steps of many coordinates at once, each with its own adapted length."""

    def __init__(self, size: int, start: float) -> None:
        self.length = np.full(size, start)
        self.tried, self.taken, self.all = 0, np.zeros(size), 0.0

    def move(
        self, at: Floats, value: Floats, density: Callable[[Floats], Floats], rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """New state and density."""
        new = at + self.length * rng.normal(size=at.size)
        there = density(new)
        with np.errstate(invalid="ignore"):
            accept = np.log(rng.random(at.size)) < there - value
        self.tried += 1
        self.taken += accept
        self.all += float(accept.mean())
        return np.where(accept, new, at), np.where(accept, there, value)

    def adapt(self) -> None:
        """Towards an acceptance of 0.44, the best for one coordinate."""
        self.length *= np.exp(np.clip(self.taken / max(self.tried, 1) - 0.44, -0.5, 0.5))
        self.tried, self.taken, self.all = 0, np.zeros_like(self.taken), 0.0

    @property
    def rate(self) -> float:
        return self.all / max(self.tried, 1)


def overdispersed_chain(
    counts: Floats,
    shares: Floats,
    plan: tuple[int, int, int],
    rng: np.random.Generator,
    prior: OverdispersedPrior,
) -> Chain:
    """One chain of the overdispersed model; known sizes serve only as starting values."""
    from scipy.special import gammaln

    draws, burn_in, thin = plan
    n, k = counts.shape
    alpha = np.log((counts.sum(axis=1) + 1) / (shares.sum() + 1e-12)) - 0.5
    beta = np.log((counts.sum(axis=0) + 1) / np.exp(alpha).sum())
    inverse = np.full(k, 0.0)  # logit of 1/omega
    mu_a, mu_b, var_a, var_b = float(alpha.mean()), float(beta.mean()), 1.0, 1.0
    moves = (_Steps(n, 0.3), _Steps(k, 0.1), _Steps(k, 0.3))
    kept = (np.empty(draws), np.empty((draws, k)), np.empty((draws, k)), np.empty((draws, 4)))
    # common to all states, and the only part that is as large as the data besides the density itself
    constant = gammaln(counts + 1)

    def log_density(a: Floats, b: Floats, u: Floats) -> Floats:
        # 1/omega = expit(u): r = mu/(omega - 1) = mu e^u, log(1/omega) = -log1p(e^-u)
        r = np.exp(a[:, None] + b + u)
        return np.asarray(
            gammaln(counts + r) - gammaln(r) - constant
            - r * np.logaddexp(0, -u) - counts * np.logaddexp(0, u)
        )  # fmt: skip

    for i in range(burn_in + draws * thin):

        def of_alpha(
            a: Floats, m: float = mu_a, v: float = var_a, b: Floats = beta, u: Floats = inverse
        ) -> Floats:
            return np.asarray(log_density(a, b, u).sum(axis=1) - (a - m) ** 2 / (2 * v))

        alpha, _ = moves[0].move(alpha, of_alpha(alpha), of_alpha, rng)

        def of_beta(
            b: Floats, m: float = mu_b, v: float = var_b, a: Floats = alpha, u: Floats = inverse
        ) -> Floats:
            return np.asarray(log_density(a, b, u).sum(axis=0) - (b - m) ** 2 / (2 * v))

        beta, _ = moves[1].move(beta, of_beta(beta), of_beta, rng)

        def of_omega(u: Floats, a: Floats = alpha, b: Floats = beta) -> Floats:
            # uniform 1/omega has density expit(u) (1 - expit(u)) on the logit scale
            return np.asarray(log_density(a, b, u).sum(axis=0) - np.logaddexp(0, -u) - np.logaddexp(0, u))

        inverse, _ = moves[2].move(inverse, of_omega(inverse), of_omega, rng)
        mu_a, var_a = _normal_hyper(alpha, var_a, prior.alpha_mean, prior.alpha_variance, rng)
        mu_b, var_b = _normal_hyper(beta, var_b, prior.beta_mean, prior.beta_variance, rng)
        if i < burn_in and i % 25 == 24:
            for move in moves:
                move.adapt()
        if i >= burn_in and (i - burn_in) % thin == thin - 1:
            at = (i - burn_in) // thin
            kept[0][at], kept[1][at] = np.exp(alpha).mean(), beta
            kept[2][at], kept[3][at] = 1 + np.exp(-inverse), (mu_a, mu_b, var_a, var_b)
    rate = float(np.mean([move.rate for move in moves]))
    return Chain(first=kept[0], beta=kept[1], omega=kept[2], hyper=kept[3], acceptance=rate)


def _normal_hyper(
    values: Floats,
    variance: float,
    mean: tuple[float, float],
    shape: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Mean and variance of a normal population, given its members."""
    precision = values.size / variance + 1 / mean[1] ** 2
    centre = (values.sum() / variance + (mean[0] / mean[1] ** 2 if np.isfinite(mean[1]) else 0.0)) / precision
    mu = float(rng.normal(centre, 1 / np.sqrt(precision)))
    a, b = shape[0] + values.size / 2, shape[1] + ((values - mu) ** 2).sum() / 2
    return mu, float(max(b / rng.gamma(a), 1e-8))


def random_degree_chain(
    counts: Floats, shares: Floats, plan: tuple[int, int, int], rng: np.random.Generator
) -> Chain:
    """One chain of the random-degree model; the prior of a hidden prevalence p is 1/p."""
    from scipy.special import gammaln

    draws, burn_in, thin = plan
    n, k = counts.shape
    most, known = counts.max(axis=1), shares.size
    degree = np.log(np.maximum(counts[:, :known].sum(axis=1) / shares.sum(), most + 1))
    hidden = np.log((counts[:, known:].sum(axis=0) + 0.5) / np.exp(degree).sum())
    mu, variance = float(degree.mean()), 1.0
    moves = (_Steps(n, 0.3), _Steps(k - known, 0.1))
    kept = (np.empty(draws), np.empty((draws, k)), np.empty((draws, 2)))
    for i in range(burn_in + draws * thin):
        log_p = np.concatenate([np.log(shares), hidden])
        log_rest = np.log1p(-np.exp(log_p))

        def of_degree(
            x: Floats, p: Floats = log_p, q: Floats = log_rest, m: float = mu, v: float = variance
        ) -> Floats:
            d = np.exp(x)[:, None]
            inside = (d[:, 0] >= most) & (x < 30)
            rest = np.maximum(d - counts, 0)
            fit = (gammaln(d + 1) - gammaln(rest + 1) + counts * p + rest * q).sum(axis=1)
            return np.where(inside, fit - (x - m) ** 2 / (2 * v), -np.inf)

        degree, _ = moves[0].move(degree, of_degree(degree), of_degree, rng)
        total, heard = np.exp(degree).sum(), counts[:, known:].sum(axis=0)

        def of_hidden(x: Floats, total: float = total, heard: Floats = heard) -> Floats:
            rest = np.log1p(-np.exp(np.minimum(x, -1e-9)))
            return np.where(x < 0, heard * x + (total - heard) * rest, -np.inf)

        hidden, _ = moves[1].move(hidden, of_hidden(hidden), of_hidden, rng)
        mu, variance = _normal_hyper(degree, variance, (0.0, np.inf), (-0.5, 0.0), rng)
        if i < burn_in and i % 25 == 24:
            for move in moves:
                move.adapt()
        if i >= burn_in and (i - burn_in) % thin == thin - 1:
            at = (i - burn_in) // thin
            kept[0][at], kept[1][at], kept[2][at] = (
                np.exp(degree).mean(),
                np.concatenate([np.log(shares), hidden]),
                (mu, variance),
            )
    rate = float(np.mean([move.rate for move in moves]))
    empty = np.empty((draws, 0))
    return Chain(first=kept[0], beta=kept[1], omega=empty, hyper=kept[2], acceptance=rate)
