"""The questionnaire as DDI-Codebook 2.6: one variable a question, bound to criteria of the registry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from survey_toolkit.instruments.paper_build import arrows
from survey_toolkit.instruments.paper_rules import rule_shown
from survey_toolkit.instruments.views import Cells, CodeView, FormView, ItemView, ModuleView

__all__ = ["NAMESPACE", "ddi_codebook"]

#: Target namespace of the 2.6 schema.
NAMESPACE = "ddi:codebook:2_6"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DOMAINS = {
    "one": "code",
    "many": "multiple",
    "integer": "numeric",
    "decimal": "numeric",
    "text": "text",
    "date": "datetime",
    "computed": "code",
    "hidden": "other",
}
_MISSING = {"dk": "don't know", "refused": "refusal", "na": "not applicable"}
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SENSITIVE = (
    "Sensitive: level {level} of 3. Asked only in private and after consent; "
    "not for public files without review."
)


def ddi_codebook(form: FormView) -> bytes:
    """Bytes of the DDI-Codebook file.

    Question texts and labels carry ``xml:lang``, one element a language. The literal question, the
    instruction and the way on stand under ``qstn``; missing codes under ``catgry missing="Y"``; the rule of
    who is asked under ``universe``; the criteria a question measures under ``concept``; sensitivity under
    ``security``.

    Parameters
    ----------
    form : FormView

    References
    ----------
    DDI Alliance, DDI-Codebook 2.6, codebook.xsd.
    """
    ET.register_namespace("", NAMESPACE)
    root = _node(None, "codeBook", version="2.6")
    _document(root, form)
    _study(root, form)
    _data(root, form)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _document(root: ET.Element, form: FormView) -> None:
    citation = _node(_node(root, "docDscr"), "citation")
    _titles(citation, form)
    _text(_node(citation, "verStmt"), "version", form.version)


def _study(root: ET.Element, form: FormView) -> None:
    study = _node(root, "stdyDscr")
    citation = _node(study, "citation")
    _titles(citation, form)
    production = _node(citation, "prodStmt")
    for language in form.languages:
        _text(production, "language", language)
    _text(production, "software", "survey_toolkit")
    info = _node(study, "stdyInfo")
    _text(info, "abstract", form.description, "en")
    units = sorted({item.level for item in form.items()})
    summary = _node(info, "sumDscr")
    for unit in units:
        _text(summary, "anlyUnit", unit)
    _text(summary, "dataKind", "survey data")
    collection = _node(_node(study, "method"), "dataColl")
    for mode in form.modes:
        _text(collection, "collMode", mode)
    _text(collection, "resInstru", "structured questionnaire")


def _titles(citation: ET.Element, form: FormView) -> None:
    statement = _node(citation, "titlStmt")
    first, *others = form.titles.items() or [("en", form.id)]
    _text(statement, "titl", first[1], first[0])
    for language, title in others:
        _text(statement, "parTitl", title, language)
    _text(statement, "IDNo", f"survey_toolkit:{form.id}:{form.version}")


def _data(root: ET.Element, form: FormView) -> None:
    data = _node(root, "dataDscr")
    for module in form.modules:
        _group(data, module)
    for repeat in form.repeats.values():
        names = [item.name for item in form.items() if item.repeat == repeat.name and item.kind != "note"]
        group = _node(
            data, "varGrp", ID=f"R_{repeat.name}", type="repetition", name=repeat.name, var=_ids(names)
        )
        _cells(group, "labl", repeat.titles)
    ways = arrows(form)
    known = {item.name: item for item in form.items()}
    for item in form.items():
        if item.kind != "note":
            _variable(data, item, known, ways.get(item.name, ()))


def _group(data: ET.Element, module: ModuleView) -> None:
    names = [item.name for item in module.items if item.kind != "note"]
    group = _node(data, "varGrp", ID=f"M_{module.id}", type="section", name=module.id)
    if names:
        group.set("var", _ids(names))
    _cells(group, "labl", module.titles)
    _text(group, "txt", module.purpose, "en")


def _variable(
    data: ET.Element, item: ItemView, known: Mapping[str, ItemView], ways: Iterable[tuple[str, str]]
) -> None:
    number = item.kind in ("integer", "decimal")
    node = _node(data, "var", ID=f"V_{item.name}", name=item.name, intrvl="contin" if number else "discrete")
    if item.kind == "decimal":
        node.set("dcml", "1")
    if item.unit:
        node.set("measUnit", item.unit.get("en", next(iter(item.unit.values()))))
    _cells(node, "labl", item.texts)
    if item.sensitivity:
        _text(node, "security", _SENSITIVE.format(level=item.sensitivity))
    _text(node, "respUnit", "interviewer" if item.interviewer else "respondent")
    _text(node, "anlysUnit", item.level)
    _question(node, item, ways)
    _ranges(node, item)
    universe = " and ".join(rule_shown(part.rule, known, "en", {}) for part in item.parts)
    _text(node, "universe", universe or "all")
    for code in item.codes:
        _category(node, code)
    _concepts(node, item)
    if item.derivation is not None:
        _text(_node(node, "derivation"), "drvdesc", rule_shown(item.derivation, known, "en", {}))
    _node(node, "varFormat", type="numeric" if number else "character", schema="other", otherSchema="XLSForm")


def _question(node: ET.Element, item: ItemView, ways: Iterable[tuple[str, str]]) -> None:
    if item.kind in ("computed", "hidden"):
        return
    question = _node(
        node, "qstn", ID=f"Q_{item.name}", responseDomainType=_DOMAINS[item.kind], seqNo=item.number
    )
    _cells(question, "qstnLit", item.texts)
    for answer, target in ways:
        _text(question, "forward", f"{answer}: {target}" if answer else target)
    _cells(question, "ivuInstr", item.instructions)


def _ranges(node: ET.Element, item: ItemView) -> None:
    if item.low is not None or item.high is not None:
        span = _node(_node(node, "valrng"), "range", UNITS="INT" if item.kind == "integer" else "REAL")
        for key, bound in (("min", item.low), ("max", item.high)):
            if bound is not None:
                span.set(key, f"{bound:g}" if abs(bound) < 1e6 else f"{bound:.0f}")
    if item.kind in ("integer", "decimal") and any(code.missing for code in item.codes):
        invalid = _node(node, "invalrng")
        for code in item.codes:
            _node(invalid, "item", VALUE=code.code)


def _category(node: ET.Element, code: CodeView) -> None:
    category = _node(node, "catgry")
    if code.missing:
        category.set("missing", "Y")
        category.set("missType", _MISSING.get(code.missing, code.missing))
    _text(category, "catValu", code.code)
    _cells(category, "labl", code.labels)


def _concepts(node: ET.Element, item: ItemView) -> None:
    if item.variable:
        _text(
            node,
            "concept",
            item.variable,
            vocab="survey_toolkit variables",
            vocabURI="harmonization/variables",
        )
    for criterion in item.criteria:
        _text(node, "concept", criterion, vocab="survey_toolkit criteria", vocabURI="harmonization/criteria")


def _ids(names: Iterable[str]) -> str:
    return " ".join(f"V_{name}" for name in names)


def _cells(parent: ET.Element, tag: str, cells: Cells) -> None:
    for language, value in cells.items():
        _text(parent, tag, value, language)


def _text(
    parent: ET.Element, tag: str, value: str, language: str | None = None, **attributes: str
) -> ET.Element:
    node = _node(parent, tag, **attributes)
    node.text = _ILLEGAL.sub("", value)
    if language:
        node.set(_XML_LANG, language)
    return node


def _node(parent: ET.Element | None, tag: str, **attributes: str) -> ET.Element:
    name = f"{{{NAMESPACE}}}{tag}"
    given: Mapping[str, str] = attributes
    return ET.Element(name, dict(given)) if parent is None else ET.SubElement(parent, name, dict(given))
