"""The linkage model of Fellegi & Sunter (1969, JASA 64:1183-1210), fitted by EM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError

__all__ = ["FellegiSunter", "fellegi_sunter"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FellegiSunter:
    """Two-class model of agreement patterns, fields independent within class.

    Attributes
    ----------
    fields : tuple of str
    match_share : float
        Share of pairs that are matches.
    m, u : mapping field -> probability of agreement among matches and non-matches
    posterior : array (k,)
        Probability of a match by pattern.
    loglik : float
    iterations : int
    """

    fields: tuple[str, ...]
    match_share: float
    m: Mapping[str, float]
    u: Mapping[str, float]
    posterior: FloatArray
    loglik: float
    iterations: int

    @property
    def agreement_weights(self) -> dict[str, float]:
        """log2(m / u): what agreement on each field is worth."""
        return {f: float(np.log2(self.m[f] / self.u[f])) for f in self.fields}


def fellegi_sunter(
    patterns: Sequence[Sequence[int]],
    counts: Sequence[int],
    fields: Sequence[str],
    *,
    start: tuple[float, float, float] = (0.9, 0.1, 0.05),
    tolerance: float = 1e-12,
    max_iterations: int = 200_000,
) -> FellegiSunter:
    """Estimate m- and u-probabilities from counted agreement patterns.

    Parameters
    ----------
    patterns : (k, p) of 0/1
        Agreement by field.
    counts : (k,)
        Pairs with that pattern.
    fields : sequence of str
    start : (m, u, share)
        Starting values; m above u makes the first class the matches.
    tolerance : float
        Largest change of a parameter at the end.

    Raises
    ------
    EstimationError
        Patterns other than 0/1, negative counts, no convergence.

    Examples
    --------
    >>> fit = fellegi_sunter([[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]], [90, 10, 100, 900], list("abc"))
    >>> round(fit.match_share, 3)
    0.091
    """
    x = np.asarray(patterns, dtype=float)
    n = np.asarray(counts, dtype=float)
    if x.shape != (len(n), len(fields)) or not np.isin(x, (0, 1)).all() or (n < 0).any() or not n.sum():
        raise EstimationError(
            "agreement patterns must be 0/1, one column a field, with counts of 0 or more",
            where="patterns",
            found=f"shape {x.shape}, {len(n)} counts, {len(fields)} fields",
        )
    share = start[2]
    m, u = np.full(len(fields), start[0]), np.full(len(fields), start[1])
    done = 0
    while done < max_iterations:
        done += 1
        posterior, _ = _posterior(x, share, m, u)
        weight, rest = n * posterior, n * (1 - posterior)
        new_share = float(weight.sum() / n.sum())
        new_m = np.clip(weight @ x / weight.sum(), 1e-12, 1 - 1e-12)
        new_u = np.clip(rest @ x / rest.sum(), 1e-12, 1 - 1e-12)
        moved = max(abs(new_share - share), np.abs(new_m - m).max(), np.abs(new_u - u).max())
        share, m, u = new_share, new_m, new_u
        if moved < tolerance:
            break
    else:
        raise EstimationError("the linkage model did not converge", found=f"change {moved:.1e}")
    posterior, total = _posterior(x, share, m, u)
    return FellegiSunter(
        tuple(fields),
        share,
        dict(zip(fields, m.tolist(), strict=True)),
        dict(zip(fields, u.tolist(), strict=True)),
        posterior,
        float(n @ np.log(total)),
        done,
    )


def _posterior(x: FloatArray, share: float, m: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probability of a match and of the pattern, shapes (k,)."""
    match = share * np.prod(np.where(x == 1, m, 1 - m), axis=1)
    other = (1 - share) * np.prod(np.where(x == 1, u, 1 - u), axis=1)
    total: FloatArray = match + other
    return match / total, total
