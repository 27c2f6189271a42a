"""What the long verbs tell on the error stream: a bar, nothing (quiet) or a line a step (verbose)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["busy", "progress", "set_telling"]


@dataclass(slots=True)
class _Telling:
    quiet: bool = False
    verbose: bool = False


_telling = _Telling()


def set_telling(*, quiet: bool = False, verbose: bool = False) -> None:
    """Set for this process how much is told on the error stream; errors are always told."""
    _telling.quiet, _telling.verbose = quiet, verbose


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A sign of life while one thing of unknown length is done."""
    from rich.console import Console

    console = Console(stderr=True)
    if _telling.quiet or not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


@contextmanager
def _lines(title: str) -> Iterator[Callable[[str, float], None]]:
    import sys
    import time

    start = time.perf_counter()
    last = ""

    def tell(text: str, share: float) -> None:
        nonlocal last
        if text != last:
            last = text
            sys.stderr.write(f"{time.perf_counter() - start:7.1f} s {share:4.0%}  {title}: {text}\n")

    yield tell
    sys.stderr.write(f"{time.perf_counter() - start:7.1f} s       {title}: done\n")


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on the error stream, so that the output stays readable by a program."""
    if _telling.verbose:
        with _lines(title) as tell:
            yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description:<44}"),
        BarColumn(bar_width=28),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or _telling.quiet or not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=1.0)
        yield lambda text, share: bar.update(task, description=f"{title}: {text}", completed=share)
