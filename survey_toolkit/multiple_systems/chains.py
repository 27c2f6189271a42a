"""Whether Markov chains can be believed: what their draws of the population size look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChainReport", "count_modes"]

FloatArray = NDArray[np.float64]

_R_HAT = 1.05
_ESS = 400.0
_AT_CAP = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainReport:
    """Draws of the population size and what they say about the sampler.

    Attributes
    ----------
    draws : array (chains, draws)
    r_hat : float
        Split R-hat of the log population size (Gelman & Rubin 1992; Vehtari et al. 2021); 1 when all chains
        tell the same story.
    ess : float
        Effective number of independent draws, all chains together.
    n_modes : int
        Peaks of the pooled posterior of the log population size.
    cap : float or None
        Largest number unseen the sampler allows.
    share_at_cap : float
        Share of draws that met the cap.
    sweeps : int
        Over all chains, burn-in included.
    seed : int
    """

    draws: FloatArray
    r_hat: float
    ess: float
    n_modes: int
    cap: float | None = None
    share_at_cap: float = 0.0
    sweeps: int = 0
    seed: int = 0

    @property
    def mixed(self) -> bool:
        """R-hat below 1.05 and an effective size of 400 or more."""
        return bool(self.r_hat < _R_HAT and self.ess >= _ESS)

    @property
    def chain_medians(self) -> FloatArray:
        """Median of each chain: where they disagree the posterior has not been explored."""
        out: FloatArray = np.median(self.draws, axis=1)
        return out

    def quantile(self, probability: float) -> float:
        """Posterior quantile over all chains."""
        return float(np.quantile(self.draws, probability))

    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before the number."""
        out = []
        medians = self.chain_medians
        if not self.mixed:
            out.append(
                f"the chains do not mix: R-hat {self.r_hat:.3f} (below {_R_HAT} is wanted), effective size "
                f"{self.ess:,.0f}; medians by chain run from {medians.min():,.0f} to {medians.max():,.0f}"
            )
        if self.n_modes > 1:
            out.append(f"the posterior has {self.n_modes} modes: a single number hides that")
        if self.share_at_cap > _AT_CAP:
            out.append(
                f"{self.share_at_cap:.1%} of the draws met the cap of {self.cap or 0:,.0f} unseen people: "
                "the upper limit is the cap's, not the data's"
            )
        return tuple(out)

    def __repr__(self) -> str:
        chains, draws = self.draws.shape
        lines = [
            f"ChainReport: {chains} chains of {draws:,} draws; R-hat {self.r_hat:.3f}, effective size "
            f"{self.ess:,.0f}, modes {self.n_modes}",
            *(f"! {w}" for w in self.warnings()),
        ]
        return "\n".join(lines)


def count_modes(values: FloatArray, *, share: float = 0.05) -> int:
    """Peaks of a smoothed histogram that stand at least ``share`` of the highest above their saddles.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one, other = rng.normal(size=5000), rng.normal(7, size=5000)
    >>> count_modes(one), count_modes(np.append(one, other))
    (1, 2)
    """
    low, high = np.quantile(values, [0.001, 0.999])
    if high <= low:
        return 1
    edges = np.linspace(low, high, 257)
    counts = np.histogram(values, edges)[0].astype(float)
    q = np.quantile(values, [0.25, 0.75])
    width = 1.06 * min(float(values.std()), float(q[1] - q[0]) / 1.349 or np.inf) * len(values) ** -0.2
    bins = max(2.0, width / (edges[1] - edges[0]) * 1.5)
    at = np.arange(-int(4 * bins), int(4 * bins) + 1)
    smooth = np.convolve(counts, np.exp(-0.5 * (at / bins) ** 2), mode="same")
    return _peaks(smooth, share * float(smooth.max()))


def _peaks(height: FloatArray, least: float) -> int:
    """Number of peaks separated by a fall and a rise of at least ``least``."""
    peaks, rising, extreme = 0, True, 0.0
    for h in [*height.tolist(), 0.0]:
        if rising:
            extreme = max(extreme, h)
            if h < extreme - least:
                peaks, rising, extreme = peaks + 1, False, h
        else:
            extreme = min(extreme, h)
            if h > extreme + least:
                rising, extreme = True, h
    return max(peaks, 1)
