"""A file that a user names: it is there, and not larger than what it claims to be can be."""

from __future__ import annotations

import os
from pathlib import Path

from survey_toolkit.errors import DataFileError, SurveyToolkitError

__all__ = ["input_file"]


def input_file(
    path: str | os.PathLike[str],
    kind: str,
    *,
    max_bytes: int,
    shown: str | None = None,
    error: type[SurveyToolkitError] = DataFileError,
    hint: str = "check the path",
) -> Path:
    """Return the path of a file that may be read.

    Parameters
    ----------
    path : path
        As the user gave it.
    kind : str
        What it should be, with its article: ``"a map"``.
    max_bytes : int
        A larger file is a mistake or an attack; it is not opened.
    shown : str, optional
        Name in messages; default the path as given.
    error : type of SurveyToolkitError
        By whose move is next.
    hint : str
        What to do where the file is missing.

    Raises
    ------
    SurveyToolkitError
        Of type ``error``, code ``missing-file`` or ``too-large``.

    Examples
    --------
    >>> input_file("nowhere.csv", "a table", max_bytes=10)
    Traceback (most recent call last):
    survey_toolkit.errors.DataFileError: nowhere.csv: there is no such file
      to do: check the path
    """
    file, where = Path(path), shown or str(path)
    if not file.is_file():
        raise error("there is no such file", where=where, hint=hint, code="missing-file")
    size = file.stat().st_size
    if size > max_bytes:
        raise error(
            f"the file is too large for {kind}",
            where=where,
            found=f"{size:,} bytes",
            expected=f"at most {max_bytes:,}",
            hint="is it the file you mean?",
            code="too-large",
        )
    return file
