"""Domains, with and without intervals, and a logistic model: survey_toolkit against R survey and svy 0.35.

    python benchmarks/estimation_peers.py --svy-python /path/to/venv-with-svy/bin/python

Interleaved rounds; each run is a process of its own. Timed twice: from the file (Parquet; for R its own
format, RDS without compression) to the result, and the estimation call alone, with the frame in memory and
the design declared; ours with a Polars and with a pandas frame, svy with its Polars frame, R with its design
object. Our call always gives estimate, standard error, interval, design effect and the covariance of the
domains. The tasks "covariance" and "intervals" ask the peers for the same: R by covmat=TRUE (svy has none),
and by two calls, since svyciprop has no design effect.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent

OURS = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
task, path, small, held = sys.argv[1:5]
def read(path):
    if held == "polars":
        import polars as pl
        path = pl.read_parquet(path)
    elif held == "pandas":
        import pandas as pd
        path = pd.read_parquet(path)
    return Survey(path, SurveyDesign(weight="w", strata="stratum", psu="psu"))
def call(survey):
    if task == "glm":
        return survey.glm("y ~ x + sex", "binomial")
    return survey.proportion("y", by=["region", "sex", "age_band"])
call(read(small))
begin = time.perf_counter()
survey = read(path)
start = time.perf_counter(); out = call(survey); end = time.perf_counter()
columns = [out.estimate, out.se] + ([out.ci_low, out.ci_high, out.deff] if task == "intervals" else [])
columns += [out.vcov.sum().reshape(1), (out.vcov ** 2).sum().reshape(1)] if task == "covariance" else []
print(json.dumps({"seconds": end - begin, "call": end - start,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "values": [value for column in columns for value in sorted(column.tolist())]}))
"""

SVY = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import polars as pl, svy
task, path, small = sys.argv[1:4]
def call(path):
    begin = time.perf_counter()
    sample = svy.Sample(pl.read_parquet(path), svy.Design(wgt="w", stratum="stratum", psu="psu"))
    start = time.perf_counter()
    if task == "glm":
        model = sample.glm.fit("y", x=["x", svy.Cat("sex")], family="binomial")
        values = sorted(c.est for c in model.coefs) + sorted(c.se for c in model.coefs)
    else:
        more = {"ci_method": "korn-graubard", "deff": "wr"} if task == "intervals" else {"ci_method": "logit"}
        est = sample.estimation.prop("y", by=["region", "sex", "age_band"], **more)
        ones = [e for e in est.estimates if e.y_level in (1, "1", 1.0)]
        names = ("est", "se", "lci", "uci", "deff") if task == "intervals" else ("est", "se")
        values = [value for name in names for value in sorted(getattr(e, name) for e in ones)]
    return values, time.perf_counter() - begin, time.perf_counter() - start
call(small)
values, seconds, inner = call(path)
print(json.dumps({"seconds": seconds, "call": inner, "values": values,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

R = """
suppressMessages(library(survey))
args <- commandArgs(TRUE)
read <- system.time(data <- readRDS(args[2]))[["elapsed"]]
made <- system.time(design <- svydesign(id=~psu, strata=~stratum, weights=~w, data=data))[["elapsed"]]
if (args[1] == "glm") {
  took <- system.time(m <- svyglm(y ~ x + sex, design, family=quasibinomial()))[["elapsed"]]
  values <- c(sort(unname(coef(m))), sort(unname(SE(m))))
} else if (args[1] == "covariance") {
  took <- system.time(b <- svyby(~y, ~region+sex+age_band, design, svymean, covmat=TRUE))[["elapsed"]]
  values <- c(sort(unname(coef(b))), sort(unname(SE(b))), sum(vcov(b)), sum(vcov(b)^2))
} else if (args[1] == "intervals") {
  took <- system.time({
    b <- svyby(~y, ~region+sex+age_band, design, svyciprop, method="beta", vartype=c("se", "ci"))
    e <- svyby(~y, ~region+sex+age_band, design, svymean, deff="replace")
  })[["elapsed"]]
  values <- c(sort(b$y), sort(b[[5]]), sort(b$ci_l), sort(b$ci_u), sort(e[["DEff.y"]]))
} else {
  took <- system.time(b <- svyby(~y, ~region+sex+age_band, design, svymean))[["elapsed"]]
  values <- c(sort(unname(coef(b))), sort(unname(SE(b))))
}
status <- readLines("/proc/self/status")
rss <- as.numeric(gsub("[^0-9]", "", grep("VmHWM", status, value=TRUE))) / 1024
cat(sprintf('{"seconds": %.6f, "call": %.6f, "rss": %.1f, "values": [%s]}', read + made + took, took, rss,
            paste(format(values, digits=16), collapse=",")))
"""


def make_files(folder: Path, rows: int, seed: int = 20260102) -> None:
    """A stratified cluster sample with a rare outcome that depends on a number and on sex."""
    import numpy as np
    import pandas as pd

    for name, size in (("rows", rows), ("small", 20_000)):
        rng = np.random.default_rng(seed)
        psu = np.sort(rng.integers(0, 4000, size))
        x, sex = np.round(rng.normal(0, 1, size), 6), rng.choice(["F", "M"], size)
        eta = -3 + 0.4 * x + 0.3 * (sex == "M") + rng.normal(0, 0.3, 4000)[psu]
        frame = pd.DataFrame(
            {
                "stratum": psu // 20,
                "psu": psu,
                "region": psu // 20 % 10,
                "sex": sex,
                "age_band": rng.integers(0, 10, size),
                "w": np.round(rng.gamma(4.0, 25.0, size) + 1, 3),
                "x": x,
                "y": (rng.random(size) < 1 / (1 + np.exp(-eta))).astype("int8"),
            }
        ).sample(frac=1, random_state=seed)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    frame = pd.read_parquet(folder / "rows.parquet")
    frame.to_csv(folder / "rows.csv", index=False)
    script = f"saveRDS(read.csv('{folder}/rows.csv'), '{folder}/rows.rds', compress=FALSE)"
    subprocess.run(["Rscript", "-e", script], check=True, capture_output=True)


def run(command: list[str]) -> dict:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the run failed: {command[0]}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def difference(a: list[float], b: list[float]) -> float:
    if len(a) != len(b):
        sys.exit(f"{len(a)} values against {len(b)}")
    return max(abs(x - y) / abs(y) for x, y in zip(a, b, strict=True) if y)


TASKS = {
    "domains": ("proportion by 200 domains", ("svy", "R")),
    "covariance": ("the same with the covariance of the domains of all", ("R",)),
    "intervals": ("the same with Korn-Graubard intervals and design effects of all", ("svy", "R")),
    "glm": ("logistic model, y ~ x + sex", ("svy", "R")),
}


#: How our data are held, by what is timed; the peers' frames are in memory for the calls.
HELD = {
    "file": ("(from file to result)", "seconds"),
    "polars": ("(call alone, Polars frame)", "call"),
    "pandas": ("(call alone, pandas frame)", "call"),
}


def line(label: str, held: str, runs: dict[str, list[dict]]) -> str:
    """One task as a line of the table."""
    timed, key = HELD[held]
    there = {"ours": runs[held]} | {who: runs[who] for who in ("svy", "R") if who in runs}
    time = {who: statistics.median(r[key] for r in of) for who, of in there.items()}
    cells, ratios, off = [], [], []
    for who in ("ours", "svy", "R"):
        if who not in there:
            cells, ratios = [*cells, ""], [*ratios, ""]
            continue
        cells.append(f"{time[who]:.3g} s, {max(r['rss'] for r in there[who]):,.0f} MB")
        if who != "ours":
            ratios.append(f"{time[who] / time['ours']:.1f}")
            off.append(f"{difference(there['ours'][0]['values'], there[who][0]['values']):.1e}")
    return f"| {label} | {timed} | {' | '.join(cells)} | {' | '.join(ratios)} | {', '.join(off)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svy-python", default=os.environ.get("SVY_PYTHON"), help="Python with svy")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "estimation_peers.md")
    args = parser.parse_args()
    if not args.svy_python:
        parser.error("give --svy-python or set SVY_PYTHON")
    lines = [
        "# Against R survey and svy, 1,000,000 rows",
        "",
        f"{args.rows:,} rows, 200 strata, 4,000 PSUs. {platform.machine()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}; load {os.getloadavg()[0]:.1f}; {datetime.now(UTC):%Y-%m-%d}."
        f" Medians of {args.rounds} interleaved rounds; memory is the peak of the process; differences are"
        " relative. For a call alone the frame is in memory and the design declared, on all sides.",
        "",
        "| task | timed | survey_toolkit | svy 0.35 | R survey | times svy | times R"
        " | largest difference: svy, R |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), args.rows)
        files = [f"{folder}/rows.parquet", f"{folder}/small.parquet"]
        Path(folder, "run.R").write_text(R, encoding="utf-8")
        commands = {
            **{held: [sys.executable, "-c", OURS] for held in HELD},
            "svy": [args.svy_python, "-c", SVY],
            "R": ["Rscript", f"{folder}/run.R"],
        }
        for task, (label, peers) in TASKS.items():
            runs: dict[str, list[dict]] = {who: [] for who in (*HELD, *peers)}
            for _ in range(args.rounds):
                for who in runs:
                    given = [f"{folder}/rows.rds"] if who == "R" else [*files, who]
                    runs[who].append(run([*commands[who], task, *given]))
            for held in HELD:
                lines.append(line(label, held, runs))
                print(lines[-1], flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
