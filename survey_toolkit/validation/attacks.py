"""Attacks on protected tables: a suppressed count must not be worked out from margins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.validation.certificate import Check

if TYPE_CHECKING:
    from survey_toolkit.indicators import Figure

__all__ = ["attack_checks"]

SECTION = "Disclosure control"
TABLES = 20


def attack_checks() -> Iterator[Check]:
    """Protect random two-way tables with margins, then try to recover every suppressed cell."""
    from survey_toolkit.dissemination import attack, protect

    rng = np.random.default_rng(20)
    suppressed = exact = leaked = 0
    for _ in range(TABLES):
        figures = _table(rng)
        protected = protect(figures)
        hidden = {f.id for f in protected.figures if f.disclosure == "suppressed"}
        suppressed += len(hidden)
        leaked += sum(
            f.value is not None or f.ci_low is not None for f in protected.figures if f.id in hidden
        )
        for cells in attack(figures, protected).values():
            exact += sum(round(high) - round(low) < 1 for low, high in cells.values())
    yield _none(f"cells of {TABLES} tables recovered exactly from margins", suppressed, exact)
    yield _none("suppressed figures that still carry a number", suppressed, leaked)


def _none(name: str, compared: int, found: int) -> Check:
    return Check(
        section=SECTION,
        name=name,
        compared=compared,
        worst=float(found),
        allowed=0.0,
        unit="cells",
        passed=found == 0 and compared > 0,
        detail=f"{compared} suppressed cells were attacked.",
    )


def _table(rng: np.random.Generator) -> list[Figure]:
    """Figures of a status by region and age band with all margins; some cells are small."""
    from survey_toolkit.indicators import Figure

    rows, columns = [f"R{i}" for i in range(1, 6)], ["5-11", "12-14", "15-17"]
    positive = rng.poisson(rng.choice([2.0, 12.0, 40.0], size=(5, 3), p=[0.15, 0.35, 0.5]))
    n = positive + rng.integers(200, 900, size=(5, 3))
    figures: list[Figure] = []
    for i, row in enumerate([*rows, "_T"]):
        for j, column in enumerate([*columns, "_T"]):
            at = (slice(None) if row == "_T" else i, slice(None) if column == "_T" else j)
            k, total = int(positive[at].sum()), int(n[at].sum())
            figures.append(
                Figure(
                    id=f"8.7.1/XSC/2024/{row}/{column}",
                    indicator="8.7.1",
                    series="S",
                    label="S",
                    variable="child_labour_a",
                    country="XSC",
                    period="2024",
                    breakdown={"region": row, "age_band": column},
                    statistic="proportion",
                    unit="PT",
                    value=k / total,
                    n=total,
                    n_positive=k,
                )
            )
    return figures
