"""A small made-up sample with golden values from R's survey, and simulated recruitment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import SurveyDesign

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    out: dict[str, Any] = json.loads((GOLDEN / "hidden_populations.json").read_text("utf-8"))
    return out


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "hidden_populations_sample.csv")


@pytest.fixture
def kin() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "hidden_populations_kin.csv")


@pytest.fixture(scope="session")
def design() -> SurveyDesign:
    return SurveyDesign(weight="w", strata="stratum", psu="psu")


@pytest.fixture(scope="session")
def recruits() -> pd.DataFrame:
    """Four seeds, recruitment by coupon in a made-up population of 600; groups not in alphabetical order."""
    rng = np.random.default_rng(3)
    n = 240
    parent = np.full(n, -1)
    for i in range(4, n):
        parent[i] = (i - 4) // 2 if i < 100 else rng.integers(max(0, i // 2 - 20), i // 2)
    group = np.empty(n, dtype=int)
    for i in range(n):
        stay = parent[i] >= 0 and rng.random() < 0.5
        group[i] = group[parent[i]] if stay else rng.integers(0, 3)
    names = np.array(["zinc", "alum", "mica"])
    degree = rng.poisson(np.array([6.0, 12.0, 9.0])[group]) + 1
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "recruiter": ["seed" if p < 0 else f"p{p}" for p in parent],
            "degree": degree,
            "group": names[group],
            "hit": (group == 1).astype(int),
        }
    )
