"""Row by row from an XLSForm to the items of a module; what has no counterpart is noted, never lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import InstrumentError, did_you_mean
from survey_toolkit.instruments.xpath_rules import NotARule, rule_from_xpath
from survey_toolkit.standards.registry import Registry

if TYPE_CHECKING:
    from survey_toolkit.instruments.importing import Binding

__all__ = ["FormReader", "Sheets"]

Row = dict[str, str]
_PLAIN = {
    "integer": "integer",
    "int": "integer",
    "range": "integer",
    "decimal": "decimal",
    "text": "text",
    "string": "text",
    "date": "date",
    "datetime": "date",
    "note": "note",
    "acknowledge": "note",
}
_METADATA = frozenset(
    (
        *("start", "end", "today", "deviceid", "phonenumber", "username", "email", "audit"),
        *("simserial", "subscriberid", "start-geopoint"),
    )
)
_REASONS = (
    ("dk", re.compile(r"\b(do(n.?t| not) know|unknown|not known)\b", re.IGNORECASE)),
    ("refused", re.compile(r"\b(refus\w*|prefers? not)\b", re.IGNORECASE)),
    ("na", re.compile(r"\b(not applicable|does not apply|n/a)\b", re.IGNORECASE)),
)
_RULE_CALCULATION = re.compile(r"^if\((?P<met>.*), '1', if\((?P<not_met>.*), '2', ''\)\)$", re.DOTALL)
_ARM = re.compile(r"^once\(int\(random\(\) \* (?P<n>\d+)\) \+ 1\)$")
_CONSTANT = re.compile(r"^(?:'(?P<text>[^']*)'|(?P<number>-?\d+))$")
_RANGE = re.compile(r"\. ?>= ?(?P<low>-?\d+(?:\.\d+)?) and \. ?<= ?(?P<high>-?\d+(?:\.\d+)?)")
_RANGE_MISSING = re.compile(r"\. = (-?\d+)")


@dataclass(frozen=True, slots=True)
class Sheets:
    """Rows of the sheets; ``#`` is the row number."""

    survey: list[Row]
    choices: list[Row]
    settings: list[Row]


class FormReader:
    """Reads the survey sheet."""

    def __init__(self, sheets: Sheets, bindings: Mapping[str, Binding], registry: Registry) -> None:
        self.sheets, self.bindings, self.registry = sheets, bindings, registry
        self.notes: list[str] = []
        self.names: dict[str, str] = {}
        self.seen: set[str] = set()
        self.lists: dict[str, list[Row]] = {}
        for row in sheets.choices:
            self.lists.setdefault(row.get("list_name", row.get("list name", "")), []).append(row)
        self.missing: dict[str, frozenset[str]] = {}

    def items(self) -> list[dict[str, Any]]:
        """Items of the module."""
        for row in self.sheets.survey:
            self._name(row)
        stack: list[list[dict[str, Any]]] = [[]]
        for row in self.sheets.survey:
            kind = re.sub(r"[\s_]+", " ", row.get("type", "")).strip().lower()
            if kind in ("begin group", "begin repeat"):
                node = self._part(row, kind)
                stack[-1].append(node)
                stack.append(node["items"])
            elif kind in ("end group", "end repeat"):
                if len(stack) > 1:
                    stack.pop()
            elif row.get("type"):
                item = self._item(row)
                if item is not None:
                    stack[-1].append(item)
        return _filled(stack[0])

    def _name(self, row: Row) -> None:
        """A name as modules take it: lower case, no dots, given once."""
        plain = row.get("name", "")
        if not plain or row.get("type", "").lower().startswith("end"):
            return
        base = re.sub(r"[^a-z0-9_]+", "_", plain.lower()).strip("_") or "q"
        base = base if base[0].isalpha() else f"q_{base}"
        name, number = base, 2
        while name in self.names.values():
            name, number = f"{base}_{number}", number + 1
        self.names.setdefault(plain, name)
        if name != plain:
            self.notes.append(f"row {row['#']}: '{plain}' is called '{name}' here")

    def _part(self, row: Row, kind: str) -> dict[str, Any]:
        node: dict[str, Any] = {"id": self.names.get(row.get("name", ""), f"part_{row['#']}")}
        node["type"] = kind.split()[1]
        if node["type"] == "repeat":
            node["level"] = "episode"
            self.notes.append(
                f"row {row['#']}: say what a row of '{node['id']}' is (level: job, episode, person …)"
            )
            count = re.search(r"\$\{\s*([\w.-]+)\s*\}", row.get("repeat_count", ""))
            if count and count.group(1) in self.names:
                node["count"] = self.names[count.group(1)]
            elif row.get("repeat_count", "").isdigit():
                node["count"] = int(row["repeat_count"])
        label = _label(row, "label")
        if label:
            node["text"] = label
        self._rule(row, "relevant", "ask_if", node)
        node["items"] = []
        return node

    def _item(self, row: Row) -> dict[str, Any] | None:
        word, _, listed = row["type"].strip().partition(" ")
        kind = word.lower()
        name = row.get("name", "")
        if kind in _METADATA:
            return None
        if not name:
            self.notes.append(f"row {row['#']}: '{row['type']}' has no name and was left out")
            return None
        self.seen.add(name)
        item: dict[str, Any] = {"id": self.names[name]}
        if kind in ("select_one", "select_multiple"):
            item["type"] = kind
            self._select(row, listed.strip(), item)
        elif kind == "calculate":
            return self._calculate(row, item)
        elif kind in _PLAIN:
            item["type"] = _PLAIN[kind]
        else:
            self.notes.append(f"row {row['#']}: '{name}' is a {kind}, which has no counterpart; left out")
            return None
        self._texts(row, item)
        self._limits(row, item)
        self._rule(row, "relevant", "ask_if", item)
        self._bind(name, item)
        return item

    def _texts(self, row: Row, item: dict[str, Any]) -> None:
        item["text"] = _label(row, "label") or item["id"]
        hint = _label(row, "hint")
        if hint:
            item["hint"] = hint
        if item["type"] not in ("note", "text") and row.get("required", "").lower() not in (
            "yes",
            "true",
            "true()",
        ):
            item["required"] = False

    def _select(self, row: Row, listed: str, item: dict[str, Any]) -> None:
        name, _, more = listed.partition(" ")
        if more.strip() == "or_other":
            self.notes.append(f"row {row['#']}: or_other of '{row['name']}': add a text question for it")
        pairs = [
            (_code(choice), _label(choice, "label") or _code(choice)) for choice in self.lists.get(name, [])
        ]
        missing = _missing(pairs)
        codes = [
            {"id": code.replace(" ", "_"), "text": label}
            for code, label in pairs
            if code not in missing.values()
        ]
        if not codes:
            self.notes.append(
                f"row {row['#']}: the choices of '{row['name']}' are not in the form; give them"
            )
            codes = [{"id": "1", "text": "to be given"}]
        item["codes"], item["missing"] = codes, missing
        self.missing[row["name"]] = frozenset(missing.values())

    def _limits(self, row: Row, item: dict[str, Any]) -> None:
        text = row.get("constraint", "")
        found = _RANGE.search(text)
        if item["type"] in ("integer", "decimal") and found:
            item["range"] = [float(found["low"]), float(found["high"])]
            outside = [c for c in _RANGE_MISSING.findall(text) if not _inside(float(c), item["range"])]
            if outside:
                item["missing"] = dict(zip(("dk", "refused", "na"), outside, strict=False))
                self.missing[row["name"]] = frozenset(outside)
                said = ", ".join(f"{reason} {code}" for reason, code in item["missing"].items())
                self.notes.append(
                    f"row {row['#']}: numbers outside the range of '{row['name']}' taken as {said}"
                )
        elif text and "count-selected" not in text:
            self._rule(row, "constraint", "constraint", item)

    def _rule(self, row: Row, column: str, key: str, node: dict[str, Any]) -> None:
        text = row.get(column, "")
        if not text or text.lower() in ("true()", "yes"):
            return
        try:
            tree = rule_from_xpath(text, current=row.get("name", ""), missing=self.missing)
        except NotARule:
            self.notes.append(f"row {row['#']}: {column} of '{row.get('name', '')}' is no rule: {text}")
            return
        node[key] = self._renamed(tree)

    def _renamed(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self._renamed(part) for part in tree]
        if not isinstance(tree, dict):
            return tree
        return {k: self.names.get(v, v) if k == "variable" else self._renamed(v) for k, v in tree.items()}

    def _calculate(self, row: Row, item: dict[str, Any]) -> dict[str, Any] | None:
        made = self._made(row)
        if made is None:
            said = row.get("calculation", "")
            self.notes.append(f"row {row['#']}: calculation of '{row['name']}' has no counterpart: {said}")
            return None
        item |= {"type": "calculate", "calculate": made}
        self._bind(row["name"], item)
        return item

    def _made(self, row: Row) -> dict[str, Any] | None:
        text = row.get("calculation", "").strip()
        arm, fixed, rule = _ARM.match(text), _CONSTANT.match(text), _RULE_CALCULATION.match(text)
        if arm:
            return {"random": int(arm["n"])}
        if fixed:
            return {"constant": int(fixed["number"]) if fixed["number"] else fixed["text"]}
        if re.fullmatch(r"position\((\.\.)(/\.\.)*\)", text):
            return {"row_number": True}
        if rule:
            try:
                return {"rule": self._renamed(rule_from_xpath(rule["met"], missing=self.missing))}
            except NotARule:
                return None
        return None

    def _bind(self, name: str, item: dict[str, Any]) -> None:
        binding = self.bindings.get(name)
        if binding is None:
            self._bind_by_name(item)
            return
        for variable in (binding.variable, *binding.variables.values()):
            if variable is not None and variable not in self.registry.variables:
                near = did_you_mean(variable, self.registry.variables)
                raise InstrumentError(f"'{name}' is bound to '{variable}', which there is not", expected=near)
        if binding.variable:
            item["variable"] = binding.variable
        if binding.criteria:
            item["criteria"] = list(binding.criteria)
        if binding.sensitivity:
            item["sensitivity"] = binding.sensitivity
        values = {str(k): v for k, v in binding.codes.items()}
        chosen = {str(k): v for k, v in binding.variables.items()}
        for choice in item.get("codes", ()):
            if choice["id"] in values:
                choice["value"] = values[choice["id"]]
            if choice["id"] in chosen:
                choice["variable"] = chosen[choice["id"]]

    def _bind_by_name(self, item: dict[str, Any]) -> None:
        """A question called as a harmonized variable; yes and no are known by their words."""
        variable = self.registry.variables.get(item["id"])
        if variable is None or item["type"] in ("note", "select_multiple"):
            return
        item["variable"] = item["id"]
        for choice in item.get("codes", ()) if variable.type == "boolean" else ():
            word = choice["text"].strip().lower()
            if word in ("yes", "no"):
                choice["value"] = word == "yes"


def _label(row: Row, column: str) -> str:
    """English text of a column, else the plain one, else the first language there is."""
    found = {head: text for head, text in row.items() if re.match(rf"{column}(::|:|$)", head)}
    english = [t for head, t in found.items() if re.search(r"english|\(en\)|::en$|:en$", head, re.IGNORECASE)]
    return next(iter([*english, *([found[column]] if column in found else []), *found.values()]), "")


def _code(choice: Row) -> str:
    return choice.get("name", choice.get("value", "")).strip()


def _missing(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Missing codes by reason: they stand at the end; "refused" amid others is an answer of its own."""
    found: dict[str, str] = {}
    for code, label in reversed(pairs):
        reason = next((r for r, words in _REASONS if words.search(label)), None)
        if reason is None or reason in found:
            break
        found[reason] = code
    return found


def _inside(value: float, limits: list[float]) -> bool:
    return limits[0] <= value <= limits[1]


def _filled(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without groups that lost all their questions."""
    kept = []
    for node in nodes:
        if "items" in node:
            node["items"] = _filled(node["items"])
            if not node["items"]:
                continue
        kept.append(node)
    return kept
