"""Sections 8 to 12 of the diagnostics report: what changes when something is left out or turned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._display import format_number
from survey_toolkit.multiple_systems._sections import Section, attempt, estimate_cells
from survey_toolkit.multiple_systems.consistency import internal_consistency
from survey_toolkit.multiple_systems.flags import Light
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.linkage_error import linkage_corrected
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.sensitivity import (
    Variant,
    leave_one_list_out,
    merge_two_lists,
    run_methods,
    single_cell,
    sweep_criteria,
    sweep_thresholds,
)
from survey_toolkit.multiple_systems.stepwise import stepwise
from survey_toolkit.multiple_systems.stratified import StratifiedSize

__all__ = ["sections_on_sweeps"]

Method = Callable[[CaptureHistories], PopulationSize]
_RATIO = 2.0
_LEVEL = 0.95
_MANY_LISTS = 5
_XI = (0.5, 0.67, 1.0, 1.5, 2.0)
_MISSED = (0.0, 0.05, 0.1, 0.2)


def sections_on_sweeps(
    data: CaptureHistories,
    result: PopulationSize | None,
    *,
    method: Method | None,
    strata: StratifiedSize | None,
    referrals: Sequence[tuple[str, str]],
) -> list[Section]:
    """8 leave-out, merge and cell sweeps, 9 consistency, 10 identification, 11 Bayes, 12 strata and links."""
    again, name = (method, "this method") if method else (_default, "stepwise")
    return [
        _leave_out(data, again, name),
        _consistency(data, again),
        _identification(data, result, referrals),
        _bayes(data, result),
        _strata(data, result, strata),
    ]


def _default(data: CaptureHistories) -> PopulationSize:
    return stepwise(data, ci="wald")


def _leave_out(data: CaptureHistories, method: Method, name: str) -> Section:
    """Each list out, each pair merged, one person more or less, other thresholds and criteria."""
    named = {name: lambda table, _: method(table)}
    variants = run_methods(data, "as it is", named, _LEVEL)
    if data.n_lists > 2:
        merged = merge_two_lists(data, named).variants
        variants += leave_one_list_out(data, named).variants
        variants += [replace(v, change=f"{v.change} merged") for v in merged]
    variants += _one_person(single_cell(data, named).variants)
    variants += sweep_thresholds(data, (0.001, 0.02, 0.1)).variants
    if data.n_lists <= _MANY_LISTS:
        variants += sweep_criteria(data, ("bic", "aic"), ("pairwise",)).variants
    found = [v.estimate for v in variants if v.estimate is not None]
    rows = tuple((v.change, v.method, *_cells(v)) for v in variants)
    reasons = tuple(dict.fromkeys(f"refused: {v.refused.split('. ')[0]}" for v in variants if v.refused))
    head = ("change", "method", "estimate", "low", "high")
    if not found:
        return Section(8, "Leave out, merge, vary", head, rows, reasons)
    ratio = max(found) / min(found)
    flags: tuple[tuple[Light, str], ...] = ()
    if ratio > _RATIO:
        flags = (("caution", f"small changes move the estimate by a factor {ratio:.1f}"),)
    remark = f"range {format_number(min(found))} to {format_number(max(found))}"
    return Section(8, "Leave out, merge, vary", head, rows, (remark, *reasons), flags)


def _cells(variant: Variant) -> tuple[str, str, str]:
    if variant.estimate is None:
        return "refused", "", ""
    limits = (variant.estimate, variant.ci_low, variant.ci_high)
    low, middle, high = (format_number(v) for v in limits)
    return low, middle, high


def _one_person(variants: Sequence[Variant]) -> list[Variant]:
    """The changes of one person that move the estimate furthest down and up."""
    known = [v for v in variants if v.estimate is not None]
    if not known:
        return []
    return [pick(known, key=lambda v: v.estimate or 0.0) for pick in (min, max)]


def _consistency(data: CaptureHistories, method: Method) -> Section:
    """Treat each list as a population of known size and predict it from the other lists."""
    title = "Internal consistency"
    try:
        checks = internal_consistency(data, {"this method": lambda table, _: method(table)}).checks
    except EstimationError as error:
        return Section(9, title, (), (), (error.what,))
    rows = tuple((c.reference, f"{c.known_size:,}", c.n_seen, *_cells(c.result)) for c in checks)
    tried = [c for c in checks if c.result.ci_low is not None and c.result.ci_high is not None]
    hit = sum((c.result.ci_low or 0) <= c.known_size <= (c.result.ci_high or 0) for c in tried)
    flags: tuple[tuple[Light, str], ...] = ()
    if tried and 2 * hit < len(tried):
        text = f"{len(tried) - hit} of {len(tried)} lists of known size are not predicted by the others"
        flags = (("caution", text),)
    remark = f"{hit} of {len(tried)} known sizes lie in the interval predicted from the other lists"
    head = ("list", "known size", "seen by others", "predicted", "low", "high")
    return Section(9, title, head, rows, (remark,), flags)


def _identification(
    data: CaptureHistories, result: PopulationSize | None, referrals: Sequence[tuple[str, str]]
) -> Section:
    remarks = [
        "no table can tell the dependence that the model sets to zero: xi is the factor by which it would "
        "multiply the unseen",
    ]
    if referrals:
        pairs = ", ".join(f"{a} to {b}" for a, b in referrals)
        remarks.append(
            f"known referrals ({pairs}) make lists share people: where the model leaves that pair out, the "
            "estimate is too low (xi above 1)"
        )
    else:
        remarks.append("no referrals between lists were declared: ask which list refers to which")
    if result is None:
        return Section(10, "Identifying assumption", (), (), tuple(remarks))
    rows = tuple((f"{xi:g}", format_number(result.n + xi * result.dark_figure)) for xi in _XI)
    return Section(10, "Identifying assumption", ("xi", "population size"), rows, tuple(remarks))


def _bayes(data: CaptureHistories, result: PopulationSize | None) -> Section:
    names = {
        "r_hat": "R-hat",
        "ess": "effective draws",
        "n_modes": "modes",
        "share_at_cap": "share at the cap",
        "probability_at_grid_end": "probability at the grid's end",
        "delta": "delta",
    }
    rows: list[tuple[object, ...]] = []
    if result is not None:
        rows += [
            (label, f"{result.diagnostics[k]:.3g}") for k, label in names.items() if k in result.diagnostics
        ]
    remarks: list[str] = [] if rows else ["not a Bayesian estimate"]
    if 3 <= data.n_lists <= 5:
        from survey_toolkit.multiple_systems.decomposable import delta_sweep

        try:
            sweep = delta_sweep(data)
        except EstimationError as error:
            remarks.append(error.what)
        else:
            for record in sweep.to_dict("records"):
                rows.append((f"decomposable graphs, delta {record['delta']:.3g}", _record(record)))
    return Section(11, "Priors and chains", ("what", "value"), tuple(rows), tuple(remarks))


def _record(record: dict[object, object]) -> str:
    values = [record.get(k) for k in ("estimate", "ci_low", "ci_high")]
    numbers = [format_number(float(v)) for v in values if isinstance(v, int | float)]
    return f"{numbers[0]} ({numbers[1]} to {numbers[2]})" if len(numbers) == 3 else ", ".join(numbers)


def _strata(data: CaptureHistories, result: PopulationSize | None, strata: StratifiedSize | None) -> Section:
    rows: list[tuple[object, ...]] = []
    remarks: list[str] = []
    flags: list[tuple[Light, str]] = []
    if strata is None:
        remarks.append("no strata were given: people may differ by sex, age or form of exploitation")
    elif strata.total is not None:
        rows.append(("sum of strata", *estimate_cells(strata.total)))
        if result is not None and not strata.total.ci_low <= result.estimate <= strata.total.ci_high:
            flags.append(("caution", "the estimate lies outside the interval of the sum of strata"))
    else:
        remarks += [f"{'/'.join(code)}: {reason}" for code, reason in strata.refused.items()]
    pairs = data.overlaps()
    a, b = max(pairs, key=lambda pair: pairs[pair])
    matrix = data.overlap_matrix()
    n1, n2 = (int(matrix[data.lists.index(x), data.lists.index(x)]) for x in (a, b))
    for missed in _MISSED if pairs[a, b] else ():
        fit = attempt(lambda m=missed: linkage_corrected(n1, n2, pairs[a, b], match_rate=1 - m))  # type: ignore[misc]
        rows.append((f"{a} and {b}, {missed:.0%} of links missed", *estimate_cells(fit)))
    if pairs[a, b]:
        remarks.append("missed links make every estimate too high by about the same share")
    return Section(
        12,
        "Strata and linkage errors",
        ("what", "estimate", "low", "high"),
        tuple(rows),
        tuple(remarks),
        tuple(flags),
    )
