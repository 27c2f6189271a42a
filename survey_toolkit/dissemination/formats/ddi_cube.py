"""DDI-Codebook 2.6 description of the published tables: each series an ``nCube`` over its breakdowns."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from survey_toolkit.dissemination.context import ReportContext, dimension_title
from survey_toolkit.indicators import TOTAL, Figure, Figures
from survey_toolkit.indicators.units import UNITS

__all__ = ["ddi_cubes"]

_NAMESPACE = "ddi:codebook:2_6"

_FORBIDDEN = {i: None for i in range(32) if i not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}
_METHOD = {"proportion": "percent", "total": "sum", "count": "count"}


def ddi_cubes(figures: Sequence[Figure], context: ReportContext) -> str:
    """XML text: the study, the dimensions with their categories, and a cube a series.

    Numbers are not repeated: the cubes point to the data file ``figures.csv``; how many cells are suppressed
    is told in the notes of each cube.
    """
    items = Figures(figures)
    root = ET.Element("codeBook", {"xmlns": _NAMESPACE, "version": "2.6", "xml:lang": "en"})
    study = ET.SubElement(root, "stdyDscr")
    citation = ET.SubElement(study, "citation")
    _text(ET.SubElement(citation, "titlStmt"), "titl", context.title)
    if context.producer:
        _text(ET.SubElement(citation, "prodStmt"), "producer", context.producer)
    file_ = ET.SubElement(root, "fileDscr", ID="F1")
    _text(ET.SubElement(file_, "fileTxt"), "fileName", "figures.csv")
    data = ET.SubElement(root, "dataDscr")
    dimensions = list(dict.fromkeys(d for f in items for d in f.breakdown))
    for i, name in enumerate(dimensions, 1):
        _variable(data, f"D{i}", name, items, context)
    measure = ET.SubElement(data, "var", ID="M1", name="value", files="F1")
    _text(measure, "labl", "Value in the unit of the cube")
    ids = {name: f"D{i}" for i, name in enumerate(dimensions, 1)}
    for i, series in enumerate(dict.fromkeys((f.indicator, f.series) for f in items), 1):
        _cube(data, f"C{i}", [f for f in items if (f.indicator, f.series) == series], ids)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text.translate(_FORBIDDEN)
    return element


def _variable(
    data: ET.Element, id: str, name: str, figures: Sequence[Figure], context: ReportContext
) -> None:
    variable = ET.SubElement(data, "var", ID=id, name=name, files="F1", representationType="code")
    _text(variable, "labl", dimension_title(name, context.dimension_labels))
    labels: dict[str, str] = {TOTAL: "Total"}
    for figure in figures:
        code = figure.breakdown.get(name, TOTAL)
        labels.setdefault(code, figure.labels.get(name, code))
    for code, label in labels.items():
        category = ET.SubElement(variable, "catgry")
        _text(category, "catValu", code)
        _text(category, "labl", label)


def _cube(data: ET.Element, id: str, figures: Sequence[Figure], ids: dict[str, str]) -> None:
    first = figures[0]
    used = [d for d in ids if any(d in f.breakdown for f in figures)]
    cube = ET.SubElement(
        data, "nCube", ID=id, name=first.series, dmnsQnty=str(len(used)), cellQnty=str(len(figures))
    )
    _text(cube, "labl", first.label)
    if first.universe:
        _text(cube, "universe", first.universe)
    for rank, name in enumerate(used, 1):
        ET.SubElement(cube, "dmns", rank=str(rank), varRef=ids[name])
    ET.SubElement(
        cube, "measure", varRef="M1", measUnit=UNITS[first.unit].label,
        aggrMeth=_METHOD.get(first.statistic, "other"),
    )  # fmt: skip
    hidden = sum(f.disclosure == "suppressed" for f in figures)
    told = [f"Definition {first.definition}@{first.version}" if first.definition else ""]
    told.append(f"{hidden} of {len(figures)} cells suppressed to protect people" if hidden else "")
    for note in filter(None, told):
        _text(cube, "notes", note)
