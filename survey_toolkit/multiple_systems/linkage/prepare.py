"""Records ready for linkage: normal forms in clear, or keyed hashes of the same normal forms."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._people import frame_columns
from survey_toolkit.multiple_systems._tables import is_missing
from survey_toolkit.multiple_systems.linkage.hashing import bit_string, bloom_filter, check_key, keyed_hash
from survey_toolkit.multiple_systems.linkage.normalise import (
    fold_name,
    normal_code,
    parse_date,
    transliteration_key,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LinkFields", "PreparedRecords", "encode_records", "prepare_records"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFields:
    """Which column holds what; None where the lists do not have it.

    Attributes
    ----------
    record_id, source : str
        Record identifier (unique over all lists) and list name.
    first_name, surname, birth_date, nationality, sex, place, document : str or None
    others : tuple of str
        Further codes to compare for equality, such as the form of exploitation.
    """

    record_id: str = "record_id"
    source: str = "source"
    first_name: str | None = "first_name"
    surname: str | None = "surname"
    birth_date: str | None = "dob"
    nationality: str | None = "nationality"
    sex: str | None = "sex"
    place: str | None = "district"
    document: str | None = "document_no"
    others: tuple[str, ...] = ()

    def columns(self) -> list[str]:
        """Columns that are read."""
        single = [v for k, v in asdict(self).items() if k != "others" and v is not None]
        return [*single, *self.others]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRecords:
    """Comparable records; holds no clear value when ``hashed``.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row a record, columns of normal forms or hashes.
    lists : tuple of str
    fields : LinkFields
    hashed : bool
    """

    frame: pd.DataFrame
    lists: tuple[str, ...]
    fields: LinkFields
    hashed: bool

    def __repr__(self) -> str:
        kind = "keyed hashes" if self.hashed else "normal forms"
        sizes = self.frame["source"].value_counts()
        text = ", ".join(f"{name} {int(sizes[name]):,}" for name in self.lists)
        return f"PreparedRecords: {len(self.frame):,} records as {kind} ({text})"


def prepare_records(records: Any, link_fields: LinkFields | None = None) -> PreparedRecords:
    """Normal forms of the identifying fields.

    Parameters
    ----------
    records : frame, mapping of columns, path, or mapping list name -> frame
        All lists stacked, with a list column; or one table a list.
    link_fields : LinkFields, optional

    Raises
    ------
    EstimationError
        Missing columns, record ids missing or twice, fewer than two lists, nothing to compare.
    """
    chosen = link_fields or LinkFields()
    columns = _stack(records, chosen)
    ids = [str(v) for v in columns[chosen.record_id]]
    _check_ids(columns[chosen.record_id], ids)
    sources = [str(v) for v in columns[chosen.source]]
    lists = tuple(dict.fromkeys(sources))
    if len(lists) < 2:
        raise EstimationError(
            "linkage for multiple systems estimation needs two or more lists",
            where=f"column '{chosen.source}'",
            found=", ".join(lists) or "none",
            code="too-few-lists",
        )
    out: dict[str, list[Any]] = {"unique_id": ids, "source": sources}
    for name, source in (("first", chosen.first_name), ("sur", chosen.surname)):
        raw = columns.get(source) if source else None
        folded = [fold_name(v) for v in raw] if raw else [None] * len(ids)
        out[name] = folded
        out[f"{name}_key"] = [transliteration_key(v) for v in folded]
    out["initial"] = [v[0] if v else None for v in out["first"]]
    out |= _date_columns(columns.get(chosen.birth_date or "") or [None] * len(ids))
    for name in ("nationality", "sex", "place", "document"):
        column = getattr(chosen, name)
        out[name] = [normal_code(v) for v in columns[column]] if column else [None] * len(ids)
    out["document_stem"] = [v[:-1] if v and len(v) > 4 else None for v in out["document"]]
    for i, column in enumerate(chosen.others):
        out[f"other_{i}"] = [normal_code(v) for v in columns[column]]
    return PreparedRecords(_as_frame(out), lists, chosen, hashed=False)


def encode_records(
    records: Any, key: bytes, link_fields: LinkFields | None = None, *, hash_ids: bool = False
) -> PreparedRecords:
    """Keyed hashes of the normal forms: what a list owner hands to the linker.

    Names become Bloom filters of letter pairs and hashes of their transliteration key; dates become hashes of
    the date and of the forms a clerical error gives it; everything else a hash.

    Parameters
    ----------
    records, link_fields
        As :func:`prepare_records`.
    key : bytes
        16 random bytes or more, the same for all lists, unknown to the linker.
    hash_ids : bool
        Hash record identifiers as well.

    Raises
    ------
    DisclosureError
        For a key that is too short.
    """
    check_key(key)
    clear = prepare_records(records, link_fields)
    frame = clear.frame
    out: dict[str, list[Any]] = {"source": frame["source"].tolist()}
    ids = frame["unique_id"].tolist()
    out["unique_id"] = [keyed_hash(v, key, field="record") for v in ids] if hash_ids else ids
    for column in frame.columns:
        if column in out:
            continue
        values = [_none(v) for v in frame[column].tolist()]
        if column in ("first", "sur"):
            out[column] = [keyed_hash(v, key, field="name") for v in values]
            out[f"{column}_bits"] = [bit_string(bloom_filter(v, key)) for v in values]
        elif column == "dob_near":
            out[column] = [[keyed_hash(d, key, field="dob") for d in v] if v else None for v in values]
        elif column == "dob_default":
            out[column] = values
        else:
            field = {"first_key": "key", "sur_key": "key", "dob_swap": "dob"}.get(column, column)
            out[column] = [keyed_hash(v, key, field=field) for v in values]
    return PreparedRecords(_as_frame(out), clear.lists, clear.fields, hashed=True)


def _stack(records: Any, chosen: LinkFields) -> dict[str, list[Any]]:
    """Columns of all lists together."""
    if not isinstance(records, Mapping) or all(isinstance(v, list | tuple) for v in records.values()):
        return frame_columns(records, chosen.columns())
    wanted = [c for c in chosen.columns() if c != chosen.source]
    out: dict[str, list[Any]] = {c: [] for c in chosen.columns()}
    for name, table in records.items():
        columns = frame_columns(table, wanted, str(name))
        for c in wanted:
            out[c] += columns[c]
        out[chosen.source] += [name] * len(columns[chosen.record_id])
    return out


def _check_ids(raw: Sequence[Any], ids: Sequence[str]) -> None:
    missing = sum(_none(v) is None for v in raw)
    if missing or len(set(ids)) != len(ids):
        raise EstimationError(
            "record identifiers must be there and differ over all lists",
            where="record_id",
            found=f"{missing} missing, {len(ids) - len(set(ids))} repeated",
            hint="put the list name before a running number",
            code="bad-record-id",
        )


def _none(value: Any) -> Any:
    if isinstance(value, list):
        return value
    return None if is_missing(value) else value


def _date_columns(raw: Sequence[Any]) -> dict[str, list[Any]]:
    dates = [parse_date(v) for v in raw]
    return {
        "dob": [d and d.isoformat() for d in dates],
        "dob_year": [d and str(d.year) for d in dates],
        "dob_md": [d and f"{d:%m-%d}" for d in dates],
        # First of January stands for an unknown day in most registers.
        "dob_default": [d and (d.month, d.day) == (1, 1) for d in dates],
        "dob_swap": [d and _swapped(d) for d in dates],
        "dob_near": [d and _near(d) for d in dates],
    }


def _swapped(d: dt.date) -> str:
    """Day and month exchanged where that is a date."""
    return dt.date(d.year, d.day, d.month).isoformat() if d.day <= 12 else d.isoformat()


def _near(d: dt.date) -> list[str]:
    """Same day one or two years off."""
    out = []
    for shift in (-2, -1, 1, 2):
        year = d.year + shift
        if not (d.month == 2 and d.day == 29 and not calendar.isleap(year)):
            out.append(f"{year}-{d:%m-%d}")
    return out


def _as_frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({k: pd.Series(list(v), dtype=object) for k, v in columns.items()})
