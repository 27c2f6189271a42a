"""Cases of the reference bank with weighting steps, quantiles, moments, imputations and publication rules."""

from __future__ import annotations

import functools
import importlib
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit._frames import null_aware_pandas
from survey_toolkit.estimation import Estimates, Survey, combine_imputations
from survey_toolkit.estimation.reliability import dhs_mics, ine_chile_2020, nchs_proportion

# ------------------------------------------------------------------------------------------------ weighting


def weighting(case: Any, survey: Survey, folder: Path) -> Survey:
    """The steps in order."""
    steps: dict[str, Callable[[Survey, dict[str, Any]], Survey]] = {
        "poststratify": lambda sv, step: sv.poststratify(margin(step["targets"])),
        # R takes the residuals of raking without weights; ours default to the weighted ones
        "rake": lambda sv, step: sv.rake(
            functools.reduce(lambda a, b: a | b, map(margin, step["margins"])), residuals="unweighted"
        ),
        "calibrate": lambda sv, step: sv.calibrate(
            model_totals(step, case), method=step["calfun"], bounds=step.get("bounds")
        ),
        "trim": lambda sv, step: sv.trim(lower=step["lower"], upper=step["upper"], strict=step["strict"]),
    }
    for step in case.data["design"]["weighting"]:
        survey = steps[step["op"]](survey, step)
    return survey


def margin(table: dict[str, list[Any]]) -> dict[Any, Any]:
    names = tuple(name for name in table if name != "Freq")
    codes = list(zip(*(table[name] for name in names), strict=True))
    if len(names) == 1:
        return {names[0]: dict(zip(table[names[0]], table["Freq"], strict=True))}
    return {names: dict(zip(codes, table["Freq"], strict=True))}


def model_totals(step: dict[str, Any], case: Any) -> dict[Any, Any]:
    """Totals of the columns of R's model matrix."""
    terms = step["formula"].removeprefix("~").split("+")
    out: dict[Any, Any] = {}
    for name, total in step["totals"].items():
        term = next((t for t in terms if name.startswith(t) and name != t), None)
        if term is None:
            out[name] = total
        else:
            out.setdefault(term, {})[name.removeprefix(term)] = total
    return out


def weights(case: Any, survey: Survey) -> Iterator[str]:
    w, expected = survey.weights(), case.data["expected"]
    got = {
        "n": len(w),
        "sum": w.sum(),
        "sum_sq": (w**2).sum(),
        "min": w.min(),
        "max": w.max(),
        "first_rows": w[: len(expected["first_rows"])],
        "every_17th": w[::17],
    }
    for name, value in got.items():
        if not np.allclose(value, expected[name], rtol=case.data["tolerance"]["rel"]):
            yield f"{name}: {value} is not {expected[name]}"


# ------------------------------------------------------------------------- likelihood interval and score test


def likelihood(case: Any, est: Estimates, row: dict[str, Any], k: int) -> Iterator[str]:
    """Our limits solve the likelihood ratio; R's stop short of it, and their way is walked to compare."""
    rows = frame_of(case)
    weight = case.data["design"]["weights"]
    for name, value in (row.get("key") or {}).items():
        rows = rows[rows[name] == value]
    y = rows[case.data["call"]["variables"][0]]
    hit = (y[y.notna()] == case.data["call"]["success"]).to_numpy(float)
    w = rows.loc[y.notna(), weight].to_numpy()
    limits = r_profile(w / w.mean(), hit, est.se[k], est.df[k])
    for ours, rs, name in zip((est.ci_low[k], est.ci_high[k]), limits, ("ci_lower", "ci_upper"), strict=True):
        if ours != pytest.approx(row[name], rel=5e-2):
            yield f"{name}: {ours} is not near {row[name]}"
        if rs != pytest.approx(row[name], rel=case.data["tolerance"]["rel"]):
            yield f"{name}: as R {rs}, expected {row[name]}"


def frame_of(case: Any) -> pd.DataFrame:
    rows = pd.read_csv(case.file)
    if case.data["design"].get("weighting"):
        runner = importlib.import_module("tests.test_reference_survey")
        rows[case.data["design"]["weights"]] = runner.survey(case, "pandas", None).weights()
    keep = condition(case.data["call"].get("domain") or [])
    if keep is None:
        return rows
    told = nw.from_native(null_aware_pandas(rows), eager_only=True).select(keep=keep)["keep"].fill_null(False)
    return rows[told.to_numpy()]


def r_fit(w: Any, y: Any) -> tuple[float, float, float]:
    """R's glm of an intercept as it stops: coefficient, information of the step before, deviance."""

    def deviance(mu: Any) -> float:
        return float(-2 * (w * (y * np.log(mu) + (1 - y) * np.log(1 - mu))).sum())

    mu = (w * y + 0.5) / (w + 1)
    eta, last = np.log(mu / (1 - mu)), deviance(mu)
    for _ in range(25):
        weight = w * mu * (1 - mu)
        b = (weight * (eta + (y - mu) / (mu * (1 - mu)))).sum() / weight.sum()
        mu, eta = np.full(len(y), 1 / (1 + math.exp(-b))), np.full(len(y), b)
        now = deviance(mu)
        if abs(now - last) / (abs(now) + 0.1) < 1e-8:
            break
        last = now
    return float(b), float(weight.sum()), now


def r_profile(w: Any, y: Any, se: float, df: float) -> tuple[float, float]:
    """R's confint of svyglm by likelihood: ten steps of a profile, a spline, and a straight line between."""
    from scipy.special import expit
    from scipy.stats import f, norm, t

    start, information, least = r_fit(w, y)
    p, mean, n, used = float(expit(start)), np.average(y, weights=w), len(w), np.count_nonzero(w)
    spread = np.average((y - mean) ** 2, weights=w) / (p * (1 - p)) * used / (used - 1)
    vb = (se / (p * (1 - p))) ** 2
    alpha = norm.cdf(t.ppf(0.025, df) * math.sqrt(vb * information)) / 2
    furthest = math.sqrt(f.isf(alpha, 1, n - 1))
    b, z = [start], [0.0]
    for sign in (-1, 1):
        for step in range(1, 10):
            at = start + sign * step * furthest / 5 * math.sqrt(vb)
            q = float(expit(at))
            deviance = -2 * n * (mean * math.log(q) + (1 - mean) * math.log(1 - q)) - least
            b.append(at)
            z.append(sign * math.sqrt(max(deviance / spread, 0)))
            if abs(z[-1]) >= furthest:
                break
    order = np.argsort(z, kind="stable")
    x, height = np.array(b)[order], np.array(z)[order]
    grid = np.linspace(x[0], x[-1], 3 * len(x))
    cut = norm.ppf(2 * alpha)
    low, high = (float(expit(np.interp(c, fmm_spline(x, height, grid), grid))) for c in (cut, -cut))
    return low, high


def fmm_spline(x: Any, y: Any, at: Any) -> Any:
    """Cubic spline of Forsythe, Malcolm and Moler: the end cubics go through the four outer points."""
    h = np.diff(x)
    n = len(x)
    a, rhs = np.zeros((n, n)), np.zeros(n)
    slope = np.diff(y) / h
    for i in range(1, n - 1):
        a[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        rhs[i] = slope[i] - slope[i - 1]
    second = np.diff(slope) / (x[2:] - x[:-2])
    a[0, :2], rhs[0] = (-h[0], h[0]), h[0] ** 2 * (second[1] - second[0]) / (x[3] - x[0])
    a[-1, -2:] = h[-1], -h[-1]
    rhs[-1] = -(h[-1] ** 2) * (second[-1] - second[-2]) / (x[-1] - x[-4])
    c = np.linalg.solve(a, rhs)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    d = at - x[i]
    b = slope[i] - h[i] * (c[i + 1] + 2 * c[i])
    return y[i] + d * (b + d * (3 * c[i] + d * (c[i + 1] - c[i]) / h[i]))


LIMITS = {"likelihood": likelihood}

# ------------------------------------------------------------------------------------- quantiles and moments


def quantile(case: Any, survey: Survey) -> Iterator[str]:
    call, expected = case.data["call"], case.data["expected"]
    # R's shahvaish mixes weights of two scales; its rule stands under a name of its own
    rule = {"shahvaish": "shahvaish_r"}.get(call["qrule"], call["qrule"])
    est = survey.quantile(
        call["variables"][0],
        call["probs"],
        where=condition(call.get("domain") or []),
        rule=rule,
        ci=call["interval_type"],
        level=call["ci"]["level"],
    )
    low, high, se = est.ci_low, est.ci_high, est.se
    if call["interval_type"] == "score":
        low, high = (
            as_r_reads_score(case, limits, [row[name] for row in expected["rows"]])
            for limits, name in ((low, "ci_lower"), (high, "ci_upper"))
        )
        se = se * (high - low) / (est.ci_high - est.ci_low)
    if est.df_design != expected["df_design"]:
        yield f"df_design {est.df_design}"
    for k, row in enumerate(expected["rows"]):
        for name, got in (("estimate", est.estimate), ("se", se), ("ci_lower", low), ("ci_upper", high)):
            if got[k] != pytest.approx(row[name], rel=case.data["tolerance"]["rel"]):
                yield f"{row['prob']}: {name} {got[k]} is not {row[name]}"
        if est.df[k] != row["df"]:
            yield f"df {est.df[k]} is not {row['df']}"


def as_r_reads_score(case: Any, limits: Any, wanted: list[float]) -> Any:
    """R finds the same limit, takes the unweighted share of rows below it, and reads that as a quantile.

    Its root finder ends just above or just below the value where the test turns, so both are tried.
    """
    rows = pd.read_csv(case.file)
    y = rows[case.data["call"]["variables"][0]].to_numpy()
    w = rows[case.data["design"]["weights"]].to_numpy()
    order = np.argsort(y, kind="stable")
    share = np.cumsum(w[order]) / w.sum()
    out = []
    for limit, want in zip(limits, wanted, strict=True):
        below = [(y < limit).mean(), (y <= limit).mean()]
        read = [float(y[order][np.searchsorted(share, p - 1e-12)]) for p in below]
        out.append(min(read, key=lambda value, want=want: abs(value - want)))
    return np.array(out)


def condition(terms: list[dict[str, Any]]) -> nw.Expr | None:
    """The bank's domain conditions, as the runner reads them."""
    made: nw.Expr | None = importlib.import_module("tests.test_reference_survey").condition(terms)
    return made


def var(case: Any, survey: Survey) -> Iterator[str]:
    call, expected = case.data["call"], case.data["expected"]
    where = condition(call.get("domain") or [])
    est = survey.variance(call["variables"][0], where=where, level=call["ci"]["level"])
    (row,) = expected["rows"]
    names = {"estimate": "estimate", "se": "se", "ci_low": "ci_lower", "ci_high": "ci_upper", "df": "df"}
    for ours, theirs in names.items():
        if getattr(est, ours)[0] != pytest.approx(row[theirs], rel=case.data["tolerance"]["rel"]):
            yield f"{ours}: {getattr(est, ours)[0]} is not {row[theirs]}"


# --------------------------------------------------------------------------- imputations, publication, design


def multiple_imputation(case: Any, survey: Survey) -> Iterator[str]:
    from scipy.stats import t

    call, expected = case.data["call"], case.data["expected"]
    (columns,) = call["imputed_columns"]
    ask: dict[str, Callable[[str], Any]] = {
        "mean": lambda y: survey.mean(y),
        "mean by race": lambda y: survey.mean(y, by="race"),
        "glm logistic": lambda y: survey.glm(f"{y} ~ factor(race) + RIAGENDR", "quasibinomial"),
    }
    both = combine_imputations([ask[call["inner"]](y) for y in columns], df_complete=expected["df_complete"])
    for k, row in enumerate(expected["rows"]):
        checks = {
            "estimate": both.estimate,
            "se": both.se,
            "within": both.within,
            "between": both.between,
            "df_rubin": both.df_rubin,
            "df_barnard_rubin_1999": both.df,
            "fraction_missing_information": both.missing_information,
        }
        for name, got in checks.items():
            if got[k] != pytest.approx(row[name], rel=case.data["tolerance"]["rel"]):
                yield f"{row['variable']}: {name} {got[k]} is not {row[name]}"
        limit = both.estimate[k] + t.ppf(0.975, row["df_barnard_rubin"]) * both.se[k]
        if limit != pytest.approx(row["ci_upper"], rel=case.data["tolerance"]["rel"]):
            yield f"{row['variable']}: upper limit with the df of mitools {limit} is not {row['ci_upper']}"


def publication(case: Any, survey: Survey) -> Iterator[str]:
    call = case.data["call"]
    est = survey.proportion(
        call["variables"][0],
        by=call.get("by"),
        where=condition(call.get("domain") or []),
        success=call["success"],
    )
    keys = [tuple(str(code) for code in domain) for domain in est.domains]
    for row in case.data["expected"]["rows"]:
        k = keys.index(tuple(str(row["key"][name]) for name in est.domain_names)) if "key" in row else 0
        yield from decisions(case, est, row, k)


def decisions(case: Any, est: Estimates, row: dict[str, Any], k: int) -> Iterator[str]:
    p, n, se, df = est.estimate[k], est.n[k], est.se[k], est.df[k]
    rule = nchs_proportion(p, n, se, df)
    numbers = {
        "n": n,
        "events": est.n_positive[k],
        "estimate": p,
        "se": se,
        "df": df,
        "n_eff": rule.n_eff,
        "n_eff_df_adjusted": rule.n_eff_adjusted,
        "ci_lower": rule.ci_low,
        "ci_upper": rule.ci_high,
        "ci_width": rule.width,
        "relative_width_percent": 100 * rule.relative_width,
        "cv_percent": 100 * est.cv[k],
    }
    tolerance = case.data["tolerance"]
    for name, got in numbers.items():
        if name in row and got != pytest.approx(row[name], rel=tolerance["rel"], abs=tolerance["abs"]):
            yield f"{row.get('key')}: {name} {got} is not {row[name]}"
    words = {
        "nchs": rule.decision,
        "nchs_reason": rule.reason,
        "dhs": dhs_mics(n),
        "ine_chile_2020": ine_chile_2020(p, n, se, df),
    }
    for name, word in words.items():
        if word != row.get(name, ""):
            yield f"{row.get('key')}: {name} {word} is not {row.get(name)}"
    if [flag for flag in rule.flags if flag.startswith("review")] != row["flags"]:
        yield f"{row.get('key')}: flags {rule.flags} are not {row['flags']}"


def kish(case: Any, survey: Survey | None) -> Iterator[str]:
    from survey_toolkit.estimation import kish_design_effect

    call = case.data["call"]
    bank = Path(os.environ["SURVEY_TOOLKIT_REFERENCE"]) / "survey"
    w = pd.read_csv(bank / f"{call['dataset']}.csv")[call["weights"]]
    got = kish_design_effect(w.to_numpy())
    if got != pytest.approx(case.data["expected"]["deff"], rel=1e-9):
        yield f"{got} is not {case.data['expected']['deff']}"


DESIGN_STEPS = {"weighting": weighting}
STATISTICS = {
    "weights": weights,
    "quantile": quantile,
    "var": var,
    "multiple_imputation": multiple_imputation,
    "publication_rules": publication,
    "kish_deff_weights": kish,
}
REASONS = {"missing values refused"}
