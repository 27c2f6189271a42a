"""What must not change, whatever the sample (hypothesis)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.estimation import ReplicateDesign, Survey, SurveyDesign
from tests.conftest import FRAME_KINDS

RTOL = 1e-8  # sums of a few hundred numbers in another order
DESIGN = SurveyDesign(weight="w", strata="h", psu="u", nest=True)


@st.composite
def samples(draw: st.DrawFn) -> pd.DataFrame:
    """A stratified cluster sample with 2-4 PSUs a stratum, of any size, weights and gaps."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    rows = []
    for h in range(draw(st.integers(1, 4))):
        for u in range(draw(st.integers(2, 4))):
            for _ in range(draw(st.integers(1, 6))):
                rows.append((h, u))  # noqa: PERF401 - the draws come in this order
    frame = pd.DataFrame(rows, columns=["h", "u"])
    n = len(frame)
    frame["w"] = rng.gamma(2, 50, n) + 0.5
    frame["y"] = rng.normal(draw(st.sampled_from([0.0, 3.0, 1000.0])), 2.0, n)
    frame["x"] = rng.uniform(1, 5, n)
    frame["met"] = rng.random(n) < 0.3
    frame["g"] = rng.integers(0, 3, n)
    frame.loc[rng.random(n) < 0.1, "y"] = np.nan
    return frame


def close(a: np.ndarray, b: np.ndarray, scale: float = 1.0) -> None:
    np.testing.assert_allclose(a, b, rtol=RTOL, atol=RTOL * scale)


@given(samples(), st.floats(0.01, 1000))
@settings(max_examples=40, deadline=None)
def test_weights_times_a_constant(frame: pd.DataFrame, c: float) -> None:
    a, b = Survey(frame, DESIGN), Survey(frame.assign(w=frame["w"] * c), DESIGN)
    for call in (lambda s: s.mean("y", by="g"), lambda s: s.ratio("x", "w"), lambda s: s.proportion("met")):
        first, second = call(a), call(b)
        factor = c if first.variable == "x/w" else 1.0
        close(first.estimate, second.estimate * factor, 1.0)
        close(first.se, second.se * factor, 10.0)
    close(a.total("x").se * c, b.total("x").se)


@given(samples(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_row_order(frame: pd.DataFrame, seed: int) -> None:
    mixed = frame.sample(frac=1, random_state=seed)
    a, b = Survey(frame, DESIGN).mean("y", by="g"), Survey(mixed, DESIGN).mean("y", by="g")
    assert a.domains == b.domains
    close(a.estimate, b.estimate)
    close(a.vcov, b.vcov, 1.0)


@given(samples())
@settings(max_examples=40, deadline=None)
def test_relabelled_strata_and_psus(frame: pd.DataFrame) -> None:
    other = frame.assign(h="s" + (9 - frame["h"]).astype(str), u=(frame["h"] * 10 + frame["u"]) * -7)
    plain = SurveyDesign(weight="w", strata="h", psu="u")
    a, b = Survey(frame, DESIGN).total("x", by="g"), Survey(other, plain).total("x", by="g")
    close(a.estimate, b.estimate)
    close(a.vcov, b.vcov, float(np.abs(a.vcov).max()))
    assert a.df.tolist() == b.df.tolist()


@given(samples())
@settings(max_examples=40, deadline=None)
def test_domains_add_up_to_the_total(frame: pd.DataFrame) -> None:
    survey = Survey(frame, DESIGN)
    parts, whole = survey.total("x", by="g"), survey.total("x")
    together = parts.contrast([1.0] * len(parts))
    close(together.estimate, whole.estimate)
    close(together.se, whole.se, float(whole.estimate[0]))


@given(samples())
@settings(max_examples=30, deadline=None)
def test_levels_add_up_to_one(frame: pd.DataFrame) -> None:
    est = Survey(frame, DESIGN).proportion("g")
    if len(est) == 1 or est.domain_names == ():
        return  # only the codes 0 and 1: a status
    one = est.contrast([1.0] * len(est))
    close(one.estimate, np.array([1.0]))
    close(one.se, np.array([0.0]), 1.0)


@given(samples())
@settings(max_examples=30, deadline=None)
def test_a_shift_moves_the_mean_and_nothing_else(frame: pd.DataFrame) -> None:
    a = Survey(frame, DESIGN).mean("y", by="g")
    b = Survey(frame.assign(y=frame["y"] + 1e6), DESIGN).mean("y", by="g")
    np.testing.assert_allclose(a.estimate + 1e6, b.estimate, rtol=1e-10)
    np.testing.assert_allclose(a.se, b.se, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(a.deff, b.deff, rtol=1e-5, atol=1e-7)


@given(samples(), st.integers(2, 6))
@settings(max_examples=6, deadline=None)
def test_replicates_that_repeat_the_weight_have_no_variance(frame: pd.DataFrame, n: int) -> None:
    """Replicate estimates under identity: every one is the estimate, so nothing varies."""
    same = frame.assign(**{f"r{i}": frame["w"] for i in range(n)})
    survey = Survey(same, ReplicateDesign(weight="w", replicates="r", kind="bootstrap"))
    plain = Survey(frame, DESIGN)
    for call in (
        lambda s: s.mean("y", by="g"),
        lambda s: s.total("x", by="g"),
        lambda s: s.proportion("met"),
        lambda s: s.ratio("y", "x"),
    ):
        a, b = call(survey), call(plain)
        close(a.estimate, b.estimate)
        close(a.replicates.values, np.broadcast_to(a.estimate, (n, len(a))))
        assert (a.se[np.isfinite(a.se)] == 0).all()
        assert a.df_design == 0


@given(samples(), st.sampled_from(["bootstrap", "JKn", "canty_davison"]), st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_replicates_of_a_scaled_variable_are_scaled(frame: pd.DataFrame, kind: Any, seed: int) -> None:
    made = Survey(frame.assign(z=3.0 - 2.0 * frame["x"]), DESIGN).replicate(
        kind, n=None if kind == "JKn" else 20, seed=seed
    )
    x, z = made.mean("x", by="g"), made.mean("z", by="g")
    close(z.replicates.values, 3.0 - 2.0 * x.replicates.values, 10.0)
    close(z.se, 2.0 * x.se, 10.0)
    parts, whole = made.total("x", by="g"), made.total("x")
    close(parts.replicates.values.sum(axis=1), whole.replicates.values[:, 0], float(whole.estimate[0]))


@given(samples(), st.sampled_from(sorted(FRAME_KINDS)))
@settings(max_examples=20, deadline=None)
def test_engines_agree_on_any_sample(frame: pd.DataFrame, kind: str) -> None:
    """The fixed calls of test_engines, on samples that nobody chose."""
    a, b = Survey(frame, DESIGN), Survey(FRAME_KINDS[kind](frame), DESIGN)
    for call in (
        lambda s: s.mean("y", by="g"),
        lambda s: s.proportion("met", by="g", ci="beta"),
        lambda s: s.total(["x", "y"]),
        lambda s: s.quantile("x", [0.3, 0.5]),
    ):
        one, two = call(a), call(b)
        assert one.domains == two.domains
        for name in ("estimate", "se", "ci_low", "ci_high", "df", "n"):
            first = getattr(one, name)
            scale = max(1.0, float(np.nanmax(np.abs(first), initial=0.0)))
            np.testing.assert_allclose(first, getattr(two, name), rtol=1e-9, atol=1e-9 * scale, err_msg=name)
