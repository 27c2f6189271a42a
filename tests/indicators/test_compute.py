import math
from types import SimpleNamespace

import numpy as np
import pytest

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators import (
    FileRecord,
    TraceParts,
    TraceStep,
    definition_steps,
    figures_from_estimates,
    figures_from_population_size,
)

SERIES = SimpleNamespace(
    id="SL_TLF_CHLDEA", label={"en": "Children"}, variable="child_labour_a", statistic="proportion",
    unit="PT",
    universe={"en": "children 5-17"}, sdmx={"AGE": "Y5T17"}, custom=False,
)  # fmt: skip
WHERE = {"country": "KHM", "period": "2024", "definition": "child_labour", "version": "sdg-2021"}


def estimates(**changes):
    values = {
        "statistic": "proportion", "domain_names": ("sex",), "domains": (("F",), ("M",), (None,)),
        "estimate": np.array([0.1, 0.2, math.nan]), "se": np.array([0.01, 0.02, math.nan]),
        "ci_low": np.array([0.08, 0.16, math.nan]), "ci_high": np.array([0.12, 0.24, math.nan]),
        "cv": np.array([0.1, 0.1, math.nan]), "n": np.array([500.0, 400.0, 0.0]),
        "n_positive": np.array([50.0, 80.0, 0.0]), "method": "Taylor linearization", "level": 0.9,
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


def test_one_figure_a_domain():
    figures = figures_from_estimates(
        "8.7.1", SERIES, estimates(), dimensions=("sex", "age_band"), labels={"sex": {"F": "Female"}},
        truth={("F", "_T"): 0.11}, **WHERE,
    )  # fmt: skip
    assert [f.id for f in figures] == [f"8.7.1/KHM/2024/{s}/_T" for s in ("F", "M", "_U")]
    first = figures[0]
    assert (first.value, first.n, first.n_positive, first.level) == (0.1, 500, 50, 0.9)
    assert (first.category, first.covers, first.universe) == ("Female", True, "children 5-17")
    assert first.text == "10.0 % [8.0, 12.0]"
    assert figures[2].value is None
    assert figures[2].deff is None


def test_second_series_is_in_the_id():
    figures = figures_from_estimates("8.7.1", SERIES, estimates(), first_series=False, **WHERE)
    assert figures[0].id == "8.7.1:SL_TLF_CHLDEA/KHM/2024/F"


def test_scalar_total_without_domains():
    figures = figures_from_estimates(
        "8.7.1",
        SERIES,
        estimates(domain_names=(), domains=((),), estimate=np.array([0.15])),
        dimensions=("sex",),
        **WHERE,
    )
    assert [f.id for f in figures] == ["8.7.1/KHM/2024/_T"]
    assert figures[0].is_total


def test_domain_that_is_no_dimension():
    with pytest.raises(SurveyToolkitError, match="no breakdown dimension"):
        figures_from_estimates("8.7.1", SERIES, estimates(), dimensions=("region",), **WHERE)


def test_own_step_tells_the_cell_and_goes_with_it():
    parts = TraceParts(
        design=TraceStep(kind="design", title="two-stage"),
        files=(FileRecord(name="a.sav", sha256="00"),),
        seed=1,
    )
    figure = figures_from_estimates("8.7.1", SERIES, estimates(), trace=parts, **WHERE)[0]
    assert [s.kind for s in figure.trace.steps] == ["estimator", "design"]
    assert figure.trace.steps[0].text == "500 unweighted cases, 50 positive"
    assert "500" not in str(figure.masked().trace.to_dict())


def mse(**changes):
    values = {
        "estimate": 11313.0, "ci_low": 9900.0, "ci_high": 13010.0, "se": 925.0, "n": 2744, "model": "LA:NG",
        "method": "log-linear", "verdict": "exists",
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


def series(statistic, unit="NUMBER"):
    return SimpleNamespace(id="S", label="victims", variable=None, statistic=statistic, unit=unit)


def test_detected_and_estimated():
    detected = figures_from_population_size("16.2.2", series("count"), mse(), **WHERE)[0]
    estimated = figures_from_population_size("16.2.2", series("population_size"), mse(), **WHERE)[0]
    assert (detected.value, detected.ci_low, detected.obs_status, detected.estimator) == (
        2744,
        None,
        "A",
        "admin",
    )
    assert (estimated.value, estimated.ci_high, estimated.obs_status) == (11313, 13010, "E")
    assert [c.text for c in estimated.trace.steps[0].children] == ["LA:NG", "exists"]


def test_rates_divide_the_interval_too():
    wide = figures_from_population_size(
        "16.2.2", series("rate", "PER_100000_POP"), mse(), measure="estimated", population=64_100_000, **WHERE
    )[0]
    assert wide.present() == pytest.approx(17.649, abs=1e-3)
    assert wide.present("ci_low") == pytest.approx(9900 / 641, rel=1e-12)
    assert wide.present("ci_high") == pytest.approx(13010 / 641, rel=1e-12)
    assert wide.population == 64_100_000


@pytest.mark.parametrize("population", [None, 0, -5, math.nan])
def test_a_rate_needs_a_population(population):
    with pytest.raises(SurveyToolkitError, match="resident population"):
        figures_from_population_size(
            "16.2.2", series("rate", "PER_100000_POP"), mse(), population=population, **WHERE
        )


def test_unclear_measure():
    with pytest.raises(SurveyToolkitError, match="detected or the estimated"):
        figures_from_population_size("16.2.2", series("proportion", "NUMBER"), mse(), **WHERE)


def test_definition_steps_from_the_registry():
    from survey_toolkit import standards

    registry = standards.load()
    definition = registry.definition("child_labour", "sdg-2021")
    output = definition.outputs[0]
    steps = definition_steps(
        definition, output.id, sentence="…", source_titles=lambda id: registry.source(id).title
    )
    assert [s.kind for s in steps][-2:] == ["definition", "source"]
    assert "child_labour@sdg-2021" in [s.title for s in steps]
    assert steps[-1].reference
