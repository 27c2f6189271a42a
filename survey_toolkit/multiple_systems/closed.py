"""Models of a closed population: capture chances that vary by list, by person, or after a first capture.

M0: one chance for all; Mt: one for each list; Mh: people differ; Mth: both (Otis et al. 1978; as log-linear
models Cormack 1989, Rivest & Baillargeon 2007, JSS 19(5)). Models with a reaction to the first capture are
in :mod:`~survey_toolkit.multiple_systems.behaviour`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._log_type import LOG_TYPE, log_limits
from survey_toolkit.multiple_systems._poisson_design import DesignCurve, DesignFit, estimable, fit_design
from survey_toolkit.multiple_systems.frequencies import CaptureFrequencies
from survey_toolkit.multiple_systems.heterogeneity import (
    HETEROGENEITY,
    BoundCurve,
    ClosedDesign,
    check_theta,
    fit_bound,
    fit_free,
    shape_column,
)
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level, curve_limits
from survey_toolkit.multiple_systems.logit_normal import fit_normal
from survey_toolkit.multiple_systems.results import PopulationSize, coefficients_of, criteria

__all__ = ["ClosedModel", "Heterogeneity", "closed", "closed_design"]

FloatArray = NDArray[np.float64]
ClosedModel = Literal["M0", "Mt", "Mh", "Mth"]
Heterogeneity = Literal["chao", "poisson", "darroch", "gamma", "normal"]
NegativeEta = Literal["zero", "free"]
ClosedCi = Literal["profile", "log"]

MODELS = ("M0", "Mt", "Mh", "Mth")
_BIAS_WARNING = 0.5

_ASSUMPTIONS = (
    "The population did not change while the lists were made, links are perfect, and given a person's own "
    "visibility the lists are independent of one another. {chances} Referrals between lists break it. With "
    "heterogeneity the size of the unseen part depends on the assumed form of the differences, which the "
    "data hardly tell apart: only the Chao form is a bound that does not."
)
_CHANCES = {
    "M0": "Everybody has the same chance of being on every list.",
    "Mt": "Lists differ in coverage; people do not differ.",
    "Mh": "People differ in visibility; lists have the same coverage.",
    "Mth": "People differ in visibility and lists in coverage.",
}


def closed(
    data: CaptureHistories | CaptureFrequencies,
    model: ClosedModel = "Mt",
    heterogeneity: Heterogeneity | None = None,
    *,
    theta: float | None = None,
    negative_eta: NegativeEta = "zero",
    max_times: int | None = None,
    ci: ClosedCi = "profile",
    level: float = 0.95,
) -> PopulationSize:
    r"""Population size under M0, Mt, Mh or Mth.

    Parameters
    ----------
    data : CaptureHistories or CaptureFrequencies
        Numbers of captures allow M0 and Mh only.
    model : {"M0", "Mt", "Mh", "Mth"}
    heterogeneity : {"chao", "poisson", "darroch", "gamma", "normal"}, optional
        For Mh and Mth, default ``"chao"``: the lower bound. ``"normal"``: a normal random effect on the logit
        scale, integrated out.
    theta : float, optional
        Of ``"poisson"`` (default 2) and ``"gamma"`` (default 3.5).
    negative_eta : {"zero", "free"}
        For ``"chao"``: hold the coefficients of the bound at 0 or above (the bound of Rivest & Baillargeon
        2007), or leave them free, which is the classical bound from people seen once and twice (Chao 1987).
    max_times : int, optional
        Fit only the people seen at most so many times; the others are added (numbers of captures only).
    ci : {"profile", "log"}
        Profile likelihood (Cormack 1992), or the log-type interval of Chao (1987), the only one for
        ``"normal"``.
    level : float

    Returns
    -------
    PopulationSize
        ``diagnostics`` hold the capture chances (``"p"`` or ``"p: list"``), the number of bound coefficients
        held at zero, and the first-order bias of the estimate as a share of it.

    Raises
    ------
    EstimationError
        When the estimate does not exist (nobody seen twice, for example) or the options do not fit.

    Examples
    --------
    >>> seen = CaptureFrequencies.from_counts({1: 25, 2: 22, 3: 13, 4: 5, 5: 1, 6: 2}, occasions=6)
    >>> round(closed(seen, "M0").estimate, 2), round(closed(seen, "Mh", "poisson").estimate, 2)
    (75.43, 81.53)
    """
    kind = _check_options(data, model, heterogeneity, max_times)
    if ci not in ("profile", "log"):
        raise EstimationError(
            "there is no such interval", where="ci", found=repr(ci), expected="profile or log"
        )
    value = check_theta(kind, theta) if kind else float("nan")
    start = closed_design(data, model, max_times)
    _require_estimable(start, model, None if kind == "normal" else kind, value)
    if kind == "normal":
        return fit_normal(data, model, level=level, assumptions=_assumptions(model))
    fit, design, names, cells = _fit(start, kind, value, negative_eta)
    return _result(
        data, model, _label(model, kind, value, negative_eta), fit, design, names, cells, ci, level
    )


def closed_design(
    data: CaptureHistories | CaptureFrequencies, model: str, max_times: int | None = None
) -> ClosedDesign:
    """Cells, capture columns and counts of a model without its heterogeneity."""
    if isinstance(data, CaptureFrequencies):
        times = np.arange(1.0, len(data.people) + 1)[:max_times]
        base = np.column_stack([np.ones(len(times)), times])
        k = len(times)
        return ClosedDesign(
            base, ("(Intercept)", "times seen"), times, data.people[:k].astype(float), data.log_choices()[:k]
        )
    cells = np.arange(1, 1 << data.n_lists)
    on = ((cells[:, None] >> np.arange(data.n_lists)) & 1).astype(float)
    by_list = model in ("Mt", "Mth")
    columns = on if by_list else on.sum(axis=1, keepdims=True)
    names = ("(Intercept)", *(data.lists if by_list else ("times seen",)))
    base = np.column_stack([np.ones(len(cells)), columns])
    return ClosedDesign(base, names, on.sum(axis=1), data.table()[1:], np.zeros(len(cells)))


def _fit(
    model: ClosedDesign, kind: str | None, theta: float, negative_eta: str
) -> tuple[DesignFit, FloatArray, tuple[str, ...], ClosedDesign]:
    if kind == "chao":
        if negative_eta == "free":
            return fit_free(model)
        return *fit_bound(model), model
    design, names = model.base, model.names
    if kind is not None:
        design = np.column_stack([design, shape_column(kind, model.times, theta)])
        names = (*names, kind)
    return fit_design(design, model.counts, model.offset), design, names, model


def _result(
    data: CaptureHistories | CaptureFrequencies,
    model: str,
    label: str,
    fit: DesignFit,
    design: FloatArray,
    names: tuple[str, ...],
    cells: ClosedDesign,
    ci: str,
    level: float,
) -> PopulationSize:
    n, dark, p = data.n_observed, fit.dark_figure, len(names)
    variance = float(fit.covariance[0, 0])
    se = float(np.sqrt(dark + dark**2 * variance))
    diagnostics = {"se_log_dark": float(np.sqrt(variance)), **_chances(data, model, n + dark)}
    if "Chao" in label:
        levels = max(int(cells.times.max()) - 2, 0)
        diagnostics["eta_at_zero"] = float(levels - sum(name.startswith("eta") for name in names))
    diagnostics["bias_share"] = _bias(design, fit) / (n + dark)
    if ci == "profile":
        bound = "Chao" in label and "classical" not in label
        curve = BoundCurve(cells) if bound else DesignCurve(design, cells.counts, cells.offset)
        limits = curve_limits(curve, n, [level], dark, float(np.sqrt(variance)))
        low, high = limits.low[0], limits.high[0]
        diagnostics["multinomial_estimate"] = limits.maximum
    else:
        low, high = log_limits(n, n + dark, se, check_level(level))
    return PopulationSize(
        method=f"closed population, {label}",
        model=label,
        estimate=n + dark,
        se=se,
        ci_low=low,
        ci_high=high,
        level=level,
        ci_method="profile likelihood" if ci == "profile" else LOG_TYPE,
        n=n,
        lists=getattr(data, "lists", ()),
        df=len(cells.counts) - p,
        deviance=fit.deviance,
        pearson=fit.pearson,
        **criteria(fit.loglik, p, n),
        coefficients=coefficients_of(names, fit.coef, fit.covariance),
        diagnostics=diagnostics,
        assumptions=_assumptions(model),
        notes=(*getattr(data, "notes", ()), *_notes(label, diagnostics, high)),
    )


def _assumptions(model: str) -> str:
    return _ASSUMPTIONS.format(chances=_CHANCES[model])


def _bias(design: FloatArray, fit: DesignFit) -> float:
    """First-order bias of the dark figure: half of d (v - sum of mean x leverage x influence)."""
    scaled = design @ fit.covariance
    leverage = (scaled * design).sum(axis=1)
    bias_log = -0.5 * float((scaled[:, 0] * fit.mean * leverage).sum())
    return fit.dark_figure * (bias_log + 0.5 * float(fit.covariance[0, 0]))


def _chances(data: CaptureHistories | CaptureFrequencies, model: str, estimate: float) -> dict[str, float]:
    if isinstance(data, CaptureFrequencies):
        return {"p": data.n_sightings / (estimate * data.occasions)} if data.occasions else {}
    sizes = data.counts @ data.patterns
    if model in ("Mt", "Mth"):
        return {f"p: {name}": float(s) / estimate for name, s in zip(data.lists, sizes, strict=True)}
    return {"p": float(sizes.sum()) / (estimate * data.n_lists)}


def _notes(label: str, diagnostics: dict[str, float], high: float) -> tuple[str, ...]:
    notes = []
    if "Chao" in label:
        notes.append("a lower bound, not an estimate of the size")
    if diagnostics["bias_share"] > _BIAS_WARNING:
        notes.append(
            f"the first-order bias is {diagnostics['bias_share']:.0%} of the estimate: the table is too thin "
            "for this model"
        )
    if not np.isfinite(high):
        notes.append("the likelihood does not fall enough to give an upper limit")
    return tuple(notes)


def _label(model: str, kind: str | None, theta: float, negative_eta: str) -> str:
    if kind is None:
        return model
    name = {
        "chao": "Chao",
        "poisson": f"Poisson {theta:g}",
        "darroch": "Darroch",
        "gamma": f"gamma {theta:g}",
    }
    classical = ", classical" if kind == "chao" and negative_eta == "free" else ""
    return f"{model} {name[kind]}{classical}"


def _require_estimable(model: ClosedDesign, label: str, kind: str | None, theta: float) -> None:
    design = model.base
    if kind not in (None, "chao"):
        design = np.column_stack([design, shape_column(str(kind), model.times, theta)])
    if kind == "chao":
        twice = model.counts[model.times == 2].sum()
        if twice > 0 and estimable(model.base[model.times <= 2], model.counts[model.times <= 2]):
            return
    elif estimable(design, model.counts):
        return
    seen = {int(k): int(model.counts[model.times == k].sum()) for k in np.unique(model.times)}
    shown = ", ".join(f"{c:,} seen {k} times" for k, c in list(seen.items())[:4])
    raise EstimationError(
        "the maximum likelihood estimate does not exist, so there is no estimate to report",
        where=f"model {label}{' ' + kind if kind else ''}",
        found=shown,
        hint="a simpler model, or lists that share more people",
        code="no-mle",
    )


def _check_options(
    data: CaptureHistories | CaptureFrequencies,
    model: str,
    heterogeneity: str | None,
    max_times: int | None,
) -> str | None:
    def refuse(what: str, where: str, found: str, expected: str) -> EstimationError:
        return EstimationError(what, where=where, found=found, expected=expected, code="unknown-option")

    if model not in MODELS:
        raise refuse("there is no such model", "model", repr(model), did_you_mean(model, MODELS))
    if isinstance(data, CaptureFrequencies) and model in ("Mt", "Mth"):
        raise refuse("numbers of captures do not tell which list saw whom", "model", repr(model), "M0 or Mh")
    if heterogeneity is not None and model in ("M0", "Mt"):
        raise refuse(f"{model} has no heterogeneity", "heterogeneity", repr(heterogeneity), "Mh or Mth")
    if heterogeneity is not None and heterogeneity not in HETEROGENEITY:
        raise refuse(
            "there is no such form of heterogeneity",
            "heterogeneity",
            repr(heterogeneity),
            did_you_mean(heterogeneity, HETEROGENEITY),
        )
    if max_times is not None and (not isinstance(data, CaptureFrequencies) or max_times < 2):
        raise refuse(
            "max_times cuts a table of numbers of captures at 2 or more",
            "max_times",
            str(max_times),
            "2 or more",
        )
    if max_times is not None and heterogeneity == "normal":
        raise refuse("the normal form is fitted to all of the table", "max_times", str(max_times), "nothing")
    return (heterogeneity or "chao") if model in ("Mh", "Mth") else None
