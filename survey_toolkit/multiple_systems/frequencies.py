"""How often people were seen: numbers of captures, when nothing else is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems import _tables
from survey_toolkit.multiple_systems._display import html_table, text_table
from survey_toolkit.multiple_systems.histories import CaptureHistories

__all__ = ["CaptureFrequencies"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CaptureFrequencies:
    """People by the number of times they were seen.

    The *frequencies of frequencies* of one register with repeated entries, or of several lists when it does
    not matter which.

    Attributes
    ----------
    people : array of int, shape (m,)
        ``people[k - 1]`` were seen exactly ``k`` times.
    occasions : int or None
        Times a person could be seen at most (lists, visits); None when there is no limit.

    Examples
    --------
    >>> seen = CaptureFrequencies.from_counts({1: 43, 2: 16, 3: 8, 4: 6, 6: 2, 7: 1}, occasions=18)
    >>> seen.n_observed, seen.f(2)
    (76, 16)
    """

    people: IntArray
    occasions: int | None

    def __post_init__(self) -> None:
        people = _tables.check_counts(self.people)
        if people.sum() == 0:
            raise EstimationError(
                "nobody was seen",
                where="people",
                code="empty-table",
                expected="counts of people seen once, twice, ...",
            )
        if self.occasions is not None:
            if self.occasions < 2:
                raise EstimationError(
                    "people must have had two or more chances to be seen",
                    where="occasions",
                    found=str(self.occasions),
                    expected="2 or more, or None for no limit",
                    code="too-few-occasions",
                )
            if people[self.occasions :].any():
                raise EstimationError(
                    "people were seen more often than there were occasions",
                    where="people",
                    found=f"{int(np.flatnonzero(people)[-1]) + 1} times, {self.occasions} occasions",
                    hint="correct occasions=, or leave it out when there is no limit",
                    code="bad-frequency",
                )
            people = np.concatenate([people, np.zeros(self.occasions, dtype=np.int64)])[: self.occasions]
        else:
            people = people[: int(np.flatnonzero(people)[-1]) + 1]
        people.flags.writeable = False
        object.__setattr__(self, "people", people)

    @classmethod
    def from_counts(cls, counts: Mapping[int, int], occasions: int | None = None) -> CaptureFrequencies:
        """Build from ``{times: people}``.

        Raises
        ------
        EstimationError
            When a number of times is not a whole number of 1 or more (people seen 0 times were not observed),
            a count is not, or a person was seen more often than there were occasions.
        """
        bad = [k for k in counts if isinstance(k, bool) or not float(k).is_integer() or k < 1]
        if bad or not counts:
            raise EstimationError(
                "people are counted by the whole number of times they were seen, 1 or more",
                where="counts",
                found=", ".join(f"{float(k):g}" for k in bad) or "nothing",
                hint="people seen 0 times are what is estimated",
                code="bad-frequency",
            )
        times = np.array([int(k) for k in counts])
        people = np.zeros(int(times.max()), dtype=np.int64)
        people[times - 1] = _tables.check_counts(list(counts.values()))
        return cls(people, occasions)

    @classmethod
    def from_histories(cls, data: CaptureHistories) -> CaptureFrequencies:
        """Number of lists each person is on; which lists is forgotten."""
        times = data.patterns.sum(axis=1)
        people = np.bincount(times, weights=data.counts, minlength=data.n_lists + 1)[1:]
        return cls(people.astype(np.int64), data.n_lists)

    @property
    def n_observed(self) -> int:
        """People seen at least once."""
        return int(self.people.sum())

    @property
    def n_sightings(self) -> int:
        """Sum of all times."""
        return int(self.people @ np.arange(1, len(self.people) + 1))

    def f(self, times: int) -> int:
        """People seen exactly so many times."""
        return int(self.people[times - 1]) if 1 <= times <= len(self.people) else 0

    def log_choices(self) -> NDArray[np.float64]:
        """Log number of ways of being seen k times, k = 1, 2, …: binomial, or 1/k! without a limit."""
        times = range(1, len(self.people) + 1)
        if self.occasions is None:
            return np.array([-math.lgamma(k + 1) for k in times])
        return np.array([math.log(math.comb(self.occasions, k)) for k in times])

    def _rows(self) -> list[list[object]]:
        return [[k + 1, int(self.people[k])] for k in np.flatnonzero(self.people)]

    def __repr__(self) -> str:
        limit = f"{self.occasions} occasions" if self.occasions else "no limit on the times"
        return f"CaptureFrequencies: {self.n_observed:,} people, {limit}\n" + text_table(
            ["times", "people"], self._rows()
        )

    def _repr_html_(self) -> str:
        return html_table(["times", "people"], self._rows(), caption=f"{self.n_observed:,} people")


def frequencies(data: CaptureHistories | CaptureFrequencies) -> CaptureFrequencies:
    """Numbers of captures of either kind of table."""
    return data if isinstance(data, CaptureFrequencies) else CaptureFrequencies.from_histories(data)
