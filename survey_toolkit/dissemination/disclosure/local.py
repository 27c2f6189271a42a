"""Local suppression: single key values of records go until every record has k - 1 others like it.

A missing key matches every value, so a suppressed value protects its own record and helps others. A
record that is too rare loses the variable that costs least; at the end values that nobody needs
suppressed come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.dissemination.disclosure.records import Ints, encode, matches

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LocalSuppression", "local_suppression"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalSuppression:
    """Records with values suppressed.

    Attributes
    ----------
    records : pandas.DataFrame
        A copy with missing values where keys are suppressed.
    by_variable : mapping
        Values suppressed by key.
    k : int
    violations : int
        Records still in groups below k: only where there are fewer than k records at all.
    """

    records: pd.DataFrame
    by_variable: Mapping[str, int]
    k: int
    violations: int

    @property
    def n_suppressed(self) -> int:
        """Values suppressed."""
        return sum(self.by_variable.values())


def local_suppression(
    records: pd.DataFrame, keys: Sequence[str], *, k: int = 11, keep: Sequence[str] = ()
) -> LocalSuppression:
    """Suppress key values until every record shares its keys with k - 1 others.

    Parameters
    ----------
    records : pandas.DataFrame
        One row a person.
    keys : sequence of str
        Columns an intruder may know.
    k : int
        11 is what the Counter-Trafficking Data Collaborative used.
    keep : sequence of str
        Keys to suppress only if nothing else helps.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"sex": ["F"] * 4 + ["M"] * 3, "country": ["A"] * 6 + ["B"]})
    >>> done = local_suppression(people, ["sex", "country"], k=3)
    >>> done.by_variable, done.violations
    ({'sex': 0, 'country': 1}, 0)
    """
    codes = encode(records, keys)
    state = _State(codes, k, [_price(codes, j, key in keep) for j, key in enumerate(keys)])
    state.run()
    done = state.codes
    out = records.copy()
    gone = (done < 0) & (codes >= 0)
    for j, key in enumerate(keys):
        out[key] = out[key].mask(gone[:, j])
    by_variable = {key: int(gone[:, j].sum()) for j, key in enumerate(keys)}
    return LocalSuppression(
        records=out, by_variable=by_variable, k=k, violations=int((state.count < k).sum())
    )


def _price(codes: Ints, column: int, keep: bool) -> float:
    """A value of a variable with many codes tells least about a table, and identifies most: it goes first."""
    return 1.0 + 1.0 / (1 + len(np.unique(codes[:, column]))) + (100.0 if keep else 0.0)


class _State:
    def __init__(self, codes: Ints, k: int, price: Sequence[float]) -> None:
        self.codes, self.k, self.price = codes.copy(), k, price
        self.original = codes
        self.count = self._all_counts()
        size = range(1, codes.shape[1] + 1)
        self.choices = sorted(
            (c for n in size for c in combinations(range(codes.shape[1]), n)),
            key=lambda c: sum(price[j] for j in c),
        )

    def _all_counts(self) -> Ints:
        patterns, place, sizes = np.unique(self.codes, axis=0, return_inverse=True, return_counts=True)
        step = max(1, 4_000_000 // max(1, len(patterns)))
        parts = [matches(patterns[s : s + step], patterns) @ sizes for s in range(0, len(patterns), step)]
        return np.concatenate([*parts, np.zeros(0, np.int64)])[place.reshape(-1)].astype(np.int64)

    def run(self) -> None:
        while len(rare := np.flatnonzero(self.count < self.k)):
            # The rarest first: what they lose helps the others most.
            row = int(rare[np.argmin(self.count[rare])])
            if not self._suppress(row):
                break
        self._restore()

    def _suppress(self, row: int) -> bool:
        best = None
        for choice in self.choices:
            trial = self.codes[row].copy()
            if not (trial[list(choice)] >= 0).any():
                continue
            trial[list(choice)] = -1
            if int(matches(trial[None], self.codes).sum()) >= self.k:
                best = trial
                break
        if best is None:
            return False
        self._change(row, best)
        return True

    def _change(self, row: int, codes: Ints) -> None:
        before = matches(self.codes[row][None], self.codes)[0]
        self.codes[row] = codes
        after = matches(codes[None], self.codes)[0]
        self.count += after.astype(np.int64) - before.astype(np.int64)
        self.count[row] = int(after.sum())

    def _restore(self) -> None:
        """Bring back values whose suppression nobody needs any more, the dearest variables first."""
        for j in np.argsort([-p for p in self.price], kind="stable"):
            for row in np.flatnonzero((self.codes[:, j] < 0) & (self.original[:, j] >= 0)):
                codes = self.codes[row].copy()
                codes[j] = self.original[row, j]
                before = matches(self.codes[row][None], self.codes)[0]
                after = matches(codes[None], self.codes)[0]
                after[row] = True
                lost = before & ~after
                if int(after.sum()) >= self.k and (self.count[lost] > self.k).all():
                    self._change(int(row), codes)
