"""The package as installed: light to import, every public name there, the command line light too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import survey_toolkit as st

HEAVY = (
    *("pandas", "scipy", "duckdb", "pyreadstat", "numpy", "pydantic", "openpyxl", "jinja2", "narwhals"),
    *("statsmodels", "matplotlib", "polars", "pyarrow", "lxml", "docx", "pyxform", "pysdmx", "splink", "svy"),
)


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_import_loads_nothing_heavy() -> None:
    assert _loaded_by("import survey_toolkit").isdisjoint(HEAVY)


def test_the_command_line_starts_light() -> None:
    assert _loaded_by("import survey_toolkit.cli").isdisjoint(HEAVY)


def test_help_starts_light_and_reaches_every_file_of_verbs() -> None:
    code = (
        "import contextlib, io\nsys.argv = ['survey-toolkit', '--help']\n"
        "from survey_toolkit.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n    app()\n"
        "print(*sorted(m for m in sys.modules if m.startswith('survey_toolkit.cli_')))"
    )
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    *_, verbs, loaded = done.stdout.splitlines()
    files = Path(st.__file__).parent.glob("cli_*.py")
    assert set(verbs.split()) == {f"survey_toolkit.{p.stem}" for p in files}
    assert set(loaded.split()).isdisjoint(HEAVY)


def test_import_takes_less_than_three_tenths_of_a_second() -> None:
    script = "import time\nt = time.process_time()\nimport survey_toolkit\nprint(time.process_time() - t)"
    runs = [
        float(
            subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        )
        for _ in range(3)
    ]
    assert min(runs) < 0.3


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
