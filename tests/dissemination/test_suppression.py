"""Tables of counts: suppression against brute force, published-style tables, linked tables, the attack."""

import itertools

import numpy as np
import pytest

from survey_toolkit.dissemination import (
    CountTable,
    DisclosurePolicy,
    audit_table,
    dominance,
    dominant_cells,
    link_tables,
    p_percent,
    protect,
    suppress_table,
)
from survey_toolkit.dissemination.disclosure.problem import Problem
from survey_toolkit.dissemination.disclosure.search import _alone
from survey_toolkit.errors import DisclosureError
from survey_toolkit.indicators import Figure, Figures

pytestmark = pytest.mark.filterwarnings("error")


def table(rows, columns, seed, small):
    rng = np.random.default_rng(seed)
    counts = rng.integers(12, 90, (rows, columns))
    counts.flat[rng.choice(rows * columns, small, replace=False)] = rng.integers(1, 5, small)
    cells = {(f"r{i}", f"c{j}"): float(counts[i, j]) for i in range(rows) for j in range(columns)}
    return CountTable(dimensions=("row", "column"), counts=cells).with_margins()


def brute_force(given, threshold=5.0):
    """Smallest number of suppressed cells that is safe, by trying all."""
    primary = {c: (0,) for c, n in given.counts.items() if 0 < n < threshold}
    problem = Problem(given.lattice, (given.counts,), primary, threshold, 1.0)
    others = [c for c in given.counts if c not in primary]
    for size in range(len(others) + 1):
        for chosen in itertools.combinations(others, size):
            hidden = [*primary, *chosen]
            if not _alone(problem, hidden) and not problem.exposed(hidden):
                return len(primary) + size
    return None


@pytest.mark.parametrize("seed", range(4))
def test_small_tables_are_suppressed_at_the_optimum(seed):
    given = table(3, 3, seed, 2)
    best = brute_force(given)
    exact = suppress_table(given, method="exact")
    assert exact.optimal
    assert len(exact.hidden) == best
    assert len(suppress_table(given, method="search").hidden) <= 1.5 * best


@pytest.mark.parametrize("method", ["auto", "search"])
def test_a_published_table_of_12_by_8_with_20_sensitive_cells(method):
    given = table(12, 8, 7, 20)
    done = suppress_table(given, method=method)
    assert len(done.primary) == 20
    attacked = audit_table(given, done.hidden)
    assert attacked == done.intervals
    assert all(high - low >= 1 - 1e-6 for low, high in attacked.values()), "none is told exactly"
    assert all(attacked[c][1] - attacked[c][0] >= 5 - 1e-6 for c in done.primary)
    assert all(low - 1e-6 <= given.counts[c] <= high + 1e-6 for c, (low, high) in attacked.items())


def test_primary_cells_alone_would_be_told():
    given = table(12, 8, 7, 20)
    done = suppress_table(given)
    alone = audit_table(given, done.primary)
    assert any(high - low < 1e-6 for low, high in alone.values())


def test_the_result_shows_no_suppressed_count():
    frame = suppress_table(table(3, 3, 1, 2)).to_frame()
    assert frame["count"].isna().equals(frame["obs_status"] == "Q")


def test_a_table_without_small_cells_is_published_whole():
    done = suppress_table(table(3, 3, 0, 0))
    assert (done.hidden, done.optimal) == ((), True)


def test_a_total_of_one_small_cell_goes_with_it():
    done = suppress_table(CountTable(dimensions=("sex",), counts={("F",): 3.0, ("_T",): 3.0, ("M",): 0.0}))
    assert {("F",), ("_T",)} <= set(done.hidden)
    assert not done.exposed


def test_whatever_chose_the_cells_the_attack_has_the_last_word(monkeypatch):
    from survey_toolkit.dissemination.disclosure import tables

    monkeypatch.setattr(tables, "solve", lambda problem, *_: (list(problem.primary), "search", False))
    with pytest.raises(DisclosureError) as caught:
        suppress_table(table(3, 3, 1, 2))
    assert caught.value.code == "not-protectable"


def test_linked_tables_are_protected_together():
    by_sex = CountTable(dimensions=("sex", "form"), counts={
        ("F", "FL"): 3.0, ("M", "FL"): 30.0, ("F", "SX"): 40.0,
        ("M", "SX"): 12.0}).with_margins()  # fmt: skip
    by_age = CountTable(dimensions=("age", "form"), counts={
        ("<18", "FL"): 10.0, ("18+", "FL"): 23.0, ("<18", "SX"): 22.0,
        ("18+", "SX"): 30.0}).with_margins()  # fmt: skip
    both = link_tables([by_sex, by_age])
    assert both.dimensions == ("sex", "form", "age")
    done = suppress_table(both)
    assert not done.exposed
    # Suppressing the total of a form in one table only would give it away in the other: here it is one cell.
    assert both.counts[("_T", "FL", "_T")] == 33.0


def test_tables_that_contradict_each_other_are_not_linked():
    one = CountTable(dimensions=("sex",), counts={("_T",): 12.0})
    two = CountTable(dimensions=("age",), counts={("_T",): 13.0})
    with pytest.raises(DisclosureError) as caught:
        link_tables([one, two])
    assert caught.value.code == "tables-differ"


def test_districts_are_protected_within_their_region():
    counts = {("N1",): 3.0, ("N2",): 30.0, ("S1",): 40.0, ("S2",): 50.0}
    above = {"N1": "N", "N2": "N", "S1": "S", "S2": "S"}
    given = CountTable(dimensions=("place",), counts=counts, hierarchies={"place": above}).with_margins()
    assert given.counts[("N",)] == 33.0
    assert set(suppress_table(given).hidden) == {("N1",), ("N2",)}
    assert not suppress_table(given).exposed


def test_tau_argus_proposes_and_our_attack_decides():
    pytest.importorskip("pytauargus")
    given = table(5, 4, 3, 4)
    done = suppress_table(given, method="tauargus")
    assert done.method == "tauargus"
    assert not done.exposed
    assert len(done.hidden) <= 1.5 * len(suppress_table(given, method="exact").hidden)


def test_tau_argus_is_not_given_what_it_cannot_take():
    pytest.importorskip("pytauargus")
    part = CountTable(
        dimensions=("sex", "age"), counts={("F", "_T"): 3.0, ("M", "_T"): 20.0, ("_T", "<18"): 23.0}
    )
    with pytest.raises(DisclosureError) as caught:
        suppress_table(part, method="tauargus")
    assert caught.value.code == "not-a-full-table"


@pytest.mark.parametrize(
    ("sizes", "rule", "told"),
    [
        ([90, 5, 5], lambda x: dominance(x, 1, 75), True),
        ([74, 13, 13], lambda x: dominance(x, 1, 75), False),
        ([50, 40, 10], lambda x: dominance(x, 2, 85), True),
        ([100, 50, 9], lambda x: p_percent(x, 10), True),
        ([100, 50, 11], lambda x: p_percent(x, 10), False),
        ([7], lambda x: p_percent(x, 10), True),
        ([], lambda x: p_percent(x, 10), False),
    ],
)
def test_dominance_and_p_percent(sizes, rule, told):
    assert rule(sizes) is told


def test_a_dominated_total_is_found_with_its_margins():
    import pandas as pd

    paid = pd.DataFrame({
        "region": ["N"] * 3 + ["S"] * 4, "shelter": ["a", "a", "b", "c", "d", "e", "f"],
        "cases": [50, 40, 5, 20, 20, 20, 20],
    })  # fmt: skip
    assert dominant_cells(paid, ["region"], "cases", contributor="shelter") == (("N",),)
    with pytest.raises(DisclosureError):
        dominant_cells(paid, ["country"], "cases")


def figure(series, n, cell="_T", /, **changes):
    given = {
        "id": f"{series}/{cell}", "indicator": "16.2.2", "series": series, "label": series,
        "variable": series,
        "country": "KHM", "period": "2024", "breakdown": {"sex": cell}, "statistic": "count",
        "unit": "NUMBER",
        "value": float(n),
        "n": n, "n_positive": n, "estimator": "admin",
    }  # fmt: skip
    return Figure(**{**given, **changes})


def test_forms_of_exploitation_and_their_rates_are_one_table():
    counts = {"VC_HTF_DETV": 60, "VC_HTF_DETVSX": 40, "VC_HTF_DETVFL": 17, "VC_HTF_DETVOG": 3}
    figures = [figure(s, n) for s, n in counts.items()]
    figures += [
        figure(f"{s}R", n, statistic="rate", unit="PER_100000_POP", value=n / 1e6, n_positive=n)
        for s, n in counts.items()
    ]
    done = {f.series: f.disclosure for f in protect(Figures(figures)).figures}
    assert done["VC_HTF_DETVOG"] == done["VC_HTF_DETVOGR"] == "suppressed"
    gone = {s for s, status in done.items() if status == "suppressed"}
    assert len(gone) == 4, "a partner goes as well, and the rates with the numbers"
    assert all((f"{s}R" in gone) == (s in gone) for s in counts)


def test_cells_that_rest_on_one_village_are_suppressed():
    def cell(sex, n_psu):
        return figure("X", 30, sex, estimator="survey", statistic="proportion", unit="PT", value=0.1, n=300,
                      n_positive=30, n_psu=n_psu)  # fmt: skip

    figures = Figures([cell("_T", 20), cell("F", 1), cell("M", 19)])
    assert all(f.disclosure == "published" for f in protect(figures).figures)
    policy = DisclosurePolicy(min_psu=3)
    gone = [f.breakdown["sex"] for f in protect(figures, policy).figures if f.disclosure == "suppressed"]
    assert gone == ["F", "M"], "the cell of one village, and its complement"
    assert "fewer than 3 primary sampling units" in policy.text
