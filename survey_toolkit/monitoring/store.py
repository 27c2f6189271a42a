"""A monitoring folder: plain files that a version control system can follow.

``framework.yaml``
    The framework as it was when the folder was made: a later edition changes no earlier return.
``log/000007-KHM-1f2e3d4c.jsonl``
    The truth. One file a change set, never changed afterwards; each names the hash of the one before it, so
    that a lost or altered file shows. A change set is one rename: it is there whole, or it is not there.
``records/KHM.jsonl``
    The current state by country, one record a line, written from the log for people to read and compare.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_toolkit._yaml import StrictModel, load_document
from survey_toolkit.errors import DataFileError, SurveyToolkitError
from survey_toolkit.indicators.frameworks import (
    AuditEvent,
    Book,
    Framework,
    Record,
    frameworks,
    load_framework,
    record_from_dict,
    record_to_dict,
)
from survey_toolkit.monitoring.locking import create_once, locked, replace_file

__all__ = ["Batch", "Workspace", "create_workspace", "open_workspace"]

_SETTINGS = "monitor.yaml"
_MAX_LOG_BYTES = 50_000_000


class Settings(StrictModel):
    """``monitor.yaml``."""

    format: int
    framework: str
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One change set of the log.

    Attributes
    ----------
    number : int
    country : str
    sha256 : str
        Of the file.
    previous : str
        Hash of the change set before; empty for the first.
    file, file_sha256 : str
        The return that brought the changes.
    events : tuple of AuditEvent
    """

    number: int
    country: str
    sha256: str
    previous: str
    file: str
    file_sha256: str
    events: tuple[AuditEvent, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A monitoring folder and its framework; ``notice`` stands at the head of every report made of it."""

    folder: Path
    framework: Framework
    notice: str = ""

    def batches(self) -> list[Batch]:
        """The log from its beginning."""
        files = sorted((self.folder / "log").glob("[0-9]*.jsonl"))
        return [_read_batch(file) for file in files]

    def book(self, batches: Iterable[Batch] | None = None) -> Book:
        """The current records: the log replayed."""
        state: dict[str, dict[str, Any]] = {}
        for batch in self.batches() if batches is None else batches:
            for event in batch.events:
                _apply(state, event)
        return Book({key: record_from_dict(value) for key, value in state.items()})

    def commit(
        self,
        country: str,
        records: Iterable[Record],
        *,
        who: str,
        reason: str = "",
        reasons: Mapping[str, str] | None = None,
        file: str = "",
        file_sha256: str = "",
        when: dt.datetime | None = None,
    ) -> Batch | None:
        """Put records in; what they change is worked out and logged under the lock.

        Parameters
        ----------
        country : str
        records : iterable of Record
        who : str
            A role or an office, not a person's name.
        reason : str
            Why, for all changes; ``reasons`` gives one for a record's key.
        file, file_sha256 : str
            The return they came with.
        when : datetime, optional
            Default: now, UTC.

        Returns
        -------
        Batch or None
            None when nothing changed.
        """
        stamp = (when or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).isoformat(timespec="seconds")
        with locked(self.folder):
            batches = self.batches()
            current = self.book(batches)
            events = [
                event
                for record in records
                for event in _events(current, record, who, stamp, (reasons or {}).get(record.key) or reason)
            ]
            if not events:
                return None
            number = batches[-1].number + 1 if batches else 1
            head = {
                "batch": number, "country": country, "framework": self.framework.key, "file": file,
                "file_sha256": file_sha256, "previous": batches[-1].sha256 if batches else "",
                "events": len(events),
            }  # fmt: skip
            lines = [head, *({k: getattr(e, k) for k in AuditEvent.__slots__} for e in events)]
            data = "".join(json.dumps(x, ensure_ascii=False, sort_keys=True) + "\n" for x in lines).encode()
            name = f"{number:06d}-{country}-{hashlib.sha256(data).hexdigest()[:8]}.jsonl"
            create_once(self.folder / "log" / name, data)
            self._write_records(country, self.book())
        return _read_batch(self.folder / "log" / name)

    def _write_records(self, country: str, book: Book) -> None:
        mine = sorted((r for r in book if r.country == country), key=lambda r: r.key)
        text = "".join(json.dumps(record_to_dict(r), ensure_ascii=False, sort_keys=True) + "\n" for r in mine)
        replace_file(self.folder / "records" / f"{country}.jsonl", text.encode())

    def verify(self) -> list[str]:
        """What does not hold in the log: a gap, an altered or a lost file. Empty when all is well."""
        problems, before = [], ""
        for at, batch in enumerate(self.batches(), 1):
            name = f"log/{batch.number:06d}-{batch.country}"
            if batch.number != at:
                problems.append(
                    f"{name}: number {at} was expected; a change set is missing or two have one number"
                )
                break
            if batch.previous != before:
                problems.append(
                    f"{name}: does not follow from the change set before; one of them was altered"
                )
            before = batch.sha256
        return problems

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Ask the current records in SQL: tables ``selection baseline marker actual source narrative event``.

        The database is in memory, reads no other file and writes none.
        """
        import duckdb

        from survey_toolkit.monitoring.tables import record_tables

        batches = self.batches()
        with duckdb.connect(":memory:") as connection:
            for name, frame in record_tables(self.book(batches), batches).items():
                connection.register("given", frame)
                connection.execute(f'create table "{name}" as select * from given')
                connection.unregister("given")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            try:
                result = connection.execute(sql)
                names = [column[0] for column in result.description or ()]
                return names, result.fetchall() if names else []
            except duckdb.Error as exc:
                raise SurveyToolkitError(
                    "the query cannot be run",
                    found=str(exc).splitlines()[0][:200],
                    hint="'show tables' and 'describe TABLE' tell what there is",
                    code="query",
                ) from None


def create_workspace(
    folder: str | os.PathLike[str], framework: str | os.PathLike[str], *, notice: str = ""
) -> Workspace:
    """Make a monitoring folder for a framework.

    ``notice`` is kept in ``monitor.yaml``, and stands at the head of every report made of the folder.

    Raises
    ------
    SurveyToolkitError
        If the folder holds something already, or the framework is wrong.
    """
    root = Path(folder)
    load_framework(framework)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise SurveyToolkitError(
            "the folder is not empty",
            where=str(root),
            hint="name a new folder; a monitoring folder is made once",
            code="not-empty",
        )
    source = frameworks().get(os.fspath(framework), Path(framework))
    for name in ("log", "records"):
        (root / name).mkdir(parents=True, exist_ok=True)
    replace_file(root / "framework.yaml", source.read_bytes())
    replace_file(root / ".gitignore", b".lock\n.unfinished-*\n")
    said = f"notice: {json.dumps(notice)}\n" if notice else ""
    replace_file(root / _SETTINGS, f"format: 1\nframework: framework.yaml\n{said}".encode())
    return open_workspace(root)


def open_workspace(folder: str | os.PathLike[str]) -> Workspace:
    """Open a monitoring folder.

    Raises
    ------
    SurveyToolkitError
        If it is none, or its framework is wrong.
    """
    root = Path(folder)
    if not (root / _SETTINGS).is_file():
        raise SurveyToolkitError(
            "this is no monitoring folder",
            where=str(root),
            expected=f"a folder with {_SETTINGS}",
            hint="make one with: survey-toolkit monitor init FOLDER",
            code="no-workspace",
        )
    settings = load_document(root / _SETTINGS).validate(Settings, error=SurveyToolkitError)
    # Only a file of the folder itself: a shared folder must not point elsewhere.
    return Workspace(root, load_framework(root / Path(settings.framework).name), settings.notice)


def _apply(state: dict[str, dict[str, Any]], event: AuditEvent) -> None:
    if event.field == "*":
        if event.new is None:
            state.pop(event.object, None)
        else:
            state[event.object] = dict(event.new)
    elif event.new is None:
        state[event.object].pop(event.field, None)
    else:
        state[event.object][event.field] = event.new


def _events(book: Book, record: Record, who: str, when: str, reason: str) -> list[AuditEvent]:
    new = record_to_dict(record)
    known = book.records.get(record.key)
    common = {"who": who, "when": when, "object": record.key, "reason": reason}
    if known is None:
        return [AuditEvent(field="*", old=None, new=new, **common)]
    old = record_to_dict(known)
    return [
        AuditEvent(field=name, old=old.get(name), new=new.get(name), **common)
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _read_batch(file: Path) -> Batch:
    if file.stat().st_size > _MAX_LOG_BYTES:
        raise DataFileError(
            "a change set of the log is too large",
            where=str(file),
            code="too-large",
            hint="this is no file of the toolkit: move it out of the log",
        )
    data = file.read_bytes()
    try:
        head, *rest = [json.loads(line) for line in data.decode().splitlines()]
        events = tuple(AuditEvent(**item) for item in rest)
        batch = Batch(
            number=head["batch"], country=head["country"], sha256=hashlib.sha256(data).hexdigest(),
            previous=head["previous"], file=head["file"], file_sha256=head["file_sha256"], events=events,
        )  # fmt: skip
        complete = len(events) == head["events"]
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise DataFileError(
            "a change set of the log cannot be read",
            where=str(file),
            hint="restore this file from version control",
            code="damaged-log",
        )
    return batch
