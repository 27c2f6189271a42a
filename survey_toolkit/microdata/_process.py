"""Files are opened by a child process under limits on time and memory; a crash there is an answer here.

One child is kept between reads (starting Python costs more than reading a normal file). It is replaced
after any failure, after a large file, and it ends by itself when this process ends, however it ends.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ReadLimits", "Reading", "WorkerFailure", "private_folder", "reading"]

_WORKER = Path(__file__).with_name("_worker.py")
_START_SECONDS = 60.0
_RECYCLE_BYTES = 64_000_000
_LEFT_SECONDS = 900.0
_PREFIX = "survey-toolkit-"
_DIED = ("crash", "time", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What reading one file may cost.

    Attributes
    ----------
    file_bytes : int
        Largest file that is opened at all.
    memory_bytes : int or None
        Address space of the child beyond its start; None: 2 GiB or 100 times the file, whichever is more.
    seconds : float or None
        Wall time; None: 60 s and 2 s more a megabyte.
    columns : int
        Most columns of a text file.
    """

    file_bytes: int = 8_000_000_000
    memory_bytes: int | None = None
    seconds: float | None = None
    columns: int = 32_767

    def memory_for(self, n_bytes: int) -> int:
        """Memory allowed for a file of this size."""
        return self.memory_bytes or max(2 << 30, 100 * n_bytes)

    def seconds_for(self, n_bytes: int) -> float:
        """Time allowed for a file of this size."""
        return self.seconds or 60.0 + 2.0 * n_bytes / 1e6


class WorkerFailure(Exception):  # noqa: N818 - a message between two modules, never shown
    """The child did not deliver: ``kind`` is crash, time, memory, or the name of its exception."""

    def __init__(self, kind: str, message: str = "") -> None:
        self.kind = kind
        self.message = message
        super().__init__(kind, message)


class _Worker:
    """One child process and the thread that listens to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.answers: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self.answer(_START_SECONDS)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self.answers.put(line)
        self.answers.put(None)

    def answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise WorkerFailure("time", f"{seconds:.0f} s") from None
        if line is None:
            code = self.process.wait(10)
            raise WorkerFailure("crash", f"signal {-code}" if code < 0 else f"exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def send(self, request: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, OSError):
            raise WorkerFailure("crash", "the reading process is gone") from None

    def close(self) -> None:
        if self.owner != os.getpid():
            return
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()


_lock = threading.RLock()
#: One child for our own parsers, one for those in C, whose failures cost a new child.
_current: dict[bool, _Worker] = {}


def _close_current(*which: bool) -> None:
    for fragile in which or tuple(_current):
        worker = _current.pop(fragile, None)
        if worker is not None:
            worker.close()


def _worker(fragile: bool) -> _Worker:
    worker = _current.get(fragile)
    if worker is None or worker.owner != os.getpid() or worker.process.poll() is not None:
        _close_current(fragile)
        worker = _current[fragile] = _Worker()
    return worker


atexit.register(_close_current)


class Reading:
    """One file being read by the child, block by block."""

    def __init__(self, worker: _Worker, seconds: float) -> None:
        self._worker = worker
        self._seconds_left = seconds

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        self._worker.send(request)
        return self._wait()

    def _wait(self) -> dict[str, Any]:
        begun = time.monotonic()
        answer = self._worker.answer(max(self._seconds_left, 0.01))
        self._seconds_left -= time.monotonic() - begun
        if not answer["ok"]:
            raise WorkerFailure(str(answer["kind"]), str(answer["message"]))
        return answer

    def blocks(self, folder: Path) -> Iterator[tuple[str, int]]:
        """File stem and number of rows of each block; the child reads the next while this one is used."""
        number = 0
        self._worker.send({"op": "next", "stem": str(folder / "0")})
        while True:
            answer = self._wait()
            if not answer["rows"]:
                self.notes = [str(note) for note in answer["notes"]]
                return
            stem = str(folder / str(number))
            number += 1
            self._worker.send({"op": "next", "stem": str(folder / str(number))})
            yield stem, int(answer["rows"])

    #: What the parser had to say, known at the end.
    notes: list[str] = []  # noqa: RUF012 - replaced, never changed in place


@contextlib.contextmanager
def reading(*, n_bytes: int, limits: ReadLimits, fragile: bool) -> Iterator[Reading]:
    """Have the child at hand for one file; it is replaced when it died, and after a large file.

    ``fragile``: a C parser opens the file; if it met something odd it may have damaged its own memory, so
    the child is replaced after any failure.

    Raises
    ------
    WorkerFailure
        The child crashed, took too long, ran out of memory, or its parser refused the file.
    """
    with _lock:
        worker = _worker(fragile)
        finished = False
        try:
            yield Reading(worker, limits.seconds_for(n_bytes))
            finished = n_bytes <= _RECYCLE_BYTES
        except WorkerFailure as failure:
            finished = not fragile and failure.kind not in _DIED
            raise
        finally:
            if not finished:
                _close_current(fragile)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Provide a folder only this user can read, removed at the end; those of killed runs are removed too."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    if os.name != "posix":
        return
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).split("-")[0]
        with contextlib.suppress(OSError):
            about = left.stat()
            # the age guards a run in another container, whose process numbers are not ours
            old = time.time() - about.st_mtime > _LEFT_SECONDS
            if owner.isdigit() and old and about.st_uid == os.getuid() and not _alive(int(owner)):
                shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
