"""From an XPath condition of a form back to a rule, as far as the rule language reaches.

Understood: comparisons of one question with a constant, ``selected``, ``and``, ``or``, ``not``, brackets,
``true()`` left out. Everything else (arithmetic, functions, other nodes) is refused; the importer says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["NotARule", "rule_from_xpath"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<ref>\$\{\s*[A-Za-z_][\w.-]*\s*\}|\.(?![\w.]))|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<text>'[^']*'|"[^"]*")|(?P<op><=|>=|!=|=|<|>)|(?P<mark>[(),])|(?P<word>[A-Za-z][\w-]*))"""
)
_COMPARE = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_MIRROR = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
Tree = dict[str, Any]


class NotARule(Exception):  # noqa: N818 - a sign between two functions, never shown
    """The expression says something that the rule language does not."""


def rule_from_xpath(
    text: str, *, current: str = "", missing: Mapping[str, frozenset[str]] | None = None
) -> Tree:
    """Rule as plain data.

    Parameters
    ----------
    text : str
    current : str
        Question that ``.`` stands for.
    missing : mapping of question to codes, optional
        A comparison with a missing code becomes ``is_missing``.

    Raises
    ------
    NotARule

    Examples
    --------
    >>> rule_from_xpath("selected(${a}, '1') and not(${age} >= 18)")
    {'all_of': [{'variable': 'a', 'eq': '1'}, {'not': {'variable': 'age', 'ge': 18}}]}
    """
    reader = _Reader(_tokens(text), current, missing or {})
    tree = reader.either()
    if reader.at < len(reader.tokens):
        raise NotARule(text)
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise NotARule(text)
        found.append((str(match.lastgroup), match.group().strip()))
        place = match.end()
    return found


class _Reader:
    def __init__(
        self, tokens: list[tuple[str, str]], current: str, missing: Mapping[str, frozenset[str]]
    ) -> None:
        self.tokens, self.current, self.missing = tokens, current, missing
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, kind: str, value: str | None = None) -> str:
        found = self.peek()
        if found[0] != kind or value not in (None, found[1]):
            raise NotARule(found[1])
        self.at += 1
        return found[1]

    def either(self) -> Tree:
        return self._chain("or", "any_of", self.both)

    def both(self) -> Tree:
        return self._chain("and", "all_of", self.single)

    def _chain(self, word: str, operator: str, part: Any) -> Tree:
        parts = [part()]
        while self.peek() == ("word", word):
            self.at += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else {operator: parts}

    def single(self) -> Tree:
        kind, value = self.peek()
        if (kind, value) == ("mark", "("):
            self.at += 1
            inner = self.either()
            self.take("mark", ")")
            return inner
        if kind == "word":
            return self._function(value)
        return self._comparison()

    def _function(self, name: str) -> Tree:
        self.at += 1
        self.take("mark", "(")
        if name == "not":
            inner = self.either()
            self.take("mark", ")")
            return {"not": inner}
        if name != "selected":
            raise NotARule(name)
        question = self._name(self.take("ref"))
        self.take("mark", ",")
        code = self.take("text")[1:-1]
        self.take("mark", ")")
        return self._test(question, "eq", code)

    def _comparison(self) -> Tree:
        left, op, right = self._side(), _COMPARE[self.take("op")], self._side()
        if isinstance(left, tuple) == isinstance(right, tuple):
            raise NotARule("two questions, or none")
        if isinstance(left, tuple):
            return self._test(left[0], op, right)
        return self._test(right[0], _MIRROR[op], left)

    def _side(self) -> Any:
        kind, value = self.peek()
        self.at += 1
        if kind == "ref":
            return (self._name(value),)
        if kind == "text":
            return value[1:-1]
        if kind == "number":
            return float(value) if "." in value else int(value)
        raise NotARule(value)

    def _name(self, ref: str) -> str:
        name = self.current if ref == "." else ref[2:-1].strip()
        if not name:
            raise NotARule(ref)
        return name

    def _test(self, question: str, op: str, value: Any) -> Tree:
        if value == "" or str(value) in self.missing.get(question, frozenset()):
            if op not in ("eq", "ne"):
                raise NotARule(op)
            return {"variable": question, "is_missing": op == "eq"}
        if op in ("lt", "le", "gt", "ge") and isinstance(value, str):
            raise NotARule(value)
        return {"variable": question, op: value}
