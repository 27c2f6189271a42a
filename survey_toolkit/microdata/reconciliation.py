"""The result of a reconciliation: two rates, who moved and why, as tables and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Movement", "Rate", "Reconciliation", "Transition"]

#: Counts below this are not shown, as in the rest of the toolkit.
THRESHOLD = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of the met among the decided, 0 to 1, and the bounds that the undetermined leave."""

    value: float
    lower: float
    upper: float
    n_met: int
    n_decided: int
    n_undetermined: int


@dataclass(frozen=True, slots=True)
class Transition:
    """People with one status under the first version and one under the second."""

    before: str
    after: str
    n: int
    weighted: float


@dataclass(frozen=True, slots=True)
class Movement:
    """People who moved the same way for the same reasons.

    ``effect`` is what they add to the difference of the two rates, 0 to 1.
    """

    before: str
    after: str
    reasons: tuple[str, ...]
    n: int
    weighted: float
    effect: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconciliation:
    """One data set under two versions of a definition.

    Tables and text blank small groups. The two rates and their difference are given as they are: who holds
    both, and all groups but one, can work out what that one adds. They are for the office that has the
    microdata; what is published goes through the indicators and their protection.

    Attributes
    ----------
    first, second : str
        ``id@version``.
    output : str
        The status compared.
    n : int
        Rows of the data.
    first_rate, second_rate : Rate
    difference : float
        Second rate less first, 0 to 1; the effects of all movements and ``stayed`` add up to it.
    standard_error : float or None
        Of the difference, where a design was given.
    stayed : float
        What people who did not move add, because their part in the decided changed.
    transitions : tuple of Transition
        Everybody, by status under either version.
    movements : tuple of Movement
        Largest first.
    moved : array of bool, shape (n,)
        Rows of the people who moved. Personal data: keep it with the microdata.
    """

    first: str
    second: str
    output: str
    n: int
    weight: str | None
    first_rate: Rate
    second_rate: Rate
    difference: float
    standard_error: float | None
    stayed: float
    transitions: tuple[Transition, ...]
    movements: tuple[Movement, ...]
    moved: NDArray[np.bool_]

    def to_frame(self, *, threshold: int = THRESHOLD) -> pd.DataFrame:
        """Movements as a table; counts, weights and effects of groups below the threshold are blank.

        Returns
        -------
        DataFrame
            ``before, after, reasons, n, weighted, effect``, with a column ``hidden`` that says which rows
            are blank.
        """
        import pandas as pd

        rows = []
        for m in self.movements:
            hidden = m.n < threshold
            numbers: tuple[Any, ...] = (pd.NA,) * 3 if hidden else (m.n, m.weighted, m.effect)
            rows.append((m.before, m.after, "; ".join(m.reasons), *numbers, hidden))
        columns = ["before", "after", "reasons", "n", "weighted", "effect", "hidden"]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype({"n": "Int64", "weighted": "Float64", "effect": "Float64", "hidden": bool})

    def transitions_frame(self, *, threshold: int = THRESHOLD) -> pd.DataFrame:
        """Everybody by status under the first version (rows) and the second (columns), unweighted.

        Cells from 1 to below the threshold are blank.
        """
        import pandas as pd

        table = pd.DataFrame([(t.before, t.after, t.n) for t in self.transitions], columns=["a", "b", "n"])
        wide = table.pivot(index="a", columns="b", values="n").fillna(0).astype("Int64")
        wide = wide.mask((wide > 0) & (wide < threshold))
        return wide.rename_axis(index=self.first, columns=self.second)

    def rates_frame(self) -> pd.DataFrame:
        """Both rates with their bounds: one row a version."""
        import pandas as pd

        rows = [
            (key, r.value, r.lower, r.upper, r.n_decided, r.n_undetermined)
            for key, r in ((self.first, self.first_rate), (self.second, self.second_rate))
        ]
        return pd.DataFrame(
            rows, columns=["version", "rate", "lower", "upper", "n_decided", "n_undetermined"]
        )

    def to_dict(self, *, threshold: int = THRESHOLD) -> dict[str, Any]:
        """Everything but the rows of persons, for JSON; small groups blank."""
        frame = self.to_frame(threshold=threshold)
        movements = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
        return {
            "first": self.first,
            "second": self.second,
            "output": self.output,
            "weight": self.weight,
            "rates": self.rates_frame().to_dict(orient="records"),
            "difference": self.difference,
            "standard_error": self.standard_error,
            "stayed": self.stayed,
            "n_moved": self._n_moved(threshold),
            "movements": movements,
        }

    def text(self, *, threshold: int = THRESHOLD) -> str:
        """Return the reconciliation as text; groups below the threshold without numbers."""
        weighted = f"weighted by {self.weight}" if self.weight else "not weighted"
        lines = [f"{self.output}: {self.first} -> {self.second} ({self.n:,} rows, {weighted})"]
        for key, rate in ((self.first, self.first_rate), (self.second, self.second_rate)):
            lines.append(
                f"  {key}: {rate.value:.2%}, from {rate.lower:.2%} to {rate.upper:.2%} by how the "
                f"{rate.n_undetermined:,} undetermined are taken; {rate.n_decided:,} decided"
            )
        error = (
            f" (standard error {100 * self.standard_error:.2f})" if self.standard_error is not None else ""
        )
        lines.append(f"  difference: {100 * self.difference:+.2f} percentage points{error}")
        lines.append(self._said_moved(threshold))
        for movement in self.movements:
            lines += _movement_lines(movement, threshold)
        if abs(self.stayed) > 5e-7:
            lines.append(
                f"  the others: {100 * self.stayed:+.2f} points, as their part in the decided changed"
            )
        return "\n".join(lines)

    def _n_moved(self, threshold: int) -> int | None:
        """How many moved; None where a group is hidden: less the groups shown it would bound that group.

        Two hidden groups of together 8 are 4 and 4.
        """
        hidden = any(m.n < threshold for m in self.movements)
        return None if hidden else int(self.moved.sum())

    def _said_moved(self, threshold: int) -> str:
        if not self.movements:
            return "  nobody moved"
        n = self._n_moved(threshold)
        shown = sum(m.n for m in self.movements if m.n >= threshold)
        if n is not None:
            return f"  moved: {n:,}"
        return f"  moved: {shown:,} in the groups with a number, and those of the groups without one"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return (
            f"Reconciliation({self.output}: {self.first} {self.first_rate.value:.4f} -> "
            f"{self.second} {self.second_rate.value:.4f})"
        )


def _movement_lines(movement: Movement, threshold: int) -> list[str]:
    says = f"  - {movement.before} -> {movement.after}: {_count(movement.n, threshold)}"
    if movement.n >= threshold:
        says += f", {100 * movement.effect:+.2f} points"
    return [says, *(f"      {reason}" for reason in movement.reasons)]


def _count(n: int, threshold: int) -> str:
    return f"fewer than {threshold}" if 0 < n < threshold else f"{n:,}"
