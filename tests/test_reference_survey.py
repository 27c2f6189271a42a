"""Every case of a reference bank in the survey layout, through one generic runner.

The bank is named by SURVEY_TOOLKIT_REFERENCE (its folder ``survey`` holds one CSV and one JSON a data set).
A case that the room cannot run yet is listed by reason in :data:`NOT_BUILT`, and
``test_what_is_not_built_is_listed`` records the count of each and fails on a reason that is not listed.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.estimation import PROPORTION_INTERVALS, Estimates, Survey, SurveyDesign

BANK = Path(os.environ.get("SURVEY_TOOLKIT_REFERENCE", "/nonexistent")) / "survey"

if not BANK.is_dir():
    pytest.skip("SURVEY_TOOLKIT_REFERENCE names no reference bank", allow_module_level=True)

pytestmark = pytest.mark.reference

STATISTICS = ("mean", "total", "ratio", "proportion")

# Modules beside the room's tests that build designs or run statistics of the bank:
#   DESIGN_STEPS {step: (case, survey, bank folder) -> Survey}, applied in the order of STEPS;
#   STATISTICS {statistic: (case, survey or None) -> problems as text};
#   LIMITS {interval: (case, estimates, expected row, index) -> problems}, where R's limits are not ours;
#   REASONS {reason of NOT_BUILT that no longer holds}.
PARTS = [
    importlib.import_module(f"tests.estimation.{path.stem}")
    for path in sorted((Path(__file__).parent / "estimation").glob("reference_3*.py"))
]
STEPS = ("pps", "replicate", "convert", "weighting")
DESIGN_STEPS = {k: v for part in PARTS for k, v in getattr(part, "DESIGN_STEPS", {}).items()}
MORE_STATISTICS = {k: v for part in PARTS for k, v in getattr(part, "STATISTICS", {}).items()}
LIMITS = {k: v for part in PARTS for k, v in getattr(part, "LIMITS", {}).items()}
REASONS = {reason for part in PARTS for reason in getattr(part, "REASONS", ())}

# Why cases of the bank wait for a later module. Remove a line when its module is built.
NOT_BUILT = frozenset(
    {
        "design step weighting",
        "first stage alone under weights implied by all stages",
        "interval likelihood",
        "missing values refused",
        "statistic allocation",
        "statistic chisq",
        "statistic contrast",
        "statistic glm",
        "statistic kish_deff_weights",
        "statistic multiple_imputation",
        "statistic publication_rules",
        "statistic quantile",
        "statistic ranktest",
        "statistic sample_size_logodds",
        "statistic sample_size_mean",
        "statistic sample_size_proportion",
        "statistic sample_size_two_proportions",
        "statistic sample_size_wilson",
        "statistic ttest",
        "statistic var",
        "statistic weights",
    }
)


@dataclass(frozen=True)
class Case:
    """One case, and the folder its data stand in."""

    data: dict[str, Any]
    file: Path | None

    @property
    def id(self) -> str:
        return str(self.data["id"])


def load_cases() -> list[Case]:
    cases = []
    for path in sorted(BANK.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if "cases" not in document:
            continue
        file = (document.get("dataset") or {}).get("file")
        cases += [Case(c, BANK / file if file else None) for c in document["cases"]]
    return cases


def reason_not_built(case: Case) -> str | None:
    """Why a case cannot run yet; None when it can."""
    call, design = case.data["call"], case.data.get("design") or {}
    statistic = call["statistic"]
    reasons = [f"design step {step}" for step in STEPS if design.get(step) and step not in DESIGN_STEPS]
    if statistic not in STATISTICS and statistic not in MORE_STATISTICS:
        reasons.insert(0, f"statistic {statistic}")
    if "weights" not in design and design.get("ultimate_cluster"):
        reasons.append("first stage alone under weights implied by all stages")
    if (call.get("ci") or {}).get("method", "wald_t") not in ("wald_t", *PROPORTION_INTERVALS):
        reasons.append(f"interval {call['ci']['method']}")
    if call.get("missing") == "fail" and "NA" in str(case.data["expected"].get("r_message", "")):
        reasons.append("missing values refused")
    return next((reason for reason in reasons if reason not in REASONS), None)


CASES = load_cases()
RUNNABLE = [case for case in CASES if reason_not_built(case) is None]


def condition(terms: list[dict[str, Any]]) -> nw.Expr | None:
    """The bank's domain conditions, joined by AND."""
    parts = []
    for term in terms:
        column, value = nw.col(term["var"]), term["value"]
        parts.append(
            {
                "==": lambda c=column, v=value: c == v,
                "!=": lambda c=column, v=value: c != v,
                ">": lambda c=column, v=value: c > v,
                ">=": lambda c=column, v=value: c >= v,
                "<": lambda c=column, v=value: c < v,
                "<=": lambda c=column, v=value: c <= v,
                "in": lambda c=column, v=value: c.is_in(v),
                "between": lambda c=column, v=value: (c >= v[0]) & (c <= v[1]),
                "notna": lambda c=column, v=value: ~c.is_null(),
                "isna": lambda c=column, v=value: c.is_null(),
            }[term["op"]]()
        )
    return nw.all_horizontal(*parts, ignore_nulls=False) if parts else None


@functools.cache
def frame(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, keep_default_na=False, na_values=[""])


@functools.cache
def parquet(file: Path, folder: Path) -> Path:
    """The data set as Parquet, where the names survive: DuckDB does not tell 'nh' from 'Nh'."""
    path = folder / f"{file.stem}.parquet"
    data = frame(file)
    lower = data.columns.str.lower()
    data.loc[:, ~lower.duplicated(keep="last")].to_parquet(path, index=False)
    return path


def survey(case: Case, engine: str, folder: Path) -> Survey:
    spec = case.data["design"]
    assert case.file is not None
    data: Any = frame(case.file)
    if spec.get("use_rows"):
        data = data.loc[keep_rows(data, spec["use_rows"])]
    elif engine == "parquet" and not {*spec.get("fpc", [])} - {
        *data.columns[~data.columns.str.lower().duplicated(keep="last")]
    }:
        data = parquet(case.file, folder)
    stages = 1 if spec.get("ultimate_cluster") else None
    design = SurveyDesign(
        weight=spec.get("weights"),
        strata=(spec.get("strata") or [])[:stages] or None,
        psu=(spec.get("psu") or [])[:stages] or None,
        fpc=(spec.get("fpc") or [])[:stages] or None,
        nest=bool(spec.get("nest")),
        lonely_psu=spec.get("lonely_psu", "fail"),
        adjust_domain_lonely=bool(spec.get("adjust_domain_lonely")),
    )
    sv = Survey(data, design)
    for step in STEPS:
        if spec.get(step):
            sv = DESIGN_STEPS[step](case, sv, BANK)
    return sv


def keep_rows(data: Any, terms: list[dict[str, Any]]) -> Any:
    frame = nw.from_native(data, eager_only=True)
    expression = condition(terms)
    assert expression is not None
    return frame.select(keep=expression.fill_null(False))["keep"].to_numpy()


def call(case: Case, sv: Survey, df: Any) -> Estimates:
    """Make the call of a case with a rule for the degrees of freedom."""
    spec = case.data["call"]
    ci = spec.get("ci") or {}
    options: dict[str, Any] = {
        "by": spec.get("by"),
        "where": condition(spec.get("domain") or []),
        "level": ci.get("level", 0.95),
        "df": df,
        "deff": {"wor": "wor", "replace": "wr"}.get(spec.get("deff"), "wr"),
    }
    statistic, variables = spec["statistic"], spec["variables"]
    if statistic == "proportion":
        return sv.proportion(variables[0], success=spec.get("success"), ci=ci["method"], **options)
    if statistic == "mean" and spec.get("categorical"):
        return sv.proportion(variables[0], ci="mean", **options)
    if statistic == "mean":
        missing = "refuse" if spec.get("missing") == "fail" else "exclude"
        return sv.mean(variables, missing=missing, **options)
    if statistic == "total":
        return sv.total(variables, categorical=spec.get("categorical"), **options)
    return sv.ratio(variables[0], spec["denominator"][0], **options)


def df_rule(case: Case) -> Any:
    spec = case.data["call"]
    rule = (spec.get("ci") or {}).get("df", "design")
    if rule is None:
        return math.inf
    if rule == "domain" or (spec["statistic"] != "proportion" and not spec.get("by")):
        return "domain"
    return rule


def number(value: Any) -> float:
    return (
        {"NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}.get(value, value)
        if isinstance(value, str)
        else value
    )


def degenerate(case: Case, row: dict[str, Any]) -> bool:
    """R has no variance here: no equality is asked for, only honesty."""
    if "degenerate_in_R" not in case.data["tags"]:
        return False
    values = [number(row.get(k)) for k in ("ci_lower", "ci_upper")]
    no_events = row.get("n_positive") in (0, row.get("n_unweighted"))
    return no_events or number(row["se"]) == 0 or any(v is None or math.isnan(v) for v in values)


def find(est: Estimates, row: dict[str, Any]) -> int:
    """Index of the estimate that a row of the expectation speaks of."""
    key = dict(row.get("key") or {})
    if "level" in est.domain_names:
        key["level"] = row["level"]
    if "variable" in est.domain_names:
        key["variable"] = row["variable"]
    wanted = tuple(str(key[name]) for name in est.domain_names)
    return [tuple(str(code) for code in domain) for domain in est.domains].index(wanted)


def close(case: Case, got: float, *accepted: Any) -> bool:
    tolerance = case.data["tolerance"]
    return any(
        got == pytest.approx(number(value), rel=tolerance["rel"], abs=tolerance["abs"], nan_ok=True)
        for value in accepted
        if value is not None
    )


def mismatches(case: Case, est: Estimates, by_domain: Estimates) -> Iterator[str]:
    """What differs from the expectation, as text."""
    expected = case.data["expected"]
    assert len(est) == len(expected["rows"]), f"{len(est)} rows, expected {len(expected['rows'])}"
    if expected.get("df_design") is not None and est.df_design != expected["df_design"]:
        yield f"df_design {est.df_design} != {expected['df_design']}"
    for row in expected["rows"]:
        k = find(est, row)
        where = str(row.get("key") or row.get("variable"))
        if row.get("df_domain") == 0 and number(row["se"]) == 0 and est.n[k] == 0:
            if not math.isnan(est.estimate[k]):
                yield f"{where}: an empty domain must be missing"
            continue
        yield from wrong_numbers(case, est, row, k)
        if "df_domain" in row and by_domain.df[k] != row["df_domain"]:
            yield f"{where}: df_domain {by_domain.df[k]} != {row['df_domain']}"
        if degenerate(case, row):
            yield from dishonest(est, k, where)
        else:
            yield from wrong_limits(case, est, row, k)
    yield from wrong_vcov(case, est)


def wrong_numbers(case: Case, est: Estimates, row: dict[str, Any], k: int) -> Iterator[str]:
    checks = {"estimate": [row["estimate"]], "se": [row["se"], row.get("se_full_sample")]}
    for ours, theirs in (("deff", "deff"), ("n", "n_unweighted"), ("n_positive", "n_positive")):
        if theirs in row:
            checks[ours] = [row[theirs]]
    for name, accepted in checks.items():
        if not close(case, getattr(est, name)[k], *accepted):
            yield f"{row.get('key')}: {name} {getattr(est, name)[k]!r} not in {accepted}"


def dishonest(est: Estimates, k: int, where: Any) -> Iterator[str]:
    low, high, p = est.ci_low[k], est.ci_high[k], est.estimate[k]
    if est.df[k] <= 0 and 0 < p < 1 and math.isnan(low):
        return  # one PSU: nothing can be said
    if not (0 <= low <= p <= high <= 1 and high - low > 1 / (est.n[k] + 1) / 2):
        yield f"{where}: no honest interval without variance: [{low}, {high}]"


def wrong_limits(case: Case, est: Estimates, row: dict[str, Any], k: int) -> Iterator[str]:
    if "ci_lower" not in row:
        return
    if est.df[k] != number(row["df"]):
        yield f"{row.get('key')}: df {est.df[k]} != {row['df']}"
    if "se_full_sample" in row and not close(case, est.se[k], row["se"]):
        half = (est.ci_high[k] - est.ci_low[k]) / 2 / est.se[k]
        asked = (number(row["ci_upper"]) - number(row["ci_lower"])) / 2 / row["se"]
        if half != pytest.approx(asked, rel=1e-8):
            yield f"{row.get('key')}: t quantile {half} != {asked}"
        return
    method = case.data["call"]["ci"]["method"]
    if method in LIMITS:
        yield from LIMITS[method](case, est, row, k)
        return
    other = row.get("ci_alternative_df_adjusted") or [None, None]
    for got, name, second in ((est.ci_low[k], "ci_lower", other[0]), (est.ci_high[k], "ci_upper", other[1])):
        if not close(case, got, row[name], second):
            yield f"{row.get('key')}: {name} {got!r} not in {[row[name], second]}"


def wrong_vcov(case: Case, est: Estimates) -> Iterator[str]:
    expected = case.data["expected"]
    if "vcov" not in expected:
        return
    labels = [".".join(str(code) for code in domain) for domain in est.domains]
    order = [labels.index(str(name)) for name in expected["vcov_names"]]
    wanted = np.array([[number(v) for v in line] for line in expected["vcov"]], dtype=float)
    got = est.vcov[np.ix_(order, order)]
    scale = np.sqrt(np.outer(np.diagonal(wanted), np.diagonal(wanted)))
    off = np.abs(got - wanted) > case.data["tolerance"]["rel"] * 10 * scale + case.data["tolerance"]["abs"]
    if off.any():
        yield f"vcov differs by up to {np.abs(got - wanted).max():.3g}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bank")


@pytest.mark.parametrize("engine", ["pandas", "parquet"])
@pytest.mark.parametrize("case", RUNNABLE, ids=lambda c: c.id)
def test_case(case: Case, engine: str, folder: Path) -> None:
    if case.data["call"]["statistic"] in MORE_STATISTICS:
        built = survey(case, engine, folder) if case.file is not None else None
        problems = list(MORE_STATISTICS[case.data["call"]["statistic"]](case, built))
        assert not problems, "\n".join([case.data["human"], *problems])
        return
    if case.data["expected"].get("error"):
        with pytest.raises(SurveyToolkitError):
            call(case, survey(case, engine, folder), "design")
        return
    sv = survey(case, engine, folder)
    problems = list(mismatches(case, call(case, sv, df_rule(case)), call(case, sv, "domain")))
    assert not problems, "\n".join([case.data["human"], *problems])


def test_what_is_not_built_is_listed(record_property: Callable[[str, object], None]) -> None:
    reasons = Counter(reason for case in CASES if (reason := reason_not_built(case)) is not None)
    record_property(
        "survey reference cases", f"{len(RUNNABLE)} of {len(CASES)} run; waiting: {dict(reasons)}"
    )
    assert RUNNABLE, "a bank without a runnable case proves nothing"
    assert set(reasons) <= NOT_BUILT - REASONS
