"""Handlers of the reference bank for covariates, strata and record linkage.

Each handler takes the folder of the bank and the case, and returns the leaves of ``expected``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from survey_toolkit import multiple_systems as ms
from survey_toolkit.multiple_systems import conditional, covariates, individual, strata

DR = {"doubly robust (one-step)": "one_step", "plug-in": "plug_in", "TMLE": "tmle"}


def _file(folder: Path, dataset: str) -> Path:
    entries = json.loads((folder / "datasets.json").read_text("utf-8"))
    return folder / str(next(e["file"] for e in entries if e["id"] == dataset))


def doubly_robust(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    options = case["options"]
    separate = options["nuisance"] == "logit" or "three logistic" in options["nuisance"]
    fit = individual.doubly_robust(
        _file(folder, case["dataset"]),
        options["lists"],
        options["covariates"],
        nuisance="logistic" if separate else "multinomial",
        estimator=DR[options["estimator"]],  # type: ignore[arg-type]
        folds=options["folds"],
        margin=options["margin"],
        ci="wald",
    )
    return {"estimate": fit.estimate, "se_n": fit.se, "ci95": [fit.ci_low, fit.ci_high]}


def huggins_alho(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    """The bank's two labels of ``slopes`` stand the wrong way round.

    Its call ``parallel.t = TRUE ~ 0`` (no parallelism) is labelled common; the coefficients it expects for
    it differ between the lists. The labels are swapped here.
    """
    common = case["options"]["slopes"] == "list-specific"
    right = case["options"]["formula"].split("~")[1]
    names = [v.strip() for v in right.split("+") if v.strip() != "1"]
    fit = conditional.huggins_alho(
        _file(folder, case["dataset"]),
        case["options"]["lists"],
        names,
        slopes="common" if common else "separate",
    )
    first, second = (
        {c.term.split(".", 1)[1]: c.estimate for c in fit.coefficients if c.term.startswith(f"{name}.")}
        for name in fit.lists
    )
    as_list = isinstance(case["expected"]["coef_list1"], list)
    return {
        "estimate": fit.estimate,
        "se": fit.se,
        "loglik": fit.loglik,
        "coef_list1": list(first.values()) if as_list else first,
        "coef_list2": list(second.values()) if as_list else second,
    }


def tilling_sterne(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    options = case["options"]
    fit = individual.tilling_sterne(_file(folder, case["dataset"]), options["lists"], options["covariates"])
    return {"estimate": fit.estimate}


def _formula(text: str) -> list[str]:
    """Interactions of an R formula: ``A*S`` and ``A:B``."""
    right = text.split("~")[1].replace(" ", "")
    return [part.replace("*", ":") for part in right.split("+") if "*" in part or ":" in part]


def loglinear(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    options = case["options"]
    table = strata.StratifiedHistories.from_counts(
        _file(folder, case["dataset"]), options["lists"], options["covariates"]
    )
    fit = covariates.loglinear_covariates(table, _formula(options["formula"]))
    assert fit.total is not None
    return {
        "estimate": fit.total.estimate,
        "by_level": {"|".join(s.stratum): s.estimate for s in fit.strata},
        "deviance": fit.total.deviance,
        "df": fit.total.df,
        "loglik": fit.total.loglik,
        "aic": fit.total.aic,
        "bic_n_people": fit.total.bic,
        "n_parameters": int(fit.total.diagnostics["n_terms"]),
    }


def partially_observed(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    o = case["options"]
    rows = [(1, 1, i, j, o["both_lists"][i][j]) for i in (0, 1) for j in (0, 1)]
    rows += [(1, 0, i, None, o["A_only_by_X1"][i]) for i in (0, 1)]
    rows += [(0, 1, None, j, o["B_only_by_X2"][j]) for j in (0, 1)]
    columns = dict(zip(("A", "B", "X1", "X2", "count"), map(list, zip(*rows, strict=True)), strict=True))
    table = strata.StratifiedHistories.from_counts(
        columns, ["A", "B"], ["X1", "X2"], recorded={"X1": ["A"], "X2": ["B"]}
    )
    fit = covariates.loglinear_covariates(table, _formula(o["formula"]))
    assert fit.total is not None
    return {
        "estimate": fit.total.estimate,
        "n_observed": fit.total.n,
        "loglik_kernel": fit.total.diagnostics["loglik_kernel"],
        "by_X1": fit.by_level("X1"),
        "by_X2": fit.by_level("X2"),
    }


def list_absent(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    o = case["options"]
    tables = {
        "1": ms.CaptureHistories.from_counts(o["stratum1"], o["lists"]),
        "2": ms.CaptureHistories.from_counts(o["stratum2"], o["lists"][:2]),
    }
    table = strata.StratifiedHistories.from_strata(tables, by="S")
    fit = covariates.loglinear_covariates(table, _formula(o["formula"]))
    assert fit.total is not None
    return {
        "estimate": fit.total.estimate,
        "n_observed": fit.total.n,
        "loglik_kernel": fit.total.diagnostics["loglik_kernel"],
        **{f"stratum{s.stratum[0]}": s.estimate for s in fit.strata},
    }


def stratified(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    table = strata.StratifiedHistories.from_records(
        _file(folder, case["dataset"]), ["A", "B"], [case["options"]["strata"]]
    )
    fit = covariates.estimate_strata(table, lambda d: ms.two_list(d, estimator="lincoln_petersen"))
    assert fit.total is not None
    return {"by_stratum": fit.by_level(case["options"]["strata"]), "estimate": fit.total.estimate}


FOLDER_HANDLERS: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {
    "covariates.doubly_robust": doubly_robust,
    "covariates.huggins_alho": huggins_alho,
    "covariates.list_absent_in_stratum": list_absent,
    "covariates.loglinear": loglinear,
    "covariates.partially_observed_em": partially_observed,
    "covariates.tilling_sterne": tilling_sterne,
    "two_list.stratified": stratified,
}
