"""Internal consistency: each list in turn is a population of known size, estimated from the other lists.

Binette & Steorts (2022, JRSS-A 185:640-676): keep the people on one list, forget that list, and estimate how
many there are from the others. A method that cannot find the size of a list it was not shown should not be
trusted with the population.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._display import format_number, html_table, text_table
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.sensitivity import (
    DEFAULT_METHODS,
    Method,
    Variant,
    _methods,
    _require_lists,
    restrict,
    run_methods,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ConsistencySummary", "InternalConsistency", "KnownList", "internal_consistency"]

_LEAST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownList:
    """One list taken as a population of known size, and its estimate from the others.

    Attributes
    ----------
    reference : str
    others : tuple of str
        Lists that share people with it.
    known_size, n_seen : int
        People on it; of these, people on some other list.
    result : Variant
        Estimate, interval, or why there is none.
    """

    reference: str
    others: tuple[str, ...]
    known_size: int
    n_seen: int
    result: Variant

    @property
    def log_relative_bias(self) -> float:
        """Log of the estimate over the known size; NaN when refused."""
        estimate = self.result.estimate
        return float("nan") if estimate is None else float(np.log(estimate / self.known_size))

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the known size."""
        low, high = self.result.ci_low, self.result.ci_high
        return None if low is None or high is None else low <= self.known_size <= high


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencySummary:
    """One method over all reference lists: log relative bias and coverage."""

    method: str
    n_lists: int
    n_refused: int
    mean_log_bias: float
    sd: float
    rmse: float
    median: float
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InternalConsistency:
    """Every list estimated from the others.

    Attributes
    ----------
    checks : tuple of KnownList
        By list and method.
    left_out : mapping list -> people on it and on some other list
        Too few to judge.
    """

    checks: tuple[KnownList, ...]
    left_out: Mapping[str, int]

    def summary(self) -> tuple[ConsistencySummary, ...]:
        """Mean, spread and coverage by method, over the lists that could be estimated."""
        out = []
        for method in dict.fromkeys(c.result.method for c in self.checks):
            mine = [c for c in self.checks if c.result.method == method]
            bias = np.array([c.log_relative_bias for c in mine if c.result.estimate is not None])
            held = [c.covered for c in mine if c.covered is not None]
            some = len(bias) > 0
            out.append(
                ConsistencySummary(
                    method=method,
                    n_lists=len(mine),
                    n_refused=len(mine) - len(bias),
                    mean_log_bias=float(bias.mean()) if some else float("nan"),
                    sd=float(bias.std(ddof=1)) if len(bias) > 1 else float("nan"),
                    rmse=float(np.sqrt((bias**2).mean())) if some else float("nan"),
                    median=float(np.median(bias)) if some else float("nan"),
                    coverage=sum(held) / len(held) if held else float("nan"),
                )
            )
        return tuple(out)

    def to_frame(self) -> pd.DataFrame:
        """One row a list and method."""
        import pandas as pd

        rows = [
            {
                "reference": c.reference,
                "method": c.result.method,
                "known_size": c.known_size,
                "n_seen": c.n_seen,
                **{k: getattr(c.result, k) for k in ("estimate", "ci_low", "ci_high")},
                "log_relative_bias": c.log_relative_bias,
                "covered": c.covered,
                "refused": c.result.refused,
            }
            for c in self.checks
        ]
        return pd.DataFrame(rows)

    def _rows(self) -> list[list[object]]:
        return [
            [
                c.reference,
                c.result.method,
                format_number(c.known_size),
                format_number(c.result.estimate) or "refused",
                format_number(c.log_relative_bias, 2),
                c.result.refused,
            ]
            for c in self.checks
        ]

    def __repr__(self) -> str:
        head = ["list", "method", "known", "estimate", "log bias", "remark"]
        return "InternalConsistency\n" + text_table(head, self._rows())

    def _repr_html_(self) -> str:
        head = ["list", "method", "known", "estimate", "log bias", "remark"]
        notes = [f"{k}: only {v} people on other lists" for k, v in self.left_out.items()]
        return html_table(head, self._rows(), caption="Each list estimated from the others", notes=notes)


def internal_consistency(
    data: CaptureHistories,
    methods: Iterable[str] | Mapping[str, Method] = DEFAULT_METHODS,
    *,
    least: int = _LEAST,
    level: float = 0.95,
) -> InternalConsistency:
    """Estimate the size of every list from the others and compare with what it is.

    Parameters
    ----------
    data : CaptureHistories
        Three lists or more.
    methods : iterable of str, or mapping name -> callable
    least : int
        Keep a list when at least so many of its people are on some other list.
    level : float

    Raises
    ------
    EstimationError
        Fewer than three lists, or no list shares enough people with the others.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> check = internal_consistency(lists, ["independence"])
    >>> [(c.reference, c.known_size, round(c.result.estimate)) for c in check.checks]
    [('P', 135, 79), ('Q', 122, 80), ('E', 126, 74)]
    """
    _require_lists(data, 3, "estimate one from the others")
    chosen = _methods(methods)
    checks: list[KnownList] = []
    left_out: dict[str, int] = {}
    for j, name in enumerate(data.lists):
        on = data.patterns[:, j] == 1
        patterns = np.delete(data.patterns, j, axis=1)
        seen = int(data.counts[on & patterns.any(axis=1)].sum())
        if seen < least:
            left_out[name] = seen
            continue
        table = restrict(data, patterns, name, on)
        checks += [
            KnownList(
                reference=name,
                others=table.lists if table else (),
                known_size=int(data.counts[on].sum()),
                n_seen=seen,
                result=variant,
            )
            for variant in run_methods(table, f"{name} from the others", chosen, level)
        ]
    if not checks:
        raise EstimationError(
            "no list shares enough people with the others",
            found=", ".join(f"{k} {v}" for k, v in left_out.items()),
            expected=f"{least} or more on some other list",
            code="no-overlap",
        )
    return InternalConsistency(checks=tuple(checks), left_out=left_out)
