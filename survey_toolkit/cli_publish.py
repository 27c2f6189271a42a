"""The verbs of the command line that publish: formats, charts, checks of files, protection of tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_toolkit.cli_manners import keep_input, print_json
from survey_toolkit.cli_progress import busy
from survey_toolkit.errors import DataFileError, DisclosureError, SurveyToolkitError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.dissemination import CountTable

__all__ = ["publish_app"]

publish_app = typer.Typer()

Results = Annotated[Path, typer.Argument(help="figures.json, or the output folder of a study.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@publish_app.command()
def publish(
    figures: Results,
    out: Annotated[Path, typer.Option("--out", help="Folder for what is written.")],
    formats: Annotated[str, typer.Option(help="Formats, separated by commas.")] = "csv,xlsx,html,sdmx",
    title: Annotated[
        str | None, typer.Option(help="Title of report and workbook; default: indicators, country, period.")
    ] = None,
) -> None:
    """Write protected figures in other formats.

    Example: `survey-toolkit publish out/uk_2013 --out share --formats sdmx-ml-3.0,open-sdg,latex`
    """
    from survey_toolkit import __version__
    from survey_toolkit.dissemination import write_outputs
    from survey_toolkit.indicators import read_figures
    from survey_toolkit.standards import load
    from survey_toolkit.study.context import figures_context

    names = [name.strip() for name in formats.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("name at least one format", param_hint="--formats")
    with busy("writing"):
        published = read_figures(figures)
        software = f"survey_toolkit {__version__}"
        context = figures_context(published, load(), title=title, software=software)
        files = write_outputs(published, out, names, context)
    for file in files:
        typer.echo(str(file))


@publish_app.command()
def plot(
    figures: Results,
    out: Annotated[Path, typer.Option("--out", help="The chart: .svg or .png.")],
    series: Annotated[str | None, typer.Option(help="Draw this series only.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="intervals, trend, pyramid, bars, detected_estimated or map.")
    ] = None,
    boundaries: Annotated[Path | None, typer.Option(help="GeoJSON for a map.")] = None,
    key: Annotated[str, typer.Option(help="Property of the boundaries that has the codes.")] = "code",
    dimension: Annotated[str, typer.Option(help="Breakdown that the map shows.")] = "region",
) -> None:
    """Draw figures.

    Example: `survey-toolkit plot out/simulated_country_2024 --series SL_TLF_CHLDEA --out child_labour.png`
    """
    from survey_toolkit.dissemination import plot as draw
    from survey_toolkit.indicators import read_figures

    published = read_figures(figures)
    chosen = published.filter(series=series)
    if series is not None and not len(chosen):
        raise SurveyToolkitError(
            "there is no such series", where="--series", found=f"'{series}'",
            expected=did_you_mean(series, {f.series for f in published}),
        )  # fmt: skip
    kind = "map" if kind is None and boundaries is not None else kind
    out.parent.mkdir(parents=True, exist_ok=True)
    extra: dict[str, Any] = (
        {} if boundaries is None else {"boundaries": boundaries, "key": key, "dimension": dimension}
    )
    with busy("drawing"):
        drawn = draw(chosen, out, kind, **extra)
    typer.echo(f"{out}: {drawn.description}")


@publish_app.command("check-sdmx")
def check_sdmx(
    file: Annotated[Path, typer.Argument(help="SDMX-CSV 1.0 or 2.0, SDMX-ML 2.1 or 3.0.")],
    structure: Annotated[
        str, typer.Option(help="sdg_1_4, msdi_prev_1_0, or an SDMX file with a data structure.")
    ] = "sdg_1_4",
    as_json: AsJson = False,
) -> None:
    """Check an SDMX file by schema, codes, dimensions, attributes, numbers and keys.

    Example: `survey-toolkit check-sdmx out/uk_2013/sdmx_sdg.csv --structure sdg_1_4`
    """
    from survey_toolkit.dissemination import check_sdmx_file, load_structure, structure_from_sdmx

    by_file = Path(structure).suffix.lower() == ".xml"
    against = structure_from_sdmx(structure) if by_file else load_structure(structure)
    problems = check_sdmx_file(file, against)
    if as_json:
        print_json({"file": str(file), "problems": problems})
    else:
        typer.echo("\n".join(problems) or f"{file}: no problem")
    if problems:
        raise typer.Exit(1)


@publish_app.command("protect-table")
def protect_table(
    table: Annotated[Path, typer.Argument(help="CSV with one row a cell, margins included.")],
    out: Annotated[Path, typer.Option("--out", help="The protected table, CSV.")],
    count: Annotated[str, typer.Option(help="Column of counts; all others are dimensions.")] = "n",
    margin: Annotated[str, typer.Option(help="Code of 'all' in the dimensions.")] = "_T",
    threshold: Annotated[int, typer.Option(min=1, help="Smallest count that is published.")] = 5,
) -> None:
    """Suppress small cells of a table and those that would tell them, and attack the result.

    Example: `survey-toolkit protect-table victims.csv --count n --margin Total --out protected.csv`
    """
    from survey_toolkit.dissemination import CountTable, suppress_table, write

    frame = _counts(table, count)
    dimensions = [c for c in frame.columns if c != count]
    cells = CountTable.from_frame(frame, dimensions, count, margin=margin)
    _check_sums(table, cells)
    keep_input(table, out)
    with busy("suppressing and attacking"):
        done = suppress_table(cells, threshold=threshold)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(done, out, "csv")
    narrow = min((high - low for low, high in done.intervals.values()), default=float("inf"))
    bounded = narrow != float("inf")
    told = f"the attack leaves intervals of {narrow:g} or more" if bounded else "no total bounds them"
    typer.echo(
        f"{out}: {_said(len(done.primary), 'small cell')} and {_said(len(done.complementary), 'other')} "
        f"suppressed{' (the fewest that do)' if done.optimal else ''}; {told}"
    )


def _counts(table: Path, count: str) -> pd.DataFrame:
    """The table as text, its counts as numbers; what is no number is told with its line."""
    import pandas as pd

    if not table.is_file():
        raise DataFileError(
            "there is no such file", where=str(table), hint="check the path", code="missing-file"
        )
    try:
        frame = pd.read_csv(table, sep=_separator(table), dtype=str, keep_default_na=False)
    except ValueError as exc:  # no column, ragged rows, or not UTF-8
        raise DataFileError(
            "this cannot be read as a CSV table", where=str(table),
            found="an empty file" if not table.stat().st_size else type(exc).__name__,
            expected="UTF-8 text with a header", hint="save it again as CSV UTF-8",
        ) from None  # fmt: skip
    if count not in frame:
        raise DataFileError(
            "there is no such column", where=str(table), found=f"'{count}'",
            expected=did_you_mean(count, frame.columns), hint="name the column of counts with --count",
            code="missing-column",
        )  # fmt: skip
    frame[count] = pd.to_numeric(frame[count], errors="coerce")
    bad = [number for number, value in enumerate(frame[count], 2) if not value >= 0]
    if bad:
        raise DataFileError(
            f"column '{count}' must hold counts", where=f"{table}:{bad[0]}",
            found=f"{len(bad)} line{'' if len(bad) == 1 else 's'} without one",
            expected="a number of 0 or more on every line", hint="correct them; a count not known is no 0",
        )  # fmt: skip
    return frame


def _separator(table: Path) -> str:
    """What stands between the names of the first line: a comma, or what offices with a decimal comma have."""
    with table.open("rb") as file:
        head = file.readline()
    return max((",", ";", "\t"), key=lambda sign: head.count(sign.encode()))


def _check_sums(table: Path, cells: CountTable) -> None:
    """Totals that are not the sum of their parts would make the protection's own arithmetic wrong."""
    from survey_toolkit.indicators import TOTAL

    parts = {cell: n for cell, n in cells.counts.items() if TOTAL not in cell}
    made = replace(cells, counts=parts).with_margins().counts if parts else {}
    wrong = [cell for cell, n in cells.counts.items() if abs(made.get(cell, n) - n) > 1e-6]
    if wrong:
        raise DisclosureError(
            "a total is not the sum of its parts", where=str(table), found=" × ".join(wrong[0]),
            expected=f"{made[wrong[0]]:g}", hint="correct it, or add a row for what is left over",
            code="not-additive",
        )  # fmt: skip


def _said(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
