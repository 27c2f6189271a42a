"""Charts: well-formed, with alternative text, readable in grey, PNG beside SVG, hostile input handled."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import publication_sample as sample
import pytest

import survey_toolkit as st
from survey_toolkit.dissemination.charts import Dot, dot_chart, plot, read_boundaries
from survey_toolkit.dissemination.charts.style import SERIES
from survey_toolkit.dissemination.charts.svg import Svg
from survey_toolkit.dissemination.tables import Group
from survey_toolkit.errors import DataFileError, SurveyToolkitError
from survey_toolkit.indicators import Figures

LABEL = "<script>alert('x')</script>&\"" + "ប" * 300


@pytest.fixture(scope="module")
def figures():
    return sample.protected().figures


@pytest.fixture(scope="module")
def children(figures):
    return figures.filter(series="SL_TLF_CHLDEA")


def rounds(figures):
    found = [f for f in figures if f.breakdown.get("age_band") == "_T"]
    return Figures(
        replace(f, id=f"{f.id}@{year}", period=year, value=None if f.value is None else f.value * times)
        for year, times in (("2016", 1.3), ("2020", 1.1), ("2024", 1.0))
        for f in found
    )


def squares(codes):
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": code, "name": LABEL},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[i, 10], [i + 1, 10], [i + 1, 11], [i, 11], [i, 10]]],
                },
            }
            for i, code in enumerate(codes, 100)
        ],
    }


def drawings(figures):
    children = figures.filter(series="SL_TLF_CHLDEA")
    labour = figures.filter(indicator="forced_labour")
    yield "intervals", plot(children)
    yield "pyramid", plot(children, kind="pyramid")
    yield "trend", plot(rounds(children))
    yield "detected_estimated", plot(figures)
    yield "bars", plot(labour, kind="bars")
    yield "map", plot(labour, kind="map", boundaries=squares("12345"), key="code", dimension="region")


def test_every_kind_is_well_formed_and_speaks(figures):
    for name, drawn in drawings(figures):
        root = ET.fromstring(drawn.render(standalone=True))
        assert root.attrib["role"] == "img", name
        assert root.find("{*}title").text
        assert len(root.find("{*}desc").text) > 20, name
        assert root.attrib["aria-labelledby"].split() == [f"{drawn.id}-t", f"{drawn.id}-d"]


def test_every_kind_is_written_as_png_with_its_words(tmp_path, figures):
    import matplotlib.image

    for name, drawn in drawings(figures):
        file = drawn.save(tmp_path / f"{name}.png")
        pixels = matplotlib.image.imread(file)
        assert pixels.shape[1] == round((drawn.width + 40) * 2)
        assert pixels[..., :3].std() > 0.02, f"{name} is not blank"
        assert b"Description" in file.read_bytes()
        assert drawn.save(tmp_path / "again.png").read_bytes() == file.read_bytes()


def test_suppressed_values_are_words_not_marks(children):
    drawn = plot(children)
    hidden = [f for f in children if not f.shown]
    assert drawn.description.count("suppressed") == min(len(hidden), 12) > 0
    page = drawn.render()
    assert page.count(">○ suppressed<") == len(hidden)


def test_a_suppressed_round_is_a_gap(children):
    whole = rounds(children)
    gap = Figures(
        f.masked(disclosure="suppressed", obs_status="Q") if f.period == "2020" else f for f in whole
    )
    assert plot(gap).render().count("<line") < plot(whole).render().count("<line")
    assert "2020 suppressed" in plot(gap).description


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_colours_of_series_differ_in_grey_and_their_marks_in_shape():
    grey = sorted(luminance(colour) for colour, _ in SERIES)
    assert min((b + 0.05) / (a + 0.05) for a, b in pairwise(grey)) > 1.25
    assert len({shape for _, shape in SERIES}) == len(SERIES)


def test_text_is_dark_enough(figures):
    for _, drawn in drawings(figures):
        for element, _, attributes in drawn.elements:
            if element == "text":
                contrast = 1.05 / (luminance(attributes.get("fill", "#000000")) + 0.05)
                assert contrast > 4.5, attributes


def test_results_of_all_rooms(tmp_path):
    counts = st.datasets.uk_2013()
    lists = st.CaptureHistories.from_counts(counts, lists=list(counts.columns[:-1]), count=counts.columns[-1])
    found = st.multiple_systems.compare(lists, methods=["chao", "independence", "stepwise"])
    assert "stepwise" in st.plot(found, tmp_path / "compare.svg").description
    ET.parse(tmp_path / "compare.svg")
    assert "2,744" in st.plot(found.results["stepwise"]).render()
    assert "fewer than 5" in st.plot(lists).description, "small overlaps are not told"


def test_estimates_by_domain():
    import pandas as pd

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.integers(0, 2, 400), "sex": rng.choice(["F", "M"], 400), "w": 1.0,
                          "psu": np.arange(400) // 10})  # fmt: skip
    survey = st.Survey(frame, st.SurveyDesign(weight="w", psu="psu"))
    drawn = st.plot(survey.proportion("y", by=["sex"]))
    assert re.search(r"F: \d+\.\d  \[", drawn.description)


def test_hostile_labels_are_escaped_and_cut(tmp_path, children):
    bad = Figures(replace(f, label=LABEL, labels=dict.fromkeys(f.breakdown, LABEL)) for f in children)
    for kind in ("intervals", "pyramid", "bars"):
        drawn = plot(bad, tmp_path / f"{kind}.png", kind=kind)
        text = drawn.render(standalone=True)
        assert "<script>" not in text
        ET.fromstring(text)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda g: {**g, "features": "none"}, "not-geojson"),
        (lambda g: {"type": "Topology"}, "not-geojson"),
        (lambda g: squares(["X1", "X2"]), "boundaries-do-not-match"),
        (lambda g: json.loads(json.dumps(g).replace('"code"', '"kode"')), "boundary-key"),
        (lambda g: json.loads(json.dumps(g).replace("[100, 10]", "[500000, 1000000]")), "projected"),
        (lambda g: json.loads(json.dumps(g).replace("[100, 10]", '["a", null]')), "not-geojson"),
    ],
)
def test_boundaries_that_do_not_match_are_told(figures, change, code):
    labour = figures.filter(indicator="forced_labour")
    with pytest.raises(DataFileError) as caught:
        plot(labour, kind="map", boundaries=change(squares("1234")), key="code", dimension="region")
    assert caught.value.code == code


def test_single_areas_without_boundaries_are_named_under_the_map(figures):
    labour = figures.filter(indicator="forced_labour")
    drawn = plot(labour, kind="map", boundaries=squares("123"), key="code", dimension="region")
    assert "Not on the map: 4" in drawn.render()


def test_boundary_files_are_read_and_checked(tmp_path):
    file = tmp_path / "x.geojson"
    file.write_text(json.dumps(squares("12")), encoding="utf-8")
    assert set(read_boundaries(file, "code").areas) == {"1", "2"}
    file.write_text("{" * 5000, encoding="utf-8")
    with pytest.raises(DataFileError):
        read_boundaries(file, "code")
    with pytest.raises(DataFileError):
        read_boundaries(tmp_path / "none", "code")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda f: plot("text"), "no-chart"),
        (lambda f: plot(f, kind="pie"), "no-chart"),
        (lambda f: plot(f, kind="map"), "no-boundaries"),
        (lambda f: plot(f.filter(indicator="forced_labour"), kind="pyramid"), "nothing-to-draw"),
        (lambda f: plot(f.filter(indicator="forced_labour"), kind="trend"), "nothing-to-draw"),
        (lambda f: plot(f.filter(indicator="none")), "nothing-to-draw"),
        (lambda f: plot(f.filter(indicator="8.7.1"), kind="bars"), "two-units"),
    ],
)
def test_what_cannot_be_drawn_is_told(figures, make, code):
    with pytest.raises(SurveyToolkitError) as caught:
        make(figures)
    assert caught.value.code == code


def test_other_endings_are_refused(tmp_path, children):
    with pytest.raises(SurveyToolkitError, match="SVG or PNG"):
        plot(children, tmp_path / "x.pdf")


def test_an_interval_without_end_has_an_arrow():
    dots = [Dot(label="a", value=10.0, low=5.0, high=9e9), Dot(label="b", value=12.0, low=8.0, high=15.0)]
    drawn = dot_chart(dots, "x")
    assert isinstance(drawn, Svg)
    assert sum(e == "polygon" for e, _, _ in drawn.elements) == 1


def test_a_long_title_takes_two_lines_and_the_margin_grows() -> None:
    short, long = Svg("a", 720, 100, "Child labour", "x"), Svg("b", 720, 100, "Children " * 12, "x")
    assert [y for y, _ in short.heading] == [-18]
    assert [y for y, _ in long.heading] == [-38, -18]
    assert long.margins[1] - short.margins[1] == 20
    drawn = long.render(standalone=True)
    assert drawn.count('font-size="15"') == 2
    assert "…" not in drawn
    assert 'viewBox="-20 -64 760 182' in drawn


def test_a_unit_named_in_the_label_is_not_named_again() -> None:
    said = Group("s", "Adults in forced labour per 1,000 adults", "PER_1000_POP", 1, True, False)
    assert (said.unit_label, said.heading) == ("Per 1,000", said.label)
    other = Group("s", "Detected victims", "PER_100000_POP", 1, True, False)
    assert other.heading == "Detected victims, per 100,000 population"
    assert Group("s", "Children in percent", "PT", 1, True, False).unit_label == "Percent"
