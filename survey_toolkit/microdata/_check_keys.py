"""Checks of keys: one row a key, no copies, partners in the other files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from survey_toolkit.microdata._check_report import Finding
from survey_toolkit.microdata.model import Microdata

__all__ = ["KEYS"]

Check = Callable[[Microdata, Any], Iterator[Finding | str] | None]


def _keys(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _key_findings(data, list(plan.keys)) if plan.keys else None


def _key_findings(data: Microdata, keys: list[str]) -> Iterator[Finding | str]:
    frame, named = data.frame[keys], ", ".join(keys)
    blank = np.flatnonzero(frame.isna().any(axis=1).to_numpy(dtype=bool))
    if len(blank):
        yield Finding(
            check="key-missing",
            severity="error",
            message=f"{named}: {len(blank):,} rows have a blank key",
            count=len(blank),
            of=len(frame),
            columns=tuple(keys),
            rows=blank,
        )
    twice = np.flatnonzero(frame.duplicated(keep=False).to_numpy(dtype=bool))
    if len(twice):
        yield Finding(
            check="key-duplicate",
            severity="error",
            message=f"{named}: {len(twice):,} rows share their key with another",
            count=len(twice),
            of=len(frame),
            columns=tuple(keys),
            rows=twice,
        )


def _copies(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    rest = [c for c in data.frame.columns if c not in plan.keys]
    return _copy_findings(data, rest) if len(rest) >= 5 else None


def _copy_findings(data: Microdata, columns: list[str]) -> Iterator[Finding | str]:
    same = np.flatnonzero(data.frame.duplicated(subset=columns, keep=False).to_numpy(dtype=bool))
    if len(same):
        yield Finding(
            check="row-duplicate",
            severity="flag",
            message=f"{len(same):,} rows equal another in all {len(columns)} columns but the key",
            count=len(same),
            of=data.n_rows,
            rows=same,
        )


def _partners(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _partner_findings(data, plan) if plan.related else None


def _partner_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    import pandas as pd

    for name, other in plan.related.items():
        here, there = list(other.on), list(other.on.values())
        ours = pd.MultiIndex.from_frame(data.frame[here].astype("string"))
        theirs = pd.MultiIndex.from_frame(other.data.frame[there].astype("string"))
        lost = np.flatnonzero(~ours.isin(theirs))
        if len(lost):
            yield Finding(
                check="key-orphan",
                severity="error",
                message=f"{len(lost):,} rows have no partner in {name} ({', '.join(here)})",
                count=len(lost),
                of=data.n_rows,
                columns=tuple(here),
                rows=lost,
            )
        repeated = int(theirs.duplicated().sum())
        if repeated:
            yield Finding(
                check="key-repeated",
                severity="flag",
                count=repeated,
                of=len(theirs),
                message=f"{name}: {repeated:,} rows repeat a key ({', '.join(there)})",
            )
        idle = int((~theirs.isin(ours)).sum())
        if idle and other.every:
            yield Finding(
                check="key-childless",
                severity="error",
                count=idle,
                of=len(theirs),
                message=f"{idle:,} rows of {name} have no row here",
            )
        elif idle:
            yield f"{idle:,} of {len(theirs):,} rows of {name} have no row here"


KEYS: dict[str, Check] = {"keys": _keys, "copies": _copies, "partners": _partners}
