"""The child process that opens SPSS, Stata and SAS files.

The C parser behind pyreadstat can be killed by a malformed file, so it never runs in the user's
process. This script is started by path, imports nothing of the package, and answers one JSON line for
each JSON line on its input. Results are plain arrays and JSON in a folder that the parent made: numbers
as ``.npy``, texts as the raw bytes of the file with their lengths; the parent decodes them strictly.

Reading "as Latin-1" is how the raw bytes are had: each byte comes out as the code point of its number.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import pyreadstat

_READERS: dict[str, Any] = {
    "sav": pyreadstat.read_sav,
    "zsav": pyreadstat.read_sav,
    "dta": pyreadstat.read_dta,
    "sas7bdat": pyreadstat.read_sas7bdat,
    "xpt": pyreadstat.read_xport,
}


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


def _options(request: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"output_format": "dict", "disable_datetime_conversion": True}
    if request["format"] != "xpt":
        options["user_missing"] = True
    if request["encoding"]:
        options["encoding"] = request["encoding"]
    if request["columns"]:
        options["usecols"] = request["columns"]
    return options


def _text(column: list[Any], raw: bool) -> tuple[bytes, Any]:
    try:
        joined = "".join(column)
    except TypeError:  # a null among the texts
        column = ["" if value is None else str(value) for value in column]
        joined = "".join(column)
    if raw:
        return joined.encode("latin-1"), np.fromiter(map(len, column), np.int64, len(column))
    parts = [value.encode("utf-8") for value in column]
    return b"".join(parts), np.fromiter(map(len, parts), np.int64, len(parts))


def _numbers(column: list[Any]) -> tuple[Any, Any]:
    """Float values and, where there are tagged missing values, their letters (0 for none)."""
    try:
        return np.array(column, dtype=np.float64), None
    except (TypeError, ValueError):
        tags = np.array([ord(v[:1]) if isinstance(v, str) and v else 0 for v in column], dtype=np.uint8)
        values = [np.nan if v is None or isinstance(v, str) else v for v in column]
        return np.array(values, dtype=np.float64), tags


def _save(data: dict[str, list[Any]], kinds: list[str], folder: str, chunk: int, raw: bool) -> None:
    for index, (kind, column) in enumerate(zip(kinds, data.values(), strict=True)):
        stem = os.path.join(folder, f"{index}.{chunk}")
        if kind == "text":
            blob, lengths = _text(column, raw)
            with open(stem + ".bin", "wb") as file:
                file.write(blob)
            np.save(stem + ".len.npy", lengths)
            continue
        values, tags = _numbers(column)
        np.save(stem + ".npy", values)
        if tags is not None:
            np.save(stem + ".tag.npy", tags)


def _metadata(meta: Any, names: list[str], kinds: list[str], rows: list[int]) -> dict[str, Any]:
    return {
        "names": names,
        "kinds": kinds,
        "types": [str(meta.readstat_variable_types.get(n, "")) for n in names],
        "formats": [meta.original_variable_types.get(n) for n in names],
        "labels": [meta.column_names_to_labels.get(n) for n in names],
        "value_labels": [list(meta.variable_value_labels.get(n, {}).items()) for n in names],
        "missing_ranges": [meta.missing_ranges.get(n, []) for n in names],
        "file_encoding": meta.file_encoding,
        "rows": rows,
    }


def read(request: dict[str, Any]) -> None:
    """Read one file into the folder named by the request."""
    reader, options = _READERS[request["format"]], _options(request)
    raw = bool(request["raw"])
    rows: list[int] = []
    limit = int(request["rows_a_chunk"] or 0)
    while True:
        if limit:
            options["row_limit"], options["row_offset"] = limit, sum(rows)
        data, meta = reader(request["path"], **options)
        names = list(data)
        kinds = ["text" if meta.readstat_variable_types.get(n) == "string" else "number" for n in names]
        n = len(data[names[0]]) if names else 0
        _save(data, kinds, request["folder"], len(rows), raw)
        rows.append(n)
        if not limit or n < limit:
            break
    with open(os.path.join(request["folder"], "meta.json"), "w", encoding="ascii") as file:
        json.dump(_metadata(meta, names, kinds, rows), file)


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # the C library may print; that must not mix with the answers
    answers.write('{"ready": true}\n')
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            _limit_memory(int(request["memory"]))
            read(request)
            answer: dict[str, Any] = {"ok": True}
        except MemoryError:
            answer = {"ok": False, "kind": "memory", "message": "out of the memory allowed"}
        except BaseException as exc:  # anything can escape the parser; all of it becomes one answer
            answer = {"ok": False, "kind": type(exc).__name__, "message": ascii(str(exc))[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
