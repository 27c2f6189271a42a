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

__all__ = ["ReadLimits", "WorkerFailure", "private_folder", "run_reader"]

_WORKER = Path(__file__).with_name("_worker.py")
_START_SECONDS = 60.0
_RECYCLE_BYTES = 64_000_000
_LEFT_SECONDS = 900.0
_PREFIX = "survey-toolkit-"


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
        self._answer(_START_SECONDS)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self.answers.put(line)
        self.answers.put(None)

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise WorkerFailure("time", f"{seconds:.0f} s") from None
        if line is None:
            code = self.process.wait(10)
            raise WorkerFailure("crash", f"signal {-code}" if code < 0 else f"exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, OSError):
            raise WorkerFailure("crash", "the reading process is gone") from None
        return self._answer(seconds)

    def close(self) -> None:
        if self.owner != os.getpid():
            return
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()


_lock = threading.Lock()
_current: _Worker | None = None


def _close_current() -> None:
    global _current
    if _current is not None:
        _current.close()
        _current = None


atexit.register(_close_current)


def run_reader(request: dict[str, Any], *, n_bytes: int, limits: ReadLimits) -> None:
    """Have the child read one file into ``request["folder"]``.

    Raises
    ------
    WorkerFailure
        The child crashed, took too long, ran out of memory, or its reader refused the file.
    """
    global _current
    request = {**request, "memory": limits.memory_for(n_bytes)}
    with _lock:
        if _current is None or _current.owner != os.getpid() or _current.process.poll() is not None:
            _close_current()
            _current = _Worker()
        try:
            answer = _current.ask(request, limits.seconds_for(n_bytes))
        except BaseException:
            _close_current()
            raise
        # a parser that met something odd may have damaged its own memory
        if not answer["ok"] or n_bytes > _RECYCLE_BYTES:
            _close_current()
    if not answer["ok"]:
        raise WorkerFailure(str(answer["kind"]), str(answer["message"]))


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
