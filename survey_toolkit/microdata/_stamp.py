"""The moment that SPSS and Stata files carry in their head: the same for the same content.

pyreadstat puts the clock of the machine there, so that a file written again has another fingerprint. The
fields have fixed places: bytes 92 to 109 of a system file (``dd mmm yy`` and ``hh:mm:ss``), and the element
``<timestamp>`` of a Stata file (17 bytes, ``dd Mon yyyy hh:mm``).
"""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path

from survey_toolkit.errors import DataFileError

__all__ = ["moment_written", "put_moment"]

#: What the workbooks of this toolkit carry as well: the first day a ZIP archive can tell.
_NO_MOMENT = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)
_LATEST = int(dt.datetime(2069, 12, 31, 23, 59, 59, tzinfo=dt.UTC).timestamp())
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPSS = re.compile(rb"(?s)\$FL[23].{88}(?P<field>.{9}\d\d:\d\d:\d\d)")
_STATA = re.compile(rb"(?s)<stata_dta><header>.*?<timestamp>\x11(?P<field>.{17})</timestamp>")
#: Bytes in which both fields stand; a label of a Stata file has at most 80 characters.
_HEAD = 1024


def moment_written() -> dt.datetime:
    """``SOURCE_DATE_EPOCH`` (seconds since 1970, UTC) where the environment has it, else 1 January 1980.

    Raises
    ------
    DataFileError
        ``SOURCE_DATE_EPOCH`` is no such number, or lies after 2069: SPSS has two digits for the year.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not given:
        return _NO_MOMENT
    if not re.fullmatch(r"[0-9]{1,12}", given) or int(given) > _LATEST:
        raise DataFileError(
            "the moment of writing cannot be told",
            where="SOURCE_DATE_EPOCH",
            found=repr(given[:40]),
            expected=f"whole seconds since 1970-01-01, at most {_LATEST}",
            hint="set it to such a number, or unset it",
            code="bad-moment",
        )
    return dt.datetime.fromtimestamp(int(given), dt.UTC)


def put_moment(path: Path) -> None:
    """Put :func:`moment_written` in place of what the clock said, in a ``.sav``, ``.zsav`` or ``.dta``."""
    when = moment_written()
    day = f"{when:%d} {_MONTHS[when.month - 1]}"  # never in the language of the machine
    with path.open("r+b") as file:
        head = file.read(_HEAD)
        if found := _SPSS.match(head):
            text = f"{day} {when:%y}{when:%H:%M:%S}"
        elif found := _STATA.match(head):
            text = f"{day} {when:%Y %H:%M}"
        else:
            raise DataFileError("no place for the moment of writing in the head of the file", where=path.name)
        file.seek(found.start("field"))
        file.write(text.encode("ascii"))
