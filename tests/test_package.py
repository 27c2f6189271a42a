"""The package as installed: light to import, every public name there, the command line light too."""

from __future__ import annotations

import subprocess
import sys

import survey_toolkit as st

HEAVY = ("pandas", "scipy", "duckdb", "pyreadstat", "numpy", "pydantic", "openpyxl", "jinja2", "narwhals")


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_import_loads_nothing_heavy() -> None:
    assert _loaded_by("import survey_toolkit").isdisjoint(HEAVY)


def test_the_command_line_starts_light() -> None:
    assert _loaded_by("import survey_toolkit.cli").isdisjoint(HEAVY)


def test_every_public_name_is_there() -> None:
    for name in st.__all__:
        assert getattr(st, name) is not None
    assert set(st.__all__) <= set(dir(st))


def test_an_unknown_name_is_an_attribute_error() -> None:
    try:
        st.no_such_name  # noqa: B018
    except AttributeError as exc:
        assert "no_such_name" in str(exc)  # noqa: PT017
    else:
        raise AssertionError("an unknown name was accepted")
