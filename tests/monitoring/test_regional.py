"""The six-country example: coverage, states, mirror, SDG annex; and what must not be added up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from survey_toolkit.indicators.frameworks import (
    Actual,
    Baseline,
    Book,
    Cell,
    Framework,
    FrameworkIndicator,
    Marker,
    Selection,
    cell_of,
    total_of,
)
from survey_toolkit.monitoring import Compiled, Workspace, compile_workspace, create_workspace
from survey_toolkit.monitoring.report import regional_blocks

A, B, C = "SPA4-4.2-a", "SPA4-4.2-b", "SPA4-4.2-c"


def test_two_countries_select_and_four_do_not(tmp_path: object, plan: Framework) -> None:
    """Example 1: Cambodia and Thailand choose the indicator; not selected and no data stay distinct."""
    workspace = create_workspace(f"{tmp_path}/m", "commit-spa4")
    for country in ("KHM", "THA"):
        key = {"country": country, "indicator": A}
        workspace.commit(
            country,
            [
                Selection(**key, selected=True),  # type: ignore[arg-type]
                Baseline(**key, value=100, year=2014),  # type: ignore[arg-type]
                *(Marker(**key, year=y, value=100.0 + y - 2014) for y in range(2015, 2019)),  # type: ignore[arg-type]
            ],
            who="t",
        )
    workspace.commit("KHM", [Actual(country="KHM", indicator=A, year=2015, value=120)], who="t")
    done = compile_workspace(workspace)
    states = {c: done.cell(A, c, 2015).state for c in plan.countries}
    assert states == {
        "KHM": "value", "THA": "no_data", "CHN": "not_selected", "LAO": "not_selected", "MMR": "not_selected",
        "VNM": "not_selected",
    }  # fmt: skip
    (matrix,) = regional_blocks(done)["matrix"]
    shown = dict(zip(matrix.head[1:], (i.text for i in matrix.rows[0][1:]), strict=True))
    assert shown["Cambodia"] == "120 (2015) ✔"
    assert shown["Thailand"] == "…"
    assert shown["China"] == shown["Myanmar"] == "not sel."


def test_both_reports_of_a_journey_are_kept_and_flagged(compiled: Compiled) -> None:
    """Example 2: Thailand sent 120 to Cambodia, Cambodia received 112."""
    pairs = {(p.origin, p.destination): p for p in compiled.mirrors[C, 2016]}
    pair = pairs["THA", "KHM"]
    assert (pair.sent, pair.received, pair.gap, pair.verdict) == (120, 112, 8, "differ")
    assert pairs["THA", "LAO"].verdict == "agree"
    assert pairs["THA", "MMR"].verdict == "one_side"
    assert pairs["THA", "MMR"].gap is None
    assert compiled.cell(C, "THA", 2016, "partner=KHM").value == 120
    assert compiled.cell("SPA4-4.2-c-in", "KHM", 2016, "partner=THA").value == 112
    assert ("MMR", "THA") not in pairs, "a pair that nobody reports is left out"


def test_the_total_says_how_many_countries_it_covers(compiled: Compiled) -> None:
    """Example 3: four of six countries report 2016; no rate, no imputed country."""
    total = compiled.totals[A, 2016, "total"]
    assert total.value == 215 + 444 + 71 + 298
    assert total.coverage == "4 of 6 countries"
    assert total.states == {"value": 4, "not_selected": 1, "no_data": 1}
    assert compiled.cell(A, "CHN", 2016).state == "not_selected"
    assert compiled.cell(A, "MMR", 2016).state == "no_data"
    assert compiled.totals[A, 2018, "total"].value is None
    assert compiled.totals[A, 2018, "total"].reason == "no country reports"


def test_the_sdg_row_has_its_rate_and_its_caveats(compiled: Compiled) -> None:
    """Example 4: 444 detected over 71.6 million is 0.62 per 100,000, with the caveat attached."""
    row = next(r for r in compiled.sdg if (r.sdg, r.country, r.year) == ("16.2.2", "THA", 2016))
    assert row.detected == 444
    assert row.rate == pytest.approx(444 / 71_600_000 * 100_000)
    assert round(row.rate or 0, 2) == 0.62
    assert any("fewer detected victims does not mean less trafficking" in c for c in row.caveats)
    assert any("lower limit" in c for c in row.caveats)
    ratio = row.detection_ratio
    assert ratio is not None
    assert ratio == pytest.approx((444 / 2310, 444 / 3050, 444 / 1820))
    other = next(r for r in compiled.sdg if (r.country, r.year) == ("KHM", 2016))
    assert (other.rate, other.detection_ratio) == (None, None)
    assert other.caveats


def test_zero_is_not_no_data(compiled: Compiled) -> None:
    assert compiled.cell(B, "VNM", 2015).state == "zero"
    assert compiled.cell(B, "VNM", 2015).value == 0
    assert compiled.totals[B, 2015, "total"].n_reporting == 3


@pytest.mark.parametrize("status", ["not_available", "not_applicable", "suppressed"])
def test_what_a_country_says_is_kept_apart(plan: Framework, status: str) -> None:
    key = {"country": "KHM", "indicator": A}
    book = Book.of([Selection(**key, selected=True), Actual(**key, year=2016, status=status)])  # type: ignore[arg-type]
    assert cell_of(plan, book, plan.indicators[0], "KHM", 2016).state == status


def _cells(plan: Framework, item: FrameworkIndicator, **changes: object) -> list[Cell]:
    base = [
        Cell(
            country=c,
            indicator=item.id,
            year=2016,
            state="value",
            value=10.0 * n,
            period="2016",
            definition="d@1",
        )
        for n, c in enumerate(("KHM", "THA"), 1)
    ]
    base.append(Cell(country="LAO", indicator=item.id, year=2016, state="no_data"))
    return [base[0], replace(base[1], **changes), base[2]]  # type: ignore[arg-type]


def test_different_definitions_and_periods_are_not_added(plan: Framework) -> None:
    item = plan.indicators[0]
    assert total_of(item, _cells(plan, item)).value == 30
    apart = total_of(item, _cells(plan, item, definition="d@2"))
    assert (apart.value, apart.reason) == (None, "definitions differ: d@1, d@2")
    years = total_of(item, _cells(plan, item, period="2015-10/2016-09"))
    assert years.value is None
    assert "periods differ" in years.reason
    assert years.n_reporting == 2


def test_rates_are_weighted_by_their_denominators(plan: Framework) -> None:
    item = plan.indicators[0].model_copy(update={"type": "rate"})
    cells = _cells(plan, item)
    assert total_of(item, cells).value is None
    weighted = [replace(c, denominator=d) for c, d in zip(cells[:2], (100.0, 300.0), strict=True)]
    total = total_of(item, [*weighted, cells[2]])
    assert (total.value, total.method) == (pytest.approx(17.5), "weighted mean")
    assert total.coverage == "2 of 3 countries"


def test_an_extra_report_needs_its_mark(plan: Framework) -> None:
    given = Actual(country="CHN", indicator=A, year=2016, value=50)
    item = plan.indicators[0]
    assert cell_of(plan, Book.of([given]), item, "CHN", 2016).state == "not_selected"
    cell = cell_of(plan, Book.of([replace(given, extra=True)]), item, "CHN", 2016)
    assert (cell.state, cell.value, cell.extra) == ("value", 50, True)


def test_completeness_counts_what_is_due(compiled: Compiled) -> None:
    (table,) = regional_blocks(compiled)["completeness"]
    rows = {row[0].text: [i.text for i in row[1:]] for row in table.rows}
    assert rows["Myanmar"][:3] == ["1 of 4", "1 of 1", "4 of 4"]
    assert rows["Myanmar"][3:6] == ["0 of 1", "0 of 1", "0 of 1"]
    assert rows["Cambodia"][3] == "3 of 3"
    assert rows["China"][6] == "–", "2018 was not over when the records were made"


def test_the_same_records_give_the_same_compilation(example: Workspace) -> None:
    from survey_toolkit.monitoring.outputs import progress_csv
    from survey_toolkit.monitoring.report import progress_html

    first, second = compile_workspace(example), compile_workspace(example)
    assert progress_html(first) == progress_html(second)
    assert progress_csv(first) == progress_csv(second)
    assert first.on == "2017-02-03"
