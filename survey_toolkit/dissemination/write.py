"""Write results: a whole output folder in one move, or one result to one file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from survey_toolkit.dissemination.context import ReportContext
from survey_toolkit.dissemination.formats.csv_out import figures_csv, table_csv
from survey_toolkit.dissemination.report import report_html
from survey_toolkit.dissemination.formats.sdmx_rows import OWN, SDG, sdmx_csv, split_by_structure
from survey_toolkit.dissemination.formats.structures import load_structure
from survey_toolkit.dissemination.formats.xlsx import figures_xlsx
from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.indicators import Figure, Figures

__all__ = ["FORMATS", "MARKER", "WRITERS", "write", "write_outputs"]

#: File that says: this folder was written by the toolkit and may be replaced by it.
MARKER = ".survey_toolkit_output"
_MARKER_TEXT = "Written by survey_toolkit; replaced by the next run.\n"

#: A writer gives the bytes of the file.
Writer: TypeAlias = Callable[[Any, ReportContext], bytes]

#: Formats of a study's output folder, each with its writer of file name to bytes.
FORMATS: dict[str, Callable[[Figures, ReportContext], dict[str, bytes]]] = {
    "csv": lambda figures, _: {"figures.csv": _csv(figures, _)},
    "xlsx": lambda figures, context: {"figures.xlsx": figures_xlsx(figures, context)},
    "html": lambda figures, context: {"report.html": report_html(figures, context).encode()},
    "sdmx": lambda figures, _: _sdmx_files(figures),
    "json": lambda figures, _: {"figures.json": figures.to_json().encode()},
}
_ALIASES = {"sdmx-csv": "sdmx"}


def write_outputs(
    figures: Iterable[Figure], folder: str | os.PathLike[str], formats: Sequence[str], context: ReportContext
) -> list[Path]:
    """Write a whole output folder, or nothing.

    Everything is written to a temporary folder beside it and renamed at the end. A folder that is there is
    replaced only if the toolkit made it (or if it is empty).

    Parameters
    ----------
    figures : Figures
        Protected.
    folder : path
        Output folder; its parent is made if needed.
    formats : sequence of str
        Any of ``csv xlsx html sdmx json``; ``json`` is always written, since ``explain`` reads it.
    context : ReportContext

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    SurveyToolkitError
        If a format is unknown or the folder holds something else.
    """
    target = Path(folder)
    names = list(dict.fromkeys(_ALIASES.get(name, name) for name in [*formats, "json"]))
    for name in names:
        if name not in FORMATS:
            raise _unknown_format(name, FORMATS)
    _check_replaceable(target)
    items = Figures(figures)
    files: dict[str, bytes] = {}
    for name in names:
        files |= FORMATS[name](items, context)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh.chmod(0o755)
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        (fresh / MARKER).write_text(
            "Written by survey_toolkit; replaced by the next run.\n", encoding="utf-8"
        )
        _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return [target / name for name in files]


def write(
    result: Any,
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    context: ReportContext | None = None,
) -> Path:
    """Write one result to one file; the format follows from the ending if it is not given.

    Parameters
    ----------
    result : Figures, Estimates or PopulationSize
    path : path
        Replaced in one move when it exists.
    format : str, optional
        A key of :data:`WRITERS` for this kind of result.
    context : ReportContext, optional
        Titles and annexes of a workbook or report.

    Raises
    ------
    SurveyToolkitError
        If there is no writer for this result or format; names the known ones.
    """
    kind = next((c.__name__ for c in type(result).__mro__ if c.__name__ in WRITERS), None)
    if kind is None:
        raise SurveyToolkitError(
            "this result cannot be written",
            found=type(result).__name__,
            expected=", ".join(WRITERS),
            code="no-writer",
        )
    file = Path(path)
    name = format or file.suffix.lstrip(".").lower()
    name = _ALIASES.get(name, name)
    if name not in WRITERS[kind]:
        raise _unknown_format(name, WRITERS[kind])
    data = WRITERS[kind][name](result, context or ReportContext(title="Figures"))
    if not file.parent.is_dir():
        raise SurveyToolkitError(
            "there is no such folder", where=str(file.parent), hint="make it first", code="missing-folder"
        )
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return file


def _csv(figures: Sequence[Figure], _: ReportContext) -> bytes:
    return figures_csv(figures).encode("utf-8-sig")


def _sdmx_files(figures: Sequence[Figure]) -> dict[str, bytes]:
    """SDG series, and everything else under our own structure; a file only where there is something."""
    world, own = split_by_structure(figures)
    files = {}
    if world:
        files["sdmx_sdg.csv"] = sdmx_csv(world, load_structure(SDG)).encode()
    if own:
        files["sdmx_msdi.csv"] = sdmx_csv(own, load_structure(OWN)).encode()
    return files


def _sdmx_single(figures: Sequence[Figure], _: ReportContext) -> bytes:
    files = _sdmx_files(figures)
    if len(files) > 1:
        raise SurveyToolkitError(
            "SDG series and other series belong to two data structures, so to two files",
            found=", ".join(dict.fromkeys(f.series for f in figures)),
            hint="write figures.filter(series=...) one structure at a time, or use write_outputs",
            code="two-structures",
        )
    return next(iter(files.values()), b"")


def _frame_csv(result: Any, _: ReportContext) -> bytes:
    frame = result.to_frame()
    rows = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return table_csv([str(c) for c in frame.columns], rows).encode("utf-8-sig")


#: Kind of result to format to writer; a new output format is one line here.
WRITERS: dict[str, dict[str, Writer]] = {
    "Figures": {
        "csv": _csv,
        "xlsx": figures_xlsx,
        "html": lambda figures, context: report_html(figures, context).encode(),
        "sdmx": _sdmx_single,
        "json": lambda figures, _: figures.to_json().encode(),
    },
    "Estimates": {"csv": _frame_csv},
    "PopulationSize": {"csv": _frame_csv},
}


def _unknown_format(name: str, known: Mapping[str, Any]) -> SurveyToolkitError:
    return SurveyToolkitError(
        "unknown output format",
        found=f"'{name}'",
        expected=did_you_mean(name, known),
        hint="give format=...",
        code="unknown-format",
    )


def _check_replaceable(target: Path) -> None:
    if not target.exists():
        return
    if target.is_dir() and ((target / MARKER).is_file() or not any(target.iterdir())):
        return
    raise SurveyToolkitError(
        "the output folder holds something that the toolkit did not write",
        where=str(target),
        expected="a new or empty folder, or one of an earlier run",
        hint="choose another folder",
        code="folder-not-ours",
    )


def _swap(fresh: Path, target: Path) -> None:
    """Put the new folder in the place of the old one; the old one comes back if that fails."""
    if not target.exists():
        fresh.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)) / "old"
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)
