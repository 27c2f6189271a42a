"""Where the columns of fixed-width text are: CSPro dictionaries (INI and JSON) and SAS ``input`` programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._encodings import TextReader
from survey_toolkit.microdata._files import plain_size
from survey_toolkit.microdata.model import Code, MissingCode

__all__ = ["Field", "Layout", "Record", "read_layout"]

_MOST_BYTES = 50_000_000
_MOST_FIELDS = 32_767
_LONGEST = 1_000_000
_INPUT = re.compile(r"@\s*0*(\d+)\s+(\w+)\s+(\$?)\s*(?:char)?0*(\d+)\.(\d*)", re.IGNORECASE)
_SPECIAL = re.compile(r"[|;]\s*(?:special\s*=\s*)?(missing|notappl|refused|default)\s*$", re.IGNORECASE)
_NO_NUMBER = re.compile(r"\s*|[A-Za-z ]+")
_COMMENT = re.compile(r"\s*/\*\s*(.*?)\s*\*/")


@dataclass(slots=True)
class Field:
    """One column: its place (from 0) and width, and what it means."""

    name: str
    start: int
    width: int
    label: str = ""
    is_text: bool = False
    decimals: int = 0
    has_point: bool = False
    value_labels: dict[Code, str] = field(default_factory=dict)
    missing: list[MissingCode] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    """One kind of line, told by ``mark`` at ``mark_at``; without a mark every line is of this kind."""

    name: str
    label: str
    fields: list[Field]
    mark: str = ""
    mark_at: int = 0
    level: int = 1


@dataclass(slots=True)
class Layout:
    """All kinds of lines; ``keys`` name the fields that every line begins with."""

    name: str
    records: list[Record]
    keys: tuple[str, ...] = ()


def read_layout(path: Path) -> Layout:
    """Read a layout: ``.dcf`` (INI or JSON), or a program with ``@0001 NAME $4.`` lines.

    Raises
    ------
    DataFileError
        No layout, or one that contradicts itself.
    """
    if plain_size(path, "layout") > _MOST_BYTES:
        raise DataFileError("this is too large for a layout", where=path.name, code="too-large")
    raw = path.read_bytes()
    reader = TextReader(path.name, usually_utf8=True)
    reader.settle([line for line in raw.splitlines() if not line.isascii()])
    text = raw.decode(reader.codec, "replace").removeprefix("\ufeff")
    try:
        if text.lstrip().startswith("{"):
            layout = _json_dictionary(json.loads(text))
        elif "[Dictionary]" in text:
            layout = _ini_dictionary(text)
        else:
            layout = Layout(path.name, [Record(path.stem, "", list(_sas_fields(text)))])
    except DataFileError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as exc:
        raise _damaged(path.name, f"{type(exc).__name__} in its text") from None
    if not layout.records or not all(record.fields for record in layout.records):
        raise _damaged(path.name, "no columns")
    for record in layout.records:
        _check(path.name, record)
    return layout


def _damaged(name: str, found: str) -> DataFileError:
    return DataFileError(
        "this is no layout that can be read",
        where=name,
        found=found,
        expected="a CSPro dictionary (.dcf), or SAS input lines such as '@0001 YEAR $4.'",
        code="layout",
    )


def _check(where: str, record: Record) -> None:
    names = [f.name for f in record.fields]
    twice = sorted({n for n in names if names.count(n) > 1})[:3] if len(set(names)) < len(names) else []
    if twice:
        raise _damaged(where, f"column '{twice[0]}' stands twice in {record.name}")
    if any(f.width < 1 or f.start < 0 or f.start + f.width > _LONGEST for f in record.fields):
        raise _damaged(where, f"a column of {record.name} has no place")
    if len(record.fields) > _MOST_FIELDS:
        raise _damaged(where, f"{len(record.fields):,} columns in {record.name}, more than {_MOST_FIELDS:,}")


def _sas_fields(text: str) -> Iterator[Field]:
    for found in _INPUT.finditer(text):
        start, name, dollar, width, decimals = found.groups()
        comment = _COMMENT.match(text, found.end())
        yield Field(
            name=name,
            start=int(start) - 1,
            width=int(width),
            label=" ".join(comment.group(1).split()) if comment else "",
            is_text=bool(dollar),
            decimals=int(decimals or 0),
            has_point=True,
        )


# CSPro, INI


def _sections(text: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    name, entries = "", dict[str, list[str]]()
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            if name:
                yield name, entries
            name, entries = line[1:-1], {}
        elif "=" in line:
            key, _, value = line.partition("=")
            entries.setdefault(key.strip(), []).append(value.strip())
    if name:
        yield name, entries


def _one(entries: dict[str, list[str]], key: str, default: str = "") -> str:
    return entries.get(key, [default])[0]


def _ini_dictionary(text: str) -> Layout:
    layout = Layout("", [])
    mark_at, mark_width = 0, 0
    levels: list[list[Field]] = []
    held: list[Field] = []
    last: Field | None = None
    for section, entries in _sections(text):
        if section == "Dictionary":
            layout.name = _one(entries, "Name")
            mark_at = int(_one(entries, "RecordTypeStart", "1"))
            mark_width = int(_one(entries, "RecordTypeLen", "0"))
        elif section == "IdItems":
            levels.append([])
            held = levels[-1]
        elif section == "Record":
            mark = _one(entries, "RecordTypeValue").strip("'\"")
            record = Record(_one(entries, "Name"), _one(entries, "Label"), [], mark, mark_at - 1, len(levels))
            layout.records.append(record)
            held = record.fields
        elif section in ("Item", "SubItem"):
            last = _ini_item(entries)
            held.extend(_repeated(last, int(_one(entries, "Occurrences", "1") or 1)))
        elif section == "ValueSet" and last is not None and not last.value_labels:
            _ini_values(last, entries.get("Value", []))
    return _placed(layout, levels, mark_at, mark_width)


def _ini_item(entries: dict[str, list[str]]) -> Field:
    return Field(
        name=_one(entries, "Name"),
        start=int(_one(entries, "Start", "0")) - 1,
        width=int(_one(entries, "Len", "1")),
        label=_one(entries, "Label"),
        is_text=_one(entries, "DataType").lower().startswith("alpha"),
        decimals=int(_one(entries, "Decimal", "0")),
        has_point=_one(entries, "DecimalChar").lower() == "yes",
    )


def _ini_values(item: Field, values: list[str]) -> None:
    for value in values:
        codes, _, label = value.partition(";")
        special = _SPECIAL.search(label)
        label = label[: special.start()] if special else label
        for code in codes.split():
            _add_code(item, code.strip("'\""), label.strip(), special.group(1) if special else "")


def _add_code(item: Field, code: str, label: str, special: str) -> None:
    low, _, high = code.partition(":")
    if high or (not item.is_text and _NO_NUMBER.fullmatch(low)):
        return  # a range of plain answers has no label of its own, nor has a blank
    value: Code = low if item.is_text else _number(low)
    item.value_labels.setdefault(value, label)
    if special.strip().lower() in ("missing", "notappl", "refused") and not isinstance(value, bool):
        reason = {"notappl": "not_applicable", "refused": "refused"}.get(special.strip().lower())
        item.missing.append(MissingCode(low=value, high=value, reason=reason, label=label or None))


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _repeated(item: Field, occurrences: int) -> list[Field]:
    """An item that occurs several times becomes NAME_1, NAME_2, … side by side."""
    if occurrences <= 1:
        return [item]
    if occurrences > _MOST_FIELDS:
        raise ValueError(f"{occurrences:,} occurrences")
    item.name, name = f"{item.name}_1", item.name
    return [
        item if not number else replace(item, name=f"{name}_{number + 1}", start=_beside(item, number))
        for number in range(occurrences)
    ]


def _beside(item: Field, number: int) -> int:
    """Place of an occurrence; places that are not written stay so."""
    return item.start + number * item.width if item.start >= 0 else -1


def _placed(layout: Layout, levels: list[list[Field]], mark_at: int, mark_width: int) -> Layout:
    """Give every record the keys of its levels, and items without a place the one behind the last.

    Where positions are relative (CSPro 8 writes none), the mark of the record comes first, then the keys,
    then the items in their order.
    """
    at = mark_at - 1 + mark_width if mark_width else 0
    for ids in levels:
        at = _follow(ids, at)
    starts = [max((f.start + f.width for ids in levels[: n + 1] for f in ids), default=at)
              for n in range(len(levels))]  # fmt: skip
    for record in layout.records:
        n = max(1, record.level)
        _follow(record.fields, max(starts[n - 1] if n <= len(starts) else at, mark_at - 1 + mark_width))
        record.fields = [f for ids in levels[:n] for f in ids] + record.fields
        if not mark_width:
            record.mark = ""
    layout.keys = tuple(f.name for f in levels[0]) if levels else ()
    return layout


def _follow(fields: list[Field], at: int) -> int:
    """Place the items that have none, each behind the one before; gives the place after the last."""
    for item in fields:
        if item.start < 0:
            item.start = at
        at = item.start + item.width
    return at


# CSPro, JSON


def _json_dictionary(data: dict[str, Any]) -> Layout:
    mark = data.get("recordType", {})
    mark_at, mark_width = int(mark.get("start", 1)), int(mark.get("length", 0))
    layout = Layout(data.get("name", ""), [])
    levels: list[list[Field]] = []
    for one in data["levels"]:
        items = (one.get("ids") or {}).get("items") or []
        levels.append([f for item in items for f in _json_items(item)])
        layout.records += [
            Record(
                record["name"],
                _json_label(record),
                [f for item in record["items"] for f in _json_items(item)],
                str(record.get("recordType", "")),
                mark_at - 1,
                len(levels),
            )
            for record in one["records"]
        ]
    return _placed(layout, levels, mark_at, mark_width)


def _json_label(entry: dict[str, Any]) -> str:
    labels = entry.get("labels") or []
    return str(labels[0].get("text", "")) if labels else ""


def _json_items(entry: dict[str, Any]) -> list[Field]:
    item = Field(
        name=entry["name"],
        start=int(entry.get("start", 0)) - 1,
        width=int(entry["length"]),
        label=_json_label(entry),
        is_text=entry.get("contentType", "numeric") != "numeric",
        decimals=int(entry.get("decimals", 0)),
        has_point=bool(entry.get("decimalMark", False)),
    )
    for value_set in (entry.get("valueSets") or [])[:1]:
        for value in value_set.get("values") or []:
            for pair in value.get("pairs") or []:
                code = pair.get("value")
                if code is not None:
                    _add_code(item, str(code), _json_label(value), str(value.get("special", "")))
    return _repeated(item, int(entry.get("occurrences", {}).get("maximum", 1)))
