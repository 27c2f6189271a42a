"""What is true in the simulated country: every quantity counted over the whole population.

The definitions are written out here once more, in plain arrays, on purpose: the truth must not depend on
the registry, the rule language or the classifier that it is there to check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.children import CHORES, KINDS_OF_WORK
from survey_toolkit.datasets.country.profile import INVOLUNTARINESS, MENACE, REGIONS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ADULT_BANDS", "CHILD_BANDS", "TRUTH_COLUMNS", "TrueStatus", "true_statuses", "truth_table"]

Flags = NDArray[np.bool_]

#: Age bands by first and last completed year.
CHILD_BANDS: dict[str, tuple[int, int]] = {"5-11": (5, 11), "12-14": (12, 14), "15-17": (15, 17)}
ADULT_BANDS: dict[str, tuple[int, int]] = {
    "18-24": (18, 24),
    "25-44": (25, 44),
    "45-64": (45, 64),
    "65+": (65, 200),
}
#: Columns of the truth table; ``_T`` stands for all in a breakdown.
TRUTH_COLUMNS: tuple[str, ...] = (
    "variable", "definition", "version", "statistic", "sex", "age_band", "urbanisation", "region", "value",
    "universe",
)  # fmt: skip
TOTAL = "_T"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueStatus:
    """One classified variable in the whole population.

    Attributes
    ----------
    variable, definition, version : str
        As the registry names them.
    universe, met : bool arrays of shape (persons,)
        Who is in the denominator, and who of them meets the definition.
    bands : mapping of age band to first and last completed year
        Age bands this variable is broken down by; empty for none.
    """

    variable: str
    definition: str
    version: str
    universe: Flags
    met: Flags
    bands: dict[str, tuple[int, int]]


def true_statuses(persons: pd.DataFrame, jobs: pd.DataFrame) -> tuple[TrueStatus, ...]:
    """Who is in child labour, child marriage and forced labour, by the words of the definitions."""
    age = persons["age"].to_numpy()
    woman = (persons["sex"] == "F").to_numpy() & (age >= 20) & (age <= 24)
    union_age = persons["union_age"].to_numpy()
    married = {limit: woman & (union_age >= 0) & (union_age < limit) for limit in (15, 18)}
    child = (age >= 5) & (age <= 17)
    statuses = [
        TrueStatus(
            variable=name,
            definition="child_labour",
            version=version,
            universe=child,
            met=met,
            bands=CHILD_BANDS,
        )
        for version, strict in (("sdg-2021", True), ("mics6", False))
        for name, met in _child_labour(persons, strict=strict).items()
    ]
    statuses += [
        TrueStatus(
            variable=f"child_marriage_{limit}",
            definition="child_marriage",
            version="sdg-2021",
            universe=woman,
            met=met,
            bands={},
        )
        for limit, met in married.items()
    ]
    statuses.append(
        TrueStatus(
            variable="forced_labour",
            definition="forced_labour",
            version="icls20-2018",
            universe=age >= 18,
            met=_forced_labour(persons, jobs),
            bands=ADULT_BANDS,
        )
    )
    return tuple(statuses)


def _child_labour(persons: pd.DataFrame, *, strict: bool) -> dict[str, Flags]:
    """SDG 8.7.1 series A and B; ``strict``: above 43 and 21 hours (SDG), otherwise from 43 and 21 (MICS6)."""
    age, hours = persons["age"].to_numpy(), persons["work_hours"].to_numpy()
    works = persons[list(KINDS_OF_WORK)].to_numpy().any(axis=1)
    helps = persons[[*CHORES, "fetches_water", "collects_wood"]].to_numpy().any(axis=1)
    chores = persons[["water_hours", "wood_hours", "chore_hours"]].to_numpy().sum(axis=1)
    young, middle, old = (age >= 5) & (age <= 11), (age >= 12) & (age <= 14), (age >= 15) & (age <= 17)
    too_long = hours > 43 if strict else hours >= 43
    too_many_chores = chores > 21 if strict else chores >= 21
    a = works & ((young & (hours >= 1)) | (middle & (hours >= 14)) | (old & too_long))
    b = a | ((young | middle) & helps & too_many_chores)
    return {"child_labour_a": a, "child_labour_b": b}


def _forced_labour(persons: pd.DataFrame, jobs: pd.DataFrame) -> Flags:
    """Adults with a job that is involuntary, under menace, and not excluded by the Convention."""
    involuntary = jobs[list(INVOLUNTARINESS)].to_numpy().any(axis=1)
    menace = jobs[list(MENACE)].to_numpy().any(axis=1)
    forced = involuntary & menace & (jobs["c29_exclusion"] == "none").to_numpy()
    in_forced_job = np.isin(persons["person_id"].to_numpy(), jobs["person_id"].to_numpy()[forced])
    return np.asarray(in_forced_job & (persons["age"].to_numpy() >= 18))


def truth_table(persons: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """True proportions and totals for every crossing of sex, age band, urbanisation and region.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TRUTH_COLUMNS`. ``value`` is a proportion between 0 and 1 or a number of persons,
        ``universe`` the number of persons in the denominator. Crossings that nobody is in have no row.
    """
    import pandas as pd

    rows = [row for status in true_statuses(persons, jobs) for row in _rows(status, persons)]
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))


def _rows(status: TrueStatus, persons: pd.DataFrame) -> Iterator[tuple[str | float | int, ...]]:
    axes = [["M", "F"], list(status.bands), ["U", "R"], [code for code, *_ in REGIONS]]
    age = persons["age"].to_numpy()
    band = np.full(age.size, -1)
    for i, (low, high) in enumerate(status.bands.values()):
        band[(age >= low) & (age <= high)] = i
    # Without bands everyone is in the one column that the total will be.
    codes = [
        persons["sex"].cat.codes.to_numpy(),
        band if status.bands else np.zeros(age.size, dtype=int),
        persons["urbanisation"].cat.codes.to_numpy(),
        persons["region"].cat.codes.to_numpy(),
    ]
    population = _cube(codes, axes, status.universe)
    met = _cube(codes, axes, status.universe & status.met)
    labels = [[*axis, TOTAL] for axis in axes]
    if "12-14" in status.bands:
        labels[1].append("5-14")
        population, met = (np.append(c, c[:, [0]] + c[:, [1]], axis=1) for c in (population, met))
    for place in zip(*np.nonzero(population), strict=True):
        keys = [labels[axis][i] for axis, i in enumerate(place)]
        n, k = int(population[place]), int(met[place])
        head = (status.variable, status.definition, status.version)
        yield (*head, "proportion", *keys, k / n, n)
        yield (*head, "total", *keys, float(k), n)


def _cube(codes: list[NDArray[np.int64]], axes: list[list[str]], counted: Flags) -> NDArray[np.int64]:
    """Counts by all four breakdowns, each axis with its total as last element."""
    shape = tuple(max(len(axis), 1) for axis in axes)
    cell = np.ravel_multi_index(tuple(c[counted].astype(np.int64) for c in codes), shape)
    cube = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
    for i, axis in enumerate(axes):
        total = cube.sum(axis=i, keepdims=True)
        cube = np.concatenate([cube, total], axis=i) if axis else total
    return cube
