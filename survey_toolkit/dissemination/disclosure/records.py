"""Risk of records in a release of cases: k-anonymity, l-diversity and the chance of being found.

A missing key may be read in two ways: as a value of its own (strict), or as something that matches every
value, in both directions (the rule of sdcMicro, under which suppressing a value protects).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from survey_toolkit.errors import DisclosureError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Anonymity", "Diversity", "Missing", "individual_risk", "k_anonymity", "l_diversity"]

Missing: TypeAlias = Literal["matches any", "own category"]
Ints: TypeAlias = "npt.NDArray[np.int64]"
Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anonymity:
    """How many records share each record's keys.

    Attributes
    ----------
    sample : int array (n,)
        Records that share the keys of a record, itself included.
    population : float array (n,)
        Sum of their weights.
    keys : tuple of str
    n_combinations : int
        Different combinations of keys.
    """

    sample: Ints
    population: Floats
    keys: tuple[str, ...]
    n_combinations: int

    @property
    def k(self) -> int:
        """Smallest group of records that cannot be told apart."""
        return int(self.sample.min()) if len(self.sample) else 0

    def below(self, k: int) -> int:
        """Records in groups smaller than k."""
        return int((self.sample < k).sum())

    def __repr__(self) -> str:
        return (
            f"Anonymity(k={self.k}, {len(self.sample)} records, {self.n_combinations} combinations of "
            f"{', '.join(self.keys)}; in groups below 3: {self.below(3)}, below 11: {self.below(11)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diversity:
    """Different sensitive values among the records that share each record's keys."""

    distinct: Ints
    keys: tuple[str, ...]
    sensitive: str

    @property
    def l(self) -> int:  # noqa: E743 (the established name of the measure)
        """Smallest number of different values."""
        return int(self.distinct.min()) if len(self.distinct) else 0

    def below(self, l: int) -> int:  # noqa: E741
        """Records whose group has fewer different values."""
        return int((self.distinct < l).sum())


def encode(records: pd.DataFrame, keys: Sequence[str]) -> Ints:
    """Keys as integers, shape (n, keys); -1 is missing."""
    import pandas as pd

    missing = [key for key in keys if key not in records]
    if missing or not keys:
        raise DisclosureError(
            "the keys are columns of the records", found=", ".join(missing) or "none", code="unknown-column"
        )
    return np.column_stack([pd.factorize(records[key], sort=True)[0] for key in keys]).astype(np.int64)


def k_anonymity(
    records: pd.DataFrame,
    keys: Sequence[str],
    *,
    missing: Missing = "own category",
    weight: str | None = None,
) -> Anonymity:
    """Size of the group that shares each record's keys.

    Parameters
    ----------
    records : pandas.DataFrame
        Order of rows is the order of the result.
    keys : sequence of str
        Columns an intruder may know.
    missing : {"own category", "matches any"}
    weight : str, optional

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"sex": ["F", "F", "M", None]})
    >>> k_anonymity(people, ["sex"]).sample.tolist()
    [2, 2, 1, 1]
    >>> k_anonymity(people, ["sex"], missing="matches any").sample.tolist()
    [3, 3, 2, 4]
    """
    codes = encode(records, keys)
    w = np.ones(len(codes)) if weight is None else records[weight].to_numpy(dtype=float)
    patterns, place, sizes = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    sizes = sizes.astype(np.int64)
    weights: Floats = np.bincount(place, weights=w, minlength=len(patterns)).astype(np.float64)
    if missing == "matches any":
        sizes, weights = _with_wildcards(patterns, sizes, weights)
    return Anonymity(
        sample=sizes[place].astype(np.int64),
        population=weights[place],
        keys=tuple(keys),
        n_combinations=len(patterns),
    )


def _with_wildcards(patterns: Ints, sizes: Ints, weights: Floats) -> tuple[Ints, Floats]:
    n, w = np.empty(len(patterns), np.int64), np.empty(len(patterns))
    step = max(1, 4_000_000 // max(1, len(patterns)))
    for start in range(0, len(patterns), step):
        part = patterns[start : start + step]
        fits = matches(part, patterns)
        n[start : start + step] = fits @ sizes
        w[start : start + step] = fits @ weights
    return n, w


def matches(left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
    """Which combinations agree where both have a value, shape (left, right)."""
    fits = np.ones((len(left), len(right)), bool)
    for j in range(left.shape[1]):
        a, b = left[:, j][:, None], right[:, j][None, :]
        fits &= (a == b) | (a < 0) | (b < 0)
    return fits


def l_diversity(records: pd.DataFrame, keys: Sequence[str], sensitive: str) -> Diversity:
    """Different values of a sensitive variable among the records that share each record's keys.

    Missing keys are a category of their own; a missing sensitive value is not counted.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"sex": ["F", "F", "M"], "form": ["a", "b", "a"]})
    >>> l_diversity(people, ["sex"], "form").distinct.tolist()
    [2, 2, 1]
    """
    group = np.unique(encode(records, keys), axis=0, return_inverse=True)[1].reshape(-1)
    value = encode(records, [sensitive])[:, 0]
    pairs = np.unique(np.column_stack([group, value])[value >= 0], axis=0)
    distinct = np.bincount(pairs[:, 0], minlength=int(group.max(initial=-1)) + 1)
    return Diversity(distinct=distinct[group].astype(np.int64), keys=tuple(keys), sensitive=sensitive)


def individual_risk(
    records: pd.DataFrame, keys: Sequence[str], weight: str, *, missing: Missing = "own category"
) -> Floats:
    """Expected chance of being found, by record, shape (n,).

    The posterior mean of 1/F given f under the negative binomial model, p = f/F (Benedetti and Franconi
    1998): exact for f = 1 and 2; for larger f the approximation p / (f - 1 + p).

    Parameters
    ----------
    records : pandas.DataFrame
    keys : sequence of str
        Columns by which somebody could be recognised.
    weight : str
        Column of sampling weights, persons a record stands for.
    missing : {"own category", "matches any"}

    Returns
    -------
    float array (n,)
        Probabilities, in the order of the records.

    Raises
    ------
    DisclosureError
        If a key or the weight is no column.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"sex": ["F", "M", "M"], "w": [1.0, 10.0, 10.0]})
    >>> individual_risk(people, ["sex"], "w").round(3).tolist()
    [1.0, 0.083, 0.083]
    """
    groups = k_anonymity(records, keys, missing=missing, weight=weight)
    f = groups.sample.astype(float)
    p = np.clip(f / np.maximum(groups.population, f), 1e-12, 1.0)
    q = 1.0 - p
    ratio = p / np.where(q > 0, q, 1.0)
    log = np.log(1.0 / p)
    risk = np.where(f == 1, ratio * log, np.where(f == 2, ratio - ratio**2 * log, p / (f - q)))
    return np.where(q > 0, risk, 1.0 / f)
