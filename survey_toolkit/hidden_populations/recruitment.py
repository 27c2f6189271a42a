"""Respondent-driven samples: who recruited whom, checked to be a forest.

A forest is kept as an array of parents. Coupons that form a cycle, coupons nobody handed out, coupons used
twice and recruiters who are not in the sample are refused with counts, never with an identifier's owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Flags, Floats, Ints, Sample, open_sample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recruitment", "read_coupons", "read_recruiters"]

BadDegree = Literal["error", "exclude", "median", "max"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recruitment:
    """A respondent-driven sample.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows, null-aware, in their order.
    ids : tuple of str
    parent : int array (n,)
        Row of the recruiter; -1 for a seed.
    wave : int array (n,)
        0 for seeds.
    seed : int array (n,)
        Row of the seed at the root of the tree.
    degree : float array (n,)
        Personal network size within the group, above 0.
    time : float array (n,)
        Order of recruitment: the column that was named, else the wave.
    notes : tuple of str
    """

    frame: pd.DataFrame
    ids: tuple[str, ...]
    parent: Ints
    wave: Ints
    seed: Ints
    degree: Floats
    time: Floats
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_seed(self) -> Flags:
        """Rows that nobody recruited, (n,)."""
        return np.asarray(self.parent < 0)

    @property
    def by_wave(self) -> dict[int, int]:
        """Respondents of each wave."""
        return {int(w): int(c) for w, c in zip(*np.unique(self.wave, return_counts=True), strict=True)}

    @property
    def tree_sizes(self) -> dict[str, int]:
        """Respondents in the tree of each seed, the seed included; by identifier of the seed."""
        rows, counts = np.unique(self.seed, return_counts=True)
        return {self.ids[r]: int(c) for r, c in zip(rows, counts, strict=True)}

    @property
    def recruits(self) -> Ints:
        """People each respondent recruited, (n,)."""
        return np.bincount(self.parent[self.parent >= 0], minlength=len(self))

    @property
    def share_largest_tree(self) -> float:
        """Share of the sample that goes back to one seed."""
        return max(self.tree_sizes.values()) / len(self)

    def groups(self, outcome: str) -> tuple[tuple[str, ...], Ints]:
        """Levels of a column in sorted order, and the level of each row; -1 where missing.

        Raises
        ------
        EstimationError
            If the column does not exist or is all missing.
        """
        if outcome not in self.frame:
            raise EstimationError(
                "no such column", where=outcome, expected=", ".join(map(str, self.frame.columns[:12]))
            )
        column = self.frame[outcome]
        texts = _texts(column)
        levels = tuple(sorted({t for t in texts if t}, key=_order))
        if not levels:
            raise EstimationError("all values are missing", where=outcome)
        place = {level: k for k, level in enumerate(levels)}
        return levels, np.array([place.get(t, -1) for t in texts], dtype=np.int64)

    def __repr__(self) -> str:
        lines = [
            f"Recruitment: {len(self):,} respondents, {int(self.is_seed.sum())} seeds, "
            f"{int(self.wave.max())} waves, mean degree {self.degree.mean():.1f}",
            f"  by wave: {', '.join(f'{w}: {c}' for w, c in self.by_wave.items())}",
            f"  largest tree {self.share_largest_tree:.0%} of the sample",
        ]
        return "\n".join([*lines, *(f"  note: {text}" for text in self.notes)])


def read_recruiters(
    data: Any,
    *,
    id: str,
    recruiter: str,
    degree: str,
    seed_marker: object = None,
    time: str | None = None,
    bad_degree: BadDegree = "error",
) -> Recruitment:
    """A sample with the identifier of the recruiter in each row.

    Parameters
    ----------
    data : frame or path
    id, recruiter, degree : str
        Columns.
    seed_marker : optional
        What stands in place of the recruiter of a seed, besides a missing value (``"seed"``, 0, …).
    time : str, optional
        Numeric column of the order of interviews; without it the wave serves.
    bad_degree : {"error", "exclude", "median", "max"}
        A degree that is missing or below 1: stop; leave the person out (recruits become seeds of their own
        trees); the median or maximum of the others.

    Returns
    -------
    Recruitment

    Raises
    ------
    EstimationError
        For repeated identifiers, unknown recruiters, cycles, degrees (see ``bad_degree``).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"id": [1, 2, 3], "by": ["seed", 1, 2], "degree": [4, 2, 5]})
    >>> read_recruiters(rows, id="id", recruiter="by", degree="degree", seed_marker="seed").wave
    array([0, 1, 2])
    """
    sample = open_sample(data)
    sample.require([id, recruiter, degree])
    ids = _texts(sample.frame[id])
    if any(not t for t in ids):
        raise EstimationError("an identifier is missing", where=id, found=f"{ids.count('')} rows")
    _unique(ids, id)
    place = {t: i for i, t in enumerate(ids)}
    seeds = {"", "" if seed_marker is None else _label(seed_marker)}
    given = _texts(sample.frame[recruiter])
    unknown = [t for t in given if t not in seeds and t not in place]
    if unknown:
        raise EstimationError(
            "recruiters who are not in the sample",
            where=recruiter,
            found=f"{len(unknown)} rows",
            hint="name the seed marker, or add the recruiters' rows; seeds have an empty recruiter",
            code="unknown-recruiter",
        )
    parent = np.array([-1 if t in seeds else place[t] for t in given], dtype=np.int64)
    return _forest(sample, ids, parent, degree, time, bad_degree, recruiter)


def read_coupons(
    data: Any,
    *,
    id: str,
    coupon: str,
    coupons_out: str | Sequence[str],
    degree: str,
    time: str | None = None,
    bad_degree: BadDegree = "error",
) -> Recruitment:
    """A sample with the coupon a person came with and the coupons that he or she was given.

    Parameters
    ----------
    data : frame or path
    id : str
    coupon : str
        Coupon brought along; missing for seeds.
    coupons_out : str or sequence of str
        Columns of coupons handed out, or the prefix that they share.
    degree, time, bad_degree
        As in :func:`read_recruiters`.

    Returns
    -------
    Recruitment

    Raises
    ------
    EstimationError
        If a coupon was handed out twice, brought twice, or brought without having been handed out; and as
        in :func:`read_recruiters`.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"id": [1, 2], "came": [None, "A1"], "out1": ["A1", "B1"], "degree": [4, 2]})
    >>> read_coupons(rows, id="id", coupon="came", coupons_out=["out1"], degree="degree").wave
    array([0, 1])
    """
    sample = open_sample(data)
    columns = (
        [c for c in sample.frame.columns if str(c).startswith(coupons_out)]
        if isinstance(coupons_out, str)
        else list(coupons_out)
    )
    if not columns:
        raise EstimationError("no column holds coupons", where="coupons_out", found=str(coupons_out))
    sample.require([id, coupon, degree, *columns])
    ids = _texts(sample.frame[id])
    _unique(ids, id)
    giver: dict[str, int] = {}
    twice = 0
    for column in columns:
        for row, code in enumerate(_texts(sample.frame[column])):
            twice += code in giver
            if code:
                giver[code] = row
    if twice:
        raise EstimationError(
            "a coupon was handed out twice", where=", ".join(columns[:3]), found=f"{twice} coupons",
            code="coupon-twice",
        )  # fmt: skip
    came = _texts(sample.frame[coupon])
    _unique([c for c in came if c], coupon)
    lost = [c for c in came if c and c not in giver]
    if lost:
        raise EstimationError(
            "coupons were brought that nobody was given",
            where=coupon,
            found=f"{len(lost)} rows",
            hint="seeds have no coupon; are all rows of recruiters in the file?",
            code="unknown-coupon",
        )
    parent = np.array([giver[c] if c else -1 for c in came], dtype=np.int64)
    return _forest(sample, ids, parent, degree, time, bad_degree, coupon)


def _forest(
    sample: Sample, ids: list[str], parent: Ints, degree: str, time: str | None, bad: BadDegree, where: str
) -> Recruitment:
    _no_cycle(parent, where)
    values = sample.numbers(degree)
    notes: list[str] = []
    frame = sample.frame.drop(columns=["__one__"])
    wrong = ~(values >= 1)
    if wrong.any():
        values = _mended(values, wrong, degree, bad, notes)
    if wrong.any() and bad == "exclude":
        keep = np.flatnonzero(~wrong)
        new = np.full(len(ids) + 1, -1, dtype=np.int64)
        new[keep] = np.arange(keep.size)
        parent, values = new[parent[keep]], values[keep]
        frame, ids = frame.iloc[keep].reset_index(drop=True), [ids[i] for i in keep]
    wave, seed = _waves(parent)
    moments = wave.astype(np.float64)
    if time is not None:
        moments = sample.numbers(time, nulls=False)
        moments = moments[~wrong] if bad == "exclude" else moments
        early = (parent >= 0) & (moments < moments[np.maximum(parent, 0)])
        if early.any():
            notes.append(f"{int(early.sum())} people were interviewed before their recruiter")
    return Recruitment(
        frame=frame, ids=tuple(ids), parent=parent, wave=wave, seed=seed, degree=values, time=moments,
        notes=tuple(notes),
    )  # fmt: skip


def _mended(values: Floats, wrong: Flags, name: str, bad: BadDegree, notes: list[str]) -> Floats:
    if bad not in ("error", "exclude", "median", "max"):
        raise EstimationError("unknown policy", where="bad_degree", found=str(bad))
    if bad == "error" or wrong.all():
        raise EstimationError(
            "a degree is missing or below 1",
            where=name,
            found=f"{int(wrong.sum())} of {len(values)} rows",
            expected="1 or more: a recruited person knows the recruiter",
            hint="correct the file, or choose bad_degree='exclude', 'median' or 'max'",
            code="bad-degree",
        )
    if bad == "exclude":
        notes.append(f"{int(wrong.sum())} people without a usable degree are left out")
        return values
    fill = float(np.median(values[~wrong]) if bad == "median" else values[~wrong].max())
    notes.append(f"{int(wrong.sum())} people without a usable degree are given the {bad}, {fill:g}")
    return np.where(wrong, fill, values)


def _no_cycle(parent: Ints, where: str) -> None:
    """Follow all parents at once, in doubling steps: what has not ended after n steps never ends."""
    own = int((parent == np.arange(parent.size)).sum())
    if own:
        raise EstimationError(
            "people recruited themselves", where=where, found=f"{own} rows", code="recruitment-cycle"
        )
    jump = np.append(parent, -1)
    for _ in range(max(parent.size, 2).bit_length() + 1):
        jump = jump[jump]
    inside = int((jump[:-1] >= 0).sum())
    if inside:
        raise EstimationError(
            "recruitment runs in a circle",
            where=where,
            found=f"{inside} people whose chain of recruiters has no seed",
            hint="each chain must begin with a seed; a coupon or identifier was typed wrongly",
            code="recruitment-cycle",
        )


def _waves(parent: Ints) -> tuple[Ints, Ints]:
    wave = np.zeros(parent.size, dtype=np.int64)
    seed = np.arange(parent.size)
    current = parent.copy()
    while (current >= 0).any():
        moving = current >= 0
        wave[moving] += 1
        seed[moving] = current[moving]
        current = np.where(moving, parent[np.maximum(current, 0)], -1)
    return wave, seed


def _unique(values: Sequence[str], where: str) -> None:
    repeated = len(values) - len(set(values))
    if repeated:
        raise EstimationError(
            "a code that must be unique is repeated", where=where, found=f"{repeated} rows", code="repeated"
        )


def _texts(column: Any) -> list[str]:
    gone = column.isna().to_numpy()
    return ["" if none else _label(v) for v, none in zip(column.astype(object), gone, strict=True)]


def _label(value: object) -> str:
    """Identifiers as text: 7, 7.0 and "7" are the same person."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _order(level: str) -> tuple[int, float, str]:
    try:
        return (0, float(level), level)
    except ValueError:
        return (1, 0.0, level)
