"""Margins and totals in one call: each equals the estimate made alone, and the covariance is the true one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates, ReplicateDesign, Survey, SurveyDesign

GOLDEN = Path(__file__).parents[1] / "golden"
SAMPLE = pd.read_csv(GOLDEN / "estimation_sample.csv")
DESIGN = SurveyDesign(weight="w", strata="stratum", psu="psu", nest=True, lonely_psu="adjust")
GIVEN = pd.read_csv(GOLDEN / "estimation_replicate_weights.csv").assign(
    kind=lambda d: np.where(d.index % 3 > 0, "a", "b")
)
EXACT = {"rtol": 1e-12, "atol": 1e-12}

ASKED: dict[str, Any] = {
    "mean": lambda s, **o: s.mean("y", **o),
    "total": lambda s, **o: s.total("x", **o),
    "ratio": lambda s, **o: s.ratio("y", "x", **o),
    "proportion": lambda s, **o: s.proportion("met", **o),
    "levels": lambda s, **o: s.proportion("kind", **o),
}
SURVEYS = {
    "taylor": lambda: Survey(SAMPLE, DESIGN),
    "jackknife": lambda: Survey(
        SAMPLE.assign(unit=SAMPLE["stratum"] * 100 + SAMPLE["psu"]),
        SurveyDesign(weight="w", strata="stratum", psu="unit"),
    ).replicate("JKn"),
    "given": lambda: Survey(GIVEN, ReplicateDesign(weight="w", replicates="rw", kind="bootstrap", n=24)),
    "calibrated": lambda: Survey(SAMPLE, DESIGN).poststratify({"sex": {"F": 2000.0, "M": 1600.0}}),
}


def _rows(est: Estimates, **domain: str) -> list[int]:
    at = [est.domain_names.index(name) for name in domain]
    return [
        i
        for i, d in enumerate(est.domains)
        if all(d[k] == v for k, v in zip(at, domain.values(), strict=True))
    ]


def _same(whole: Estimates, rows: list[int], alone: Estimates) -> None:
    assert len(rows) == len(alone.estimate)
    for name in ("estimate", "se", "ci_low", "ci_high", "deff", "df", "n", "n_psu"):
        np.testing.assert_allclose(getattr(whole, name)[rows], getattr(alone, name), err_msg=name, **EXACT)
    np.testing.assert_allclose(whole.vcov[np.ix_(rows, rows)], alone.vcov, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("statistic", ASKED)
def test_each_margin_is_the_estimate_made_alone(survey: str, statistic: str) -> None:
    s, ask = SURVEYS[survey](), ASKED[statistic]
    whole = ask(s, by=["region", "sex"], margins=True)
    crossing = [i for i, d in enumerate(whole.domains) if "_T" not in d[:2]]
    _same(whole, crossing, ask(s, by=["region", "sex"]))
    _same(whole, [i for i in _rows(whole, sex="_T") if whole.domains[i][0] != "_T"], ask(s, by="region"))
    _same(whole, [i for i in _rows(whole, region="_T") if whole.domains[i][1] != "_T"], ask(s, by="sex"))
    _same(whole, _rows(whole, region="_T", sex="_T"), ask(s))


def test_a_part_and_the_rest_add_up_to_the_whole_with_their_covariance() -> None:
    total = Survey(SAMPLE, DESIGN).total("x", by="sex", margins=True)
    female, male, both = (_rows(total, sex=code)[0] for code in ("F", "M", "_T"))
    assert total.estimate[female] + total.estimate[male] == pytest.approx(total.estimate[both], rel=1e-12)
    gap = np.zeros(3)
    gap[[female, male, both]] = 1, 1, -1
    assert gap @ total.vcov @ gap == pytest.approx(0, abs=1e-9 * total.vcov[both, both])


def test_a_gap_in_one_column_keeps_the_row_in_the_other_margins() -> None:
    sample = SAMPLE.assign(sex=SAMPLE["sex"].where(SAMPLE.index % 9 > 0))
    survey = Survey(sample, DESIGN)
    whole = survey.mean("x", by=["region", "sex"], margins=True)
    _same(whole, _rows(whole, region="_T", sex="_T"), survey.mean("x"))
    _same(
        whole,
        [i for i in _rows(whole, sex="_T") if whole.domains[i][0] != "_T"],
        survey.mean("x", by="region"),
    )


def test_margins_without_domains_are_the_total() -> None:
    survey = Survey(SAMPLE, DESIGN)
    assert survey.mean("x", margins=True).domains == survey.mean("x").domains


def test_the_code_of_the_total_may_not_be_in_the_data() -> None:
    sample = SAMPLE.assign(region=SAMPLE["region"].replace("north", "_T"))
    with pytest.raises(EstimationError, match=r"(?s)stands for the total.*_T"):
        Survey(sample, DESIGN).mean("x", by="region", margins=True)
