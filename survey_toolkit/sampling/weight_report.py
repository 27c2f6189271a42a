"""What each step of weighting did: factor, spread, design effect of the weights, who lost weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.estimation import kish_design_effect

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GroupChange", "WeightReport", "WeightStep", "weight_step"]

Floats = NDArray[np.float64]
#: Groups smaller than this are not shown one by one.
_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """How a group fared: rows, rows that fell to zero, weight before and after (NaN before the base)."""

    group: str
    rows: int
    lost: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStep:
    """One step of weighting.

    Attributes
    ----------
    name, sentence : str
    rows : int
        Rows with weight after the step.
    lost : int
        Rows whose weight fell to zero.
    weight_lost : float
        Weight those rows had.
    total : float
        Sum of the weights after.
    smallest, median, largest : float
        Of the weights above zero.
    cv : float
        Coefficient of variation of the weights.
    deff : float
        Design effect of unequal weights, 1 + cv² (Kish).
    factor_smallest, factor_mean, factor_largest : float
        New over old weight of those who stay; NaN for the base.
    groups : tuple of GroupChange
    """

    name: str
    sentence: str
    rows: int
    lost: int
    weight_lost: float
    total: float
    smallest: float
    median: float
    largest: float
    cv: float
    deff: float
    factor_smallest: float
    factor_mean: float
    factor_largest: float
    groups: tuple[GroupChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReport:
    """All steps of a weighting.

    Attributes
    ----------
    steps : tuple of WeightStep
    groups : str or None
        Column the groups come from.
    """

    steps: tuple[WeightStep, ...]
    groups: str | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row a step."""
        import pandas as pd

        names = [n for n in WeightStep.__slots__ if n != "groups"]
        return pd.DataFrame([{n: getattr(s, n) for n in names} for s in self.steps])

    def who_lost(self) -> pd.DataFrame:
        """One row a step and group, the largest relative loss of weight first within the step."""
        import pandas as pd

        rows = [
            {
                "step": s.name,
                "group": g.group,
                "rows": g.rows,
                "lost": g.lost,
                "before": g.before,
                "after": g.after,
                "change": g.after / g.before - 1 if g.before else float("nan"),
            }
            for s in self.steps[1:]
            for g in s.groups
        ]
        names = ["step", "group", "rows", "lost", "before", "after", "change"]
        table = pd.DataFrame(rows, columns=names)
        order = {s.name: i for i, s in enumerate(self.steps)}
        # equal losses differ in their last digits; they stand in the order of the groups
        keys = table.assign(_step=table["step"].map(order), _change=table["change"].round(9))
        keys = keys.sort_values(["_step", "_change"], kind="stable")
        return keys.drop(columns=["_step", "_change"]).reset_index(drop=True)


def weight_step(
    name: str, old: Floats, new: Floats, frame: pd.DataFrame, groups: str | None, *, sentence: str
) -> WeightStep:
    """Describe a step from the weights before (NaN for the base) and after.

    Examples
    --------
    >>> import pandas as pd
    >>> old, new = np.array([1.0, 1, 2]), np.array([2.0, 0, 2])
    >>> step = weight_step("x", old, new, pd.DataFrame(), None, sentence="")
    >>> step.rows, step.lost, step.weight_lost, step.factor_largest, step.deff
    (2, 1, 1.0, 2.0, 1.0)
    """
    alive = new > 0
    kept = new[alive]
    gone = (old > 0) & ~alive
    base = bool(np.isnan(old).all())
    factor = np.array([np.nan]) if base or not alive.any() else kept / old[alive]
    return WeightStep(
        name=name,
        sentence=sentence,
        rows=int(alive.sum()),
        lost=int(gone.sum()),
        weight_lost=float(old[gone].sum()),
        total=float(kept.sum()),
        smallest=float(kept.min()) if kept.size else float("nan"),
        median=float(np.median(kept)) if kept.size else float("nan"),
        largest=float(kept.max()) if kept.size else float("nan"),
        cv=float(kept.std() / kept.mean()) if kept.size else float("nan"),
        deff=kish_design_effect(kept) if kept.size else float("nan"),
        factor_smallest=float(factor.min()),
        factor_mean=float(factor.mean()),
        factor_largest=float(factor.max()),
        groups=() if groups is None else _changes(old, new, frame[groups]),
    )


def _changes(old: Floats, new: Floats, group: pd.Series) -> tuple[GroupChange, ...]:
    labels = group.astype("object").fillna("missing").astype(str).to_numpy()
    _, codes = np.unique(labels, return_inverse=True)
    few = np.bincount(codes) < _FEW
    shown = np.where(few[codes], f"groups of fewer than {_FEW}", labels)
    out = []
    for name in np.unique(shown):
        mine = shown == name
        gone = mine & (old > 0) & (new == 0)
        out.append(
            GroupChange(
                group=str(name),
                rows=int(mine.sum()),
                lost=int(gone.sum()),
                before=float(old[mine].sum()),
                after=float(new[mine].sum()),
            )
        )
    return tuple(out)
