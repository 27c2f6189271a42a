"""Randomized response and crosswise: by formula, against R, recovery, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import SurveyDesign

CLOSED = 1e-9  # closed forms: only the order of summation differs

DEVICES = {
    "warner": (hp.warner(0.7), lambda pi: 0.7 * pi + 0.3 * (1 - pi)),
    "forced": (hp.forced_response(0.2, 0.1), lambda pi: 0.2 + 0.7 * pi),
    "unrelated": (hp.unrelated_question(0.6, 0.3), lambda pi: 0.6 * pi + 0.4 * 0.3),
    "crosswise": (hp.crosswise(0.25), lambda pi: 0.25 * pi + 0.75 * (1 - pi)),
    "triangular": (hp.triangular(0.25), lambda pi: 0.75 * (1 - pi)),
}


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("pi", [0.0, 0.15, 1.0])
def test_devices_invert(name: str, pi: float) -> None:
    device, rate = DEVICES[name]
    assert (rate(pi) - device.a) / device.b == pytest.approx(pi)


def test_counts_by_formula() -> None:
    got = hp.randomized_response_counts(412, 1000, hp.warner(0.7))
    assert got.estimate[0] == pytest.approx((0.412 - 0.3) / 0.4)
    assert got.se[0] == pytest.approx(np.sqrt(0.412 * 0.588 / 1000) / 0.4)


def test_estimates_outside_are_kept_and_flagged() -> None:
    got = hp.randomized_response_counts(55, 260, hp.warner(0.75))
    assert got.estimate[0] < 0
    assert got.flags == (("below_zero",),)
    assert hp.truncated(got)[0] == 0


def test_under_a_design_against_r(people: Any, design: SurveyDesign, golden: Any) -> None:
    got = hp.randomized_response(people, "same", hp.crosswise(0.2), design=design)
    np.testing.assert_allclose(got.estimate, golden["crosswise"]["estimate"], rtol=CLOSED)
    np.testing.assert_allclose(got.se, golden["crosswise"]["se"], rtol=CLOSED)
    by = hp.randomized_response(people, "same", hp.crosswise(0.2), by="sex", design=design)
    w = people.groupby("sex")["w"].sum()
    assert (by.estimate * w).sum() / w.sum() == pytest.approx(got.estimate[0])


def test_two_samples_solve_the_two_equations() -> None:
    pi, q, p = 0.2, 0.35, (0.7, 0.3)
    yes = tuple(round(100_000 * (x * pi + (1 - x) * q)) for x in p)
    got = hp.unrelated_question_two_samples(yes, (100_000, 100_000), p)  # type: ignore[arg-type]
    np.testing.assert_allclose(got.estimate, [pi, q], atol=1e-4)
    with pytest.raises(EstimationError, match="must differ"):
        hp.unrelated_question_two_samples((10, 10), (50, 50), (0.5, 0.5))


def answers(seed: int, n: int, careless: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    trait = rng.random(n) < 1 / (1 + np.exp(1.5 - 0.7 * x))
    same, anchor = trait == (rng.random(n) < 0.2), ~(rng.random(n) < 0.2)
    random = rng.random(n) < careless
    coins = rng.random((2, n)) < 0.5
    return pd.DataFrame(
        {
            "x": x, "same": np.where(random, coins[0], same).astype(int), "trait": trait.astype(int),
            "anchor": np.where(random, coins[1], anchor).astype(int), "w": 1.0,
        }
    )  # fmt: skip


def test_attention_correction() -> None:
    rows = answers(2, 40_000, careless=0.25)
    got = hp.attention_corrected(rows, "same", "anchor", p=0.2, p_anchor=0.2)
    corrected, naive, attentive = got.estimate
    truth = rows["trait"].mean()
    assert attentive == pytest.approx(0.75, abs=0.02)
    assert abs(corrected - truth) < 3 * got.se[0]
    assert naive - truth > 5 * got.se[1]
    counts = hp.attention_corrected_counts(
        int(rows["same"].sum()), 40_000, p=0.2, anchor_yes=int(rows["anchor"].sum()), anchor_n=40_000,
        p_anchor=0.2,
    )  # fmt: skip
    assert counts.estimate[0] == pytest.approx(corrected)


def test_logit_recovers_and_knows_the_design() -> None:
    rows = answers(3, 12_000)
    device = hp.crosswise(0.2)
    got = hp.randomized_logit(rows, "same", ["x"], device)
    assert np.abs((got.coefficients - [-1.5, 0.7]) / got.se).max() < 3
    assert got.prevalence == pytest.approx(rows["trait"].mean(), abs=3 * got.prevalence_se)
    twice = pd.concat([rows, rows], ignore_index=True).assign(ea=np.tile(np.arange(12_000), 2))
    clustered = hp.randomized_logit(twice, "same", ["x"], device, design=SurveyDesign(weight="w", psu="ea"))
    np.testing.assert_allclose(clustered.coefficients, got.coefficients, rtol=1e-5)
    np.testing.assert_allclose(clustered.se, got.se, rtol=0.03)


def test_bad_input(people: Any) -> None:
    with pytest.raises(EstimationError, match="the answers say nothing") as caught:
        hp.warner(0.5)
    assert caught.value.code == "uninformative-device"
    with pytest.raises(EstimationError, match="between 0 and 1"):
        hp.crosswise(1.5)
    with pytest.raises(EstimationError, match="between 0 and 1"):
        hp.forced_response(0.7, 0.6)
    with pytest.raises(EstimationError, match="do not fit together"):
        hp.randomized_response_counts(30, 20, hp.warner(0.7))
    with pytest.raises(EstimationError, match="must be 0 or 1"):
        hp.randomized_response(people, "list_a", hp.warner(0.7))


def test_missing_answers_are_counted(people: Any, design: SurveyDesign) -> None:
    rows = people.assign(same=people["same"].where(people.index > 9))
    got = hp.randomized_response(rows, "same", hp.crosswise(0.2), design=design)
    assert got.n[0] == 86
    assert any("10 rows" in note for note in got.notes)
