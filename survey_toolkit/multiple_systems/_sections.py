"""Sections 1 to 7 of the diagnostics report: the table, the models and the intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._display import format_number
from survey_toolkit.multiple_systems.classical import chao, two_list
from survey_toolkit.multiple_systems.flags import Light, chi_square_p
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.loglinear import loglinear
from survey_toolkit.multiple_systems.poisson import fit_models
from survey_toolkit.multiple_systems.results import PopulationSize, Verdict
from survey_toolkit.multiple_systems.selection import select
from survey_toolkit.multiple_systems.verdict import check_existence, model_terms

__all__ = [
    "Section",
    "attempt",
    "chao_bound",
    "estimate_cells",
    "refusals",
    "sections_on_models",
    "sections_on_table",
]

_MANY_LISTS = 5
_PAIR_MANY = 15
_OVERDISPERSED = 2.0


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered part of the report.

    Attributes
    ----------
    number, title
    head, rows : the table
    remarks : tuple of str
        Sentences below it.
    flags : tuple of (light, text)
        What it turns the traffic light to.
    """

    number: int
    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    remarks: tuple[str, ...] = ()
    flags: tuple[tuple[Light, str], ...] = ()


def attempt(method: Callable[[], PopulationSize]) -> PopulationSize | EstimationError:
    """A result, or the reason why there is none."""
    try:
        return method()
    except EstimationError as error:
        return error


def estimate_cells(outcome: PopulationSize | EstimationError) -> tuple[str, str, str]:
    """Estimate and limits; the word refused where there is none."""
    if isinstance(outcome, EstimationError):
        return "refused", "", ""
    return tuple(format_number(v) for v in (outcome.estimate, outcome.ci_low, outcome.ci_high))  # type: ignore[return-value]


def refusals(outcomes: Iterable[PopulationSize | EstimationError]) -> tuple[str, ...]:
    """Each reason for a refusal once."""
    reasons = [f"refused: {o.what}" for o in outcomes if isinstance(o, EstimationError)]
    return tuple(dict.fromkeys(reasons))


def chao_bound(data: CaptureHistories) -> PopulationSize | EstimationError:
    """Chao's lower bound."""
    return attempt(lambda: chao(data))


def sections_on_table(data: CaptureHistories) -> list[Section]:
    """1 table audit, 2 overlaps."""
    audit = data.audit()
    rows = tuple((name, f"{size:,}", f"{size / audit.n:.1%}") for name, size in audit.list_sizes.items())
    flags: list[tuple[Light, str]] = []
    if not any(audit.overlaps.values()):
        flags.append(("do not publish", "no two lists share anybody"))
    if audit.identical:
        flags.append(("do not publish", "two lists are identical"))
    if audit.contained or audit.covers_all:
        flags.append(("caution", "a list is contained in another"))
    summary = (
        f"{audit.n:,} people, {audit.n_histories} of {audit.n_possible} histories occur, "
        f"{audit.singletons / audit.n:.1%} on one list only"
    )
    first = Section(
        1, "Table audit", ("list", "people", "of all"), rows, (summary, *audit.warnings), tuple(flags)
    )
    return [first, _overlaps(data)]


def _overlaps(data: CaptureHistories) -> Section:
    audit, matrix = data.audit(), data.overlap_matrix()
    rows: list[tuple[object, ...]] = []
    for (a, b), both in audit.overlaps.items():
        i, j = data.lists.index(a), data.lists.index(b)
        neither = audit.n - int(matrix[i, i] + matrix[j, j] - both)
        only_a, only_b = int(matrix[i, i]) - both, int(matrix[j, j]) - both
        ratio = both * neither / (only_a * only_b) if only_a and only_b else float("inf")
        coverage = f"{both / matrix[j, j]:.1%}", f"{both / matrix[i, i]:.1%}"
        rows.append((f"{a}:{b}", both, f"{ratio:.2f}" if data.n_lists > 2 else "", *coverage))
    empty = len(audit.empty_pairs)
    remarks = (
        f"{empty} of {len(rows)} pairs share nobody; {audit.n_overlapping_triples} triples overlap pairwise",
        "odds ratio among the people seen: below 1 even for independent lists, since nobody is on none",
        "coverage: share of the other list's people whom this list has too",
    )
    return Section(
        2,
        "Overlaps",
        ("pair", "on both", "odds ratio", "first covers", "second covers"),
        tuple(rows),
        remarks,
    )


def sections_on_models(data: CaptureHistories, result: PopulationSize | None) -> list[Section]:
    """3 verdicts, 4 sub-collections, 5 selection, 6 fit, 7 intervals."""
    searched = _searched(data, result)
    return [
        _verdicts(data, result),
        _collections(data, result),
        _selection(searched),
        _fit(data, result),
        _intervals(data, result, searched),
    ]


def _searched(data: CaptureHistories, result: PopulationSize | None) -> PopulationSize | EstimationError:
    """A result that holds a search: the given one, or the pairwise models by BIC."""
    if result is not None and result.selection is not None:
        return result
    if data.n_lists <= _MANY_LISTS:
        return attempt(lambda: select(data, "pairwise", "bic"))
    return attempt(lambda: select(data, "pairwise", "bic", search="downhill"))


def _verdicts(data: CaptureHistories, result: PopulationSize | None) -> Section:
    models: dict[str, Verdict] = {"independence": check_existence(data)}
    if result is not None and result.verdict is not None:
        models["this model"] = result.verdict
    if data.n_lists <= 8:
        pairs = [":".join(p) for p in combinations(data.lists, 2)]
        models["all pairs"] = check_existence(data, pairs)
    rows = tuple(
        (name, "yes" if v.exists else "no", "yes" if v.identifiable else "no", ", ".join(v.boundary_terms))
        for name, v in models.items()
    )
    remarks = tuple(
        f"{name}: {v.reason}" + (f" (to do: {v.fix})" if v.fix else "")
        for name, v in models.items()
        if not v.ok
    )
    flags: tuple[tuple[Light, str], ...] = ()
    if not models["independence"].ok:
        flags = (("do not publish", "not even the independence model can be estimated"),)
    return Section(
        3,
        "Existence and identifiability",
        ("model", "exists", "identifiable", "terms at minus infinity"),
        rows,
        remarks,
        flags,
    )


def _collections(data: CaptureHistories, result: PopulationSize | None) -> Section:
    """Chapman for every pair, independence for every triple, Chao's bound."""
    rows: list[tuple[object, ...]] = []
    outcomes: list[PopulationSize | EstimationError] = []
    for pair in list(combinations(data.lists, 2))[:_PAIR_MANY]:
        outcomes.append(attempt(lambda p=pair: two_list(data, p)))  # type: ignore[misc]
        rows.append((" + ".join(pair), "Chapman", *estimate_cells(outcomes[-1])))
    if data.n_lists > 3:
        for triple in list(combinations(data.lists, 3))[:_PAIR_MANY]:
            rest = [n for n in data.lists if n not in triple]
            outcomes.append(attempt(lambda r=rest: loglinear(data.drop(r), ci="wald")))  # type: ignore[misc]
            rows.append((" + ".join(triple), "independence", *estimate_cells(outcomes[-1])))
    bound = chao_bound(data)
    outcomes.append(bound)
    rows.append(("all lists", "Chao lower bound", *estimate_cells(bound)))
    flags: tuple[tuple[Light, str], ...] = ()
    if (
        isinstance(bound, PopulationSize)
        and result is not None
        and result.estimate < bound.estimate * (1 - 1e-9)
    ):
        flags = (
            ("caution", f"the estimate lies below the Chao lower bound {format_number(bound.estimate)}"),
        )
    return Section(
        4,
        "Sub-collections of lists",
        ("lists", "estimator", "estimate", "low", "high"),
        tuple(rows),
        refusals(outcomes),
        flags,
    )


def _selection(searched: PopulationSize | EstimationError) -> Section:
    head = ("criterion within", "models", "lowest", "highest")
    if isinstance(searched, EstimationError) or searched.selection is None:
        reason = searched.what if isinstance(searched, EstimationError) else "no search was made"
        return Section(5, "Models near the best", (), (), (reason,))
    chosen = searched.selection
    rows, flags = [], []
    delta = chosen.values - chosen.values[0]
    for within in (2.0, 6.0, 10.0):
        near = chosen.estimates[delta <= within]
        rows.append((f"{within:g}", len(near), format_number(near.min()), format_number(near.max())))
        if within == 2.0 and near.max() > 1.5 * near.min():
            ratio = float(near.max() / near.min())
            flags.append(
                ("caution", f"models about as good as the best (within 2) differ by a factor {ratio:.1f}")
            )
    average = format_number(chosen.averaged_estimate), format_number(chosen.averaged_se)
    remarks = (
        f"best by {chosen.criterion} of {chosen.n_valid:,} valid {chosen.family} models "
        f"({chosen.n_considered - chosen.n_valid:,} refused): {searched.model}",
        f"averaged over all valid models {average[0]} (standard error {average[1]})",
        *(
            [f"entered: {', '.join(':'.join(s.added) + f' (p {s.p_value:.3g})' for s in searched.path)}"]
            if searched.path
            else []
        ),
    )
    typed: tuple[tuple[Light, str], ...] = tuple(("caution", text) for _, text in flags)
    return Section(5, "Models near the best", head, tuple(rows), remarks, typed)


def _fit(data: CaptureHistories, result: PopulationSize | None) -> Section:
    if result is None or not result.generators or result.df is None:
        return Section(6, "Fit", (), (), ("no log-linear model to check",))
    tops = [g for g in result.generators if len(g) > 1]
    terms = model_terms(data.lists, tops)
    table = data.table()
    mean = fit_models(table, terms[None, :]).mean[0]
    kept = mean > 1e-12
    kept[0] = False
    residual = np.where(kept, (table - mean) / np.sqrt(np.where(kept, mean, 1.0)), 0.0)
    worst = np.argsort(-np.abs(residual))[:5]
    names = [" + ".join(n for j, n in enumerate(data.lists) if c >> j & 1) for c in worst]
    rows = tuple(
        (name, int(table[c]), f"{mean[c]:.1f}", f"{residual[c]:+.1f}")
        for name, c in zip(names, worst, strict=True)
        if kept[c]
    )
    p = chi_square_p(result.deviance, result.df)
    shown = "no degrees of freedom: the fit cannot be checked" if p is None else f"p = {p:.3g}"
    remarks = [f"deviance {result.deviance:.1f} on {result.df} df, Pearson {result.pearson:.1f}; {shown}"]
    flags: list[tuple[Light, str]] = []
    if p is None:
        flags.append(("caution", "the model leaves no degrees of freedom to check it"))
    elif p < 0.01:
        flags.append(("caution", f"the model does not fit (p = {p:.2g})"))
    if result.df and result.pearson / result.df > _OVERDISPERSED:
        remarks.append(f"Pearson over df is {result.pearson / result.df:.1f}: intervals are too short")
    return Section(
        6, "Fit", ("history", "seen", "fitted", "Pearson residual"), rows, tuple(remarks), tuple(flags)
    )


def _intervals(
    data: CaptureHistories, result: PopulationSize | None, searched: PopulationSize | EstimationError
) -> Section:
    rows: list[tuple[object, ...]] = []
    remarks: list[str] = []
    if result is not None:
        rows.append((f"{result.ci_method} (as given)", *estimate_cells(result)))
        if result.generators and result.verdict is not None:
            tops = [g for g in result.generators if len(g) > 1]
            for kind in ("wald", "profile"):
                fit = attempt(lambda k=kind: loglinear(data, tops, ci=k, level=result.level))  # type: ignore[misc]
                if isinstance(fit, EstimationError) or fit.ci_method != result.ci_method:
                    label = fit.ci_method if isinstance(fit, PopulationSize) else kind
                    rows.append((f"{label}, model held fixed", *estimate_cells(fit)))
        if result.replicates is not None and len(result.replicates):
            tail = (1 - result.level) / 2
            low, high = np.quantile(result.replicates, [tail, 1 - tail])
            middle = format_number(float(np.median(result.replicates)))
            rows.append(("percentiles of the draws", middle, format_number(low), format_number(high)))
        remarks += _numbers(result, ("z0", "acceleration", "share_failed", "mc_error_low", "mc_error_high"))
    if isinstance(searched, PopulationSize) and searched.selection is not None:
        rows.append(("model-averaged (normal)", *_averaged(searched)))
    if not any(r.startswith("z0") for r in remarks):
        remarks.append(
            "no bootstrap with re-selection here: intervals that hold the model fixed are too short"
        )
    return Section(
        7, "Intervals side by side", ("interval", "estimate", "low", "high"), tuple(rows), tuple(remarks)
    )


def _averaged(searched: PopulationSize) -> tuple[str, str, str]:
    from scipy.special import ndtri

    chosen = searched.selection
    assert chosen is not None
    half = float(ndtri(0.5 + searched.level / 2)) * chosen.averaged_se
    mean = chosen.averaged_estimate
    return format_number(mean), format_number(max(mean - half, searched.n)), format_number(mean + half)


def _numbers(result: PopulationSize, names: Sequence[str]) -> list[str]:
    shown = [f"{k} {result.diagnostics[k]:.3g}" for k in names if k in result.diagnostics]
    return [", ".join(shown)] if shown else []
