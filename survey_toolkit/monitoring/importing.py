"""Bring returns into the folder: what is sound goes in, what is doubtful is reported by cell, nothing
vanishes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from survey_toolkit.errors import DataFileError
from survey_toolkit.indicators.frameworks import Actual, Book, Record, Source, check_book
from survey_toolkit.monitoring.locking import locked, replace_file
from survey_toolkit.monitoring.reading import read_return
from survey_toolkit.monitoring.returned import CountryReturn, Doubt, Place
from survey_toolkit.monitoring.store import Workspace

__all__ = ["CountryImport", "ImportReport", "import_returns", "stored_doubts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryImport:
    """What became of one return."""

    country: str
    file: str
    n_read: int
    n_new: int
    n_changed: int
    batch: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    countries : tuple of CountryImport
    doubts : tuple of Doubt
        Sorted by file, sheet and cell.
    """

    countries: tuple[CountryImport, ...]
    doubts: tuple[Doubt, ...]

    @property
    def held(self) -> tuple[Doubt, ...]:
        """Doubts a person has to decide; their values did not go in."""
        return tuple(d for d in self.doubts if not d.taken)


def import_returns(
    workspace: Workspace,
    paths: Iterable[str | os.PathLike[str]],
    *,
    who: str,
    reason: str = "",
    dry_run: bool = False,
    when: dt.datetime | None = None,
) -> ImportReport:
    """Import country returns.

    Parameters
    ----------
    workspace : Workspace
    paths : iterable of path
        Workbooks, or folders of them.
    who : str
        Role or office that imports; no person's name.
    reason : str
        Why values that are there already change. Without one, here or in the row, a change is held back.
    dry_run : bool
        Only report.

    Returns
    -------
    ImportReport
        Of two different returns of one country neither goes in.
    """
    doubts: list[Doubt] = []
    countries = []
    returns = [r for path in _files(paths, doubts) if (r := _read(path, workspace, doubts)) is not None]
    for item in _one_each(returns, doubts):
        countries.append(_bring_in(workspace, item, who=who, reason=reason, dry_run=dry_run, when=when))
        doubts += item.doubts
    doubts.sort(key=lambda d: (d.file, d.sheet, d.cell, d.code))
    return ImportReport(countries=tuple(countries), doubts=tuple(doubts))


def _files(paths: Iterable[str | os.PathLike[str]], doubts: list[Doubt]) -> list[Path]:
    out: list[Path] = []
    for given in map(Path, paths):
        if not given.is_dir():
            out.append(given)
            continue
        for file in sorted(given.iterdir()):
            if file.name.startswith(("~$", ".")) or file.is_dir():
                continue
            if file.suffix.lower() == ".xlsx":
                out.append(file)
            else:
                text = f"a {file.suffix or 'file without suffix'} file is no return; save it as .xlsx"
                doubts.append(_whole(file.name, "not_a_workbook", text))
    return out


def _whole(file: str, code: str, message: str, *, taken: bool = False) -> Doubt:
    return Doubt(file=file, sheet="", cell="", code=code, taken=taken, message=message)


def _read(path: Path, workspace: Workspace, doubts: list[Doubt]) -> CountryReturn | None:
    try:
        return read_return(path, workspace.framework)
    except DataFileError as exc:
        if exc.code == "missing-file":
            raise
        doubts.append(_whole(path.name, "unreadable", exc.found or exc.what))
        return None


def _one_each(returns: Sequence[CountryReturn], doubts: list[Doubt]) -> list[CountryReturn]:
    """One return a country; copies of one file count once, different ones are held."""
    out: list[CountryReturn] = []
    by_country: dict[str, list[CountryReturn]] = {}
    for item in returns:
        if item.country:
            by_country.setdefault(item.country, []).append(item)
        else:
            doubts += item.doubts
    for country, items in by_country.items():
        distinct = list({i.sha256: i for i in reversed(items)}.values())[::-1]
        for copy in items:
            if not any(copy is d for d in distinct):
                text = f"the same file as another of {country}; read once"
                doubts.append(_whole(copy.file, "same_file", text, taken=True))
        if len(distinct) == 1:
            out.append(distinct[0])
            continue
        names = ", ".join(i.file for i in distinct)
        for item in distinct:
            text = (
                f"{len(distinct)} different returns of {country} ({names[:200]}); import the one that holds"
            )
            doubts.append(_whole(item.file, "two_returns", text))
    return out


def _bring_in(
    workspace: Workspace,
    item: CountryReturn,
    *,
    who: str,
    reason: str,
    dry_run: bool,
    when: dt.datetime | None,
) -> CountryImport:
    known = workspace.book()
    n_read = len(item.records)
    _without_reason(item, known, reason)
    _emptied(item, known)
    _check(workspace, item, known)
    new = sum(key not in known.records for key in item.records)
    changed = sum(key in known.records and known.records[key] != r for key, r in item.records.items())
    batch = None
    if not dry_run:
        batch = workspace.commit(
            item.country, item.records.values(), who=who, reason=reason, reasons=item.reasons,
            file=item.file, file_sha256=item.sha256, when=when,
        )  # fmt: skip
        _keep_doubts(workspace, item)
    return CountryImport(
        country=item.country, file=item.file, n_read=n_read, n_new=new, n_changed=changed,
        batch=batch.number if batch else None,
    )  # fmt: skip


def _without_reason(item: CountryReturn, known: Book, reason: str) -> None:
    """A change of what is on record needs a reason; without one the record stays as it is."""
    for key, record in list(item.records.items()):
        old = known.records.get(key)
        if old is None or old == record or isinstance(record, Source):
            continue
        if not (reason or item.reasons.get(key)):
            text = "differs from what is on record, and no reason is given"
            item.doubt(item.origin[key], "revision_without_reason", text)
            del item.records[key]


def _emptied(item: CountryReturn, known: Book) -> None:
    for key, place in item.blanks.items():
        if key in known.records:
            text = "empty now, but a value is on record; the value stays"
            item.doubt(place, "value_missing_now", text)


def _check(workspace: Workspace, item: CountryReturn, known: Book) -> None:
    """What the records say about each other; findings about older records are not this return's."""
    together: dict[str, Record] = {**known.records, **item.records}
    sources: set[tuple[str, str]] = set()
    for finding in check_book(workspace.framework, Book(together), item.country):
        if finding.object not in item.records:
            continue
        indicator = finding.object.split("/")[2]
        if finding.code == "baseline_missing" and f"baseline/{item.country}/{indicator}" in item.held_back:
            continue
        place: Place | None = item.origin[finding.object]
        if finding.code in ("source_missing", "source_unknown"):
            # One cell of the sheet answers for all years.
            place = None if (finding.code, indicator) in sources else item.source_cells.get(indicator)
            sources.add((finding.code, indicator))
        if place is not None:
            item.doubt(place, finding.code, finding.message, taken=not finding.holds_back)
        if finding.holds_back:
            _hold(item, finding.object)


def _hold(item: CountryReturn, key: str) -> None:
    """Take a record out, and with a total its breakdown."""
    record = item.records[key]
    for other_key, other in list(item.records.items()):
        same = isinstance(other, Actual) and isinstance(record, Actual) and not record.breakdown
        if other_key == key or (same and (other.indicator, other.year) == (record.indicator, record.year)):  # type: ignore[union-attr]
            del item.records[other_key]


def _keep_doubts(workspace: Workspace, item: CountryReturn) -> None:
    """What is still open of a country's latest return."""
    rows = [json.dumps(asdict(d), ensure_ascii=False, sort_keys=True) + "\n" for d in item.doubts]
    with locked(workspace.folder):
        replace_file(workspace.folder / "doubts" / f"{item.country}.jsonl", "".join(rows).encode())


def stored_doubts(workspace: Workspace) -> dict[str, list[Doubt]]:
    """Doubts about each country's latest return."""
    out: dict[str, list[Doubt]] = {}
    for file in sorted((workspace.folder / "doubts").glob("*.jsonl")):
        out[file.stem] = [Doubt(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]
    return out
