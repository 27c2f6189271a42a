"""Pages that are made from the package itself when the site is built: they cannot go out of date."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOMS = {
    "standards": "Definitions, criteria and the rule language",
    "instruments": "Questionnaires and the forms made from them",
    "microdata": "Reading, harmonizing, classifying",
    "sampling": "Sample size, allocation, selection, weights",
    "estimation": "Design-based estimation",
    "multiple_systems": "Multiple systems estimation",
    "hidden_populations": "Methods for hidden populations",
    "indicators": "Figures and their trace",
    "dissemination": "Disclosure control, tables, reports, machine formats",
    "monitoring": "Results frameworks",
    "datasets": "Published tables and the simulated country",
    "study": "The study file",
    "validation": "Proof on your machine",
}


def on_files(files: Files, config: Any) -> Files:
    """Add the generated reference pages."""
    pages = {
        "reference/cli.md": _command_line(),
        "reference/study.md": _study(),
        **_definitions(),
        **_python(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


_ROLE = re.compile(r":[a-z]+:<code>(?:~(?:\w+\.)*)?([\w.]+?)(?: &lt;[\w.]+&gt;)?</code>")


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """Roles of docstrings (``:meth:`Survey.mean <...>```) as the names that they show."""
    return _ROLE.sub(r"<code>\1</code>", html)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """With DOCS_OUTPUTS=1: run the blocks of the page and show what they print (minutes in all)."""
    if not os.environ.get("DOCS_OUTPUTS") or page.file.generated_by:
        return markdown
    os.environ["COLUMNS"] = "100"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return str(_blocks().with_outputs(markdown, page.file.src_uri))


def _blocks() -> Any:
    name = "docs_blocks"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("blocks.py"))
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


#: Options of every verb, told once.
_SHARED = ("help", "quiet", "verbose")


def _command_line() -> str:
    import typer

    from survey_toolkit.cli import app

    root = typer.main.get_command(app)
    out = [
        "# Command line", "",
        "What every verb shares (`--quiet`, `--verbose`, `--json`, exit codes, completion) is told in "
        "[Output, exit codes, completion](command_line.md).", "",
    ]  # fmt: skip
    for name, command in sorted(_commands(root)):
        out += [f"## `survey-toolkit {name}`", "", _plain(command.help or ""), ""]
        rows = [
            _option(p) for p in command.params if not getattr(p, "hidden", False) and p.name not in _SHARED
        ]
        if rows:
            out += ["| argument or option | what it is |", "|---|---|", *rows, ""]
    return "\n".join(out)


def _commands(group: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        full = f"{prefix}{name}"
        found += _commands(command, f"{full} ") if hasattr(command, "commands") else [(full, command)]
    return found


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{o}`" for o in parameter.opts) if parameter.opts else parameter.name
    if parameter.param_type_name == "argument":
        names = f"`{parameter.name.upper()}`"
    return f"| {names} | {_cell(getattr(parameter, 'help', '') or '')} |"


def _study() -> str:
    from survey_toolkit.study import json_schema

    schema = json_schema()
    out = [
        "# Study file", "",
        "One YAML holds the run. `survey-toolkit new` starts one; `survey-toolkit schema` prints the JSON "
        "Schema this page is made from. Paths are relative to the study file and may not leave its "
        "folder.", "",
    ]  # fmt: skip
    for name, model in {"study": schema, **schema["$defs"]}.items():
        if "properties" not in model:
            continue
        title = "The study" if name == "study" else name.removesuffix("Spec")
        out += [f"## {title}", "", model.get("description", "").replace("``", "`"), ""]
        out += ["| key | value | what it is |", "|---|---|---|"]
        required = model.get("required", ())
        for key, spec in model["properties"].items():
            must = "**needed**. " if key in required else ""
            out.append(f"| `{key}` | {_cell(_type(spec))} | {must}{_cell(_said(spec, schema['$defs']))} |")
        out.append("")
    return "\n".join(out)


def _said(spec: dict[str, Any], models: dict[str, Any]) -> str:
    """What a key is: its own description, or that of the block it holds; and its default."""
    refs = [s["$ref"] for s in (spec, *spec.get("anyOf", ())) if "$ref" in s]
    text = spec.get("description") or "".join(models[r.rsplit("/", 1)[1]]["description"] for r in refs[:1])
    default = spec.get("default")
    plain = isinstance(default, bool | int | float | str)
    if plain:
        shown = str(default).lower() if isinstance(default, bool) else default
        text = f"{text.rstrip('.')}; default: `{shown}`"
    return text.replace("``", "`")


def _type(spec: dict[str, Any]) -> str:
    if "$ref" in spec:
        name = spec["$ref"].rsplit("/", 1)[1].removesuffix("Spec")
        return f"[{name}](#{name.lower()})"
    if "enum" in spec:
        return ", ".join(f"`{v}`" for v in spec["enum"])
    if "anyOf" in spec:
        return " or ".join(_type(s) for s in spec["anyOf"] if s.get("type") != "null")
    if spec.get("type") == "array":
        return f"list of {_type(spec.get('items', {}))}"
    if spec.get("type") == "object" and isinstance(spec.get("additionalProperties"), dict):
        return f"names to {_type(spec['additionalProperties'])}"
    return str(spec.get("type", "any"))


def _definitions() -> dict[str, str]:
    from survey_toolkit.standards import load, show

    registry = load()
    index = [
        "# Definitions", "",
        "The shipped standards, as `survey-toolkit standards show` prints them. Each item says how far it "
        "was checked against its source.", "",
    ]  # fmt: skip
    pages = {}
    for name in sorted(registry.definitions):
        definition = registry.definitions[name]
        index += [f"## {_cell(definition.title['en'])}", ""]
        for version in definition.versions:
            page = f"{name}_{version.version}".replace(".", "_")
            index.append(
                f"- [`{name}@{version.version}`](definitions/{page}.md): {_cell(version.title['en'])}"
            )
            text = show(registry, f"{name}@{version.version}")
            pages[f"reference/definitions/{page}.md"] = (
                f"---\nhide: [toc]\n---\n\n# {name}@{version.version}\n\n```text\n{text}\n```\n"
            )
        index.append("")
    return {"reference/definitions.md": "\n".join(index), **pages}


def _python() -> dict[str, str]:
    index = ["# Python", "", "```python", "import survey_toolkit as st", "```", ""]
    index += ["| room | what it holds |", "|---|---|"]
    pages = {}
    for room, text in ROOMS.items():
        try:
            module = importlib.import_module(f"survey_toolkit.{room}")
        except ModuleNotFoundError:
            continue
        index.append(f"| [`survey_toolkit.{room}`](python/{room}.md) | {text} |")
        first = (module.__doc__ or "").split("\n\n")[0]
        body = [f"# {text}", "", f"`survey_toolkit.{room}`: {_plain(first)}", ""]
        for name in sorted(module.__all__, key=str.lower):
            thing = getattr(module, name)
            home = getattr(thing, "__module__", None)
            if not isinstance(home, str) or not home.startswith("survey_toolkit") or not thing.__doc__:
                continue
            body += [
                f"::: {home}.{getattr(thing, '__name__', name)}",
                "",
            ]  # an alias is shown under its first name
        pages[f"reference/python/{room}.md"] = "\n".join(body)
    return {"reference/python.md": "\n".join(index) + "\n", **pages}


def _plain(text: str) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines() if line.strip())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
