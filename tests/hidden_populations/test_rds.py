"""Respondent-driven samples: the forest, the estimators, the bootstraps, diagnostics, and bad coupons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError

CLOSED = 1e-9  # closed forms: only the order of summation differs


def read(rows: pd.DataFrame, **more: Any) -> hp.Recruitment:
    options = {"id": "id", "recruiter": "recruiter", "degree": "degree", "seed_marker": "seed"} | more
    return hp.read_recruiters(rows, **options)


@pytest.fixture(scope="module")
def sample(recruits: pd.DataFrame) -> hp.Recruitment:
    return read(recruits)


# --- the forest


def test_waves_seeds_and_trees(sample: hp.Recruitment, recruits: pd.DataFrame) -> None:
    place = {k: i for i, k in enumerate(recruits["id"])}
    for row in range(len(sample)):
        wave, at = 0, row
        while recruits["recruiter"][at] != "seed":
            at, wave = place[recruits["recruiter"][at]], wave + 1
        assert (sample.wave[row], sample.seed[row]) == (wave, at)
    assert sum(sample.tree_sizes.values()) == len(sample) == 240
    assert sum(sample.by_wave.values()) == 240
    assert sample.recruits.sum() == 236
    assert int(sample.is_seed.sum()) == 4


def test_long_chain() -> None:
    n = 5000
    rows = pd.DataFrame({"id": range(n), "recruiter": ["seed", *range(n - 1)], "degree": 3})
    assert int(read(rows).wave.max()) == n - 1


def test_coupons_give_the_same_forest() -> None:
    rows = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"], "came": [None, "x1", "x2", "y1"], "out_1": ["x1", "y1", "z1", None],
            "out_2": ["x2", "y2", None, None], "degree": [3, 4, 5, 2],
        }
    )  # fmt: skip
    got = hp.read_coupons(rows, id="id", coupon="came", coupons_out="out_", degree="degree")
    np.testing.assert_array_equal(got.parent, [-1, 0, 0, 1])
    np.testing.assert_array_equal(got.wave, [0, 1, 1, 2])


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"came": ["x1", "x1", "x2", "y1"]}, "repeated", "must be unique"),
        ({"came": [None, "x1", "x2", "q9"]}, "unknown-coupon", "nobody was given"),
        ({"out_2": ["x2", "x1", None, None]}, "coupon-twice", "handed out twice"),
        ({"came": ["y1", "x1", "x2", None]}, "recruitment-cycle", "in a circle"),
        ({"came": ["x1", None, "x2", "y1"]}, "recruitment-cycle", "themselves"),
        ({"id": ["a", "a", "c", "d"]}, "repeated", "must be unique"),
    ],
)
def test_bad_coupons(change: dict[str, Any], code: str, message: str) -> None:
    rows = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"], "came": [None, "x1", "x2", "y1"], "out_1": ["x1", "y1", "z1", None],
            "out_2": ["x2", "y2", None, None], "degree": [3, 4, 5, 2],
        }
    ).assign(**change)  # fmt: skip
    with pytest.raises(EstimationError, match=message) as caught:
        hp.read_coupons(rows, id="id", coupon="came", coupons_out="out_", degree="degree")
    assert caught.value.code == code


def test_cycles_between_recruiters() -> None:
    rows = pd.DataFrame({"id": [1, 2, 3, 4], "recruiter": ["seed", "4", "2", "3"], "degree": 2})
    with pytest.raises(EstimationError, match="found: 3 people"):
        read(rows)
    with pytest.raises(EstimationError, match="recruiters who are not in the sample"):
        read(rows.assign(recruiter=["seed", "1", "9", "1"]))


@pytest.mark.parametrize("degree", [0, None, -1])
def test_degree_zero_or_missing(recruits: pd.DataFrame, degree: Any) -> None:
    rows = recruits.astype({"degree": float})
    rows.loc[7, "degree"] = degree
    with pytest.raises(EstimationError, match="missing or below 1") as caught:
        read(rows)
    assert caught.value.code == "bad-degree"
    assert "p7" not in str(caught.value)
    median = read(rows, bad_degree="median")
    assert median.degree[7] == np.median(np.delete(rows["degree"], 7))
    assert read(rows, bad_degree="max").degree[7] == rows["degree"].max()
    out = read(rows, bad_degree="exclude")
    assert len(out) == 239
    # the recruits of the excluded person begin trees of their own
    assert int(out.is_seed.sum()) == 4 + int((recruits["recruiter"] == "p7").sum())
    assert any("left out" in note for note in out.notes)


def test_identifiers_of_any_type() -> None:
    rows = pd.DataFrame({"id": [1.0, 2.0, 3.0], "recruiter": [None, "1", 2], "degree": [2, 2, 2]})
    np.testing.assert_array_equal(read(rows).wave, [0, 1, 2])


# --- estimators


def test_rds_ii_by_hand(sample: hp.Recruitment, recruits: pd.DataFrame) -> None:
    got = hp.rds_estimate(sample, "group", variance="none")
    w = 1 / recruits["degree"]
    wanted = w.groupby(recruits["group"]).sum() / w.sum()
    assert [d[0] for d in got.domains] == list(wanted.index)
    np.testing.assert_allclose(got.estimate, wanted, rtol=CLOSED)
    assert hp.rds_weights(sample).sum() == pytest.approx(240)


def test_rds_i_does_not_change_when_counts_are_symmetrised(sample: hp.Recruitment) -> None:
    from survey_toolkit.hidden_populations.rds import row_shares, stationary

    mixed = hp.mixing(sample, "group")
    flow = mixed.stationary[:, None] * mixed.shares
    np.testing.assert_allclose(stationary(row_shares(flow + flow.T)), mixed.stationary, rtol=1e-9)
    got = hp.rds_estimate(sample, "group", estimator="rds_i", variance="none")
    share = mixed.stationary / mixed.harmonic_degree
    np.testing.assert_allclose(got.estimate, share / share.sum(), rtol=CLOSED)


def test_successive_sampling_limits(sample: hp.Recruitment) -> None:
    far = hp.rds_estimate(sample, "hit", estimator="gile_ss", population_size=1e9, variance="none")
    np.testing.assert_allclose(
        far.estimate, hp.rds_estimate(sample, "hit", variance="none").estimate, rtol=1e-6
    )
    near = hp.population_size_curve(sample, "hit", [240, 241, 300, 1000, 10_000], level="1")
    assert near[0] == pytest.approx(sample.frame["hit"].mean(), abs=1e-6)
    steps = np.diff(near)
    assert (steps < 0).all()


def test_successive_sampling_weights_against_simulation() -> None:
    """Draws in proportion to degree without replacement: the fixed point gives their inclusion chances."""
    rng = np.random.default_rng(4)
    degree = np.repeat([1.0, 2.0, 5.0, 12.0], [400, 300, 200, 100])
    taken = np.zeros(degree.size)
    for _ in range(400):
        taken[np.argsort(rng.exponential(size=degree.size) / degree)[:350]] += 1
    # a sample that has every degree in proportion to its inclusion chance
    chance = np.array([taken[degree == d].mean() / 400 for d in (1, 2, 5, 12)])
    counts = np.rint(chance * np.array([400, 300, 200, 100])).astype(int)
    sample = np.repeat([1.0, 2.0, 5.0, 12.0], counts)
    w = hp.successive_sampling_weights(sample, 1000)
    got = np.array([w[sample == d][0] for d in (1, 2, 5, 12)])
    np.testing.assert_allclose(got / got[0], chance[0] / chance, rtol=0.03)
    with pytest.raises(EstimationError, match="smaller than the sample"):
        hp.successive_sampling_weights(sample, 300)


def test_hcg_balances_ties(sample: hp.Recruitment) -> None:
    p = hp.rds_estimate(sample, "group", estimator="hcg", variance="none").estimate
    assert p.sum() == pytest.approx(1)
    big = hp.rds_estimate(sample, "hit", estimator="hcg", population_size=1e7, variance="none")
    small = hp.rds_estimate(sample, "hit", estimator="hcg", variance="none")
    # the finite form counts seeds among the degrees; without depletion little else differs
    np.testing.assert_allclose(big.estimate, small.estimate, atol=0.02)


def test_missing_outcomes_are_left_out_and_counted(recruits: pd.DataFrame) -> None:
    rows = recruits.assign(hit=recruits["hit"].where(recruits.index % 10 != 0))
    got = hp.rds_estimate(read(rows), "hit", variance="none")
    assert got.n[0] == rows["hit"].notna().sum()
    assert any("24 people without an answer" in note for note in got.notes)


def test_options_that_do_not_fit(sample: hp.Recruitment) -> None:
    with pytest.raises(EstimationError, match="needs the size of the population"):
        hp.rds_estimate(sample, "hit", estimator="gile_ss", variance="none")
    with pytest.raises(EstimationError, match="unknown estimator"):
        hp.rds_estimate(sample, "hit", estimator="rds_iii", variance="none")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="unknown bootstrap"):
        hp.rds_estimate(sample, "hit", variance="jackknife")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="no such column"):
        hp.rds_estimate(sample, "nothing", variance="none")
    seeds = read(pd.DataFrame({"id": [1, 2], "recruiter": "seed", "degree": 2, "y": [0, 1]}))
    with pytest.raises(EstimationError, match="nobody was recruited"):
        hp.rds_estimate(seeds, "y")


# --- bootstraps


@pytest.mark.parametrize("kind", ["salganik", "tree", "gile"])
def test_bootstraps_repeat_and_keep_labels(recruits: pd.DataFrame, kind: str) -> None:
    """Groups appear in another order than the alphabet's: replicates must stay with their label."""
    options: dict[str, Any] = {"kind": kind, "replicates": 300, "population_size": 2000, "seed": 9}
    sample = read(recruits)
    made, again = (hp.rds_bootstrap(sample, "group", **options) for _ in range(2))
    np.testing.assert_array_equal(made.values, again.values)
    renamed = recruits.assign(group=recruits["group"].map({"zinc": "a", "alum": "b", "mica": "c"}))
    other = hp.rds_bootstrap(read(renamed), "group", **options)
    assert made.levels == ("alum", "mica", "zinc")
    pairs = {"zinc": "a", "alum": "b", "mica": "c"}
    for level, twin in pairs.items():
        a, b = made.levels.index(level), other.levels.index(twin)
        assert made.mean[a] == pytest.approx(other.mean[b], abs=0.02)
        assert made.se[a] == pytest.approx(other.se[b], rel=0.25)
    np.testing.assert_allclose(made.values.sum(axis=1), 1)
    point = hp.rds_estimate(sample, "group", variance="none").estimate
    np.testing.assert_allclose(made.mean, point, atol=0.06)


@pytest.mark.parametrize("estimator", ["rds_ii", "rds_i", "gile_ss", "hcg"])
def test_estimates_carry_a_bootstrap(sample: hp.Recruitment, estimator: Any) -> None:
    got = hp.rds_estimate(sample, "hit", estimator=estimator, population_size=1500, replicates=60, seed=2)
    assert got.se[0] == pytest.approx(got.se[1])
    assert (got.ci_low >= 0).all()
    assert (got.ci_high <= 1).all()
    assert 0.01 < got.se[0] < 0.2
    srs = got.estimate * (1 - got.estimate) / got.n
    np.testing.assert_allclose(got.deff, got.se**2 / srs)


def test_tree_is_wider_than_salganik(sample: hp.Recruitment) -> None:
    tree = hp.rds_bootstrap(sample, "hit", kind="tree", replicates=800)
    chain = hp.rds_bootstrap(sample, "hit", kind="salganik", replicates=800)
    assert tree.se[0] > chain.se[0]
    assert tree.sizes.std() > 0
    assert (chain.sizes == 240).all()
    low, high = chain.percentile_interval()
    assert (low < chain.mean).all()
    assert (high > chain.mean).all()


def test_one_seed_is_said(recruits: pd.DataFrame) -> None:
    first = pd.DataFrame({"id": range(60), "recruiter": ["seed", *((i - 1) // 2 for i in range(1, 60))]})
    rows = first.assign(degree=5, y=np.arange(60) % 3)
    made = hp.rds_bootstrap(read(rows), "y", kind="tree", replicates=50)
    assert made.se.min() > 0
    assert any("only 1 seeds" in note for note in made.notes)


# --- diagnostics


def test_diagnostics(sample: hp.Recruitment) -> None:
    got = hp.rds_diagnostics(sample, "group", level="alum")
    point = hp.rds_estimate(sample, "group", variance="none").estimate[0]
    assert got.by_wave[-1] == pytest.approx(point)
    assert got.by_order[-1] == pytest.approx(point)
    assert got.cumulative_n[-1] == 240
    assert got.homophily > 1.2
    assert set(got.by_seed) == {"p0", "p1", "p2", "p3"}
    with pytest.raises(EstimationError, match="no such level"):
        hp.rds_diagnostics(sample, "group", level="iron")
    with pytest.raises(EstimationError, match="compares two groups"):
        got.mixing.differential_activity("alum")


def test_homophily_of_random_recruitment_is_one() -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"id": range(3000), "recruiter": ["seed", *((i - 1) // 2 for i in range(1, 3000))]})
    mixed = hp.mixing(read(rows.assign(degree=4, y=rng.integers(0, 2, 3000))), "y")
    assert mixed.homophily == pytest.approx(1, abs=0.05)
    assert mixed.differential_activity("1") == pytest.approx(1)
