"""Simulated populations of known size; the full table is made by benchmarks/multiple_systems_recovery.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.flags import failures

SIZE = 2000
TABLES = 100


def _independent(chances: list[float]) -> np.ndarray:
    out = np.ones(1)
    for p in chances:
        out = np.concatenate([out * (1 - p), out * p])
    return out


def _fourth_follows_first(if_on: float, if_not: float) -> np.ndarray:
    first = _independent([0.3, 0.25, 0.2])
    p = np.where(np.arange(8) & 1, if_on, if_not)
    return np.concatenate([first * (1 - p), first * p])


def _tables(cells: np.ndarray, size: int, seed: int) -> list[ms.CaptureHistories]:
    lists = len(cells).bit_length() - 1
    out = []
    for table in np.random.default_rng(seed).multinomial(SIZE, cells, size=size):
        seen = np.flatnonzero(table[1:]) + 1
        patterns = seen[:, None] >> np.arange(lists) & 1
        out.append(ms.CaptureHistories(tuple("ABCDE"[:lists]), patterns, table[seen]))
    return out


def _coverage(
    method: Callable[[ms.CaptureHistories], ms.PopulationSize], tables: list[ms.CaptureHistories]
) -> tuple[float, float]:
    """Share of intervals that hold the truth, and the relative bias of the median."""
    fits = [method(data) for data in tables]
    held = np.mean([f.ci_low <= SIZE <= f.ci_high for f in fits])
    return float(held), float(np.median([f.estimate for f in fits])) / SIZE - 1


@pytest.fixture(scope="module")
def independent() -> list[ms.CaptureHistories]:
    return _tables(_independent([0.3, 0.25, 0.2, 0.15]), TABLES, 11)


@pytest.mark.slow
def test_selected_again_covers_under_independence(independent: list[ms.CaptureHistories]) -> None:
    for search in ("stepwise", "best"):
        held, bias = _coverage(
            lambda d, s=search: ms.bootstrap(d, s, replicates=400),  # type: ignore[misc]
            independent,
        )
        assert held >= 0.88, search
        assert abs(bias) < 0.02, search


@pytest.mark.slow
def test_other_methods_cover_under_independence(independent: list[ms.CaptureHistories]) -> None:
    for method in (ms.loglinear, ms.model_average, ms.decomposable_average):
        held, bias = _coverage(method, independent)
        assert held >= 0.88, method.__name__
        assert abs(bias) < 0.02, method.__name__


@pytest.mark.slow
def test_a_dependent_pair_is_found() -> None:
    tables = _tables(_fourth_follows_first(0.4, 0.1), TABLES, 12)
    held, bias = _coverage(ms.select, tables)
    assert held >= 0.85
    assert abs(bias) < 0.05
    # Independence is wrong there, and every one of its rows says so.
    fits = [ms.loglinear(d) for d in tables]
    assert np.mean([f.ci_high < SIZE for f in fits]) > 0.9
    assert all(failures(f) for f in fits)


@pytest.mark.slow
def test_a_list_contained_in_another_is_never_silent() -> None:
    """The model with that dependence is refused and the others are wrong: each answer carries a remark."""
    for data in _tables(_fourth_follows_first(0.4, 0.0), 25, 13):
        assert data.audit().contained
        try:
            fit = ms.stepwise(data)
        except EstimationError:
            continue
        assert failures(fit, ms.chao(data).estimate)
        assert ms.diagnose(data, fit).light != "publish"


@pytest.mark.slow
def test_lists_that_share_nobody_are_refused() -> None:
    cells = np.zeros(8)
    cells[[0, 1, 2, 4]] = 0.76, 0.10, 0.08, 0.06
    methods = [name for name in ms.METHODS if name not in ("lincoln_petersen", "chapman", "behaviour")]
    for data in _tables(cells, 5, 14):
        found = ms.compare(data, methods)
        assert not found.results
        assert set(found.refused) == set(methods)


@pytest.mark.slow
def test_unseen_heterogeneity_is_remarked() -> None:
    """Two kinds of people, most hard to find: short intervals far below, but none without a remark."""
    mixed = 0.3 * _independent([0.5, 0.45, 0.4, 0.3]) + 0.7 * _independent([0.12, 0.1, 0.08, 0.06])
    fits = [(ms.stepwise(d), ms.chao(d).estimate) for d in _tables(mixed, TABLES, 15)]
    assert np.median([f.estimate for f, _ in fits]) < SIZE
    assert np.mean([bool(failures(f, bound)) for f, bound in fits]) > 0.9
