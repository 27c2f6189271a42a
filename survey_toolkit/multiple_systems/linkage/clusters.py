"""From linked pairs to people: clusters, their quality, and the capture histories they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.histories import CaptureHistories

__all__ = ["Clusters", "LinkQuality", "cluster_pairs", "link_quality"]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Records grouped into people.

    Attributes
    ----------
    lists : tuple of str
    members : tuple of tuple of str
        Record ids of each person, sorted.
    source : mapping record id -> list
    n_refused : int
        Links that would have put two people of one list together and were not made.
    """

    lists: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    source: Mapping[str, str]
    n_refused: int = 0

    @property
    def n_people(self) -> int:
        """Different people."""
        return len(self.members)

    @property
    def within_list_duplicates(self) -> int:
        """Records beyond the first of a person on the same list."""
        return sum(sum(Counter(self.source[r] for r in m).values()) - self._width(m) for m in self.members)

    def _width(self, members: Sequence[str]) -> int:
        return len({self.source[r] for r in members})

    def histories(self) -> CaptureHistories:
        """Capture histories of the people."""
        counts: Counter[tuple[int, ...]] = Counter()
        for group in self.members:
            on = {self.source[r] for r in group}
            counts[tuple(int(name in on) for name in self.lists)] += 1
        return CaptureHistories.from_counts(dict(counts), self.lists)


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """Pairwise agreement with the truth: shares of links that are right, and of matches found."""

    precision: float
    recall: float
    f1: float
    people: int
    true_people: int


def cluster_pairs(
    records: Mapping[str, str],
    pairs: Iterable[tuple[str, str, float]],
    *,
    lists: Sequence[str] | None = None,
    threshold: float = 0.0,
    one_to_one: bool = False,
    within_threshold: float = 0.95,
) -> Clusters:
    """Group records by their links, strongest first.

    Parameters
    ----------
    records : mapping record id -> list
    pairs : iterable of (id, id, probability)
    lists : sequence of str, optional
        Order of the lists; default order of appearance.
    threshold : float
        Links below it are not made.
    one_to_one : bool
        False: every link counts and is passed on (transitive closure). True: two groups that already share
        a list are joined only by a link of at least ``within_threshold`` between records of one list
        (a duplicate), so that one person is not two people of one list.
    within_threshold : float

    Examples
    --------
    >>> people = cluster_pairs({"a1": "A", "b1": "B", "b2": "B"}, [("a1", "b1", 0.9), ("a1", "b2", 0.8)],
    ...                        one_to_one=True)
    >>> people.members
    (('a1', 'b1'), ('b2',))
    """
    parent = {r: r for r in records}
    groups = {r: {records[r]} for r in records}
    refused = 0
    for a, b, p in sorted(pairs, key=lambda item: (-item[2], item[0], item[1])):
        if p < threshold:
            break
        if a not in records or b not in records:
            raise EstimationError(
                "a link names a record that is not there", where="pairs", code="unknown-record"
            )
        x, y = _root(parent, a), _root(parent, b)
        if x == y:
            continue
        duplicate = records[a] == records[b] and p >= within_threshold
        if one_to_one and groups[x] & groups[y] and not duplicate:
            refused += 1
            continue
        parent[y] = x
        groups[x] |= groups.pop(y)
    found: dict[str, list[str]] = {}
    for r in records:
        found.setdefault(_root(parent, r), []).append(r)
    members = tuple(sorted(tuple(sorted(g)) for g in found.values()))
    names = tuple(lists) if lists is not None else tuple(dict.fromkeys(records.values()))
    return Clusters(names, members, dict(records), refused)


def _root(parent: dict[str, str], r: str) -> str:
    while parent[r] != r:
        parent[r] = parent[parent[r]]
        r = parent[r]
    return r


def link_quality(clusters: Clusters, truth: Mapping[str, object]) -> LinkQuality:
    """Compare clusters with true persons, pair by pair.

    Examples
    --------
    >>> people = cluster_pairs({"a": "A", "b": "B", "c": "B"}, [("a", "b", 1.0)])
    >>> link_quality(people, {"a": 1, "b": 1, "c": 1}).recall
    0.3333333333333333
    """
    by_person: dict[object, list[str]] = {}
    for r in clusters.source:
        by_person.setdefault(truth[r], []).append(r)
    true_pairs = sum(len(g) * (len(g) - 1) // 2 for g in by_person.values())
    made = right = 0
    for group in clusters.members:
        for a, b in combinations(group, 2):
            made += 1
            right += truth[a] == truth[b]
    precision = right / made if made else 1.0
    recall = right / true_pairs if true_pairs else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return LinkQuality(precision, recall, f1, clusters.n_people, len(by_person))
