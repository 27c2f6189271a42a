"""Load a results framework from YAML: strict, all problems at once, each with its line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from survey_toolkit._resources import data_root
from survey_toolkit._yaml import YamlDocument, YamlPath, load_document
from survey_toolkit.errors import DefinitionError, did_you_mean
from survey_toolkit.indicators.frameworks.models import LEVELS, Framework, FrameworkIndicator

__all__ = ["frameworks", "language_gaps", "load_framework"]

Found = tuple[YamlPath, str]


def frameworks() -> dict[str, Path]:
    """Shipped frameworks: id to file.

    Examples
    --------
    >>> sorted(frameworks())
    ['commit-spa4']
    """
    folder = data_root("harmonization") / "frameworks"
    return {file.stem.replace("_", "-"): file for file in sorted(folder.glob("*.yaml"))}


def load_framework(which: str | os.PathLike[str]) -> Framework:
    """Load a shipped framework by id, or any other from its YAML file.

    Parameters
    ----------
    which : str or path
        ``"commit-spa4"``, or a path that ends in ``.yaml``.

    Returns
    -------
    Framework

    Raises
    ------
    DefinitionError
        If there is no such framework or its file is wrong; names every problem with file and line.

    Examples
    --------
    >>> plan = load_framework("commit-spa4")
    >>> plan.node("4.2.4").level, plan.indicator("SPA4-4.2-b").link_confidence
    ('output', 'uncertain')
    """
    shipped = frameworks()
    name = os.fspath(which)
    if not name.endswith((".yaml", ".yml")) and name not in shipped:
        raise DefinitionError(
            "unknown results framework",
            found=f"'{name[:80]}'",
            expected=did_you_mean(name, shipped),
            hint="name a shipped one, or a YAML file",
            code="unknown-framework",
        )
    document = load_document(shipped.get(name, Path(name)), name=name if name in shipped else None)
    framework = document.validate(Framework)
    problems = [_line(document, path, text) for path, text in _problems(framework)]
    if problems:
        raise DefinitionError(
            f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {document.name}",
            problems=problems,
            hint="correct the lines named above",
            code="invalid-framework",
        )
    return framework


def _line(document: YamlDocument, path: YamlPath, text: str) -> str:
    return f"{document.where(path)}: {text}"


def _problems(framework: Framework) -> Iterator[Found]:
    if framework.period[0] > framework.period[1]:
        yield ("period",), "the last year is before the first"
    yield from _doubles("nodes", [n.id for n in framework.nodes])
    yield from _doubles("indicators", [i.id for i in framework.indicators])
    yield from _doubles("dimensions", [d.id for d in framework.dimensions])
    yield from _doubles("countries", list(framework.countries))
    for at, dimension in enumerate(framework.dimensions):
        for path, text in _doubles("codes", [c.id for c in dimension.codes]):
            yield ("dimensions", at, *path), text
    yield from _parents(framework)
    for at, indicator in enumerate(framework.indicators):
        for key, text in _indicator(framework, indicator):
            yield ("indicators", at, key), text


def _doubles(key: str, ids: list[str]) -> Iterator[Found]:
    counts = Counter(ids)
    for at, id in enumerate(ids):
        if counts[id] > 1 and id in ids[:at]:
            yield (key, at), f"'{id}' is given twice"


def _parents(framework: Framework) -> Iterator[Found]:
    for at, node in enumerate(framework.nodes):
        level = LEVELS.index(node.level)
        path: YamlPath = ("nodes", at, "parent")
        if node.parent is None:
            if level:
                yield (
                    path,
                    f"{node.level} '{node.id}' has no parent; expected one of level {LEVELS[level - 1]}",
                )
            continue
        parent = framework.node(node.parent)
        if parent is None:
            yield (
                path,
                f"unknown parent '{node.parent}'; "
                + did_you_mean(node.parent, [n.id for n in framework.nodes]),
            )
        elif not level or parent.level != LEVELS[level - 1]:
            yield path, f"{node.level} '{node.id}' hangs on {parent.level} '{parent.id}'"


def _indicator(framework: Framework, indicator: FrameworkIndicator) -> Iterator[tuple[str, str]]:
    for id in indicator.nodes:
        if framework.node(id) is None:
            yield "nodes", f"unknown node '{id}'; " + did_you_mean(id, [n.id for n in framework.nodes])
    known = [d.id for d in framework.dimensions]
    for name in {name for group in indicator.breakdowns for name in group}:
        if name not in known:
            yield "breakdowns", f"unknown dimension '{name}'; " + did_you_mean(name, known)
    if indicator.type == "milestone" and len(indicator.ladder) < 2:
        yield "ladder", "a milestone indicator needs at least two milestones in order"
    if not indicator.numeric and indicator.breakdowns:
        yield "breakdowns", f"an indicator of type {indicator.type} has no breakdown"
    if indicator.mirror is not None:
        yield from _mirror(framework, indicator)


def _mirror(framework: Framework, indicator: FrameworkIndicator) -> Iterator[tuple[str, str]]:
    assert indicator.mirror is not None
    other = framework.indicator(indicator.mirror.with_)
    dimension = framework.dimension(indicator.mirror.dimension)
    if other is None:
        yield "mirror", f"unknown indicator '{indicator.mirror.with_}'"
    elif dimension is None or not dimension.area:
        yield "mirror", f"'{indicator.mirror.dimension}' is not a dimension of countries (area: true)"
    elif any((dimension.id,) not in i.breakdowns for i in (indicator, other)):
        yield "mirror", f"both indicators need the breakdown [{dimension.id}]"


def language_gaps(framework: Framework) -> dict[str, list[str]]:
    """What is not yet translated: language to the items that will be shown in English.

    Examples
    --------
    >>> gaps = language_gaps(load_framework("commit-spa4"))
    >>> gaps["en"], "dimension sex" in gaps["km"], "indicator SPA4-4.2-a" in gaps["km"]
    ([], False, True)
    """
    items = [
        *((f"node {n.id}", n.title) for n in framework.nodes),
        *((f"indicator {i.id}", i.title) for i in framework.indicators),
        *((f"dimension {d.id}", d.label) for d in framework.dimensions),
        *((f"code {d.id}.{c.id}", c.label) for d in framework.dimensions for c in d.codes),
    ]
    return {lang: [name for name, texts in items if not texts.get(lang)] for lang in framework.languages}
