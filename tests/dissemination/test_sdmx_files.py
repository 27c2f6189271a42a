"""SDMX files: valid by schema and structure, read back equal by two readers, planted faults caught."""

import csv
import io
import re
import warnings
from pathlib import Path

import publication_sample as sample
import pytest

from survey_toolkit.dissemination import (
    check_sdmx_file,
    load_structure,
    structure_from_sdmx,
    write,
    write_outputs,
)
from survey_toolkit.dissemination.formats.sdmx import (
    read_sdmx_rows,
    sdmx_structure_message,
    write_sdmx_rows,
)
from survey_toolkit.dissemination.formats.sdmx_rows import sdmx_rows, split_by_structure
from survey_toolkit.errors import DataFileError

SDG, OWN = load_structure("sdg_1_4"), load_structure("msdi_prev_1_0")
FORMATS = ("csv-1.0", "csv-2.0", "ml-2.1", "ml-3.0")


@pytest.fixture(scope="module")
def parts():
    world, own = split_by_structure(sample.protected().figures)
    return {"sdg": (world, SDG), "own": (own, OWN)}


def written(tmp_path, figures, structure, format):
    file = tmp_path / f"data.{'csv' if 'csv' in format else 'xml'}"
    file.write_text(write_sdmx_rows(figures, structure, format), encoding="utf-8")
    return file


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("which", ["sdg", "own"])
def test_files_are_valid_and_read_back_equal(tmp_path, parts, which, format):
    figures, structure = parts[which]
    file = written(tmp_path, figures, structure, format)
    assert check_sdmx_file(file, structure) == [], "the schema of the standard and our own check"
    columns = structure.columns[3:]
    back = [{c: row.get(c, "") for c in columns} for row in read_sdmx_rows(file, structure)]
    assert back == [{c: row[c] for c in columns} for row in sdmx_rows(figures, structure)]


@pytest.mark.parametrize("format", ["csv-2.0", "ml-2.1", "ml-3.0"])
@pytest.mark.parametrize("which", ["sdg", "own"])
def test_an_independent_reader_reads_the_same(tmp_path, parts, which, format):
    sdmx = pytest.importorskip("sdmx")
    # Its reader for 3.0 cannot be loaded once a 2.1 file was read, so it is loaded first.
    pytest.importorskip("sdmx.reader.xml.v30")
    figures, structure = parts[which]
    described = tmp_path / "structure.xml"
    described.write_text(sdmx_structure_message(structure), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dsd = next(iter(sdmx.read_sdmx(io.BytesIO(described.read_bytes())).structure.values()))
        file = written(tmp_path, figures, structure, format)
        # That reader leaves files open, so XML is given as bytes; CSV is known by its name only.
        source = file if format.startswith("csv") else io.BytesIO(file.read_bytes())
        found = sdmx.read_sdmx(source, structure=dsd).data[0].obs
    rows = sdmx_rows(figures, structure)
    assert len(found) == len(rows)
    for observation, row in zip(found, rows, strict=True):
        assert {str(k): str(v.value) for k, v in observation.key.values.items()} == {
            d: row[d] for d in structure.dimensions
        }
        value = observation.value
        given = "" if value in (None, "") or value != value else f"{float(value):.10g}"
        assert given == row["OBS_VALUE"]
        status = observation.attached_attribute["OBS_STATUS"].value
        assert str(getattr(status, "id", status)) == row["OBS_STATUS"]


@pytest.mark.parametrize("structure", [SDG, OWN], ids=["sdg", "own"])
@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_the_structure_message_says_what_we_check(tmp_path, structure, version):
    from pysdmx.io import read_sdmx

    file = tmp_path / "structure.xml"
    file.write_text(sdmx_structure_message(structure, version), encoding="utf-8")
    assert read_sdmx(file, validate=True).get_dataflows()
    back = structure_from_sdmx(file)
    assert (back.id, back.dimensions, back.attributes) == (
        structure.id,
        structure.dimensions,
        structure.attributes,
    )
    assert back.has("CUST_BREAKDOWN", "C07")
    assert back.has("REF_AREA", "XSC") is structure.user_areas
    assert not back.has("SEX", "X9")


def test_files_do_not_depend_on_the_clock(parts):
    figures, structure = parts["sdg"]
    text = write_sdmx_rows(figures, structure, "ml-3.0")
    assert re.findall(r"<mes:Prepared>(.*?)</mes:Prepared>", text) == ["1980-01-01T00:00:00Z"]


@pytest.mark.reference
@pytest.mark.parametrize("format", FORMATS)
def test_files_fit_the_real_global_structure(tmp_path, bank, parts, format):
    real = structure_from_sdmx(bank.parent / "fixtures" / "IAEG-SDGs_SDG_1.4_2021-06-24.xml")
    assert (real.dimensions, set(real.attributes.items())) == (SDG.dimensions, set(SDG.attributes.items()))
    for component, codes in SDG.codes.items():
        assert set(codes) <= set(real.codes.get(component, codes)), component
    assert check_sdmx_file(written(tmp_path, parts["sdg"][0], SDG, format), real) == []


#: Column to change, what to write (None: leave the column out), the words of the problem.
FAULTS = {
    "series of no list": ("SERIES", "SL_NOPE", "not in the code list"),
    "series misspelt": ("SERIES", "sl_tlf_chldea", "not in the code list"),
    "sex of another agency": ("SEX", "SEX_F", "not in the code list"),
    "sex with a space": ("SEX", "F ", "not in the code list"),
    "age that the list lacks": ("AGE", "Y5T11", "not in the code list"),
    "age in words": ("AGE", "5-17", "not in the code list"),
    "country in letters": ("REF_AREA", "KHM", "not in the code list"),
    "country with a leading zero": ("REF_AREA", "0116", "not in the code list"),
    "urbanisation": ("URBANISATION", "URBAN", "not in the code list"),
    "quantile": ("INCOME_WEALTH_QUANTILE", "Q6", "not in the code list"),
    "education": ("EDUCATION_LEV", "HIGH", "not in the code list"),
    "disability": ("DISABILITY_STATUS", "YES", "not in the code list"),
    "activity": ("ACTIVITY", "FARM", "not in the code list"),
    "product": ("PRODUCT", "RICE", "not in the code list"),
    "custom breakdown beyond the list": ("CUST_BREAKDOWN", "C1000", "not in the code list"),
    "frequency": ("FREQ", "Y", "not in the code list"),
    "frequency of another period": ("FREQ", "M", "does not go with"),
    "reporting type": ("REPORTING_TYPE", "X", "not in the code list"),
    "status": ("OBS_STATUS", "Z9", "not in the code list"),
    "unit": ("UNIT_MEASURE", "PERCENT", "not in the code list"),
    "multiplier": ("UNIT_MULT", "1000", "not in the code list"),
    "nature": ("NATURE", "country", "not in the code list"),
    "period": ("TIME_PERIOD", "24", "no year"),
    "thirteenth month": ("TIME_PERIOD", "2024-13", "no year"),
    "empty dimension": ("OCCUPATION", "", "the dimension is missing"),
    "dimension left out": ("COMPOSITE_BREAKDOWN", None, "the dimension is missing"),
    "no status": ("OBS_STATUS", "", "the attribute is mandatory"),
    "no unit": ("UNIT_MEASURE", None, "the attribute is mandatory"),
    "no multiplier": ("UNIT_MULT", "", "the attribute is mandatory"),
    "value in words": ("OBS_VALUE", "about 8", "not a number"),
    "value outside its limits": ("OBS_VALUE", "99", "not between its limits"),
    "limit that is none": ("UPPER_BOUND", "n/a", "not a number"),
    "no value": ("OBS_VALUE", "", "there is no value"),
    "unknown column": ("COLOUR", "red", "no such component"),
    "another structure": ("STRUCTURE_ID", "IAEG-SDGs:SDG(1.0)", "another structure"),
    "no action": ("ACTION", "X", "is no action"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught_by_row(tmp_path, parts, fault):
    column, text, words = FAULTS[fault]
    rows = sdmx_rows(parts["sdg"][0], SDG)
    if text is None:
        rows = [{k: v for k, v in row.items() if k != column} for row in rows]
    else:
        rows = [
            {**row, **({column: text} if i == 0 else {column: row.get(column, "")})}
            for i, row in enumerate(rows)
        ]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    file = tmp_path / "faulty.csv"
    file.write_text(out.getvalue(), encoding="utf-8")
    told = [p for p in check_sdmx_file(file, SDG) if p.startswith("row 1:")]
    assert any(words in problem for problem in told), told
    if column not in ("COLOUR", "STRUCTURE_ID", "ACTION", "OBS_VALUE"):
        assert any(f"{column}:" in problem for problem in told)


def test_duplicate_keys_and_units_that_change_within_a_series(tmp_path, parts):
    rows = sdmx_rows(parts["sdg"][0], SDG)
    again = {**rows[0], "OBS_VALUE": rows[0]["OBS_VALUE"]}
    later = {**rows[0], "TIME_PERIOD": "2025", "UNIT_MEASURE": "NUMBER"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows([*rows, again, later])
    file = tmp_path / "faulty.csv"
    file.write_text(out.getvalue(), encoding="utf-8")
    told = check_sdmx_file(file, SDG)
    assert told == [
        f"row {len(rows) + 1}: the same key stands on row 1",
        f"row {len(rows) + 2}: UNIT_MEASURE: differs from row 1 of the same series",
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('SEX="F"', 'SEX="X9"', "'X9' is not in the code list"),
        (' PRODUCT="_T"', "", "PRODUCT: the dimension is missing"),
        (' UNIT_MEASURE="PT"', "", "UNIT_MEASURE: the attribute is mandatory"),
    ],
)
def test_faults_in_xml_are_caught_where_its_library_is_silent(tmp_path, parts, was, becomes, words):
    file = written(tmp_path, *parts["sdg"], "ml-2.1")
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    assert any(words in problem for problem in check_sdmx_file(file, SDG, validate=False))


@pytest.mark.parametrize(
    "content", ["", "<not-sdmx/>", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "\x00\x01"]
)
def test_what_is_no_sdmx_is_refused_without_its_content(tmp_path, content):
    file = tmp_path / "x.xml"
    file.write_text(content, encoding="utf-8")
    if content.startswith("<"):
        with pytest.raises(DataFileError) as caught:
            check_sdmx_file(file, SDG)
        assert caught.value.code == "sdmx-unreadable"
    with pytest.raises(DataFileError):
        structure_from_sdmx(file)


def test_control_characters_and_markup_do_not_break_the_xml(tmp_path):
    figures = sample.protected().figures.map(
        lambda f: type(f)(**{**{n: getattr(f, n) for n in f.__dataclass_fields__}, "labels": {
            d: "<b>&\x07" + "x" * 300 for d in f.breakdown}})
    )  # fmt: skip
    world, _ = split_by_structure(figures)
    for format in ("ml-2.1", "ml-3.0"):
        file = written(tmp_path, world, SDG, format)
        assert check_sdmx_file(file, SDG) == []
        assert "<b>" not in file.read_text(encoding="utf-8")


def test_the_output_folder_has_all_sdmx_files_with_the_same_gaps(tmp_path):
    formats = ["sdmx", "sdmx-csv-1.0", "sdmx-ml-2.1", "sdmx-ml-3.0"]
    files = write_outputs(sample.protected().figures, tmp_path / "out", formats, sample.context())
    data = [f for f in files if "sdmx" in f.name and "structure" not in f.name]
    assert len(data) == 8
    gaps = {}
    for file in data:
        structure = SDG if "sdg" in file.name else OWN
        rows = read_sdmx_rows(file, structure)
        gaps.setdefault(structure.id, set()).add(
            tuple(
                (r["OBS_STATUS"], r.get("OBS_VALUE", "") == "", r.get("LOWER_BOUND", "") == "") for r in rows
            )
        )
    assert all(len(seen) == 1 for seen in gaps.values())
    assert any(status == "Q" for seen in gaps.values() for row in seen for status, *_ in row)


def test_one_file_by_name(tmp_path, parts):
    file = write(parts["own"][0], tmp_path / "x.xml", "sdmx-ml-3.0")
    assert re.search(
        r"<mes?:StructureSpecificData|StructureSpecificData", Path(file).read_text(encoding="utf-8")
    )
