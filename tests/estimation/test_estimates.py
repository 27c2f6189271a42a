"""The result: shape, contrast, printing."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates, Survey, SurveyDesign


@pytest.fixture
def est(sample: pd.DataFrame, design: SurveyDesign) -> Estimates:
    return Survey(sample, design).mean("hours", by="sex")


def test_frozen_read_only_and_picklable(est: Estimates) -> None:
    with pytest.raises(FrozenInstanceError):
        est.level = 0.9  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        est.estimate[0] = 0
    again = pickle.loads(pickle.dumps(est))
    np.testing.assert_array_equal(again.vcov, est.vcov)
    with pytest.raises(EstimationError, match="wrong shape"):
        replace(est, se=np.zeros(3))


def test_difference_uses_the_covariance(est: Estimates) -> None:
    gap = est.difference("F", "M")
    assert gap.estimate[0] == pytest.approx(est.estimate[0] - est.estimate[1])
    assert gap.se[0] ** 2 == pytest.approx(est.vcov[0, 0] + est.vcov[1, 1] - 2 * est.vcov[0, 1])
    assert gap.domains == (("F - M",),)
    same = est.contrast({("F",): 1.0, "M": -1.0})
    assert same.se[0] == pytest.approx(gap.se[0])
    assert est.difference("F", "F").se[0] == pytest.approx(0, abs=1e-12)


def test_unknown_domain_is_named(est: Estimates) -> None:
    with pytest.raises(EstimationError, match="no such domain"):
        est.difference("F", "X")
    with pytest.raises(EstimationError, match="one coefficient"):
        est.contrast([1.0])


def test_frame_and_text(est: Estimates) -> None:
    frame = est.to_frame()
    assert list(frame.columns[:5]) == ["sex", "estimate", "se", "ci_low", "ci_high"]
    assert frame["n"].dtype == "Int64"
    text = repr(est)
    assert "mean of hours" in text
    assert "strata stratum; PSU psu" in text
    assert len(est) == 2


def test_html_is_escaped(sample: pd.DataFrame, design: SurveyDesign) -> None:
    frame = sample.assign(sex=sample["sex"].replace("F", "<script>alert(1)</script>"))
    page = Survey(frame, design).mean("hours", by="sex")._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
