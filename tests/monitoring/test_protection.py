"""No small number of victims leaves the compilation, in no product, and none can be worked out."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict

import openpyxl
import pytest

from survey_toolkit.indicators.frameworks import (
    Actual,
    Baseline,
    Book,
    Framework,
    FrameworkIndicator,
    Marker,
    Record,
    Selection,
    breakdown_key,
    cells_of,
    total_of,
)
from survey_toolkit.monitoring import Compiled, Workspace, compile_workspace, create_workspace
from survey_toolkit.monitoring.outputs import progress_csv, progress_xlsx
from survey_toolkit.monitoring.protect import REGION, hidden_cells
from survey_toolkit.monitoring.report import progress_html

A, C, C_IN = "SPA4-4.2-a", "SPA4-4.2-c", "SPA4-4.2-c-in"


def _random_book(plan: Framework, seed: int) -> Book:
    """Small numbers everywhere, breakdowns that add up, two reports of each journey."""
    draw = random.Random(seed)
    records: list[Record] = []
    for item in plan.indicators:
        if not item.sensitive:
            continue
        for country in plan.countries:
            records.append(Selection(country=country, indicator=item.id, selected=True))
            if draw.random() < 0.35:
                continue
            first = plan.dimension(item.breakdowns[0][0])
            assert first is not None
            cells = {c.id: draw.choice((0, 0, 3, 12, 20, 33, 41, 60)) for c in first.codes_for(country)}
            total = sum(cells.values())
            for names in item.breakdowns:
                dimension = plan.dimension(names[0])
                assert dimension is not None
                codes = [c.id for c in dimension.codes_for(country)]
                left = total
                for at, code in enumerate(codes):
                    share = draw.choice((0.0, 0.3, 0.5, 0.7))
                    part = left if at == len(codes) - 1 else round(left * share)
                    part = cells[code] if names == item.breakdowns[0] else part
                    left -= part
                    records.append(
                        Actual(
                            country=country,
                            indicator=item.id,
                            year=2016,
                            value=part,
                            breakdown={names[0]: code},
                        )
                    )
            records.append(Actual(country=country, indicator=item.id, year=2016, value=total))
    return Book.of(records)


Place = tuple[str, str]


def _published(
    plan: Framework, book: Book, item: FrameworkIndicator
) -> tuple[dict[Place, float], list[list[Place]]]:
    """Numbers of one indicator, the region's among them, and the sums a reader can form."""
    values: dict[Place, float] = {}
    groups = defaultdict(list)
    for cell in cells_of(plan, book, item, 2016):
        groups[breakdown_key(cell.codes)].append(cell)
        if cell.value is not None:
            values[cell.country, breakdown_key(cell.codes)] = cell.value
    sums: list[list[Place]] = []
    for key, group in groups.items():
        total = total_of(item, group)
        if total.value is not None:
            values[REGION, key] = total.value
            sums.append([(REGION, key), *((c.country, key) for c in group if c.value is not None)])
    for place in (*plan.countries, REGION):
        for names in item.breakdowns:
            inside = [(place, k) for k in groups if k.startswith(f"{names[0]}=") and (place, k) in values]
            if inside and (place, "total") in values:
                sums.append([(place, "total"), *inside])
    return values, sums


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 5))])
def test_no_small_cell_is_shown_and_no_sum_has_a_single_gap(plan: Framework, seed: int) -> None:
    book = _random_book(plan, seed)
    hidden = hidden_cells(plan, book, 2016)
    assert any(hidden.values())
    for item in plan.indicators:
        if item.sensitive:
            values, sums = _published(plan, book, item)
            gone = hidden[item.id]
            assert not [k for k, v in values.items() if 0 < v < 5 and k not in gone]
            for members in sums:
                assert sum(m in gone for m in members) != 1, (item.id, members)


@pytest.mark.parametrize("seed", range(1))
def test_a_hidden_journey_is_hidden_on_both_sides(plan: Framework, seed: int) -> None:
    book = _random_book(plan, seed)
    hidden = hidden_cells(plan, book, 2016)
    seen = 0
    for here, there in ((C, C_IN), (C_IN, C)):
        for country, key in hidden[here]:
            partner = key.removeprefix("partner=")
            if country == REGION or partner in (key, "OTH"):
                continue
            twin = book.actual(partner, there, 2016, {"partner": country})
            if twin is not None and twin.value:
                seen += 1
                assert (partner, f"partner={country}") in hidden[there]
    assert seen


SMALL = (2, 3)


def _spoilt(tmp_path: object) -> Workspace:
    """Laos has 3 men in 2016, revised from 2; Thailand a baseline of 2; Cambodia left a cell out."""
    workspace = create_workspace(f"{tmp_path}/m", "commit-spa4")

    def give(country: str, reason: str, *cells: tuple[dict[str, str], float | None, str]) -> None:
        records: list[Record] = [Selection(country=country, indicator=A, selected=True)]
        records += [
            Actual(
                country=country,
                indicator=A,
                year=2016,
                breakdown=codes,
                value=value,
                status=status,  # type: ignore[arg-type]
                source_id="S1",
            )
            for codes, value, status in cells
        ]
        workspace.commit(country, records, who="t", reason=reason)

    give("LAO", "", ({}, 70, "final"), ({"sex": "M"}, 2, "final"), ({"sex": "F"}, 68, "final"))
    give("LAO", "recount", ({}, 71, "final"), ({"sex": "M"}, 3, "final"))
    give("KHM", "", ({}, 90, "final"), ({"sex": "M"}, None, "suppressed"), ({"sex": "F"}, 87, "final"))
    give("THA", "", ({}, 444, "final"), ({"sex": "M"}, 155, "final"), ({"sex": "F"}, 289, "final"))
    give("VNM", "", ({}, 2, "final"), ({"sex": "M"}, 0, "final"), ({"sex": "F"}, 2, "final"))
    workspace.commit(
        "VNM",
        [
            Baseline(country="VNM", indicator=A, value=3, year=2014),
            Marker(country="VNM", indicator=A, year=2016, value=10),
            Baseline(country="THA", indicator=A, value=2, year=2014),
            Marker(country="THA", indicator=A, year=2016, value=60),
        ],
        who="t",
    )
    return workspace


def test_suppression_reaches_every_product(tmp_path: object) -> None:
    done = compile_workspace(_spoilt(tmp_path))
    hidden = {
        (c.country, breakdown_key(c.codes))
        for c in done.cells.values()
        if c.state == "suppressed" and c.year == 2016
    }
    assert {("LAO", "sex=M"), ("KHM", "sex=M"), ("VNM", "total")} <= hidden
    # 90 less 87 would tell the cell that Cambodia left out, so one of the two goes.
    assert hidden & {("KHM", "sex=F"), ("KHM", "total")}
    assert hidden & {("LAO", "sex=F"), ("LAO", "total")}
    for cell in done.cells.values():
        assert not (cell.value is not None and 0 < cell.value < 5)
        assert cell.state != "suppressed" or cell.value is None
    vnm = done.rating(A, "VNM", 2016, "marker")
    tha, path = done.rating(A, "THA", 2016, "marker"), done.rating(A, "THA", 2016, "linear_path")
    assert vnm is not None
    assert tha is not None
    assert path is not None
    assert (vnm.rating, vnm.score, vnm.inputs_hash) == ("withheld", None, "")
    assert (tha.rating, tha.score, tha.inputs_hash) == ("achieved", 7.4, "")
    assert (path.score, path.inputs_hash) == (None, ""), "the score would tell the baseline"
    assert done.book.baseline("THA", A).value is None  # type: ignore[union-attr]
    changes = {c.object.rpartition("/")[2]: (c.old, c.new) for c in done.changes}
    assert changes["sex=M"] == (None, None), "old and new breakdowns together could tell"
    assert changes["total"] == ((None, None) if ("LAO", "total") in hidden else (70, 71))


def test_no_file_holds_a_hidden_number(tmp_path: object) -> None:
    done = compile_workspace(_spoilt(tmp_path))
    texts = progress_csv(done)
    for row in csv.DictReader(io.StringIO(texts["observations.csv"])):
        assert row["state"] != "suppressed" or row["value"] == ""
    for row in csv.DictReader(io.StringIO(texts["regional.csv"])):
        assert row["suppressed"] == "0" or row["value"] == ""
    gone = {c.country + breakdown_key(c.codes) for c in done.cells.values() if c.state == "suppressed"}
    real = {"LAOsex=F": 68, "KHMsex=F": 87, "LAOtotal": 71, "KHMtotal": 90}
    never = {value for key, value in real.items() if key in gone}
    assert never
    page = progress_html(done)
    assert not [value for value in never if f">{value}<" in page]
    book = openpyxl.load_workbook(io.BytesIO(progress_xlsx(done)))
    numbers = {
        c.value
        for s in book.worksheets
        for row in s.iter_rows()
        for c in row
        if isinstance(c.value, int | float)
    }
    assert numbers.isdisjoint({*never, *SMALL})
    assert 444 in numbers


def test_the_example_hides_the_few_men_of_laos(compiled: Compiled) -> None:
    states = {c: compiled.cell(A, c, 2016, "sex=M").state for c in ("LAO", "KHM", "THA", "VNM")}
    assert states["LAO"] == "suppressed"
    assert sum(s == "suppressed" for s in states.values()) >= 2
    assert compiled.totals[A, 2016, "sex=M"].value is not None
