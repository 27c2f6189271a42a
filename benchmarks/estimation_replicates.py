"""500 bootstrap replicates by 200 domains on 1,000,000 rows of Parquet: survey_toolkit against svy 0.35.

    python benchmarks/estimation_replicates.py --svy-python /path/to/venv-with-svy/bin/python

Both draw a Rao-Wu bootstrap of the PSUs and estimate the proportion of a rare outcome by region, sex and age.
Interleaved pairs; each run is a process of its own. See README.md in this folder.
"""

from __future__ import annotations

import statistics

from against_svy import Runs, check_domains, race, setting, table

REPLICATES = 500

OURS = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
def call(path, n):
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    survey = Survey(path, design).replicate("bootstrap", n=n, seed=1)
    return survey.proportion("y", by=["region", "sex", "age_band"], ci="logit")
call(sys.argv[2], 20)
start = time.perf_counter(); est = call(sys.argv[1], REPLICATES); whole = time.perf_counter() - start
values = zip(est.domains, est.estimate.tolist(), est.se.tolist())
rows = {"|".join(map(str, d)): (p, s) for d, p, s in values}
print(json.dumps({"whole": whole, "call": whole, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
""".replace("REPLICATES", str(REPLICATES))

THEIRS = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import polars as pl, svy
def call(path, n):
    sample = svy.Sample(pl.read_parquet(path), svy.Design(wgt="w", stratum="stratum", psu="psu"))
    sample = sample.weighting.create_bs_wgts(n, rep_prefix="bs", rstate=1)
    start = time.perf_counter()
    out = sample.estimation.prop("y", by=["region", "sex", "age_band"], ci_method="logit",
                                 method="replication", variance_center="estimate")
    return out, time.perf_counter() - start
call(sys.argv[2], 20)
start = time.perf_counter(); est, inner = call(sys.argv[1], REPLICATES); whole = time.perf_counter() - start
ones = [e for e in est.estimates if e.y_level in (1, "1", 1.0)]
rows = {"|".join(str(v) for v in e.by_level): (e.est, e.se) for e in ones}
print(json.dumps({"whole": whole, "call": inner, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
""".replace("REPLICATES", str(REPLICATES))


def compare(ours: dict, theirs: dict) -> tuple[float, float]:
    """Largest relative difference of the estimates, and the median ratio of the standard errors."""
    check_domains(ours, theirs)
    estimates = max(abs(ours[k][0] - theirs[k][0]) / theirs[k][0] for k in ours if theirs[k][0])
    return estimates, statistics.median(ours[k][1] / theirs[k][1] for k in ours if theirs[k][1])


def report(ours: Runs, theirs: Runs, rows: int) -> str:
    difference, ratio = compare(ours[0]["rows"], theirs[0]["rows"])
    lines = {
        "file to result: read, make replicates, estimate": ("whole", "s"),
        "the same, but svy's estimation call alone": ("call", "s"),
        "peak resident memory of the process": ("rss", "MB"),
    }
    return "\n".join(
        [
            f"# {REPLICATES} bootstrap replicates by 200 domains, Parquet",
            "",
            setting(ours, rows, "domains"),
            "",
            *table(ours, theirs, lines),
            f"Largest relative difference of the estimates: {difference:.1e}; median ratio of the standard"
            f" errors {ratio:.3f} (the draws differ).",
            "Both have made one call on 20,000 rows with 20 replicates before, so that no import is timed.",
            "",
        ]
    )


if __name__ == "__main__":
    race(__doc__ or "", "estimation_replicates", (OURS, THEIRS), report)
