"""The records as frames, for queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from survey_toolkit.indicators.frameworks import KINDS, AuditEvent, Book, breakdown_key

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.monitoring.store import Batch

__all__ = ["record_tables"]


def record_tables(book: Book, batches: Iterable[Batch]) -> dict[str, pd.DataFrame]:
    """One frame a kind of record, and one of the log's events; a breakdown is its text, such as ``sex=F``."""
    import pandas as pd

    out = {}
    for kind, model in KINDS.items():
        columns = [item.name for item in fields(model)]
        rows = [{c: _cell(getattr(r, c)) for c in columns} for r in book if r.kind == kind]
        out[kind] = pd.DataFrame(rows, columns=columns).convert_dtypes()
    names = [item.name for item in fields(AuditEvent)]
    events = [
        {
            "batch": b.number,
            "file": b.file,
            **{n: _cell(getattr(e, n), text=n in ("old", "new")) for n in names},
        }
        for b in batches
        for e in b.events
    ]
    out["event"] = pd.DataFrame(events, columns=["batch", "file", *names]).convert_dtypes()
    return out


def _cell(value: Any, *, text: bool = False) -> Any:
    if text:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return breakdown_key(value) if isinstance(value, Mapping) else value
