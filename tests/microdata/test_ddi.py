"""The DDI codebook is well formed and valid, and gives no person away."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from survey_toolkit.microdata import Microdata, Variable, classify, ddi_codebook, harmonize
from survey_toolkit.microdata.ddi import DDI_NAMESPACE

from .test_shipped_crosswalks import LEVELS, raw

NS = {"d": DDI_NAMESPACE}


def _people() -> Microdata:
    frame = pd.DataFrame(
        {
            "name": [f"Somchai {i}" for i in range(30)],
            "sex": [1] * 14 + [2] * 13 + [9] * 3,
            "age": [*range(5, 30), None, None, None, None, None],
        }
    )
    labels = {1: "Male", 2: "Female & <girl>", 9: "DK"}
    return Microdata.from_frame(
        frame, [Variable(name="sex", label="Sex\x01", value_labels=labels)], name="p.sav", notes=["note <1>"]
    )


def test_variables_codes_and_missing_reasons() -> None:
    root = ET.fromstring(ddi_codebook(_people(), title="Survey", date=dt.date(2026, 11, 23)))
    assert root.findtext(".//d:titl", namespaces=NS) == "Survey"
    assert root.find(".//d:prodDate", NS).get("date") == "2026-11-23"  # type: ignore[union-attr]
    sex = root.find(".//d:var[@name='sex']", NS)
    assert sex is not None
    assert sex.findtext("d:labl", namespaces=NS) == "Sex"
    codes = {c.findtext("d:catValu", namespaces=NS): c for c in sex.findall("d:catgry", NS)}
    assert codes["9"].get("missing") == "Y"
    assert codes["9"].find("d:catStat", NS) is None  # three rows only
    assert codes["1"].findtext("d:catStat", namespaces=NS) == "14"
    assert codes["2"].findtext("d:labl", namespaces=NS) == "Female & <girl>"
    age = root.find(".//d:var[@name='age']", NS)
    assert age is not None
    assert age.findtext("d:catgry/d:catValu", namespaces=NS) == "system"


def test_nobody_is_in_it_and_the_same_data_give_the_same_text() -> None:
    text = ddi_codebook(_people())
    assert "Somchai" not in text
    assert "names a person: not counted" in text
    assert text == ddi_codebook(_people())


def test_how_a_variable_was_made_is_told() -> None:
    made = harmonize(raw("mics6_child_5_17", "person"), "mics6_child_5_17", level="person")
    root = ET.fromstring(ddi_codebook(classify(made, "child_labour@mics6")))
    hours = root.find(".//d:var[@name='ea_hours']", NS)
    assert hours is not None
    assert "from CL3" in (hours.findtext(".//d:drvdesc", namespaces=NS) or "")
    assert root.find(".//d:var[@name='child_labour_a']/d:derivation", NS) is not None


@pytest.mark.reference
def test_valid_against_the_published_schema() -> None:
    bank = os.environ.get("SURVEY_TOOLKIT_REFERENCE")
    if not bank:
        pytest.skip("SURVEY_TOOLKIT_REFERENCE is not set")
    import xmlschema

    schema = xmlschema.XMLSchema(
        str(Path(bank).parent / "fixtures" / "ddi-codebook-2.6-xsd" / "codebook.xsd")
    )
    documents = [_people(), *(raw(n, lv) for n, lv in LEVELS)]
    documents += [harmonize(raw(n, lv), n, level=lv) for n, lv in LEVELS]
    for data in documents:
        errors = [f"{e.path}: {e.reason}" for e in schema.iter_errors(ddi_codebook(data))]
        assert errors == [], data.source.name
