"""Exports of several tables: ODK and Kobo archives with repeats, Survey Solutions, CSPro, workbooks."""

from __future__ import annotations

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from survey_toolkit._archive import UnpackLimits, UnsafeArchiveError, check_archive
from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.microdata._files import FORMATS, opened, plain_size
from survey_toolkit.microdata._fixed_width import read_records
from survey_toolkit.microdata._process import ReadLimits, private_folder
from survey_toolkit.microdata.identifiers import strip_identifiers
from survey_toolkit.microdata.model import Code, FileSource, Microdata, MissingCode, Variable
from survey_toolkit.microdata.read import file_sha256, read_microdata, sheet_names

__all__ = ["TableLink", "TableSet", "read_tables"]

_FILES, _RATIO, _SMALL = 2_000, 200, 50_000_000
_ASIDE = re.compile(
    r"(^|/)(__MACOSX|\.[^./])|(^|/)export__readme|\.(html?|xml|json|txt|md|jpe?g|png|pdf)$", re.IGNORECASE
)
#: Survey Solutions: asked but not answered.
_UNANSWERED, _UNANSWERED_TEXT = -999_999_999, "##N/A##"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLink:
    """A child table and how its rows find their parent: pairs of (child column, parent column)."""

    child: str
    parent: str
    on: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableSet:
    """The tables of one export, by name, and the links between them.

    Attributes
    ----------
    tables : mapping of str to Microdata
    links : tuple of TableLink
        Found by the columns that the exporting program writes; check them before a join.
    """

    tables: Mapping[str, Microdata]
    links: tuple[TableLink, ...] = ()

    def __getitem__(self, name: str) -> Microdata:
        if name not in self.tables:
            raise DataFileError(
                "no such table",
                found=f"'{name}'",
                expected=did_you_mean(name, self.tables),
                code="missing-table",
            )
        return self.tables[name]

    def without_identifiers(self, *, also: Iterable[str] = (), keep: Iterable[str] = ()) -> TableSet:
        """Remove what names a person from every table; the columns that link the tables stay.

        See :func:`~survey_toolkit.microdata.strip_identifiers`; a column of ``also`` or ``keep`` may stand
        in some of the tables only.
        """
        also, keep = set(also), set(keep)
        tables = {}
        for name, data in self.tables.items():
            joined = {own for k in self.links for own, _ in k.on if k.child == name}
            joined |= {other for k in self.links for _, other in k.on if k.parent == name}
            here = set(data.variables)
            tables[name] = strip_identifiers(data, also=sorted(also & here), keep=(keep | joined) & here)
        return TableSet(tables=tables, links=self.links)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        lines = [f"TableSet: {len(self.tables)} tables"]
        lines += [
            f"  {name}: {data.n_rows:,} rows, {len(data.variables)} variables"
            for name, data in self.tables.items()
        ]
        lines += [
            f"  {k.child} -> {k.parent} by {', '.join(f'{a} = {b}' for a, b in k.on)}" for k in self.links
        ]
        return "\n".join(lines)


def read_tables(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    limits: ReadLimits | None = None,
    layout: str | os.PathLike[str] | None = None,
) -> TableSet:
    r"""Read every table of an export, with the links of repeats and rosters to their parents.

    Parameters
    ----------
    path : path
        A ``.zip`` of tables (ODK, Kobo, SurveyCTO with repeats; Survey Solutions tab export), an ``.xlsx``
        with several sheets, or fixed-width data with ``layout``; any other file is one table.
    encoding : str, optional
        Of the texts, where they do not say.
    limits : ReadLimits, optional
        Time, memory and size that reading may cost.
    layout : path, optional
        CSPro dictionary (``.dcf``) of fixed-width data: one table a record.

    Returns
    -------
    TableSet

    Raises
    ------
    DataFileError
        As in :func:`~survey_toolkit.microdata.read_microdata`; an archive with a password, without tables,
        or that unpacks to more than the limits.

    Examples
    --------
    >>> import tempfile, pathlib, zipfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "hh.zip"
    >>> with zipfile.ZipFile(file, "w") as archive:
    ...     archive.writestr("hh.csv", "KEY,size\nu1,2\n")
    ...     archive.writestr("hh-member.csv", "PARENT_KEY,KEY,age\nu1,u1/m[1],30\nu1,u1/m[2],9\n")
    >>> print(read_tables(file))
    TableSet: 2 tables
      hh: 1 rows, 2 variables
      hh-member: 2 rows, 3 variables
      hh-member -> hh by PARENT_KEY = KEY
    """
    file, limits = Path(path), limits or ReadLimits()
    if layout is not None:
        return _cspro(file, Path(layout), encoding, limits)
    if file.suffix.lower() == ".zip":
        tables = dict(_archive(file, encoding, limits))
    elif file.suffix.lower() == ".xlsx":
        tables = _sheets(file, encoding, limits)
    else:
        tables = {file.stem: read_microdata(file, encoding=encoding, limits=limits)}
    tables = {name: _survey_solutions(data) for name, data in tables.items()}
    return TableSet(tables=tables, links=_links(tables))


def _cspro(file: Path, layout: Path, encoding: str | None, limits: ReadLimits) -> TableSet:
    with opened(file, limits, layout=layout) as source:
        records = read_records(source, layout, encoding=encoding, limits=limits)
    sha256 = file_sha256(file)
    tables = {}
    for name, (found, described) in records.items():
        origin = FileSource(
            name=f"{file.name}:{name}",
            sha256=sha256,
            format="fixed",
            encoding=found.encoding,
            n_rows=len(found.frame),
        )
        tables[name] = Microdata(
            frame=found.frame,
            variables=found.variables,
            source=origin,
            keys=described.keys,
            notes=found.notes,
        )
    keys = next((data.keys for data in tables.values()), ())
    single = [n for n, d in tables.items() if keys and not d.frame.duplicated(list(keys)).any()]
    parent = single[0] if single else None
    pairs = tuple((key, key) for key in keys)
    links = [TableLink(child=n, parent=parent, on=pairs) for n in tables if parent and n != parent]
    return TableSet(tables=tables, links=tuple(links))


def _sheets(file: Path, encoding: str | None, limits: ReadLimits) -> dict[str, Microdata]:
    """Every sheet that is a table; what is none (empty, or without names) is told."""
    names = sheet_names(file, limits=limits)
    if len(names) == 1:
        return {file.stem: read_microdata(file, encoding=encoding, limits=limits)}
    tables: dict[str, Microdata] = {}
    left: list[str] = []
    refused: DataFileError | None = None
    for name in names:
        try:
            data = read_microdata(file, encoding=encoding, limits=limits, table=name)
        except DataFileError as error:
            if error.code != "schema":
                raise
            refused = error
            left.append(f"sheet '{name}' was not read: {error.found or error.what}")
        else:
            tables[name] = data.replace(notes=data.notes[1:])
    if not tables and refused is not None:
        raise refused
    if left:
        first = next(iter(tables))
        tables[first] = tables[first].replace(notes=(*tables[first].notes, *left))
    return tables


def _archive(file: Path, encoding: str | None, limits: ReadLimits) -> Iterator[tuple[str, Microdata]]:
    plain_size(file)
    with private_folder() as folder:
        members = _unpacked(file, folder, limits)
        tables = {inside: m for inside, m in members.items() if m.suffix.lower() in FORMATS}
        programs = {m.stem: m for m in members.values() if m.suffix.lower() == ".do"}
        if not tables:
            raise DataFileError(
                "the archive holds no table",
                where=file.name,
                found=", ".join(m.name for m in members.values())[:200] or None,
                expected=", ".join(FORMATS),
                code="unsupported-format",
            )
        stems = Counter(m.stem for m in tables.values())
        left = [m.name for m in members.values() if m.suffix.lower() not in (*FORMATS, ".do")]
        for inside, member in tables.items():
            data = _member(file, member, encoding, limits)
            if member.stem in programs and member.suffix.lower() == ".tab":
                data = _labelled(data, programs[member.stem])
            if left:
                data = data.replace(notes=(*data.notes, f"not read in the archive: {', '.join(left)}"[:300]))
                left = []
            yield member.stem if stems[member.stem] == 1 else inside, data


def _member(file: Path, member: Path, encoding: str | None, limits: ReadLimits) -> Microdata:
    """Read one table of an archive; messages name the archive too."""
    name = f"{file.name}:{member.name}"
    try:
        data = read_microdata(member, encoding=encoding, limits=limits)
    except DataFileError as error:
        where = (error.where or "").removeprefix(member.name)
        raise DataFileError(
            error.what,
            where=name + where,
            found=error.found,
            expected=error.expected,
            hint=error.hint,
            code=error.code,
        ) from None
    return data.replace(source=replace(data.source, name=name))


def _unpacked(file: Path, folder: Path, limits: ReadLimits) -> dict[str, Path]:
    """Unpack an archive, each file under its plain name and never outside the folder; by name inside."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _ASIDE.search(m.filename)]
            _check_members(file, members, limits)
            out: dict[str, Path] = {}
            for number, member in enumerate(members):
                name = re.sub(r"[^\w.() -]", "_", PurePosixPath(member.filename.replace("\\", "/")).name)
                target = folder / str(number) / (name[-100:] or "table")
                target.parent.mkdir()
                with archive.open(member) as packed, target.open("wb") as unpacked:
                    left = member.file_size
                    while left > 0 and (piece := packed.read(min(1 << 20, left))):
                        left -= len(piece)
                        unpacked.write(piece)
                out[member.filename if member.filename not in out else f"{member.filename} ({number})"] = (
                    target
                )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as exc:
        if isinstance(exc, DataFileError):
            raise
        what = "the archive needs a password" if "password" in str(exc) else "the archive is damaged"
        hint = (
            "unpack it with its password and zip it without one" if "password" in what else "fetch it again"
        )
        raise DataFileError(what, where=file.name, hint=hint, code="damaged") from None
    return out


def _check_members(file: Path, members: list[zipfile.ZipInfo], limits: ReadLimits) -> None:
    try:
        check_archive(
            members, UnpackLimits(files=_FILES, bytes=limits.file_bytes, ratio=_RATIO, small=_SMALL)
        )
    except UnsafeArchiveError as exc:
        raise DataFileError(
            "the archive unpacks to more than the limit",
            where=file.name,
            found=exc.found,
            expected=f"at most {_FILES:,} files, {limits.file_bytes:,} bytes, {_RATIO} times its size",
            hint="if you trust it, unpack it yourself and read the files inside",
            code=exc.code,
        ) from None


_DEFINE = re.compile(r'(-?\d+)\s+`?"(.*?)"\'?(?=\s|$)')


def _labelled(data: Microdata, program: Path) -> Microdata:
    """Labels from the Stata program that Survey Solutions puts beside a table."""
    text = program.read_text("utf-8-sig", errors="replace")
    sets: dict[str, dict[Code, str]] = {}
    of: dict[str, str] = {}
    names: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split(maxsplit=3)
        if len(words) < 4 or words[0] != "label":
            continue
        if words[1] == "define":
            sets.setdefault(words[2], {}).update({int(c): t for c, t in _DEFINE.findall(words[3])})
        elif words[1] == "values":
            of[words[2]] = words[3].split()[0]
        elif words[1] == "variable":
            names[words[2]] = words[3].strip("`\"' ")
    variables = {
        name: replace(
            v, label=names.get(name, v.label), value_labels=sets.get(of.get(name, ""), v.value_labels)
        )
        for name, v in data.variables.items()
    }
    return data.replace(variables=variables)


def _survey_solutions(data: Microdata) -> Microdata:
    """Declare the marks of questions that were asked and not answered."""
    if "interview__id" not in data.variables and "interview__key" not in data.variables:
        return data
    import pandas as pd

    variables: dict[str, Variable] = {}
    for name, variable in data.variables.items():
        mark: Any = _UNANSWERED_TEXT if pd.api.types.is_string_dtype(data.frame[name].dtype) else _UNANSWERED
        code = MissingCode(low=mark, high=mark, reason="no_response", label="asked, not answered")
        has = bool(code.contains(data.frame[name]).any())
        variables[name] = replace(variable, missing=(*variable.missing, code)) if has else variable
    return data.replace(variables=variables)


def _links(tables: Mapping[str, Microdata]) -> tuple[TableLink, ...]:
    out = []
    for name, data in tables.items():
        link = _odk(name, data, tables) or _kobo(name, data, tables) or _roster(name, data, tables)
        if link is not None:
            out.append(link)
    return tuple(out)


def _odk(name: str, data: Microdata, tables: Mapping[str, Microdata]) -> TableLink | None:
    """ODK: PARENT_KEY names the KEY of a row of the table whose name begins this one's."""
    if "PARENT_KEY" not in data.variables:
        return None
    wanted = set(data.frame["PARENT_KEY"].dropna())
    for parent, other in tables.items():
        if parent != name and "KEY" in other.variables and wanted <= set(other.frame["KEY"].dropna()):
            return TableLink(child=name, parent=parent, on=(("PARENT_KEY", "KEY"),))
    return None


def _kobo(name: str, data: Microdata, tables: Mapping[str, Microdata]) -> TableLink | None:
    """Kobo: _parent_index counts the rows of the table that _parent_table_name names."""
    if "_parent_index" not in data.variables:
        return None
    said = set(data.frame.get("_parent_table_name", data.frame.iloc[:, 0]).dropna().astype(str))
    parents = [p for p, d in tables.items() if p != name and "_index" in d.variables]
    parent = next((p for p in parents if p in said), parents[0] if len(parents) == 1 else None)
    return TableLink(child=name, parent=parent, on=(("_parent_index", "_index"),)) if parent else None


def _roster(name: str, data: Microdata, tables: Mapping[str, Microdata]) -> TableLink | None:
    """Survey Solutions: interview__id, and the __id columns of the rosters above."""
    keys = [c for c in data.variables if c == "interview__id" or c.endswith("__id")]
    if "interview__id" not in keys or len(keys) < 2:
        return None
    for n_above in range(len(keys) - 1, 0, -1):
        for parent, other in tables.items():
            own = [c for c in other.variables if c == "interview__id" or c.endswith("__id")]
            inside = set(own) < set(keys) and len(own) == n_above
            if parent != name and inside and not other.frame.duplicated(own).any():
                return TableLink(child=name, parent=parent, on=tuple((c, c) for c in own))
    return None
