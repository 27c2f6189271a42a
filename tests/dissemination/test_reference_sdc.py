"""Disclosure cases of the reference bank, run by what :mod:`reference_sdc` answers."""

import json
import math

import pandas as pd
import pytest
from reference_sdc import OPS

pytestmark = pytest.mark.reference


def differences(found, expected, tolerance, path=""):
    if isinstance(expected, dict):
        return [
            d for k, v in expected.items() for d in differences(found.get(k), v, tolerance, f"{path}/{k}")
        ]
    if isinstance(expected, list):
        if found is None or len(found) != len(expected):
            return [f"{path}: another length"]
        pairs = enumerate(zip(found, expected, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, tolerance, f"{path}/{i}")]
    if isinstance(expected, str) or found is None:
        return [] if found == expected else [f"{path}: {found} for {expected}"]
    near = math.isclose(found, expected, rel_tol=tolerance.get("rel", 0), abs_tol=tolerance.get("abs", 1e-12))
    return [] if near else [f"{path}: {found} for {expected}"]


def test_every_case_of_the_bank(bank):
    folder = bank / "hidden_populations"
    wrong, seen = [], 0
    for file in sorted((folder / "cases").glob("*.json")):
        case = json.loads(file.read_text(encoding="utf-8"))
        if not case["method"].startswith("sdc."):
            continue
        seen += 1
        names = case["data"]
        data = [pd.read_csv(folder / n) for n in names] if isinstance(names, list) else names
        data = pd.read_csv(folder / names) if isinstance(names, str) else data
        found = OPS[case["method"]](case, data)
        if "rule" in case["tolerance"]:
            wrong += [] if found["rule"] is True else [f"{case['id']}: {found}"]
        else:
            wrong += [f"{case['id']}{d}" for d in differences(found, case["expected"], case["tolerance"])]
    assert seen >= 16
    assert wrong == []
