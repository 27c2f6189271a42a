"""Cases of the reference bank on adaptive cluster and time-location sampling, for the generic runner.

``RUNNERS`` maps a method of the bank to a function of the case (its JSON) and its data (a frame, or None)
that
returns the computed numbers under the names of ``expected``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from survey_toolkit.sampling.adaptive import (
    adaptive_estimate,
    adaptive_sample,
    enumerate_adaptive,
    grid_neighbours,
)
from survey_toolkit.sampling.time_location import time_location

COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}


def satisfied(data: pd.DataFrame, condition: str) -> np.ndarray:
    column, sign, value = re.fullmatch(r"\s*(\w+)\s*(>=|<=|==|>|<)\s*([-\d.]+)\s*", condition).groups()  # type: ignore[union-attr]
    return np.asarray(COMPARE[sign](data[column], float(value)))


def quotient(data: pd.DataFrame, text: str) -> np.ndarray:
    parts = [data[name.strip()].to_numpy(float) for name in text.split("/")]
    return np.asarray(parts[0] if len(parts) == 1 else parts[0] / parts[1])


def acs_estimate(case: dict[str, Any], data: pd.DataFrame) -> dict[str, Any]:
    o = case["options"]
    if o["neighbours"] != "four sides":
        raise AssertionError(f"no answer is built for acs with neighbours {o['neighbours']!r}")
    ok, initial = satisfied(data, o["condition"]), data[o["initial"]].to_numpy(bool)
    if initial.sum() != o["n1"]:
        raise AssertionError("the initial sample is not the one declared")
    found = adaptive_sample(ok, grid_neighbours(data[o["row"]], data[o["col"]]), initial)
    est = adaptive_estimate(data[o["count"]], found.network, initial, population=o["N"])
    return {
        "total_hh": est.total_hh,
        "se_hh": est.se_hh,
        "total_ht": est.total_ht,
        "se_ht": est.se_ht,
        "n_distinct_networks": est.n_networks,
        "n_final": found.final.size,
        "total_initial_only": est.total_initial,
    }


def acs_enumeration(case: dict[str, Any], data: None = None) -> dict[str, Any]:
    o = case["options"]
    line = np.arange(len(o["y"]))
    beside = np.column_stack([line[:-1], line[1:]]) if o.get("edge_units_adjacent") else []
    every = enumerate_adaptive(o["y"], o["network"], o["initial_n"], neighbours=beside)
    return {
        "mean_hh": every.hh.mean(),
        "var_hh": every.hh.var(),
        "mean_ht": every.ht.mean(),
        "var_ht": every.ht.var(),
        "var_initial_mean": every.initial.var(),
        "expected_final_sample": every.final_size.mean(),
        "hh_by_sample": every.hh.tolist(),
        "ht_by_sample": every.ht.tolist(),
        "samples": ["-".join(str(i + 1) for i in rows) for rows in every.samples],
    }


def tls_estimate(case: dict[str, Any], data: pd.DataFrame) -> dict[str, Any]:
    o = case["options"]
    got = time_location(
        data,
        outcome=o["outcome"],
        event=o["event"],
        strata=o.get("strata"),
        visits=o["visits"],
        event_probability=quotient(data, o["event_probability"]),
        person_probability=quotient(data, o["person_probability"]),
    )
    numbers = {
        "prevalence": (got.prevalence, "se"),
        "prevalence_without_attendance": (got.prevalence_without_attendance, "se_without_attendance"),
        "persons": (got.persons, "se_persons"),
        "victims": (got.cases, "se_victims"),
    }
    out: dict[str, Any] = {}
    for name, (est, se) in numbers.items():
        out |= {name: float(est.estimate[0]), se: float(est.se[0])}
    return out | {"weights_first3": got.weights[:3].tolist(), "df": float(got.prevalence.df[0])}


RUNNERS: dict[str, Callable[[dict[str, Any], Any], dict[str, Any]]] = {
    "acs.estimate": acs_estimate,
    "acs.enumeration": acs_enumeration,
    "tls.estimate": tls_estimate,
}
