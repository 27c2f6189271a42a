"""The cell-key method: the same people give the same noise, in whatever table they appear.

Each record has a random key in [0, 1). The fractional part of the sum of the keys in a cell is its cell key,
and a table of transition probabilities turns count and cell key into the published count. The probabilities
have the largest entropy among those without bias, with a given variance, limited noise and no small counts
(Giessing 2016, *Computational issues in the design of transition probabilities*; Fraser and Wooton 2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from survey_toolkit.dissemination.disclosure.lattice import Cell
from survey_toolkit.dissemination.disclosure.rounding import count_records
from survey_toolkit.errors import DisclosureError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PerturbedCell", "TransitionTable", "perturb_table", "transition_table"]

Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionTable:
    """Probabilities of published counts by true count; the last row serves every larger count.

    Attributes
    ----------
    rows : tuple of mapping
        For true count 0, 1, …: published count to probability, in ascending order.
    """

    rows: tuple[Mapping[int, float], ...]

    @classmethod
    def from_steps(cls, steps: Iterable[tuple[int, int, float]]) -> TransitionTable:
        """Table of rows (true count, published count, probability), as other software writes it."""
        found: dict[int, dict[int, float]] = {}
        for count, published, probability in steps:
            found.setdefault(count, {})[published] = probability
        if sorted(found) != list(range(len(found))):
            raise DisclosureError("the table lacks a count", expected="0, 1, 2, …", code="ptable-gap")
        return cls(rows=tuple(dict(sorted(found[i].items())) for i in range(len(found))))

    def publish(self, count: int, cell_key: float) -> int:
        """Published count: the first whose cumulated probability reaches the cell key."""
        at = min(count, len(self.rows) - 1)
        row = self.rows[at]
        # Cumulated in whole 1e-9 steps: printed tables are rounded, and 0.1 + 0.2 is not 0.3.
        cumulated = np.round(np.cumsum(list(row.values())), 9)
        place = min(int(np.searchsorted(cumulated, cell_key, side="left")), len(row) - 1)
        return max(0, count + list(row)[place] - at)


@dataclass(frozen=True, slots=True)
class PerturbedCell:
    """True count, cell key and published count; only the last may leave the office."""

    n: int
    cell_key: float
    published: int


def transition_table(max_noise: int = 5, variance: float = 3.0, small: int = 0) -> TransitionTable:
    """Transition probabilities of largest entropy.

    Parameters
    ----------
    max_noise : int
        Largest change of a count.
    variance : float
        Variance of the change, the same for every count above zero.
    small : int
        Counts of 1 to this number are never published.

    Raises
    ------
    DisclosureError
        If no probabilities without bias have this variance.

    Examples
    --------
    >>> table = transition_table(5, 3.0, 2)
    >>> len(table.rows), round(table.rows[1][0], 4), round(sum(j * p for j, p in table.rows[3].items()), 6)
    (9, 0.7345, 3.0)
    """
    rows: list[Mapping[int, float]] = [{0: 1.0}]
    for count in range(1, max_noise + small + 2):
        support = [j for j in range(max(0, count - max_noise), count + max_noise + 1) if j == 0 or j > small]
        rows.append(_largest_entropy(count, support, variance))
    return TransitionTable(rows=tuple(rows))


def _largest_entropy(count: int, support: Sequence[int], variance: float) -> dict[int, float]:
    """p_j proportional to exp(a d + b d²), d = j - count, with mean zero and the variance given.

    Where the true count may be published, it is also the likeliest: probabilities do not fall towards it.
    """
    d = np.array(support, dtype=float) - count
    moments = np.stack([d, d**2])
    wanted = np.array([0.0, variance])
    below, above = d[d < 0], d[d > 0]
    least = 0.0 if count in support else -below.max(initial=-np.inf) * above.min(initial=np.inf)
    if not least < variance < -d.min() * d.max():
        raise DisclosureError(
            "no noise without bias has this variance",
            where=f"count {count}",
            found=f"variance {variance:g} with changes of {d.min():.0f} to {d.max():.0f}",
            hint="choose a smaller variance or a larger noise",
            code="ptable-infeasible",
        )
    p = _exponential(moments, wanted)
    steps = np.diff(p) * np.sign(d[1:] + d[:-1])
    if count in support and (steps > 1e-9).any():
        p = _unimodal(moments, wanted, d, p)
    if np.abs(moments @ p - wanted).max() > 1e-5 or abs(p.sum() - 1) > 1e-6:
        raise DisclosureError(
            "the probabilities were not found", where=f"count {count}", code="ptable-not-solved"
        )
    return dict(zip(support, (float(x) for x in p), strict=True))


def _exponential(moments: Floats, wanted: Floats) -> Floats:
    """The member of the exponential family with these moments, by its convex dual."""
    from scipy.optimize import minimize

    scale = np.array([1.0, 0.1])

    def dual(x: Floats) -> tuple[float, Floats]:
        score = (x * scale) @ moments
        top = float(score.max())
        weights = np.exp(score - top)
        slope = (moments @ (weights / weights.sum()) - wanted) * scale
        return float(top + np.log(weights.sum()) - (x * scale) @ wanted), slope

    found = minimize(dual, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 2000})
    score = (found.x * scale) @ moments
    p: Floats = np.exp(score - score.max())
    return np.asarray(p / p.sum(), dtype=np.float64)


def _unimodal(moments: Floats, wanted: Floats, d: Floats, start: Floats) -> Floats:
    """Largest entropy under the further condition that no probability falls towards the true count."""
    from scipy.optimize import LinearConstraint, minimize

    equal = np.vstack([np.ones_like(d), moments])
    steps = (np.eye(len(d))[1:] - np.eye(len(d))[:-1]) * -np.sign(d[1:] + d[:-1])[:, None]
    solve: Any = minimize
    found = solve(
        lambda p: float(p @ np.log(p)), start, jac=lambda p: np.log(p) + 1, method="SLSQP",
        bounds=[(1e-12, 1.0)] * len(d), options={"ftol": 1e-13, "maxiter": 500},
        constraints=[
            LinearConstraint(equal, [1.0, *wanted], [1.0, *wanted]),
            LinearConstraint(steps, 0.0, np.inf),
        ],
    )  # fmt: skip
    return np.asarray(found.x, dtype=np.float64)


def perturb_table(
    records: pd.DataFrame, keys: Sequence[str], record_key: str, table: TransitionTable
) -> dict[Cell, PerturbedCell]:
    """Publish counts by cell, margins included, changed by their cell keys.

    Parameters
    ----------
    records : pandas.DataFrame
        Records with a missing key belong to no cell.
    keys : sequence of str
    record_key : str
        Column of random numbers in [0, 1), drawn once and kept with the records.
    table : TransitionTable

    Raises
    ------
    DisclosureError
        If a record key is missing or out of range.
    """
    given = records[record_key]
    if given.isna().any() or (given < 0).any() or (given >= 1).any():
        raise DisclosureError(
            "record keys are numbers from 0 to below 1",
            where=record_key,
            hint="draw them once with numpy.random.default_rng(seed).random(n) and keep them",
            code="bad-record-key",
        )
    out = {}
    for cell, (n, total) in count_records(records, keys, record_key).items():
        key = round(total % 1.0, 12) % 1.0
        out[cell] = PerturbedCell(n, key, table.publish(n, key))
    return out
