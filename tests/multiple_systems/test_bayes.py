from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.special import gammaln

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._graphs import decomposable_graphs
from survey_toolkit.multiple_systems._posterior import importance_draws, posterior_mode, weighted_quantiles
from survey_toolkit.multiple_systems.strata import StratifiedHistories


def test_numbers_of_decomposable_graphs() -> None:
    # Chordal labelled graphs: OEIS A058862.
    assert [len(decomposable_graphs(t).edges) for t in (2, 3, 4, 5, 6)] == [2, 8, 61, 822, 18154]
    with pytest.raises(EstimationError, match="too many"):
        decomposable_graphs(8)


@pytest.mark.slow
def test_seven_lists_fit() -> None:
    assert len(decomposable_graphs(7).edges) == 617_675
    rng = np.random.default_rng(1)
    seen = (rng.random((3000, 7)) < [0.2, 0.18, 0.15, 0.12, 0.1, 0.1, 0.08]).astype(int)
    patterns, counts = np.unique(seen[seen.any(axis=1)], axis=0, return_counts=True)
    fit = ms.decomposable_average(ms.CaptureHistories(tuple("ABCDEFG"), patterns, counts))
    assert fit.ci_low < 3000 < fit.ci_high
    assert fit.detail.n_graphs == 617_675
    assert fit.detail.probability_at_end < 1e-4


def test_signs_are_cliques_less_separators() -> None:
    graphs = decomposable_graphs(4)
    for g in range(len(graphs.edges)):
        cliques = [sum(1 << j for j in c) for c in graphs.cliques(g)]
        assert set(np.flatnonzero(graphs.signs[g] > 0)) <= set(cliques)
        assert graphs.signs[g].sum() == 0
        # Every list is counted once: cliques less separators.
        sizes = np.array([s.bit_count() for s in range(16)])
        assert graphs.signs[g] @ sizes == 4


def test_posterior_on_two_lists_by_hand() -> None:
    """Two lists: independence and saturation, with Dirichlet integrals written out."""
    counts, grid, delta = {"11": 6, "10": 20, "01": 15}, np.arange(0.0, 400), 0.25
    data = ms.CaptureHistories.from_counts(counts, ["A", "B"])
    found = ms.decomposable_average(data, delta=delta, unseen=grid).detail
    n = 41

    def dirichlet(x: np.ndarray, d: float) -> float:
        return float(
            gammaln(d * len(x)) - gammaln(x.sum() + d * len(x)) + (gammaln(x + d) - gammaln(d)).sum()
        )

    log = np.array(
        [
            [
                dirichlet(np.array([m + 15, 26.0]), 2 * delta)
                + dirichlet(np.array([m + 20, 21.0]), 2 * delta),
                dirichlet(np.array([m, 20.0, 15.0, 6.0]), delta),
            ]
            for m in grid
        ]
    )
    log += (gammaln(n + grid + 1) - gammaln(grid + 1) - np.log(n + grid))[:, None]
    post = np.exp(log - log.max())
    post /= post.sum()
    assert found.probability == pytest.approx(post.sum(axis=1), rel=1e-9)
    shares = {len(g.cliques): g.probability for g in found.graphs}
    assert [shares[2], shares[1]] == pytest.approx(post.sum(axis=0), rel=1e-9)


def test_decomposable_default_grid_and_sweep(uk5: ms.CaptureHistories) -> None:
    fit = ms.decomposable_average(uk5)
    assert fit.estimate == pytest.approx(22984, rel=0.01)
    assert fit.detail.probability_at_end < 1e-4
    assert "822 graphs" in repr(fit.detail)
    sweep = ms.delta_sweep(uk5, [2.0**-5, 0.5])
    assert sweep["estimate"].iloc[1] < 3000
    assert sweep["top_probability"].iloc[1] > 0.99
    saturated = ms.decomposable_average(uk5, delta=0.5)
    assert any("the prior decides" in note for note in saturated.notes)
    short = ms.decomposable_average(uk5, unseen=range(0, 9000, 30))
    assert any("end of the grid" in note for note in short.notes)


def test_decomposable_does_not_hang_on_list_order(kosovo: ms.CaptureHistories) -> None:
    order = [3, 1, 0, 2]
    turned = ms.CaptureHistories(
        tuple(kosovo.lists[j] for j in order), kosovo.patterns[:, order], kosovo.counts
    )
    one, other = (ms.decomposable_average(d, unseen=range(0, 40001, 20)).detail for d in (kosovo, turned))
    assert other.mean == pytest.approx(one.mean, rel=1e-10)
    assert {frozenset(map(frozenset, one.graphs[0].cliques))} == {
        frozenset(map(frozenset, other.graphs[0].cliques))
    }


@pytest.mark.parametrize(
    "options",
    [
        {"delta": 0.0},
        {"delta": float("nan")},
        {"unseen": [3, 2]},
        {"unseen": [-1, 2]},
        {"unseen": [1]},
        {"level": 0},
    ],
)
def test_decomposable_bad_input(kosovo: ms.CaptureHistories, options: dict[str, object]) -> None:
    with pytest.raises(EstimationError):
        ms.decomposable_average(kosovo, **options)  # type: ignore[arg-type]


def test_decomposable_bad_prior(kosovo: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="log prior"):
        ms.decomposable_average(kosovo, unseen=range(10), log_prior=lambda n: n * np.nan)


def test_importance_sampling_against_quadrature() -> None:
    """One parameter, one cell: the posterior mean and evidence by the trapezoidal rule."""
    design, counts, precision = np.ones((1, 1)), np.array([3.0]), np.array([[0.5]])
    drawn = importance_draws(posterior_mode(design, counts, precision), 200_000, np.random.default_rng(1))
    beta = np.linspace(-8, 6, 20001)
    density = np.exp(3 * beta - np.exp(beta) - beta**2 / 4) * np.sqrt(0.5 / (2 * np.pi))
    evidence = np.trapezoid(density, beta) if hasattr(np, "trapezoid") else np.trapz(density, beta)
    mean = (density * beta).sum() / density.sum()
    assert drawn.log_evidence == pytest.approx(np.log(evidence), abs=0.005)
    assert float(drawn.weight @ drawn.beta[:, 0]) == pytest.approx(mean, abs=0.01)
    assert weighted_quantiles(drawn.beta[:, 0], drawn.weight, np.array([0.0, 1.0]))[0] < mean


def test_threshold_choices(uk5: ms.CaptureHistories, kosovo: ms.CaptureHistories) -> None:
    none = ms.bayes_threshold(uk5, threshold=50.0, seed=1)
    assert none.detail.retained == ()
    assert none.estimate == pytest.approx(ms.loglinear(uk5, ci="wald").estimate, rel=0.02)
    flat = ms.bayes_threshold(uk5, prior_variance=None, seed=1)
    assert flat.boundary_terms == ("LA:GP",)
    third = ms.bayes_threshold(kosovo, max_order=3, seed=1)
    assert "EXH:ABA:OSCE" in third.detail.retained
    assert third.detail.ess > 1000


def test_flat_prior_refuses_what_cannot_be_estimated(apart: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError) as caught:
        ms.bayes_threshold(apart, prior_variance=None)
    assert caught.value.code in ("no-mle", "not-identifiable")


@pytest.mark.parametrize(
    "options",
    [{"threshold": -1}, {"prior_variance": 0}, {"main_variance": -1}, {"max_order": 4}, {"draws": 5}],
)
def test_threshold_bad_input(kosovo: ms.CaptureHistories, options: dict[str, object]) -> None:
    with pytest.raises(EstimationError, match="impossible"):
        ms.bayes_threshold(kosovo, **options)  # type: ignore[arg-type]


def test_loglinear_average_agrees_with_bic_where_data_are_many(kosovo: ms.CaptureHistories) -> None:
    fit = ms.loglinear_average(kosovo, seed=1)
    best = ms.select(kosovo, ci="wald")
    assert fit.estimate == pytest.approx(best.estimate, rel=0.05)
    assert sum(fit.detail.models.values()) > 0.95
    assert fit.detail.n_models == 64
    assert fit.detail.least_ess > 500
    wide = ms.loglinear_average(kosovo, prior="sabanes_bove_held", seed=1)
    assert wide.estimate == pytest.approx(fit.estimate, rel=0.05)


def test_loglinear_average_with_a_stratum() -> None:
    rng = np.random.default_rng(1)
    people = {"A": [], "B": [], "C": [], "sex": []}  # type: dict[str, list[object]]
    for sex, size in (("F", 900), ("M", 1500)):
        seen = rng.random((size, 3)) < (0.35 if sex == "F" else 0.25)
        seen = seen[seen.any(axis=1)]
        for j, name in enumerate("ABC"):
            people[name] += seen[:, j].astype(int).tolist()
        people["sex"] += [sex] * len(seen)
    data = StratifiedHistories.from_records(people, list("ABC"), ["sex"])
    fit = ms.loglinear_average(data, seed=1)
    assert set(fit.detail.inclusion) == {f"{a}:{b}" for a, b in combinations([*"ABC", "sex"], 2)}
    assert fit.ci_low < 2400 < fit.ci_high
    assert fit.detail.inclusion["A:sex"] > 0.5


def test_loglinear_average_refuses(uk6: ms.CaptureHistories, kosovo: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="too many models"):
        ms.loglinear_average(uk6)
    with pytest.raises(EstimationError, match="no such prior"):
        ms.loglinear_average(kosovo, prior="jeffreys")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="too few draws"):
        ms.loglinear_average(kosovo, draws=1)


def test_model_average(uk5: ms.CaptureHistories, apart: ms.CaptureHistories) -> None:
    fit = ms.model_average(uk5)
    chosen = ms.select(uk5, ci="wald").selection
    assert chosen is not None
    assert (fit.estimate, fit.se) == (chosen.averaged_estimate, chosen.averaged_se)
    assert fit.n < fit.ci_low < fit.estimate < fit.ci_high
    with pytest.raises(EstimationError):
        ms.model_average(apart)
