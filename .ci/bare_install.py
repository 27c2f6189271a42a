"""What a core install without extras must do: import every module, run the verbs, name the missing extra.

Run with the Python of a bare environment: ``python -I .ci/bare_install.py OUT``.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

# Modules that are the far side of a guarded door: only their guard imports them.
EXTRAS = ("docx", "svy", "splink", "pytauargus", "pyspark", "polars")


def modules() -> list[str]:
    """Return the names of all modules of the package."""
    import survey_toolkit

    return [m.name for m in pkgutil.walk_packages(survey_toolkit.__path__, "survey_toolkit.")]


def check_imports() -> list[str]:
    """Import every module; what an extra is missing for must be a module behind a guard."""
    behind = []
    for name in modules():
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as exc:
            if (exc.name or "").split(".")[0] not in EXTRAS:
                raise
            if not name.rsplit(".", 1)[-1].startswith(("_", "paper_docx_")):
                raise
            behind.append(f"{name} ({exc.name})")
    return behind


def check_missing_extra() -> str:
    """Ask for a Word questionnaire without python-docx: a typed error with the pip line."""
    from survey_toolkit.errors import MissingExtraError
    from survey_toolkit.instruments import paper_docx

    try:
        paper_docx.paper_docx(None)  # type: ignore[arg-type]
    except MissingExtraError as exc:
        text = str(exc)
        assert "pip install" in text, text
        return text.splitlines()[0]
    raise AssertionError("no MissingExtraError without python-docx")


def check_licences() -> str:
    """No licence of the GPL family among what the core needs; what is under MPL is told."""
    from survey_toolkit._sbom import components, copyleft

    core = [c for c in components() if c.required]
    found = copyleft(core)
    assert len(core) > 17, "the core's requirements were not found"
    assert found["strong"] == (), found
    return f"{len(core)} core packages, strong copyleft: none, by file: {', '.join(found['file']) or 'none'}"


def main() -> None:
    """Run all checks and print one line each."""
    out = Path(sys.argv[1])
    verb = Path(sys.executable).with_name("survey-toolkit")
    start = time.perf_counter()
    for args in (["standards", "check"], ["demo", "--out", str(out)], ["validate", "--out", str(out)]):
        subprocess.run([str(verb), *args], check=True, stdout=subprocess.DEVNULL)
    print(f"standards check, demo, validate: {time.perf_counter() - start:.0f} s")
    present = [name for name in EXTRAS if importlib.util.find_spec(name)]
    behind = check_imports()
    print(f"{len(modules())} modules imported; behind an extra: {', '.join(behind) or 'none'}")
    print(f"extras present: {', '.join(present) or 'none'}")
    print(check_licences())
    if "docx" not in present:
        print(check_missing_extra())


if __name__ == "__main__":
    main()
