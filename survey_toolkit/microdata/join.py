"""Files of one survey put together: keys declared, cardinality checked, no row gained or lost in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from survey_toolkit.errors import HarmonizationError, did_you_mean
from survey_toolkit.microdata.model import MISSING_SUFFIX, Microdata

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["join"]

Cardinality = Literal["many_to_one", "one_to_one"]
Orphans = Literal["error", "keep", "drop"]


def join(
    children: Microdata,
    parent: Microdata,
    on: str | Sequence[str] | Mapping[str, str],
    *,
    cardinality: Cardinality = "many_to_one",
    orphans: Orphans = "error",
) -> Microdata:
    """Bring the columns of a parent file (household) to its children (persons).

    Parameters
    ----------
    children, parent : Microdata
        The result has the rows of ``children``, in their order.
    on : str, sequence of str, or mapping of child column to parent column
        The key.
    cardinality : {"many_to_one", "one_to_one"}
        ``many_to_one``: each key once among parents. ``one_to_one``: among children as well.
    orphans : {"error", "keep", "drop"}
        Children without a parent: refuse, keep with unknown parent columns, or leave out; counted in the
        notes either way.

    Returns
    -------
    Microdata

    Raises
    ------
    HarmonizationError
        A key column is missing or of another type; a key stands twice where it may stand once; children
        have no parent; the files give different values under one column name.

    Examples
    --------
    >>> import pandas as pd
    >>> persons = Microdata.from_frame(pd.DataFrame({"hh": [1, 1, 2], "age": [30, 9, 41]}), name="persons")
    >>> homes = Microdata.from_frame(pd.DataFrame({"hh": [1, 2], "urbanisation": ["U", "R"]}), name="homes")
    >>> join(persons, homes, on="hh").frame["urbanisation"].to_list()
    ['U', 'U', 'R']
    """
    pairs = _pairs(on)
    _check_keys(children, parent, pairs)
    child_keys, parent_keys = list(pairs), list(pairs.values())
    _check_once(parent, parent_keys, "parent")
    if cardinality == "one_to_one":
        _check_once(children, child_keys, "child")
    right = parent.frame.rename(columns={p: c for c, p in pairs.items()})
    merged = children.frame[child_keys].merge(
        right, how="left", on=child_keys, indicator="__found", validate="many_to_one", sort=False
    )
    merged.index = children.frame.index
    found = (merged.pop("__found") == "both").to_numpy(dtype=bool)
    notes = _orphan_notes(children, parent, child_keys, found, orphans)
    notes += _childless_notes(children, parent, pairs)
    frame = _together(children, parent, merged, found, child_keys)
    if orphans == "drop":
        frame = frame[found].reset_index(drop=True)
    variables = {**parent.variables, **children.variables}
    return children.replace(
        frame=frame,
        variables={n: variables[n] for n in frame.columns if n in variables},
        audit=(*children.audit, *(a for a in parent.audit if a.target not in children.variables)),
        notes=tuple(dict.fromkeys((*children.notes, *parent.notes, *notes))),
    )


def _pairs(on: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    if isinstance(on, str):
        return {on: on}
    return dict(on) if isinstance(on, Mapping) else {name: name for name in on}


def _check_keys(children: Microdata, parent: Microdata, pairs: dict[str, str]) -> None:
    import pandas as pd

    for data, names in ((children, list(pairs)), (parent, list(pairs.values()))):
        missing = [n for n in names if n not in data.frame.columns]
        if missing:
            raise HarmonizationError(
                "join: no such key column",
                where=data.source.name,
                found=", ".join(f"'{m}'" for m in missing),
                expected=did_you_mean(missing[0], data.variables),
                code="missing-column",
            )
    for child, up in pairs.items():
        types = [children.frame[child].dtype, parent.frame[up].dtype]
        if len({bool(pd.api.types.is_string_dtype(t)) for t in types}) > 1:
            raise HarmonizationError(
                "join: the key is text in one file and a number in the other",
                where=f"{children.source.name}: {child}, {parent.source.name}: {up}",
                found=f"{types[0]} and {types[1]}",
                hint="leading zeros may be lost in the numeric one; make both text",
                code="key-type",
            )


def _check_once(data: Microdata, keys: list[str], side: str) -> None:
    frame = data.frame[keys]
    twice = int(frame.duplicated(keep=False).sum())
    blank = int(frame.isna().any(axis=1).sum())
    if twice or blank:
        raise HarmonizationError(
            f"join: a {side} key stands twice or is blank",
            where=f"{data.source.name}: {', '.join(keys)}",
            found=f"{twice:,} rows share their key, {blank:,} rows have a blank one",
            expected="one row a key",
            code="duplicate-key",
        )


def _orphan_notes(
    children: Microdata, parent: Microdata, keys: list[str], found: Any, orphans: Orphans
) -> list[str]:
    n = int((~found).sum())
    if not n:
        return []
    said = f"{n:,} of {len(found):,} rows of {children.source.name} have no match in {parent.source.name}"
    if orphans == "error":
        raise HarmonizationError(
            "join: rows without a parent",
            where=f"{children.source.name}: {', '.join(keys)}",
            found=said,
            hint="check the files belong together, or say orphans='keep' or 'drop'",
            code="orphans",
        )
    return [f"join: {said}; {'left out' if orphans == 'drop' else 'their columns are unknown'}"]


def _childless_notes(children: Microdata, parent: Microdata, pairs: dict[str, str]) -> list[str]:
    import pandas as pd

    theirs = pd.MultiIndex.from_frame(parent.frame[list(pairs.values())])
    ours = pd.MultiIndex.from_frame(children.frame[list(pairs)])
    n = int((~theirs.isin(ours)).sum())
    return [f"join: {n:,} rows of {parent.source.name} have no row in {children.source.name}"] if n else []


def _together(
    children: Microdata, parent: Microdata, merged: pd.DataFrame, found: Any, keys: list[str]
) -> pd.DataFrame:
    """Parent columns beside the children's; a column of both must say the same."""
    shared = [c for c in merged.columns if c in children.frame.columns and c not in keys]
    differing = []
    for name in shared:
        if name.endswith(MISSING_SUFFIX):
            continue
        mine, theirs = children.frame[name], merged[name]
        same = (mine == theirs).fillna(False) | (mine.isna() & theirs.isna())
        n = int((~same.to_numpy(dtype=bool) & found).sum())
        if n:
            differing.append(f"'{name}' differs in {n:,} rows")
    if differing:
        raise HarmonizationError(
            "join: the files disagree on columns of the same name",
            where=f"{children.source.name}, {parent.source.name}",
            problems=differing,
            hint="drop or rename the column in one of them",
            code="conflict",
        )
    new = [c for c in merged.columns if c not in children.frame.columns]
    frame = children.frame.copy()
    for name in new:
        frame[name] = merged[name]
    return frame
