"""Write microdata so that colleagues can open them in their own tools, with labels and missing codes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from survey_toolkit._atomic import appearing
from survey_toolkit._spreadsheet import frame_csv
from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._encode import encode
from survey_toolkit.microdata._parquet import write_parquet
from survey_toolkit.microdata._stamp import put_moment
from survey_toolkit.microdata.model import Microdata

__all__ = ["WRITERS", "write_microdata"]

#: Format 118 holds no more; the next one is for the largest edition of Stata.
_STATA_14_COLUMNS = 32_767


def write_microdata(data: Microdata, path: str | os.PathLike[str]) -> Path:
    """Write ``.sav .zsav .dta .parquet`` or ``.csv``; the file appears whole or not at all.

    SPSS gets labels and declared missing codes; reasons that stand beside null cells become codes from
    -99 on, declared missing and labelled. Stata gets the tags ``.a`` to ``.z`` with labels, for reasons
    and for declared codes alike; it has no labels and no missing codes for text (their reason stands
    beside, ``user_missing`` where none is known), and labels of decimal codes are left out with a
    warning. Parquet keeps everything. CSV keeps values and codes only, and text that a spreadsheet would
    run as a formula is neutralised.

    The same content gives the same bytes, so that a fingerprint (SHA-256) on record can be checked by writing
    again. SPSS and Stata files tell a moment of writing in their head: it is 1 January 1980, 00:00, which is
    no moment at all, or the one that the environment variable ``SOURCE_DATE_EPOCH`` names (seconds since
    1970, UTC). Stata files are of format 118, which Stata reads from version 14 on; beyond 32,767 columns of
    format 119.

    Parameters
    ----------
    data : Microdata
    path : path
        Its extension chooses the format.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DataFileError
        Unknown extension, a name or a missing declaration the format cannot hold, no such folder.

    Examples
    --------
    >>> import pandas as pd, tempfile, pathlib
    >>> from survey_toolkit.microdata import Microdata, read_microdata
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> data = Microdata.from_frame(pd.DataFrame({"sex": [1, 2]}))
    >>> read_microdata(write_microdata(data, folder / "out.sav")).frame["sex"].to_list()
    [1, 2]
    """
    target = Path(path)
    writer = WRITERS.get(target.suffix.lower())
    if writer is None:
        raise DataFileError(
            "this file type cannot be written",
            where=target.name,
            found=target.suffix or "no extension",
            expected=", ".join(WRITERS),
            code="unsupported-format",
        )
    if not target.parent.is_dir():
        raise DataFileError("there is no such folder", where=str(target.parent), code="missing-file")
    with appearing(target) as temporary:
        try:
            writer(data, temporary)
        except DataFileError:
            raise
        except Exception as exc:
            raise DataFileError(
                f"the data cannot be written as {target.suffix}",
                where=target.name,
                found=str(exc).splitlines()[0][:200] if str(exc) else type(exc).__name__,
                hint="check column names (Stata: 32 characters, letters, digits and _) and column types",
                code="unwritable",
            ) from None
    return target


def _write_sav(data: Microdata, path: Path, *, compress: bool = False) -> None:
    import pyreadstat

    coded = encode(data, "sav")
    pyreadstat.write_sav(
        coded.frame(),
        str(path),
        column_labels={n: t for n, t in coded.labels.items() if t},
        variable_value_labels=coded.value_labels,
        missing_ranges=coded.missing,
        variable_format=coded.formats,
        compress=compress,
        row_compress=not compress,
    )
    put_moment(path)


def _write_zsav(data: Microdata, path: Path) -> None:
    _write_sav(data, path, compress=True)


def _write_dta(data: Microdata, path: Path) -> None:
    import pyreadstat

    coded = encode(data, "dta")
    frame = coded.frame()
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels={n: t for n, t in coded.labels.items() if t},
        variable_value_labels=coded.value_labels,
        missing_user_values=coded.missing,
        variable_format=coded.formats,
        version=14 if frame.shape[1] <= _STATA_14_COLUMNS else 15,
    )
    put_moment(path)


def _write_parquet(data: Microdata, path: Path) -> None:
    write_parquet(data.frame, data.variables, path)


def _write_csv(data: Microdata, path: Path) -> None:
    frame = data.frame.copy(deep=False)
    for name in frame.columns:
        if str(frame[name].dtype) == "boolean":
            frame[name] = frame[name].map({True: "true", False: "false"}, na_action="ignore")
    frame_csv(frame, path)


#: Extension to writer.
WRITERS: dict[str, Callable[[Microdata, Path], None]] = {
    ".sav": _write_sav,
    ".zsav": _write_zsav,
    ".dta": _write_dta,
    ".parquet": _write_parquet,
    ".csv": _write_csv,
}
