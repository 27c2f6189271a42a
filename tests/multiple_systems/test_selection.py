from __future__ import annotations

import time
from typing import Literal

import numpy as np
import pytest

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.stepwise import poisson_tail
from survey_toolkit.multiple_systems.terms import enumerate_models

PUBLISHED = 1.0  # printed as whole people


def test_published_selections(
    uk5: ms.CaptureHistories, uk6: ms.CaptureHistories, kosovo: ms.CaptureHistories
) -> None:
    """Chan, Silverman & Vincent (2021); Silverman, Chan & Vincent (2024) Statistics and Computing 34:44."""
    estimates = {
        "uk5 stepwise": (ms.stepwise(uk5).estimate, 11313),
        "uk5 BIC, pairs": (ms.select(uk5).estimate, 22991),
        "uk5 BIC, all orders": (ms.select(uk5, "hierarchical").estimate, 25311),
        "uk5 downhill": (ms.select(uk5, "hierarchical", search="downhill").estimate, 12262),
        "uk6 downhill": (ms.select(uk6, "hierarchical", search="downhill").estimate, 12350),
        "kosovo downhill": (ms.select(kosovo, search="downhill").estimate, 14342),
    }
    for name, (ours, published) in estimates.items():
        assert ours == pytest.approx(published, abs=PUBLISHED), name


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_more_starts_are_never_worse(uk6: ms.CaptureHistories, criterion: Literal["bic", "aic"]) -> None:
    tables = [uk6, *(uk6.drop([name]) for name in uk6.lists)]
    for data in tables:
        one = ms.select(data, "hierarchical", criterion, search="downhill", ci="wald")
        many = ms.select(data, "hierarchical", criterion, search="downhill", starts=6, seed=3, ci="wald")
        assert getattr(many, criterion) <= getattr(one, criterion) + 1e-8
        assert many.selection is not None
        assert one.selection is not None
        assert many.selection.n_considered >= one.selection.n_considered


def test_several_starts_leave_the_local_minimum(uk5: ms.CaptureHistories) -> None:
    """One walk ends at 12,262; the lowest BIC of all 6,893 models is at 25,311."""
    fit = ms.select(uk5, "hierarchical", search="downhill", starts=20)
    assert fit.estimate == pytest.approx(ms.select(uk5, "hierarchical").estimate)
    assert any("20 downhill walks" in note and "1.62 below" in note for note in fit.notes)
    again = ms.select(uk5, "hierarchical", search="downhill", starts=20)
    assert again.estimate == fit.estimate
    for starts, search in ((0, "downhill"), (2, "all")):
        with pytest.raises(EstimationError, match="several starts"):
            ms.select(uk5, search=search, starts=starts)  # type: ignore[arg-type]


def test_walks_start_where_some_pairs_share_nobody(sparse3: ms.CaptureHistories) -> None:
    fit = ms.select(sparse3, search="downhill", starts=5)
    assert fit.verdict is not None
    assert fit.verdict.ok
    assert fit.bic == pytest.approx(ms.select(sparse3).bic)


def test_numbers_of_models() -> None:
    # 2^(t(t-1)/2) pairwise models; 8, 113 and 6,893 hierarchical ones without the saturated model.
    assert [len(enumerate_models(t, 2)) for t in (2, 3, 4, 5)] == [2, 8, 64, 1024]
    assert [len(enumerate_models(t, t - 1)) for t in (3, 4, 5)] == [8, 113, 6893]


def test_selection_reports_ties_spread_and_refusals(uk5: ms.CaptureHistories) -> None:
    fit = ms.select(uk5, "hierarchical", "bic")
    chosen = fit.selection
    assert chosen is not None
    assert (chosen.n_considered, chosen.n_valid, chosen.n_no_mle, chosen.n_unidentified) == (
        6893,
        6519,
        374,
        36,
    )
    assert len(chosen.estimates) == chosen.n_valid
    assert np.all(np.diff(chosen.values) >= -1e-8)
    assert chosen.ranked[0].estimate == fit.estimate
    assert {m.model for m in fit.near_ties} == {m.model for m in chosen.near_ties(2)} - {fit.model}
    assert any("conditional on the selected model" in note for note in fit.notes)
    assert chosen.to_frame().shape[0] == len(chosen.ranked)
    assert "6,893 hierarchical models" in repr(chosen)


def test_selection_does_not_hang_on_list_order(uk5: ms.CaptureHistories) -> None:
    order = [3, 1, 4, 0, 2]
    turned = ms.CaptureHistories(tuple(uk5.lists[j] for j in order), uk5.patterns[:, order], uk5.counts)
    for criterion in ("bic", "aic", "aicc"):
        first, second = (ms.select(d, criterion=criterion, ci="wald") for d in (uk5, turned))
        assert second.estimate == pytest.approx(first.estimate, rel=1e-8)
        assert {frozenset(g) for g in first.generators} == {frozenset(g) for g in second.generators}
    assert ms.stepwise(turned).estimate == pytest.approx(ms.stepwise(uk5).estimate, rel=1e-8)


def test_stepwise_path_and_threshold(uk5: ms.CaptureHistories) -> None:
    fit = ms.stepwise(uk5, 0.02)
    assert [":".join(s.added) for s in fit.path][:2] == ["LA:NG", "NG:GP"]
    assert all(s.p_value < 0.02 for s in fit.path)
    assert fit.smallest_p_not_entered == pytest.approx(0.1127515, rel=1e-5)
    assert ms.stepwise(uk5, 0).path == ()
    assert ms.stepwise(uk5, 0).smallest_p_not_entered is None
    assert len(ms.stepwise(uk5, 0.999).path) == 10


def test_stepwise_lets_an_empty_overlap_in_at_minus_infinity() -> None:
    counts = {"100": 300, "010": 300, "001": 200, "110": 90, "101": 60, "011": 0, "111": 0}
    data = ms.CaptureHistories.from_counts(counts, ["A", "B", "C"])
    fit = ms.stepwise(data)
    assert fit.path[0].added == ("B", "C")
    assert fit.boundary_terms == ("B:C",)


def test_poisson_tails_hold_the_observed_value_on_both_sides() -> None:
    from scipy.stats import poisson

    k, mean = np.array([0.0, 3.0, 9.0]), np.array([2.0, 3.5, 2.0])
    expected = np.minimum(poisson.cdf(k, mean), poisson.sf(k - 1, mean))
    assert poisson_tail(k, mean) == pytest.approx(expected)


def test_aic_stepwise_is_near_the_published_uk_estimate(uk6: ms.CaptureHistories) -> None:
    # Silverman (2014): 11,300 with a 95 % interval of 10,000 to 13,000, printed rounded.
    fit = ms.stepwise_aic(uk6)
    assert fit.estimate == pytest.approx(11_300, rel=0.02)
    assert (fit.ci_low, fit.ci_high) == pytest.approx((10_000, 13_000), rel=0.02)


def test_bad_options(uk5: ms.CaptureHistories) -> None:
    for arguments, message in (
        ({"family": "all"}, "there is no such family"),
        ({"criterion": "dic"}, "'bic' or 'aic' or 'aicc'"),
        ({"search": "lucky"}, "there is no such search"),
    ):
        with pytest.raises(EstimationError, match=message):
            ms.select(uk5, **arguments)  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="p-value"):
        ms.stepwise(uk5, 2)
    with pytest.raises(EstimationError, match="p-value"):
        ms.stepwise_aic(uk5, -1)


def test_too_many_models_are_refused_with_a_way_out(uk6: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="downhill"):
        ms.select(uk6, "hierarchical")


def test_all_pairwise_models_of_five_lists_in_a_second(uk5: ms.CaptureHistories) -> None:
    ms.select(uk5)  # imports and caches
    start = time.process_time()
    ms.select(uk5, criterion="aic")
    assert time.process_time() - start < 1.0


def test_compare_flags_what_lies_below_the_lower_bound(uk5: ms.CaptureHistories) -> None:
    table = ms.compare(uk5)
    apart = {"lincoln_petersen", "chapman", "behaviour"}  # for two lists, or lists in an order of time
    assert set(table.results) | set(table.refused) == set(ms.METHODS) - apart
    assert table.flag("independence").startswith("below the Chao lower bound")
    frame = table.to_frame()
    assert (frame["status"] == "ok").sum() == len(table.results)
    assert "22,991" in repr(table)
    with pytest.raises(EstimationError, match="no such method"):
        ms.compare(uk5, ["magic"])


def test_compare_keeps_a_row_for_a_refusal(sparse3: ms.CaptureHistories) -> None:
    gone = sparse3.drop("B")
    frame = ms.compare(gone).to_frame()
    assert list(frame.loc[frame["method"] == "independence", "status"]) == ["refused"]
    assert "share" in frame.loc[frame["method"] == "independence", "remark"].item()
    assert frame.loc[frame["method"] == "chapman", "status"].item() == "ok"


def test_the_short_names_are_the_methods_and_not_their_modules(kosovo: ms.CaptureHistories) -> None:
    assert ms.decomposable(kosovo).estimate == ms.decomposable_average(kosovo).estimate
    assert ms.latent_class is ms.latent_classes


def test_compare_tries_heterogeneity_and_behaviour(kosovo: ms.CaptureHistories) -> None:
    kinds = ["heterogeneity_poisson", "heterogeneity_darroch", "heterogeneity_gamma"]
    table = ms.compare(kosovo, [*kinds, "behaviour", "zelterman", "loglinear_average"])
    for kind in kinds:
        direct = ms.closed(kosovo, "Mth", kind.removeprefix("heterogeneity_"))  # type: ignore[arg-type]
        assert table.results[kind].estimate == direct.estimate
    assert table.results["zelterman"].estimate == ms.single_list(kosovo, "zelterman").estimate
    assert "behaviour" in table.results
