"""Read a survey file with its metadata, whatever it is, or say in one message why it cannot be read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.microdata._delimited import read_delimited
from survey_toolkit.microdata._files import FORMATS, SourceFile, opened, parser_failure, plain_size
from survey_toolkit.microdata._fixed_width import read_fixed_width
from survey_toolkit.microdata._parquet import parquet_columns, read_parquet
from survey_toolkit.microdata._process import ReadLimits, WorkerFailure
from survey_toolkit.microdata._statistical import RawColumn, RawTable, open_statistical, read_statistical
from survey_toolkit.microdata.model import MISSING_SUFFIX, Code, FileSource, Microdata, Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMATS",
    "FileMetadata",
    "ReadOptions",
    "child_options",
    "file_sha256",
    "read_catalog",
    "read_metadata",
    "read_microdata",
    "sheet_names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What else is needed to read a file; see :func:`read_microdata`."""

    encoding: str | None = None
    columns: tuple[str, ...] | None = None
    limits: ReadLimits = ReadLimits()  # noqa: RUF009 - frozen
    catalog: Path | None = None
    layout: Path | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMetadata:
    """What a file says about itself, without its rows.

    Attributes
    ----------
    variables : mapping of str to Variable
        Names, labels, value labels, missing codes. Which tags (``.a`` to ``.z``) occur is known only
        once the rows are read.
    source : FileSource
        Name, format and encoding; ``n_rows`` is what the header declares, 0 if it does not.
    label : str
        The file's own title.
    n_rows : int or None
        Declared rows; None where the format does not say.
    notes : tuple of str
    """

    variables: Mapping[str, Variable]
    source: FileSource
    label: str = ""
    n_rows: int | None = None
    notes: tuple[str, ...] = ()


def read_microdata(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    limits: ReadLimits | None = None,
    catalog: str | os.PathLike[str] | None = None,
    layout: str | os.PathLike[str] | None = None,
    table: str | None = None,
) -> Microdata:
    r"""Read ``.sav .zsav .por .dta .sas7bdat .xpt .csv .tsv .xlsx .parquet``, with labels and missing codes.

    Values and codes stay as they stand in the file: codes declared missing are not blanked but declared
    in ``variables``; Stata's ``.a`` to ``.z`` are null with their tag in ``<name>__missing``. Text is
    decoded strictly: in the encoding given, else the one the file declares, else UTF-8, else a guess
    whose confidence is noted. Dates become dates only where nothing is lost. SPSS, Stata and SAS files
    and workbooks are opened in a child process under limits, because a malformed file can kill a parser.
    A ``.gz`` around any of them is unpacked; fixed-width text (``.dat .txt``) is read by its ``layout``;
    archives of several tables (``.zip``) are for :func:`~survey_toolkit.microdata.read_tables`.

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
    catalog : path, optional
        The ``.sas7bcat`` with the value labels of a ``.sas7bdat``.
    layout : path, optional
        Where the columns of fixed-width text are: a CSPro dictionary (``.dcf``) or a SAS ``input`` program.
    table : str, optional
        Sheet of a workbook, record of a CSPro dictionary; otherwise the first, or the only one.

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
    options = ReadOptions(
        encoding=encoding,
        columns=tuple(columns) if columns is not None else None,
        limits=limits or ReadLimits(),
        catalog=Path(catalog) if catalog is not None else None,
        layout=Path(layout) if layout is not None else None,
        table=table,
    )
    with opened(Path(path), options.limits, layout=options.layout) as source:
        found = _read(source, options)
        wanted = options.columns
        if wanted is not None and any(name not in found.variables for name in wanted):
            raise _no_column(source.name, list(wanted), _variables(source, options)[0])
    described = FileSource(
        name=source.name,
        sha256=file_sha256(path),
        format=source.kind,
        encoding=found.encoding,
        n_rows=len(found.frame),
    )
    variables = {n: v for n, v in found.variables.items() if not _is_companion(n, found.variables)}
    companions = [n for n in found.variables if n not in variables]
    frame = _with_gaps(found.frame, companions) if companions else found.frame
    return Microdata(frame=frame, variables=variables, source=described, notes=found.notes)


def read_metadata(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    limits: ReadLimits | None = None,
    catalog: str | os.PathLike[str] | None = None,
) -> FileMetadata:
    """Read only what a file says about itself: at once, however many rows it has.

    Parameters
    ----------
    path, encoding, limits, catalog
        As in :func:`read_microdata`. Text tables and workbooks say nothing but the names of their columns
        before they are read.

    Returns
    -------
    FileMetadata

    Raises
    ------
    DataFileError
        As in :func:`read_microdata`.

    Examples
    --------
    >>> import pandas as pd, tempfile, pathlib
    >>> from survey_toolkit.microdata import Microdata, Variable, write_microdata
    >>> data = Microdata.from_frame(pd.DataFrame({"sex": [1, 2]}), [Variable(name="sex", label="Sex")])
    >>> file = write_microdata(data, pathlib.Path(tempfile.mkdtemp()) / "hh.sav")
    >>> meta = read_metadata(file)
    >>> meta.n_rows, meta.variables["sex"].label
    (2, 'Sex')
    """
    options = ReadOptions(
        encoding=encoding,
        limits=limits or ReadLimits(),
        catalog=Path(catalog) if catalog is not None else None,
    )
    with opened(Path(path), options.limits) as source:
        variables, found = _variables(source, options)
    described = FileSource(
        name=source.name, format=source.kind, encoding=found.source.encoding, n_rows=found.n_rows or 0
    )
    return FileMetadata(
        variables=variables, source=described, label=found.label, n_rows=found.n_rows, notes=found.notes
    )


def read_catalog(
    path: str | os.PathLike[str], *, encoding: str | None = None, limits: ReadLimits | None = None
) -> dict[str, dict[Code, str]]:
    """Read the value labels of a SAS catalog (``.sas7bcat``): format name to code and label.

    Raises
    ------
    DataFileError
        No catalog, or a damaged one.
    """
    limits = limits or ReadLimits()
    with opened(Path(path), limits, companion=True) as source:
        columns = _described(source, source.kind, encoding, limits)
        return {column.name: dict(column.value_labels) for column in columns}


def sheet_names(path: str | os.PathLike[str], *, limits: ReadLimits | None = None) -> list[str]:
    """Names of the sheets of a workbook, in their order."""
    limits = limits or ReadLimits()
    with opened(Path(path), limits) as source:
        return [column.name for column in _described(source, "sheets", None, limits)]


def _described(source: SourceFile, kind: str, encoding: str | None, limits: ReadLimits) -> list[RawColumn]:
    try:
        with open_statistical(
            source.path, source.folder, kind=kind, n_bytes=source.n_bytes, encoding=encoding, limits=limits
        ) as file:
            return file.columns()
    except WorkerFailure as failure:
        raise parser_failure(source, failure) from None


def _read(source: SourceFile, options: ReadOptions) -> RawTable:
    columns = list(options.columns) if options.columns is not None else None
    if source.kind == "fixed":
        return read_fixed_width(
            source,
            options.layout or source.path,
            table=options.table,
            encoding=options.encoding,
            columns=columns,
            limits=options.limits,
        )
    if source.kind == "text":
        return read_delimited(
            source.path, source.folder, encoding=options.encoding, columns=columns, limits=options.limits
        )
    if source.kind == "parquet":
        return read_parquet(source.path, source.folder, columns=columns, limits=options.limits)
    try:
        return read_statistical(
            source.path,
            source.folder,
            kind=source.kind,
            n_bytes=source.n_bytes,
            encoding=options.encoding,
            columns=columns,
            limits=options.limits,
            options=child_options(options),
        )
    except WorkerFailure as failure:
        raise parser_failure(source, failure) from None


def child_options(options: ReadOptions) -> dict[str, str | None]:
    """What the child needs to know besides the path."""
    if options.catalog is not None:
        plain_size(options.catalog, "catalog")
    catalog = str(options.catalog.resolve()) if options.catalog is not None else None
    return {"catalog": catalog, "table": options.table}


def _variables(source: SourceFile, options: ReadOptions) -> tuple[dict[str, Variable], FileMetadata]:
    """Descriptions without rows; text tables are read for them, as their header alone may lie."""
    plain = FileSource(name=source.name, format=source.kind, encoding="utf-8")
    if source.kind == "parquet":
        variables, n_rows = parquet_columns(source.path, source.folder)
        return variables, FileMetadata(variables=variables, source=plain, n_rows=n_rows)
    if source.kind in ("text", "fixed"):
        table = _read(
            source, ReadOptions(encoding=options.encoding, limits=options.limits, layout=options.layout)
        )
        n_rows = len(table.frame)
        return table.variables, FileMetadata(
            variables=table.variables, source=plain, n_rows=n_rows, notes=table.notes
        )
    try:
        with open_statistical(
            source.path,
            source.folder,
            kind=source.kind,
            n_bytes=source.n_bytes,
            encoding=options.encoding,
            limits=options.limits,
            options=child_options(options),
        ) as file:
            variables = {column.name: column.variable([]) for column in file.columns()}
            described = FileSource(name=source.name, format=source.kind, encoding=file.text.encoding)
            return variables, FileMetadata(
                variables=variables,
                source=described,
                label=file.text(file.meta["label"]),
                n_rows=file.meta["n_rows"],
                notes=(*file.meta["notes"], *file.text.notes),
            )
    except WorkerFailure as failure:
        raise parser_failure(source, failure) from None


def _is_companion(name: str, variables: Mapping[str, Variable]) -> bool:
    """Whether a column tells why the column beside it is null, as this toolkit writes it."""
    return name.endswith(MISSING_SUFFIX) and name.removesuffix(MISSING_SUFFIX) in variables


def _with_gaps(frame: pd.DataFrame, companions: list[str]) -> pd.DataFrame:
    """Text without a value is empty in SPSS and Stata; where a reason stands beside it, it is null again."""
    import pandas as pd

    columns = {}
    for name in companions:
        base = name.removesuffix(MISSING_SUFFIX)
        reason, value = frame[name], frame.get(base)
        if pd.api.types.is_string_dtype(reason.dtype):
            columns[name] = reason = reason.mask(reason.str.strip() == "")
        if value is not None and pd.api.types.is_string_dtype(value.dtype):
            columns[base] = value.mask(reason.notna() & (value.str.strip() == ""))
    return frame.assign(**columns)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, which names its content in every trace."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _no_column(name: str, wanted: list[str], known: Mapping[str, Variable]) -> DataFileError:
    missing = [column for column in wanted if column not in known]
    return DataFileError(
        "no such column" + ("s" if len(missing) > 1 else ""),
        where=name,
        found=", ".join(f"'{m}'" for m in missing),
        expected=did_you_mean(missing[0], known),
        hint="names are case-sensitive",
        code="missing-column",
    )
