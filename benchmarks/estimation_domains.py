"""Proportion by 200 domains on 1,000,000 rows of Parquet: survey_toolkit against svy 0.35.

    python benchmarks/estimation_domains.py --svy-python /path/to/venv-with-svy/bin/python

Five interleaved pairs; each run is a process of its own. See README.md in this folder.
"""

from __future__ import annotations

from against_svy import Runs, check_domains, race, setting, table

OURS = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
def call(path):
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    return Survey(path, design).proportion("y", by=["region", "sex", "age_band"], ci="logit")
start = time.perf_counter(); call(sys.argv[2]); cold = time.perf_counter() - start
start = time.perf_counter(); est = call(sys.argv[1]); whole = time.perf_counter() - start
start = time.perf_counter(); call(sys.argv[1]); again = time.perf_counter() - start
values = zip(est.domains, est.estimate.tolist(), est.se.tolist())
rows = {"|".join(map(str, d)): (p, s) for d, p, s in values}
print(json.dumps({"cold": cold, "whole": whole, "again": again, "call": whole, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

THEIRS = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import polars as pl, svy
def call(path):
    sample = svy.Sample(pl.read_parquet(path), svy.Design(wgt="w", stratum="stratum", psu="psu"))
    start = time.perf_counter()
    out = sample.estimation.prop("y", by=["region", "sex", "age_band"], ci_method="logit")
    return out, time.perf_counter() - start
start = time.perf_counter(); call(sys.argv[2]); cold = time.perf_counter() - start
start = time.perf_counter(); est, inner = call(sys.argv[1]); whole = time.perf_counter() - start
start = time.perf_counter(); call(sys.argv[1]); again = time.perf_counter() - start
ones = [e for e in est.estimates if e.y_level in (1, "1", 1.0)]
rows = {"|".join(str(v) for v in e.by_level): (e.est, e.se) for e in ones}
print(json.dumps({"cold": cold, "whole": whole, "again": again, "call": inner, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def difference(ours: dict, theirs: dict) -> float:
    """Largest relative difference of estimates and standard errors."""
    check_domains(ours, theirs)
    pairs = [(a, b) for k in ours for a, b in zip(ours[k], theirs[k], strict=True)]
    return max(abs(a - b) / abs(b) for a, b in pairs if b)


def report(ours: Runs, theirs: Runs, rows: int) -> str:
    lines = {
        "file to result: read, declare, estimate": ("whole", "s"),
        "the same again in the same process (frame and design made anew)": ("again", "s"),
        "the same, but svy's estimation call alone": ("call", "s"),
        "a first call on 20,000 rows (lazy imports)": ("cold", "s"),
        "whole process with imports": ("process", "s"),
        "peak resident memory of the process": ("rss", "MB"),
    }
    return "\n".join(
        [
            "# Proportion by 200 domains, Parquet",
            "",
            setting(ours, rows, "domains (region x sex x age)"),
            "",
            *table(ours, theirs, lines),
            "Largest relative difference of estimates and standard errors:"
            f" {difference(ours[0]['rows'], theirs[0]['rows']):.1e}.",
            "In the third line ours still reads the file; svy's reading and declaring are left out.",
            "Both have made one call on 20,000 rows of the same layout before, so that no import is timed.",
            "",
        ]
    )


if __name__ == "__main__":
    race(__doc__ or "", "estimation_domains", (OURS, THEIRS), report)
