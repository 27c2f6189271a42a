r"""Gini index of concentration, linearised.

With values in order and :math:`F` the share of the weights up to the middle of each row,
:math:`G = 2\sum w_i y_i F_i / (N \bar y) - 1`. The linearised value is that of Deville (1999), *Survey
Methodology* 25:193-203, ex. 5.4 (also Langel and Tillé 2013, JRSS A 176:521-540, eq. 24):

.. math:: z_k = \frac{2 (y_k M_k + A_k)}{N Y} - (G+1)\Big(\frac1N + \frac{y_k}{Y}\Big)

with :math:`M_k` the weight below the middle of row k and :math:`A_k` the sum of wy above it.
"""

from __future__ import annotations

import numpy as np

from survey_toolkit.estimation.codes import Floats

__all__ = ["gini_values"]


def gini_values(value: Floats, weight: Floats) -> tuple[float, Floats]:
    """Gini index and its linearised value for every row (per unit of weight).

    Parameters
    ----------
    value : float array (n,)
        Not negative.
    weight : float array (n,)

    Returns
    -------
    gini : float
        NaN where the values add up to zero.
    linearised : float array (n,)
        Adds up to zero with the weights.

    Examples
    --------
    >>> gini, z = gini_values(np.array([0.0, 0, 0, 8]), np.ones(4))
    >>> gini, abs(float(z.sum())) < 1e-12
    (0.75, True)
    """
    distinct, place = np.unique(value, return_inverse=True)
    mass = np.bincount(place, weight)
    sums = np.bincount(place, weight * value)
    total, income = mass.sum(), sums.sum()
    if not income > 0:
        return float("nan"), np.zeros(len(value))
    # ties share the middle of their group, so that the order of rows does not matter
    middle = np.cumsum(mass) - mass / 2
    gini = 2 * float(sums @ middle) / (total * income) - 1
    above = income - np.cumsum(sums) + sums / 2
    # derivative of 2 Σ w y M / (N Y) in one weight: own rank, the rank it gives to those above, N and Y
    derivative = 2 * (distinct * middle + above) / (total * income)
    derivative -= (gini + 1) * (1 / total + distinct / income)
    return float(gini), derivative[place]
