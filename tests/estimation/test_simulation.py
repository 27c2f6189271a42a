"""The estimator, its standard error and its interval recover a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Survey, SurveyDesign

DRAWS = 600


def population(seed: int) -> pd.DataFrame:
    """12 strata of 60 areas with 5-40 persons; prevalence and hours differ between areas."""
    rng = np.random.default_rng(seed)
    areas = pd.DataFrame({"stratum": np.repeat(np.arange(12), 60), "psu": np.arange(720)})
    areas["size"] = rng.integers(5, 41, len(areas))
    areas["level"] = rng.beta(2, 30, len(areas))
    people = areas.loc[areas.index.repeat(areas["size"])].reset_index(drop=True)
    people["met"] = rng.random(len(people)) < people["level"]
    people["hours"] = 20 + 100 * people["level"] + rng.normal(0, 6, len(people))
    people["sex"] = rng.choice(["F", "M"], len(people))
    return people


@pytest.mark.slow
def test_truth_is_recovered() -> None:
    people = population(3)
    rng = np.random.default_rng(4)
    women = people["sex"] == "F"
    truth = {"met": people.loc[women, "met"].mean(), "total": float(people["hours"].sum())}
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="fpc")
    areas = people.groupby("stratum")["psu"].unique()
    found = []
    for _ in range(DRAWS):
        drawn = np.concatenate([rng.choice(a, 8, replace=False) for a in areas])
        sample = people[people["psu"].isin(drawn)].assign(w=60 / 8, fpc=60)
        survey = Survey(sample, design)
        p = survey.proportion("met", where={"sex": "F"}, ci="beta")
        t = survey.total("hours")
        found.append(
            (
                p.estimate[0],
                p.se[0],
                p.ci_low[0] <= truth["met"] <= p.ci_high[0],
                t.estimate[0],
                t.se[0],
                t.ci_low[0] <= truth["total"] <= t.ci_high[0],
            )
        )
    p, p_se, p_in, t, t_se, t_in = np.array(found, dtype=float).T
    noise = 1 / np.sqrt(DRAWS)
    assert p.mean() == pytest.approx(truth["met"], abs=4 * p.std() * noise)
    assert t.mean() == pytest.approx(truth["total"], abs=4 * t.std() * noise)
    # the standard deviation of 600 draws is known to about 3 %
    assert np.sqrt((p_se**2).mean()) == pytest.approx(p.std(), rel=0.12)
    assert np.sqrt((t_se**2).mean()) == pytest.approx(t.std(), rel=0.12)
    assert p_in.mean() > 0.93
    assert 0.92 < t_in.mean() < 0.98
