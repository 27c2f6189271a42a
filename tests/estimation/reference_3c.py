"""Cases of the reference bank with models, tests of independence, comparisons of groups and contrasts."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from survey_toolkit.estimation import Estimates, Survey, combine, t_test

FAMILIES = {
    "gaussian": ("gaussian", None),
    "logistic": ("quasibinomial", "logit"),
    "probit": ("quasibinomial", "probit"),
    "cloglog": ("quasibinomial", "cloglog"),
    "poisson": ("quasipoisson", None),
}


def where(case: Any, spec: dict[str, Any] | None = None) -> Any:
    runner = importlib.import_module("tests.test_reference_survey")
    return runner.condition((spec or case.data["call"]).get("domain") or [])


def close(case: Any, name: str, got: float, *accepted: Any) -> Iterator[str]:
    tolerance = case.data["tolerance"]
    number = importlib.import_module("tests.test_reference_survey").number
    values = [float(number(v)) for v in accepted if v is not None]
    near = (got == pytest.approx(v, rel=tolerance["rel"], abs=tolerance["abs"], nan_ok=True) for v in values)
    if values and not any(near):
        yield f"{name}: {got!r} not in {values}"


def small(case: Any, name: str, got: float, wanted: float) -> Iterator[str]:
    """A p-value, also where it is far below any absolute tolerance."""
    rel = max(case.data["tolerance"]["rel"] * 100, 1e-6)  # the tail magnifies the error of its argument
    if not math.isclose(got, wanted, rel_tol=rel):
        yield f"{name}: {got!r} is not {wanted!r}"


def glm(case: Any, sv: Survey) -> Iterator[str]:
    call, expected = case.data["call"], case.data["expected"]
    family, link = FAMILIES[call["family"]]
    model = sv.glm(call["formula"], family, link, where(case))
    ours = {plain(name): k for k, name in enumerate(model.names)}
    order = [ours[plain(name)] for name in expected["vcov_names"]]
    if len(model) != len(order):
        yield f"{len(model)} coefficients, expected {len(order)}"
    for k, row in zip(order, expected["rows"], strict=True):
        for mine, theirs in (
            ("estimate", "estimate"),
            ("se", "se"),
            ("t", "t"),
            ("ci_low", "ci_lower"),
            ("ci_high", "ci_upper"),
        ):
            yield from close(case, f"{row['variable']} {mine}", getattr(model, mine)[k], row[theirs])
        yield from small(case, f"{row['variable']} p", model.p_value[k], row["p"])
    scale = np.sqrt(np.outer(*[np.diagonal(np.array(expected["vcov"]))] * 2))
    got = model.vcov[np.ix_(order, order)]
    if (np.abs(got - expected["vcov"]) > case.data["tolerance"]["rel"] * 10 * scale).any():
        yield "vcov differs"
    for mine, theirs in (("df", "df_residual"), ("df_design", "df_design"), ("n", "n_used")):
        if getattr(model, mine) != expected[theirs]:
            yield f"{theirs}: {getattr(model, mine)} is not {expected[theirs]}"


def plain(name: str) -> str:
    """A coefficient under one name in R and patsy: factor(race)2, factor(race)[T.2]."""
    name = {"Intercept": "(Intercept)"}.get(name, name)
    return re.sub(r"\[T\.(.*)\]$", r"\1", name)


def chisq(case: Any, sv: Survey) -> Iterator[str]:
    call, expected = case.data["call"], case.data["expected"]
    test = sv.crosstab(*call["variables"], where(case), test=call["test"]).test
    yield from close(
        case, "statistic", test.statistic, expected["statistic"], expected.get("statistic_complete_cases")
    )
    yield from small(case, "p", test.p_value, expected["p_value"])
    parameters = expected.get("parameters") or {}
    yield from close(case, "df", test.df, parameters.get("ndf", parameters.get("df")))
    yield from close(case, "ddf", test.df_denominator, parameters.get("ddf"))


def ttest(case: Any, sv: Survey) -> Iterator[str]:
    call, expected = case.data["call"], case.data["expected"]
    variable, _, paired = call["variables"][0].partition("-")
    group = call["group"] if call["group"] != "0" else None
    test = sv.ttest(variable, group, where(case), paired=paired or None)
    yield from numbers(case, test, expected)


def numbers(case: Any, test: Any, expected: dict[str, Any]) -> Iterator[str]:
    names = {
        "statistic": "statistic",
        "df": "df",
        "estimate": "estimate",
        "ci_low": "ci_lower",
        "ci_high": "ci_upper",
    }
    for mine, theirs in names.items():
        yield from close(case, mine, getattr(test, mine), expected.get(theirs))
    yield from small(case, "p", test.p_value, expected["p_value"])


def ranktest(case: Any, sv: Survey) -> Iterator[str]:
    """R's answer depends on the order of the rows where values tie: see test_tests.py."""
    call, expected = case.data["call"], case.data["expected"]
    test = sv.ranktest(call["variables"][0], call["group"], where(case), test=call["test"], ties="row_order")
    if test.name == "t":
        yield from numbers(case, test, expected)
        return
    yield from close(case, "ndf", test.df, expected["statistic"])  # R swaps the names
    yield from close(case, "chisq", test.statistic * test.df, expected["df"])
    yield from small(case, "p", test.p_value, expected["p_value"])


NONLINEAR = {
    "Yes/No": lambda value: value["Yes"] / value["No"],
    "log(`2`/(1-`2`))-log(`1`/(1-`1`))": lambda p: np.log(p[2] / (1 - p[2])) - np.log(p[1] / (1 - p[1])),
}


def contrast(case: Any, sv: Survey) -> Iterator[str]:
    call, expected = case.data["call"], case.data["expected"]
    base = call["base"]
    est: Estimates = getattr(sv, base["statistic"])(base["variables"], by=base["by"], where=where(case))
    codes = {str(domain[0]): domain for domain in est.domains}
    for row in expected["groups"]:
        k = est.domains.index(codes[row["name"]])
        yield from close(case, f"{row['name']} estimate", est.estimate[k], row["estimate"])
        yield from close(case, f"{row['name']} se", est.se[k], row["se"])
    if est.df_design != expected["df_design"]:
        yield f"df_design {est.df_design}"
    for row in expected["rows"]:
        if call["nonlinear"]:
            made = combine(est, NONLINEAR[row["expression"]], label=row["contrast"])
        else:
            made = est.contrast({codes[k]: v for k, v in row["weights"].items()}, label=row["contrast"])
        test = t_test(made)
        got = {"estimate": test.estimate, "se": test.se, "ci_lower": test.ci_low, "ci_upper": test.ci_high}
        for name, value in got.items():
            yield from close(case, f"{row['contrast']} {name}", value, row[name])
        yield from close(case, "t", test.statistic, row["t"])
        yield from close(case, "df", test.df, row["df"])
        yield from small(case, "p", test.p_value, row["p"])


STATISTICS = {"glm": glm, "chisq": chisq, "ttest": ttest, "ranktest": ranktest, "contrast": contrast}
