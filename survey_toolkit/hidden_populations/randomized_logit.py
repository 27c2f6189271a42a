"""Logistic regression of a sensitive trait that is seen through a random device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats, open_sample
from survey_toolkit.hidden_populations.devices import Device
from survey_toolkit.hidden_populations.randomized_response import answers_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RandomizedLogit", "randomized_logit"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomizedLogit:
    """A logistic regression of a sensitive trait seen through a device.

    Attributes
    ----------
    device : Device
    names : tuple of str
    coefficients, se : float array (p,)
    vcov : float array (p, p)
    loglik : float
    prevalence, prevalence_se : float
        Weighted mean of the fitted probabilities.
    n : int
    notes : tuple of str
    """

    device: Device
    names: tuple[str, ...]
    coefficients: Floats
    se: Floats
    vcov: Floats
    loglik: float
    prevalence: float
    prevalence_se: float
    n: int
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a coefficient."""
        import pandas as pd

        return pd.DataFrame({"term": self.names, "estimate": self.coefficients, "se": self.se})

    def __repr__(self) -> str:
        rows = [
            f"  {t:>16} {c:9.4f} ({s:.4f})"
            for t, c, s in zip(self.names, self.coefficients, self.se, strict=True)
        ]
        head = f"RandomizedLogit ({self.device.name}), {self.n:,} respondents"
        return "\n".join([head, *rows, f"  mean prevalence {self.prevalence:.4f} ({self.prevalence_se:.4f})"])


def randomized_logit(
    data: Any, response: str, covariates: Sequence[str], device: Device, *, design: Any = None
) -> RandomizedLogit:
    r"""Regress the trait: :math:`P(\text{answer}) = a + b\,\mathrm{expit}(x'\beta)`.

    Parameters
    ----------
    data : Survey, frame or path
    response : str
    covariates : sequence of str
        Numeric; a constant is added; rows with a missing value are left out and counted.
    device : Device
    design : SurveyDesign, optional
        Pseudo maximum likelihood with the design's variance; without it the expected information.

    Returns
    -------
    RandomizedLogit

    Raises
    ------
    EstimationError
        If the fit does not converge.
    """
    sample = open_sample(data, design)
    answer, known, notes = answers_of(sample, response)
    x = np.stack([np.ones(len(sample)), *(sample.numbers(name) for name in covariates)], axis=1)
    rows = known & ~np.isnan(x).any(axis=1)
    if int((known & ~rows).sum()):
        notes = (*notes, f"{int((known & ~rows).sum())} rows without a covariate are left out")
    w = sample.weights[rows]
    beta, loglik = _logit_fit(answer[rows], x[rows], w, device)
    score, information, fitted = _logit_parts(answer[rows], x[rows], w, device, beta)
    vcov: Floats = np.asarray(np.linalg.inv(information), dtype=np.float64)
    if sample.designed:
        values = np.zeros((len(sample), beta.size))
        values[rows] = score @ vcov
        vcov = sample.influence(values)
    gradient = (w * fitted * (1 - fitted)) @ x[rows] / w.sum()
    return RandomizedLogit(
        device=device, names=("(Intercept)", *covariates), coefficients=beta,
        se=np.sqrt(np.diagonal(vcov)), vcov=vcov, loglik=loglik, prevalence=float(w @ fitted / w.sum()),
        prevalence_se=float(np.sqrt(gradient @ vcov @ gradient)), n=int(rows.sum()), notes=notes,
    )  # fmt: skip


def _logit_parts(
    y: Floats, x: Floats, w: Floats, device: Device, beta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Scores (n, p), weighted expected information (p, p), fitted prevalence (n,)."""
    g = 0.5 * (1 + np.tanh(x @ beta / 2))
    rate = np.clip(device.a + device.b * g, 1e-12, 1 - 1e-12)
    slope = device.b * g * (1 - g)
    score = x * ((y - rate) / (rate * (1 - rate)) * slope)[:, None]
    information = (x * (w * slope**2 / (rate * (1 - rate)))[:, None]).T @ x
    return score, information, g


def _logit_fit(y: Floats, x: Floats, w: Floats, device: Device) -> tuple[Floats, float]:
    """Fisher scoring with step halving."""

    def loglik(beta: Floats) -> float:
        rate = device.a + device.b * 0.5 * (1 + np.tanh(x @ beta / 2))
        rate = np.clip(rate, 1e-12, 1 - 1e-12)
        return float(w @ (y * np.log(rate) + (1 - y) * np.log1p(-rate)))

    beta = np.zeros(x.shape[1])
    share = np.clip((w @ y / w.sum() - device.a) / device.b, 0.02, 0.98)
    beta[0] = np.log(share / (1 - share))
    value = loglik(beta)
    for _ in range(200):
        score, information, _ = _logit_parts(y, x, w, device, beta)
        try:
            step = np.linalg.solve(information, w @ score)
        except np.linalg.LinAlgError:
            break
        length = 1.0
        while (new := loglik(beta + length * step)) < value - 1e-12 and length > 1e-6:
            length /= 2
        beta, gain, value = beta + length * step, new - value, new
        if abs(gain) < 1e-10 * (1 + abs(value)) and np.abs(length * step).max() < 1e-7:
            return beta, value
    raise EstimationError(
        "the regression does not converge",
        where="covariates",
        hint="the trait is too rare behind this device for so many covariates; use fewer",
        code="no-convergence",
    )
