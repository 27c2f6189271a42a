"""What the package says to each case of a hidden-population bank.

``OPS`` maps a kind of case (``method`` in its file) to a function of the bank's folder and the case, which
returns the leaves of ``expected`` by name. Data-driven: nothing here knows a single case.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from survey_toolkit import hidden_populations as hp
from survey_toolkit import multiple_systems as ms
from survey_toolkit.estimation import Survey, SurveyDesign

Case = dict[str, Any]
Answers = dict[str, Any]


def table(folder: Path, case: Case, k: int = 0) -> pd.DataFrame:
    data = case["data"]
    return pd.read_csv(
        folder / (data if isinstance(data, str) else data[k]), keep_default_na=False, na_values=[""]
    )


def design(options: Mapping[str, Any], prefix: str = "") -> SurveyDesign | None:
    weight = options.get(f"{prefix}weight")
    if not weight:
        return None
    return SurveyDesign(
        weight=weight, strata=options.get(f"{prefix}strata"), psu=options.get(f"{prefix}cluster"), nest=True
    )


@functools.cache
def weight_of(folder: Path, data: str) -> str:
    """The weight column that other cases on the same data name; a case on degrees does not repeat it."""
    for path in sorted((folder / "cases").glob("*.json")):
        other = json.loads(path.read_text("utf-8"))
        if other["data"] == data and other["options"].get("weight"):
            return str(other["options"]["weight"])
    raise LookupError(data)


def by_label(estimates: Any, values: Any) -> dict[str, float]:
    return {str(domain[-1]): float(v) for domain, v in zip(estimates.domains, values, strict=True)}


# --- family network


def network(folder: Path, case: Case) -> tuple[Any, list[str]]:
    o = case["options"]
    people, kin = table(folder, case, 0), table(folder, case, 1)
    net = hp.family_network(
        people, kin, id=o["id"], case=o["victim"], multiplicity=o["reporters"], relation=o["relation"],
        months=o.get("months"), reference_months=o.get("reference_months"), design=design(o),
    )  # fmt: skip
    return net, sorted({r for r in net.relation if "abroad" in r})


def multiplicity_total(folder: Path, case: Case) -> Answers:
    net, abroad = network(folder, case)
    whole, inside = net.total(), net.total(exclude=abroad)
    return {
        "total": whole.estimate[0], "se": whole.se[0],
        "total_in_country": inside.estimate[0], "se_in_country": inside.se[0],
    }  # fmt: skip


def multiplicity_prevalence(folder: Path, case: Case) -> Answers:
    net, abroad = network(folder, case)
    whole, inside = net.prevalence(), net.prevalence(exclude=abroad)
    return {
        "prevalence": whole.estimate[0], "se": whole.se[0],
        "prevalence_in_country": inside.estimate[0], "se_in_country": inside.se[0],
        "raw_reports_per_relative_unadjusted": net.reports_per_person(),
    }  # fmt: skip


def multiplicity_self(folder: Path, case: Case) -> Answers:
    net, abroad = network(folder, case)
    got = net.self_reports(exclude=abroad)
    return {
        "total_self": got.self_total.estimate[0], "se_self": got.self_total.se[0],
        "prevalence_self": got.self_prevalence.estimate[0],
        "se_prevalence_self": got.self_prevalence.se[0],
        "reports_self": got.reports_self, "reports_network": got.reports_network,
        "variance_ratio_prevalence": got.variance_ratio,
    }  # fmt: skip


def multiplicity_stock(folder: Path, case: Case) -> Answers:
    net, _ = network(folder, case)
    stock = net.total(window="stock")
    return {
        "flow_total": net.total().estimate[0], "stock_total": stock.estimate[0], "se_stock": stock.se[0],
        "mean_months": net.mean_months(),
    }  # fmt: skip


# --- network scale-up


def reports(folder: Path, case: Case, *, weighted: bool = True, **more: Any) -> Any:
    o = case["options"]
    return hp.network_reports(
        table(folder, case), known=o["known"], hidden=o["hidden"], population=o["population"],
        cap=o.get("cap"), missing="zero", design=design(o) if weighted else None, **more,
    )  # fmt: skip


def nsum_mle(folder: Path, case: Case) -> Answers:
    got = reports(folder, case)
    size = got.size()
    return {
        "size": by_label(size, size.estimate), "se_binomial": got.binomial_se(),
        "mean_degree": float(got.degree.mean()),
    }  # fmt: skip


def nsum_design(folder: Path, case: Case) -> Answers:
    got, domain = reports(folder, case), case["options"].get("domain")
    size = got.size(by=domain)
    if domain:
        keys = [str(d[0]) for d in size.domains]
        return {
            "size": dict(zip(keys, size.estimate, strict=True)),
            "se": dict(zip(keys, size.se, strict=True)),
        }
    return {
        "size": by_label(size, size.estimate), "se": by_label(size, size.se),
        "lower": by_label(size, size.ci_low), "upper": by_label(size, size.ci_high),
        "df": float(size.df[0]),
    }  # fmt: skip


def nsum_mean_of_ratios(folder: Path, case: Case) -> Answers:
    size = reports(folder, case).size(method="mean_of_ratios")
    return {"size": by_label(size, size.estimate), "n_used": float(size.n[0])}


def nsum_degree(folder: Path, case: Case) -> Answers:
    got = reports(folder, case)
    weights = table(folder, case)[weight_of(folder, case["data"])].to_numpy(dtype=float)
    return {
        "mean": float(got.degree.mean()), "weighted_mean": float(np.average(got.degree, weights=weights)),
        "median": float(np.median(got.degree)), "max": float(got.degree.max()), "n_zero": got.n_zero_degree,
        "first5": got.degree[:5].tolist(),
    }  # fmt: skip


def nsum_adjusted(folder: Path, case: Case) -> Answers:
    o = case["options"]
    size = hp.adjusted(
        reports(folder, case).size(),
        **{k: o[k] for k in ("degree_ratio", "transmission_rate") if k in o},
        false_positive=o.get("false_positive", 0),
    )
    return {"size": by_label(size, size.estimate), "se": by_label(size, size.se)}


def nsum_back(folder: Path, case: Case) -> Answers:
    got = reports(folder, case)
    plain, weighted = got.back_estimates(weighted=False), got.back_estimates()
    return {
        "unweighted": dict(zip(plain.groups, plain.estimate, strict=True)),
        "weighted": dict(zip(weighted.groups, weighted.estimate, strict=True)),
        "are_weighted": weighted.mean_relative_error, "rmse_weighted": weighted.rmse,
        "corr_log_weighted": weighted.log_correlation,
    }  # fmt: skip


def nsum_trim(folder: Path, case: Case) -> Answers:
    got = reports(folder, case).trimmed()
    size = got.size()
    return {
        "kept": list(got.known), "dropped": list(got.dropped), "mean_degree_weighted": got.mean_degree,
        "size": by_label(size, size.estimate),
    }  # fmt: skip


def nsum_bootstrap(folder: Path, case: Case) -> Answers:
    o = case["options"]
    survey = Survey(table(folder, case), design(o)).replicate("bootstrap", n=o["replicates"], seed=1)  # type: ignore[arg-type]
    got = hp.network_reports(survey, known=o["known"], hidden=o["hidden"], population=o["population"])
    size = got.size()
    return {"se": by_label(size, size.se)}


def nsum_generalized(folder: Path, case: Case) -> Answers:
    o = case["options"]
    weight = o["hidden_weight"].removeprefix("1/")
    got = hp.generalised_scale_up(
        table(folder, case, 0), table(folder, case, 1), reports=o["reports"], visibility=o["visibility"],
        probe_sizes=o["probe_sizes"], frame_size=o["frame_size"], design=design(o, "frame_"),
        **{"hidden_degree" if "/" in o["hidden_weight"] else "hidden_weight": weight},
    )  # fmt: skip
    return {
        "total_out_reports": got.reports.estimate[0], "se_total_out_reports": got.reports.se[0],
        "mean_visibility": got.visibility, "size": got.size.estimate[0],
        "se_size_frame_only": got.size_frame_only.se[0],
    }  # fmt: skip


def nsum_bayes(folder: Path, case: Case) -> Answers:
    o = case["options"]
    over = case["method"].endswith("overdispersed")

    def groups(name: str) -> list[str]:
        return [o[name]] if isinstance(o[name], str) else list(o[name])

    sides = (groups("G2"), groups("B2")) if over and "B2" in o else None
    got = hp.bayes_scale_up(
        reports(folder, case), model="overdispersed" if over else "random_degree",
        reference=groups("G1") if over and "G1" in o else None, balance=sides, seed=3,
    )  # fmt: skip
    low, middle, high = (dict(zip(got.groups, row.tolist(), strict=True)) for row in got.quantiles())
    if not isinstance(case["expected"]["median"], dict):
        low, middle, high = (next(iter(d.values())) for d in (low, middle, high))
    return {"median": middle, "q025": low, "q975": high}


# --- respondent-driven sampling


def recruitment(folder: Path, case: Case) -> Any:
    o = case["options"]
    return hp.read_recruiters(
        table(folder, case), id=o["id"], recruiter=o["recruiter_id"], degree=o["degree"],
        seed_marker=o.get("seed_marker", "seed"), time=None if o.get("time") in (None, "wave") else o["time"],
    )  # fmt: skip


def labelled(levels: Any, values: Any) -> dict[str, Any]:
    return {
        str(level): labelled(levels, v) if np.ndim(v) else float(v)
        for level, v in zip(levels, values, strict=True)
    }


def rds_i(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    mixed = hp.mixing(sample, o["outcome"])
    got = hp.rds_estimate(sample, o["outcome"], estimator="rds_i", variance="none")
    return {
        "estimate": by_label(got, got.estimate),
        "transition_counts": labelled(mixed.levels, mixed.counts),
        "transition_prob": labelled(mixed.levels, mixed.shares),
        "stationary": labelled(mixed.levels, mixed.stationary),
        "harmonic_mean_degree": labelled(mixed.levels, mixed.harmonic_degree),
    }


def rds_ii(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    got = hp.rds_estimate(sample, o["outcome"], variance="none")
    return {"estimate": by_label(got, got.estimate), "weights_first5": hp.rds_weights(sample)[:5].tolist()}


def rds_ss(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    got = hp.rds_estimate(
        sample, o["outcome"], estimator="gile_ss", population_size=o["population_size"], variance="none"
    )
    return {"estimate": by_label(got, got.estimate), "estimate_deterministic": by_label(got, got.estimate)}


def rds_curve(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    levels, group = sample.groups(o["outcome"])
    name = next(k for k in case["expected"] if k.startswith("estimate_of_"))
    level = name.removeprefix("estimate_of_")
    plain = hp.rds_estimate(sample, o["outcome"], variance="none")
    return {
        name: hp.population_size_curve(sample, o["outcome"], o["population_size"], level=level).tolist(),
        "limit_rds_ii": by_label(plain, plain.estimate)[level],
        "sample_mean": float((group == levels.index(level)).mean()),
    }


def rds_hcg(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    got = hp.rds_estimate(
        sample, o["outcome"], estimator="hcg", variance="none",
        population_size=None if o["small_fraction"] else o["population_size"],
    )  # fmt: skip
    levels, group = sample.groups(o["outcome"])
    mixed, recruited = hp.mixing(sample, o["outcome"]), ~sample.is_seed
    return {
        "estimate": by_label(got, got.estimate),
        "theta": labelled(mixed.levels, mixed.shares),
        "harmonic_mean_degree_nonseeds": {
            level: 1 / float(np.mean(1 / sample.degree[recruited & (group == k)]))
            for k, level in enumerate(levels)
        },
    }


def rds_boot(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    kind = case["method"].removeprefix("rds.bootstrap_")
    made = hp.rds_bootstrap(
        sample, o["outcome"], kind=kind, estimator=o["estimator"], population_size=o.get("population_size"),
        replicates=o.get("replicates", 1000), seed=11,
    )  # fmt: skip
    se: Any = labelled(made.levels, made.se)
    return {
        "se": se if isinstance(case["expected"]["se"], dict) else float(made.se[0]),
        "replicate_mean": labelled(made.levels, made.mean), "mean_replicate_size": float(made.sizes.mean()),
    }  # fmt: skip


def rds_diagnostics(folder: Path, case: Case) -> Answers:
    sample, o = recruitment(folder, case), case["options"]
    got = hp.rds_diagnostics(sample, o["outcome"], level=o["level"])
    return {
        "recruitment_homophily": got.homophily,
        "differential_activity": got.mixing.differential_activity(str(o["level"])),
        "mean_degree_rds_ii": labelled(got.mixing.levels, got.mixing.harmonic_degree),
        "cumulative_n": got.cumulative_n.tolist(), "cumulative_rds_ii": got.by_wave.tolist(),
    }  # fmt: skip


def rds_tree(folder: Path, case: Case) -> Answers:
    sample = recruitment(folder, case)
    many = sample.recruits[sample.recruits > 0]
    return {
        "n": len(sample), "n_seeds": int(sample.is_seed.sum()), "max_wave": int(sample.wave.max()),
        "n_by_wave": {str(k): v for k, v in sample.by_wave.items()}, "tree_size_by_seed": sample.tree_sizes,
        "n_recruiters": int(many.size),
        "recruits_per_recruiter": {str(k): int((many == k).sum()) for k in np.unique(many)},
        "share_largest_tree": sample.share_largest_tree,
    }  # fmt: skip


def ss_pse(folder: Path, case: Case) -> Answers:
    got = hp.ss_pse(recruitment(folder, case), prior_median=case["options"]["prior_median"], seed=5)
    low, q25, median, q75, high = got.quantiles([0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
    return {"median": median, "q05": low, "q25": q25, "q75": q75, "q95": high}


def ss_pse_prior(folder: Path, case: Case) -> Answers:
    o = case["options"]
    prior = hp.size_prior(o["n"], alpha=o["alpha"], beta=o["beta"], max_size=o["max_N"])
    names = ("q05", "q25", "q50", "q75", "q95")
    return dict(zip(names, prior.quantiles([0.05, 0.25, 0.5, 0.75, 0.95]), strict=True)) | {
        "mean": prior.mean
    }


# --- item count


def item_list(folder: Path, case: Case, **more: Any) -> Any:
    o = case["options"]
    return hp.item_count(
        table(folder, case), o["count"], o["treatment"], items=o.get("J"), design=design(o), **more
    )


def list_difference(folder: Path, case: Case) -> Answers:
    lists = item_list(folder, case)
    got, means = lists.difference(), lists.means()
    return {
        "estimate": got.estimate[0], "se": got.se[0], "lower": got.ci_low[0], "upper": got.ci_high[0],
        "mean_treatment": means.estimate[0], "mean_control": means.estimate[1], "df": float(got.df[0]),
        "n_treatment": int((lists.used & lists.treated).sum()),
        "n_control": int((lists.used & ~lists.treated).sum()),
    }  # fmt: skip


def list_double(folder: Path, case: Case) -> Answers:
    o = case["options"]
    got = hp.double_list(
        table(folder, case), o["count_a"], o["count_b"], o["treatment"].split()[0], items=o.get("J"),
        design=design(o),
    )  # fmt: skip
    return {
        "estimate": got.estimate[0], "se": got.se[0], "estimate_a": got.estimate[1],
        "estimate_b": got.estimate[2],
    }  # fmt: skip


def list_combined(folder: Path, case: Case) -> Answers:
    got = item_list(folder, case).combined(case["options"]["direct"])
    e = got.estimates
    return {
        "n_used": got.n_used, "estimate": e.estimate[0], "se": e.se[0], "conventional": e.estimate[1],
        "conventional_se": e.se[1], "direct": e.estimate[2], "placebo_among_direct_yes": e.estimate[3],
    }  # fmt: skip


def list_design_effect(folder: Path, case: Case) -> Answers:
    lists = item_list(folder, case)
    # the expected p-value is R's, whose rule for dropping moments standardises by their spread
    test = lists.design_effect_test(selection="spread")
    floor, ceiling = lists.control_shares
    return {
        "pi_y1": {f"y{y}": v for y, v in enumerate(test.with_item)},
        "pi_y0": {f"y{y}": v for y, v in enumerate(test.without_item)},
        "p_value_bonferroni": test.p_value, "share_control_floor": floor, "share_control_ceiling": ceiling,
    }  # fmt: skip


def list_model(folder: Path, case: Case) -> Answers:
    o, kind = case["options"], case["method"].removeprefix("list.regression_")
    liars = next((k for k in ("floor", "ceiling", "both") if k in kind), None)
    method = "ml" if kind.startswith("ml") else kind
    got = item_list(folder, case).model(o["covariates"], method, **({"liars": liars} if liars else {}))
    named = {
        name: dict(zip(got.names, getattr(got, name).tolist(), strict=True))
        for name in ("sensitive", "sensitive_se", "control", "control_se")
    }
    return named | {
        "loglik": got.loglik, "mean_prevalence": got.prevalence, "mean_prevalence_se": got.prevalence_se
    }  # fmt: skip


# --- randomized response


def device(o: Mapping[str, Any], kind: str) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "warner": lambda: hp.warner(o["p"]),
        "forced_response": lambda: hp.forced_response(o["p_forced_yes"], o["p_forced_no"]),
        "unrelated_question_known": lambda: hp.unrelated_question(o["p"], o["q"]),
        "crosswise": lambda: hp.crosswise(o["p_nonsensitive"]),
        "crosswise_weighted": lambda: hp.crosswise(o["p_nonsensitive"]),
        "triangular": lambda: hp.triangular(o["p_nonsensitive"]),
    }
    return makers[kind]()


def rr_plain(folder: Path, case: Case) -> Answers:
    o = case["options"]
    made = device(o, case["method"].removeprefix("rr."))
    if case["data"] is None:
        got = hp.randomized_response_counts(o["yes"], o["n"], made)
    else:
        got = hp.randomized_response(table(folder, case), o["response"], made, design=design(o))
    out = {
        "n": float(got.n[0]), "estimate": got.estimate[0], "se": got.se[0], "lower": got.ci_low[0],
        "upper": got.ci_high[0], "estimate_truncated": hp.truncated(got)[0], "df": float(got.df[0]),
    }  # fmt: skip
    if o.get("domain"):
        by = hp.randomized_response(
            table(folder, case), o["response"], made, by=o["domain"], design=design(o)
        )
        keys = [str(d[0]) for d in by.domains]
        out["domain"] = dict(zip(keys, by.estimate.tolist(), strict=True))
        out["domain_se"] = dict(zip(keys, by.se.tolist(), strict=True))
    return out


def rr_two_samples(folder: Path, case: Case) -> Answers:
    o = case["options"]
    got = hp.unrelated_question_two_samples((o["yes1"], o["yes2"]), (o["n1"], o["n2"]), (o["p1"], o["p2"]))
    return {"estimate": got.estimate[0], "se": got.se[0], "q": got.estimate[1]}


def rr_attention(folder: Path, case: Case) -> Answers:
    o = case["options"]
    got = hp.attention_corrected_counts(
        o["yes"], o["n"], p=o["p_nonsensitive"], anchor_yes=o["anchor_yes"], anchor_n=o["anchor_n"],
        p_anchor=o["p_anchor"],
    )  # fmt: skip
    return {
        "estimate": got.estimate[0], "se": got.se[0], "naive": got.estimate[1],
        "attentive_share": got.estimate[2],
    }  # fmt: skip


def rr_logit(folder: Path, case: Case) -> Answers:
    o = case["options"]
    got = hp.randomized_logit(table(folder, case), o["response"], o["covariates"], device(o, o["design"]))
    return {
        "coef": dict(zip(got.names, got.coefficients.tolist(), strict=True)),
        "se": dict(zip(got.names, got.se.tolist(), strict=True)), "mean_prevalence": got.prevalence,
    }  # fmt: skip


# --- kinds that other rooms answer


def two_list(folder: Path, case: Case) -> Answers:
    o = case["options"]
    m = o["matched"]
    counts = {"11": m, "10": o["n1"] - m, "01": o["n2"] - m}
    lists = ms.CaptureHistories.from_counts(counts, lists=["A", "B"])
    chapman, lp = ms.two_list(lists), ms.two_list(lists, estimator="lincoln_petersen")
    fixed = ms.linkage_corrected(
        o["n1"], o["n2"], m, match_rate=o["sensitivity"], false_link_rate=o["false_link_rate"]
    )
    return {
        "chapman": chapman.estimate, "chapman_se": chapman.se, "lincoln_petersen": lp.estimate,
        "matched_adjusted": fixed.diagnostics["corrected_links"],
        "lincoln_petersen_adjusted": fixed.estimate,
    }  # fmt: skip


def link_strings(folder: Path, case: Case) -> Answers:
    from survey_toolkit.multiple_systems import linkage as lk

    return {
        "rows": [
            {"a": a, "b": b, "jaro": lk.jaro(a, b), "jaro_winkler": lk.jaro_winkler(a, b),
             "levenshtein": lk.levenshtein(a, b), "damerau": lk.damerau(a, b)}
            for a, b in case["options"]["pairs"]
        ]
    }  # fmt: skip


def link_em(folder: Path, case: Case) -> Answers:
    from survey_toolkit.multiple_systems import linkage as lk

    o, rows = case["options"], table(folder, case)
    patterns = rows[o["fields"]].to_numpy()
    start = (o["start"]["m"], o["start"]["u"], o["start"]["share"])
    fit = lk.fellegi_sunter(patterns, rows[o["count"]].to_numpy(), o["fields"], start=start)
    posterior = {"".join(map(str, p)): float(q) for p, q in zip(patterns, fit.posterior, strict=True)}
    return {
        "match_share": fit.match_share, "m": dict(fit.m), "u": dict(fit.u), "loglik": fit.loglik,
        "posterior": posterior, "log2_agree_weight": dict(fit.agreement_weights),
    }  # fmt: skip


def link_histories(folder: Path, case: Case) -> Answers:
    from survey_toolkit.multiple_systems import linkage as lk

    o = case["options"]
    records = {r["id"]: r["list"] for r in o["records"]}
    people = lk.cluster_pairs(records, [(a, b, 1.0) for a, b in o["pairs"]], lists=o["lists"])
    data = people.histories()
    return {
        "clusters": [list(g) for g in people.members],
        "within_list_duplicates": people.within_list_duplicates,
        "histories": {
            "".join(map(str, p)): int(c) for p, c in zip(data.patterns, data.counts, strict=True) if c
        },
    }  # fmt: skip


def link_quality(folder: Path, case: Case) -> Answers:
    """A rule, not numbers: at least the F1 asked for, and the same result twice."""
    from survey_toolkit.multiple_systems import linkage as lk

    o = case["options"]
    truth = table(folder, case, 1)
    person = dict(zip(truth[o["record"]], truth[o["truth_person"]], strict=True))
    fields = lk.LinkFields(others=("exploitation",))
    once, again = (lk.link_records(folder / case["data"][0], fields) for _ in range(2))
    quality = lk.link_quality(once.clusters(0.5), person)
    problems = []
    if quality.true_people != case["expected"]["true_persons"]:
        problems.append(f"true persons {quality.true_people}")
    if quality.f1 < case["expected"]["min_f1"]:
        problems.append(f"F1 {quality.f1:.3f} below {case['expected']['min_f1']}")
    if not once.pairs.equals(again.pairs):
        problems.append("two runs differ")
    return {"problems": problems}


def small_area(folder: Path, case: Case) -> Answers:
    from tests import test_reference_small_areas as runner

    got: Answers = runner.answers(case)
    return got


OPS: dict[str, Callable[[Path, Case], Answers]] = {
    "multiplicity.total": multiplicity_total,
    "multiplicity.prevalence": multiplicity_prevalence,
    "multiplicity.self_only_comparison": multiplicity_self,
    "multiplicity.stock_from_flow": multiplicity_stock,
    "nsum.mle": nsum_mle,
    "nsum.mle_weighted_design": nsum_design,
    "nsum.mean_of_ratios": nsum_mean_of_ratios,
    "nsum.degree_known_population": nsum_degree,
    "nsum.adjusted": nsum_adjusted,
    "nsum.back_estimates": nsum_back,
    "nsum.trim_known": nsum_trim,
    "nsum.bootstrap_rescaled": nsum_bootstrap,
    "nsum.generalized": nsum_generalized,
    "nsum.bayes_random_degree": nsum_bayes,
    "nsum.bayes_overdispersed": nsum_bayes,
    "rds.rds_i": rds_i,
    "rds.rds_ii": rds_ii,
    "rds.gile_ss": rds_ss,
    "rds.gile_ss_sensitivity": rds_curve,
    "rds.hcg": rds_hcg,
    "rds.bootstrap_salganik": rds_boot,
    "rds.bootstrap_tree": rds_boot,
    "rds.bootstrap_gile": rds_boot,
    "rds.diagnostics": rds_diagnostics,
    "rds.recruitment_tree": rds_tree,
    "rds.ss_pse": ss_pse,
    "rds.ss_pse_prior": ss_pse_prior,
    "list.difference_in_means": list_difference,
    "list.difference_in_means_weighted": list_difference,
    "list.double_list": list_double,
    "list.combined_direct": list_combined,
    "list.design_effect_test": list_design_effect,
    "list.regression_linear": list_model,
    "list.regression_nls": list_model,
    "list.regression_ml": list_model,
    "list.regression_ml_floor": list_model,
    "list.regression_ml_ceiling": list_model,
    "rr.warner": rr_plain,
    "rr.forced_response": rr_plain,
    "rr.unrelated_question_known": rr_plain,
    "rr.crosswise": rr_plain,
    "rr.crosswise_weighted": rr_plain,
    "rr.triangular": rr_plain,
    "rr.unrelated_question_two_sample": rr_two_samples,
    "rr.crosswise_attention_corrected": rr_attention,
    "rr.logit": rr_logit,
    "two_list.linkage_adjusted": two_list,
    "linkage.string_similarity": link_strings,
    "linkage.fellegi_sunter_em": link_em,
    "linkage.clusters_to_histories": link_histories,
    "linkage.end_to_end": link_quality,
    "sae.fay_herriot_reml": small_area,
    "sae.fay_herriot_ml": small_area,
    "sae.fay_herriot_fh": small_area,
    "sae.fay_herriot_arcsin": small_area,
    "sae.benchmark": small_area,
    "sae.unit_level_bhf": small_area,
    "sae.unit_level_logit": small_area,
    "sae.unit_level_bootstrap_mse": small_area,
}
