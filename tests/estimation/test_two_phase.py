"""Two-phase sampling: unbiased over every sample that could have been drawn.

R's numbers stand in test_replicates_golden.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation import Survey, SurveyDesign, TwoPhaseDesign

POPULATION = pd.DataFrame(
    {"h": [1, 1, 1, 1, 2, 2, 2, 2], "psu": [1, 1, 2, 2, 3, 3, 4, 4], "y": [3.0, 5, 9, 4, 1, 8, 2, 7]}
)


def samples(first: list[pd.DataFrame], n: int) -> Iterator[pd.DataFrame]:
    """Every second phase of n rows in every first phase."""
    for rows in first:
        for chosen in combinations(range(len(rows)), n):
            yield rows.reset_index(drop=True).assign(second=np.isin(np.arange(len(rows)), chosen))


def clusters() -> Iterator[pd.DataFrame]:
    """Three of four PSUs, then three of their six rows."""
    first = [POPULATION[POPULATION["psu"].isin(c)] for c in combinations(range(1, 5), 3)]
    return samples([f.assign(w=4 / 3, N=4.0) for f in first], 3)


def strata() -> Iterator[pd.DataFrame]:
    """Three of the four rows in each stratum, then three of the six."""
    first = [
        POPULATION.iloc[[*a, *b]] for a, b in product(combinations(range(4), 3), combinations(range(4, 8), 3))
    ]
    return samples([f.assign(w=4 / 3, N=4.0) for f in first], 3)


@pytest.mark.parametrize(
    ("draw", "first"),
    [
        (clusters, SurveyDesign(weight="w", psu="psu", fpc="N")),
        (strata, SurveyDesign(weight="w", strata="h", fpc="N")),
    ],
)
def test_variance_is_unbiased_over_all_samples(
    draw: object, first: SurveyDesign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the form falls below zero the package gives none; the mean needs it as it is."""
    from survey_toolkit.estimation import variance

    seen: list[float] = []
    monkeypatch.setattr(variance, "_possible", lambda v: seen.append(float(v[0, 0])) or np.abs(v))
    totals = [
        Survey(frame, TwoPhaseDesign(first=first, second="second")).total("y").estimate[0]
        for frame in draw()  # type: ignore[operator]
    ]
    assert np.mean(totals) == pytest.approx(POPULATION["y"].sum())
    assert np.mean(seen) == pytest.approx(np.var(totals), rel=1e-9)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 60
    second = rng.random(n) < 0.5
    return pd.DataFrame(
        {
            "w": 4.0,
            "P": 240.0,
            "c": np.arange(n) % 3,
            "second": second,
            "y": np.where(second, rng.gamma(2, 3, n), np.nan),
        }
    )


def test_a_second_phase_of_everyone_is_the_first_phase() -> None:
    data = frame().assign(second=True, y=lambda d: d["y"].fillna(1.0))
    first = SurveyDesign(weight="w", fpc="P")
    two, one = Survey(data, TwoPhaseDesign(first=first, second="second", strata="c")), Survey(data, first)
    np.testing.assert_allclose(two.mean("y", by="c").vcov, one.mean("y", by="c").vcov, rtol=1e-10, atol=1e-12)


def test_the_same_on_another_engine() -> None:
    polars = pytest.importorskip("polars")
    design = TwoPhaseDesign(first=SurveyDesign(weight="w", fpc="P"), second="second", strata="c")
    a, b = Survey(frame(), design).mean("y"), Survey(polars.from_pandas(frame()), design).mean("y")
    assert (a.estimate[0], a.se[0]) == pytest.approx((b.estimate[0], b.se[0]), rel=1e-10)


def test_what_is_refused() -> None:
    first = SurveyDesign(weight="w", fpc="P")
    with pytest.raises(DesignError, match="must be Boolean"):
        Survey(frame().assign(second=1), TwoPhaseDesign(first=first, second="second"))
    design = TwoPhaseDesign(first=first, second="second", strata="c")
    empty = Survey(frame().assign(second=lambda d: d["second"] & (d["c"] != 2)), design)
    with pytest.raises(DesignError, match="no row in the second phase, or one of several"):
        empty.mean("y")
    unclassed = Survey(frame().assign(c=lambda d: d["c"].where(d["c"] > 0)), design)
    with pytest.raises(DesignError, match="without a class"):
        unclassed.mean("y")
    with pytest.raises(DesignError, match="a weight column and one stage"):
        TwoPhaseDesign(first=SurveyDesign(weight="w", psu=("a", "b"), fpc=("N", "M")), second="second")
