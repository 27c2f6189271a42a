"""Strict YAML: what is written is what is read, and every problem is told with its line.

PyYAML's defaults corrupt survey content: ``NO`` (Norway) becomes False, ``010`` becomes 8, ``22:30``
becomes 1350, and a key given twice silently wins by being last. Here only ``true``, ``false``, ``null``
and plain decimal numbers are typed (the YAML 1.2 core schema without octal, hex and sexagesimal);
everything else stays text, and a duplicate key is an error.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from survey_toolkit._input import input_file
from survey_toolkit.errors import DefinitionError, SurveyToolkitError

__all__ = ["MAX_YAML_BYTES", "StrictModel", "YamlDocument", "dump_text", "load_document", "load_text"]

#: A standards or study file is prose-sized; anything larger is a mistake or an attack.
MAX_YAML_BYTES = 8_000_000
_MAX_DEPTH = 60
#: Aliases are expanded; this stops a small file from becoming a large tree ("billion laughs").
_MAX_NODES = 400_000

YamlPath = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

_BaseLoader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_BaseLoader):  # type: ignore[misc]
    """Libyaml parser with the restricted core schema."""


_CoreLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


class StrictModel(BaseModel):
    """Base of all models of incoming data: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A parsed YAML file that remembers on which line each key stands.

    Attributes
    ----------
    data : Any
        Plain Python data: dict, list, str, int, float, bool, None.
    name : str
        Name shown in messages, usually the path as the user gave it.
    lines : mapping
        Path of keys and indices, e.g. ``("criteria", 0, "label")``, to its 1-based line.
    """

    data: Any
    name: str
    lines: Mapping[YamlPath, int]

    def line(self, path: YamlPath) -> int:
        """Line of ``path``, or of its nearest ancestor that is in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1

    def where(self, path: YamlPath = ()) -> str:
        """``file:line: dotted.key`` for a message."""
        dotted = ".".join(str(p) for p in path)
        return f"{self.name}:{self.line(path)}" + (f": {dotted}" if dotted else "")

    def validate(
        self, model: type[M], *, error: type[SurveyToolkitError] = DefinitionError, at: YamlPath = ()
    ) -> M:
        """Validate the data (or the part ``at``) against a model; tell all problems at once."""
        data = self.data
        for key in at:
            data = data[key]
        if data is None and not at:
            raise error(
                "the file holds nothing",
                where=self.name,
                expected="YAML with the keys of its kind",
                hint="start from a complete example",
                code="empty-yaml",
            )
        try:
            return model.model_validate(data)
        except ValidationError as exc:
            problems = list(_problems(exc, self, model, at))
            raise error(
                f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {self.name}",
                problems=problems,
                hint="correct the lines named above",
                code="invalid-yaml",
            ) from None


def load_text(text: str, name: str, *, error: type[SurveyToolkitError] = DefinitionError) -> YamlDocument:
    r"""Parse YAML text strictly.

    Examples
    --------
    >>> load_text("country: NO\ncode: 010\ntime: 22:30\nn: 5\nok: true", "x.yaml").data
    {'country': 'NO', 'code': '010', 'time': '22:30', 'n': 5, 'ok': True}
    >>> load_text("a: 1\nb: 2\na: 3\n", "x.yaml")
    Traceback (most recent call last):
    survey_toolkit.errors.DefinitionError: x.yaml:3: key 'a' is given twice
      found: first on line 1
      to do: keep one of them
    """
    loader = _CoreLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[YamlPath, int] = {}
        data = None if node is None else _build(node, (), lines, loader, name, error)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise error(
            f"not valid YAML: {exc.problem or exc.context}",
            where=f"{name}:{mark.line + 1 if mark else 1}",
            hint="check indentation, colons, quotes and tabs on this line",
            code="yaml-syntax",
        ) from None
    except yaml.YAMLError as exc:
        raise error(f"not valid YAML: {str(exc).splitlines()[0]}", where=name, code="yaml-syntax") from None
    finally:
        loader.dispose()
    return YamlDocument(data, name, lines)


def load_document(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    error: type[SurveyToolkitError] = DefinitionError,
) -> YamlDocument:
    """Read and parse a YAML file strictly.

    Raises
    ------
    SurveyToolkitError
        Of type ``error``: the file is missing, too large, not UTF-8, not YAML, or has a key twice.
    """
    shown = name or str(path)
    file = input_file(path, "YAML of this toolkit", max_bytes=MAX_YAML_BYTES, shown=shown, error=error)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise error(
            "the file is not UTF-8 text",
            where=shown,
            found=f"byte {exc.object[exc.start]:#04x} at position {exc.start}",
            expected="YAML, which is text",
            hint="is it the file you mean? If so, save it as UTF-8",
            code="encoding",
        ) from None
    return load_text(text, shown, error=error)


def dump_text(data: Mapping[str, Any], *, width: int = 110) -> str:
    """Write plain data as YAML, keys in their order, text as it is; what needs quotes gets them.

    Examples
    --------
    >>> print(dump_text({"country": "NO", "code": "010", "title": "Año"}), end="")
    country: 'NO'
    code: '010'
    title: Año
    """
    return str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=width))


def _build(
    node: Any,
    path: YamlPath,
    lines: dict[YamlPath, int],
    loader: Any,
    name: str,
    error: type[SurveyToolkitError],
) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _MAX_DEPTH or len(lines) > _MAX_NODES:
        raise error("nested too deeply or too large", where=f"{name}:{node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        out: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str | int | float | bool | None):
                raise error("a key must be plain text or a number", where=f"{name}:{line}")
            here = (*path, cast("str | int", key))
            if key in out:
                raise error(
                    f"key {key!r} is given twice",
                    where=f"{name}:{line}",
                    found=f"first on line {lines[here]}",
                    hint="keep one of them",
                    code="duplicate-key",
                )
            lines[here] = line
            out[key] = _build(value_node, here, lines, loader, name, error)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_build(v, (*path, i), lines, loader, name, error) for i, v in enumerate(node.value)]
    return loader.construct_object(node)


#: Patterns of our models in words.
_PATTERNS = {
    r"^[A-Z]{3}$": "three capital letters are expected (ISO 3166-1 alpha-3, such as KHM)",
    r"^[a-z][a-z0-9_]*$": "small letters, digits and _ are expected, a letter first",
}


def _problems(
    exc: ValidationError, document: YamlDocument, model: type[BaseModel], at: YamlPath
) -> Iterator[str]:
    known = _field_names(model)
    for item in exc.errors(include_url=False):
        path = (*at, *_in_document(item["loc"], document, at))
        message = str(item["msg"]).removeprefix("Value error, ")
        if item["type"] == "too_short" and item["input"]:
            continue  # pydantic's echo of an item that failed above: the list itself is not short
        if item["type"] == "extra_forbidden":
            key = str(item["loc"][-1])
            close = difflib.get_close_matches(key, known, 1)
            message = f"unknown key '{key}'" + (f"; did you mean '{close[0]}'?" if close else "")
        elif item["type"] == "missing":
            message = f"'{item['loc'][-1]}' is required"
        elif item["type"] == "string_pattern_mismatch" and item["ctx"]["pattern"] in _PATTERNS:
            message = f"{_PATTERNS[item['ctx']['pattern']]}, found {str(item['input'])[:60]!r}"
        elif item["type"] in ("model_type", "model_attributes_type", "dict_type"):
            message = f"lines 'key: value' are expected here, found {_kind(item['input'])}"
        elif isinstance(item["input"], str | int | float | bool) and item["type"] != "value_error":
            message = f"{message}, found {str(item['input'])[:60]!r}"
        yield f"{document.where(path)}: {message}"


def _kind(value: Any) -> str:
    """What stands where a mapping should: a list, or the beginning of a text."""
    return "a list" if isinstance(value, list) else repr(str(value)[:60])


def _in_document(loc: tuple[int | str, ...], document: YamlDocument, at: YamlPath) -> YamlPath:
    """Drop the union-member names that pydantic puts into a location but the file does not have."""
    path: YamlPath = ()
    for step in loc[:-1]:
        if (*at, *path, step) in document.lines:
            path = (*path, step)
    return (*path, loc[-1]) if loc else path


def _field_names(model: type[BaseModel], seen: set[type] | None = None) -> set[str]:
    """All keys any part of the model knows, for 'did you mean'."""
    seen = set() if seen is None else seen
    if model in seen:
        return set()
    seen.add(model)
    names: set[str] = set()
    stack: list[Any] = []
    for field_name, field in model.model_fields.items():
        names.add(field.alias or field_name)
        stack.append(field.annotation)
    while stack:
        annotation = stack.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= _field_names(annotation, seen)
        else:
            stack.extend(getattr(annotation, "__args__", ()))
    return names
