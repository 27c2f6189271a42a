"""Where the shipped standards and questions are: in the wheel, or beside the package in a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from survey_toolkit.errors import SurveyToolkitError

__all__ = ["data_root"]


def data_root(kind: Literal["harmonization", "instruments", "golden"]) -> Path:
    """Folder that holds the shipped data of this kind.

    A wheel carries the two data folders under ``survey_toolkit/_data``; an editable install reads
    them in place, beside the package. ``golden`` are the expected values of the tests, which a validation
    on the user's own machine compares with.

    Examples
    --------
    >>> (data_root("harmonization") / "sources.yaml").is_file()
    True
    """
    package = Path(str(files("survey_toolkit")))
    beside = "tests/golden" if kind == "golden" else kind
    for candidate in (package / "_data" / kind, package.parent / beside):
        if candidate.is_dir():
            return candidate
    raise SurveyToolkitError(
        f"the shipped folder '{kind}' is missing",
        where=str(package / "_data"),
        hint="reinstall survey_toolkit",
        code="broken-install",
    )
