"""Multiple systems estimation: bootstrap with re-selection, graphs, latent classes, model averaging.

    python benchmarks/multiple_systems.py
    python benchmarks/multiple_systems.py --only hierarchical   # those tasks anew, the other rows kept

Each task runs in a process of its own (one thread), several times; medians. Tables: UK 2013 (Silverman 2014,
Home Office) and Kosovo (Ball et al. 2002), retyped from print. Peers' times were measured elsewhere on their
own machine, except conting, which is run here when R has it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = 5
UK = (
    "100000:54 010000:463 001000:907 000100:695 000010:316 000001:57 110000:15 101000:19 100100:3 011000:56 "
    "010100:19 010010:1 010001:3 001100:69 001010:10 001001:31 000110:8 000101:6 000011:1 111000:1 110100:1 "
    "011100:4 011001:3 001101:1 111100:1"
)
KOSOVO = (
    "1000:1131 0100:845 0010:936 0001:306 1100:177 1010:228 1001:106 0110:217 0101:31 0011:123 1110:181 "
    "1101:18 1011:42 0111:32 1111:27"
)
PRELUDE = f"""
import json, resource, sys, time
import scipy.optimize
from survey_toolkit import multiple_systems as ms
def read(text, lists):
    counts = {{k: int(v) for k, v in (p.split(":") for p in text.split())}}
    return ms.CaptureHistories.from_counts(counts, lists)
uk6 = read("{UK}", ["LA", "NG", "PF", "GO", "GP", "NCA"])
uk5 = uk6.merge({{"PFNCA": ["PF", "NCA"]}})
kosovo = read("{KOSOVO}", ["EXH", "ABA", "OSCE", "HRW"])
ms.loglinear(kosovo, ci="wald")
ms.bootstrap(kosovo.drop(["HRW"]), replicates=20)
"""
TIMED = """
wall, cpu = time.perf_counter(), time.process_time()
out = {call}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"wall": wall, "cpu": cpu, "peak": peak, "said": {said}}}))
"""
CHAINS = "chains=100, burn_in=550, draws=550, thin=1"
# label, set-up (not timed), call, what it gave, peer and its CPU seconds
TASKS: list[tuple[str, str, str, str, str, float | None]] = [
    (
        "UK five lists: all 1,024 pairwise models fitted, checked, ranked",
        "",
        "ms.select(uk5)",
        "f'{out.selection.n_valid:,} valid; best {out.estimate:,.0f}'",
        "MultipleSystemsEstimation 1.2.0",
        2.7,
    ),
    (
        "UK five lists: all 6,893 hierarchical models fitted, checked, ranked",
        "",
        "ms.select(uk5, 'hierarchical')",
        "f'{out.selection.n_valid:,} valid; best {out.estimate:,.0f}'",
        "MultipleSystemsEstimation 1.2.0 (the 6,519 valid ones)",
        14.0,
    ),
    (
        "UK five lists: the same 6,893 hierarchical models",
        "",
        "ms.select(uk5, 'hierarchical')",
        "f'{out.selection.n_valid:,} valid; best {out.estimate:,.0f}'",
        "Rcapture",
        157.0,
    ),
    (
        "UK five lists: downhill over hierarchical models, 20 starts",
        "",
        "ms.select(uk5, 'hierarchical', search='downhill', starts=20)",
        "f'best {out.estimate:,.0f}'",
        "",
        None,
    ),
    (
        "UK six lists: downhill over hierarchical models, one start",
        "",
        "ms.select(uk6, 'hierarchical', search='downhill')",
        "f'best {out.estimate:,.0f}'",
        "MultipleSystemsEstimation 1.2.0",
        0.29,
    ),
    (
        "UK five lists: compare(), every method by default",
        "",
        "ms.compare(uk5)",
        "f'{len(out.results)} answers, {len(out.refused)} refused'",
        "",
        None,
    ),
    (
        "Kosovo: compare(), every method by default",
        "",
        "ms.compare(kosovo)",
        "f'{len(out.results)} answers, {len(out.refused)} refused'",
        "",
        None,
    ),
    (
        "UK five lists: 1,000 BCa replicates, stepwise again in each",
        "",
        "ms.bootstrap(uk5)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "SparseMSE 2.0.1",
        144.0,
    ),
    (
        "UK six lists: the same",
        "",
        "ms.bootstrap(uk6)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "SparseMSE 2.0.1",
        1051.0,
    ),
    (
        "Kosovo: the same",
        "",
        "ms.bootstrap(kosovo)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "SparseMSE 2.0.1",
        55.0,
    ),
    (
        "UK five lists: 20,000 BCa replicates, stepwise again in each",
        "",
        "ms.bootstrap(uk5, replicates=20_000)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "",
        None,
    ),
    (
        "UK five lists: 1,000 replicates, BIC over the 100 best pairwise models",
        "",
        "ms.bootstrap(uk5, 'best', n_top=100)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "MultipleSystemsEstimation 1.2.0",
        398.0,
    ),
    (
        "UK five lists: 1,000 replicates, BIC over all 1,024 pairwise models",
        "",
        "ms.bootstrap(uk5, 'best')",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "",
        None,
    ),
    (
        "UK five lists: 1,000 replicates, BIC over all 6,893 hierarchical models",
        "",
        "ms.bootstrap(uk5, 'best', max_order=4)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "",
        None,
    ),
    (
        "UK six lists: 1,000 replicates, BIC over all 32,768 pairwise models",
        "",
        "ms.bootstrap(uk6, 'best')",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "",
        None,
    ),
    (
        "Kosovo: 1,000 replicates, BIC over all 113 hierarchical models",
        "",
        "ms.bootstrap(kosovo, 'best', max_order=3)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "MultipleSystemsEstimation 1.2.0",
        136.0,
    ),
    (
        "UK six lists: 1,000 replicates, downhill again in each, any order",
        "",
        "ms.bootstrap(uk6, 'downhill', max_order=5)",
        "f'{out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "",
        None,
    ),
    (
        "UK five lists: 822 graphs x 1,001 points, graphs made before",
        "ms.decomposable_average(uk5, unseen=range(0, 80001, 8000))",
        "ms.decomposable_average(uk5, unseen=range(0, 80001, 80))",
        "f'median {out.estimate:,.0f}'",
        "dga 2.0.2",
        0.02,
    ),
    (
        "UK six lists: 18,154 graphs x 1,001 points, graphs made as well",
        "",
        "ms.decomposable_average(uk6, unseen=range(0, 80001, 80))",
        "f'median {out.estimate:,.0f}'",
        "",
        None,
    ),
    (
        "UK five lists: 110,000 latent-class sweeps (100 chains side by side)",
        "",
        f"ms.latent_classes(uk5, {CHAINS})",
        "f'R-hat {out.detail.r_hat:.2f}'",
        "LCMCR 0.4.14 (C++)",
        1.4,
    ),
    (
        "Kosovo: 110,000 latent-class sweeps (100 chains)",
        "",
        f"ms.latent_classes(kosovo, {CHAINS})",
        "f'R-hat {out.detail.r_hat:.2f}'",
        "LCMCR 0.4.14 (C++)",
        1.6,
    ),
    (
        "UK five lists: Bayesian thresholding",
        "",
        "ms.bayes_threshold(uk5)",
        "f'{out.detail.ess:,.0f} effective draws'",
        "MultipleSystemsEstimation 1.2.0 (22,000 draws)",
        0.42,
    ),
    (
        "Kosovo: log-linear models averaged",
        "",
        "ms.loglinear_average(kosovo)",
        "f'{out.estimate:,.0f}, {out.ci_low:,.0f} to {out.ci_high:,.0f}'",
        "conting 1.7 (10,000 sweeps)",
        21.0,
    ),
]
CONTING = """
suppressMessages(library(conting))
p <- strsplit(strsplit("{text}", " ")[[1]], ":")
y <- setNames(as.numeric(sapply(p, `[`, 2)), sapply(p, `[`, 1))
d <- expand.grid(rep(list(0:1), 4)); names(d) <- c("EXH", "ABA", "OSCE", "HRW")
d$y <- as.numeric(y[apply(d[, 1:4], 1, paste, collapse = "")])
d[1:4] <- lapply(d[1:4], factor)
set.seed(1)
t <- system.time(capture.output(o <- bict(formula = y ~ (EXH + ABA + OSCE + HRW)^2, data = d,
  n.sample = 10000, prior = "UIP")))
n <- total_pop(o, n.burnin = 1000)$TOT
cat(sprintf('{{"cpu": %f, "said": "%.0f, %.0f to %.0f"}}', t[[1]] + t[[2]], median(n), quantile(n, .025),
  quantile(n, .975)))
"""


def run_task(setup: str, call: str, said: str) -> dict[str, object]:
    """One task in a fresh process on one thread."""
    code = PRELUDE + setup + TIMED.format(call=call, said=said)
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def run_conting() -> dict[str, object] | None:
    """The R peer, when it is installed."""
    if shutil.which("Rscript") is None:
        return None
    done = subprocess.run(["Rscript", "-e", CONTING.format(text=KOSOVO)], capture_output=True, text=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1])) if done.returncode == 0 else None


def row_of(task: tuple[str, str, str, str, str, float | None]) -> str:
    """Medians of one task as a line of the table."""
    label, setup, call, said, peer, theirs = task
    runs = [run_task(setup, call, said) for _ in range(RUNS)]
    wall, cpu, peak = (statistics.median(float(str(r[k])) for r in runs) for k in ("wall", "cpu", "peak"))
    other = f"{theirs:g}" if theirs else ""
    ratio = f"{theirs / cpu:,.1f}" if theirs else ""
    return (
        f"| {label} | {cpu:.3g} | {wall:.3g} | {peak:.0f} | {runs[-1]['said']} | {peer} | {other} | {ratio} |"
    )


def earlier(page: Path) -> tuple[dict[str, str], str]:
    """Rows of the page as it stands, by task, and what it says of the pair run here."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}
    pair = [f"\n{line}\n" for line in lines if line.startswith("Paired here")]
    return rows, "".join(pair)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a word in the names of the tasks to run")
    only = parser.parse_args().only
    page = HERE / "results" / "multiple_systems.md"
    rows, here = earlier(page) if only else ({}, "")
    for task in TASKS:
        if only in task[0]:
            rows[task[0]] = row_of(task)
            print(rows[task[0]], flush=True)
    if not only and (pair := run_conting()) is not None:
        here = (
            f"\nPaired here: conting 1.7 on Kosovo, 10,000 sweeps, unit-information prior: "
            f"{float(str(pair['cpu'])):.1f} CPU s, median and limits {pair['said']}.\n"
        )
    head = f"""# Multiple systems: model searches, re-selection, graphs, chains

{platform.machine()}, one thread, Python {platform.python_version()}; load {os.getloadavg()[0]:.1f};
{datetime.now(UTC):%Y-%m-%d}. Medians of {RUNS} processes each; imports and a small first call are not timed.
Peers' CPU seconds were measured for this project at another time (R 4.2.2, two cores, user seconds); read
the ratios as orders of magnitude. Rows may come from several runs of the script (`--only`).

| task | CPU s | wall s | peak MB | result | peer | peer's CPU s | ratio |
|---|---|---|---|---|---|---|---|
"""
    lines = [rows[task[0]] for task in TASKS if task[0] in rows]
    page.write_text(head + "\n".join(lines) + "\n" + here, encoding="utf-8")


if __name__ == "__main__":
    main()
