r"""Size of a population from the fall of degrees in the order of recruitment (SS-PSE).

Successive sampling takes people of high degree first; how fast degrees fall tells how much of the population
is used up. With exponential variables :math:`\psi_k` that replace the denominators of the sampling
probabilities, everything has a simple conditional distribution:

- :math:`\psi_k \sim \mathrm{Exp}(r_k)`, with :math:`r_k` the degrees not yet taken before draw k;
- :math:`N - n`: weight :math:`\pi(N) \frac{N!}{(N-n)!} c^{N-n}`, :math:`c = \sum_u f(u) e^{-\Psi u}`,
  :math:`\Psi = \sum_k \psi_k`;
- unseen degrees: independent, proportional to :math:`f(u) e^{-\Psi u}`;
- the degree distribution f (Conway-Maxwell-Poisson on 1, …, K, by mean and spread): a Metropolis step.

The result is a posterior with a long upper tail that leans on its prior; quantiles are given, prior beside
posterior, never a point alone.

References
----------
Handcock, Gile and Mar (2014), *Electronic Journal of Statistics* 8:1491-1521; (2015), *Biometrics*
71:258-266; West (1996) for the augmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit._chains import effective_draws, split_r_hat
from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats, Ints
from survey_toolkit.hidden_populations.size_prior import SizePrior, size_prior

if TYPE_CHECKING:
    from survey_toolkit.hidden_populations.recruitment import Recruitment

__all__ = ["SizePosterior", "ss_pse"]

_STRIDE = 32  # coarse grid of sizes on which the mass is looked for
QUANTILES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizePosterior:
    """Posterior of a population size.

    Attributes
    ----------
    prior : SizePrior
    draws : int array (chains, draws)
    rhat : float
        Split potential scale reduction of log N; above 1.05 the chains have not mixed.
    effective_draws : float
        Of log N over all chains.
    degree_cap : int
        Degrees above it count as it.
    seed : int
    notes : tuple of str
    """

    prior: SizePrior
    draws: Ints
    rhat: float
    effective_draws: float
    degree_cap: int
    seed: int
    notes: tuple[str, ...]

    def quantiles(self, probabilities: Sequence[float] = QUANTILES) -> Floats:
        """Posterior quantiles of N."""
        return np.asarray(np.quantile(self.draws, probabilities))

    def to_frame(self) -> Any:
        """Quantiles of prior and posterior side by side.

        Returns
        -------
        pandas.DataFrame
            One row a quantile.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "quantile": QUANTILES,
                "prior": self.prior.quantiles(QUANTILES),
                "posterior": self.quantiles(),
            }
        )

    @property
    def learned(self) -> float:
        """Width of the posterior 90 % interval over that of the prior; near 1: the data said little."""
        a, b = self.prior.quantiles([0.05, 0.95])
        low, high = self.quantiles([0.05, 0.95])
        return float((high - low) / (b - a))

    def __repr__(self) -> str:
        lines = [f"SizePosterior of {self.draws.size:,} draws, R-hat {self.rhat:.3f}"]
        prior = self.prior.quantiles(QUANTILES)
        lines.append("  quantile      prior  posterior")
        lines += [
            f"  {q:8.1%} {p:10,} {v:10,.0f}"
            for q, p, v in zip(QUANTILES, prior, self.quantiles(), strict=True)
        ]
        return "\n".join([*lines, *(f"  note: {text}" for text in self.notes)])


def ss_pse(
    sample: Recruitment,
    *,
    prior: SizePrior | None = None,
    prior_median: float | None = None,
    degree_cap: int | None = None,
    chains: int = 3,
    draws: int = 2000,
    burn_in: int = 500,
    thin: int = 4,
    seed: int = 1,
) -> SizePosterior:
    """Posterior of the population size.

    Parameters
    ----------
    sample : Recruitment
        Degrees in order of ``time``.
    prior : SizePrior, optional
    prior_median : float, optional
        Instead of ``prior``; one of the two must be given, because the data alone say little.
    degree_cap : int, optional
        Degrees above it are set to it. Default: the largest degree. Reports of very large networks weigh
        much: try a cap (such as the 90 % quantile) and see whether the result stands.
    chains, draws, burn_in, thin : int
    seed : int

    Returns
    -------
    SizePosterior

    Raises
    ------
    EstimationError
        Without a prior.
    """
    if (prior is None) == (prior_median is None):
        raise EstimationError(
            "give prior_median or prior: the size of the population that you expect",
            where="prior_median",
            hint="show the posterior beside the prior, and try several",
            code="no-prior",
        )
    if prior is None:
        prior = size_prior(len(sample), median=prior_median)
    order = np.lexsort((np.arange(len(sample)), sample.time))
    cap = int(np.ceil(sample.degree.max())) if degree_cap is None else degree_cap
    degree = np.clip(np.round(sample.degree[order]), 1, cap)
    streams = np.random.SeedSequence(seed).spawn(chains)
    made = [_chain(degree, cap, prior, draws, burn_in, thin, np.random.default_rng(s)) for s in streams]
    values = np.stack(made)
    rhat = split_r_hat(np.log(values))
    notes = list(sample.notes)
    above = int((sample.degree > cap).sum())
    if above:
        notes.append(f"{above} degrees above {cap} count as {cap}")
    if rhat > 1.05:
        notes.append("the chains have not mixed: take more draws")
    if float(np.mean(values >= prior.sizes[-1] * 0.98)) > 0.01:
        notes.append("the posterior reaches the largest size that the prior allows")
    return SizePosterior(
        prior=prior, draws=values, rhat=rhat, effective_draws=effective_draws(np.log(values)), degree_cap=cap,
        seed=seed, notes=tuple(notes),
    )  # fmt: skip


@dataclass(slots=True)
class _Degrees:
    """Conway-Maxwell-Poisson on 1, …, K with its mean, spread and log Jacobian."""

    theta: Floats
    log_pmf: Floats
    mean: float
    sd: float
    log_jacobian: float


def _degrees(theta: Floats, support: Floats, log_factorial: Floats) -> _Degrees:
    raw = theta[0] * support - theta[1] * log_factorial
    raw = raw - raw.max()
    log_pmf = raw - np.log(np.exp(raw).sum())
    p = np.exp(log_pmf)
    m, f = p @ support, p @ log_factorial
    du, df = support - m, log_factorial - f
    variance = p @ du**2
    # derivatives of the mean and the variance by both parameters
    cross = p @ (du * df)
    third, mixed = p @ du**3, p @ (du**2 * df)
    jacobian = abs(variance * -mixed + cross * third) / (2 * np.sqrt(variance))
    return _Degrees(theta, log_pmf, float(m), float(np.sqrt(variance)), float(np.log(jacobian + 1e-300)))


def _log_prior(d: _Degrees, centre: float, spread: float) -> float:
    """Mean ~ normal given the spread (worth one observation); spread² ~ scaled inverse chi-square(3)."""
    v = d.sd**2
    return float(
        -0.5 * (d.mean - centre) ** 2 / v - np.log(d.sd)
        - 1.5 * spread**2 / v - (3 + 2) / 2 * np.log(v) + np.log(2 * d.sd) + d.log_jacobian
    )  # fmt: skip


def _chain(
    degree: Floats, cap: int, prior: SizePrior, draws: int, burn_in: int, thin: int, rng: np.random.Generator
) -> Ints:
    """Draws of N; degree parameters are drawn with N and unseen degrees summed out, which mixes better."""
    from scipy.special import gammaln

    n = degree.size
    support = np.arange(1, cap + 1, dtype=np.float64)
    log_factorial = gammaln(support + 1)
    seen = np.bincount(degree.astype(np.int64), minlength=cap + 1)[1:].astype(np.float64)
    log_base = prior.log_mass + gammaln(prior.sizes + 1.0) - gammaln(prior.sizes - n + 1.0)
    summed = _SummedOverSizes(log_base)
    weight = seen / support
    centre = float((weight * support).sum() / weight.sum())
    spread = float(np.sqrt((weight * (support - centre) ** 2).sum() / weight.sum()))
    current = _start(centre, spread, support, log_factorial)
    unseen = rng.multinomial(rng.choice(prior.sizes, p=prior.mass) - n, np.exp(current.log_pmf))
    tail = np.cumsum(degree[::-1])[::-1]
    factor, past = np.diag([0.03, 0.03]), np.empty((burn_in, 2))
    kept = np.empty(draws, dtype=np.int64)
    for i in range(burn_in + draws * thin):
        psi = float((rng.exponential(size=n) / (tail + unseen @ support)).sum())

        def target(d: _Degrees, psi: float = psi) -> float:
            log_c = _log_c(d.log_pmf, psi, support)
            return float(seen @ d.log_pmf) + _log_prior(d, centre, spread) + summed(log_c)

        here = target(current)
        for _ in range(3):
            new = _degrees(current.theta + factor @ rng.normal(size=2), support, log_factorial)
            there = target(new)
            if np.log(rng.random()) < there - here:
                current, here = new, there
        log_c = _log_c(current.log_pmf, psi, support)
        size = summed.draw(log_c, n, rng)
        tilted = np.exp(current.log_pmf - psi * support - log_c)
        unseen = rng.multinomial(size - n, tilted / tilted.sum())
        if i < burn_in:
            past[i] = current.theta
            if i >= 49 and i % 50 == 49:  # the proposal follows the shape of what was visited
                shape = np.cov(past[i // 2 : i + 1], rowvar=False) + 1e-8 * np.eye(2)
                factor = 1.7 * np.linalg.cholesky(shape)
        elif (i - burn_in) % thin == thin - 1:
            kept[(i - burn_in) // thin] = size
    return kept


def _log_c(log_pmf: Floats, psi: float, support: Floats) -> float:
    return float(np.log(np.exp(log_pmf - psi * support).sum()))


class _SummedOverSizes:
    """log of the sum over N of prior(N) N!/(N-n)! c^(N-n), as a smooth function of log c."""

    def __init__(self, log_base: Floats) -> None:
        from scipy.interpolate import CubicSpline

        self.log_base = log_base
        self.extra = np.arange(log_base.size, dtype=np.float64)
        at = np.linspace(np.log(1e-5), np.log(30.0), 300)
        self.curve = CubicSpline(at, [self._exact(-np.exp(t)) for t in at])
        self.low, self.high = float(at[0]), float(at[-1])

    def _exact(self, log_c: float) -> float:
        value = self.log_base + self.extra * log_c
        top = value.max()
        return float(top + np.log(np.exp(value - top).sum()))

    def __call__(self, log_c: float) -> float:
        t = np.log(max(-log_c, 1e-300))
        return float(self.curve(t)) if self.low < t < self.high else self._exact(log_c)

    def draw(self, log_c: float, n: int, rng: np.random.Generator) -> int:
        """One N from its conditional distribution."""
        coarse = self.log_base[::_STRIDE] + self.extra[::_STRIDE] * log_c
        # only where there is mass: the rest would be exponentials of nothing
        near = np.flatnonzero(coarse > coarse.max() - 45)
        first, last = max(near[0] - 1, 0) * _STRIDE, (near[-1] + 1) * _STRIDE + 1
        value = self.log_base[first:last] + self.extra[first:last] * log_c
        mass = np.cumsum(np.exp(value - value.max()))
        return n + int(first + np.searchsorted(mass, rng.random() * mass[-1]))


def _start(centre: float, spread: float, support: Floats, log_factorial: Floats) -> _Degrees:
    """Parameters near the given mean and spread."""
    from scipy.optimize import minimize

    def distance(theta: Floats) -> float:
        d = _degrees(theta, support, log_factorial)
        return (d.mean / centre - 1) ** 2 + (d.sd / spread - 1) ** 2

    found = minimize(distance, np.array([0.0, 0.1]), method="Nelder-Mead", options={"maxiter": 400})
    return _degrees(np.asarray(found.x), support, log_factorial)
