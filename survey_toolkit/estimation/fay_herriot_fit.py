"""Variance between areas and mean squared error in the model of Fay and Herriot; see :mod:`.small_areas`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_toolkit.estimation.codes import Floats

__all__ = ["DirectAreas", "area_variance", "prasad_rao_mse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectAreas:
    """Areas with a direct estimate: (m,), (m,), (m, p)."""

    y: Floats
    psi: Floats
    x: Floats

    def gls(self, sigma2: float) -> tuple[Floats, Floats, Floats]:
        """Coefficients, (X'V⁻¹X)⁻¹, residuals."""
        weight = 1 / (sigma2 + self.psi)
        inverse: Floats = np.asarray(np.linalg.inv((self.x * weight[:, None]).T @ self.x))
        beta = inverse @ (self.x.T @ (weight * self.y))
        return beta, inverse, self.y - self.x @ beta

    def equation(self, sigma2: float, method: str) -> float:
        """What is zero at the estimate; decreasing where there is one solution."""
        weight = 1 / (sigma2 + self.psi)
        _, inverse, residual = self.gls(sigma2)
        if method == "fh":
            return float((residual**2 * weight).sum() - (len(self.y) - self.x.shape[1]))
        trace = weight.sum()
        if method == "reml":
            trace -= np.trace(inverse @ ((self.x * (weight**2)[:, None]).T @ self.x))
        return float(0.5 * ((residual * weight) ** 2).sum() - 0.5 * trace)

    def loglik(self, sigma2: float, method: str) -> float:
        """Log-likelihood, restricted for REML."""
        beta_inverse = self.gls(sigma2)
        out = -0.5 * float(
            (np.log(2 * np.pi * (sigma2 + self.psi)) + beta_inverse[2] ** 2 / (sigma2 + self.psi)).sum()
        )
        return out + (0.5 * float(np.linalg.slogdet(beta_inverse[1])[1]) if method == "reml" else 0.0)


def area_variance(state: DirectAreas, method: str) -> float:
    """Variance between areas: the root with the highest likelihood, or 0."""
    from scipy.optimize import brentq

    top = float(np.var(state.y) * 10 + state.psi.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-9 * top, top, 200)])
    values = np.array([state.equation(s, method) for s in grid])
    roots = [
        float(brentq(state.equation, grid[i], grid[i + 1], args=(method,), xtol=1e-300, rtol=1e-14))
        for i in range(len(grid) - 1)
        if values[i] > 0 >= values[i + 1]
    ]
    candidates = roots if method == "fh" else [0.0, *roots]
    return max(candidates, key=lambda s: state.loglik(s, method), default=0.0)


def prasad_rao_mse(state: DirectAreas, sigma2: float, method: str, leverage: Floats) -> Floats:
    """g1 + g2 + 2 g3, less the bias of σ² for ML and FH (Datta and Lahiri 2000; Rao and Molina 2015, 6.2)."""
    total = sigma2 + state.psi
    shrink = state.psi / total  # 1 - γ
    weight = 1 / total
    m, squares = len(total), (weight**2).sum()
    variance = 2 * m / weight.sum() ** 2 if method == "fh" else 2 / squares
    out = sigma2 * shrink + shrink**2 * leverage + 2 * shrink**2 / total * variance
    if method == "ml":
        _, inverse, _ = state.gls(sigma2)
        bias = -np.trace(inverse @ ((state.x * (weight**2)[:, None]).T @ state.x)) / squares
        out = out - bias * shrink**2
    if method == "fh":
        out = out - 2 * (m * squares - weight.sum() ** 2) / weight.sum() ** 3 * shrink**2
    return np.asarray(out)
