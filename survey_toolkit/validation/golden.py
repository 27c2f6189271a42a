"""Expected values of independent software, computed again here.

The values and the scripts that made them are those of the tests (``tests/golden``, ``tests/oracles``); they
ship with the package.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._resources import data_root
from survey_toolkit.validation.certificate import Check

if TYPE_CHECKING:
    from survey_toolkit.estimation import Estimates, Survey

__all__ = ["golden_checks"]

SECTION = "Golden values"
CLOSED_FORM = 1e-9
ITERATIVE = 1e-6

Compared = tuple[Any, Any]


@cache
def _values(name: str) -> dict[str, Any]:
    return dict(json.loads((data_root("golden") / f"{name}.json").read_text(encoding="utf-8")))


def _survey(*, two_stage: bool = False, replicated: str | None = None, **options: Any) -> Survey:
    """The synthetic sample of the golden values under one of its designs."""
    import pandas as pd

    from survey_toolkit.estimation import Survey, SurveyDesign

    sample = pd.read_csv(data_root("golden") / "estimation_sample.csv")
    if replicated:
        sample["unit"] = sample["stratum"] * 100 + sample["psu"]
        plain = Survey(sample, SurveyDesign(weight="w", strata="stratum", psu="unit", **options))
        return plain.replicate(replicated)  # type: ignore[arg-type]
    stages: dict[str, Any] = (
        {"ssu": "hh", "fpc": ("n_psu_pop", "n_hh_pop")} if two_stage else {"fpc": "n_psu_pop"}
    )
    design: dict[str, Any] = {"weight": "w", "strata": "stratum", "psu": "psu", "nest": True}
    return Survey(sample, SurveyDesign(**(design | stages | options)))


def _linear(result: Estimates, expected: dict[str, Any]) -> list[Compared]:
    """Estimates and covariance; the covariance on the scale of its largest entry."""
    wanted = np.atleast_2d(expected["vcov"])
    scale = float(np.abs(wanted).max())
    return [
        (result.estimate, np.atleast_1d(expected["estimate"])),
        (1 + result.vcov / scale, 1 + wanted / scale),
    ]


def _taylor() -> list[Compared]:
    e, one, two = _values("estimation_taylor"), _survey(), _survey(two_stage=True)
    out = _linear(one.mean("y"), e["mean_wor"]) + _linear(two.mean("y"), e["mean_two_stage"])
    out += _linear(one.mean("x", by="sex"), e["mean_by"])
    out += _linear(one.ratio("y", "x", by="region"), e["ratio_by"])
    return out + _linear(one.proportion("kind"), e["levels"]) + _linear(two.total("kind"), e["levels_total"])


def _lonely() -> list[Compared]:
    e = _values("estimation_taylor")
    out: list[Compared] = []
    for option, name in (("remove", "remove_total"), ("certainty", "certainty_total")):
        out += _linear(_survey(strata="lonely", fpc=None, lonely_psu=option).total("x"), e[name])
    return out + _linear(_survey(strata="lonely", fpc=None, lonely_psu="adjust").mean("x"), e["adjust_mean"])


def _intervals(method: Any) -> list[Compared]:
    result, e = _survey().proportion("met", ci=method), _values("estimation_taylor")[method]
    return [(result.estimate, [e["estimate"]]), ([result.ci_low[0], result.ci_high[0]], e["ci"])]


def _closed_intervals() -> list[Compared]:
    return [pair for method in ("beta", "asin", "wald") for pair in _intervals(method)]


def _replicates() -> list[Compared]:
    e = _values("estimation_replicates")
    plain, finite = _survey(replicated="JKn"), _survey(replicated="JKn", fpc="n_psu_pop")
    return (
        _linear(plain.mean("y"), e["jkn"]["mean"])
        + _linear(plain.ratio("y", "x"), e["jkn"]["ratio"])
        + _linear(plain.total("x", by="sex"), e["jkn"]["total"])
        + _linear(finite.mean(["y", "x"]), e["jkn_fpc"])
    )


def _weighted(name: str) -> list[Compared]:
    e, one = _values("estimation_weighting"), _survey()
    n = float(e["N"])
    sex, kind = {"F": 0.55 * n, "M": 0.45 * n}, {"a": 0.3 * n, "b": 0.4 * n, "c": 0.3 * n}
    totals: dict[str, Any] = {"(Intercept)": n, "sex": {"M": 0.45 * n}, "x": 5.2 * n}
    made: dict[str, Callable[[], Survey]] = {
        "poststratified": lambda: one.poststratify({"sex": sex}),
        "linear": lambda: one.calibrate(totals),
        "raked": lambda: one.rake({"sex": sex, "kind": kind}, residuals="unweighted"),
        "raking": lambda: one.calibrate(totals, method="raking"),
        "logit": lambda: one.calibrate(totals, method="logit", bounds=(0.3, 3)),
    }
    survey = made[name]()
    return [(survey.weights(), e[name]["weights"]), *_linear(survey.mean("y"), e[name]["mean"])]


def _quantiles() -> list[Compared]:
    e = _values("estimation_weighting")["quantiles"]
    out: list[Compared] = []
    for interval, expected in e.items():
        result = _survey().quantile("x", [0.1, 0.5, 0.9], ci=interval)
        out += [(result.estimate, expected["estimate"]), (result.se, expected["se"])]
    return out


def _models() -> list[Compared]:
    out: list[Compared] = []
    survey = _survey(two_stage=True)
    for name, formula in (("gaussian", "y ~ age + sex"), ("binomial", "met ~ age + sex")):
        expected = _values("estimation_models")[name]
        model = survey.glm(formula, name)
        named = {"Intercept": "(Intercept)", "sex[T.M]": "sexM"}
        order = [[named.get(n, n) for n in model.names].index(n) for n in expected["names"]]
        out.append((model.estimate[order], expected["estimate"]))
        out.append((model.se[order], np.sqrt(np.diag(expected["vcov"]))))
    return out


def _log_linear() -> list[Compared]:
    from survey_toolkit import multiple_systems as ms
    from survey_toolkit.datasets import kosovo_1999, uk_2013

    six = ["LA", "NG", "PF", "GO", "GP", "NCA"]
    uk6 = ms.CaptureHistories.from_counts(uk_2013(), lists=six, count="count")
    tables = {
        "uk6": uk6,
        "uk5": uk6.merge({"PFNCA": ["PF", "NCA"]}),
        "kosovo": ms.CaptureHistories.from_counts(
            kosovo_1999(), lists=["EXH", "ABA", "OSCE", "HRW"], count="count"
        ),
    }
    out: list[Compared] = []
    for case in _values("multiple_systems")["cases"]:
        terms = [case["interactions"]] if isinstance(case["interactions"], str) else case["interactions"]
        fit, e = ms.loglinear(tables[case["data"]], terms), case["expected"]
        out.append(
            (
                [fit.estimate, fit.deviance, fit.ci_low, fit.ci_high],
                [e["estimate"], e["deviance"], *e["profile"]],
            )
        )
    return out


#: What is computed, the tolerance, and what it is held against.
CASES: tuple[tuple[str, float, Callable[[], list[Compared]]], ...] = (
    ("means, totals, ratios, proportions and their covariance, R survey", CLOSED_FORM, _taylor),
    ("strata with one PSU, R survey", CLOSED_FORM, _lonely),
    ("beta, arcsine and Wald intervals, R survey", CLOSED_FORM, _closed_intervals),
    ("logit interval, R survey (iterated there)", ITERATIVE, lambda: _intervals("logit")),
    ("jackknife with and without finite population, R survey", CLOSED_FORM, _replicates),
    ("poststratification, R survey", CLOSED_FORM, lambda: _weighted("poststratified")),
    ("linear calibration, R survey", CLOSED_FORM, lambda: _weighted("linear")),
    ("raking to margins, R survey", ITERATIVE, lambda: _weighted("raked")),
    ("raking calibration, R survey", ITERATIVE, lambda: _weighted("raking")),
    ("bounded logit calibration, R survey", ITERATIVE, lambda: _weighted("logit")),
    ("quantiles and their standard errors, R survey", CLOSED_FORM, _quantiles),
    ("linear and logistic models under two stages, R survey", CLOSED_FORM, _models),
    ("log-linear models and profile limits, R glm", ITERATIVE, _log_linear),
)


def golden_checks() -> Iterator[Check]:
    """Compute each golden case again and compare, number by number."""
    for name, allowed, compute in CASES:
        found = [_worst(ours, theirs) for ours, theirs in compute()]
        worst = max(deviation for deviation, _ in found)
        yield Check(
            section=SECTION,
            name=name,
            compared=sum(n for _, n in found),
            worst=worst,
            allowed=allowed,
            unit="relative difference",
            passed=bool(worst <= allowed),
        )


def _worst(ours: Any, theirs: Any) -> tuple[float, int]:
    """Largest relative difference; where one side has no number the other must have none either."""
    a, b = (_numbers(values) for values in (ours, theirs))
    known = ~np.isnan(b)
    if a.shape != b.shape or (np.isnan(a) != ~known).any():
        return float("inf"), b.size
    gap = np.abs(a[known] - b[known]) / np.maximum(np.abs(b[known]), np.finfo(float).tiny)
    return float(np.max(gap, initial=0.0)), int(known.sum())


def _numbers(values: Any) -> NDArray[np.float64]:
    if isinstance(values, list):
        values = [np.nan if value == "NaN" else value for value in values]
    return np.asarray(values, dtype=float)
