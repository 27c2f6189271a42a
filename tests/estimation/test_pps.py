"""Unequal probabilities without replacement: identities and refusals.

R's numbers stand in test_replicates_golden.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation import PpsDesign, Survey, SurveyDesign

GOLDEN = Path(__file__).parents[1] / "golden"
PPS = pd.read_csv(GOLDEN / "estimation_pps_sample.csv")
JOINT = np.loadtxt(GOLDEN / "estimation_pps_joint.csv", delimiter=",")


def survey(data: pd.DataFrame = PPS, **options: Any) -> Survey:
    return Survey(data, PpsDesign(**({"probability": "p"} | options)))


@pytest.mark.parametrize("variance", ["HT", "YG"])
def test_simple_random_sampling_is_a_case_of_joint_probabilities(variance: Any) -> None:
    n, population = len(PPS), 40
    joint = np.full((n, n), n * (n - 1) / population / (population - 1))
    np.fill_diagonal(joint, n / population)
    frame = PPS.assign(p=n / population, N=population)
    ours = survey(frame, method="joint", joint=joint, variance=variance).total(["y", "x"])
    plain = Survey(frame, SurveyDesign(fpc="N")).total(["y", "x"])
    np.testing.assert_allclose(ours.vcov, plain.vcov, rtol=1e-10)


@pytest.mark.parametrize("method", ["brewer", "overton"])
def test_equal_probabilities_give_the_ordinary_variance(method: Any) -> None:
    frame = PPS.assign(p=0.25, N=14 / 0.25)
    ours, plain = survey(frame, method=method).mean("y"), Survey(frame, SurveyDesign(fpc="N")).mean("y")
    assert ours.se[0] == pytest.approx(plain.se[0])


@pytest.mark.parametrize("method", ["brewer", "overton", "hr1"])
def test_a_unit_taken_with_certainty_adds_no_variance(method: Any) -> None:
    """R counts it as drawn and, under Overton and Hartley-Rao, lets it covary with the others."""
    certain = PPS.iloc[[0]].assign(p=1.0, y=1e6, unit=99)
    with_it, without = survey(pd.concat([PPS, certain]), method=method), survey(method=method)
    assert with_it.total("y").se[0] == pytest.approx(without.total("y").se[0], rel=1e-10)


def test_yates_and_grundy_of_values_that_follow_the_probabilities() -> None:
    """Proportional to the probabilities, a sample of fixed size knows the total."""
    frame = PPS.assign(y=PPS["p"] * 1000)
    est = survey(frame, method="joint", joint=JOINT, variance="YG").total("y")
    assert est.se[0] == pytest.approx(0, abs=1e-6 * est.estimate[0])


def test_the_matrix_finds_its_units() -> None:
    order = np.random.default_rng(1).permutation(len(PPS))
    told = {"method": "joint", "psu": "unit", "joint": JOINT[np.ix_(order, order)]}
    ours = survey(**told, joint_units=PPS["unit"].to_numpy()[order].tolist()).total("y")
    plain = survey(method="joint", joint=JOINT).total("y")
    assert ours.se[0] == pytest.approx(plain.se[0])
    with pytest.raises(DesignError, match="diagonal of the matrix") as info:
        survey(**told).total("y")
    assert info.value.code == "joint-order"
    with pytest.raises(DesignError, match="not those of the data"):
        survey(**told, joint_units=[f"u{i}" for i in range(14)]).total("y")


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.2, np.nan])
def test_impossible_probabilities(bad: float) -> None:
    frame = PPS.copy()
    frame.loc[2, "p"] = bad
    with pytest.raises(DesignError, match="missing, zero, negative or above 1") as info:
        survey(frame).total("y")
    assert "in 1 units" in str(info.value)


def test_a_probability_that_varies_inside_a_unit() -> None:
    frame = pd.concat([PPS, PPS.iloc[[0]].assign(p=0.9)])
    with pytest.raises(DesignError, match="varies inside a sampling unit"):
        survey(frame, psu="unit").total("y")


def test_methods_ask_for_what_they_need() -> None:
    for match, options in {
        "goes with method='joint'": {"method": "joint"},
        "sum of squared probabilities": {"method": "hr"},
        "unknown option": {"method": "sampford"},
        "square matrix": {"method": "joint", "joint": JOINT[:3]},
        r"must lie in \(0, 1\]": {"method": "joint", "joint": JOINT * 0},
        "not symmetric": {"method": "joint", "joint": np.triu(JOINT) + 1e-3},
    }.items():
        with pytest.raises(DesignError, match=match):
            survey(**options)
    with pytest.raises(DesignError, match="another size"):
        survey(method="joint", joint=JOINT[:5, :5]).total("y")
    with pytest.raises(DesignError, match="one unit that was not certain"):
        survey(PPS.assign(h=[9] + [1] * 13), strata="h").total("y")
    with pytest.raises(DesignError, match="lacks its sum"):
        survey(strata="h", method="hr", sum_of_squares={1: 0.3}).total("y")
