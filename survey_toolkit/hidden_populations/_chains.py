"""Whether chains have mixed, and how many independent draws they are worth."""

from __future__ import annotations

import numpy as np

from survey_toolkit.hidden_populations._sample import Floats

__all__ = ["mixing_of"]


def mixing_of(values: Floats) -> tuple[float, float]:
    """Split R-hat and effective number of draws of chains (m, t).

    Examples
    --------
    >>> rhat, effective = mixing_of(np.random.default_rng(1).normal(size=(4, 1000)))
    >>> rhat < 1.02 and effective > 2500
    True
    """
    half = values.shape[1] // 2
    split = np.concatenate([values[:, :half], values[:, half : 2 * half]])
    m, t = split.shape
    within = float(split.var(axis=1, ddof=1).mean())
    between = float(t * split.mean(axis=1).var(ddof=1))
    if within == 0:
        return 1.0, float(m * t)
    pooled = (t - 1) / t * within + between / t
    centred = split - split.mean(axis=1, keepdims=True)
    size = 1 << (2 * t - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum, size, axis=1)[:, :t].mean(axis=0) / t
    rho = 1 - (within - covariance * t / (t - 1)) / pooled
    rho[0] = 1.0
    pairs = rho[: t // 2 * 2].reshape(-1, 2).sum(axis=1)
    stop = np.flatnonzero(pairs < 0)
    pairs = np.minimum.accumulate(pairs[: stop[0] if stop.size else None])
    return float(np.sqrt(pooled / within)), float(min(m * t / max(2 * pairs.sum() - 1, 1e-3), m * t))
