"""The child process that opens untrusted survey files.

A malformed file can kill a C parser, or make any parser ask for all memory, so none runs in the user's
process. This script is started by path and loads only the parsers of the package, none of its rooms. It
answers one JSON line for each JSON line on its input: ``open`` gives the columns, ``next`` writes a block
of rows as plain arrays under a stem that the parent made. Texts are the raw bytes of the file; the parent
decodes them strictly.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

_HERE = os.path.dirname(os.path.abspath(__file__))


def _without_rooms() -> None:
    """Make the parsers importable by their names without running the package's own imports."""
    for name, folder in (("survey_toolkit", os.path.dirname(_HERE)), ("survey_toolkit.microdata", _HERE)):
        module = types.ModuleType(name)
        module.__path__ = [folder]
        sys.modules[name] = module


if __name__ == "__main__":
    _without_rooms()

from survey_toolkit.microdata._raw import Block, Contents, NumberColumn, Unreadable  # noqa: E402


def _limit_memory(extra: int) -> None:
    """Allow this many bytes of address space beyond what is in use now."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + extra, hard))
    except (ImportError, OSError, ValueError):
        pass  # no such limit on this system; the time limit still holds


_mappings: list[mmap.mmap] = []


def _mapped(path: str) -> memoryview:
    with open(path, "rb") as file:
        _mappings[:] = [mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)]
    return memoryview(_mappings[0])


def _let_go() -> None:
    """Give pages of the file back: what was read of it need not stay in memory."""
    if _mappings and hasattr(mmap, "MADV_DONTNEED"):
        _mappings[0].madvise(mmap.MADV_DONTNEED)


def _open(request: dict[str, Any]) -> Contents:
    kind, path = request["format"], request["path"]
    if kind in ("sav", "zsav"):
        from survey_toolkit.microdata._spss import open_sav

        return open_sav(_mapped(path))
    if kind == "dta":
        from survey_toolkit.microdata._stata import open_dta

        return open_dta(_mapped(path))
    if kind == "por":
        from survey_toolkit.microdata._portable import open_por

        return open_por(_mapped(path))
    if kind == "xlsx":
        from survey_toolkit.microdata._workbook import open_xlsx

        return open_xlsx(path, table=request["table"])
    if kind == "sheets":
        from survey_toolkit.microdata._workbook import open_sheets

        return open_sheets(path)
    from survey_toolkit.microdata._sas import open_catalog, open_sas

    if kind == "sas7bcat":
        return open_catalog(path)
    return open_sas(path, kind, catalog=request["catalog"])


def _described(contents: Contents) -> dict[str, Any]:
    columns = contents.columns
    return {
        "names": [c.name for c in columns],
        "texts": [c.is_text for c in columns],
        "storages": [c.storage for c in columns],
        "formats": [c.format for c in columns],
        "labels": [c.label for c in columns],
        "value_labels": [c.value_labels for c in columns],
        "missing": [c.missing for c in columns],
        "encoding": contents.encoding,
        "n_rows": contents.n_rows,
        "label": contents.label,
        "raw": contents.raw,
        "notes": contents.notes,
    }


def _save(block: Block, stem: str) -> int:
    numbers = [part for part in block if isinstance(part, NumberColumn)]
    n_rows = 0
    if numbers:
        n_rows = len(numbers[0].values)
        np.save(stem + ".npy", np.stack([part.values for part in numbers]))
        if any(part.tags is not None for part in numbers):
            none = np.zeros(n_rows, dtype=np.uint8)
            np.save(stem + ".tags.npy", np.stack([none if p.tags is None else p.tags for p in numbers]))
    for index, part in enumerate(block):
        if isinstance(part, np.ndarray):
            n_rows = len(part)
            np.save(f"{stem}.{index}.npy", part)
        elif isinstance(part, list):
            n_rows = len(part)
            with open(f"{stem}.{index}.bin", "wb") as file:
                file.write(b"".join(part))
            np.save(f"{stem}.{index}.len.npy", np.fromiter(map(len, part), np.int64, n_rows))
    return n_rows


class _Session:
    """The file now open."""

    def __init__(self) -> None:
        self.contents: Contents | None = None
        self.blocks: Iterator[Block] = iter(())

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["op"] == "open":
            self.contents, self.blocks = None, iter(())
            _limit_memory(int(request["memory"]))
            self.contents = _open(request)
            return {"ok": True, "meta": _described(self.contents)}
        assert self.contents is not None
        if request["op"] == "choose":
            self.blocks = self.contents.blocks(request["columns"], int(request["rows"]))
            return {"ok": True}
        for block in self.blocks:
            if rows := _save(block, request["stem"]):
                _let_go()
                return {"ok": True, "rows": rows}
        return {"ok": True, "rows": 0, "notes": self.contents.notes}


def _failure(exc: BaseException) -> dict[str, Any]:
    """One answer for anything that can escape a parser."""
    if isinstance(exc, Unreadable):
        kind, message = exc.kind, exc.message
    elif isinstance(exc, MemoryError) or (isinstance(exc, OSError) and exc.errno == errno.ENOMEM):
        kind, message = "memory", "out of the memory allowed"
    else:
        kind, message = type(exc).__name__, str(exc)
    return {"ok": False, "kind": kind, "message": message[:300]}


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # a C library may print; that must not mix with the answers
    answers.write('{"ok": true, "ready": true}\n')
    answers.flush()
    session = _Session()
    for line in sys.stdin:
        try:
            answer = session.answer(json.loads(line))
        except BaseException as exc:
            answer = _failure(exc)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
