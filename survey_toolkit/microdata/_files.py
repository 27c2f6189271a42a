"""From a path to something a reader can open: what it is by its bytes, unpacked if it is a .gz."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._process import ReadLimits, WorkerFailure, private_folder
from survey_toolkit.microdata._sniff import DESCRIPTIONS, sniff

__all__ = ["FORMATS", "SourceFile", "opened", "parser_failure", "plain_size"]

#: File extension to the kinds it may hold.
FORMATS = {
    ".sav": ("sav", "zsav"),
    ".zsav": ("sav", "zsav"),
    ".por": ("por",),
    ".dta": ("dta",),
    ".sas7bdat": ("sas7bdat",),
    ".xpt": ("xpt",),
    ".xpt5": ("xpt",),
    ".xpt8": ("xpt",),
    ".csv": ("text", "utf16"),
    ".tsv": ("text", "utf16"),
    ".tab": ("text", "utf16"),
    ".xlsx": ("zip",),
    ".parquet": ("parquet",),
    ".pq": ("parquet",),
}
_FIXED = (".dat", ".txt", ".csdat")
_UNPACK_STEP = 1 << 20
_SMALL = 50_000_000
_UNPACK_RATIO = 200
_ADVICE = {
    "html": "open it in a browser: log in to the archive and download the data again",
    "lfs": "fetch the file itself with 'git lfs pull'",
    "gzip": "add .gz to its name, or unpack it first",
    "zip": "unpack it first; an export of several tables: read_tables(path)",
    "ole": "save it as CSV, without a password",
    "encrypted": "open it in SPSS with its password and save it without one",
    "empty": "the transfer failed; fetch the file again",
    "sas7bcat": "it holds value labels: read_microdata('….sas7bdat', catalog='….sas7bcat')",
    "dcf": "it describes fixed-width data: read_microdata('….dat', layout='….dcf')",
    "dat": "fixed-width text needs its layout: read_microdata('….dat', layout='….dcf')",
    "txt": "fixed-width text needs its layout: layout='input.sas'; separated text: name it .csv or .tab",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file found good to open: its name as the user gave it, and where its bytes are."""

    name: str
    path: Path
    kind: str
    n_bytes: int
    folder: Path


@contextmanager
def opened(
    file: Path, limits: ReadLimits, *, layout: Path | None = None, companion: bool = False
) -> Iterator[SourceFile]:
    """Check a file, unpack a .gz, and give it a private folder until the block ends.

    ``companion`` allows a .sas7bcat, which is no table.

    Raises
    ------
    DataFileError
        Missing, empty, too large, or another kind than its name says.
    """
    suffix = file.suffix.lower()
    inner = Path(file.stem) if suffix == ".gz" else file
    known = {*FORMATS, *(_FIXED if layout is not None else ()), *((".sas7bcat",) if companion else ())}
    size = _check_file(file, inner.suffix.lower(), limits, known)
    with private_folder() as folder:
        path = file
        if suffix == ".gz":
            path = folder / f"unpacked{inner.suffix.lower()}"
            size = _unpack(file, path, limits)
        if layout is not None and inner.suffix.lower() in _FIXED:
            kind = "fixed"
        else:
            with path.open("rb") as handle:
                kind = _check_kind(file.name, inner.suffix.lower(), handle.read(4096))
        yield SourceFile(file.name, path, kind, size, folder)


def _unpack(file: Path, target: Path, limits: ReadLimits) -> int:
    """Unpack a .gz, to no more than the limits allow."""
    most = min(limits.file_bytes, max(_SMALL, _UNPACK_RATIO * file.stat().st_size))
    size = 0
    try:
        with gzip.open(file) as packed, target.open("wb") as out:
            while piece := packed.read(_UNPACK_STEP):
                size += len(piece)
                if size > most:
                    raise DataFileError(
                        "the archive unpacks to more than the limit",
                        where=file.name,
                        expected=f"at most {most:,} bytes",
                        hint="if you trust it, unpack it yourself and read the file inside",
                        code="too-large",
                    )
                out.write(piece)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise DataFileError(
            "the .gz archive is damaged or was cut off",
            where=file.name,
            hint="fetch the file again",
            code="truncated",
        ) from None
    if shutil.disk_usage(target.parent).free < size:
        raise DataFileError(
            "too little room to unpack", where=file.name, found=f"{size:,} bytes", code="too-large"
        )
    return size


def plain_size(file: Path, what: str = "file") -> int:
    """Size of a plain file that may be read; a pipe or a device is none: reading it may never end.

    Raises
    ------
    DataFileError
        Nothing there, a folder, a pipe or a device, or no permission.
    """
    problem, hint, code = f"there is no such {what}", "check the path", "missing-file"
    try:
        state = file.stat()
    except PermissionError:
        problem, code = f"the {what} may not be read", "no-permission"
    except (OSError, ValueError):  # a name too long, a loop of links, a NUL in the name
        pass
    else:
        if stat.S_ISREG(state.st_mode) and os.access(file, os.R_OK):
            return state.st_size
        if stat.S_ISDIR(state.st_mode):
            problem = "this is a folder"
        elif not stat.S_ISREG(state.st_mode):
            problem, hint = "this is a pipe or a device, not a file", "save its content to a file first"
        else:
            problem, code = f"the {what} may not be read", "no-permission"
    if code == "no-permission":
        hint = "ask for the right to read it, or copy it to a folder of your own"
    raise DataFileError(problem, where=_shown(file), hint=hint, code=code)


def _shown(file: Path) -> str:
    """Path as a message can hold it, whatever bytes its name has."""
    text = str(file).encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
    return text if len(text) <= 200 else f"…{text[-200:]}"


def _check_file(file: Path, suffix: str, limits: ReadLimits, known: set[str]) -> int:
    size = plain_size(file)
    if suffix not in known:
        raise DataFileError(
            "this file type cannot be read",
            where=file.name,
            found=file.suffix or "no extension",
            expected=", ".join(FORMATS),
            hint=_ADVICE.get(suffix.lstrip("."), "save it as .sav, .dta or .csv"),
            code="unsupported-format",
        )
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


def _check_kind(name: str, suffix: str, head: bytes) -> str:
    kind = sniff(head)
    allowed = FORMATS.get(suffix, (suffix[1:],))
    if kind in allowed:
        return {"utf16": "text", "zip": "xlsx"}.get(kind, kind)
    if kind in ("html", "xml") or allowed[0] != "text" or kind != "binary":
        raise DataFileError(
            f"the content is not what the extension {suffix} says",
            where=name,
            found=DESCRIPTIONS[kind],
            expected="an .xlsx workbook" if suffix == ".xlsx" else DESCRIPTIONS[allowed[0]],
            hint=_ADVICE.get(kind, _rename_hint(kind)),
            code="wrong-format",
        )
    return "text"


def _rename_hint(kind: str) -> str:
    extension = next((ext for ext, kinds in FORMATS.items() if kind in kinds), None)
    if extension and kind != "text":
        return f"if that is what you meant, rename it to {extension}"
    return "fetch the file again, or export it again from the program that made it"


def parser_failure(source: SourceFile, failure: WorkerFailure) -> DataFileError:
    """Say in one message what the reading process met."""
    shown = (
        "workbook"
        if source.kind == "xlsx"
        else DESCRIPTIONS[source.kind].removeprefix("a ").removeprefix("an ")
    )
    what, code = f"{shown} cannot be read", "damaged"
    found: str | None = failure.message or None
    hint = "it is damaged or was cut off: fetch it again, or open it in its own program and save it anew"
    if failure.kind == "crash":
        what = "the file is so damaged that its parser broke down"
    elif failure.kind == "time":
        what, code = "reading took longer than the limit", "too-large"
        hint = "if the file is sound, raise it: read_microdata(path, limits=ReadLimits(seconds=…))"
    elif failure.kind == "memory":
        what, code = "reading needed more memory than the limit", "too-large"
        hint = "a small file that asks for this is damaged; else raise limits=ReadLimits(memory_bytes=…)"
    elif failure.kind == "truncated":
        what, code = (
            "the file does not hold what it declares; it was cut off in transfer, or is damaged",
            "truncated",
        )
        hint = "fetch the file again, and compare its size or checksum with the original"
    elif failure.kind == "unsupported":
        what, code = f"{shown} of a version that is not known here", "unsupported-format"
        hint = "open it in its own program and save it anew"
    elif failure.kind == "schema":
        what, code = "the sheet is no table", "schema"
        hint = "the first row must hold the names of the columns, each once; another sheet: table='…'"
    elif failure.kind == "too-large":
        what, code = "the file unpacks to more than the limit", "too-large"
        hint = "save the sheet as CSV"
    elif failure.kind in ("PyreadstatError", "ReadstatError"):
        found = failure.message.strip("'\"").split("\\n")[0]
    elif failure.kind != "damaged":
        found = f"{failure.kind} in the parser"
    return DataFileError(what, where=source.name, found=found, hint=hint, code=code)
