"""A small synthetic sample that every test of the room can estimate from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import SurveyDesign


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    """600 persons in 24 PSUs of 6 strata; gaps in the outcomes and in a domain column."""
    rng = np.random.default_rng(8)
    n = 600
    psu = np.sort(rng.integers(0, 24, n))
    status = rng.choice(["met", "not_met", "undetermined", "not_applicable"], n, p=[0.1, 0.7, 0.08, 0.12])
    return pd.DataFrame(
        {
            "stratum": psu // 4,
            "psu": psu,
            "w": np.round(rng.gamma(3, 40, n) + 1, 3),
            "sex": rng.choice(["F", "M"], n),
            "region": np.where(psu < 8, "north", "south"),
            "age_band": pd.array(rng.choice([5, 12, 15], n), dtype="Int64"),
            "hours": np.where(rng.random(n) < 0.1, np.nan, np.round(rng.normal(20, 8, n) + psu / 3, 2)),
            "members": rng.integers(1, 9, n).astype(float),
            "works": pd.array(np.where(rng.random(n) < 0.05, None, rng.random(n) < 0.2), dtype="boolean"),
            "fl": pd.array([{"met": True, "not_met": False}.get(s) for s in status], dtype="boolean"),
            "fl__status": status,
            "job": np.where(rng.random(n) < 0.04, None, rng.choice(["farm", "home", "shop"], n)),
        }
    )


@pytest.fixture
def design() -> SurveyDesign:
    return SurveyDesign(weight="w", strata="stratum", psu="psu")
