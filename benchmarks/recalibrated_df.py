"""Degrees of freedom after each replicate was calibrated: rank of the weights before, or after?

    python benchmarks/recalibrated_df.py [draws]

Samples of few PSUs from a model with four classes of persons, post-stratified to the classes in every
replicate; 95 % t intervals of a mean, over all persons and over a domain of 40 % of them.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from survey_toolkit.estimation.replication import weight_rank

Floats = NDArray[np.float64]
CLASSES, PERSONS, TRUTH = 4, 40, 1.5


def replicates(kind: str, rng: np.random.Generator, strata: int, psus: int) -> tuple[Floats, Floats]:
    """Factors by PSU, and the scale of each square."""
    n = strata * psus
    if kind == "JKn":
        stratum = np.repeat(np.arange(strata), psus)
        factors = np.where(stratum[:, None] == stratum, psus / (psus - 1), 1.0)
        np.fill_diagonal(factors, 0.0)
        return factors, np.full(n, (psus - 1) / psus)
    drawn = [rng.multinomial(psus - 1, np.full(psus, 1 / psus), 100).T for _ in range(strata)]
    return np.vstack(drawn) * psus / (psus - 1), np.full(100, 1 / 100)


def poststratified(w: Floats, group: NDArray[np.int64], total: float) -> Floats | None:
    """Weights with the population of each class, by column; None when a class is gone from a replicate."""
    sums = np.stack([np.bincount(group, column, CLASSES) for column in w.T], axis=1)
    return None if (sums == 0).any() else w * (total / sums)[group]


def one(
    rng: np.random.Generator, kind: str, strata: int, psus: int
) -> tuple[list[Floats], tuple[int, int]] | None:
    """Error and standard error over all and in the domain; ranks before and after."""
    unit = np.repeat(np.arange(strata * psus), PERSONS)
    group = rng.integers(0, CLASSES, len(unit))
    y = group + 1.5 * rng.normal(0, 1, strata * psus)[unit] + rng.normal(0, 2, len(unit))
    domain = rng.random(len(unit)) < 0.4
    factors, scale = replicates(kind, rng, strata, psus)
    made = poststratified(factors[unit], group, len(unit) / CLASSES)
    full = poststratified(np.ones((len(unit), 1)), group, len(unit) / CLASSES)
    if made is None or full is None:
        return None
    out = []
    for here in (np.ones(len(unit), dtype=bool), domain):
        estimate = np.average(y[here], weights=full[here, 0])
        each = (made[here] * y[here, None]).sum(axis=0) / made[here].sum(axis=0)
        out.append(np.array([estimate - TRUTH, np.sqrt((scale * (each - estimate) ** 2).sum())]))
    return out, (weight_rank(factors[unit]) - 1, weight_rank(made) - 1)


def main(draws: int) -> None:
    print(
        "| replicates | strata x PSUs | df before | df after | all: before | after | domain: before | after |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for kind, strata, psus in (
        ("JKn", 4, 2),
        ("JKn", 3, 3),
        ("JKn", 10, 2),
        ("bootstrap (100)", 3, 3),
        ("bootstrap (100)", 5, 4),
    ):
        rng = np.random.default_rng(strata)
        kept = [found for _ in range(draws) if (found := one(rng, kind, strata, psus)) is not None]
        before, after = kept[0][1]
        cover = [
            100 * np.mean([abs(f[0][i][0]) <= t.ppf(0.975, df) * f[0][i][1] for f in kept])
            for i in (0, 1)
            for df in (before, after)
        ]
        shares = " | ".join(f"{c:.1f}" for c in cover)
        print(f"| {kind} | {strata} x {psus} | {before} | {after} | {shares} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
