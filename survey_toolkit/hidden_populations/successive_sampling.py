r"""Successive sampling: weights when people are recruited in proportion to their degree, without replacement.

Gile (2011) finds inclusion probabilities by simulation. They are reproduced to four digits by the fixed point
of

.. math:: \pi_k = 1 - e^{-\lambda d_k}, \qquad \sum_k N_k \pi_k = n, \qquad N_k \propto n_k / \pi_k

in milliseconds and without a seed: in exponential-clock form, successive sampling takes everybody whose clock
of rate :math:`d_k` rings before a common time, which for a large population is nearly a constant.

References
----------
Gile (2011), JASA 106:135-146; Rosén (1972), *Annals of Mathematical Statistics* 43:373-397.
"""

from __future__ import annotations

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats

__all__ = ["inclusion_rate", "successive_sampling_weights"]

_TOLERANCE = 1e-12
_MOST = 500


def successive_sampling_weights(degree: Floats, population_size: float) -> Floats:
    """Inverse inclusion probabilities, up to scale.

    Parameters
    ----------
    degree : float array (n,)
        Above 0.
    population_size : float
        Size of the hidden population, at least n. The weights tend to 1/degree as it grows, to equal
        weights as it falls to n.

    Returns
    -------
    float array (n,)
        Scaled to sum to ``population_size``.

    Raises
    ------
    EstimationError
        If the population is smaller than the sample.

    Examples
    --------
    >>> w = successive_sampling_weights(np.array([1.0, 2.0, 4.0, 4.0]), 1e9)
    >>> (w / w[3]).round(6)
    array([4., 2., 1., 1.])
    """
    n = degree.size
    if not population_size >= n:
        raise EstimationError(
            "the population cannot be smaller than the sample",
            where="population_size",
            found=f"{population_size:,.0f}",
            expected=f"{n:,} or more",
            code="population-too-small",
        )
    values, place, counts = np.unique(degree, return_inverse=True, return_counts=True)
    weight = 1.0 / values
    for _ in range(_MOST):
        people = population_size * counts * weight / (counts * weight).sum()
        new = 1.0 / -np.expm1(-inclusion_rate(people, values, float(n)) * values)
        done = np.abs(new / weight - 1).max() < _TOLERANCE
        weight = new
        if done:
            break
    each = weight[place]
    return np.asarray(each * population_size / each.sum())


def inclusion_rate(people: Floats, degree: Floats, n: float) -> float:
    r"""The :math:`\lambda` at which successive sampling has taken n people.

    Examples
    --------
    >>> float(inclusion_rate(np.array([10.0]), np.array([1.0]), 5.0).round(6))
    0.693147
    """
    if n >= people.sum() * (1 - 1e-12):
        return float(40.0 / degree.min())  # everybody: inclusion probabilities of 1
    rate = n / float((people * degree).sum())  # below the root, and the function is concave: Newton climbs
    for _ in range(200):
        left = np.exp(-rate * degree)
        step = (n - float((people * (1 - left)).sum())) / float((people * degree * left).sum())
        rate += step
        if abs(step) < 1e-15 * rate + 1e-300:
            break
    return np.float64(rate)
