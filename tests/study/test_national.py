"""A study under national standards: classified by them, and the report names each departure."""

from __future__ import annotations

from survey_toolkit.study import Study
from tests.study.conftest import STUDY, TinyStudy

NATIONAL = {
    "national.yaml": """\
id: simulated_country
title: {en: National standards of Simulated Country}
country: XSC
extends: international
references: [{source: xsc-law, locator: s. 1, verification: verified}]
""",
    "sources.yaml": """\
sources:
  - {id: xsc-law, title: Labour Act, author: Parliament, year: 2020, kind: law, verification: verified}
""",
    "criteria/cl_xsc.yaml": """\
id: cl_xsc
title: {en: Hours of the Labour Act}
text: {en: Hours of the Labour Act.}
level: person
references: [{source: xsc-law, locator: s. 7, verification: verified}]
criteria:
  - id: cl.xsc.ea_12_14
    label: {en: aged 12-14 with at least 10 hours of economic activity}
    text: {en: A child of 12 to 14 years did economic activity for at least 10 hours.}
    rule:
      all_of: [{variable: age, between: [12, 14]}, {variable: ea_any, eq: true}, {variable: ea_hours, ge: 10}]
""",
    "definitions/child_labour.yaml": """\
extends: child_labour
versions:
  - version: xsc-2020
    title: {en: "Child labour, Labour Act (2020)"}
    text: {en: As SDG 8.7.1 with 10 hours at 12-14.}
    status: current
    in_force: {from: 2020, to: null}
    based_on: sdg-2021
    replace: {cl.sdg.ea_12_14: cl.xsc.ea_12_14}
    references: [{source: xsc-law, locator: s. 7, verification: verified}]
""",
}


def test_the_report_names_each_departure(tiny: TinyStudy) -> None:
    for name, text in NATIONAL.items():
        path = tiny.folder / "national" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    tiny.write(study=STUDY.replace("version: sdg-2021", "version: xsc-2020"))
    run = Study.load(tiny.folder / "study.yaml", standards=tiny.folder / "national").run()
    caveats = {note.title: note.paragraphs for note in run.context.caveats}
    assert caveats["child_labour@xsc-2020 departs from child_labour@sdg-2021"] == (
        "child_labour_a, child_labour_b: cl.sdg.ea_12_14 -> cl.xsc.ea_12_14: hours of economic activity is "
        "at least 10 (international: hours of economic activity is at least 14)",
    )
    run.report(tiny.out)
    pages = [path.read_text("utf-8") for path in tiny.out.rglob("*.html")]
    assert any("departs from child_labour@sdg-2021" in page for page in pages)
