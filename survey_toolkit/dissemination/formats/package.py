"""A data package: the tidy CSV with a description that programs read (frictionless ``datapackage.json``)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from survey_toolkit.dissemination.context import ReportContext
from survey_toolkit.dissemination.formats.csv_out import figure_columns, figures_csv
from survey_toolkit.indicators import Figure
from survey_toolkit.indicators.figure import NUMBERS

__all__ = ["check_package", "data_package"]

_MEANING = {
    "id": "Indicator, country, period and one part a breakdown",
    "value": "Estimate in the unit of the row; empty where suppressed or not available",
    "ci_low": "Lower confidence limit",
    "ci_high": "Upper confidence limit",
    "cv_percent": "Coefficient of variation in percent",
    "deff": "Design effect",
    "n": "Unweighted cases",
    "n_psu": "Primary sampling units",
    "obs_status": "SDMX status: A normal, U low reliability, Q suppressed, E estimated, O missing",
    "definition": "Definition of the standards registry",
    "version": "Version of the definition",
}
_COUNTS = ("n", "n_psu", "n_positive", "n_undetermined")


def data_package(figures: Sequence[Figure], context: ReportContext) -> dict[str, bytes]:
    """``datapackage.json`` and the ``data/figures.csv`` it describes, with its hash."""
    text = figures_csv(figures).encode()
    columns = figure_columns(figures)
    described: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": re.sub(r"[^a-z0-9._-]+", "-", context.title.lower()).strip("-.")[:100] or "figures",
        "title": context.title,
        "description": " ".join(t for t in (context.subtitle, context.disclosure_policy) if t),
        "sources": [{"title": context.source}] if context.source else [],
        "contributors": [{"title": context.producer, "role": "publisher"}] if context.producer else [],
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": "figures",
                "path": "data/figures.csv",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(text),
                "hash": f"sha256:{hashlib.sha256(text).hexdigest()}",
                "dialect": {"delimiter": ",", "lineTerminator": "\n", "doubleQuote": True, "header": True},
                "schema": {
                    "fields": [_field(name) for name in columns],
                    "primaryKey": "id",
                    "missingValues": [""],
                },
            }
        ],
    }
    if context.generated:
        described["created"] = context.generated
    written = json.dumps(described, ensure_ascii=False, indent=1) + "\n"
    return {"datapackage.json": written.encode(), "data/figures.csv": text}


def _field(name: str) -> dict[str, Any]:
    kind = "string"
    if name in _COUNTS:
        kind = "integer"
    elif name in (*NUMBERS, "cv_percent", "level") or name.startswith("raw_"):
        kind = "number"
    elif name == "covers":
        kind = "boolean"
    found: dict[str, Any] = {"name": name, "type": kind}
    if name in _MEANING:
        found["description"] = _MEANING[name]
    if name == "id":
        found["constraints"] = {"required": True, "unique": True}
    if name == "obs_status":
        found["constraints"] = {"required": True, "enum": ["A", "E", "O", "Q", "U"]}
    return found


def check_package(files: dict[str, bytes]) -> list[str]:
    """Check a package against its own description: hash, size, header, types, required, unique."""
    problems = []
    for resource in json.loads(files["datapackage.json"])["resources"]:
        data = files.get(resource["path"])
        if data is None:
            problems.append(f"{resource['path']}: the file is missing")
            continue
        if resource["bytes"] != len(data) or resource["hash"] != f"sha256:{hashlib.sha256(data).hexdigest()}":
            problems.append(f"{resource['path']}: the file is not the one described")
        head, *rows = csv.reader(io.StringIO(data.decode()))
        fields = resource["schema"]["fields"]
        if head != [f["name"] for f in fields]:
            problems.append(f"{resource['path']}: the header is not the one described")
            continue
        for j, field in enumerate(fields):
            problems += _column_problems(field, [row[j] for row in rows])
    return problems


_TYPES = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?([eE][+-]?\d+)?", "boolean": r"true|false"}


def _column_problems(field: dict[str, Any], values: Sequence[str]) -> list[str]:
    rules, name = field.get("constraints", {}), field["name"]
    pattern = _TYPES.get(field["type"], r"[\s\S]*")
    found = [f"{name}: '{v}' is no {field['type']}" for v in values if v and not re.fullmatch(pattern, v)]
    if rules.get("required") and "" in values:
        found.append(f"{name}: a value is missing")
    if rules.get("unique") and len(set(values)) != len(values):
        found.append(f"{name}: a value stands twice")
    if "enum" in rules:
        found += [f"{name}: '{v}' is no code" for v in sorted({*values} - {*rules["enum"], ""})]
    return found
