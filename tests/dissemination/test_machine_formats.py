"""Layouts of the agencies, packages and tables as text: the same gaps in all, and hostile content in none."""

import csv
import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import publication_sample as sample
import pytest
import yaml

from survey_toolkit.dissemination import check_open_sdg, check_package, read_sdg_database, read_unodc, write
from survey_toolkit.dissemination.formats.agencies import ilostat_csv, sdg_database_csv, unodc_csv
from survey_toolkit.dissemination.formats.ddi_cube import ddi_cubes
from survey_toolkit.dissemination.formats.open_sdg import open_sdg_files, open_sdg_slug
from survey_toolkit.dissemination.formats.package import data_package
from survey_toolkit.dissemination.formats.table_texts import (
    tables_csv,
    tables_html,
    tables_latex,
    tables_markdown,
)
from survey_toolkit.dissemination.write import FORMATS, write_outputs
from survey_toolkit.errors import DefinitionError
from survey_toolkit.indicators import Figures

HOSTILE = '<script>alert(1)</script>=HYPERLINK("http://x")|\\input{/etc/passwd} `' + "k" * 300


@pytest.fixture(scope="module")
def figures():
    return sample.protected().figures


@pytest.fixture(scope="module")
def context():
    return sample.context()


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def gaps(found, value, status):
    return [(row[value] == "", row[status]) for row in found]


def test_suppression_is_the_same_in_every_layout(figures, context):
    expected = [(not f.shown, f.obs_status) for f in figures]
    assert gaps(rows(sdg_database_csv(figures, context)), "Value", "[Observation Status]") == expected
    assert gaps(rows(unodc_csv(figures, context)), "txtVALUE", "Observation status") == expected
    ilo = [
        (gone, status or "A")
        for gone, status in gaps(rows(ilostat_csv(figures, context)), "obs_value", "obs_status")
    ]
    assert ilo == [(gone, "A" if status == "E" else status) for gone, status in expected]
    words = {"Normal": "A", "Low reliability": "U", "Suppressed": "Q", "Estimated": "E", "Missing": "O"}
    files = open_sdg_files(figures, context)
    found = [r for n, b in files.items() if n.endswith(".csv") for r in rows(b.decode())]
    assert [(r["Value"] == "", words[r["Observation status"]]) for r in found] == expected
    tidy = rows(data_package(figures, context)["data/figures.csv"].decode())
    assert gaps(tidy, "value", "obs_status") == expected


def test_open_sdg_keeps_its_ten_rules(figures, context):
    files = open_sdg_files(figures, context)
    data = {n: b.decode() for n, b in files.items() if n.startswith("data/")}
    assert set(data) == {f"data/indicator_{open_sdg_slug(i)}.csv" for i in figures.indicators}
    for text in data.values():
        assert check_open_sdg(text) == []
    config = yaml.safe_load(files["indicator-config/8-7-1.yml"])
    assert config["indicator_number"] == "8.7.1"
    assert config["reporting_status"] == "complete"
    meta = yaml.safe_load(files["meta/8-7-1.yml"])
    assert meta["SDG_TARGET"] == "8.7"
    assert "child_labour@sdg-2021" in meta["STAT_CONC_DEF"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Sex,Year,Value\nF,2024,1\n", "first column"),
        ("Year,Value,Sex\n2024,1,F\n", "last column"),
        ("Year,GeoCode,Sex,Value\n2024,KHM,F,1\n", "second last"),
        ("Year,Sex,Sex,Value\n2024,F,F,1\n", "same name"),
        ("Year,Sex,Value\n2024,F ,1\n", "spaces"),
        ("Year,Sex,Value\n2024,Total,1\n", "must be blank"),
        ("Year,Sex,Value\n24,F,1\n", "no year"),
        ("Year,Sex,Value\n2024,F,many\n", "not a number"),
        ("Year,Sex,Value\n2024,F,1\n2024,F,2\n", "twice"),
        ("Year,Sex,Value\n2024,F\n", "2 values for 3 columns"),
        ("\ufeffYear,Value\n2024,1\n", "byte order mark"),
    ],
)
def test_broken_open_sdg_files_are_told(text, told):
    assert any(told in problem for problem in check_open_sdg(text))


def test_ilostat_has_its_data_sets_and_codes(figures, context):
    found = rows(ilostat_csv(figures, context))
    girls = next(r for r in found if r["sex"] == "SEX_F" and r["indicator"] == "SDG_A871_SEX_AGE_RT")
    assert girls["ref_area"] == "KHM"
    assert girls["classif1.label"] == "Age: 5-17"
    assert float(girls["obs_lower"]) < float(girls["obs_value"]) < float(girls["obs_upper"])


def test_sdg_database_file_reads_back(tmp_path, figures, context):
    file = tmp_path / "sdg.csv"
    file.write_text(sdg_database_csv(figures, context), encoding="utf-8")
    back = read_sdg_database(file)
    assert back.doubts == ()
    assert len(back) == len(figures)
    for value, figure in zip(back, figures, strict=True):
        assert (value.series, value.country, value.period) == (figure.series, figure.country, figure.period)
        assert value.value == pytest.approx(figure.present())
        assert value.status == figure.obs_status


def test_unodc_file_reads_back(tmp_path, figures, context):
    file = tmp_path / "unodc.csv"
    file.write_text(unodc_csv(figures, context), encoding="utf-8")
    back = read_unodc(file)
    names = {r["Iso3_code"]: r["Country"] for r in rows(file.read_text(encoding="utf-8"))}
    assert names["KHM"] == "Cambodia"
    assert names["GBR"].startswith("United Kingdom")
    assert [v.value for v in back] == [pytest.approx(f.present()) if f.shown else None for f in figures]
    assert {v.country for v in back} == {"KHM", "GBR"}


def test_package_is_what_it_says(figures, context):
    files = data_package(figures, context)
    assert check_package(files) == []
    broken = {**files, "data/figures.csv": files["data/figures.csv"].replace(b",Q,", b",Z,")}
    told = check_package(broken)
    assert any("not the one described" in p for p in told)
    assert any("obs_status: 'Z' is no code" in p for p in told)
    described = json.loads(files["datapackage.json"])
    assert described["resources"][0]["schema"]["primaryKey"] == "id"


def test_cubes_point_to_their_dimensions(figures, context):
    root = ET.fromstring(ddi_cubes(figures, context))
    space = {"d": "ddi:codebook:2_6"}
    variables = {v.get("ID") for v in root.iterfind(".//d:var", space)}
    cubes = root.findall(".//d:nCube", space)
    assert len(cubes) == len({(f.indicator, f.series) for f in figures})
    assert all(d.get("varRef") in variables for d in root.iterfind(".//d:dmns", space))
    assert any("suppressed" in n.text for n in root.iterfind(".//d:nCube/d:notes", space))


@pytest.mark.reference
def test_cubes_are_valid_by_the_schema(bank, figures, context):
    import xmlschema

    schema = xmlschema.XMLSchema(str(bank.parent / "fixtures" / "ddi-codebook-2.6-xsd" / "codebook.xsd"))
    assert [error.reason for error in schema.iter_errors(ddi_cubes(figures, context))] == []


def test_tables_as_text_have_the_same_cells(figures, context):
    texts = [f(figures, context) for f in (tables_markdown, tables_latex, tables_html, tables_csv)]
    for text in texts:
        assert "1,284,204" in text, "the weighted number beside the unweighted one"
        assert "(2.8)" in text, "low reliability in parentheses"
        assert "sdg-2021" in text
    assert [t.count("○") + t.count(r"$\circ$") for t in texts][1:] == [texts[0].count("○")] * 3


def hostile(figures):
    return Figures(
        replace(f, label=HOSTILE, labels=dict.fromkeys(f.breakdown, HOSTILE), universe=HOSTILE)
        for f in figures
    )


def test_hostile_text_stays_text(figures):
    context = sample.context(title=HOSTILE, country=HOSTILE, source="=1+1")
    bad = hostile(figures)
    page = tables_html(bad, context)
    assert "<script>alert" not in page
    tex = tables_latex(bad, context)
    assert r"\input{" not in tex
    assert r"\textbackslash{}input\{" in tex
    assert "<script>" not in tables_markdown(bad, context).replace("\\<script\\>", "")
    assert re.search(r"(?<!\\)\|alert", tables_markdown(bad, context)) is None
    ET.fromstring(ddi_cubes(bad, context))
    for text in (sdg_database_csv(bad, context), unodc_csv(bad, context), ilostat_csv(bad, context)):
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [c for c in cells if c.startswith(("=", "@", "+"))]
    for name, data in open_sdg_files(bad, context).items():
        if name.endswith(".yml"):
            yaml.safe_load(data)
        else:
            assert check_open_sdg(data.decode()) == []


def test_every_format_writes_into_a_folder(tmp_path, figures, context):
    files = write_outputs(figures, tmp_path / "out", list(FORMATS), context)
    assert all(f.is_file() and f.stat().st_size for f in files)
    assert {f.parent.name for f in files} >= {"out", "data", "meta", "indicator-config"}
    again = write_outputs(figures, tmp_path / "two", list(FORMATS), context)
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]


@pytest.mark.parametrize(
    "name", ["ilostat", "unodc", "sdg-database", "ddi", "latex", "markdown", "tables-html", "tables-csv"]
)
def test_every_format_writes_one_file(tmp_path, figures, context, name):
    assert write(figures, tmp_path / "x", name, context=context).stat().st_size > 500


def test_a_country_of_300_characters(tmp_path, figures):
    context = sample.context(country="Land " * 60)
    files = write_outputs(figures, tmp_path / "out", list(FORMATS), context)
    assert all(f.stat().st_size for f in files)
    bad = Figures(replace(f, country="K" * 300) for f in figures)
    with pytest.raises(DefinitionError) as caught:
        write_outputs(bad, tmp_path / "bad", ["sdmx-ml-3.0"], context)
    assert caught.value.code == "unknown-country"
    assert not (tmp_path / "bad").exists(), "nothing is half written"
