"""Generic runner for banks of multiple-systems reference cases.

Any folder under ``$SURVEY_TOOLKIT_REFERENCE`` that holds ``datasets.json`` with capture tables and
``cases_*.json`` is run: each case is dispatched by its ``method``, and every leaf of ``expected`` is compared
with the tolerance the case states. What is not built yet stands in ``UNSUPPORTED``, by reason.
"""

from __future__ import annotations

import csv
import json
import os
import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError

pytestmark = pytest.mark.reference

_BANK = os.environ.get("SURVEY_TOOLKIT_REFERENCE")
if not _BANK:
    pytest.skip("SURVEY_TOOLKIT_REFERENCE is not set", allow_module_level=True)

UNSUPPORTED = {
    "bayes.decomposable_bma": "Bayesian methods",
    "bayes.latent_class": "Bayesian methods",
    "bayes.loglinear_rjmcmc": "Bayesian methods",
    "bayes.threshold": "Bayesian methods",
    "bootstrap.bca": "bootstrap",
    "bootstrap.rank_of_minimum": "bootstrap",
    "closed.bias_corrected": "closed-population models (M0, Mt, Mb, Mh, Mth)",
    "closed.heterogeneity": "closed-population models (M0, Mt, Mb, Mh, Mth)",
    "covariates.doubly_robust": "covariates",
    "covariates.huggins_alho": "covariates",
    "covariates.list_absent_in_stratum": "covariates",
    "covariates.loglinear": "covariates",
    "covariates.partially_observed_em": "covariates",
    "covariates.tilling_sterne": "covariates",
    "headline.range": "background figure",
    "identifying.highest_order": "sensitivity to the identifying assumption",
    "identifying.two_list_odds_ratio": "sensitivity to the identifying assumption",
    "known_truth": "background figure",
    "linkage_error.ding_fienberg": "linkage error",
    "loglinear.censored_cells": "suppressed cells",
    "sample_coverage": "sample coverage",
    "sensitivity.internal_consistency": "internal consistency",
    "sensitivity.internal_consistency_summary": "internal consistency",
    "simulation.coverage": "background figure",
    "single_source": "one-list estimators",
    "single_source.ace": "one-list estimators",
    "two_list.stratified": "strata",
}
# Leaves of supported cases that need a method not built yet.
UNSUPPORTED_LEAVES: dict[tuple[str, str], str] = {}
# Leaves that contradict what their own case says they are, with what was found; each must still disagree.
DISPUTED = {
    ("pub-epiR-pair", "ci95"): "labelled exact binomial limits of m/n2 inverted; those are 2,992 to 5,524",
}
_HETEROGENEITY = "closed-population models (M0, Mt, Mb, Mh, Mth)"


def _folders(root: Path) -> Iterator[Path]:
    for listing in sorted(root.rglob("datasets.json")):
        entries = json.loads(listing.read_text(encoding="utf-8"))
        if isinstance(entries, list) and any(e.get("kind") == "capture_table" for e in entries):
            yield listing.parent


def _cases() -> list[tuple[Path, dict[str, Any]]]:
    return [
        (folder, case)
        for folder in _folders(Path(str(_BANK)))
        for file in sorted(folder.glob("cases_*.json"))
        for case in json.loads(file.read_text(encoding="utf-8"))
    ]


def _unsupported(case: dict[str, Any]) -> str | None:
    if (
        case["method"] == "ci.profile"
        and "ci.profile" not in FOLDER_RUNNERS
        and (case["options"].get("heterogeneity") or case["options"]["model"] in ("M0", "Mh", "Mb"))
    ):
        return _HETEROGENEITY
    return UNSUPPORTED.get(case["method"])


CASES = _cases()


@cache
def _data(folder: Path, dataset: str) -> ms.CaptureHistories:
    entry = next(e for e in json.loads((folder / "datasets.json").read_text("utf-8")) if e["id"] == dataset)
    with (folder / entry["file"]).open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    columns = {
        name: [int(r[name]) for r in rows]
        for name in [*entry["lists"], *(["count"] if "count" in rows[0] else [])]
    }
    if entry["kind"] == "individual_covariates":
        return ms.CaptureHistories.from_records(columns, entry["lists"])
    return ms.CaptureHistories.from_counts(columns, entry["lists"], duplicates="sum")


def _position_string(generators: tuple[tuple[str, ...], ...], lists: tuple[str, ...]) -> str:
    return "[" + ",".join("".join(str(lists.index(n) + 1) for n in g) for g in generators) + "]"


def _interactions(model: str, lists: tuple[str, ...]) -> list[tuple[str, ...]]:
    parts = model.strip("[]").split(",")
    return [tuple(lists[int(d) - 1] for d in p) for p in parts if len(p) > 1]


def _refusal_code(data: ms.CaptureHistories, interactions: list[tuple[str, ...]]) -> dict[str, Any]:
    verdict = ms.check_existence(data, interactions)
    if not verdict.ok:
        with pytest.raises(EstimationError) as caught:
            ms.loglinear(data, interactions)
        named = verdict.infinite_terms + verdict.unidentified_terms
        assert named
        assert all(term in str(caught.value) for term in named)
    return {
        "mle_exists": verdict.exists,
        "identifiable": verdict.identifiable,
        "checkident_code": verdict.code,
        "boundary_terms": list(verdict.boundary_terms),
    }


def _fit(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    model = case["options"]["model"]
    if model.startswith("main effects plus"):
        fit = ms.loglinear(data, [data.lists], hierarchical=False)
        return {"estimate": fit.estimate, "stderr": fit.se, "aic": fit.aic}
    interactions = [] if model == "main effects only" else _interactions(model, data.lists)
    out = {
        "n_obs": data.n_observed,
        "n_cells_total": 2**data.n_lists - 1,
        **_refusal_code(data, interactions),
    }
    sizes = ms.check_existence(data, interactions).sizes
    out |= zip(("n_cells_used", "n_terms_total", "n_terms_finite"), sizes, strict=True)
    if out["checkident_code"]:
        return {**out, "estimate": None}
    fit = ms.loglinear(data, interactions, ci="wald")
    # The published interval labelled Wald is the profile likelihood of the Poisson intercept, to six digits.
    poisson = ms.loglinear(data, interactions, ci="profile_poisson")
    return {**out, **_fit_leaves(fit), "ci95": [poisson.ci_low, poisson.ci_high]}


def _fit_leaves(fit: ms.PopulationSize) -> dict[str, Any]:
    interval = [fit.ci_low, fit.ci_high]
    return {
        "estimate": fit.estimate,
        "dark_figure": fit.dark_figure,
        "loglik": fit.loglik,
        "deviance": fit.deviance,
        "pearson_x2": fit.pearson,
        "df": fit.df,
        "aic": fit.aic,
        "bic": fit.bic,
        "aicc_n": fit.aicc,
        "se_log_dark": fit.diagnostics["se_log_dark"],
        "se_N": fit.se,
        "wald_log_ci95": interval,
        "coef": {c.term: "-inf" if c.estimate == float("-inf") else c.estimate for c in fit.coefficients},
        "se_coef": {c.term: c.se for c in fit.coefficients},
    }


def _select(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    options, expected = case["options"], case["expected"]
    fit = ms.select(data, "hierarchical", options["criterion"], max_order=options["max_order"], ci="wald")
    chosen = fit.selection
    assert chosen is not None
    ranked = {_position_string(m.generators, data.lists): m for m in chosen.ranked}
    # Ties may be ordered either way: look models up by name, and compare the sorted values by position.
    top = [
        {"model": e["model"], "estimate": ranked[e["model"]].estimate, "value": chosen.values[i]}
        for i, e in enumerate(expected["top10"])
    ]
    best = expected["best_model"]
    tied = abs(ranked[best].delta) < 1e-6
    return {
        "n_models_considered": chosen.n_considered,
        "n_models_valid": chosen.n_valid,
        "best_model": best if tied else _position_string(fit.generators, data.lists),
        "estimate": ranked[best].estimate if tied else fit.estimate,
        "criterion_value": chosen.values[0],
        "top10": top,
        "weight_top": chosen.ranked[0].weight,
        "model_averaged_estimate": chosen.averaged_estimate,
        "model_averaged_se_buckland": chosen.averaged_se,
        "estimate_min": chosen.estimates.min(),
        "estimate_max": chosen.estimates.max(),
    }


def _downhill(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    order = case["options"]["max_order"]
    fit = ms.select(data, "hierarchical", "bic", max_order=order, search="downhill", ci="wald")
    return {"estimate": fit.estimate}


def _stepwise(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    p = case["options"]["p_threshold"]
    levels = {0.95: ("0.025", "0.975"), 0.8: ("0.1", "0.9")}
    quantiles = {}
    for level, (low, high) in levels.items():
        fit = ms.stepwise(data, p, ci="wald", level=level)
        quantiles[low], quantiles[high] = fit.ci_low, fit.ci_high
    return {
        "estimate": fit.estimate,
        "wald_log_quantiles": quantiles,
        "path": [{"added": list(s.added), "p_value": s.p_value} for s in fit.path],
        "n_terms_added": len(fit.path),
        # With every pair in, the bank writes 1 where we write None.
        "smallest_p_not_added": 1 if len(fit.path) == len(data.overlaps()) else fit.smallest_p_not_entered,
        "boundary_terms": list(fit.boundary_terms),
        "aic": fit.aic,
        "bic": fit.bic,
    }


def _stepwise_aic(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    p = 0.0 if case["options"]["main_effects_only"] else case["options"]["p_threshold"]
    fits = [ms.stepwise_aic(data, p, level=level) for level in (0.95, 0.8)]
    low, high = [f.ci_low for f in fits], [f.ci_high for f in fits]
    return {
        "quantiles": {"0.025": low[0], "0.1": low[1], "0.9": high[1], "0.975": high[0]},
        "multinomial_estimate": fits[0].diagnostics["multinomial_estimate"],
    }


def _existence(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    scan = ms.scan_existence(data)
    t = data.n_lists
    pairs = [(data.lists[a], data.lists[b]) for a in range(t) for b in range(a + 1, t)]
    return {
        "n_models": scan.n_models,
        "n_ok": scan.n_ok,
        "n_no_mle": scan.n_no_mle,
        "n_not_identifiable": scan.n_not_identifiable,
        "n_both": scan.n_both,
        "empty_overlaps": [list(p) for p in scan.empty_overlaps],
        "n_overlapping_triples": scan.n_overlapping_triples,
        "failing_models": [
            {"model": _position_string(g, data.lists), "code": code} for g, code in scan.failing.items()
        ],
        "full_pairwise_code": ms.check_existence(data, pairs).code,
    }


def _profile(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    model = case["options"]["model"]
    interactions = [] if model == "Mt" else _interactions(model, data.lists)
    fit = ms.loglinear(data, interactions, level=case["options"]["level"])
    return {
        "poisson_estimate": fit.estimate,
        "poisson_stderr": fit.se,
        "multinomial_estimate": fit.diagnostics["multinomial_estimate"],
        "profile_ci": [fit.ci_low, fit.ci_high],
        "deviance": fit.deviance,
        "df": fit.df,
        "aic": fit.aic,
        "bic": fit.bic,
    }


def _two_list(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    pair = tuple(case["options"].get("lists", data.lists))
    wald = ms.two_list(data, pair, ci="wald")  # type: ignore[arg-type]
    log = ms.two_list(data, pair)  # type: ignore[arg-type]
    out = {
        "n1": wald.diagnostics["n1"],
        "n2": wald.diagnostics["n2"],
        "m": wald.diagnostics["overlap"],
        "n_union": wald.n,
        "chapman": wald.estimate,
        "chapman_se_seber": wald.se,
        "chapman_wald_ci": [wald.ci_low, wald.ci_high],
        "chapman_log_ci_chao1987": [log.ci_low, log.ci_high],
        "lp_defined": False,
    }
    if out["m"] == 0:
        with pytest.raises(EstimationError, match="without overlap"):
            ms.two_list(data, pair, estimator="lincoln_petersen")  # type: ignore[arg-type]
        return out
    lp = ms.two_list(data, pair, estimator="lincoln_petersen")  # type: ignore[arg-type]
    exact = ms.two_list(data, pair, estimator="lincoln_petersen", ci="exact")  # type: ignore[arg-type]
    return {
        **out,
        "lp_defined": True,
        "lincoln_petersen": lp.estimate,
        "lp_se_seber": lp.se,
        "lp_log_ci": [lp.ci_low, lp.ci_high],
        "ci95": [exact.ci_low, exact.ci_high],
    }


def _sensitivity(data: ms.CaptureHistories, case: dict[str, Any]) -> dict[str, Any]:
    if "omit" in case["options"]:
        omit = case["options"]["omit"]
        data = data.drop([omit] if isinstance(omit, str) else omit)
    else:
        parts = case["options"]["merge"]
        data = data.merge({"+".join(parts): parts})
    try:
        main = ms.loglinear(data, ci="wald").estimate
    except EstimationError:
        return {"n_observed": data.n_observed, "should_refuse": True}
    best = ms.select(data, "pairwise", "bic", ci="wald")
    return {
        "n_observed": data.n_observed,
        "should_refuse": False,
        "independence": main,
        "stepwise_p02": ms.stepwise(data, 0.02, ci="wald").estimate,
        "bic_pairwise": best.estimate,
        "bic_model": _position_string(best.generators, data.lists),
    }


# Handlers of the parts beside this file: HANDLERS take (table, case), FOLDER_HANDLERS (folder, case); a part
# may dispute leaves, with its reason.
FOLDER_RUNNERS: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {}
RUNNERS: dict[str, Callable[[ms.CaptureHistories, dict[str, Any]], dict[str, Any]]] = {
    "ci.profile": _profile,
    "existence.scan": _existence,
    "loglinear.fit": _fit,
    "loglinear.select": _select,
    "loglinear.select_downhill": _downhill,
    "loglinear.stepwise_aic_bhs": _stepwise_aic,
    "loglinear.stepwise_poisson_p": _stepwise,
    "sensitivity.merge_lists": _sensitivity,
    "sensitivity.omit_list": _sensitivity,
    "two_list": _two_list,
}
for _part in sorted((Path(__file__).parent / "multiple_systems").glob("reference_4*.py")):
    _names = runpy.run_path(str(_part))
    RUNNERS |= _names.get("HANDLERS", {})
    FOLDER_RUNNERS |= _names.get("FOLDER_HANDLERS", {})
    DISPUTED |= _names.get("DISPUTED", {})
for _method in [*RUNNERS, *FOLDER_RUNNERS]:
    UNSUPPORTED.pop(_method, None)
SUPPORTED = [(f, c) for f, c in CASES if not _unsupported(c) and c["strength"] != "context"]


def _run(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    if case["method"] in FOLDER_RUNNERS:
        return FOLDER_RUNNERS[case["method"]](folder, case)
    return RUNNERS[case["method"]](_data(folder, case["dataset"]), case)


def _differences(expected: Any, actual: Any, case: dict[str, Any], key: str, rule: Any) -> Iterator[str]:
    """Compare leaf by leaf; a tolerance entry for a key covers its children."""
    own = rule[key] if isinstance(rule, dict) and isinstance(rule.get(key), dict) else rule
    rule = case["tolerance"].get(key, own)
    if rule == "ignore" or (isinstance(rule, dict) and rule.get("ignore")):
        return
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            yield f"{key}: {actual!r} is no mapping"
            return
        for name, value in expected.items():
            if (case["method"], name) in UNSUPPORTED_LEAVES or (case["id"], name) in DISPUTED:
                continue
            if name not in actual:
                yield f"{key}.{name}: not computed"
            else:
                yield from _differences(value, actual[name], case, name, rule)
    elif isinstance(expected, list):
        yield from _list_differences(expected, actual, case, key, rule)
    elif isinstance(expected, int | float) and not isinstance(expected, bool):
        yield from _number_difference(expected, actual, key, rule)
    elif expected != actual:
        yield f"{key}: {actual!r} is not {expected!r}"


def _list_differences(
    expected: list[Any], actual: Any, case: dict[str, Any], key: str, rule: Any
) -> Iterator[str]:
    if not isinstance(actual, list) or len(actual) != len(expected):
        yield f"{key}: {actual!r} is not {expected!r}"
        return
    if key == "failing_models":  # a set of models
        expected, actual = (sorted(x, key=lambda m: m["model"]) for x in (expected, actual))
    for e, a in zip(expected, actual, strict=True):
        yield from _differences(e, a, case, key, rule)


def _number_difference(expected: float, actual: Any, key: str, rule: Any) -> Iterator[str]:
    if isinstance(actual, str) or actual is None:
        yield f"{key}: {actual!r} is not {expected!r}"
        return
    gap = abs(float(actual) - expected)
    limits = rule or {"abs": 0}
    passes = ("abs" in limits and gap <= limits["abs"]) or (
        "rel" in limits and gap / max(1.0, abs(expected)) <= limits["rel"]
    )
    if not passes:
        yield f"{key}: {actual!r} is not {expected!r} within {limits}"


@pytest.mark.parametrize(("folder", "case"), [pytest.param(f, c, id=c["id"]) for f, c in SUPPORTED])
def test_case(folder: Path, case: dict[str, Any]) -> None:
    actual = _run(folder, case)
    default = case["tolerance"].get("default")
    found = list(_differences(case["expected"], actual, case, "expected", default))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("case_id", "leaf"), sorted(DISPUTED))
def test_disputed_leaf_still_disagrees(case_id: str, leaf: str) -> None:
    for folder, case in (item for item in SUPPORTED if item[1]["id"] == case_id):
        actual = _run(folder, case)
        alone = {**case, "id": "disputed"}
        rule = case["tolerance"].get("default")
        assert list(_differences({leaf: case["expected"][leaf]}, actual, alone, "expected", rule))


def test_every_method_is_run_or_named_as_unsupported() -> None:
    methods = {c["method"] for _, c in CASES}
    assert methods, "the bank holds no multiple-systems case"
    assert methods <= set(RUNNERS) | set(FOLDER_RUNNERS) | set(UNSUPPORTED)
    assert not (set(RUNNERS) | set(FOLDER_RUNNERS)) & set(UNSUPPORTED)


def test_report_of_what_is_not_supported(record_property: Callable[[str, object], None]) -> None:
    left = Counter(reason for _, c in CASES if (reason := _unsupported(c)))
    run = Counter(c["method"] for _, c in SUPPORTED)
    record_property("unsupported_by_reason", dict(left))
    record_property("run_by_method", dict(run))
    print("run:", sum(run.values()), dict(run), "\nnot supported:", sum(left.values()), dict(left))  # noqa: T201
    assert sum(run.values()) + sum(left.values()) <= len(CASES)
    assert all(run[method] for method in RUNNERS if any(c["method"] == method for _, c in CASES))
