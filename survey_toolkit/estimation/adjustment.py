r"""What a step of weighting leaves behind for the variance.

A calibrated estimator varies less than its weights suggest: only the part of a variable that the calibration
variables do not explain is left to chance. For the weighted linearised value :math:`x_i = w_i u_i` of row i
every step replaces

.. math:: x \leftarrow x - A\, T^{-1} C' x,

where, with weights :math:`w^-` before and :math:`w^+` after the step and calibration variables M:

============================  ========================  ====================  ======================
step                          A                         C                     T
============================  ========================  ====================  ======================
totals known                  :math:`w^+ M`             :math:`M w^-/w^+`     :math:`M' w^- M`
totals from the sample        :math:`(w^+ - w^-) M`     :math:`M w^-/w^+`     :math:`M' w^- M`
response propensity p         :math:`w^-(r-p) M`        :math:`(1-p) M`       :math:`M' w^- p(1-p) M`
============================  ========================  ====================  ======================

The first line is the residual of the regression on the calibration variables (Deville and Särndal 1992, JASA
87:376-382). The last step is taken out first: its residuals are what the step before it works on. (R's survey
goes from the first to the last, and leaves a standard error for a total that the last step has fixed.) The
second line estimates the totals from the respondents and
nonrespondents of the sample itself; the third is Kim and Kim (2007), *Canadian Journal of Statistics*
35:501-514.

All three need only sums over rows, so that they are summed in the same pass as the estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

__all__ = ["Adjustment", "coefficients", "width"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adjustment:
    """One step of weighting with P calibration variables.

    Attributes
    ----------
    sentence : str
        The step in words, for notes and traces.
    weight : str
        Column of the weights after the step.
    leverage : tuple of Expr (P,)
        Columns of A, one value a row.
    factors : tuple of Expr (P,)
        Columns of C, one value a row.
    gram : float array (P, P)
        T.
    links : tuple of float arrays (P_s, P)
        C'A with C of every earlier step s: what this step takes out of that one.
    """

    sentence: str
    weight: str
    leverage: tuple[nw.Expr, ...]
    factors: tuple[nw.Expr, ...]
    gram: Floats
    links: tuple[Floats, ...] = ()


def width(adjustments: tuple[Adjustment, ...]) -> int:
    """Calibration variables of all steps together."""
    return sum(len(step.factors) for step in adjustments)


def coefficients(adjustments: tuple[Adjustment, ...], crosses: Floats) -> Floats:
    """What each leverage column is multiplied by and taken away, for K linearised variables.

    Parameters
    ----------
    adjustments : tuple of Adjustment
    crosses : float array (P_all, K)
        C'x of all steps, one below the other.

    Returns
    -------
    float array (P_all, K)
    """
    ends = np.cumsum([0, *(len(step.factors) for step in adjustments)])
    done: list[Floats] = [np.zeros((0, crosses.shape[1]))] * len(adjustments)
    for s in reversed(range(len(adjustments))):
        rest = crosses[ends[s] : ends[s + 1]].copy()
        for t in range(s + 1, len(adjustments)):
            rest -= adjustments[t].links[s] @ done[t]
        if len(rest):
            # margins of a table are collinear: the least-norm solution gives the same residuals
            rest = np.linalg.pinv(adjustments[s].gram, rcond=1e-12, hermitian=True) @ rest
        done[s] = rest
    return np.concatenate(done) if done else np.zeros((0, crosses.shape[1]))
