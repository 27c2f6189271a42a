"""Results say what they are: a difference has a t interval, and small results print as tables."""

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import (
    Survey,
    SurveyDesign,
    change,
    combine_imputations,
    ratio_of,
    t_interval,
)


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"ea": np.repeat(range(20), 10), "w": 1.0, "sex": rng.choice(["F", "M"], 200)})
    data["y"] = rng.random(200) < 0.3
    return Survey(data, SurveyDesign(weight="w", psu="ea"))


@pytest.mark.parametrize("ci", ["beta", "logit", "clopper_pearson", "mean"])
def test_what_is_made_from_proportions_has_a_t_interval_and_says_so(survey, ci):
    rates = survey.proportion("y", by="sex", ci=ci)
    assert f"{ci} interval" in rates.method
    for made in (rates.difference("M", "F"), ratio_of(rates, "M", "F")):
        assert "t interval" in made.method
        assert ci not in made.method.replace("t interval", "").split("; weights")[0]
        expected = t_interval(made.estimate, made.se, made.df, 0.95)
        assert (made.ci_low, made.ci_high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert ", t interval" in change(survey, survey, "proportion", "y").method


def test_margins_and_imputations_print_as_tables(survey):
    margins = survey.glm("y ~ C(sex)", "binomial").margins("sex")
    assert repr(margins).splitlines()[0] == "mean prediction if every row had this sex"
    assert f"{margins.estimate[0]:.5g}" in repr(margins)
    both = combine_imputations([survey.mean("y"), survey.proportion("y")])
    assert repr(both).startswith("2 imputations combined by Rubin's rules, 95% intervals")
    assert "missing_information" in repr(both)
