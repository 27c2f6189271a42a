"""Any file to Parquet, a block of rows at a time: the file may be larger than memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit._atomic import appearing
from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.microdata._convert_text import convert_delimited
from survey_toolkit.microdata._delimited import quote_identifier
from survey_toolkit.microdata._engine_room import connect
from survey_toolkit.microdata._files import SourceFile, opened, parser_failure
from survey_toolkit.microdata._parquet import check_names, metadata_clause, write_parquet
from survey_toolkit.microdata._process import ReadLimits, WorkerFailure
from survey_toolkit.microdata._statistical import (
    TAG_WORDS,
    OpenFile,
    RawBlock,
    RawColumn,
    date_unit,
    open_statistical,
)
from survey_toolkit.microdata.model import MISSING_SUFFIX, Variable
from survey_toolkit.microdata.read import ReadOptions, child_options, read_microdata

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

__all__ = ["convert_to_parquet"]

_WHOLE = 2.0**53
_WIDE = 4_000
#: Farthest moment that microseconds in 64 bits can hold, in seconds, and the farthest that is exact.
_FARTHEST, _EXACT = 9e12, 4e11
#: Memory of the engine: some, and a share a column, as each is compressed by itself.
_MEMORY, _A_COLUMN = 256_000_000, 100_000


def convert_to_parquet(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    limits: ReadLimits | None = None,
    catalog: str | os.PathLike[str] | None = None,
    layout: str | os.PathLike[str] | None = None,
) -> Path:
    """Turn a survey file into Parquet with all its labels and missing codes, in bounded memory.

    SPSS, Stata and SAS files pass through in blocks of rows, text tables through the engine; the result
    reads back as :func:`~survey_toolkit.microdata.read_microdata` would have read the file itself, but for
    dates that Parquet cannot hold (beyond the year 280,000), which stay numbers.

    Parameters
    ----------
    path : path
        Anything :func:`~survey_toolkit.microdata.read_microdata` reads.
    target : path
        The ``.parquet`` file; it appears whole or not at all.
    encoding, columns, limits, catalog, layout
        As in :func:`~survey_toolkit.microdata.read_microdata`.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DataFileError
        As in :func:`~survey_toolkit.microdata.read_microdata`; no such folder.

    Examples
    --------
    >>> import pandas as pd, tempfile, pathlib
    >>> from survey_toolkit.microdata import Microdata, read_microdata, write_microdata
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> file = write_microdata(Microdata.from_frame(pd.DataFrame({"sex": [1, 2]})), folder / "hh.sav")
    >>> read_microdata(convert_to_parquet(file, folder / "hh.parquet")).frame["sex"].to_list()
    [1, 2]
    """
    out = Path(target)
    if not out.parent.is_dir():
        raise DataFileError("there is no such folder", where=str(out.parent), code="missing-file")
    options = ReadOptions(
        encoding=encoding,
        columns=tuple(columns) if columns is not None else None,
        limits=limits or ReadLimits(),
        catalog=Path(catalog) if catalog is not None else None,
        layout=Path(layout) if layout is not None else None,
    )
    with opened(Path(path), options.limits, layout=options.layout) as source, appearing(out) as temporary:
        if not _converted(source, options, temporary):
            data = read_microdata(path, encoding=encoding, columns=columns, limits=limits, layout=layout)
            write_parquet(data.frame, data.variables, temporary)
    return out


def _converted(source: SourceFile, options: ReadOptions, target: Path) -> bool:
    """Convert without holding the rows; False where there is no such way."""
    if source.kind == "text":
        return convert_delimited(
            source.path,
            source.folder,
            target,
            encoding=options.encoding,
            columns=options.columns,
            limits=options.limits,
        )
    return source.kind not in ("parquet", "fixed") and _convert(source, options, target)


def _convert(source: SourceFile, options: ReadOptions, target: Path) -> bool:
    """Convert block by block; False if there are so many columns that the engine is better off without."""
    connection = connect()
    try:
        connection.execute("SET temp_directory = ?", [str(source.folder)])
        with open_statistical(
            source.path,
            source.folder,
            kind=source.kind,
            n_bytes=source.n_bytes,
            encoding=options.encoding,
            limits=options.limits,
            options=child_options(options),
        ) as file:
            if options.columns is not None:
                _choose(file, list(options.columns))
            if len(file.chosen) > _WIDE:
                return False
            memory = _MEMORY + _A_COLUMN * len(file.chosen)
            connection.execute(f"SET memory_limit = '{memory // 1_000_000}MB'")
            kept = _Kept(file, source.folder)
            for block in file.blocks():
                kept.add(connection, block)
            kept.finish(connection, target)
    except WorkerFailure as failure:
        raise parser_failure(source, failure) from None
    else:
        return True
    finally:
        connection.close()


def _choose(file: OpenFile, names: list[str]) -> None:
    known = [file.text(name) for name in file.meta["names"]]
    absent = [name for name in names if name not in known]
    if absent:
        raise DataFileError(
            "no such column",
            where=file.name,
            found=", ".join(f"'{name}'" for name in absent),
            expected=did_you_mean(absent[0], known),
            hint="names are case-sensitive",
            code="missing-column",
        )
    file.choose(names)


@dataclass(slots=True)
class _Facts:
    """What must be known of a whole column before its type is."""

    whole: bool = True
    farthest: float = 0.0
    whole_moments: bool = True
    tags: set[str] = field(default_factory=set)

    def learn(self, numbers: NDArray[np.float64], per_second: float | None) -> None:
        present = numbers[~np.isnan(numbers)]
        if not len(present):
            return
        if per_second is not None:
            moments = present / per_second
            self.farthest = max(self.farthest, float(np.abs(moments).max()))
            self.whole_moments &= bool(np.array_equal(moments, np.floor(moments)))
        if self.whole:
            with np.errstate(invalid="ignore"):
                inside = max(-float(present.min()), float(present.max())) < _WHOLE
                self.whole = inside and bool(np.array_equal(present, np.floor(present)))


class _Kept:
    """Blocks on disk as plain numbers and texts, until the columns' types are known."""

    def __init__(self, file: OpenFile, folder: Path) -> None:
        self.file = file
        self.folder = folder
        self.columns: list[RawColumn] = []
        self.facts: dict[int, _Facts] = {index: _Facts() for index in file.chosen}
        self.parts: list[Path] = []

    def add(self, connection: duckdb.DuckDBPyConnection, block: RawBlock) -> None:
        """Write a block."""
        import pandas as pd

        held: dict[str, Any] = {}
        if not self.columns:
            self.columns = self.file.columns()
        for column in self.columns:
            index = column.index
            if column.is_text:
                held[f"c{index}"] = pd.Series(block.texts[index], dtype=object)
                continue
            numbers = block.numbers[index]
            unit = date_unit(column.format or "", column.kind)
            self.facts[index].learn(numbers, unit[1] if unit else None)
            held[f"c{index}"] = numbers
            if index in block.tags:
                words = TAG_WORDS[block.tags[index]]
                held[f"t{index}"] = pd.Series(words, dtype=object)
                self.facts[index].tags.update(w for w in np.unique(words.astype("U2")) if w != "No")
        self.parts.append(self.folder / f"part{len(self.parts)}.parquet")
        connection.register("block", pd.DataFrame(held, copy=False))
        connection.execute(
            f"COPY (SELECT * FROM block) TO {_text(self.parts[-1])} (FORMAT parquet, COMPRESSION lz4_raw)"
        )
        connection.unregister("block")

    def finish(self, connection: duckdb.DuckDBPyConnection, target: Path) -> None:
        """Put the blocks together, every column in its type."""
        if not self.columns:
            self.columns = self.file.columns()
        check_names(self.file.name, (c.name for c in self.columns), "read it, and write .dta or .csv")
        variables: dict[str, Variable] = {}
        chosen = []
        for column in self.columns:
            facts = self.facts[column.index]
            chosen.append(f"{_expression(column, facts)} AS {quote_identifier(column.name)}")
            if facts.tags:
                tag_name = quote_identifier(column.name + MISSING_SUFFIX)
                chosen.append(f"t{column.index} AS {tag_name}")
            variables[column.name] = column.variable(sorted(facts.tags))
        if self.parts:
            listed = ", ".join(_text(part) for part in self.parts)
            rows = f"read_parquet([{listed}], union_by_name = true)"
        else:
            empty = ", ".join(
                f"NULL::{'VARCHAR' if c.is_text else 'DOUBLE'} AS c{c.index}" for c in self.columns
            )
            rows = f"(SELECT {empty} WHERE false)"
        connection.execute(
            f"COPY (SELECT {', '.join(chosen)} FROM {rows}) TO {_text(target)} "
            f"(FORMAT parquet, COMPRESSION zstd, {metadata_clause(variables)})"
        )


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _expression(column: RawColumn, facts: _Facts) -> str:
    """SQL that gives a column the type :func:`read_microdata` would have given it."""
    name = f"c{column.index}"
    if column.is_text:
        return name
    number = f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END"
    unit = date_unit(column.format or "", column.kind)
    inside = facts.farthest < (_FARTHEST if facts.whole_moments else _EXACT)
    if unit is not None and not column.missing and inside:
        shift = int((unit[0] - np.datetime64(0, "s")).astype(np.int64)) * 1_000_000
        moment = f"(({number}) / {unit[1]!r})"
        if facts.whole_moments:
            return f"make_timestamp(CAST(round({moment}) AS BIGINT) * 1000000 + {shift})"
        return f"make_timestamp(CAST(round({moment} * 1000000) AS BIGINT) + {shift})"
    return f"CAST({number} AS BIGINT)" if column.is_whole and facts.whole else number
