"""Harmonization of files that do not fit in memory: block by block from Parquet to Parquet.

DuckDB reads only the columns the crosswalk names, a block of rows at a time; each block goes through the
very engine of :func:`~survey_toolkit.microdata.harmonize.harmonize` and is written at once. The audits of
the blocks are added up. Keys are checked over the whole file inside DuckDB. Peak memory is that of one
block, whatever the length of the file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._declared import METADATA_KEY
from survey_toolkit._frames import STATUS_SUFFIX
from survey_toolkit.errors import DataFileError, HarmonizationError
from survey_toolkit.microdata._blocks import description, empty_frame, nullable, quoted
from survey_toolkit.microdata._delimited import quote_identifier
from survey_toolkit.microdata._engine_room import connect
from survey_toolkit.microdata._parquet import parquet_metadata, write_parquet
from survey_toolkit.microdata.audit import merge_audits
from survey_toolkit.microdata.classify import classify
from survey_toolkit.microdata.crosswalk import Crosswalk, Level, load_crosswalk
from survey_toolkit.microdata.harmonize import harmonize, level_name, named_columns, unmapped_problems
from survey_toolkit.microdata.model import MISSING_SUFFIX, FileSource, Microdata, TargetAudit, Variable

if TYPE_CHECKING:
    from survey_toolkit.standards.registry import Registry

__all__ = ["HarmonizedFile", "harmonize_parquet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmonizedFile:
    """A harmonized Parquet file and its account, without the rows.

    Attributes
    ----------
    path : Path
    n_rows : int
        Rows written; rows that the filter left out are told in the notes.
    level : str
    keys : tuple of str
    audit : tuple of TargetAudit
        Added up over the blocks: the same as that of the file in one piece.
    statuses : mapping of output to (status to count)
        Of the definitions applied.
    notes : tuple of str
    source : FileSource
    """

    path: Path
    n_rows: int
    level: str
    keys: tuple[str, ...]
    audit: tuple[TargetAudit, ...]
    statuses: dict[str, dict[str, int]]
    notes: tuple[str, ...]
    source: FileSource


def harmonize_parquet(
    source: str | os.PathLike[str],
    crosswalk: str | os.PathLike[str] | Crosswalk,
    target: str | os.PathLike[str],
    *,
    level: str | None = None,
    definitions: Sequence[str] = (),
    block: int = 250_000,
    registry: Registry | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> HarmonizedFile:
    """Harmonize (and classify) a Parquet file of any length without holding it.

    Parameters
    ----------
    source : path
        A Parquet file; labels are used if this toolkit wrote it.
    crosswalk : path, shipped id, or Crosswalk
    target : path
        Parquet file to write; it appears whole or not at all. Blocks stand beside it while it is made.
    level : str, optional
        Level of the crosswalk, if it has several.
    definitions : sequence of str
        ``"child_labour@sdg-2021"`` and the like, applied to each block. A definition at job or episode
        level takes one job a person here.
    block : int
        Rows held at once; peak memory is proportional to it.
    registry : Registry, optional
    progress : callable, optional
        Told what is done and the share done.

    Returns
    -------
    HarmonizedFile

    Raises
    ------
    DataFileError, HarmonizationError
        As for reading and for :func:`~survey_toolkit.microdata.harmonize.harmonize`; unmapped codes of
        the whole file are told at once.

    Examples
    --------
    >>> import pandas as pd, tempfile, pathlib
    >>> from survey_toolkit.microdata import Crosswalk, write_microdata
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> raw = Microdata.from_frame(pd.DataFrame({"q2": [1, 2, 2, 1]}))
    >>> walk = Crosswalk.model_validate({
    ...     "id": "example", "title": "Example", "country": {"code": "KHM"}, "survey": "LFS",
    ...     "period": "2024",
    ...     "levels": {"person": {"targets": {"sex": {"source": "q2", "recode": {1: "M", 2: "F"}}}}}})
    >>> done = harmonize_parquet(write_microdata(raw, folder / "in.parquet"), walk, folder / "out.parquet",
    ...                          block=3)
    >>> done.n_rows, done.audit[0].codes
    (4, (('1', 'M', 2), ('2', 'F', 2)))
    """
    from survey_toolkit.standards.registry import load

    registry = registry or load()
    walk = load_crosswalk(crosswalk, registry=registry)
    name = level_name(walk, level)
    file, out = Path(source), Path(target)
    if out.suffix.lower() not in (".parquet", ".pq"):
        raise DataFileError(
            "the target must be a Parquet file",
            where=out.name,
            found=out.suffix or "no extension",
            hint="name it .parquet, and convert it with write_microdata",
            code="unsupported-format",
        )
    with _work_folder(out) as folder:
        task = _Task(
            file, walk, name, tuple(definitions), block, registry, folder, progress or (lambda *_: None)
        )
        return task.run(out)


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """A folder of the run's own beside the target, readable by its owner only, removed at the end."""
    folder = out.parent / f".{out.name}.{secrets.token_hex(4)}.parts"
    try:
        folder.mkdir(mode=0o700)
    except FileNotFoundError:
        raise DataFileError("there is no such folder", where=str(out.parent), code="missing-file") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _Task:
    """One run: the file, what to make of it, and where the blocks stand."""

    file: Path
    walk: Crosswalk
    level: str
    definitions: tuple[str, ...]
    block: int
    registry: Registry
    folder: Path
    progress: Callable[[str, float], None]

    @property
    def spec(self) -> Level:
        return self.walk.levels[self.level]

    def run(self, out: Path) -> HarmonizedFile:
        """Blocks in, blocks out, one file in the end."""
        from survey_toolkit.microdata.read import file_sha256

        first = self._head()
        columns = self._columns(first)
        lenient = self._lenient()
        audits: list[tuple[TargetAudit, ...]] = []
        notes: list[tuple[str, ...]] = []
        statuses: dict[str, dict[str, int]] = {}
        described: dict[str, Variable] = {}
        with contextlib.closing(connect()) as connection:
            connection.execute(f"SET temp_directory = '{quoted(self.folder / 'spill')}'")
            connection.execute("SET preserve_insertion_order = true")
            n_rows = self._check_keys(connection)
            for i, frame in enumerate(self._blocks(connection, columns, first, n_rows)):
                done = self._one(first, frame, lenient, i)
                audits.append(done.audit)
                notes.append(done.notes)
                described = {**described, **done.variables}
                _add_statuses(statuses, done)
                self.progress("harmonizing", min(0.95, (i + 1) * self.block / max(n_rows, 1)))
            audit = merge_audits(audits)
            self._raise_unmapped(audit)
            written = self._together(connection, described, out)
        return HarmonizedFile(
            path=out,
            n_rows=written,
            level=self.level,
            keys=self.spec.file_key,
            audit=audit,
            statuses=statuses,
            notes=self._notes(notes, n_rows, written, statuses),
            source=FileSource(
                name=self.file.name, sha256=file_sha256(self.file), format="parquet", n_rows=n_rows
            ),
        )

    def _head(self) -> Microdata:
        """The file's description with no row: what is in it, and its labels."""
        if not self.file.is_file():
            raise DataFileError(
                "there is no such file", where=str(self.file), hint="check the path", code="missing-file"
            )

        described = description(self.file, self.folder)
        with contextlib.closing(connect()) as connection:
            types = connection.execute(
                f"DESCRIBE SELECT * FROM read_parquet('{quoted(self.file)}')"
            ).fetchall()
        frame = empty_frame(types)
        bases = {c: c.removesuffix(MISSING_SUFFIX) for c in frame.columns}
        names = [c for c, base in bases.items() if c == base or base not in bases]
        return Microdata(
            frame=frame,
            variables={n: described.get(n, Variable(name=n)) for n in names},
            source=FileSource(name=self.file.name, format="parquet"),
        )

    def _columns(self, first: Microdata) -> list[str]:
        """Columns the level reads, with their companions."""
        from survey_toolkit.microdata.harmonize import check_columns, label_source

        check_columns(first, self.spec, self.walk.id, self.level)
        named = [n for _, n in named_columns(self.spec)]
        named += [label_source(first, t.label) for t in self.spec.targets.values() if t.label is not None]
        companions = [n + MISSING_SUFFIX for n in named if n + MISSING_SUFFIX in first.frame.columns]
        return list(dict.fromkeys([*named, *companions]))

    def _lenient(self) -> Crosswalk:
        """The crosswalk with unmapped codes counted, so that those of all blocks are told at once.

        Keys are left to DuckDB, which sees the whole file.
        """
        targets = {n: t.model_copy(update={"unmapped": "missing"}) for n, t in self.spec.targets.items()}
        keep = tuple(dict.fromkeys((*self.spec.file_key, *self.spec.keep)))
        spec = self.spec.model_copy(update={"targets": targets, "file_key": (), "keep": keep})
        return self.walk.model_copy(update={"levels": {self.level: spec}})

    def _check_keys(self, connection: Any) -> int:
        """Count the rows, and refuse a key that is blank or stands twice."""
        where = f"read_parquet('{quoted(self.file)}')"
        n_rows = int(connection.execute(f"SELECT count(*) FROM {where}").fetchone()[0])
        keys = ", ".join(quote_identifier(k) for k in self.spec.file_key)
        if not keys or self.spec.filter is not None:
            return n_rows
        blank = " OR ".join(f"{quote_identifier(k)} IS NULL" for k in self.spec.file_key)
        n_blank = int(connection.execute(f"SELECT count(*) FROM {where} WHERE {blank}").fetchone()[0])
        groups = f"SELECT count(*) n FROM {where} GROUP BY {keys} HAVING count(*) > 1"
        query = f"SELECT coalesce(sum(n), 0) FROM ({groups})"
        n_twice = int(connection.execute(query).fetchone()[0])
        if n_blank or n_twice:
            raise HarmonizationError(
                f"the key of crosswalk '{self.walk.id}' does not name each row once",
                where=f"{self.file.name}: {', '.join(self.spec.file_key)}",
                found=f"{n_twice:,} rows share their key, {n_blank:,} rows have a blank one",
                expected="one row a key",
                hint="name all columns of the key, or remove the duplicates before",
                code="duplicate-key",
            )
        return n_rows

    def _blocks(self, connection: Any, columns: list[str], first: Microdata, n_rows: int) -> Iterator[Any]:
        """Frames of at most ``block`` rows, in the order of the file, with the types of the whole file."""
        import pandas as pd

        chosen = ", ".join(quote_identifier(c) for c in columns) or "1 AS nothing"
        for start in range(0, n_rows, self.block):
            arrays = connection.execute(
                f"SELECT {chosen} FROM read_parquet('{quoted(self.file)}', file_row_number = true) "
                f"WHERE file_row_number >= {start} AND file_row_number < {start + self.block} "
                "ORDER BY file_row_number"
            ).fetchnumpy()
            yield pd.DataFrame({n: nullable(arrays[n], first.frame[n].dtype) for n in columns},
                               index=pd.RangeIndex(min(self.block, n_rows - start)))  # fmt: skip

    def _one(self, first: Microdata, frame: Any, lenient: Crosswalk, number: int) -> Microdata:
        variables = {n: v for n, v in first.variables.items() if n in frame.columns}
        data = Microdata(frame=frame, variables=variables, source=first.source)
        done = harmonize(data, lenient, level=self.level, registry=self.registry)
        for definition in self.definitions:
            done = classify(done, definition, registry=self.registry)
        write_parquet(done.frame, {}, self.folder / f"part{number:06}.parquet")
        return done

    def _raise_unmapped(self, audit: tuple[TargetAudit, ...]) -> None:
        problems = unmapped_problems(audit, self.spec)
        if problems:
            raise HarmonizationError(
                f"crosswalk '{self.walk.id}' does not map every code found in the data",
                where=self.file.name,
                problems=problems,
                hint="map the codes, declare them missing with a reason, or say 'unmapped: missing'",
                code="unmapped-codes",
            )

    def _together(self, connection: Any, described: dict[str, Variable], out: Path) -> int:
        """One file of all blocks, in their order, with its descriptions; returns its rows."""
        parts = f"read_parquet('{quoted(self.folder)}/part*.parquet', union_by_name = true)"
        have = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {parts}").fetchall()]
        order = [c for n in described for c in (n, n + MISSING_SUFFIX) if c in have]
        order += [c for c in have if c not in order]
        stored = parquet_metadata(described).replace("'", "''")
        temporary = self.folder / "whole.parquet"
        chosen = ", ".join(quote_identifier(c) for c in order)
        connection.execute(
            f"COPY (SELECT {chosen} FROM {parts}) TO '{quoted(temporary)}' "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{METADATA_KEY}: '{stored}'}})"
        )
        os.replace(temporary, out)
        return int(connection.execute(f"SELECT count(*) FROM read_parquet('{quoted(out)}')").fetchone()[0])

    def _notes(
        self, notes: list[tuple[str, ...]], n_rows: int, written: int, statuses: dict[str, dict[str, int]]
    ) -> tuple[str, ...]:
        """What every block says once; counts of single blocks give way to those of the file."""
        counted = tuple(f"{name} (" for name in statuses)
        shared = [n for n in dict.fromkeys(n for block in notes for n in block)
                  if not n.startswith(("filter", *counted))]  # fmt: skip
        if self.spec.filter is not None:
            said = f" ({self.spec.filter_note})" if self.spec.filter_note else ""
            shared.append(
                f"filter{said}: {written:,} of {n_rows:,} rows kept; keys were not checked after it"
            )
        for name, counts in statuses.items():
            decided = counts.get("met", 0) + counts.get("not_met", 0)
            shared.append(f"{name}: {decided:,} decided, {counts.get('undetermined', 0):,} undetermined, "
                          f"{counts.get('not_applicable', 0):,} not applicable")  # fmt: skip
        return tuple(shared)


def _add_statuses(statuses: dict[str, dict[str, int]], done: Microdata) -> None:
    for name in done.frame.columns:
        if name.endswith(STATUS_SUFFIX):
            counts = statuses.setdefault(name.removesuffix(STATUS_SUFFIX), {})
            for status, n in done.frame[name].value_counts().items():
                counts[str(status)] = counts.get(str(status), 0) + int(n)
