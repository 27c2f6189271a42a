"""The verbs of the command line that design a survey: sample size, allocate, select, weight, redo."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_toolkit.cli_manners import print_json

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["sample_app"]

sample_app = typer.Typer(
    help="Design a survey from a plan file: sizes, allocation, selection, weights.", no_args_is_help=True
)

Plan = Annotated[Path, typer.Argument(help="The plan file (YAML).")]
Frame = Annotated[Path, typer.Argument(help="The frame file: .parquet or .csv; never loaded whole.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for what is written; nothing is written elsewhere.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@sample_app.command("size")
def sample_size(plan: Plan, as_json: AsJson = False) -> None:
    """How many interviews, households and clusters the plan needs.

    Example: `survey-toolkit sample size plan.yaml`
    """
    from survey_toolkit.dissemination.terminal_sample import print_sizes
    from survey_toolkit.sampling.plan import load_plan
    from survey_toolkit.sampling.run_plan import run_size

    sizes = run_size(load_plan(plan))
    if as_json:
        print_json([asdict(s) for s in sizes])
    else:
        print_sizes(sizes)


@sample_app.command("allocate")
def sample_allocate(plan: Plan, frame: Frame, as_json: AsJson = False) -> None:
    """Share the sample out over the strata of a frame.

    Example: `survey-toolkit sample allocate plan.yaml areas.parquet`
    """
    from survey_toolkit.dissemination.terminal_sample import print_allocation
    from survey_toolkit.sampling.plan import load_plan
    from survey_toolkit.sampling.run_plan import run_allocate

    found = run_allocate(load_plan(plan), frame)
    if as_json:
        plain: Any = getattr(found, "allocation", found)
        out: dict[str, Any] = {"strata": plain.to_frame().to_dict("records"), "notes": list(plain.notes)}
        if found is not plain:
            out["constraints"] = found.to_frame().to_dict("records")
        print_json(out)
    else:
        print_allocation(found)


@sample_app.command("select")
def sample_select(
    plan: Plan,
    frame: Frame,
    out: Out = Path("out"),
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet")] = "csv",
    as_json: AsJson = False,
) -> None:
    """Draw the sample; writes it beside a log from which an auditor can redo the draw.

    Example: `survey-toolkit sample select plan.yaml areas.parquet --out out`
    """
    from survey_toolkit.cli_progress import progress
    from survey_toolkit.dissemination.terminal_sample import print_selection
    from survey_toolkit.sampling.plan import load_plan
    from survey_toolkit.sampling.run_plan import run_select

    spec = load_plan(plan)
    folder = out / _name(spec.id)
    _check_format(file_format)
    with progress("select", quiet=as_json) as tell:
        drawn = run_select(spec, frame, plan.parent, tell)
    path = _write(drawn.frame, folder / f"sample.{file_format}")
    written = [path, *drawn.log.write(folder)]
    if as_json:
        print_json({**drawn.log.to_dict(), "notes": list(drawn.notes), "files": [str(p) for p in written]})
    else:
        print_selection(drawn)
        typer.echo(f"written: {', '.join(p.name for p in written)} in {folder}")


@sample_app.command("weight")
def sample_weight(
    plan: Plan,
    file: Annotated[Path, typer.Argument(help="The selected units with their final status.")],
    out: Out = Path("out"),
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet")] = "csv",
    as_json: AsJson = False,
) -> None:
    """Weights from the selection to calibration, with a report of what each step did.

    Example: `survey-toolkit sample weight plan.yaml fieldwork.csv --out out`
    """
    from survey_toolkit.cli_progress import progress
    from survey_toolkit.dissemination.terminal_sample import print_weights
    from survey_toolkit.microdata import read_microdata
    from survey_toolkit.sampling.plan import load_plan
    from survey_toolkit.sampling.run_plan import run_weight

    spec = load_plan(plan)
    folder = out / _name(spec.id)
    _check_format(file_format)
    with progress("weight", quiet=as_json) as tell:
        tell("reading", 0.1)
        rows = read_microdata(file).frame
        tell("adjusting", 0.4)
        with _told_of(file):
            chain = run_weight(spec, rows)
        tell("writing", 0.9)
        written = [_write(chain.to_frame(), folder / f"weighted.{file_format}")]
    report = chain.report()
    written.append(_write(report.to_frame(), folder / "weighting_report.csv"))
    if spec.weight is not None and spec.weight.groups is not None:
        written.append(_write(report.who_lost(), folder / "weighting_groups.csv"))
    if as_json:
        steps = report.to_frame().to_dict("records")
        print_json({"steps": steps, "files": [str(p) for p in written]})
    else:
        print_weights(report)
        typer.echo(f"written: {', '.join(p.name for p in written)} in {folder}")


@sample_app.command("redo")
def sample_redo(
    log: Annotated[Path, typer.Argument(help="selection_log.json of a selection.")],
    frames: Annotated[list[Path], typer.Argument(help="The frame file of every stage, in order.")],
    as_json: AsJson = False,
) -> None:
    """Draw again from a log and tell what differs; exit code 1 if anything does.

    Example: `survey-toolkit sample redo out/plan/selection_log.json areas.parquet households.parquet`
    """
    from survey_toolkit.sampling import redo

    differences = redo(log, frames)
    if as_json:
        print_json({"same": not differences, "differences": list(differences)})
    else:
        typer.echo("\n".join(differences) or "the draw is the same")
    if differences:
        raise typer.Exit(1)


@contextlib.contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """A design that does not fit the rows of a file is told with the file's name."""
    from survey_toolkit.errors import DesignError, EstimationError

    try:
        yield
    except (DesignError, EstimationError) as exc:
        raise type(exc)(
            exc.what, where=f"{file.name}: {exc.where}" if exc.where else file.name, found=exc.found,
            expected=exc.expected, hint=exc.hint, code=exc.code, problems=exc.problems,
        ) from None  # fmt: skip


def _name(text: str) -> str:
    """A plan's id as a folder name, which cannot lead elsewhere."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text) or "plan"


def _check_format(file_format: str) -> None:
    from survey_toolkit.errors import DesignError

    if file_format not in ("csv", "parquet"):
        raise DesignError("unknown format", where="--format", found=file_format, expected="csv or parquet")


def _write(frame: pd.DataFrame, path: Path) -> Path:
    """Write a table whole or not at all; text a spreadsheet would run is neutralised in CSV."""
    import duckdb

    from survey_toolkit._atomic import appearing
    from survey_toolkit._spreadsheet import frame_csv

    path.parent.mkdir(parents=True, exist_ok=True)
    with appearing(path) as part:
        if path.suffix == ".parquet":
            connection = duckdb.connect(":memory:")
            connection.register("rows", frame)
            file = str(part).replace("'", "''")
            connection.execute(f"COPY rows TO '{file}' (FORMAT parquet)")
        else:
            frame_csv(frame, part)
    return path
