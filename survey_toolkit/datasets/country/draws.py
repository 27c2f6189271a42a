"""Seeded streams of random numbers, and the two ways the country is drawn from them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import SurveyToolkitError

__all__ = ["calibrated_intercept", "choose", "happens", "stream"]


def stream(seed: int, part: str) -> np.random.Generator:
    """Random numbers of one part of the country.

    Each part has a stream of its own, so that a part can be added or changed without changing the others.

    Examples
    --------
    >>> bool(stream(1, "unions").random() == stream(1, "unions").random())
    True
    >>> bool(stream(1, "unions").random() == stream(1, "work").random())
    False
    """
    if seed < 0:
        raise SurveyToolkitError(
            "a seed is a whole number, 0 or more",
            where="seed",
            found=str(seed),
            hint="give one, e.g. 1",
            code="bad-seed",
        )
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def calibrated_intercept(score: NDArray[np.float64], target: float) -> float:
    """Intercept at which the mean of ``1 / (1 + exp(-(intercept + score)))`` is the target.

    Parameters
    ----------
    score : array of shape (n,)
        Linear score of each unit on the log-odds scale.
    target : float
        Wanted mean probability.

    Examples
    --------
    >>> abs(calibrated_intercept(np.zeros(3), 0.5)) < 1e-9
    True
    """
    if score.size == 0:
        return 0.0
    low, high = -25.0, 25.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if np.mean(1.0 / (1.0 + np.exp(-(middle + score)))) < target:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def happens(rng: np.random.Generator, score: NDArray[np.float64], target: float) -> NDArray[np.bool_]:
    """Draw yes or no for each unit, with its score on the log-odds scale and the given mean."""
    chance = 1.0 / (1.0 + np.exp(-(calibrated_intercept(score, target) + score)))
    return np.asarray(rng.random(score.size) < chance)


def choose(
    rng: np.random.Generator, n: int, shares: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.int64]:
    """Draw ``n`` categories, numbered from 0, at the given relative shares.

    Examples
    --------
    >>> choose(np.random.default_rng(1), 5, [0, 1, 0]).tolist()
    [1, 1, 1, 1, 1]
    """
    bounds = np.cumsum(shares)
    return np.searchsorted(bounds[:-1] / bounds[-1], rng.random(n), side="right")
