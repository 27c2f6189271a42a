r"""Replicates made from a design: what the weights of each sampling unit are multiplied by.

Every kind keeps the finite population correction of the first stage (Preston's: of all stages) in the factors
or the scales, so that for a total the replicate variance is, in expectation or exactly, the linearised one.
With :math:`f_h` the sampling fraction and :math:`n_h` the PSUs of a stratum:

* JK1, JKn: one PSU left out, the others of its stratum times :math:`n_h/(n_h-1)`; rscales
  :math:`(1-f_h)(n_h-1)/n_h`. JK2: the first PSU of each pair left out, the second doubled.
* BRR, Fay: half-samples of pairs along the rows of a Hadamard matrix, in full orthogonal balance;
  :math:`1 \pm (1-\rho)\sqrt{1-f_h}` (McCarthy 1969; Judkins 1990, J. Official Statistics 6:223).
* bootstrap (subbootstrap): :math:`n_h-1` PSUs drawn with replacement, rescaled (Rao, Wu and Yue 1992, Survey
  Methodology 18:209): :math:`1 + \sqrt{1-f_h}\,(\tfrac{n_h}{n_h-1} t - 1)`, never negative.
* canty_davison: :math:`n_h` PSUs drawn from the population made of copies of the sample (with replacement
  without an FPC); scaled by the harmonic mean of :math:`n_h` (Canty and Davison 1999, Statistician 48:379).
* preston: half the units drawn without replacement at every stage (Preston 2009, Survey Methodology 35:227).
* successive_difference: :math:`1 + 2^{-3/2}\sqrt{1-f_h}\,(a_{ir} - a_{jr})`, i the PSU, j the next one in the
  order of its code, the last followed by the first; scale 4/R (Fay and Train 1995, ASA SRMS 154-159).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation.codes import Floats, Ints
from survey_toolkit.estimation.hadamard import hadamard, hadamard_order
from survey_toolkit.estimation.psu_table import DesignTable, Stage
from survey_toolkit.estimation.replicate_design import ReplicatedDesign
from survey_toolkit.estimation.replication import Scheme

__all__ = ["Factors", "replicate_factors"]

_LARGEST = 400_000_000  # numbers in a factor matrix (3.2 GB)
_CHAIN = 512  # successive difference: rows of the Hadamard matrix before PSUs share them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factors:
    """Factors of R replicates for U finest sampling units.

    Attributes
    ----------
    matrix : float array (U, R)
    scheme : Scheme
    groups : int array (U,) or None
        Units whose factors add up to a constant in every replicate (a stratum; a unit that never changes is
        a group of its own). With the generic kinds the rank of any set of rows follows from them. None for
        kinds where it must be computed.
    """

    matrix: Floats
    scheme: Scheme
    groups: Ints | None


def replicate_factors(design: ReplicatedDesign, table: DesignTable) -> Factors:
    """Draw or lay out the replicates for the units of a design.

    Parameters
    ----------
    design : ReplicatedDesign
    table : DesignTable
        Units are sorted by the codes of stratum and PSU: row order does not matter, and the same seed gives
        the same replicates on every engine.

    Returns
    -------
    Factors

    Raises
    ------
    DesignError
        If the design does not suit the kind: a stratum with one PSU, strata without pairs, JK1 with strata.
    """
    first = table.stages[0]
    varying = _varying(first, design)
    if design.kind == "preston":
        return _preston(design, table, varying)
    make = _KINDS[design.kind]
    matrix, scale, rscales = make(design, first, varying)
    if design.base.lonely_psu == "average" and first.lonely.any():
        scale *= len(first.n_units) / (len(first.n_units) - first.lonely.sum())
    scheme = Scheme(kind=design.kind, scale=scale, rscales=rscales, mse=design.mse)
    groups = None if design.kind == "successive_difference" else _groups(first, varying, design)
    at = table.unit_at[0]
    whole = len(at) == table.n_psu
    return Factors(
        matrix=matrix if whole else matrix[at],
        scheme=scheme,
        groups=groups if whole or groups is None else groups[at],
    )


def _varying(stage: Stage, design: ReplicatedDesign) -> NDArray[np.bool_]:
    """Strata whose units change between replicates (H,); the others were taken whole, or hold one PSU."""
    option = design.base.lonely_psu
    lonely = stage.lonely
    adjusted = option == "adjust" and design.kind in ("JKn", "JK1")
    if lonely.any() and (option == "fail" or (option == "adjust" and not adjusted)):
        codes = [stage.codes[h] for h in np.flatnonzero(lonely)]
        raise DesignError(
            f"a stratum with one PSU cannot be replicated by {design.kind}",
            where="lonely_psu",
            found=f"{len(codes)} strata with one PSU, such as {', '.join(repr(c) for c in codes[:5])}"
            f'; lonely_psu="{option}"',
            expected="two or more in each stratum, or a decision what one contributes",
            hint='join such strata, or declare lonely_psu="certainty" or "average"; JKn also knows "adjust"',
            code="lonely-psu",
        )
    varying = (stage.n_units > 1) & (stage.fraction < 1)
    if not varying.any() and not (adjusted and lonely.any()):
        raise DesignError(
            "no stratum has two PSUs that were sampled: nothing varies",
            where="replicate",
            found=f"{len(stage.n_units)} strata with one PSU each, or taken whole",
            expected="two or more sampled PSUs in some stratum",
            hint="the sample is the whole population, or the strata are too fine",
            code="no-variance",
        )
    return varying


def _groups(stage: Stage, varying: NDArray[np.bool_], design: ReplicatedDesign) -> Ints:
    """Stratum of each unit; a unit of a stratum that does not vary is its own group."""
    alone = ~varying[stage.stratum]
    groups = stage.stratum.copy()
    groups[alone] = len(stage.n_units) + np.arange(int(alone.sum()))
    return groups


def _check_size(n_units: int, n_replicates: int, kind: str) -> None:
    if n_units * n_replicates > _LARGEST:
        raise DesignError(
            "the replicate factors would not fit in memory",
            where="replicate",
            found=f"{n_units} units by {n_replicates} replicates ({kind})",
            expected=f"at most {_LARGEST:,} factors",
            hint="take a bootstrap with fewer replicates, or declare the PSUs",
        )


def _jackknife(
    design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    if design.kind == "JK1" and len(stage.n_units) > 1:
        raise DesignError(
            "JK1 is for designs without strata",
            where="kind",
            found=f"{len(stage.n_units)} strata",
            expected="one",
            hint='take kind="JKn"',
        )
    left_out = np.flatnonzero(varying[stage.stratum])
    alone = (
        np.flatnonzero(stage.lonely[stage.stratum]) if design.base.lonely_psu == "adjust" else left_out[:0]
    )
    n_units, n_strata, n_left = len(stage.stratum), len(stage.n_units), len(left_out)
    _check_size(n_units, n_left, design.kind)
    if len(alone) and n_strata < 2:
        raise DesignError(
            "there is one PSU in all: no variance",
            where="psu",
            found="1 PSU",
            expected="two or more",
            hint="declare the units that were drawn first; one alone tells nothing of the others",
            code="lonely-psu",
        )
    matrix = np.ones((n_units, n_left + len(alone)))
    h = stage.stratum[left_out]
    n = stage.n_units[h]
    matrix[:, :n_left] = np.where(stage.stratum[:, None] == h, n / (n - 1), 1.0)
    matrix[left_out, np.arange(n_left)] = 0.0
    rscales = (1 - stage.fraction[h]) * (n - 1) / n
    if len(alone):  # the lonely PSU against all the others, as R does
        matrix[:, n_left:] = n_strata / (n_strata - 1)
        matrix[alone, n_left + np.arange(len(alone))] = 0.0
        rscales = np.append(rscales, np.full(len(alone), (n_strata - 1) / n_strata))
    return matrix, 1.0, rscales


def _pairs(design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Units in pairs, first and second."""
    odd = np.flatnonzero(varying & (stage.n_units != 2))
    if len(odd):
        shown = ", ".join(f"{stage.codes[h]!r} ({stage.n_units[h]} PSUs)" for h in odd[:5])
        raise DesignError(
            f"{design.kind} needs two PSUs in each stratum",
            where="kind",
            found=f"{len(odd)} strata with another number, such as {shown}",
            expected="pairs",
            hint='take kind="JKn" or "bootstrap", or form pairs in the data',
            code="not-pairs",
        )
    units = np.flatnonzero(varying[stage.stratum])
    units = units[np.argsort(stage.stratum[units], kind="stable")]
    return units[::2], units[1::2]


def _paired_jackknife(
    design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    first, second = _pairs(design, stage, varying)
    _check_size(len(stage.stratum), len(first), design.kind)
    matrix = np.ones((len(stage.stratum), len(first)))
    column = np.arange(len(first))
    matrix[first, column], matrix[second, column] = 0.0, 2.0
    return matrix, 1.0, np.asarray(1 - stage.fraction[stage.stratum[first]])


def _half_samples(
    design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    first, second = _pairs(design, stage, varying)
    order = hadamard_order(max(len(first) + 1, design.n or 0))
    if design.n is not None and order != design.n:
        raise DesignError(
            f"balanced half-samples of {len(first)} pairs do not come in this number",
            where="n",
            found=str(design.n),
            expected=f"{order}, or leave n out for {hadamard_order(len(first) + 1)}",
            code="replicate-count",
        )
    _check_size(len(stage.stratum), order, design.kind)
    # the first row is all ones: without it every factor averages to 1 over the replicates
    signs = hadamard(order)[1 : len(first) + 1].astype(np.float64)
    step = (1 - design.rho) * np.sqrt(1 - stage.fraction[stage.stratum[first]])[:, None]
    matrix = np.ones((len(stage.stratum), order))
    matrix[first], matrix[second] = 1 + step * signs, 1 - step * signs
    return matrix, 1 / (order * (1 - design.rho) ** 2), np.ones(order)


def _rao_wu(
    design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    n = _draws(design)
    _check_size(len(stage.stratum), n, design.kind)
    rng = np.random.default_rng(design.seed)
    matrix = np.ones((len(stage.stratum), n))
    for units, n_h, f in _strata(stage, varying):
        drawn = rng.integers(0, n_h, size=(n_h - 1, n)) + n_h * np.arange(n)
        times = np.bincount(drawn.reshape(-1), minlength=n_h * n).reshape(n, n_h).T
        matrix[units] = 1 + np.sqrt(1 - f) * (times * (n_h / (n_h - 1)) - 1)
    return matrix, _bootstrap_scale(design), np.ones(n)


def _canty_davison(
    design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    n = _draws(design)
    _check_size(len(stage.stratum), n, design.kind)
    rng = np.random.default_rng(design.seed)
    matrix = np.ones((len(stage.stratum), n))
    for units, n_h, f in _strata(stage, varying):
        if f == 0:
            times = rng.multinomial(n_h, np.full(n_h, 1 / n_h), size=n)
        else:
            copies, rest = divmod(round(n_h / f), n_h)
            population = copies + (np.arange(n_h) < rest)
            times = rng.multivariate_hypergeometric(population, n_h, size=n, method="marginals")
            times = rng.permuted(times, axis=1) if rest else times  # no unit always has the extra copy
        matrix[units] = times.T
    mean = float(1 / np.mean(1 / stage.n_units[varying]))
    return matrix, _bootstrap_scale(design) * mean / (mean - 1), np.ones(n)


def _successive_difference(
    design: ReplicatedDesign, stage: Stage, varying: NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    n_varying = int(stage.n_units[varying].sum())
    order = hadamard_order(design.n or min(n_varying + 1, _CHAIN))
    if design.n is not None and order != design.n:
        raise DesignError(
            "no balanced set of this number of replicates is known",
            where="n",
            found=str(design.n),
            expected=str(order),
            code="replicate-count",
        )
    _check_size(len(stage.stratum), order, design.kind)
    rows = hadamard(order)[1:].astype(np.float64)
    matrix = np.ones((len(stage.stratum), order))
    start = 0
    for units, n_h, f in _strata(stage, varying):
        mine = (start + np.arange(n_h)) % len(rows)
        step = 2**-1.5 * np.sqrt(1 - f)
        matrix[units] = 1 + step * (rows[mine] - rows[np.roll(mine, -1)])
        start += n_h
    return matrix, 4 / order, np.ones(order)


def _preston(design: ReplicatedDesign, table: DesignTable, varying: NDArray[np.bool_]) -> Factors:
    """Half of the units of every stage; later stages within the halves chosen before."""
    n = _draws(design)
    _check_size(len(table.unit_at[-1]), n, design.kind)
    rng = np.random.default_rng(design.seed)
    matrix = np.ones((len(table.unit_at[-1]), n))
    above = np.ones((1, n))  # product of sqrt(n/n*) over the stages above, 0 where not chosen
    fraction = np.ones(1)
    for s, (stage, at) in enumerate(zip(table.stages, table.unit_at, strict=True)):
        block = stage.block[stage.stratum] if s else np.zeros(len(stage.stratum), dtype=np.int64)
        inherited = above[block]
        change, chosen = np.zeros_like(inherited), np.ones_like(inherited)
        moving = varying if s == 0 else (stage.n_units > 1) & (stage.fraction < 1)
        for units, n_h, f in _strata(stage, moving):
            half = n_h // 2
            picked = rng.random((n_h, n)).argsort(axis=0).argsort(axis=0) < half
            step = np.sqrt(fraction[block[units[0]]] * half * (1 - f) / (n_h - half))
            change[units] = step * (n_h / half * picked - 1)
            chosen[units] = np.sqrt(n_h / half) * picked
        matrix += (inherited * change)[at]
        above = inherited * chosen
        fraction = fraction[block] * stage.fraction[stage.stratum]
    scheme = Scheme(kind="preston", scale=_bootstrap_scale(design), rscales=np.ones(n), mse=design.mse)
    return Factors(matrix=matrix, scheme=scheme, groups=None)


def _strata(stage: Stage, varying: NDArray[np.bool_]) -> list[tuple[Ints, int, float]]:
    """Units, their number and the sampling fraction of each stratum that varies, in order."""
    order = np.argsort(stage.stratum, kind="stable")
    ends = np.cumsum(stage.n_units)
    return [
        (order[ends[h] - stage.n_units[h] : ends[h]], int(stage.n_units[h]), float(stage.fraction[h]))
        for h in np.flatnonzero(varying)
    ]


def _draws(design: ReplicatedDesign) -> int:
    return int(design.n or 0)


def _bootstrap_scale(design: ReplicatedDesign) -> float:
    return 1 / _draws(design) if design.mse else 1 / (_draws(design) - 1)


_Maker = Callable[[ReplicatedDesign, Stage, NDArray[np.bool_]], tuple[Floats, float, Floats]]
_KINDS: dict[str, _Maker] = {
    "JK1": _jackknife,
    "JKn": _jackknife,
    "JK2": _paired_jackknife,
    "BRR": _half_samples,
    "Fay": _half_samples,
    "bootstrap": _rao_wu,
    "subbootstrap": _rao_wu,
    "canty_davison": _canty_davison,
    "successive_difference": _successive_difference,
}
