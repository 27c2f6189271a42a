"""Sample coverage: how much of the population's visibility the lists have found.

Chao & Tsay (1998) JASA 93:283-293; Tsay & Chao (2001) J. Applied Statistics 28:25-36; Chao, Tsay, Lin, Shau &
Chao (2001) Statistics in Medicine 20:3123-3157 (equations 9 and 12-14). For one register with repeats: the
abundance-based estimators of Chao & Lee (1992) JASA 87:210-217.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._log_type import log_type_size
from survey_toolkit.multiple_systems.frequencies import CaptureFrequencies, frequencies
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["abundance_coverage", "sample_coverage"]

FloatArray = NDArray[np.float64]
CoverageForm = Literal["one_step", "high", "independent"]
_ENOUGH = 0.55
_STEP = 1e-5

_ASSUMPTIONS = (
    "The population is closed and links are perfect. Lists may depend on each other in pairs, through "
    "referrals or through people who are visible everywhere; the coverage is that of a typical list. With "
    "low coverage the estimate is drawn towards the one for independent lists, usually too low."
)
_NAMES = {"one_step": "one-step", "high": "high coverage", "independent": "independent lists"}


def sample_coverage(
    data: CaptureHistories, form: CoverageForm = "one_step", *, level: float = 0.95
) -> PopulationSize:
    """Population size by sample coverage, for three lists or more.

    Parameters
    ----------
    data : CaptureHistories
    form : {"one_step", "high", "independent"}
        ``"independent"``: the mean number seen on some list besides a given one over the coverage (eq. 9).
        ``"high"``: with pairwise dependence, the equation solved (12); its authors advise it from a coverage
        of 0.55 up. ``"one_step"``: the dependence taken at a first estimate (13-14), for low coverage.
    level : float
        For the log-type interval; the standard error is the delta method over multinomial counts.

    Returns
    -------
    PopulationSize
        ``diagnostics`` hold ``coverage``, ``identified`` (the mean D) and all three estimates.

    Raises
    ------
    EstimationError
        Fewer than three lists, no overlap (coverage 0), or a high-coverage equation without a positive root.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> round(sample_coverage(lists).estimate)
    508
    """
    values = _require_solution(data, form)
    table, t, n, estimate = data.table(), data.n_lists, data.n_observed, values[form]
    seen = np.flatnonzero(table)
    se = _delta(table[seen], estimate, lambda y: _coverage(_scatter(y, seen, len(table)), t)[form])
    notes = [*data.notes]
    if form == "high" and values["coverage"] < _ENOUGH:
        notes.append(
            f"coverage {values['coverage']:.2f} is below {_ENOUGH}: its authors advise the one-step form"
        )
    return log_type_size(
        method=f"sample coverage, {_NAMES[form]}",
        model="pairwise dependence" if form != "independent" else "independence",
        estimate=estimate,
        se=se,
        level=level,
        n=n,
        lists=data.lists,
        diagnostics=values,
        assumptions=_ASSUMPTIONS,
        notes=tuple(notes),
    )


def _require_solution(data: CaptureHistories, form: CoverageForm) -> dict[str, float]:
    """Coverage and the three estimates, where the one asked for exists."""
    if form not in _NAMES:
        raise EstimationError(
            "there is no such form", where="form", found=repr(form), expected=", ".join(map(repr, _NAMES))
        )
    if data.n_lists < 3:
        raise EstimationError(
            "sample coverage needs three lists or more",
            where="lists",
            found=str(data.n_lists),
            hint="use two_list()",
            code="too-few-lists",
        )
    values = _coverage(data.table(), data.n_lists)
    if values["coverage"] <= 1e-12:
        raise EstimationError(
            "no list shares anybody with another: the coverage is 0",
            found="every person is on one list only",
            hint="link the lists better, or use lists that overlap",
            code="no-overlap",
        )
    estimate, n = values[form], data.n_observed
    if not np.isfinite(estimate) or estimate < n:
        raise EstimationError(
            "the sample-coverage equation has no solution at or above the people seen",
            found=f"coverage {values['coverage']:.2f}, {_NAMES[form]} estimate {estimate:,.0f}, {n:,} seen",
            hint="use form='one_step'" if form == "high" else "lists exclude each other: use loglinear()",
            code="no-mle",
        )
    return values


def _scatter(values: FloatArray, index: NDArray[np.int64], size: int) -> FloatArray:
    out = np.zeros(size)
    out[index] = values
    return out


def _coverage(table: FloatArray, t: int) -> dict[str, float]:
    """Coverage, people identified, and the three estimates."""
    cells = np.arange(len(table))
    on = ((cells[:, None] >> np.arange(t)) & 1).astype(bool)
    sizes = table @ on
    alone = table[1 << np.arange(t)]
    coverage = float(1 - (alone / sizes).mean())
    identified = float(table.sum() - alone.mean())
    if coverage <= 0:
        return {"coverage": 0.0, "identified": identified}
    # By pair: people seen on just one of the two and on no third list or both; and the overlap ratio.
    weight, ratio = [], []
    for i, j in combinations(range(t), 2):
        off = ~np.delete(on, (i, j), axis=1).any(axis=1)
        weight.append(table[off & on[:, i]].sum() + table[off & on[:, j]].sum())
        ratio.append(table[on[:, i] & on[:, j]].sum() / (sizes[i] * sizes[j]))
    a, r = np.array(weight), np.array(ratio)
    scale = t * coverage
    start = identified / coverage

    def step(size: float) -> float:
        return start + float((a * (size * r - 1)).sum()) / scale

    room = 1 - float((a * r).sum()) / scale
    high = (start - float(a.sum()) / scale) / room if room > 0 else float("inf")
    return {
        "coverage": coverage,
        "identified": identified,
        "independent": start,
        "high": high,
        "one_step": step(step(start)),
    }


def abundance_coverage(
    data: CaptureFrequencies | CaptureHistories,
    *,
    cutoff: int = 10,
    highly_variable: bool = False,
    level: float = 0.95,
) -> PopulationSize:
    """Population size from numbers of captures by coverage (ACE, and ACE-1 for highly variable people).

    Parameters
    ----------
    data : CaptureFrequencies or CaptureHistories
    cutoff : int
        People seen at most so often carry the information on the unseen; the others are added.
    highly_variable : bool
        The second form of the coefficient of variation.
    level : float

    Raises
    ------
    EstimationError
        When everybody within the cutoff was seen once (coverage 0).

    Examples
    --------
    >>> seen = CaptureFrequencies.from_counts({1: 50, 2: 20, 3: 11, 4: 6, 5: 5, 6: 32})
    >>> round(abundance_coverage(seen, cutoff=6).estimate)
    164
    """
    seen = frequencies(data)
    if cutoff < 2:
        raise EstimationError("the cutoff is 2 or more", where="cutoff", found=str(cutoff))
    people = seen.people[:cutoff].astype(float)
    often = float(seen.people[cutoff:].sum())
    if people[1:].sum() == 0:
        raise EstimationError(
            "everybody within the cutoff was seen once: the coverage is 0",
            found=f"{seen.f(1):,} people seen once, none 2 to {cutoff} times",
            code="no-overlap",
        )
    estimate = often + _ace(people, highly_variable)
    together = np.append(people, often)
    se = _delta(together, estimate, lambda f: float(f[-1]) + _ace(f[:-1], highly_variable))
    sightings = float(people @ np.arange(1, len(people) + 1))
    return log_type_size(
        method="abundance-based coverage" + (" (ACE-1)" if highly_variable else " (ACE)"),
        model="heterogeneous visibility",
        estimate=estimate,
        se=se,
        level=level,
        n=seen.n_observed,
        lists=getattr(data, "lists", ()),
        diagnostics={"coverage": 1 - people[0] / sightings, "cutoff": float(cutoff)},
        assumptions=_ASSUMPTIONS,
        notes=tuple(getattr(data, "notes", ())),
    )


def _ace(people: FloatArray, highly_variable: bool) -> float:
    times = np.arange(1, len(people) + 1)
    sightings = float(people @ times)
    coverage = 1 - people[0] / sightings
    pairs = float((times * (times - 1)) @ people) / (sightings * (sightings - 1))
    spread = max(people.sum() / coverage * pairs - 1, 0.0)
    if highly_variable:
        spread = max(spread * (1 + sightings * (1 - coverage) * pairs / coverage), 0.0)
    return float(people.sum() / coverage + people[0] / coverage * spread)


def _delta(counts: FloatArray, estimate: float, function: Callable[[FloatArray], float]) -> float:
    """Delta-method standard error; counts multinomial with the estimated size."""
    steps = np.eye(len(counts)) * _STEP * np.maximum(counts, 1.0)[:, None]
    slope = np.array([(function(counts + h) - function(counts - h)) / (2 * h.sum()) for h in steps])
    variance = float(slope**2 @ counts) - float(slope @ counts) ** 2 / estimate
    return float(np.sqrt(max(variance, 0.0)))
