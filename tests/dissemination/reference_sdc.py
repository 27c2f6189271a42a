"""Disclosure cases of the reference bank: what each kind asks, answered by the toolkit."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from survey_toolkit.dissemination import (
    CountTable,
    TransitionTable,
    audit_table,
    individual_risk,
    k_anonymity,
    l_diversity,
    local_suppression,
    perturb_table,
    round_table,
    suppress_table,
    transition_table,
)
from survey_toolkit.dissemination.disclosure.rounding import count_records


def _records(case: dict[str, Any], data: Any) -> pd.DataFrame:
    frame = data[0] if isinstance(data, list | tuple) else data
    options = case["options"]
    if str(options.get("records", "")).startswith("drop"):
        columns = [*options["keys"], *([options["sensitive"]] if "sensitive" in options else [])]
        frame = frame.dropna(subset=columns).reset_index(drop=True)
    return frame


def _missing(options: dict[str, Any]) -> str:
    return "own category" if options.get("missing", "own category") == "own category" else "matches any"


def _name(cell: tuple[str, ...], margin: str = "*") -> str:
    return "|".join(margin if code == "_T" else code for code in cell)


def _cell(name: str, margin: str = "*") -> tuple[str, ...]:
    return tuple("_T" if code == margin else code for code in name.split("|"))


def cell_key(case: dict[str, Any], data: Any) -> dict[str, Any]:
    options = case["options"]
    records, steps = data
    table = TransitionTable.from_steps(
        (int(i), int(j), float(p)) for i, j, p in zip(steps["i"], steps["j"], steps["p"], strict=True)
    )
    found = perturb_table(records, options["keys"], options["record_key"], table)
    return {
        "cells": {
            _name(cell): {"n": c.n, "cell_key": c.cell_key, "published": c.published}
            for cell, c in found.items()
        }
    }


def ptable(case: dict[str, Any], data: Any) -> dict[str, Any]:
    options = case["options"]
    table = transition_table(options["max_noise"], options["variance"], options["no_small_counts_up_to"])
    rows = {str(i): {str(j): p for j, p in row.items()} for i, row in enumerate(table.rows)}
    return {"rows": len(rows), "probabilities": rows}


def risk(case: dict[str, Any], data: Any) -> dict[str, Any]:
    options = case["options"]
    found = individual_risk(_records(case, data), options["keys"], options["weight"])
    out: dict[str, Any] = {
        "expected_reidentifications": float(found.sum()),
        "max": float(found.max()),
        "risk_first10": found[:10].tolist(),
    }
    for name in case["expected"]:
        if name.startswith("n_above_"):
            out[name] = int((found > float(name.removeprefix("n_above_"))).sum())
    return out


def anonymity(case: dict[str, Any], data: Any) -> dict[str, Any]:
    options, records = case["options"], _records(case, data)
    found = k_anonymity(records, options["keys"], missing=_missing(options), weight=options.get("weight"))
    unique = records.loc[found.sample == 1, "id"] if "id" in records else pd.Series(dtype=int)
    return {
        "n": len(records),
        "k": found.k,
        "n_combinations": found.n_combinations,
        "records_below": {
            k: found.below(int(k)) for k in case["expected"].get("records_below", ("2", "3", "5", "11"))
        },
        "fk_first10": found.sample[:10].tolist(),
        "Fk_first10": found.population[:10].tolist(),
        "ids_unique_first10": unique.head(10).tolist(),
    }


def diversity(case: dict[str, Any], data: Any) -> dict[str, Any]:
    options = case["options"]
    found = l_diversity(_records(case, data), options["keys"], options["sensitive"])
    out: dict[str, Any] = {"distinct_min": found.l, "distinct_first10": found.distinct[:10].tolist()}
    for name in case["expected"]:
        if name.startswith("n_below_"):
            out[name] = found.below(int(name.removeprefix("n_below_")))
    return out


def suppression_of_values(case: dict[str, Any], data: Any) -> dict[str, Any]:
    """The rule of the case: no violation, and at most 1.25 times the values of the reference."""
    options = case["options"]
    done = local_suppression(_records(case, data), options["keys"], k=options["k"])
    again = k_anonymity(done.records, options["keys"], missing="matches any")
    budget = 1.25 * case["expected"]["values_suppressed_reference"]
    return {
        "violations_after": again.below(options["k"]),
        "rule": done.n_suppressed <= budget and done.violations == 0,
        "values_suppressed": done.n_suppressed,
        "by_variable": dict(done.by_variable),
    }


def rounding(case: dict[str, Any], data: Any) -> dict[str, Any]:
    options = case["options"]
    counts = {cell: float(n) for cell, (n, _) in count_records(_records(case, data), options["keys"]).items()}
    done = round_table(counts, options["base"], ties=options["ties"])
    return {
        "cells": {_name(cell): n for cell, n in done.counts.items()},
        "non_additive_rows": done.non_additive_rows,
    }


def _table(case: dict[str, Any], data: pd.DataFrame) -> CountTable:
    options = case["options"]
    return CountTable.from_frame(data, options["keys"], options["count"], margin=options["margin"])


def audit(case: dict[str, Any], data: Any) -> dict[str, Any]:
    found = audit_table(_table(case, data), [_cell(name) for name in case["options"]["suppressed"]])
    return {"interval": {_name(cell): list(limits) for cell, limits in found.items()}}


def suppression(case: dict[str, Any], data: Any) -> dict[str, Any]:
    """The rule of the case: primary cells are suppressed, keep their width, and few others go."""
    options, expected = case["options"], case["expected"]
    table = _table(case, data)
    width = float(options["protection"].rsplit(">=", 1)[1])
    done = suppress_table(table, threshold=options["threshold"], width=width)
    alone = audit_table(table, done.primary)
    limits = audit_table(table, done.hidden)
    budget = math.ceil(1.25 * expected["best_known_total_suppressed"])
    return {
        "n_cells": len(table.counts),
        "n_primary": len(done.primary),
        "primary": sorted(_name(cell) for cell in done.primary),
        "primary_only_exactly_recoverable": sum(high - low < 1e-6 for low, high in alone.values()),
        "total_suppressed": len(done.hidden),
        "rule": len(done.hidden) <= budget
        and all(limits[cell][1] - limits[cell][0] >= width - 1e-6 for cell in done.primary),
    }


OPS = {
    "sdc.cell_key": cell_key,
    "sdc.cell_key_ptable": ptable,
    "sdc.individual_risk": risk,
    "sdc.k_anonymity": anonymity,
    "sdc.k_anonymity_missing": anonymity,
    "sdc.l_diversity": diversity,
    "sdc.local_suppression": suppression_of_values,
    "sdc.rounding": rounding,
    "sdc.table_audit": audit,
    "sdc.table_suppression": suppression,
}
