"""What every verb shares: --quiet and --verbose after it, JSON that is always JSON, exit codes, stops."""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from survey_toolkit._atomic import write_atomic
from survey_toolkit.cli_complete import whole_words
from survey_toolkit.cli_progress import set_telling
from survey_toolkit.errors import SurveyToolkitError, SurveyToolkitWarning

__all__ = [
    "DONE",
    "INTERNAL",
    "PIPE_CLOSED",
    "PROBLEM",
    "STOPPED",
    "Verbs",
    "fail",
    "keep_input",
    "print_json",
    "run_verbs",
    "write_text",
]

# Exit codes; docs/reference/command_line.md tells them to users.
DONE, PROBLEM, INTERNAL, STOPPED, PIPE_CLOSED = 0, 1, 2, 130, 141


class Verbs(TyperGroup):
    """The top of the command line: its --quiet and --verbose may stand after the verb as well."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.context_settings.setdefault("help_option_names", ["--help", "-h"])
        shared = [p for p in self.params if p.name in ("quiet", "verbose")]
        for verb in _leaves(self):
            taken = {name for p in verb.params for name in getattr(p, "opts", ())}
            verb.params += [_after_the_verb(p) for p in shared if not taken.intersection(p.opts)]

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; a stop by the user ends it with a sentence."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("stopped; files are written whole or not at all", STOPPED)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the line; that a reader went away (``| head``) is no problem of the input."""
        try:
            return super().main(*args, **options)
        except SystemExit as exc:  # typer and rich have let go of the pipe already
            if isinstance(exc.__context__, BrokenPipeError):
                sys.exit(PIPE_CLOSED)
            raise


def _leaves(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from _leaves(command)
        else:
            yield command


def _after_the_verb(option: Any) -> Any:
    """The same option for a verb: unseen in its help, and the last word on how much is told."""

    def tell(ctx: Any, param: Any, value: Any) -> None:
        if value:
            chosen = ctx.find_root().params | ctx.meta.setdefault("survey_toolkit.telling", {})
            ctx.meta["survey_toolkit.telling"][param.name] = True
            set_both(bool(chosen.get("quiet")) or param.name == "quiet",
                     bool(chosen.get("verbose")) or param.name == "verbose")  # fmt: skip

    twin = copy.copy(option)
    twin.callback, twin.expose_value, twin.hidden = tell, False, True
    return twin


def set_both(quiet: bool, verbose: bool) -> None:
    """Set how much is told; both at once is wrong use."""
    if quiet and verbose:
        raise typer.BadParameter("--quiet and --verbose exclude each other")
    set_telling(quiet=quiet, verbose=verbose)


def print_json(value: Any) -> None:
    """Print one JSON document in ASCII: NaN and infinity are null, paths and dates are text."""
    typer.echo(json.dumps(_plain(value), allow_nan=False, default=str))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all, into a folder that may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode())


def keep_input(source: Path, *targets: Path | None) -> None:
    """Refuse to write over the file that is read: it may be the only copy."""
    for target in targets:
        if target is not None and target.exists() and source.exists() and target.samefile(source):
            raise SurveyToolkitError(
                "this would overwrite the file that is read", where=str(target), hint="name another file"
            )


def run_verbs(app: typer.Typer) -> None:
    """Run the command line; whatever goes wrong is one message and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter the terminal cannot show must not stop a result
            stream.reconfigure(errors="replace")
    warnings.showwarning = _one_line
    completing = os.environ.get("_SURVEY_TOOLKIT_COMPLETE") == "complete_bash"
    try:
        with whole_words(os.environ) if completing else nullcontext():
            app()
    except SurveyToolkitError as exc:
        fail(str(exc), PROBLEM)
    except KeyboardInterrupt:
        fail("stopped; files are written whole or not at all", STOPPED)
    except MemoryError:
        fail("the memory of this machine does not suffice", PROBLEM)
    except OSError as exc:
        fail(f"{exc.filename or 'the system'}: {exc.strerror or type(exc).__name__}", PROBLEM)
    except Exception as exc:  # the last line of defence: data must not leak through a traceback
        if os.environ.get("SURVEY_TOOLKIT_DEBUG"):
            raise
        fail(_internal(exc), INTERNAL)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong on the error stream and end."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)


def _one_line(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """A warning of ours in words; those of libraries are for developers."""
    if issubclass(category, SurveyToolkitWarning):
        sys.stderr.write(f"warning: {message}\n")


def _internal(exc: Exception) -> str:
    frame = exc.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = "unknown place"
    if frame is not None:
        place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
    return (
        f"an internal error ({type(exc).__name__} in {place}); this is a defect of the toolkit\n"
        "  to do: report it with this line; SURVEY_TOOLKIT_DEBUG=1 shows the details (they may hold data)"
    )
