"""Coverage of 95 % intervals for proportions under stratified cluster sampling, by simulation.

    python benchmarks/coverage_proportions.py

A superpopulation: strata differ in prevalence, PSUs of a stratum draw theirs from a beta distribution with
the intraclass correlation asked for, weights vary between strata and PSUs. Each draw is a new sample of
PSUs and persons; estimate, linearised standard error and interval are those of the package. See README.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from survey_toolkit.estimation import proportion_interval  # noqa: E402

PREVALENCES = (0.001, 0.005, 0.02, 0.10)
DESIGNS = {30: 15, 80: 20, 300: 50}  # PSUs: strata
METHODS = ("logit", "likelihood", "beta", "clopper_pearson", "wilson", "asin", "mean")
LABELS = {"beta": "beta (Korn-Graubard)", "clopper_pearson": "Clopper-Pearson, n_eff", "mean": "Wald t"}
PERSONS = (25, 56)  # range of persons in a PSU


def draw(prevalence: float, psus: int, icc: float, draws: int, rng: np.random.Generator) -> dict:
    """Estimates of many samples at once; arrays are (draws,)."""
    strata = DESIGNS[psus]
    stratum = np.repeat(np.arange(strata), psus // strata)
    relative = np.exp(rng.normal(0, 0.5, strata))
    size = np.exp(rng.normal(0, 0.4, strata))  # population of the strata, unequally sampled
    within = prevalence * relative * size.sum() / (relative @ size)
    m = rng.integers(*PERSONS, size=(draws, psus))
    weight = size[stratum] * np.exp(rng.normal(0, 0.25, (draws, psus)))
    weight *= 1 / m  # a PSU stands for the same population whatever its take
    spread = 1 / icc - 1
    rate = rng.beta(within[stratum] * spread, (1 - within[stratum]) * spread, (draws, psus))
    events = rng.binomial(m, rate)
    total, cases = (weight * m).sum(axis=1), (weight * events).sum(axis=1)
    p = cases / total
    z = (weight * events - p[:, None] * weight * m) / total[:, None]
    by = z.reshape(draws, strata, -1)
    n_h = by.shape[2]
    variance = n_h / (n_h - 1) * ((by - by.mean(axis=2, keepdims=True)) ** 2).sum(axis=(1, 2))
    return {
        "p": p,
        "se": np.sqrt(variance),
        "n": m.sum(axis=1).astype(float),
        "events": events.sum(axis=1).astype(float),
        "df": np.full(draws, float(psus - strata)),
    }


def judge(method: str, sample: dict, truth: float) -> dict[str, float]:
    """Coverage, misses on each side (the truth below, above), and width."""
    interval = proportion_interval(
        method, sample["p"], sample["se"], sample["n"], sample["df"], 0.95, events=sample["events"]
    )
    known = ~np.isnan(interval.low)
    low, high = interval.low[known], interval.high[known]
    return {
        "coverage": float(((low <= truth) & (truth <= high)).sum() / len(known)),
        "below": float((truth < low).mean()),
        "above": float((truth > high).mean()),
        "width": float(np.mean(high - low)),
    }


def table(icc: float, draws: int, seed: int) -> tuple[list[str], dict]:
    lines = [
        f"### Intraclass correlation {icc:g}",
        "",
        "| prevalence | PSUs | events (mean; none in) | deff | "
        + " | ".join(LABELS.get(m, m) for m in METHODS)
        + " |",
        "|---|---|---|---|" + "---|" * len(METHODS),
    ]
    results = {}
    for prevalence in PREVALENCES:
        for psus in DESIGNS:
            rng = np.random.default_rng([seed, int(prevalence * 1e4), psus, int(icc * 1e3)])
            sample = draw(prevalence, psus, icc, draws, rng)
            found = {m: judge(m, sample, prevalence) for m in METHODS}
            results[prevalence, psus] = found
            srs = prevalence * (1 - prevalence) / sample["n"].mean()
            cells = [
                f"**{100 * f['coverage']:.1f}** ({100 * f['below']:.1f}, {100 * f['above']:.1f}; "
                f"{100 * f['width']:.2f})"
                for f in found.values()
            ]
            lines.append(
                f"| {100 * prevalence:g} % | {psus} | {sample['events'].mean():.1f}; "
                f"{100 * (sample['events'] == 0).mean():.0f} % | {sample['p'].var() / srs:.1f} | "
                + " | ".join(cells)
                + " |"
            )
    return lines, results


def summary(results: dict) -> list[str]:
    """Worst and mean coverage, and mean width against the widest, over the cells of a group."""
    lines = [
        "| method | worst coverage, rare (0.1 %, 0.5 %) | worst, 2 % and 10 % | mean coverage "
        "| mean shortfall below 95 | worst miss above, rare | mean width (logit = 1) |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in METHODS:
        cells = {key: found[method] for key, found in results.items()}
        rare = [f for key, f in cells.items() if key[1] <= 0.005]
        common = [f for key, f in cells.items() if key[1] > 0.005]
        width = np.mean([f["width"] / results[key]["logit"]["width"] for key, f in cells.items()])
        lines.append(
            f"| {LABELS.get(method, method)} | {100 * min(f['coverage'] for f in rare):.1f} "
            f"| {100 * min(f['coverage'] for f in common):.1f} "
            f"| {100 * np.mean([f['coverage'] for f in cells.values()]):.1f} "
            f"| {100 * np.mean([max(0.95 - f['coverage'], 0) for f in cells.values()]):.2f} "
            f"| {100 * max(f['above'] for f in rare):.1f} | {width:.2f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--icc", type=float, nargs="+", default=[0.01, 0.05])
    parser.add_argument("--advice", type=Path, default=HERE / "coverage_advice.md")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "coverage_proportions.md")
    args = parser.parse_args()
    start = time.perf_counter()
    body, everything = [], {}
    for icc in args.icc:
        lines, results = table(icc, args.draws, args.seed)
        body += [*lines, ""]
        everything |= {(icc, *key): found for key, found in results.items()}
    head = [
        "# Coverage of 95 % intervals for proportions",
        "",
        f"{args.draws:,} draws a cell (standard error of a coverage of 95 %: "
        f"{100 * (0.95 * 0.05 / args.draws) ** 0.5:.1f} points), seed {args.seed};"
        f" {datetime.now(UTC):%Y-%m-%d}.",
        f"PSUs in {', '.join(f'{h} strata ({k})' for k, h in DESIGNS.items())},"
        f" {PERSONS[0]}-{PERSONS[1] - 1} persons each; strata differ in prevalence, weights vary between and"
        " within strata.",
        "A cell: **coverage** (truth below the interval, truth above it; mean width), all in percent points.",
        "With no event every method gives the exact binomial limits for n rows.",
        "",
        *([args.advice.read_text(encoding="utf-8").strip(), ""] if args.advice.is_file() else []),
        "## Over all cells",
        "",
        *summary(everything),
        "",
        "## By cell",
        "",
        *body,
    ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text("\n".join(head), encoding="utf-8")
    print("\n".join(head))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
