"""Rows of jobs, episodes, unions or relatives, linked to their persons."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata.model import Microdata

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["linked_rows"]


def linked_rows(
    data: Microdata, rows: Microdata, level: str, needed: Collection[str]
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Rows with the columns they need from their person, and the position of each row's person.

    Raises
    ------
    HarmonizationError
        If persons or rows lack the person key, two persons share one, or a row belongs to nobody.
    """
    keys = list(data.keys)
    if not keys or any(k not in rows.frame or k not in data.frame for k in keys):
        raise HarmonizationError(
            f"the {level} rows cannot be linked to persons",
            where=rows.source.name,
            found=f"person key: {', '.join(keys) or 'none declared'}",
            expected="the persons' key columns in both files",
            hint="declare file_key at the person level of the crosswalk and keep it at the other",
            code="missing-key",
        )
    borrowed = [n for n in sorted(needed) if n not in rows.frame and n in data.frame]
    place = _place(data, rows, keys, level)
    frame = rows.frame.assign(**{n: data.frame[n].to_numpy()[place] for n in borrowed})
    for name in borrowed:
        frame[name] = frame[name].astype(data.frame[name].dtype)
    return frame, place


def _place(data: Microdata, rows: Microdata, keys: list[str], level: str) -> NDArray[np.intp]:
    """Position of each row's person."""
    import pandas as pd

    people = pd.MultiIndex.from_frame(data.frame[keys])
    if people.has_duplicates:
        raise HarmonizationError(
            "two persons have the same key",
            where=f"{data.source.name}: {', '.join(keys)}",
            code="duplicate-key",
        )
    place = people.get_indexer(pd.MultiIndex.from_frame(rows.frame[keys]))
    n_lost = int((place < 0).sum())
    if n_lost:
        raise HarmonizationError(
            f"{level} rows belong to no person",
            where=f"{rows.source.name}: {', '.join(keys)}",
            found=f"{n_lost:,} of {rows.n_rows:,} rows",
            hint="check the files belong together",
            code="orphans",
        )
    return place
