"""A logistic model with area effects: recovery, invariances, the limit without effects, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import AreaLogit, unit_level_logit


def _made(
    seed: int, areas: int = 40, take: int = 60, sigma: float = 0.6
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    u = rng.normal(0, sigma, areas)
    area = np.repeat(np.arange(areas), take)
    x = rng.normal(size=area.size)
    y = rng.random(area.size) < 1 / (1 + np.exp(-(-1.5 + 0.8 * x + u[area])))
    grid = np.linspace(-2, 2, 9)
    cells = pd.DataFrame({"area": np.repeat(np.arange(areas), 9), "x": np.tile(grid, areas), "N": 100})
    truth = (1 / (1 + np.exp(-(-1.5 + 0.8 * grid + u[:, None])))).mean(axis=1)
    return pd.DataFrame({"area": area, "x": x, "y": y.astype(int)}), cells, truth


def _fit(data: pd.DataFrame, cells: pd.DataFrame) -> AreaLogit:
    return unit_level_logit(data, cells, ["x"], outcome="y", area="area", cell_size="N")


def test_it_recovers_what_made_the_data() -> None:
    data, cells, truth = _made(1)
    fit = _fit(data, cells)
    assert fit.coefficients == pytest.approx([-1.5, 0.8], abs=0.3)
    assert fit.sigma_u == pytest.approx(0.6, abs=0.2)
    order = [fit.areas.index(a) for a in range(40)]
    direct = data.groupby("area")["y"].mean().to_numpy()
    error, plain = fit.mean[order] - truth, direct - truth
    assert np.mean(error**2) < 0.8 * np.mean(plain**2)  # it borrows strength
    assert np.corrcoef(fit.mean[order], truth)[0, 1] > 0.8


def test_order_of_rows_and_names_of_areas_do_not_count() -> None:
    data, cells, _ = _made(2, areas=15)
    fit = _fit(data, cells)
    named = {a: f"z{99 - a}" for a in range(15)}
    other = _fit(
        data.sample(frac=1, random_state=1).assign(area=lambda d: d["area"].map(named)),
        cells.sample(frac=1, random_state=2).assign(area=lambda d: d["area"].map(named)),
    )
    assert other.loglik == pytest.approx(fit.loglik, abs=1e-6)
    for a in range(15):
        assert other.mean[other.areas.index(named[a])] == pytest.approx(
            fit.mean[fit.areas.index(a)], abs=1e-4
        )


def test_without_effects_it_is_the_plain_logistic_regression() -> None:
    from statsmodels.discrete.discrete_model import Logit

    data, cells, _ = _made(3, areas=30, sigma=0.0)
    shuffled = data.assign(area=np.random.default_rng(1).permutation(data["area"]))
    fit = _fit(shuffled, cells)
    plain = Logit(data["y"], np.column_stack([np.ones(len(data)), data["x"]])).fit(disp=0)
    assert fit.sigma_u < 0.3
    assert fit.coefficients == pytest.approx(np.asarray(plain.params), rel=0.03)
    assert plain.llf - 1e-3 <= fit.loglik <= plain.llf + 2


def test_an_area_without_a_sample_has_no_effect_of_its_own() -> None:
    data, cells, _ = _made(4, areas=20)
    fit = _fit(data[data["area"] != 7], cells)
    assert fit.effect[fit.areas.index(7)] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, c: (d.assign(y=2), c), "0 or 1"),
        (lambda d, c: (d.assign(y=0), c), "vary"),
        (lambda d, c: (d.assign(area=d["area"] + 100), c), "not in the population"),
        (lambda d, c: (d.assign(x=np.nan), c), "data: x: values are missing"),
        (lambda d, c: (d[d["area"] < 2], c), "too few areas"),
        (lambda d, c: (d, c.assign(N=0)), "no people"),
    ],
)
def test_bad_input(change: object, message: str) -> None:
    data, cells, _ = _made(5, areas=10)
    with pytest.raises(EstimationError, match=message):
        _fit(*change(data, cells))  # type: ignore[operator]
