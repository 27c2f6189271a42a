"""How well Markov chains have mixed: split R-hat and the effective number of draws.

References
----------
Gelman et al., Bayesian Data Analysis (3rd ed., 2013), section 11.4; Vehtari et al. (2021),
doi:10.1214/20-BA1221, equations 1 to 4 and 10 to 13; Geyer (1992), doi:10.1214/ss/1177011137.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["effective_draws", "split_r_hat"]

_Floats = npt.NDArray[np.float64]


def _split(draws: _Floats) -> _Floats:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def split_r_hat(draws: _Floats) -> float:
    """Split R-hat of draws, shape (chains, draws); infinite for chains that stand still at different places.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> split_r_hat(rng.normal(size=(4, 1000))) < 1.01
    True
    >>> split_r_hat(rng.normal(size=(4, 1000)) + np.arange(4)[:, None] * 3) > 2
    True
    """
    parts = _split(draws)
    n = parts.shape[1]
    within = parts.var(axis=1, ddof=1).mean()
    between = parts.mean(axis=1).var(ddof=1)
    if within <= 0:
        return 1.0 if between <= 0 else float("inf")
    return float(np.sqrt((n - 1) / n + between / within))


def effective_draws(draws: _Floats) -> float:
    """Effective number of draws with Geyer's initial monotone sequence, shape (chains, draws).

    At most N log10 N for N draws in all, where the chains are anticorrelated.

    Examples
    --------
    >>> bool(3000 < effective_draws(np.random.default_rng(1).normal(size=(4, 1000))) < 5000)
    True
    """
    parts = _split(draws)
    m, n = parts.shape
    within = float(parts.var(axis=1, ddof=1).mean())
    total = within * (n - 1) / n + float(parts.mean(axis=1).var(ddof=1))
    if total <= 0:
        return float(m * n)
    centred = parts - parts.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum, 2 * n, axis=1)[:, :n].mean(axis=0) / (n - 1)
    rho = 1 - (within - covariance) / total
    pairs = rho[: 2 * (n // 2)].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    time = -1 + 2 * float(np.minimum.accumulate(pairs[:stop]).sum())
    return float(min(m * n / max(time, 1e-12), m * n * np.log10(m * n)))
