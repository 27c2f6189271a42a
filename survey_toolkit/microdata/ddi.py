"""A DDI-Codebook description of microdata: what archives and catalogues read.

Written to DDI-Codebook 2.6: the file, its variables with their codes and frequencies, missing reasons, and
how each was made. Counts below five are left out, and columns that name a person are described but never
counted.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from survey_toolkit.microdata.inspection import CodeCount, VariableProfile, inspect_data
from survey_toolkit.microdata.model import MISSING_REASONS, Microdata

if TYPE_CHECKING:
    from survey_toolkit.microdata.model import Variable

__all__ = ["DDI_NAMESPACE", "ddi_codebook"]

DDI_NAMESPACE = "ddi:codebook:2_6"
_XML_FORBIDDEN = {i: None for i in range(32) if i not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


def ddi_codebook(
    data: Microdata, *, title: str = "", language: str = "en", date: dt.date | None = None
) -> str:
    """Describe microdata as a DDI-Codebook document.

    Parameters
    ----------
    data : Microdata
        Harmonized, or as read.
    title : str
        Title of the study; default: the name of the file.
    language : str
        Language of the labels, as in ``xml:lang``.
    date : date, optional
        Date of production to write; none is written by default, so that the same data give the same text.

    Returns
    -------
    str
        XML text, UTF-8.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.microdata import Variable
    >>> raw = Microdata.from_frame(pd.DataFrame({"sex": ["M"] * 6}), [Variable(name="sex", label="Sex")])
    >>> text = ddi_codebook(raw, title="Test")
    >>> "<labl>Sex</labl>" in text, "<titl>Test</titl>" in text
    (True, True)
    """
    root = ET.Element("codeBook", {"xmlns": DDI_NAMESPACE, "version": "2.6", "xml:lang": language})
    name = title or data.source.name
    _study(root, data, name, date)
    file_ = ET.SubElement(root, "fileDscr", ID="F1")
    text = ET.SubElement(file_, "fileTxt")
    _add(text, "fileName", data.source.name)
    dimensions = ET.SubElement(text, "dimensns")
    _add(dimensions, "caseQnty", str(data.n_rows))
    _add(dimensions, "varQnty", str(len(data.variables)))
    if data.source.sha256:
        _add(file_, "notes", f"SHA-256 of the file read: {data.source.sha256}")
    described = ET.SubElement(root, "dataDscr")
    for index, profile in enumerate(inspect_data(data).variables, 1):
        _variable(described, data.variable(profile.name), profile, index)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _study(root: ET.Element, data: Microdata, title: str, date: dt.date | None) -> None:
    study = ET.SubElement(root, "stdyDscr")
    citation = ET.SubElement(study, "citation")
    statement = ET.SubElement(citation, "titlStmt")
    _add(statement, "titl", title)
    if date is not None:
        production = ET.SubElement(citation, "prodStmt")
        _add(production, "prodDate", date.isoformat()).set("date", date.isoformat())
    if data.notes:
        method = ET.SubElement(study, "method")
        for note in data.notes:
            _add(method, "notes", note)


def _variable(parent: ET.Element, variable: Variable, profile: VariableProfile, index: int) -> None:
    kind = "discrete" if profile.kind == "coded" else "contin"
    element = ET.SubElement(
        parent, "var", {"ID": f"V{index}", "name": variable.name, "files": "F1", "intrvl": kind}
    )
    if variable.label:
        _add(element, "labl", variable.label)
    hidden = profile.kind.startswith("identifier")
    if not hidden:
        if profile.n_valid is not None:
            _add(element, "sumStat", str(profile.n_valid)).set("type", "vald")
        if profile.median is not None:
            _add(element, "sumStat", f"{profile.median:g}").set("type", "medn")
    for code in profile.codes:
        _category(element, code)
    for reason in MISSING_REASONS:
        if reason in profile.missing and not any(c.reason == reason for c in profile.codes):
            n = profile.missing[reason]
            _category(element, CodeCount(code=reason, label=reason, count=n, reason=reason))
    made = variable.provenance.get("rule") or variable.provenance.get("sentence")
    if made:
        derivation = ET.SubElement(element, "derivation")
        _add(
            derivation,
            "drvdesc",
            f"from {', '.join(variable.sources)}: {made}" if variable.sources else str(made),
        )
    numeric = profile.type in ("integer", "number")
    format_ = ET.SubElement(element, "varFormat", {"type": "numeric" if numeric else "character"})
    format_.set("schema", "other")
    for note in _notes(variable, hidden):
        _add(element, "notes", note)


def _category(element: ET.Element, code: CodeCount) -> None:
    category = ET.SubElement(element, "catgry", {"missing": "Y"} if code.reason else {})
    _add(category, "catValu", code.code)
    if code.label:
        _add(category, "labl", code.label)
    if code.count is not None:
        _add(category, "catStat", str(code.count)).set("type", "freq")


def _notes(variable: Variable, hidden: bool) -> list[str]:
    out = ["names a person: not counted"] if hidden else []
    status, note = variable.provenance.get("status"), variable.provenance.get("note")
    if status:
        out.append(f"comparability: {status}" + (f". {note}" if note else ""))
    if variable.unit:
        out.append(f"unit: {variable.unit}")
    return out


def _add(parent: ET.Element, tag: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, tag)
    child.text = text.translate(_XML_FORBIDDEN)
    return child
