"""What sampling designs and estimators give on populations whose truth is known.

    python benchmarks/sampling_recovery.py [replicates]

Designs are drawn from the simulated country (adults, an outcome made to cluster by area), estimated each
time, and held against the truth and against the planned design effect. Adaptive cluster and time-location
sampling are drawn from small simulated populations; the last row of each shows where the method breaks.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from survey_toolkit.datasets import simulate_country
from survey_toolkit.sampling import (
    FieldPlan,
    Stage,
    adaptive_estimate,
    adaptive_sample,
    check_precision,
    grid_neighbours,
    time_location,
)


def realised(outcome: np.ndarray, area: np.ndarray, n_areas: int) -> tuple[float, float]:
    """Intraclass correlation that the drawn population has, and the share of variance left by its areas.

    The correlation asked for is that of the distribution of risks; one population of some hundred areas has
    another. Without replacement, n areas of M leave about 1 - n/M of the variance between areas.
    """
    size = np.bincount(area)
    mean = np.bincount(area, outcome) / size
    p = outcome.mean()
    noise = np.average(mean * (1 - mean) / np.maximum(size - 1, 1), weights=size)
    between = np.average((mean - p) ** 2, weights=size) - noise
    return float(between / (p * (1 - p))), 1 - n_areas / len(size)


def designs(replicates: int) -> None:
    country = simulate_country(seed=3, n_persons=120_000)
    homes = country.households[["household_id", "area_id"]]
    people = country.persons.drop(columns=["area_id"], errors="ignore").merge(homes, on="household_id")
    adults = people.loc[people["age"] >= 18, ["household_id", "area_id"]].reset_index(drop=True)
    rng = np.random.default_rng(1)
    print(
        "| prevalence | ICC | areas x households | interviews | truth | mean (error) | SD | mean SE |"
        " coverage | deff (error) | planned | ICC here | planned with it | without replacement |"
    )
    print("|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for p, icc in ((0.10, 0.05), (0.02, 0.02), (0.005, 0.01)):
        scale = (1 - icc) / icc
        areas = adults["area_id"].astype("category").cat.codes.to_numpy()
        risk = rng.beta(p * scale, (1 - p) * scale, areas.max() + 1)[areas]
        adults["case"] = (rng.random(len(adults)) < risk).astype(int)
        stages = [
            Stage(unit="area_id", n=40, method="pps_systematic", size="rows"),
            Stage(unit="household_id", n=8),
        ]
        r = check_precision(adults, stages, outcome="case", replicates=replicates, seed=2)
        take = r.interviews / 40
        planned = FieldPlan(cluster_take=take, icc=icc).design_effect
        here, left = realised(adults["case"].to_numpy(), areas, 40)
        known = FieldPlan(cluster_take=take, icc=here).design_effect
        finite = 1 - here + take * here * left
        print(
            f"| {p:g} | {icc:g} | 40 x 8 | {r.interviews:.0f} | {r.truth:.4f} | {r.mean:.4f} "
            f"({r.monte_carlo_error:.4f}) | {r.se:.4f} | {r.mean_se:.4f} | {r.coverage:.2f} | {r.deff:.2f} "
            f"({r.deff * np.sqrt(2 / (replicates - 1)):.2f}) | {planned:.2f} | {here:.4f} | {known:.2f} | "
            f"{finite:.2f} |",
            flush=True,
        )


def adaptive(replicates: int) -> None:
    print(
        "\n| clusters | truth | mean HH | SD HH | mean HT | SD HT | SD initial | coverage HH | coverage HT |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    side, n = 20, 40
    row, col = np.divmod(np.arange(side * side), side)
    pairs = grid_neighbours(row, col)
    for title, centres in (("12 small", 12), ("3 small (breaks)", 3)):
        rng = np.random.default_rng(centres)
        count = np.zeros(side * side, dtype=int)
        for r, c in rng.integers(1, side - 1, (centres, 2)):
            near = np.abs(row - r) + np.abs(col - c) <= 1
            count[near] += rng.poisson(4, near.sum())
        out = []
        for _ in range(replicates):
            initial = np.zeros(count.size, dtype=bool)
            initial[rng.choice(count.size, n, replace=False)] = True
            network = adaptive_sample(count > 0, pairs, initial).network
            e = adaptive_estimate(count, network, initial, population=count.size)
            out.append((e.total_hh, e.se_hh, e.total_ht, e.se_ht, e.total_initial))
        hh, s_hh, ht, s_ht, plain = np.array(out).T
        truth = count.sum()
        inside = [
            float((np.abs(t - truth) <= 1.96 * np.nan_to_num(s)).mean()) for t, s in ((hh, s_hh), (ht, s_ht))
        ]
        print(
            f"| {title} | {truth} | {hh.mean():.1f} | {hh.std():.1f} | {ht.mean():.1f} | {ht.std():.1f} | "
            f"{plain.std():.1f} | {inside[0]:.2f} | {inside[1]:.2f} |",
            flush=True,
        )


def venues(rng: np.random.Generator, visits: np.ndarray, case: np.ndarray, events: int) -> pd.DataFrame:
    at: list[list[int]] = [[] for _ in range(200)]
    for person, often in enumerate(visits):
        for event in rng.choice(200, size=often, replace=False):
            at[event].append(person)
    rows = []
    for event in rng.choice(200, events, replace=False):
        here = at[event]
        taken = rng.choice(here, min(12, len(here)), replace=False) if here else []
        rows += [(event, len(here), len(taken), visits[p], case[p]) for p in taken]
    return pd.DataFrame(rows, columns=["event", "counted", "interviewed", "visits", "case"])


def time_locations(replicates: int) -> None:
    print(
        "\n| time-location, 30 of 200 events | truth | mean | SD | mean SE | coverage | without attendance |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for title, misreport in (("visits told rightly", 1.0), ("frequent visitors tell half (breaks)", 0.5)):
        rng = np.random.default_rng(7)
        visits = rng.choice([1, 2, 4, 10], 1500, p=[0.4, 0.3, 0.2, 0.1])
        case = (rng.random(1500) < np.where(visits >= 4, 0.3, 0.05)).astype(int)
        out = []
        for _ in range(replicates):
            data = venues(rng, visits, case, 30)
            told = np.where(data["visits"] >= 4, np.ceil(data["visits"] * misreport), data["visits"])
            est = time_location(
                data.assign(visits=told),
                outcome="case",
                event="event",
                visits="visits",
                event_probability=np.full(len(data), 0.15),
                person_probability=data["interviewed"] / data["counted"],
            )
            p, flat = est.prevalence, est.prevalence_without_attendance
            out.append([float(x[0]) for x in (p.estimate, p.se, p.ci_low, p.ci_high, flat.estimate)])
        value, se, low, high, flat = np.array(out).T
        truth = case.mean()
        cover = ((low <= truth) & (truth <= high)).mean()
        print(
            f"| {title} | {truth:.3f} | {value.mean():.3f} | {value.std():.3f} | {se.mean():.3f} | "
            f"{cover:.2f} | {flat.mean():.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    adaptive(times * 5)
    time_locations(times)
    designs(times)
