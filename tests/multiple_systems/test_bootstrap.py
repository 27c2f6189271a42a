from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.bca import acceleration, bca_limits, quantiles
from survey_toolkit.multiple_systems.existence import existence_codes
from survey_toolkit.multiple_systems.poisson import fit_models
from survey_toolkit.multiple_systems.replicates import estimable, fit_stack, prime
from survey_toolkit.multiple_systems.reselect import BestOf, Downhill, Stepwise, star_deviances
from survey_toolkit.multiple_systems.terms import enumerate_models


def _tables(data: ms.CaptureHistories, size: int, seed: int = 1) -> np.ndarray:
    table = data.table()
    rng = np.random.default_rng(seed)
    out = np.zeros((size, len(table)))
    out[:] = rng.multinomial(data.n_observed, table / table.sum(), size=size)
    return out


def _histories(data: ms.CaptureHistories, table: np.ndarray) -> ms.CaptureHistories:
    cells = np.flatnonzero(table)
    patterns = cells[:, None] >> np.arange(data.n_lists) & 1
    return ms.CaptureHistories(data.lists, patterns, table[cells].astype(int))


def test_stacked_fits_equal_single_fits(uk5: ms.CaptureHistories) -> None:
    table, models = uk5.table(), enumerate_models(5, 2)
    valid = existence_codes(table, models) == 0
    stacked = np.repeat(table[None, :], len(models), axis=0)
    fits = fit_stack(stacked, models)
    single = fit_models(table, models[valid])
    assert fits.dark[valid] == pytest.approx(single.dark_figure, rel=1e-8)
    assert np.array_equal(estimable(stacked, models, fits.interior), valid)
    warm = fit_stack(stacked, models, start=prime(table, models))
    assert warm.dark[valid] == pytest.approx(single.dark_figure, rel=1e-8)


def test_pruned_rows_could_not_have_won(uk5: ms.CaptureHistories) -> None:
    models = enumerate_models(5, 2)
    tables = np.repeat(_tables(uk5, 1), len(models), axis=0)
    full = fit_stack(tables, models).kernel
    cutoff = np.full(len(models), float(np.quantile(full, 0.7)))
    cut = fit_stack(tables, models, cutoff=cutoff).kernel
    gone = np.isneginf(cut)
    assert gone.sum() > len(models) / 3
    assert (full[gone] < cutoff[gone]).all()
    assert cut[~gone] == pytest.approx(full[~gone], rel=1e-9)


def test_star_bound_never_exceeds_the_deviance(kosovo: ms.CaptureHistories) -> None:
    models = enumerate_models(4, 3)
    for table in _tables(kosovo, 5):
        stars = star_deviances(table[None, :])[0]
        valid = existence_codes(table, models) == 0
        deviance = fit_models(table, models[valid]).deviance
        for model, dev in zip(models[valid], deviance, strict=True):
            for a in range(4):
                missing = sum(1 << b for b in range(4) if b != a and not model[(1 << a) | (1 << b)])
                assert stars[a, missing] <= dev + 1e-7


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_searches_on_replicates_equal_searches_on_one_table(uk5: ms.CaptureHistories, seed: int) -> None:
    tables = _tables(uk5, 6, seed)
    models = enumerate_models(5, 2)
    found = {
        "stepwise": Stepwise(5, 0.02).run(tables).dark,
        "best": BestOf(models, uk5.table(), "bic", "all").run(tables).dark,
        "aicc": BestOf(models, uk5.table(), "aicc", "all").run(tables).dark,
        "downhill": Downhill(5, "bic", 4).run(tables).dark,
    }
    for i, table in enumerate(tables):
        one = _histories(uk5, table)
        expected = {
            "stepwise": ms.stepwise(one, ci="wald"),
            "best": ms.select(one, ci="wald"),
            "aicc": ms.select(one, criterion="aicc", ci="wald"),
            "downhill": ms.select(one, "hierarchical", search="downhill", ci="wald"),
        }
        for name, fit in expected.items():
            assert found[name][i] == pytest.approx(fit.dark_figure, rel=1e-6), name


def test_exhaustive_search_over_hierarchical_models(kosovo: ms.CaptureHistories) -> None:
    tables = _tables(kosovo, 8)
    dark = BestOf(enumerate_models(4, 3), kosovo.table(), "bic", "all").run(tables).dark
    for i, table in enumerate(tables):
        best = ms.select(_histories(kosovo, table), "hierarchical", max_order=3, ci="wald")
        assert dark[i] == pytest.approx(best.dark_figure, rel=1e-6)


def test_report(uk5: ms.CaptureHistories) -> None:
    fit = ms.bootstrap(uk5, replicates=1000, seed=2)
    report = fit.detail
    assert isinstance(report, ms.BootstrapReport)
    assert fit.estimate == pytest.approx(ms.stepwise(uk5).estimate)
    limits = report.limits()
    # Facts of the published type of interval: a strong bias, and a lower limit from the very end.
    assert limits.z0 == pytest.approx(-0.44, abs=0.15)
    assert limits.acceleration == pytest.approx(-0.0121810813737725, rel=1e-6)
    assert limits.adjusted[0] < 0.01
    assert any("extreme order statistic" in note for note in fit.notes)
    assert limits.beyond[0] < 10
    assert (limits.bca_error > 0).all()
    assert sum(report.frequency.values()) == pytest.approx(1)
    assert fit.replicates is not None
    assert len(fit.replicates) == report.n_replicates - report.n_failed
    assert report.to_frame().shape == (4, 7)
    assert "models chosen" in repr(report)
    with pytest.raises(EstimationError, match="ranks"):
        report.chosen_within(3)


def test_selection_inside_widens_the_interval(uk5: ms.CaptureHistories) -> None:
    chosen = ms.select(uk5, ci="wald")
    pairs = [g for g in chosen.generators if len(g) > 1]
    held = ms.bootstrap(uk5, "fixed", interactions=pairs, replicates=400, interval="percentile", seed=1)
    again = ms.bootstrap(uk5, "best", replicates=400, interval="percentile", seed=1)
    assert held.estimate == pytest.approx(again.estimate)
    assert again.ci_high - again.ci_low > 1.5 * (held.ci_high - held.ci_low)
    assert again.detail.ranks is not None
    assert again.detail.chosen_within(1) < 200
    assert again.detail.chosen_within(1024) == 400


def test_same_seed_same_result_and_list_order_does_not_matter(kosovo: ms.CaptureHistories) -> None:
    first, second = (ms.bootstrap(kosovo, "best", replicates=200, seed=5) for _ in range(2))
    assert np.array_equal(first.replicates, second.replicates)
    order = [2, 0, 3, 1]
    turned = ms.CaptureHistories(
        tuple(kosovo.lists[j] for j in order), kosovo.patterns[:, order], kosovo.counts
    )
    other = ms.bootstrap(turned, "best", replicates=2000, seed=5)
    base = ms.bootstrap(kosovo, "best", replicates=2000, seed=6)
    assert other.detail.acceleration == pytest.approx(base.detail.acceleration, rel=1e-8)
    assert other.ci_low == pytest.approx(base.ci_low, rel=0.05)


def test_parametric_bootstrap(kosovo: ms.CaptureHistories) -> None:
    fit = ms.bootstrap(kosovo, "stepwise", replicates=300, resample="parametric", seed=1)
    assert fit.ci_low < fit.estimate < fit.ci_high
    assert "parametric" in fit.ci_method


def test_no_overlap_is_refused(apart: ms.CaptureHistories) -> None:
    for search in ("stepwise", "best", "downhill", "fixed"):
        with pytest.raises(EstimationError) as caught:
            ms.bootstrap(apart, search, replicates=10)  # type: ignore[arg-type]
        assert caught.value.code == "no-mle"


def test_failed_replicates_are_counted(sparse3: ms.CaptureHistories) -> None:
    # A and B share 1 person of 91: most replicates without that person have no estimate.
    data = ms.CaptureHistories.from_counts(
        {"100": 40, "010": 30, "110": 1, "011": 1, "001": 19}, sparse3.lists
    )
    fit = ms.bootstrap(data, "fixed", replicates=300, seed=1)
    assert fit.detail.n_failed > 10
    assert any("had no estimate" in note for note in fit.notes)
    assert fit.diagnostics["share_failed"] == pytest.approx(fit.detail.n_failed / 300)


@pytest.mark.parametrize(
    "options",
    [
        {"replicates": 1},
        {"replicates": True},
        {"resample": "jackknife"},
        {"interval": "studentised"},
        {"search": "lasso"},
        {"search": "best", "criterion": "dic"},
        {"search": "best", "max_order": 1},
        {"search": "best", "max_order": 4},
        {"search": "best", "n_top": 0},
        {"p_enter": 1.0},
        {"level": 1.0},
    ],
)
def test_bad_options(kosovo: ms.CaptureHistories, options: dict[str, object]) -> None:
    with pytest.raises(EstimationError):
        ms.bootstrap(kosovo, **options)  # type: ignore[arg-type]


def test_bca_against_its_definition() -> None:
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(size=4001))
    levels = np.array([0.025, 0.975])
    plain = bca_limits(values, float(np.median(values)), 0.0, levels)
    assert plain.bca == pytest.approx(plain.percentile, rel=0.02)
    assert np.isnan(bca_limits(values, values.min() - 1, 0.0, levels).bca).all()
    assert quantiles(np.arange(1.0, 6.0), np.array([0.25])) == pytest.approx(
        [1 + 0.25 * (5 + 1 / 3) + 1 / 3 - 1]
    )
    # The grouped jackknife equals the ordinary one over people.
    people = np.repeat([4.0, 5.0, 9.0], [3, 1, 2])
    gap = people.mean() - people
    expected = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
    assert acceleration(np.array([4.0, 5.0, 9.0]), np.array([3.0, 1, 2])) == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=7, max_size=7))
def test_search_over_three_lists_never_disagrees(counts: list[int]) -> None:
    histories = dict(zip(("100", "010", "001", "110", "101", "011", "111"), counts, strict=True))
    data = ms.CaptureHistories.from_counts(histories, ["A", "B", "C"])
    dark = BestOf(enumerate_models(3, 2), data.table(), "aic", "all").run(data.table()[None, :]).dark[0]
    # Ties in the criterion may fall either way.
    ranked = ms.select(data, criterion="aic", ci="wald").selection
    assert ranked is not None
    ties = [m.estimate - data.n_observed for m in ranked.near_ties(1e-6)]
    assert min(abs(dark / t - 1) for t in ties) < 1e-5


@pytest.mark.slow
def test_coverage_with_and_without_selection() -> None:
    """Known population, four lists, two dependent pairs: what holding the model fixed leaves out.

    Nominal 95 %. The margins are four standard errors of 120 simulated tables.
    """
    rng = np.random.default_rng(20)
    size, runs = 3000, 120
    inside = {"fixed": 0, "best": 0}
    for run in range(runs):
        odds = rng.random((size, 4))
        first = odds[:, 0] < 0.16
        lists = np.column_stack(
            [
                first,
                odds[:, 1] < np.where(first, 0.30, 0.12),
                odds[:, 2] < 0.08,
                odds[:, 3] < np.where(first, 0.10, 0.05),
            ]
        )
        seen = lists[lists.any(axis=1)].astype(int)
        data = ms.CaptureHistories.from_records({c: seen[:, j] for j, c in enumerate("ABCD")}, list("ABCD"))
        chosen = ms.select(data, ci="wald")
        pairs = [g for g in chosen.generators if len(g) > 1]
        fits = {
            "fixed": ms.bootstrap(
                data, "fixed", interactions=pairs, replicates=300, interval="percentile", seed=run
            ),
            "best": ms.bootstrap(data, "best", replicates=300, interval="percentile", seed=run),
        }
        for name, fit in fits.items():
            inside[name] += fit.ci_low <= size <= fit.ci_high
    print("coverage of", runs, {k: v / runs for k, v in inside.items()})  # noqa: T201
    assert inside["best"] >= inside["fixed"]
    assert inside["best"] / runs > 0.95 - 4 * np.sqrt(0.95 * 0.05 / runs)
