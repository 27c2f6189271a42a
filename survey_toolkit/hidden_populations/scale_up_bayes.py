r"""Bayesian scale-up: random degrees, and overdispersed counts.

``random_degree`` (Maltiel et al. 2015): :math:`y_{ik} \sim \mathrm{Bin}(d_i, N_k/N)` with log-normal degrees;
known sizes are exact. ``overdispersed`` (Zheng, Salganik and Gelman 2006):

.. math:: y_{ik} \sim \mathrm{NegBin}(\text{mean } e^{\alpha_i + \beta_k},
   \text{variance } \omega_k e^{\alpha_i + \beta_k}), \quad
   \alpha_i \sim N(\mu_\alpha, \sigma_\alpha^2), \; \beta_k \sim N(\mu_\beta, \sigma_\beta^2)

where only :math:`\alpha_i + \beta_k` is identified: each draw is scaled so that the known groups have their
size. Metropolis steps for all respondents, then all groups, at once; conjugate draws of the rest, with
variance :math:`\sigma^2/n` for the means. The samplers pass simulation-based calibration (Talts et al. 2018)
in the tests. Neither model knows the survey design: use them to learn about overdispersion and barriers, and
the design-based ratio for the published size.

References
----------
Zheng, Salganik and Gelman (2006), JASA 101:409-423; Maltiel, Raftery, McCormick and Baraff (2015), *Annals of
Applied Statistics* 9:1247-1277; Talts et al. (2018), arXiv:1804.06788.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._chains import mixing_of
from survey_toolkit.hidden_populations._sample import Floats
from survey_toolkit.hidden_populations.scale_up import NetworkReports

__all__ = ["OverdispersedPrior", "ScaleUpPosterior", "bayes_scale_up"]

Model = Literal["overdispersed", "random_degree"]


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
class ScaleUpPosterior:
    """Posterior of hidden sizes.

    Attributes
    ----------
    model : str
    groups : tuple of str
        Hidden groups.
    draws : float array (chains, draws, groups)
        Persons.
    mean_degree : float array (chains, draws)
    overdispersion : float array (chains, draws, all groups) or None
        omega by group, known groups first.
    rhat, effective_draws : float array (groups,)
    acceptance : float
    seed : int
    notes : tuple of str
    """

    model: str
    groups: tuple[str, ...]
    draws: Floats
    mean_degree: Floats
    overdispersion: Floats | None
    rhat: Floats
    effective_draws: Floats
    acceptance: float
    seed: int
    notes: tuple[str, ...]

    def quantiles(self, probabilities: Sequence[float] = (0.025, 0.5, 0.975)) -> Floats:
        """Posterior quantiles, (probabilities, groups)."""
        return np.asarray(np.quantile(self.draws.reshape(-1, len(self.groups)), probabilities, axis=0))

    def to_frame(self) -> Any:
        """One row a group: median, sd, 95 % interval, R-hat.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        low, middle, high = self.quantiles()
        return pd.DataFrame(
            {
                "group": self.groups,
                "estimate": middle,
                "se": self.draws.reshape(-1, len(self.groups)).std(axis=0, ddof=1),
                "ci_low": low,
                "ci_high": high,
                "rhat": self.rhat,
                "effective_draws": self.effective_draws,
            }
        )

    def __repr__(self) -> str:
        head = f"ScaleUpPosterior ({self.model}), {self.draws[..., 0].size:,} draws"
        rows = [
            f"  {g}: {m:,.0f} ({a:,.0f} to {b:,.0f}), R-hat {r:.3f}"
            for g, a, m, b, r in zip(self.groups, *self.quantiles(), self.rhat, strict=True)
        ]
        return "\n".join([head, *rows, *(f"  note: {text}" for text in self.notes)])


def bayes_scale_up(
    reports: NetworkReports,
    *,
    model: Model = "overdispersed",
    reference: Sequence[str] | None = None,
    balance: tuple[Sequence[str], Sequence[str]] | None = None,
    prior: OverdispersedPrior | None = None,
    chains: int = 2,
    draws: int = 1500,
    burn_in: int = 1000,
    thin: int = 3,
    seed: int = 1,
) -> ScaleUpPosterior:
    """Posterior of the sizes of hidden groups.

    Parameters
    ----------
    reports : NetworkReports
    model : {"overdispersed", "random_degree"}
    reference : sequence of str, optional
        Known groups that fix the scale of the overdispersed model; all of them by default.
    balance : two sequences of str, optional
        Known groups of the two sexes (Zheng et al., section 4.2): half the difference of their scales is
        added, when the reference groups are all of the first.
    prior : OverdispersedPrior, optional
    chains, draws, burn_in, thin : int
    seed : int

    Returns
    -------
    ScaleUpPosterior

    Raises
    ------
    EstimationError
        For an unknown model or group, or no known group.
    """
    if not reports.known:
        raise EstimationError("the model needs groups of known size", where="known")
    asked = [*(reference or ()), *(balance[0] if balance else ()), *(balance[1] if balance else ())]
    unknown = [g for g in asked if g not in reports.known]
    if unknown:
        raise EstimationError("these are no known groups", where="reference", found=", ".join(unknown))
    runs, scale = _run(
        reports,
        model,
        reference,
        balance,
        prior or OverdispersedPrior(),
        chains,
        (draws, burn_in, thin),
        seed,
    )
    k = len(reports.known)
    log_size = np.stack([r.beta[:, k:] - c[:, None] for r, c in zip(runs, scale, strict=True)])
    fits = [mixing_of(log_size[:, :, j]) for j in range(len(reports.hidden))]
    rhat = np.array([f[0] for f in fits])
    notes = list(reports.notes) + (
        ["the chains have not mixed: take more draws"] if rhat.max() > 1.05 else []
    )
    return ScaleUpPosterior(
        model=model,
        groups=reports.hidden,
        draws=reports.population * np.exp(log_size),
        mean_degree=np.stack([r.first * np.exp(c) for r, c in zip(runs, scale, strict=True)]),
        overdispersion=np.stack([r.omega for r in runs]) if model == "overdispersed" else None,
        rhat=rhat,
        effective_draws=np.array([f[1] for f in fits]),
        acceptance=float(np.mean([r.acceptance for r in runs])),
        seed=seed,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """Kept draws: mean degree, log prevalences (draws, groups), omega, hyperparameters."""

    first: Floats
    beta: Floats
    omega: Floats
    hyper: Floats
    acceptance: float


def _run(
    reports: NetworkReports,
    model: str,
    reference: Sequence[str] | None,
    balance: tuple[Sequence[str], Sequence[str]] | None,
    prior: OverdispersedPrior,
    chains: int,
    plan: tuple[int, int, int],
    seed: int,
) -> tuple[list[Chain], list[Floats]]:
    """Chains, and how far each of their draws is off the scale of the known groups."""
    names = [*reports.known, *reports.hidden]
    counts = np.rint(np.stack([reports.reports[g] for g in names], axis=1))
    shares = np.array(list(reports.known.values())) / reports.population
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(chains)]
    if model == "random_degree":
        runs = [random_degree_chain(counts, shares, plan, rng) for rng in streams]
        scale = [np.zeros(len(run.first)) for run in runs]
    elif model == "overdispersed":
        runs = [overdispersed_chain(counts, shares, plan, rng, prior) for rng in streams]
        place = {g: j for j, g in enumerate(names)}
        groups = (
            [place[g] for g in reference or reports.known],
            [[place[g] for g in side] for side in balance or ()],
        )
        scale = [_shift(run.beta, shares, *groups) for run in runs]
    else:
        raise EstimationError(
            "unknown model", where="model", found=model, expected="overdispersed, random_degree"
        )
    return runs, scale


def _shift(beta: Floats, shares: Floats, reference: list[int], balance: list[list[int]]) -> Floats:
    """How far each draw is off the scale of the known groups, (draws,)."""

    def off(groups: list[int]) -> Floats:
        return np.asarray(np.log(np.exp(beta[:, groups]).sum(axis=1) / shares[groups].sum()))

    shift = off(reference)
    return shift + 0.5 * (off(balance[1]) - off(balance[0])) if balance else shift


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
