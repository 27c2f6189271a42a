from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._regression import logistic, multinomial_logistic

SEX = {
    "A": [1, 1, 0, 1, 1, 0],
    "B": [1, 0, 1, 1, 0, 1],
    "sex": list("FFFMMM"),
    "count": [10, 40, 30, 5, 20, 25],
}


def _sex() -> ms.StratifiedHistories:
    return ms.StratifiedHistories.from_counts(SEX, ["A", "B"], ["sex"])


def _population(seed: int, n: int = 6000) -> pd.DataFrame:
    """Two lists, independent given x and a group that is seen more by both."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=n), rng.random(n) < 0.4
    chance = 1 / (1 + np.exp(-(-1.2 + 0.8 * x + 1.0 * g)))
    frame = pd.DataFrame({"x": x, "g": np.where(g, "yes", "no"), "A": rng.random(n) < chance})
    frame["B"] = rng.random(n) < 1 / (1 + np.exp(-(-1.0 + 0.7 * x + 1.0 * g)))
    return frame[frame["A"] | frame["B"]].astype({"A": int, "B": int})


@pytest.mark.parametrize(
    "estimate",
    [
        lambda d: ms.doubly_robust(d, ["A", "B"], ["x", "g"]),
        lambda d: ms.doubly_robust(d, ["A", "B"], ["x", "g"], folds=5),
        lambda d: ms.doubly_robust(d, ["A", "B"], ["x", "g"], estimator="plug_in"),
        lambda d: ms.huggins_alho(d, ["A", "B"], ["x", "g"]),
        lambda d: ms.tilling_sterne(d, ["A", "B"], ["x", "g"]),
    ],
)
def test_covariates_recover_what_independence_misses(estimate: Any) -> None:
    seen = _population(11)
    fit = estimate(seen)
    plain = ms.two_list(ms.CaptureHistories.from_records(seen, ["A", "B"]))
    assert plain.ci_high < 6000
    assert fit.ci_low < 6000 < fit.ci_high
    assert abs(fit.estimate - 6000) < 0.12 * 6000


def test_row_order_and_codes_of_levels_do_not_matter() -> None:
    seen = _population(3, 2000)
    first = ms.doubly_robust(seen, ["A", "B"], ["x", "g"])
    turned = seen.sample(frac=1, random_state=1).assign(g=lambda d: d["g"].map({"yes": "a", "no": "z"}))
    again = ms.doubly_robust(turned, ["A", "B"], ["x", "g"])
    assert again.estimate == pytest.approx(first.estimate, rel=1e-8)
    assert again.se == pytest.approx(first.se, rel=1e-8)


def test_huggins_alho_without_covariates_is_lincoln_petersen() -> None:
    table = ms.CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, ["A", "B"])
    rows = [(1, 1)] * 40 + [(1, 0)] * 360 + [(0, 1)] * 360
    fit = ms.huggins_alho(pd.DataFrame(rows, columns=["A", "B"]), ["A", "B"])
    lp = ms.two_list(table, estimator="lincoln_petersen")
    assert fit.estimate == pytest.approx(lp.estimate)
    assert fit.se == pytest.approx(ms.loglinear(table).se, rel=1e-6)


def test_huggins_alho_on_three_lists_is_independence() -> None:
    counts = {"100": 60, "010": 70, "001": 40, "110": 20, "101": 15, "011": 12, "111": 4}
    rows = [tuple(map(int, h)) for h, c in counts.items() for _ in range(c)]
    fit = ms.huggins_alho(pd.DataFrame(rows, columns=list("ABC")), list("ABC"))
    wanted = ms.loglinear(ms.CaptureHistories.from_counts(counts, list("ABC")))
    assert fit.estimate == pytest.approx(wanted.estimate, rel=1e-6)


def test_regressions_agree_with_each_other() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(400), rng.normal(size=400)])
    y = (rng.random(400) < 1 / (1 + np.exp(-x @ [0.3, -1.0]))).astype(float)
    fit = multinomial_logistic(x, np.column_stack([1 - y, y]))
    assert np.allclose(fit.coef[:, 0], logistic(x, y))


def test_shared_model_with_all_interactions_equals_separate_models() -> None:
    data = _sex()
    shared = ms.loglinear_covariates(data, ["A:sex", "B:sex"])
    separate = ms.estimate_strata(data, lambda d: ms.two_list(d, estimator="lincoln_petersen"))
    assert shared.by_level("sex") == pytest.approx(separate.by_level("sex"))
    assert shared.total is not None
    assert shared.total.estimate == pytest.approx(350)
    assert sum(s.n for s in shared.strata) == pytest.approx(data.n_observed)


def test_without_covariate_effects_the_shared_model_is_the_collapsed_one(kosovo: ms.CaptureHistories) -> None:
    halves = ms.StratifiedHistories.from_strata({"a": kosovo, "b": kosovo})
    fit = ms.loglinear_covariates(halves, ["EXH:ABA", "OSCE:HRW"])
    plain = ms.loglinear(kosovo, ["EXH:ABA", "OSCE:HRW"])
    assert fit.total is not None
    assert fit.total.estimate == pytest.approx(2 * plain.estimate)
    assert halves.collapse().n_observed == 2 * kosovo.n_observed


@settings(max_examples=20, deadline=None)
@given(hs.integers(2, 40))
def test_counts_scale_the_estimate(factor: int) -> None:
    bigger = {**SEX, "count": [c * factor for c in SEX["count"]]}
    data = ms.StratifiedHistories.from_counts(bigger, ["A", "B"], ["sex"])
    once, more = (ms.loglinear_covariates(d, ["A:sex"]).total for d in (_sex(), data))
    assert once is not None
    assert more is not None
    assert more.estimate == pytest.approx(factor * once.estimate, rel=1e-6)


def test_a_list_absent_in_a_stratum_is_recovered() -> None:
    rng = np.random.default_rng(5)
    n = 8000
    seen = pd.DataFrame(
        {c: (rng.random(n) < p).astype(object) for c, p in zip("ABC", (0.3, 0.25, 0.35), strict=True)}
    )
    seen[list("ABC")] = seen[list("ABC")].astype(int).astype(object)
    seen["year"] = np.where(rng.random(n) < 0.5, "2023", "2024")
    seen.loc[seen["year"] == "2024", "C"] = None
    seen = seen[(seen[list("ABC")] == 1).any(axis=1)]
    data = ms.StratifiedHistories.from_records(seen, list("ABC"), ["year"])
    fit = ms.loglinear_covariates(data, [])
    assert fit.total is not None
    assert fit.total.ci_low < n < fit.total.ci_high
    assert data.stratum("2024").lists == ("A", "B")
    assert "C absent in 2024" in fit.total.notes[0]
    with pytest.raises(EstimationError, match="cannot be summed over strata"):
        data.collapse()


def test_partly_recorded_covariates_share_people_out() -> None:
    rows = {
        "A": [1, 1, 1, 1, 0],
        "B": [1, 1, 0, 0, 1],
        "r": ["x", "y", "x", "y", None],
        "count": [20, 10, 60, 30, 90],
    }
    data = ms.StratifiedHistories.from_counts(rows, ["A", "B"], ["r"], recorded={"r": ["A"]})
    fit = ms.loglinear_covariates(data)
    assert fit.total is not None
    assert fit.total.estimate == pytest.approx(120 * 120 / 30)
    assert fit.by_level("r")["x"] == pytest.approx(320, rel=1e-6)
    assert "r is recorded only by A" in fit.total.notes


def test_a_stratum_that_refuses_leaves_no_total() -> None:
    table = {**SEX, "count": [10, 40, 30, 0, 20, 25]}
    data = ms.StratifiedHistories.from_counts(table, ["A", "B"], ["sex"])
    sizes = ms.estimate_strata(data, lambda d: ms.two_list(d, estimator="lincoln_petersen"))
    assert sizes.total is None
    assert list(sizes.refused) == [("M",)]
    assert "infinite" in repr(sizes)
    frame = sizes.to_frame()
    assert frame["remark"].str.contains("infinite").sum() == 1
    assert "F" in sizes._repr_html_()


BAD_TABLES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "half missing": ({**SEX, "A": [1, 1, None, 1, 1, 0]}, {}, "missing for some rows of a stratum"),
    "covariate": ({**SEX, "sex": ["F", "F", None, "M", "M", "M"]}, {}, "make 'unknown' a level"),
    "zeros": ({**SEX, "A": [1, 1, 0, 1, 1, 0], "B": [1, 0, 0, 1, 0, 1]}, {}, "30 people on no list"),
    "recorded": (SEX, {"recorded": {"sex": ["Z"]}}, "not there"),
    "known too often": (SEX, {"recorded": {"sex": ["A"]}}, "missing for all others"),
    "column": ({"A": [1], "B": [1], "count": [1]}, {}, "'sex'"),
    "negative": ({**SEX, "count": [10, -4, 30, 5, 20, 25]}, {}, "negative (-4)"),
}


@pytest.mark.parametrize(("table", "options", "message"), list(BAD_TABLES.values()), ids=list(BAD_TABLES))
def test_bad_strata_are_refused_in_words(
    table: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(EstimationError) as caught:
        ms.StratifiedHistories.from_counts(table, ["A", "B"], ["sex"], **options)
    assert message in str(caught.value)


def test_bad_models_are_refused_in_words() -> None:
    with pytest.raises(EstimationError, match="did you mean 'sex'"):
        ms.loglinear_covariates(_sex(), ["A:sec"])
    with pytest.raises(EstimationError, match="cannot tell"):
        ms.loglinear_covariates(_sex(), ["A:B"])
    with pytest.raises(EstimationError, match="two or more different factors"):
        ms.loglinear_covariates(_sex(), ["A"])
    with pytest.raises(EstimationError, match="no such stratum"):
        _sex().stratum("X")
    apart = ms.StratifiedHistories.from_counts(
        {"A": [1, 0, 1, 0], "B": [0, 1, 0, 1], "s": list("aabb"), "count": [5, 6, 7, 8]}, ["A", "B"], ["s"]
    )
    with pytest.raises(EstimationError, match="does not exist"):
        ms.loglinear_covariates(apart)


def test_bad_records_are_refused_in_words() -> None:
    seen = _population(1, 400)
    with pytest.raises(EstimationError, match="share nobody"):
        ms.doubly_robust(seen[seen["A"] + seen["B"] == 1], ["A", "B"], ["x"])
    with pytest.raises(EstimationError, match="takes two lists"):
        ms.doubly_robust(seen, ["A"], ["x"])
    with pytest.raises(EstimationError, match="missing for some people"):
        ms.tilling_sterne(seen.assign(x=np.nan), ["A", "B"], ["x"])
    with pytest.raises(EstimationError, match="same thing twice"):
        ms.huggins_alho(seen.assign(z=lambda d: 2 * d["x"]), ["A", "B"], ["x", "z"])
    with pytest.raises(EstimationError, match="no such option"):
        ms.doubly_robust(seen, ["A", "B"], ["x"], estimator="best")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="no such column"):
        ms.doubly_robust(seen, ["A", "B"], ["height"])


def test_lists_come_from_several_files(tmp_path: Any) -> None:
    pd.DataFrame({"id": [1, 2, 2, 3]}).to_csv(tmp_path / "police.csv", index=False)
    files = {"police": tmp_path / "police.csv", "ngo": pd.DataFrame({"id": [3, 4]})}
    data = ms.CaptureHistories.from_records(files, key="id")
    assert data.table().tolist() == [0, 2, 1, 1]
    assert data.notes == ("1 repeated records within lists were counted once",)
    with pytest.raises(EstimationError, match="1 of 2 rows"):
        ms.CaptureHistories.from_records({**files, "ngo": pd.DataFrame({"id": [3, None]})}, key="id")
    with pytest.raises(EstimationError, match="no table for a list"):
        ms.CaptureHistories.from_records(files, ["police", "health"], key="id")
    with pytest.raises(EstimationError, match="name the list columns"):
        ms.CaptureHistories.from_records(files)
