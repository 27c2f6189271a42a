"""Replicates made from the design and given by the producer: what they must equal, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import DesignError, EstimationError
from survey_toolkit.estimation import Estimates, ReplicateDesign, Survey, SurveyDesign, replicate_totals
from survey_toolkit.estimation.hadamard import hadamard, hadamard_order
from survey_toolkit.estimation.replicate_design import ReplicatedDesign
from survey_toolkit.estimation.replicate_factors import Factors, replicate_factors
from survey_toolkit.estimation.replication import weight_rank
from survey_toolkit.estimation.variance import _ranks, read_totals

RTOL = 1e-9
KINDS = ("JKn", "BRR", "Fay", "JK2", "bootstrap", "canty_davison", "preston", "successive_difference")


def pairs(seed: int = 1, n_strata: int = 7, fpc: float | None = None) -> pd.DataFrame:
    """Two PSUs in each stratum, six persons in each."""
    rng = np.random.default_rng(seed)
    h, u = np.repeat(np.arange(n_strata), 12), np.tile(np.repeat([0, 1], 6), n_strata)
    n = len(h)
    return pd.DataFrame(
        {
            "h": h,
            "u": u,
            "w": rng.gamma(3, 20, n) + 1,
            "y": rng.normal(10, 3, n) + 2 * u,
            "x": rng.uniform(1, 4, n),
            "g": rng.choice(["a", "b"], n),
            "rare": (rng.random(n) < 0.03).astype(int),
            "N": fpc or 20.0,
        }
    )


def design(fpc: bool = False, **more: Any) -> SurveyDesign:
    return SurveyDesign(weight="w", strata="h", psu="u", fpc="N" if fpc else None, nest=True, **more)


def options(kind: str) -> dict[str, Any]:
    return {"rho": 0.4} if kind == "Fay" else {}


def same(a: Estimates, b: Estimates, rtol: float = RTOL) -> None:
    assert a.domains == b.domains
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=rtol)
    np.testing.assert_allclose(a.vcov, b.vcov, rtol=rtol, atol=rtol * np.abs(b.vcov).max())


@pytest.mark.parametrize("fpc", [False, True])
@pytest.mark.parametrize("kind", ["JKn", "JK2", "BRR", "Fay", "successive_difference"])
def test_variance_of_a_total_is_the_linearised_one(kind: Any, fpc: bool) -> None:
    """Exact for pairs: these replicates are linear in the PSU totals and balanced."""
    survey = Survey(pairs(), design(fpc))
    made = survey.replicate(kind, **options(kind)).total("x", by="g")
    same(made, survey.total("x", by="g"))


@pytest.mark.parametrize("kind", ["bootstrap", "canty_davison", "preston"])
def test_bootstraps_estimate_the_linearised_variance(kind: Any) -> None:
    rng = np.random.default_rng(5)
    n_psu = np.repeat([6, 9, 12], [6, 9, 12])
    frame = pd.DataFrame(
        {"h": n_psu, "u": np.arange(27), "N": n_psu * 3.0, "w": 3.0, "x": rng.gamma(2, 3, 27)}
    )
    # Canty and Davison scale by one number for all strata, and draw from a finite copy: N/(N-1) too much
    tolerance = 0.06 if kind == "canty_davison" else 0.03
    for fpc in (False, True):
        survey = Survey(frame, SurveyDesign(weight="w", strata="h", psu="u", fpc="N" if fpc else None))
        made = survey.replicate(kind, n=6000, seed=3).total("x")
        assert made.se[0] == pytest.approx(survey.total("x").se[0], rel=tolerance)
        assert np.mean(made.replicates.values) == pytest.approx(made.estimate[0], rel=0.005)  # type: ignore[union-attr]


def test_multistage_bootstrap_has_the_variance_of_both_stages() -> None:
    rng = np.random.default_rng(2)
    psu = np.repeat(np.arange(8), 6)
    effect = rng.normal(0, 1, 8)[psu]
    frame = pd.DataFrame(
        {"psu": psu, "hh": np.arange(48) % 6, "N": 12.0, "M": 15.0, "y": 5 + effect + rng.normal(0, 3, 48)}
    )
    two = SurveyDesign(psu=("psu", "hh"), fpc=("N", "M"))
    survey = Survey(frame, two)
    one = Survey(frame.assign(w=12 / 8 * 15 / 6), SurveyDesign(weight="w", psu="psu", fpc="N"))
    truth, first_stage = survey.total("y").se[0], one.total("y").se[0]
    made = survey.replicate("preston", n=8000, seed=4).total("y").se[0]
    assert truth > 1.15 * first_stage
    assert made == pytest.approx(truth, rel=0.03)


def test_a_psu_taken_with_certainty_keeps_its_second_stage_under_preston() -> None:
    """R's mrbweights loses it: half of one unit is none."""
    frame = pd.DataFrame({"psu": 1, "hh": range(6), "N": 1.0, "M": 12.0, "y": [1.0, 4, 2, 8, 5, 7]})
    frame = pd.concat(
        [frame.assign(h=1), frame.assign(h=2, psu=2, y=frame["y"] * 2), frame.assign(h=2, psu=3, N=2.0)]
    )
    frame["N"] = np.where(frame["h"] == 1, 1.0, 4.0)
    survey = Survey(frame, SurveyDesign(strata="h", psu=("psu", "hh"), fpc=("N", "M")))
    certain = {"h": 1}
    made = survey.replicate("preston", n=6000, seed=1).total("y", where=certain)
    assert made.se[0] == pytest.approx(survey.total("y", where=certain).se[0], rel=0.04)


def test_successive_difference_follows_the_order_of_the_codes() -> None:
    y = np.array([3.0, 5.0, 4.0, 9.0, 1.0])
    frame = pd.DataFrame({"u": range(5), "w": 2.0, "y": y})
    est = Survey(frame, SurveyDesign(weight="w", psu="u")).replicate("successive_difference").total("y")
    steps = np.diff(np.append(y, y[0])) * 2
    assert est.se[0] ** 2 == pytest.approx((steps**2).sum() / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_another_order_and_another_engine(kind: Any) -> None:
    polars = pytest.importorskip("polars")
    frame = pairs()
    mixed = frame.sample(frac=1, random_state=9)
    first = Survey(frame, design()).replicate(kind, seed=11, **options(kind)).mean("y", by="g")
    for data in (mixed, polars.from_pandas(mixed)):
        again = Survey(data, design()).replicate(kind, seed=11, **options(kind)).mean("y", by="g")
        same(again, first)


def test_another_seed_another_result_and_the_seed_is_told() -> None:
    survey = Survey(pairs(), design())
    a, b = (survey.replicate("bootstrap", n=50, seed=s).mean("y") for s in (1, 2))
    assert a.se[0] != b.se[0]
    assert "bootstrap of 50 replicates (seed 1)" in a.method


@pytest.mark.parametrize("kind", KINDS)
def test_factors_written_out_as_columns_give_the_same(kind: Any) -> None:
    """The producer's way and ours are one: identity of replicate estimates, variances and df."""
    frame = pairs()
    survey = Survey(frame, design()).replicate(
        kind, n=40 if kind in ("bootstrap", "preston") else None, **options(kind)
    )
    out, n = written_out(frame, survey.design)
    given = ReplicateDesign(
        weight="w", replicates="r", kind="other", scale=out.scale, rscales=out.rscales, n=n
    )
    columns = pd.DataFrame(out.weights, columns=[f"r{r}" for r in range(n)])
    other = Survey(pd.concat([frame, columns], axis=1), given)
    for call in (
        lambda s: s.mean(["y", "x"], by="g"),
        lambda s: s.ratio("y", "x"),
        lambda s: s.proportion("g"),
        lambda s: s.total("g"),
        lambda s: s.proportion("rare", by="g", ci="beta"),
    ):
        a, b = call(survey), call(other)
        same(a, b)
        np.testing.assert_allclose(a.replicates.values, b.replicates.values, rtol=1e-9, atol=1e-12)
        assert a.df.tolist() == b.df.tolist()
        assert a.df_design == b.df_design


class written_out:  # noqa: N801 - reads like the function it is
    """Weights of the rows under each replicate, and the scheme."""

    def __new__(cls, frame: pd.DataFrame, made: Any) -> Any:
        totals: Any = read_totals(made, Survey(frame, made.base).frame, _query())
        unit = frame["h"].to_numpy() * 2 + frame["u"].to_numpy()
        out = super().__new__(cls)
        factors: Factors = totals.factors
        out.weights = factors.matrix[unit] * frame["w"].to_numpy()[:, None]
        out.scale, out.rscales = factors.scheme.scale, factors.scheme.rscales.tolist()
        return out, factors.matrix.shape[1]


def _query() -> Any:
    import narwhals.stable.v2 as nw

    from survey_toolkit.estimation.measures import Query

    return Query(outcomes=(nw.col("y"),))


@given(st.integers(0, 2**31), st.sampled_from(["JKn", "bootstrap", "BRR", "canty_davison"]))
@settings(max_examples=30, deadline=None)
def test_degrees_of_freedom_are_the_rank_of_the_weights(seed: int, kind: Any) -> None:
    rng = np.random.default_rng(seed)
    made = ReplicatedDesign(
        base=design(), kind=kind, n=60 if kind in ("bootstrap", "canty_davison") else None, seed=seed
    )
    totals: Any = read_totals(made, Survey(pairs(), made.base).frame, _query())
    factors = replicate_factors(made, totals.table)
    unit = np.flatnonzero(rng.random(len(factors.matrix)) < 0.7)
    rank = _ranks(factors, np.zeros(len(unit), dtype=np.int64), unit, 1)[0]
    assert rank == (np.linalg.matrix_rank(factors.matrix[unit]) if len(unit) else 0)


def test_df_by_rank_where_peers_count_replicates() -> None:
    """16 strata of 2 PSUs: 20 half-samples (the next Hadamard order) know 16 things, not 19."""
    est = Survey(pairs(n_strata=16), design()).replicate("BRR").mean("y")
    assert (len(est.replicates.values), est.df_design) == (20, 16)  # type: ignore[union-attr]


def test_rank_from_random_sums_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    n, r = 4000, 12
    basis = rng.normal(1, 0.3, (n, 7))
    weights = np.abs(basis @ rng.normal(1, 0.2, (7, r))) * 10
    frame = pd.DataFrame(weights, columns=[f"r{i}" for i in range(r)]).assign(
        w=20.0, y=rng.random(n), g=np.arange(n) % 3
    )
    frame["w"] = weights.mean(axis=1)
    survey = Survey(frame, ReplicateDesign(weight="w", replicates="r", kind="bootstrap"))
    exact = survey.mean("y", by="g")
    monkeypatch.setattr(replicate_totals, "_EXACT", 100)
    sketched = survey.mean("y", by="g")
    assert exact.df_design == sketched.df_design == 6
    assert exact.df.tolist() == sketched.df.tolist() == [6, 6, 6]


def test_replicates_without_a_case_are_left_out_counted_and_scaled_up() -> None:
    """R drops them and lets the variance shrink; the whole table fails in one domain's name."""
    frame = pairs().assign(only=lambda d: (d["h"] == 0) & (d["u"] == 0) & (d["g"] == "a"))
    frame["d"] = np.where(
        frame["only"] | ((frame["h"] == 1) & (frame["u"] == 0) & (frame["g"] == "a")), "few", "many"
    )
    est = Survey(frame, design()).replicate("bootstrap", n=300, seed=6).mean("y", by="d")
    values = est.replicates.values  # type: ignore[union-attr]
    failed = np.isnan(values).sum(axis=0)
    assert failed[0] > 0
    assert failed[1] == 0
    ok = values[~np.isnan(values[:, 0]), 0]
    assert est.se[0] ** 2 == pytest.approx(((ok - est.estimate[0]) ** 2).mean())
    assert any(f"up to {failed[0]} of 300 replicates have no case" in note for note in est.notes)


def test_any_function_of_estimates() -> None:
    survey = Survey(pairs(), design()).replicate("JKn")
    means = survey.mean("y", by="g")
    ratio = means.function(lambda m: m[0] / m[1], label="a to b")
    values = means.replicates.values[:, 0] / means.replicates.values[:, 1]  # type: ignore[union-attr]
    assert ratio.se[0] ** 2 == pytest.approx(((values - ratio.estimate[0]) ** 2 / 2).sum())
    assert ratio.domains == (("a to b",),)
    both = means.function(lambda m: [m[0] - m[1], m.sum()], label=["difference", "sum"])
    assert both.se[0] == pytest.approx(means.difference("a", "b").se[0])
    assert means.difference("a", "b").replicates.values.shape == (14, 1)  # type: ignore[union-attr]


def test_any_function_of_totals() -> None:
    survey = Survey(pairs(), design()).replicate("JKn")
    ours = survey.statistic(lambda t: t["y"] / t["x"], ["y", "x"], by="g", label="ratio")
    ratio = survey.ratio("y", "x", by="g")
    same(ours, ratio)
    assert ours.df.tolist() == ratio.df.tolist()
    mean = survey.statistic(lambda t: t["y"] / t["weight"], "y", where={"g": "a"})
    same(mean, survey.mean("y", where={"g": "a"}))


def test_a_function_that_fails_in_some_replicates() -> None:
    frame = pairs().assign(event=lambda d: ((d["h"] == 2) & (d["u"] == 1)).astype(int))
    survey = Survey(frame, design()).replicate("JKn")
    logs = survey.statistic(lambda t: float(np.log(t["event"])) if t["event"] > 0 else 1 / 0, "event")
    assert np.isnan(logs.replicates.values).sum() == 1  # type: ignore[union-attr]
    assert "have no case" in " ".join(logs.notes)
    with pytest.raises(EstimationError, match="cannot be computed from the estimates"):
        survey.statistic(lambda t: 1 / 0, "event")


def test_a_function_needs_replicates() -> None:
    with pytest.raises(EstimationError, match=r'survey.replicate\("bootstrap"'):
        Survey(pairs(), design()).statistic(lambda t: t["y"], "y")


@pytest.mark.parametrize("order", [4, 8, 12, 16, 20, 24, 40, 72, 96])
def test_hadamard(order: int) -> None:
    h = hadamard(hadamard_order(order)).astype(int)
    assert len(h) == order
    assert (h @ h.T == order * np.eye(order)).all()
    assert (h[0] == 1).all()


def refused(match: str, call: Any) -> DesignError:
    with pytest.raises(DesignError, match=match) as info:
        call()
    return info.value


def with_columns(n: int = 6, factor: float = 1.0) -> pd.DataFrame:
    frame = pairs()
    rng = np.random.default_rng(0)
    for r in range(1, n + 1):
        frame[f"rw{r}"] = frame["w"] * rng.uniform(0.5, 1.5, len(frame)) * factor
    return frame


def test_wrong_count_of_replicate_weights() -> None:
    error = refused(
        "the number of replicate weights is not the one declared",
        lambda: Survey(with_columns(), ReplicateDesign(weight="w", replicates="rw", kind="bootstrap", n=8)),
    )
    assert "6 columns, rw1 … rw6" in str(error)
    refused(
        "no replicate weights",
        lambda: Survey(pairs(), ReplicateDesign(weight="w", replicates="rw", kind="BRR")),
    )
    refused(
        "not the one declared",
        lambda: Survey(
            with_columns(), ReplicateDesign(weight="w", replicates="rw", kind="JKn", rscales=[0.5] * 5)
        ),
    )


def test_missing_or_impossible_scale() -> None:
    refused(
        "needs the scale of each replicate", lambda: ReplicateDesign(weight="w", replicates="rw", kind="JKn")
    )
    refused("need a scale", lambda: ReplicateDesign(weight="w", replicates="rw", kind="other"))
    refused("rho belongs to Fay", lambda: ReplicateDesign(weight="w", replicates="rw", kind="Fay"))
    refused("must lie in", lambda: ReplicateDesign(weight="w", replicates="rw", kind="Fay", rho=1.0))
    refused(
        "finite and not negative", lambda: ReplicateDesign(weight="w", replicates="rw", kind="BRR", scale=-1)
    )
    refused("every variance 0", lambda: ReplicateDesign(weight="w", replicates="rw", kind="BRR", scale=0))
    refused("unknown kind", lambda: ReplicateDesign(weight="w", replicates="rw", kind="jackknife"))  # type: ignore[arg-type]


def test_negative_missing_and_infinite_replicate_weights() -> None:
    told = ReplicateDesign(weight="w", replicates="rw", kind="bootstrap")
    for bad in (-1.0, np.nan, np.inf):
        frame = with_columns()
        frame.loc[[3, 7], "rw4"] = bad
        error = refused("missing, negative or infinite", lambda f=frame: Survey(f, told).mean("y"))
        assert "2 of 84 rows" in str(error)
        assert "allow_negative=True" in str(error)
    frame = with_columns()
    frame.loc[3, "rw4"] = -1.0
    allowed = ReplicateDesign(weight="w", replicates="rw", kind="ACS", allow_negative=True)
    assert Survey(frame, allowed).mean("y").se[0] > 0


def test_factors_declared_as_weights_and_the_other_way_round() -> None:
    frame = pairs()
    for r in range(6):
        frame[f"rw{r}"] = 1.0 + (r % 2)
    error = refused(
        "of another size than the weight",
        lambda: Survey(frame, ReplicateDesign(weight="w", replicates="rw", kind="BRR")).mean("y"),
    )
    assert "combined=False" in str(error)
    refused(
        "combined=True",
        lambda: Survey(
            with_columns(), ReplicateDesign(weight="w", replicates="rw", kind="BRR", combined=False)
        ).mean("y"),
    )


def test_kinds_that_do_not_suit_the_design() -> None:
    survey = Survey(pairs(), design())
    refused("JK1 is for designs without strata", lambda: survey.replicate("JK1").mean("y"))
    three = pairs().assign(u=lambda d: np.where((d["h"] == 3) & (d.index % 3 == 0), 2, d["u"]))
    error = refused(
        "needs two PSUs in each stratum", lambda: Survey(three, design()).replicate("BRR").mean("y")
    )
    assert "3 (3 PSUs)" in str(error)
    refused("do not come in this number", lambda: survey.replicate("BRR", n=10).mean("y"))
    refused("two or more replicates", lambda: survey.replicate("bootstrap", n=1))
    refused("follows from the design", lambda: survey.replicate("JKn", n=20))
    refused("unknown kind", lambda: survey.replicate("jackknife"))  # type: ignore[arg-type]
    adjusted = survey.poststratify({"g": {"a": 3000.0, "b": 4000.0}})
    refused("replicates first, then the adjustment", lambda: adjusted.replicate("JKn"))
    again = survey.replicate("JKn").poststratify({"g": {"a": 3000.0, "b": 4000.0}}).total("g")
    np.testing.assert_allclose(again.estimate, [3000, 4000])
    np.testing.assert_allclose(again.se, 0, atol=1e-8)
    refused("made from a design with strata", lambda: survey.replicate("JKn").replicate("JKn"))


def test_lonely_psu_in_replicates() -> None:
    frame = pairs().query("not (h == 2 and u == 1)")
    error = refused(
        "a stratum with one PSU", lambda: Survey(frame, design()).replicate("bootstrap").mean("y")
    )
    assert error.code == "lonely-psu"
    refused(
        "cannot be replicated by bootstrap",
        lambda: Survey(frame, design(lonely_psu="adjust")).replicate("bootstrap").mean("y"),
    )
    certain = Survey(frame, design(lonely_psu="certainty"))
    same(certain.replicate("JKn").total("x"), certain.total("x"))
    average = Survey(frame, design(lonely_psu="average"))
    same(average.replicate("JKn").total("x"), average.total("x"))


def test_zero_events_keep_an_honest_interval() -> None:
    est = Survey(pairs().assign(rare=0), design()).replicate("bootstrap", n=60).proportion("rare", ci="logit")
    assert est.estimate[0] == 0
    assert 0 < est.ci_high[0] < 0.1
    assert "no_events" in est.flags[0]


def test_an_empty_domain_is_missing() -> None:
    """R raises for a replicate design."""
    est = Survey(with_columns(), ReplicateDesign(weight="w", replicates="rw", kind="BRR")).mean(
        "y", where={"g": "z"}
    )
    assert np.isnan(est.estimate[0])
    assert np.isnan(est.se[0])
    assert est.flags[0] == ("empty_domain",)


def test_rank_of_weights_that_repeat() -> None:
    assert weight_rank(np.ones((5, 3))) == 1
    assert weight_rank(np.zeros((0, 3))) == 0
    assert weight_rank(np.zeros((4, 3))) == 0


def test_replicates_of_a_variance_take_their_own_means() -> None:
    """JK1 by hand: each replicate's variance about that replicate's mean, as ``svyvar`` of R does."""
    y, n = np.array([1.0, 2.0, 4.0, 9.0, 3.0]), 5
    data = pd.DataFrame({"y": y, "w": 1.0, "ea": range(n)})
    est = Survey(data, SurveyDesign(weight="w", psu="ea")).replicate("JK1").variance("y")
    kept = np.array([np.delete(y, i).var() * n / (n - 1) for i in range(n)])
    expected = np.sqrt((n - 1) / n * ((kept - y.var(ddof=1)) ** 2).sum())
    np.testing.assert_allclose(est.se, [expected], rtol=1e-10)
