from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.existence import examine_model, existence_codes
from survey_toolkit.multiple_systems.poisson import reduce_models
from survey_toolkit.multiple_systems.terms import enumerate_models


def test_published_verdicts(sparse3: ms.CaptureHistories) -> None:
    # Chan, Silverman & Vincent (2021), section 4: the same zero pattern as their artificial table.
    codes = {
        (): 0,
        ("A:C", "B:C"): 0,
        ("A:B",): 1,
        ("A:B", "A:C", "B:C"): 2,
    }
    for interactions, code in codes.items():
        assert ms.check_existence(sparse3, interactions).code == code


def test_no_overlap_is_refused_by_every_method(apart: ms.CaptureHistories) -> None:
    verdict = ms.check_existence(apart)
    assert not verdict.exists
    assert verdict.infinite_terms == ("(Intercept)", "A", "B", "C")
    calls = (ms.loglinear, ms.stepwise, ms.stepwise_aic, ms.select, lambda d: ms.select(d, search="downhill"))
    for call in calls:
        with pytest.raises(EstimationError) as caught:
            call(apart)
        assert "maximum likelihood estimate does not exist" in str(caught.value)
        assert "no two lists share anybody" in str(caught.value)
    table = ms.compare(apart)
    assert not table.results
    told = ("share", "two lists", "0 seen 2 times", "0 twice")
    assert all(any(word in reason for word in told) for reason in table.refused.values())


def test_refusal_names_terms_and_the_smallest_fix(sparse3: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError) as caught:
        ms.loglinear(sparse3, ["A:B"])
    assert caught.value.code == "no-mle"
    assert "A:B" in str(caught.value)
    assert "leave out A:B" in str(caught.value)
    with pytest.raises(EstimationError, match="cannot tell") as lost:
        ms.loglinear(sparse3, ["A:B", "A:C", "B:C"])
    assert lost.value.code == "not-identifiable"


def test_a_list_with_everybody_is_refused() -> None:
    data = ms.CaptureHistories.from_counts({"110": 20, "101": 10, "100": 25, "111": 4}, ["A", "B", "C"])
    with pytest.raises(EstimationError, match="does not exist") as caught:
        ms.loglinear(data)
    assert "leave out list A" in str(caught.value)


def test_identical_lists_have_no_fix_but_the_audit() -> None:
    data = ms.CaptureHistories.from_counts({"11": 9}, ["A", "B"])
    assert "see audit()" in ms.check_existence(data).fix


def _by_definition(support: np.ndarray, finite: np.ndarray, cells: np.ndarray) -> int:
    """Facts 3.1 word for word: max u with A'x = A'n and x >= u, and the rank of A."""
    from scipy.optimize import linprog

    kept = np.flatnonzero(cells)
    index = np.flatnonzero(finite)
    design = ((kept[:, None] & index) == index).astype(float)
    target = design.T @ support[kept]
    answer = linprog(
        np.r_[np.zeros(len(kept)), -1.0],
        A_eq=np.c_[design.T, np.zeros(len(index))],
        b_eq=target,
        A_ub=np.c_[-np.eye(len(kept)), np.ones(len(kept))],
        b_ub=np.zeros(len(kept)),
        bounds=[(0, None)] * (len(kept) + 1),
    )
    return int(-answer.fun < 1e-7) + 2 * int(np.linalg.matrix_rank(design) < len(index))


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 4), st.data())
def test_codes_agree_with_the_primal_programme(t: int, data: st.DataObject) -> None:
    counts = np.array(
        [0, *data.draw(st.lists(st.integers(0, 2), min_size=2**t - 1, max_size=2**t - 1))], float
    )
    if not counts.sum():
        counts[1] = 1
    models = enumerate_models(t, t - 1)
    reduced = reduce_models(counts, models)
    codes = existence_codes(counts, models)
    chosen = data.draw(st.lists(st.integers(0, len(models) - 1), min_size=1, max_size=8))
    for i in chosen:
        assert codes[i] == _by_definition(counts > 0, reduced.finite[i], reduced.cells[i])
        assert codes[i] == examine_model(counts, models[i]).code


def test_counts_do_not_matter_only_zeros_do(uk5: ms.CaptureHistories) -> None:
    models = enumerate_models(5, 2)[::7]
    table = uk5.table()
    assert np.array_equal(existence_codes(table, models), existence_codes(np.minimum(table, 1), models))


def test_scan_counts_models(sparse3: ms.CaptureHistories) -> None:
    scan = ms.scan_existence(sparse3)
    assert (scan.n_models, scan.n_ok, scan.n_no_mle, scan.n_not_identifiable, scan.n_both) == (8, 4, 3, 1, 0)
    assert scan.failing[("A", "B"), ("A", "C"), ("B", "C")] == 2
    assert "4 of 8 models" in repr(scan)
