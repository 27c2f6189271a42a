"""Methods side by side, pooling, and the figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign


def numbers(estimate: float, se: float, unit: str = "persons") -> dict[str, Any]:
    return {"estimate": estimate, "se": se, "unit": unit}


def test_every_kind_of_result_on_one_scale(
    people: Any, kin: Any, design: SurveyDesign, recruits: pd.DataFrame
) -> None:
    net = hp.family_network(people, kin, id="id", case="victim", multiplicity="s", design=design)
    known = {"k1": 9000, "k2": 5200, "k3": 2100}
    nsum = hp.network_reports(people, known=known, hidden="hid", population=1e5, design=design)
    tree = hp.read_recruiters(recruits, id="id", recruiter="recruiter", degree="degree", seed_marker="seed")
    lists = ms.CaptureHistories.from_counts({"11": 90, "10": 200, "01": 150}, lists=["A", "B"])
    results = {
        "direct": Survey(people, design).proportion("direct"),
        "network": net.prevalence(),
        "network total": net.total(),
        "scale-up": nsum.size(),
        "bayes": (hp.bayes_scale_up(nsum, draws=50, burn_in=50, thin=1), "hid"),
        "rds": (hp.rds_estimate(tree, "hit", replicates=50), "1"),
        "lists": ms.two_list(lists),
        "count": hp.item_count(people, "list_a", "treat", design=design).difference(),
        "crosswise": hp.randomized_response(people, "same", hp.crosswise(0.2), design=design),
        "size": hp.ss_pse(tree, prior_median=600, chains=1, draws=50, burn_in=50, thin=1),
    }
    table = hp.compare(results, scale="prevalence", population=9000.0)
    kinds = [c.method for c in table.candidates]
    assert kinds == [
        "household", "multiplicity", "multiplicity", "scale_up", "scale_up", "rds", "multiple_systems",
        "item_count", "randomized_response", "rds",
    ]  # fmt: skip
    by = {c.label: c for c in table.candidates}
    assert by["network total"].estimate == pytest.approx(results["network total"].estimate[0] / 9000)
    assert by["direct"].estimate == results["direct"].estimate[0]
    assert by["rds"].estimate == results["rds"][0].estimate[1]
    frame = table.to_frame()
    assert list(frame["label"])[-2:] == ["pooled", "prediction"]
    assert (frame["assumptions"].iloc[:10].str.len() > 20).all()
    assert "<table>" in table._repr_html_()


def test_a_column_name_does_not_decide_the_method(people: Any) -> None:
    renamed = people.rename(columns={"psu": "RDS_list"})
    design = SurveyDesign(weight="w", strata="stratum", psu="RDS_list")
    got = hp.compare({"a": Survey(renamed, design).proportion("direct")}, scale="prevalence")
    assert got.candidates[0].method == "household"


def test_reprs_hold_no_rows(people: Any, design: SurveyDesign) -> None:
    lists = hp.item_count(people, "list_a", "treat", design=design)
    assert "list_a" not in repr(lists.sample)
    assert len(repr(lists.sample)) < 200


def test_pooling_by_hand_when_methods_agree() -> None:
    """No spread between methods: the inverse-variance mean on the log scale."""
    got = hp.pool([1000, 1000, 1000], [100, 200, 400])
    assert got.tau == 0
    assert got.estimate == pytest.approx(1000)
    np.testing.assert_allclose(got.weights, np.array([16, 4, 1]) / 21)
    assert got.i2 == 0
    assert got.q == pytest.approx(0, abs=1e-12)


def test_pooling_when_methods_disagree() -> None:
    estimate, se = [800.0, 2000.0, 5000.0], [20.0, 50.0, 120.0]
    got = hp.pool(estimate, se)
    y, v = np.log(estimate), (np.array(se) / estimate) ** 2
    w = 1 / (v + got.tau**2)
    mean = w @ y / w.sum()
    assert w @ (y - mean) ** 2 == pytest.approx(2)  # the equation of Paule and Mandel
    assert got.estimate == pytest.approx(np.exp(mean))
    assert got.i2 > 0.98
    assert got.q_p_value < 1e-10
    assert got.prediction_low < got.ci_low < got.estimate < got.ci_high < got.prediction_high


def test_prediction_interval_covers_a_further_method() -> None:
    held = mean_held = 0
    for s in range(300):
        rng = np.random.default_rng([1, s])
        se = rng.uniform(0.1, 0.3, 8)
        theta = rng.normal(7, 0.4, 9)
        y = np.exp(rng.normal(theta[:8], se))
        got = hp.pool(y, se * y)
        held += got.prediction_low < np.exp(theta[8]) < got.prediction_high
        mean_held += got.ci_low < np.exp(7) < got.ci_high
    assert held / 300 == pytest.approx(0.95, abs=0.04)
    assert mean_held / 300 == pytest.approx(0.95, abs=0.04)


def test_prevalences_are_pooled_on_the_logit_scale() -> None:
    got = hp.compare(
        {"a": numbers(0.02, 0.01, "proportion"), "b": numbers(0.05, 0.02, "proportion")}, scale="prevalence"
    )
    assert got.pooled is not None
    assert 0 < got.pooled.ci_low < got.pooled.estimate < got.pooled.ci_high < 1
    assert np.isnan(got.pooled.prediction_low)


def test_an_estimate_below_zero_is_shown_and_not_pooled() -> None:
    got = hp.compare({"a": numbers(100, 20), "b": numbers(120, 30), "c": numbers(-5, 10)})
    assert len(got.candidates) == 3
    assert any("not pooled" in note and "c" in note for note in got.notes)
    assert "-5" in repr(got)


def test_warnings_and_errors() -> None:
    got = hp.compare(
        {"a": numbers(100, 20), "b": numbers(900, 30)}, warnings={"a": ["one seed"]}, methods={"a": "rds"}
    )
    assert got.candidates[0].warnings == ("one seed",)
    assert got.candidates[0].assumptions == hp.ASSUMPTIONS["rds"][0]
    assert any("disagree" in note for note in got.notes)
    with pytest.raises(EstimationError, match="on the other scale"):
        hp.compare({"a": numbers(0.1, 0.02, "proportion")})
    with pytest.raises(EstimationError, match="unknown method"):
        hp.compare({"a": numbers(1, 1)}, methods={"a": "guess"})
    with pytest.raises(EstimationError, match="no result has this label"):
        hp.compare({"a": numbers(1, 1)}, warnings={"b": ["x"]})
    with pytest.raises(EstimationError, match="nothing to compare"):
        hp.compare({})
    with pytest.raises(EstimationError, match="cannot be compared"):
        hp.compare({"a": 7})
    with pytest.raises(EstimationError, match="needs an estimate and its unit"):
        hp.compare({"a": {"estimate": 7}})
    with pytest.raises(EstimationError, match="at least two estimates"):
        hp.pool([1.0], [1.0])


def test_several_rows_need_a_row(people: Any, design: SurveyDesign) -> None:
    by = Survey(people, design).proportion("direct", by="sex")
    with pytest.raises(EstimationError, match="needs a row"):
        hp.compare({"a": by}, scale="prevalence")
    assert hp.compare({"a": (by, "F")}, scale="prevalence").candidates[0].estimate == by.estimate[0]
    with pytest.raises(EstimationError, match="no such row"):
        hp.compare({"a": (by, "X")}, scale="prevalence")


def test_figures_are_drawn_without_identifiers(
    people: Any, design: SurveyDesign, recruits: pd.DataFrame, tmp_path: Path
) -> None:
    tree = hp.read_recruiters(recruits, id="id", recruiter="recruiter", degree="degree", seed_marker="seed")
    known = {"k1": 9000, "k2": 5200, "k3": 2100}
    nsum = hp.network_reports(people, known=known, hidden="hid", population=1e5, design=design)
    seen = hp.rds_diagnostics(tree, "group", level="alum")
    table = hp.compare({"a": numbers(100, 20), "b": numbers(120, 30), "c": numbers(400, 90)})
    figures = {
        "comparison": table.plot(),
        "recruitment": hp.plot_recruitment(tree, "group"),
        "plain": hp.plot_recruitment(tree),
        "convergence": hp.plot_convergence(seen),
        "bottleneck": hp.plot_bottleneck(seen),
        "back": hp.plot_back_estimates(nsum),
        "degrees": hp.plot_degrees(nsum.degree),
        "counts": hp.plot_degrees(np.arange(100) % 17),
        "posterior": hp.plot_size_posterior(
            hp.ss_pse(tree, prior_median=600, chains=1, draws=50, burn_in=50, thin=1)
        ),
    }
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.svg")
        text = (tmp_path / f"{name}.svg").read_text("utf-8")
        assert len(text) > 3000
        assert not re.search(r"\bp17\b", text)  # clip paths have random names that begin with p


def test_a_cut_interval_ends_in_an_arrow_head_and_none_is_said_in_words() -> None:
    rows = {
        "lists": {"estimate": 900, "se": 90, "unit": "persons"},
        "wide": {"estimate": 1_000, "ci_low": -50_000, "ci_high": 60_000, "unit": "persons"},
    }
    table = hp.compare(rows, pooling=False)
    figure = table.plot()
    assert len(figure.findobj(lambda a: a.get_gid() == "cut")) == 2
    assert "arrow head" in figure.axes[0].get_xlabel()
    assert "(-50,000 – 60,000)" in figure.get_label()
    assert figure.get_label().endswith("1 interval goes beyond the axis and ends in an arrow head.")
    assert table.interval(float("nan"), float("nan")) == "no interval"
