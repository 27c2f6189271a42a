"""The result of a reconciliation: two rates, who moved and why, as tables and as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._hidden_counts import SMALL
from survey_toolkit.microdata._reconciled import ALL, RATE, NotShown, not_shown, nothing_shown

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Movement", "Rate", "Reconciliation", "Transition"]

#: Counts below this are not shown, as in the rest of the toolkit.
THRESHOLD = SMALL


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

    Tables and text (:meth:`text`, :meth:`to_frame`, :meth:`transitions_frame`, :meth:`rates_frame`,
    :meth:`to_dict`) show no group below the threshold, nor what it could be worked out from: a further group,
    the bounds of a rate, or one of the rates with the difference and the effects. Weighted or not, a figure
    is taken to tell the group it rests on. ``threshold=1`` shows everything, and so do the attributes below:
    they are for the office that has the microdata.

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
    places : array of int, shape (n,)
        Movement of each row; for those who did not move, the number of movements and of their transition
        together. Personal data too.
    withheld : bool
        Whether tables and text show no number at all, because another reconciliation of the same people
        would tell a small group together with this one (:func:`reconciled_together`).
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
    places: NDArray[np.int64] = field(repr=False)
    withheld: bool = False

    def hidden(self, threshold: int = THRESHOLD) -> NotShown:
        """What tables and text do not show."""
        if threshold > 1 and (self.withheld or self.n < threshold):
            return nothing_shown(self.transitions, self.movements)
        return not_shown(self.transitions, self.movements, threshold)

    def to_frame(self, *, threshold: int = THRESHOLD) -> pd.DataFrame:
        """Movements as a table; groups below the threshold, and what would tell them, are blank.

        Returns
        -------
        DataFrame
            ``before, after, reasons, n, weighted, effect``, with a column ``hidden`` that says which rows
            are blank. Where a rate is hidden all effects are.
        """
        import pandas as pd

        gone, rows = self.hidden(threshold), []
        for i, m in enumerate(self.movements):
            hidden = i in gone.movements
            effect = pd.NA if hidden or gone.difference else m.effect
            numbers: tuple[Any, ...] = (pd.NA, pd.NA) if hidden else (m.n, m.weighted)
            rows.append((m.before, m.after, "; ".join(m.reasons), *numbers, effect, hidden))
        columns = ["before", "after", "reasons", "n", "weighted", "effect", "hidden"]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype({"n": "Int64", "weighted": "Float64", "effect": "Float64", "hidden": bool})

    def transitions_frame(self, *, threshold: int = THRESHOLD) -> pd.DataFrame:
        """Everybody by status under the first version (rows) and the second (columns), unweighted.

        Cells from 1 to below the threshold are blank, and those from which they could be worked out.
        """
        import pandas as pd

        table = pd.DataFrame([(t.before, t.after, t.n) for t in self.transitions], columns=["a", "b", "n"])
        wide = table.pivot(index="a", columns="b", values="n").fillna(0).astype("Int64")
        gone = self.hidden(threshold).cells
        blank = np.array([[(a, b) in gone for b in wide.columns] for a in wide.index], dtype=bool)
        return wide.mask(blank.reshape(wide.shape)).rename_axis(index=self.first, columns=self.second)

    def rates_frame(self, *, threshold: int = THRESHOLD) -> pd.DataFrame:
        """Both rates with their bounds: one row a version; blank where a small group could be worked out."""
        import pandas as pd

        rows = []
        for (key, r), shown in zip(self._rates(), self.hidden(threshold).rates, strict=True):
            rate = (r.value, r.n_decided) if shown >= RATE else (pd.NA, pd.NA)
            bounds = (r.lower, r.upper, r.n_undetermined) if shown == ALL else (pd.NA,) * 3
            rows.append((key, rate[0], *bounds[:2], rate[1], bounds[2]))
        columns = ["version", "rate", "lower", "upper", "n_decided", "n_undetermined"]
        types = dict.fromkeys(columns[1:4], "Float64") | dict.fromkeys(columns[4:], "Int64")
        return pd.DataFrame(rows, columns=columns).astype(types)

    def to_dict(self, *, threshold: int = THRESHOLD) -> dict[str, Any]:
        """Everything but the rows of persons, for JSON; what is hidden is None, and told in words."""
        gone = self.hidden(threshold)
        return {
            "first": self.first,
            "second": self.second,
            "output": self.output,
            "weight": self.weight,
            "rates": _records(self.rates_frame(threshold=threshold)),
            "difference": None if gone.difference else self.difference,
            "standard_error": None if gone.difference else self.standard_error,
            "stayed": None if gone.stayed else self.stayed,
            "n_moved": self._n_moved(threshold),
            "transitions": [
                {
                    "before": t.before,
                    "after": t.after,
                    "n": None if (t.before, t.after) in gone.cells else t.n,
                }
                for t in self.transitions
            ],
            "movements": _records(self.to_frame(threshold=threshold)),
            "hidden": self._said_hidden(threshold),
        }

    def text(self, *, threshold: int = THRESHOLD) -> str:
        """Return the reconciliation as text; what is hidden is said."""
        gone = self.hidden(threshold)
        weighted = f"weighted by {self.weight}" if self.weight else "not weighted"
        rows = f"fewer than {threshold}" if self.n < threshold else f"{self.n:,}"
        lines = [f"{self.output}: {self.first} -> {self.second} ({rows} rows, {weighted})"]
        for (key, rate), shown in zip(self._rates(), gone.rates, strict=True):
            lines.append(f"  {key}: {_said_rate(rate, shown)}")
        if not gone.difference:
            error = (
                f" (standard error {100 * self.standard_error:.2f})"
                if self.standard_error is not None
                else ""
            )
            lines.append(f"  difference: {100 * self.difference:+.2f} percentage points{error}")
        lines.append(self._said_moved(threshold))
        for i, movement in enumerate(self.movements):
            lines += _movement_lines(i, movement, gone, threshold)
        if abs(self.stayed) > 5e-7 and not gone.stayed:
            lines.append(
                f"  the others: {100 * self.stayed:+.2f} points, as their part in the decided changed"
            )
        hidden = self._said_hidden(threshold)
        return "\n".join([*lines, f"  not shown: {hidden}"] if hidden else lines)

    def _rates(self) -> tuple[tuple[str, Rate], tuple[str, Rate]]:
        return (self.first, self.first_rate), (self.second, self.second_rate)

    def _n_moved(self, threshold: int) -> int | None:
        """How many moved; None where a group is hidden: less the groups shown it would bound that group.

        Two hidden groups of together 8 are 4 and 4.
        """
        return None if self.hidden(threshold).movements else int(self.moved.sum())

    def _said_moved(self, threshold: int) -> str:
        if not self.movements:
            return "  nobody moved"
        n, gone = self._n_moved(threshold), self.hidden(threshold).movements
        shown = sum(m.n for i, m in enumerate(self.movements) if i not in gone)
        if n is not None:
            return f"  moved: {n:,}"
        told = f"  moved: {shown:,} in the groups with a number, and those of the groups without one"
        return "\n".join([told, *self._said_cells(threshold)])

    def _said_cells(self, threshold: int) -> list[str]:
        """Transitions that are shown although not all of their groups are."""
        gone = self.hidden(threshold)
        parted = {(m.before, m.after) for i, m in enumerate(self.movements) if i in gone.movements}
        return [
            f"    {t.before} -> {t.after}, all groups: {t.n:,}"
            for t in self.transitions
            if (t.before, t.after) in parted - gone.cells
        ]

    def _said_hidden(self, threshold: int) -> str:
        """What is hidden and why; empty where nothing is."""
        gone = self.hidden(threshold)
        parts = [f"the rate of {key}" for (key, _), shown in zip(self._rates(), gone.rates, strict=True)
                 if shown < RATE]  # fmt: skip
        parts += [f"the bounds of {key}" for (key, _), shown in zip(self._rates(), gone.rates, strict=True)
                  if shown == RATE]  # fmt: skip
        parts += ["the difference and the effects"] if gone.difference else []
        parts += ["what the others add"] if gone.stayed and not gone.difference else []
        n = len(gone.movements)
        parts += [f"the numbers of {n} group{'s' if n > 1 else ''}"] if n else []
        parts += ["cells of the transitions"] if gone.cells else []
        why = f"a group of fewer than {threshold} could be worked out"
        if self.withheld:
            why += " together with another status"
        return f"{', '.join(parts)}; {why}" if parts else ""

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        said = [f"{key} {rate.value:.4f}" if shown >= RATE else f"{key} not shown"
                for (key, rate), shown in zip(self._rates(), self.hidden().rates, strict=True)]  # fmt: skip
        return f"Reconciliation({self.output}: {' -> '.join(said)})"


def _said_rate(rate: Rate, shown: int) -> str:
    if shown < RATE:
        return "not shown"
    if shown == RATE:
        return f"{rate.value:.2%}; {rate.n_decided:,} decided"
    return (
        f"{rate.value:.2%}, from {rate.lower:.2%} to {rate.upper:.2%} by how the "
        f"{rate.n_undetermined:,} undetermined are taken; {rate.n_decided:,} decided"
    )


def _movement_lines(number: int, movement: Movement, gone: NotShown, threshold: int) -> list[str]:
    says = f"{movement.n:,}"
    if number in gone.movements:
        says = f"fewer than {threshold}" if number in gone.small else "not shown"
    elif not gone.difference:
        says += f", {100 * movement.effect:+.2f} points"
    head = f"  - {movement.before} -> {movement.after}: {says}"
    return [head, *(f"      {reason}" for reason in movement.reasons)]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()}
            for row in frame.astype(object).where(frame.notna(), None).to_dict(orient="records")]  # fmt: skip
