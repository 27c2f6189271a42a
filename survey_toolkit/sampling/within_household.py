"""One person out of a household: at random, by Kish's grid, by the next birthday; one child aged 5 to 17.

References
----------
Kish (1949), *JASA* 44:380-387 (the eight tables and the shares they are used with); Salmon and Nichols
(1983),
*Public Opinion Quarterly* 47:270-276 (next birthday); UNICEF MICS6, one child 5-17 drawn with equal
probability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError, did_you_mean
from survey_toolkit.sampling._checks import choice, whole
from survey_toolkit.sampling._numbers import uniforms

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KISH_SHARES", "KISH_TABLES", "kish_probability", "select_child", "select_person"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Line to take where 1, 2, 3, 4, 5, 6 or more are eligible, by table.
KISH_TABLES: dict[str, tuple[int, ...]] = {
    "A": (1, 1, 1, 1, 1, 1),
    "B1": (1, 1, 1, 1, 2, 2),
    "B2": (1, 1, 1, 2, 2, 2),
    "C": (1, 1, 2, 2, 3, 3),
    "D": (1, 2, 2, 3, 4, 4),
    "E1": (1, 2, 3, 3, 3, 5),
    "E2": (1, 2, 3, 4, 5, 5),
    "F": (1, 2, 3, 4, 5, 6),
}
#: Twelfths of the households that get each table.
KISH_SHARES: dict[str, int] = {"A": 2, "B1": 1, "B2": 1, "C": 2, "D": 2, "E1": 1, "E2": 1, "F": 2}


def kish_probability(eligible: int, line: int) -> float:
    """Probability that the person on a line is taken; of five, lines differ; past the sixth it is 0.

    Examples
    --------
    >>> kish_probability(3, 2), kish_probability(5, 3), kish_probability(7, 7)
    (0.3333333333333333, 0.25, 0.0)
    """
    column = min(whole(eligible, "eligible"), 6) - 1
    return sum(KISH_SHARES[t] for t, lines in KISH_TABLES.items() if lines[column] == line) / 12


def select_person(
    persons: pd.DataFrame,
    *,
    household: str,
    line: str,
    seed: int,
    method: str = "random",
    eligible: str | None = None,
    days_to_birthday: str | None = None,
) -> pd.DataFrame:
    """Take one eligible person of every household.

    Parameters
    ----------
    persons : pandas.DataFrame
        Household roster, one row a person.
    household, line : str
        Columns. For Kish's grid, lines must run in his order (men by age, then women by age).
    seed : int
    method : {"random", "kish", "next_birthday"}
    eligible : str, optional
        Boolean column; all are eligible without it.
    days_to_birthday : str, optional
        Days from the interview to the next birthday (``next_birthday``); ties by random number.

    Returns
    -------
    pandas.DataFrame
        The rows taken, with ``eligible_persons``, ``within_probability`` and ``within_weight``, its inverse.

    Notes
    -----
    The next birthday is treated as equal probability, which it is where birthdays are told rightly. Kish's
    grid never
    reaches a seventh person: such households are exact for those it can take, and blind for the rest.

    Examples
    --------
    >>> import pandas as pd
    >>> roster = pd.DataFrame({"hh": [1, 1, 1, 2], "line": [1, 2, 3, 1]})
    >>> select_person(roster, household="hh", line="line", seed=1)["within_weight"].tolist()
    [3.0, 1.0]
    """
    choice(method, _METHODS, "method")
    columns = [household, line, *([eligible] if eligible else [])]
    columns += [days_to_birthday] if days_to_birthday else []
    for column in columns:
        if column not in persons.columns:
            raise DesignError(
                "there is no such column",
                where=column,
                expected=did_you_mean(column, map(str, persons.columns)),
            )
    if method == "next_birthday" and days_to_birthday is None:
        raise DesignError("the next birthday needs the days to it", where="days_to_birthday", found="nothing")
    rows = persons if eligible is None else persons[persons[eligible].fillna(False).astype(bool)]
    if rows.duplicated([household, line]).any():
        raise DesignError(
            "a line is there twice in a household",
            where=line,
            found=f"{int(rows.duplicated([household, line]).sum())} rows",
        )
    rows = rows.sort_values([household, line], kind="stable")
    size = rows.groupby(household)[line].transform("size").to_numpy(np.int64)
    rank = np.asarray(rows.groupby(household).cumcount().to_numpy(np.int64) + 1, dtype=np.int64)
    taken, chance = _METHODS[method](rows, household, line, seed, size, rank, days_to_birthday)
    return (
        rows[taken]
        .assign(
            eligible_persons=size[taken], within_probability=chance[taken], within_weight=1 / chance[taken]
        )
        .reset_index(drop=True)
    )


def select_child(
    persons: pd.DataFrame, *, household: str, line: str, age: str, seed: int, ages: tuple[int, int] = (5, 17)
) -> pd.DataFrame:
    """Take one child of every household that has one, with equal probability.

    Parameters
    ----------
    ages : pair of int
        First and last completed year of age.

    Examples
    --------
    >>> import pandas as pd
    >>> roster = pd.DataFrame({"hh": [1, 1, 1], "line": [1, 2, 3], "age": [40, 12, 6]})
    >>> select_child(roster, household="hh", line="line", age="age", seed=1)["within_weight"].tolist()
    [2.0]
    """
    if age not in persons.columns:
        raise DesignError("there is no such column", where=age)
    if not 0 <= ages[0] <= ages[1]:
        raise DesignError("the ages are not in order", where="ages", found=f"{ages}")
    inside = persons[persons[age].between(*ages).fillna(False).astype(bool)]
    return select_person(inside, household=household, line=line, seed=seed)


Pick = Callable[["pd.DataFrame", str, str, int, Ints, Ints, "str | None"], tuple[NDArray[np.bool_], Floats]]


def _first(rows: pd.DataFrame, household: str, keys: list[Floats]) -> NDArray[np.bool_]:
    """The first row of every household in the order of the keys."""
    codes = np.unique(rows[household].astype(str).to_numpy(), return_inverse=True)[1]
    order = np.lexsort((*reversed(keys), codes))
    first = np.ones(order.size, dtype=bool)
    first[1:] = codes[order][1:] != codes[order][:-1]
    out = np.zeros(order.size, dtype=bool)
    out[order[first]] = True
    return out


def _numbers(rows: pd.DataFrame, household: str, line: str, seed: int) -> Floats:
    return uniforms(seed, "person", (f"{h}|{p}" for h, p in zip(rows[household], rows[line], strict=True)))


def _random(
    rows: pd.DataFrame, household: str, line: str, seed: int, size: Ints, rank: Ints, days: str | None
) -> tuple[NDArray[np.bool_], Floats]:
    return _first(rows, household, [_numbers(rows, household, line, seed)]), 1 / size


def _kish(
    rows: pd.DataFrame, household: str, line: str, seed: int, size: Ints, rank: Ints, days: str | None
) -> tuple[NDArray[np.bool_], Floats]:
    tables = [KISH_TABLES[t] for t, k in KISH_SHARES.items() for _ in range(k)]
    number = uniforms(seed, "kish", rows[household])
    grid = np.array(tables)[(number * 12).astype(int), np.minimum(size, 6) - 1]
    chance = np.array([kish_probability(int(k), int(r)) for k, r in zip(size, rank, strict=True)])
    return rank == grid, chance


def _birthday(
    rows: pd.DataFrame, household: str, line: str, seed: int, size: Ints, rank: Ints, days: str | None
) -> tuple[NDArray[np.bool_], Floats]:
    wait = rows[str(days)].to_numpy(np.float64, na_value=np.nan)
    bad = ~(wait >= 0)
    if bad.any():
        raise DesignError(
            "days to the next birthday are missing or negative",
            where=str(days),
            found=f"{int(bad.sum())} rows",
        )
    return _first(rows, household, [wait, _numbers(rows, household, line, seed)]), 1 / size


_METHODS: dict[str, Pick] = {"random": _random, "kish": _kish, "next_birthday": _birthday}
