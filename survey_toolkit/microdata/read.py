"""Read a survey file with its metadata, whatever it is, or say in one message why it cannot be read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.microdata._delimited import read_delimited
from survey_toolkit.microdata._parquet import read_parquet
from survey_toolkit.microdata._process import ReadLimits, WorkerFailure, private_folder
from survey_toolkit.microdata._sniff import DESCRIPTIONS, Header, read_header, sniff
from survey_toolkit.microdata._statistical import RawTable, read_statistical
from survey_toolkit.microdata.model import MISSING_SUFFIX, FileSource, Microdata, Variable

__all__ = ["FORMATS", "file_sha256", "read_microdata"]

#: File extension to the kinds it may hold.
FORMATS = {
    ".sav": ("sav", "zsav"),
    ".zsav": ("sav", "zsav"),
    ".dta": ("dta",),
    ".sas7bdat": ("sas7bdat",),
    ".xpt": ("xpt",),
    ".xpt5": ("xpt",),
    ".xpt8": ("xpt",),
    ".csv": ("text", "utf16"),
    ".tsv": ("text", "utf16"),
    ".tab": ("text", "utf16"),
    ".parquet": ("parquet",),
    ".pq": ("parquet",),
}
_HEAD_BYTES = 4_000_000
_ADVICE = {
    "html": "open it in a browser: log in to the archive and download the data again",
    "lfs": "fetch the file itself with 'git lfs pull'",
    "gzip": "unpack it first",
    "zip": "unpack it first; an .xlsx workbook: save the sheet as CSV",
    "ole": "save it as CSV, without a password",
    "encrypted": "open it in SPSS with its password and save it without one",
    "empty": "the transfer failed; fetch the file again",
    "por": "save it as .sav; a .por file loses its missing-value declarations in every open reader",
}


def read_microdata(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    limits: ReadLimits | None = None,
) -> Microdata:
    r"""Read a ``.sav .zsav .dta .sas7bdat .xpt .csv .tsv .parquet`` file with labels and missing codes.

    Values and codes stay as they stand in the file: codes declared missing are not blanked but declared
    in ``variables``; Stata's ``.a`` to ``.z`` are null with their tag in ``<name>__missing``. Text is
    decoded strictly: in the encoding given, else the one the file declares, else UTF-8. Dates become
    dates only where nothing is lost. SPSS, Stata and SAS files are opened in a child process under
    limits, because a malformed file can kill their parser.

    Parameters
    ----------
    path : path
        The file.
    encoding : str, optional
        Overrides what the file declares, e.g. ``"cp874"`` for an old Thai file.
    columns : sequence of str, optional
        Read only these.
    limits : ReadLimits, optional
        Time, memory and size a file may cost.

    Returns
    -------
    Microdata

    Raises
    ------
    DataFileError
        The file is missing, empty, too large, damaged, protected, of another kind than its name says,
        or its text is in another encoding. The message says what was found and what to do.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "hh.csv"
    >>> _ = file.write_text("hhid,size\n0101,4\n0102,3\n", encoding="utf-8")
    >>> read_microdata(file).frame["hhid"].to_list()
    ['0101', '0102']
    """
    file = Path(path)
    limits = limits or ReadLimits()
    size = _check_file(file, limits)
    with file.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
        kind = _check_kind(file, head)
    wanted = list(columns) if columns is not None else None
    table = _read(file, kind, head, size, encoding, wanted, limits)
    if wanted is not None and any(name not in table.variables for name in wanted):
        raise _no_column(file.name, wanted, _read(file, kind, head, size, encoding, None, limits))
    source = FileSource(
        name=file.name,
        sha256=file_sha256(file),
        format=kind,
        encoding=table.encoding,
        n_rows=len(table.frame),
    )
    variables = {n: v for n, v in table.variables.items() if not _is_companion(n, table.variables)}
    return Microdata(frame=table.frame, variables=variables, source=source, notes=table.notes)


def _is_companion(name: str, variables: Mapping[str, Variable]) -> bool:
    """Whether a column tells why the column beside it is null, as this toolkit writes it."""
    return name.endswith(MISSING_SUFFIX) and name.removesuffix(MISSING_SUFFIX) in variables


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, which names its content in every trace."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _check_file(file: Path, limits: ReadLimits) -> int:
    if not file.is_file():
        raise DataFileError(
            "this is a folder" if file.is_dir() else "there is no such file",
            where=str(file),
            hint="check the path",
            code="missing-file",
        )
    if file.suffix.lower() not in FORMATS:
        raise DataFileError(
            "this file type cannot be read",
            where=file.name,
            found=file.suffix or "no extension",
            expected=", ".join(FORMATS),
            hint=_ADVICE.get(file.suffix.lower().lstrip("."), "save it as .sav, .dta or .csv"),
            code="unsupported-format",
        )
    size = file.stat().st_size
    if size > limits.file_bytes:
        raise DataFileError(
            "the file is larger than the limit",
            where=file.name,
            found=f"{size:,} bytes",
            expected=f"at most {limits.file_bytes:,}",
            hint="raise the limit: read_microdata(path, limits=ReadLimits(file_bytes=…))",
            code="too-large",
        )
    return size


def _check_kind(file: Path, head: bytes) -> str:
    kind = sniff(head[:4096])
    allowed = FORMATS[file.suffix.lower()]
    if kind in allowed:
        return "text" if kind == "utf16" else kind
    if kind in ("html", "xml") or allowed[0] != "text" or kind != "binary":
        raise DataFileError(
            f"the content is not what the extension {file.suffix} says",
            where=file.name,
            found=DESCRIPTIONS[kind],
            expected=DESCRIPTIONS[allowed[0]],
            hint=_ADVICE.get(kind, _rename_hint(kind)),
            code="wrong-format",
        )
    return "text"


def _rename_hint(kind: str) -> str:
    extension = next((ext for ext, kinds in FORMATS.items() if kind in kinds), None)
    if extension and kind != "text":
        return f"if that is what you meant, rename it to {extension}"
    return "fetch the file again, or export it again from the program that made it"


def _read(
    file: Path,
    kind: str,
    head: bytes,
    size: int,
    encoding: str | None,
    columns: list[str] | None,
    limits: ReadLimits,
) -> RawTable:
    with private_folder() as folder:
        if kind == "text":
            return read_delimited(file, folder, encoding=encoding, columns=columns, limits=limits)
        if kind == "parquet":
            return read_parquet(file, folder, columns=columns)
        header = read_header(head, kind)
        _check_whole(file, kind, header, size)
        try:
            return read_statistical(
                file,
                folder,
                kind=kind,
                header=header,
                n_bytes=size,
                encoding=encoding,
                columns=columns,
                limits=limits,
            )
        except WorkerFailure as failure:
            raise _failure(file, kind, header, failure) from None


def _check_whole(file: Path, kind: str, header: Header, size: int) -> None:
    """Tell a cut-off file by its form, where the parser would read on in silence."""
    cut = None
    if kind == "xpt" and size % 80:
        cut = f"{size:,} bytes, not a multiple of 80"
    if kind == "dta" and (header.release or 0) >= 117:
        with file.open("rb") as handle:
            handle.seek(max(0, size - 64))
            if b"</stata_dta>" not in handle.read():
                cut = "no closing tag at the end"
    if cut:
        raise DataFileError(
            "the file was cut off",
            where=file.name,
            found=cut,
            expected="a complete file",
            hint="fetch the file again",
            code="truncated",
        )


def _failure(file: Path, kind: str, header: Header, failure: WorkerFailure) -> DataFileError:
    what, code = f"{DESCRIPTIONS[kind].removeprefix('a ').removeprefix('an ')} cannot be read", "damaged"
    found: str | None = failure.message or None
    hint = "it is damaged or was cut off: fetch it again, or open it in its own program and save it anew"
    if failure.kind == "crash":
        what, found = "the file is so damaged that its parser broke down", failure.message
    elif failure.kind == "time":
        what, code = "reading took longer than the limit", "too-large"
        hint = "if the file is sound, raise it: read_microdata(path, limits=ReadLimits(seconds=…))"
    elif failure.kind == "memory":
        what, code = "reading needed more memory than the limit", "too-large"
        hint = "a small file that asks for this is damaged; else raise limits=ReadLimits(memory_bytes=…)"
    elif kind == "dta" and header.release is not None and header.release < 104:
        what, code = f"Stata format {header.release} is too old for this reader", "unsupported-format"
        hint = "open it in Stata and save it anew"
    elif failure.kind in ("PyreadstatError", "ReadstatError"):
        found = failure.message.strip("'\"").split("\\n")[0]
    else:
        found = f"{failure.kind} in the parser"
    return DataFileError(what, where=file.name, found=found, hint=hint, code=code)


def _no_column(name: str, wanted: list[str], table: RawTable) -> DataFileError:
    missing = [column for column in wanted if column not in table.variables]
    return DataFileError(
        "no such column" + ("s" if len(missing) > 1 else ""),
        where=name,
        found=", ".join(f"'{m}'" for m in missing),
        expected=did_you_mean(missing[0], table.variables),
        hint="names are case-sensitive",
        code="missing-column",
    )
