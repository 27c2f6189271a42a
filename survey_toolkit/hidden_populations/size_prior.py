"""Prior of a population size, through the sampling fraction (Handcock, Gile and Mar 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats, Ints

__all__ = ["SizePrior", "size_prior"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizePrior:
    """Prior of a population size: n/N has a beta distribution.

    Attributes
    ----------
    n : int
        Size of the sample, the smallest N.
    alpha, beta : float
    log_mass : float array (max_N - n + 1,)
        Logarithm of p(N) ∝ Beta(n/N; alpha, beta) n/N² on n, …, max_N.
    """

    n: int
    alpha: float
    beta: float
    log_mass: Floats

    @property
    def sizes(self) -> Ints:
        """The N, in order."""
        return np.arange(self.n, self.n + self.log_mass.size)

    @property
    def mass(self) -> Floats:
        """Probability of each N."""
        mass = np.exp(self.log_mass - self.log_mass.max())
        return np.asarray(mass / mass.sum())

    @property
    def mean(self) -> float:
        """Prior mean."""
        return float(self.mass @ self.sizes)

    def quantiles(self, probabilities: Sequence[float]) -> list[int]:
        """Smallest N with at least these probabilities below or at it."""
        total = np.cumsum(self.mass)
        return [int(self.sizes[np.searchsorted(total, p * (1 - 1e-8))]) for p in probabilities]


def size_prior(
    n: int,
    *,
    median: float | None = None,
    alpha: float = 1.0,
    beta: float | None = None,
    max_size: int | None = None,
) -> SizePrior:
    """Beta prior on the sampling fraction, by its parameters or by the median population size.

    Parameters
    ----------
    n : int
    median : float, optional
        Prior median of N, above n; gives ``beta``.
    alpha : float
    beta : float, optional
        Instead of ``median``.
    max_size : int, optional
        Largest N; by default where the prior has all but 1 in 1,000 of its mass, at most 20 medians.

    Returns
    -------
    SizePrior

    Raises
    ------
    EstimationError
        If neither or an impossible median is given.

    Examples
    --------
    >>> size_prior(500, median=1000).quantiles([0.5])
    [1000]
    """
    if (median is None) == (beta is None):
        raise EstimationError("give the median or beta", where="prior")
    if median is not None and not median > n:
        raise EstimationError(
            "the prior median must be above the sample size",
            where="median",
            found=f"{median:g}",
            expected=f"above {n}",
            code="bad-prior",
        )
    if max_size is None:
        max_size = _largest(n, median, alpha, beta)
    sizes = np.arange(n, max(max_size, n + 1) + 1, dtype=np.float64)
    if beta is None:
        assert median is not None
        beta = _beta_of(sizes, median, alpha)
    return SizePrior(n=n, alpha=alpha, beta=beta, log_mass=_log_mass(sizes, alpha, beta))


def _largest(n: int, median: float | None, alpha: float, beta: float | None) -> int:
    """Where all but 1 in 1,000 of the prior lies below, but no further than 20 medians."""
    from scipy.optimize import brentq
    from scipy.special import betainc, betaincinv

    if beta is None:
        assert median is not None
        at = n / median
        # P(N <= median) = P(n/N >= n/median) = 1/2
        beta = float(brentq(lambda b: betainc(alpha, b, at) - 0.5, 1e-6, 1e6))
    return int(min(n / max(float(betaincinv(alpha, beta, 0.001)), 1e-9), 20 * (median or 5 * n)))


def _log_mass(sizes: Floats, alpha: float, beta: float) -> Floats:
    from scipy.special import xlog1py

    fraction = sizes[0] / sizes
    with np.errstate(divide="ignore"):
        density = (alpha - 1) * np.log(fraction) + xlog1py(beta - 1, -fraction)
    out = density + np.log(sizes[0]) - 2 * np.log(sizes)
    if np.isposinf(out[0]):
        out[0] = out[1]  # beta < 1: the density has a pole at N = n
    return np.asarray(out)


def _beta_of(sizes: Floats, median: float, alpha: float) -> float:
    """The beta whose prior, cut at the largest size, has this median."""
    from scipy.optimize import brentq

    below = sizes <= median

    def excess(log_beta: float) -> float:
        value = _log_mass(sizes, alpha, float(np.exp(log_beta)))
        mass = np.exp(value - value.max())
        return float(mass[below].sum() / mass.sum() - 0.5)

    return float(np.exp(brentq(excess, np.log(1e-4), np.log(1e5), xtol=1e-10)))
