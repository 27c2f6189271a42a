"""Write results: a whole output folder in one move, or one result to one file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from survey_toolkit._atomic import write_atomic
from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.dissemination.context import ReportContext
from survey_toolkit.dissemination.formats.agencies import ilostat_csv, sdg_database_csv, unodc_csv
from survey_toolkit.dissemination.formats.csv_out import figures_csv
from survey_toolkit.dissemination.formats.ddi_cube import ddi_cubes
from survey_toolkit.dissemination.formats.open_sdg import open_sdg_files
from survey_toolkit.dissemination.formats.package import data_package
from survey_toolkit.dissemination.formats.sdmx import SdmxFormat, sdmx_structure_message, write_sdmx_rows
from survey_toolkit.dissemination.formats.sdmx_rows import OWN, SDG, split_by_structure
from survey_toolkit.dissemination.formats.structures import load_structure
from survey_toolkit.dissemination.formats.table_texts import (
    tables_csv,
    tables_html,
    tables_latex,
    tables_markdown,
)  # fmt: skip
from survey_toolkit.dissemination.formats.xlsx import figures_xlsx
from survey_toolkit.dissemination.report import report_html
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
    "sdmx": lambda figures, _: _sdmx_files(figures, "csv-2.0"),
    "sdmx-csv-1.0": lambda figures, _: _sdmx_files(figures, "csv-1.0"),
    "sdmx-ml-2.1": lambda figures, _: _sdmx_files(figures, "ml-2.1"),
    "sdmx-ml-3.0": lambda figures, _: _sdmx_files(figures, "ml-3.0"),
    "open-sdg": lambda figures, context: _under("open_sdg", open_sdg_files(figures, context)),
    "ilostat": lambda figures, context: {"ilostat.csv": ilostat_csv(figures, context).encode()},
    "unodc": lambda figures, context: {"unodc.csv": unodc_csv(figures, context).encode()},
    "sdg-database": lambda figures, context: {
        "sdg_database.csv": sdg_database_csv(figures, context).encode()
    },
    "datapackage": lambda figures, context: _under("datapackage", data_package(figures, context)),
    "ddi": lambda figures, context: {"tables_ddi.xml": ddi_cubes(figures, context).encode()},
    "tables-csv": lambda figures, context: {"tables.csv": tables_csv(figures, context).encode("utf-8-sig")},
    "tables-html": lambda figures, context: {"tables.html": tables_html(figures, context).encode()},
    "latex": lambda figures, context: {"tables.tex": tables_latex(figures, context).encode()},
    "markdown": lambda figures, context: {"tables.md": tables_markdown(figures, context).encode()},
    "json": lambda figures, _: {"figures.json": figures.to_json().encode()},
}
_ALIASES = {"sdmx-csv": "sdmx", "sdmx-csv-2.0": "sdmx", "md": "markdown", "tex": "latex"}


def _under(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


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
        Keys of :data:`FORMATS`; ``json`` is always written, since ``explain`` reads it.
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
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        (fresh / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
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
    result : Figures, Estimates, PopulationSize or Questionnaire
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
    return write_atomic(file, data)


def _csv(figures: Sequence[Figure], _: ReportContext) -> bytes:
    return figures_csv(figures).encode("utf-8-sig")


def _sdmx_files(figures: Sequence[Figure], format: SdmxFormat) -> dict[str, bytes]:
    """SDG series, and everything else under our own structure; a file only where there is something."""
    world, own = split_by_structure(figures)
    ending = {"csv-2.0": ".csv", "csv-1.0": "_csv_1_0.csv", "ml-2.1": "_ml_2_1.xml", "ml-3.0": "_ml_3_0.xml"}[
        format
    ]
    files = {}
    if world:
        files[f"sdmx_sdg{ending}"] = write_sdmx_rows(world, load_structure(SDG), format).encode()
    if own:
        structure = load_structure(OWN)
        files[f"sdmx_msdi{ending}"] = write_sdmx_rows(own, structure, format).encode()
        if format.startswith("ml"):
            # No registry has this structure, so it travels with the data.
            version: Literal["2.1", "3.0"] = "2.1" if format == "ml-2.1" else "3.0"
            files[f"sdmx_msdi_structure{ending}"] = sdmx_structure_message(structure, version).encode()
    return files


def _sdmx_single(format: SdmxFormat) -> Writer:
    def write_one(figures: Sequence[Figure], _: ReportContext) -> bytes:
        files = {n: data for n, data in _sdmx_files(figures, format).items() if "structure" not in n}
        if len(files) > 1:
            raise SurveyToolkitError(
                "SDG series and other series belong to two data structures, so to two files",
                found=", ".join(dict.fromkeys(f.series for f in figures)),
                hint="write figures.filter(series=...) one structure at a time, or use write_outputs",
                code="two-structures",
            )
        return next(iter(files.values()), b"")

    return write_one


def _single(name: str) -> Writer:
    """Writer of a format that is one file."""
    return lambda figures, context: next(iter(FORMATS[name](Figures(figures), context).values()))


def _frame_csv(result: Any, _: ReportContext) -> bytes:
    frame = result.to_frame()
    rows = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return table_csv([str(c) for c in frame.columns], rows).encode("utf-8-sig")


def _form_writer(format: str) -> Writer:
    """Writer of a questionnaire; the room of instruments knows its formats."""

    def written(form: Any, _: ReportContext) -> bytes:
        from survey_toolkit.instruments.writing import form_bytes

        return form_bytes(form, format)

    return written


#: Kind of result to format to writer; a new output format is one line here.
WRITERS: dict[str, dict[str, Writer]] = {
    "Figures": {
        "csv": _csv,
        "xlsx": figures_xlsx,
        "html": lambda figures, context: report_html(figures, context).encode(),
        "sdmx": _sdmx_single("csv-2.0"),
        "sdmx-csv-1.0": _sdmx_single("csv-1.0"),
        "sdmx-ml-2.1": _sdmx_single("ml-2.1"),
        "sdmx-ml-3.0": _sdmx_single("ml-3.0"),
        **{
            name: _single(name)
            for name in (
                "ilostat",
                "unodc",
                "sdg-database",
                "ddi",
                "tables-csv",
                "tables-html",
                "latex",
                "markdown",
            )
        },
        "json": lambda figures, _: figures.to_json().encode(),
    },
    "Estimates": {"csv": _frame_csv},
    "PopulationSize": {"csv": _frame_csv},
    "Questionnaire": {
        name: _form_writer(format)
        for name, format in {
            "xlsform": "xlsform",
            "xlsx": "xlsform",
            "html": "html",
            "docx": "docx",
            "ddi": "ddi",
            "xml": "ddi",
            "codebook": "codebook",
            "crosswalk": "crosswalk",
            "yaml": "crosswalk",
        }.items()
    },
    "External": {"csv": _frame_csv},
    "Suppression": {"csv": _frame_csv},
}


def _unknown_format(name: str, known: Mapping[str, Any]) -> SurveyToolkitError:
    return SurveyToolkitError(
        "unknown output format",
        found=f"'{name}'",
        expected=did_you_mean(name, known),
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
