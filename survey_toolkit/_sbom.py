"""The bill of materials: installed packages with versions and licences, in CycloneDX 1.5 JSON."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from typing import Any

__all__ = ["Component", "bill", "components", "copyleft", "required_names"]

ROOT = "survey_toolkit"
_SPDX = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_STRONG = re.compile(
    r"\b(A?GPL|LGPL|EUPL|CECILL|OSL|CC-BY-SA)|general public licen[cs]e|european union public", re.I
)
_FILE_LEVEL = re.compile(r"\b(MPL|EPL|CDDL)\b|mozilla public|eclipse public", re.I)


@dataclass(frozen=True, slots=True)
class Component:
    """One installed package.

    Attributes
    ----------
    name, version : str
    licence : str
        As the package states it: SPDX expression, classifiers, or the first line of its licence field.
    is_spdx : bool
        Whether the package states it as an SPDX expression.
    required : bool
        Whether the core of survey_toolkit needs it, directly or through others.
    """

    name: str
    version: str
    licence: str
    is_spdx: bool
    required: bool


def normal(name: str) -> str:
    """Return the name as package indexes compare it.

    Examples
    --------
    >>> normal("Ruamel_YAML.x")
    'ruamel-yaml-x'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(dist: Distribution) -> tuple[str, bool]:
    """Return the stated licence and whether it is an SPDX expression."""
    meta = dist.metadata
    expression = str(meta["License-Expression"] or "") if "License-Expression" in meta else ""
    if _SPDX.fullmatch(expression):
        return expression, True
    classified = [
        c.rsplit("::", 1)[-1].strip()
        for c in meta.get_all("Classifier") or []
        if c.startswith("License ::") and c.count("::") > 1
    ]
    if classified:
        return " or ".join(classified), False
    field = str(meta["License"] or "") if "License" in meta else ""
    first = next((line.strip() for line in field.splitlines() if line.strip()), "")
    if expression or (first and first.upper() != "UNKNOWN"):
        return (expression or first)[:120], False
    return "not stated", False


def required_names(root: str = ROOT) -> frozenset[str]:
    """Return the normal names of what a package needs without extras, directly or through others.

    Extras that a requirement itself asks for (``pysdmx[data,xml]``) are followed.
    """
    from packaging.requirements import Requirement

    seen: set[tuple[str, str]] = set()
    todo = [(normal(root), "")]
    while todo:
        name, extra = item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                todo += [(normal(requirement.name), e) for e in ("", *requirement.extras)]
    return frozenset(name for name, _ in seen) - {normal(root)}


def components() -> tuple[Component, ...]:
    """Return every package installed beside survey_toolkit, by name, each once."""
    core = required_names()
    found: dict[str, Component] = {}
    for dist in distributions():
        name = str(dist.metadata["Name"] or "")
        if not name or normal(name) == normal(ROOT):
            continue
        licence, spdx = licence_of(dist)
        found.setdefault(
            normal(name), Component(normal(name), dist.version, licence, spdx, normal(name) in core)
        )
    return tuple(found[name] for name in sorted(found))


def copyleft(items: Iterable[Component]) -> dict[str, tuple[str, ...]]:
    """Name the packages under copyleft: ``strong`` (GPL, LGPL, EUPL, …) and ``file`` (MPL, EPL, …).

    Where a licence offers a choice (``OR``), one permissive choice is enough.

    Examples
    --------
    >>> a = Component("a", "1", "EUPL-1.2", is_spdx=True, required=False)
    >>> b = Component("b", "1", "MPL-2.0 OR MIT", is_spdx=True, required=True)
    >>> copyleft([a, b])
    {'strong': ('a',), 'file': ()}
    """

    def under(item: Component, pattern: re.Pattern[str]) -> bool:
        return all(pattern.search(choice) for choice in re.split(r"\bOR\b", item.licence))

    rows = tuple(items)
    return {
        "strong": tuple(c.name for c in rows if under(c, _STRONG)),
        "file": tuple(c.name for c in rows if under(c, _FILE_LEVEL) and not under(c, _STRONG)),
    }


def bill(items: Iterable[Component], version: str) -> Mapping[str, Any]:
    """Return a CycloneDX 1.5 document; the same packages give the same document, its serial number too.

    Parameters
    ----------
    items : iterable of Component
    version : str
        Version of survey_toolkit.

    Examples
    --------
    >>> document = bill([Component("numpy", "2.0", "BSD-3-Clause", True, True)], "0.1.0")
    >>> document["components"][0]["purl"], document["components"][0]["scope"]
    ('pkg:pypi/numpy@2.0', 'required')
    """
    rows = [_component(item) for item in items]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"{version}|" + "|".join(f"{r['purl']}" for r in rows))
    root = f"pkg:pypi/{normal(ROOT)}@{version}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": ROOT,
                "version": version,
                "purl": root,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": rows,
    }


def _component(item: Component) -> dict[str, Any]:
    purl = f"pkg:pypi/{item.name}@{item.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": item.name,
        "version": item.version,
        "purl": purl,
        "scope": "required" if item.required else "optional",
        "licenses": [{"expression": item.licence} if item.is_spdx else {"license": {"name": item.licence}}],
    }
