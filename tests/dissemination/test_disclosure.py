"""Disclosure control: patterns by hand, then any table under attack, then the files themselves."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import publication_sample as sample
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.dissemination import DisclosurePolicy, attack, protect, write_outputs
from survey_toolkit.dissemination.disclosure.lattice import build_lattice, inferred_intervals
from survey_toolkit.dissemination.disclosure.problem import Problem
from survey_toolkit.dissemination.disclosure.protect import Counts, primary_cells
from survey_toolkit.dissemination.disclosure.search import search
from survey_toolkit.errors import DisclosureError
from survey_toolkit.indicators import Figure, Figures, apply_quality
from survey_toolkit.indicators.figure import NUMBERS

ALL = ("csv", "xlsx", "html", "sdmx", "json")


def figure(cell, n, k, **changes):
    """Figure of a cell; ``cell`` maps dimension to code."""
    values = {
        "id": "8.7.1/KHM/2024/" + "/".join(cell.values()) + changes.pop("tail", ""),
        "indicator": "8.7.1", "series": "SL_TLF_CHLDEA", "label": "S", "variable": "child_labour_a",
        "country": "KHM", "period": "2024", "breakdown": cell, "statistic": "proportion", "unit": "PT",
        "value": k / n if n else 0.0, "n": n, "n_positive": k,
    }  # fmt: skip
    return Figure(**{**values, **changes})


def by_sex(total, **cells):
    return [figure({"sex": "_T"}, *total), *(figure({"sex": s}, *nk) for s, nk in cells.items())]


def suppressed(figures, **policy):
    done = protect(figures, DisclosurePolicy(**policy)).figures
    return {"/".join(f.breakdown.values()) for f in done if f.disclosure == "suppressed"}


def test_nothing_small_nothing_suppressed():
    assert suppressed(by_sex((900, 60), F=(450, 30), M=(450, 30))) == set()


def test_few_positives_take_a_partner_along():
    assert suppressed(by_sex((900, 60), F=(450, 4), M=(450, 56))) == {"F", "M"}


@pytest.mark.parametrize(("k", "gone"), [(4, True), (5, False), (1, True), (0, False)])
def test_threshold_and_zero(k, gone):
    assert ("F" in suppressed(by_sex((900, 60), F=(450, k), M=(450, 60 - k)))) is gone


def test_few_negatives():
    assert suppressed(by_sex((900, 500), F=(450, 447), M=(450, 53))) == {"F", "M"}
    assert suppressed(by_sex((900, 500), F=(450, 447), M=(450, 53)), complement=False) == set()


def test_all_positive_tells_on_everybody():
    assert "F" in suppressed(by_sex((900, 500), F=(450, 450), M=(450, 50)))


def test_small_denominator():
    assert suppressed(by_sex((900, 60), F=(3, 0), M=(897, 60))) == {"F", "M"}


def test_small_total_goes_with_its_cell():
    # Boys stay at zero: the attacker learns that all cases are girls, not how many there are.
    assert suppressed(by_sex((900, 3), F=(450, 3), M=(450, 0))) == {"_T", "F"}


def test_the_smallest_neighbour_is_the_partner_and_zero_comes_last():
    cells = [figure({"r": "_T"}, 4000, 100)]
    cells += [figure({"r": r}, 1000, k) for r, k in (("a", 3), ("b", 0), ("c", 12), ("d", 85))]
    assert suppressed(cells) == {"a", "c"}


def test_every_figure_of_the_cell_goes():
    cells = by_sex((900, 60), F=(450, 4), M=(450, 56))
    numbers = [
        replace(f, id=f.id + "/n", series="SL_TLF_CHLDEAN", statistic="total", unit="NUMBER", value=1e4)
        for f in cells
    ]
    done = protect(cells + numbers)
    assert sum(f.disclosure == "suppressed" for f in done.figures) == 4
    assert {len(c.figures) for c in done.report.cells} == {2}


def test_figures_of_another_variable_stay():
    other = [
        replace(f, id=f.id + "/x", variable="child_labour_b", n_positive=200)
        for f in by_sex((900, 60), F=(450, 4))
    ]
    done = protect([*by_sex((900, 60), F=(450, 4), M=(450, 56)), *other]).figures
    assert all(f.disclosure == "published" for f in done if f.variable == "child_labour_b")


def test_a_margin_that_is_not_published_still_links_the_tables():
    # Total by age is known, so girls follow from boys although no total stands in the sex table.
    cells = [figure({"sex": s, "age": "_T"}, 450, k) for s, k in (("F", 3), ("M", 57))]
    cells += [figure({"sex": "_T", "age": a}, 450, 30) for a in ("5-11", "12-17")]
    gone = suppressed(cells)
    # One partner is enough, in either table.
    assert "F/_T" in gone
    assert len(gone) == 2


def test_crossed_table_is_protected_in_both_directions():
    done = protect(apply_quality(sample.survey_figures()))
    gone = {tuple(f.breakdown.values()) for f in done.figures if f.disclosure == "suppressed"}
    assert gone == {(s, a) for s in "FM" for a in ("5-11", "12-14")}
    for table in attack(sample.survey_figures(), done).values():
        assert all(high - low >= 5 for low, high in table.values())


def test_categories_that_do_not_add_up_are_attacked_with_their_difference():
    # 60 positives in all, 58 with a known sex: the attacker may know that two have none.
    done = protect(by_sex((900, 60), F=(440, 4), M=(450, 54)))
    table = next(iter(attack(by_sex((900, 60), F=(440, 4), M=(450, 54)), done).values()))
    assert all(high > low for low, high in table.values())


def test_detected_victims_are_counts_too():
    few = protect(apply_quality(sample.mse_figures(observed=4))).figures
    assert all(f.disclosure == "suppressed" and f.value is None for f in few)
    many = protect(apply_quality(sample.mse_figures())).figures
    assert all(f.disclosure == "published" for f in many)


def test_a_figure_that_cannot_be_judged_is_refused():
    with pytest.raises(DisclosureError, match="no unweighted count"):
        protect([figure({"sex": "_T"}, 100, 20, n_positive=None)])


@pytest.mark.parametrize("threshold", [-1, 0, 4])
def test_a_low_threshold_needs_a_reason(threshold):
    with pytest.raises(DisclosureError, match="too low"):
        DisclosurePolicy(threshold=threshold)
    if threshold >= 0:
        assert "public data" in DisclosurePolicy(threshold=threshold, reason="public data").text


def test_low_threshold_with_a_reason_publishes():
    assert suppressed(by_sex((900, 60), F=(450, 2), M=(450, 58)), threshold=0, reason="public") == set()


def test_what_quality_withholds_keeps_its_denominator_only():
    done = protect(apply_quality([figure({"r": "x"}, 20, 10)]))
    assert done.report.withheld == (done.figures[0].id,)
    assert (done.figures[0].n, done.figures[0].value, done.figures[0].n_positive) == (20, None, None)
    assert done.figures[0].obs_status == "Q"


def test_suppressed_figures_have_no_number_and_one_reason():
    done = protect(apply_quality(sample.survey_figures()))
    hidden = [f for f in done.figures if f.disclosure == "suppressed"]
    assert hidden
    for f in hidden:
        assert all(getattr(f, name) is None for name in NUMBERS)
        assert f.obs_status == "Q"
    # Which of the suppressed cells is the small one must not be told.
    assert len({(f.disclosure_reason, f.quality, f.reasons) for f in hidden}) == 1


@st.composite
def tables(draw):
    """Counts of a crossed table of two or three dimensions, small enough to be full of small cells."""
    shape = draw(st.sampled_from([(2, 3), (3, 4), (2, 2, 2), (4,)]))
    codes = [[f"{'abc'[d]}{i}" for i in range(size)] for d, size in enumerate(shape)]
    cells: list[tuple[str, ...]] = [()]
    for level in codes:
        cells = [(*cell, code) for cell in cells for code in level]
    inner = {}
    for cell in cells:
        n = draw(st.integers(0, 60))
        inner[cell] = (n, draw(st.integers(0, n)))
    full: dict[tuple[str, ...], tuple[int, int]] = {}
    for cell, (n, k) in inner.items():
        for mask in range(2 ** len(shape)):
            key = tuple("_T" if mask >> i & 1 else c for i, c in enumerate(cell))
            before = full.get(key, (0, 0))
            full[key] = (before[0] + n, before[1] + k)
    keep = draw(st.sets(st.integers(0, 2 ** len(shape) - 1), min_size=1))
    chosen = {
        c: v for c, v in full.items() if sum((code == "_T") << i for i, code in enumerate(c)) in keep and v[0]
    }
    return chosen, shape


@settings(max_examples=12, deadline=None)
@given(tables())
def test_no_suppressed_cell_can_be_inferred(table):
    cells, shape = table
    names = "xyz"[: len(shape)]
    figures = [figure(dict(zip(names, cell, strict=True)), n, k) for cell, (n, k) in cells.items()]
    done = protect(figures)
    counts = {tuple(f.breakdown.values()): f.n_positive for f in figures}
    hidden = [tuple(f.breakdown.values()) for f in done.figures if f.disclosure == "suppressed"]
    lattice = build_lattice(counts)
    negative = {tuple(f.breakdown.values()): f.n - f.n_positive for f in figures}
    total = {tuple(f.breakdown.values()): f.n for f in figures}
    for cell, (low, high) in inferred_intervals(lattice, counts, hidden).items():
        assert low - 1e-6 <= counts[cell] <= high + 1e-6, "the true count always fits what is published"
        if counts[cell]:
            assert high - low >= 1 - 1e-6
        if 0 < counts[cell] < 5:
            assert high - low >= 5 - 1e-6
    for cell, (low, high) in inferred_intervals(lattice, negative, hidden).items():
        if counts[cell] and negative[cell] < 5:
            assert high - low >= 5 - 1e-6
    for cell, (low, high) in inferred_intervals(lattice, total, hidden).items():
        if 0 < total[cell] < 5:
            assert high - low >= 5 - 1e-6
    for f in figures:
        if 0 < f.n_positive < 5 or 0 < f.n < 5 or (f.n_positive and f.n - f.n_positive < 5):
            assert tuple(f.breakdown.values()) in hidden


def output_bytes(folder: Path) -> dict[str, bytes]:
    """Every file, workbooks and their parts unpacked."""
    out = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            out[file.name] = file.read_bytes()
            if file.suffix == ".xlsx":
                with zipfile.ZipFile(file) as book:
                    out |= {f"{file.name}!{name}": book.read(name) for name in book.namelist()}
    return out


def test_outputs_do_not_depend_on_suppressed_numbers(tmp_path):
    """The strongest "appears nowhere": other numbers in suppressed cells, the same bytes everywhere."""
    figures = sample.survey_figures()
    hidden = {f.id for f in protect(figures).figures if f.disclosure == "suppressed"}
    moved = {("F", "5-11"): -1, ("F", "12-14"): 1, ("M", "5-11"): 1, ("M", "12-14"): -1}

    def other(f):
        if f.id not in hidden:
            return f
        k = f.n_positive + moved[tuple(f.breakdown.values())]
        numbers = {n: 0.123456 for n in ("value", "ci_low", "ci_high", "se", "cv", "deff", "df", "truth")}
        steps = tuple(replace(s, text="812 cases, 2 positive") if s.own else s for s in f.trace.steps)
        return replace(f, **numbers, n_positive=k, n_psu=3, trace=replace(f.trace, steps=steps))

    for name, version in (("a", figures), ("b", figures.map(other))):
        done = protect(apply_quality(version))
        write_outputs(done.figures, tmp_path / name, ALL, sample.context())
    first, second = output_bytes(tmp_path / "a"), output_bytes(tmp_path / "b")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_suppressed_numbers_stand_in_no_file(tmp_path):
    before = sample.survey_figures()
    done = protect(apply_quality(before))
    write_outputs(done.figures, tmp_path / "out", ALL, sample.context())
    everything = b"\n".join(output_bytes(tmp_path / "out").values())
    shown = {f.value for f in done.figures if f.value is not None}
    for f in before:
        if done.figures.get(f.id).disclosure == "suppressed" and f.value not in shown:
            for number in (f.value, f.ci_high, f.se, f.truth, f.present(), f.bound_high):
                if number and len(f"{number:.7g}") > 6:
                    assert f"{number:.7g}".encode() not in everything, f.id


def test_a_zero_reason_for_hiding_is_not_in_the_json(tmp_path):
    done = protect(apply_quality(sample.survey_figures()))
    write_outputs(done.figures, tmp_path / "out", ("json",), sample.context())
    data = json.loads((tmp_path / "out" / "figures.json").read_text(encoding="utf-8"))
    hidden = [row for row in data["figures"] if row["disclosure"] == "suppressed"]
    assert {row["obs_status"] for row in hidden} == {"Q"}
    assert all(row[name] is None for row in hidden for name in NUMBERS)


def test_suppression_is_the_same_in_every_table_format(tmp_path):
    done = sample.protected()
    write_outputs(done.figures, tmp_path / "out", ALL, sample.context())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/figures.csv").read_text(encoding="utf-8-sig"))))
    assert [r["value"] == "" for r in rows] == [not f.shown for f in done.figures]
    sdmx = [
        row
        for name in ("sdmx_sdg.csv", "sdmx_msdi.csv")
        for row in csv.DictReader(io.StringIO((tmp_path / "out" / name).read_text(encoding="utf-8")))
    ]
    assert sum(r["OBS_VALUE"] == "" for r in sdmx) == sum(not f.shown for f in done.figures)
    assert all((r["OBS_VALUE"] == "") == (r["OBS_STATUS"] == "Q") for r in sdmx)


@pytest.mark.reference
@pytest.mark.parametrize("case", ["tab_a3_audit", "tab_a5_audit"])
def test_audit_intervals_of_the_reference_bank(bank, case):
    folder = bank / "hidden_populations"
    data = json.loads((folder / "cases" / f"{case}.json").read_text(encoding="utf-8"))
    options = data["options"]
    with (folder / data["data"]).open(encoding="utf-8") as file:
        counts = {
            tuple("_T" if row[k] == "*" else row[k] for k in options["keys"]): int(row["n"])
            for row in csv.DictReader(file)
        }
    hidden = [tuple("_T" if p == "*" else p for p in cell.split("|")) for cell in options["suppressed"]]
    found = inferred_intervals(build_lattice(counts), counts, hidden)
    for cell, limits in data["expected"]["interval"].items():
        assert found[tuple(cell.split("|"))] == pytest.approx(tuple(limits), abs=1e-4)


@pytest.mark.reference
def test_suppression_of_the_reference_bank_is_near_the_optimum(bank):
    folder = bank / "hidden_populations"
    data = json.loads((folder / "cases" / "tab_a10_suppress.json").read_text(encoding="utf-8"))
    options, expected = data["options"], data["expected"]
    with (folder / data["data"]).open(encoding="utf-8") as file:
        counts = {
            tuple("_T" if row[k] == "*" else row[k] for k in options["keys"]): int(row["n"])
            for row in csv.DictReader(file)
        }
    table = Counts(counts, {}, counts)
    primary = primary_cells(table, DisclosurePolicy(threshold=options["threshold"], complement=False))
    assert len(primary) == expected["n_primary"]
    hidden = search(Problem(build_lattice(counts), table.tables, primary, 1.0))
    assert len(hidden) <= 1.25 * expected["best_known_total_suppressed"]
    found = inferred_intervals(build_lattice(counts), counts, hidden, primary)
    assert min(high - low for low, high in found.values()) >= 1 - 1e-6


def test_figures_without_a_value_are_left_alone():
    done = protect(Figures([figure({"sex": "F"}, 0, 0, value=None, obs_status="O")])).figures
    assert done[0].obs_status == "O"
