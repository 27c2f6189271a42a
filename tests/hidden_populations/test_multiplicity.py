"""Family networks against R's survey, by hand, and with bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign

CLOSED = 1e-9  # closed forms: only the order of summation differs


def network(people: Any, kin: Any, design: Any, **more: Any) -> hp.FamilyNetwork:
    given = {"months": "months", "reference_months": 60, "relation": "relation"} | more
    return hp.family_network(people, kin, id="id", case="victim", multiplicity="s", design=design, **given)


@pytest.mark.parametrize("name", ["total", "prevalence", "stock"])
def test_against_r(people: Any, kin: Any, design: SurveyDesign, golden: Any, name: str) -> None:
    net = network(people, kin, design)
    got = {"total": net.total, "prevalence": net.prevalence, "stock": lambda: net.total(window="stock")}[
        name
    ]()
    wanted = golden[f"network_{name}"]
    np.testing.assert_allclose(got.estimate, wanted["estimate"], rtol=CLOSED)
    np.testing.assert_allclose(got.se, wanted["se"], rtol=CLOSED)
    assert got.df[0] == 24 - 3


def test_by_hand() -> None:
    people = pd.DataFrame({"id": ["x", "y"], "w": [10.0, 20.0]})
    kin = pd.DataFrame({"id": ["x", "x", "y"], "victim": [1, 1, 0], "s": [2, 4, 1], "months": [6, 12, None]})
    net = network(people, kin, SurveyDesign(weight="w"), relation=None, reference_months=12)
    assert net.total().estimate[0] == pytest.approx(10 * (1 / 2 + 1 / 4))
    assert net.prevalence().estimate[0] == pytest.approx(7.5 / (10 * 0.75 + 20))
    assert net.total(window="stock").estimate[0] == pytest.approx(10 * (0.5 / 2 + 1 / 4))
    assert net.mean_months() == pytest.approx((6 / 2 + 12 / 4) / (1 / 2 + 1 / 4))


def test_domains_sum_to_the_total(people: Any, kin: Any, design: SurveyDesign) -> None:
    net = network(people, kin, design)
    by = net.total(by="sex")
    assert by.domain_names == ("sex",)
    assert by.estimate.sum() == pytest.approx(net.total().estimate[0])
    assert by.n_positive.sum() == net.total().n_positive[0]


def test_weights_times_a_constant(people: Any, kin: Any, design: SurveyDesign) -> None:
    a, b = network(people, kin, design), network(people.assign(w=people["w"] * 3), kin, design)
    assert b.total().estimate[0] == pytest.approx(3 * a.total().estimate[0])
    assert b.prevalence().se[0] == pytest.approx(a.prevalence().se[0])


def test_row_order_does_not_matter(people: Any, kin: Any, design: SurveyDesign) -> None:
    mixed = network(people.sample(frac=1, random_state=1), kin.sample(frac=1, random_state=2), design)
    np.testing.assert_allclose(mixed.total().se, network(people, kin, design).total().se, rtol=CLOSED)


def test_relations_split_the_network(people: Any, kin: Any, design: SurveyDesign) -> None:
    net = network(people, kin, design)
    parts = [net.total(relations=[r]).estimate[0] for r in ("self", "sibling")]
    assert sum(parts) == pytest.approx(net.total().estimate[0])
    assert net.total(exclude=["sibling"]).estimate[0] == pytest.approx(parts[0])
    with pytest.raises(EstimationError, match="no person has this relation"):
        net.total(exclude=["cousin"])


def test_self_against_network(people: Any, kin: Any, design: SurveyDesign) -> None:
    got = network(people, kin, design).self_reports()
    own = kin[kin["relation"] == "self"].merge(people, on="id")
    direct = Survey(own, design).proportion("victim")
    assert got.self_prevalence.estimate[0] == pytest.approx(direct.estimate[0])
    assert got.self_prevalence.se[0] == pytest.approx(direct.se[0])
    assert got.reports_network == kin["victim"].sum()
    assert 0 < got.proxy_ratio < 5


def test_a_file_of_cases_alone_gives_a_total_and_a_note(people: Any, kin: Any, design: SurveyDesign) -> None:
    """Cases alone are all that a total needs; the share among them is 1, whatever the truth."""
    whole, cases = network(people, kin, design), network(people, kin[kin["victim"] == 1], design)
    assert cases.total().estimate[0] == pytest.approx(whole.total().estimate[0])
    assert cases.prevalence().estimate[0] == 1
    assert any("every person reported on is a case" in n for n in cases.prevalence().notes)
    assert not any("every person" in n for n in (*whole.prevalence().notes, *cases.total().notes))


def test_replicate_weights_give_nearly_the_same(people: Any, kin: Any, design: SurveyDesign) -> None:
    survey = Survey(people, design).replicate("JKn")
    got = network(survey, kin, None).prevalence()
    assert got.estimate[0] == pytest.approx(network(people, kin, design).prevalence().estimate[0])
    assert got.se[0] == pytest.approx(network(people, kin, design).prevalence().se[0], rel=0.05)


def test_unknown_duration_gets_the_mean_and_is_told(people: Any, kin: Any, design: SurveyDesign) -> None:
    gap = kin.copy()
    first = gap.index[gap["victim"] == 1][0]
    gap.loc[first, "months"] = None
    assert any("unknown duration" in note for note in network(people, gap, design).notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s": 0}, "could be reported by at least one"),
        ({"s": None}, "could be reported by at least one"),
        ({"victim": 2}, "a status must be 0 or 1"),
        ({"id": 999}, "respondents who are not in the sample"),
        ({"months": 61}, "within the reference period"),
        ({"months": 0}, "within the reference period"),
    ],
)
def test_bad_persons(
    people: Any, kin: Any, design: SurveyDesign, change: dict[str, Any], message: str
) -> None:
    bad = kin.astype({"s": float})
    row = bad.index[bad["victim"] == 1][0]
    for column, value in change.items():
        bad.loc[row, column] = value
    with pytest.raises(EstimationError, match=message):
        network(people, bad, design)


def test_respondent_twice_and_missing_options(people: Any, kin: Any, design: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="more than once"):
        network(pd.concat([people, people.head(1)]), kin, design)
    without = network(people, kin, design, months=None, reference_months=None)
    with pytest.raises(EstimationError, match="a stock needs the time"):
        without.total(window="stock")
    with pytest.raises(EstimationError, match="no such column"):
        hp.family_network(people, kin, id="id", case="victim", multiplicity="nobody", design=design)
