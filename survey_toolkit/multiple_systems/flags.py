"""Signs that an estimate should not be taken at face value: short, numeric, the same everywhere."""

from __future__ import annotations

import math
from typing import Literal

from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["Light", "chi_square_p", "failures", "light_of"]

Light = Literal["publish", "caution", "do not publish"]

_EXTRAPOLATED, _MOSTLY_EXTRAPOLATED = 0.9, 0.97
_FIT_P = 0.01
_TIES_RATIO = 1.5
_R_HAT, _R_HAT_BAD = 1.05, 1.2
_GRID_END = 0.001
_CAP = 0.01
_FAILED = 0.05
_CV = 0.5


def chi_square_p(value: float, df: int | None) -> float | None:
    """Upper tail of the chi-square distribution; None without degrees of freedom."""
    if not df or df < 1 or not math.isfinite(value):
        return None
    from scipy.special import chdtrc

    return float(chdtrc(df, value))


def failures(result: PopulationSize, lower_bound: float | None = None) -> tuple[tuple[Light, str], ...]:
    """What is visibly wrong with one estimate, worst first, each with the light it turns on.

    Parameters
    ----------
    result : PopulationSize
    lower_bound : float, optional
        Chao's bound for the same lists.

    Examples
    --------
    >>> from survey_toolkit import multiple_systems as ms
    >>> lists = ms.CaptureHistories.from_counts({"11": 1, "10": 90, "01": 80}, lists=["A", "B"])
    >>> [text for _, text in failures(ms.loglinear(lists))]
    ['98 % extrapolated', 'cv above 50 %']
    """
    found = [*_size(result, lower_bound), *_fit(result), *_search(result), *_draws(result)]
    order = {"do not publish": 0, "caution": 1, "publish": 2}
    return tuple(sorted(found, key=lambda item: order[item[0]]))


def light_of(found: tuple[tuple[Light, str], ...]) -> Light:
    """The worst light."""
    lights = {light for light, _ in found}
    if "do not publish" in lights:
        return "do not publish"
    return "caution" if "caution" in lights else "publish"


def _size(result: PopulationSize, lower_bound: float | None) -> list[tuple[Light, str]]:
    out: list[tuple[Light, str]] = []
    if not math.isfinite(result.estimate) or result.estimate < result.n * (1 - 1e-9):
        out.append(("do not publish", "the estimate is below the people seen"))
        return out
    if lower_bound is not None and result.estimate < lower_bound * (1 - 1e-9):
        out.append(("caution", "below the Chao lower bound"))
    share = result.share_extrapolated
    if share > _EXTRAPOLATED:
        light: Light = "do not publish" if share > _MOSTLY_EXTRAPOLATED else "caution"
        out.append((light, f"{share:.0%} extrapolated".replace("%", " %")))
    if not math.isfinite(result.ci_high):
        out.append(("do not publish", "no upper limit"))
    if result.se == result.se and result.cv > _CV:
        out.append(("caution", "cv above 50 %"))
    if result.verdict is not None and not result.verdict.ok:
        out.append(("do not publish", "the model is not estimable"))
    return out


def _fit(result: PopulationSize) -> list[tuple[Light, str]]:
    p = chi_square_p(result.deviance, result.df)
    if p is not None and p < _FIT_P:
        return [("caution", f"poor fit (deviance p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})")]
    return []


def _search(result: PopulationSize) -> list[tuple[Light, str]]:
    if result.selection is None:
        return []
    near = [m.estimate for m in result.selection.near_ties()]
    if len(near) > 1 and max(near) > _TIES_RATIO * min(near):
        return [("caution", f"near-equal models range over a factor {max(near) / min(near):.1f}")]
    return []


def _draws(result: PopulationSize) -> list[tuple[Light, str]]:
    d = result.diagnostics
    out: list[tuple[Light, str]] = []
    r_hat = d.get("r_hat")
    if r_hat is not None and r_hat > _R_HAT:
        out.append(
            (
                "do not publish" if r_hat > _R_HAT_BAD else "caution",
                f"chains do not agree (R-hat {r_hat:.2f})",
            )
        )
    if d.get("probability_at_grid_end", 0.0) > _GRID_END:
        out.append(("caution", "posterior runs into the end of the grid"))
    if d.get("share_at_cap", 0.0) > _CAP:
        out.append(("caution", "draws run into the cap on the unseen"))
    if d.get("share_failed", 0.0) > _FAILED:
        out.append(("caution", f"{d['share_failed']:.0%} of replicates failed".replace("%", " %")))
    return out
