"""Recruitment by coupons through the ties within a hidden population (respondent-driven sampling)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import stream
from survey_toolkit.errors import SurveyToolkitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["recruit"]

_MEAN_TIES = 9.0
_SPREAD = 0.7
_WITHIN = 0.6


def recruit(
    country_seed: int, seed: int, traits: pd.DataFrame, *, n: int, seeds: int, coupons: int
) -> pd.DataFrame:
    """Let seeds recruit others, who recruit others, until ``n`` people are in the sample.

    Seeds are drawn with probability proportional to degree. Each recruit is handed ``coupons`` coupons and
    gives them to acquaintances that are not yet in the sample, drawn at random; a coupon is used seven
    times in ten. If all chains die out, a new seed starts.

    Parameters
    ----------
    country_seed : int
        Seed of the ties; ``seed`` is that of the recruitment.
    traits : pandas.DataFrame
        The members, one row each, with ``person_id, sex, region, birthplace``.

    Raises
    ------
    SurveyToolkitError
        If more people are wanted than the population connects.
    """
    import pandas as pd

    if not 0 < n <= len(traits):
        raise SurveyToolkitError(
            "the sample cannot have that size", where="n", found=str(n), expected=f"1 to {len(traits):,}"
        )
    start, neighbours = _ties(country_seed, traits)
    degree = np.diff(start)
    rng = stream(seed, "coupons")
    order, recruiter, wave = _chains(rng, start, neighbours, n=n, seeds=seeds, coupons=coupons)
    people = traits.iloc[order]
    return pd.DataFrame(
        {
            "id": 1 + np.arange(len(order)),
            "recruiter_id": recruiter,
            "wave": wave,
            "network_size": degree[order],
            "person_id": people["person_id"].to_numpy(),
            "sex": people["sex"].astype(str).to_numpy(),
            "region": people["region"].astype(str).to_numpy(),
            "foreign_born": (people["birthplace"].to_numpy() == 3).astype(np.int64),
        }
    )


def _ties(seed: int, traits: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Neighbours of each member in compressed form; six ties in ten lie within sex and region."""
    rng = stream(seed, "ties of the hidden")
    n = len(traits)
    wanted = rng.lognormal(np.log(_MEAN_TIES) - 0.5 * _SPREAD**2, _SPREAD, n)
    group = np.unique(
        traits["region"].cat.codes.to_numpy() * 2 + traits["sex"].cat.codes.to_numpy(), return_inverse=True
    )[1]
    near, far = rng.poisson(_WITHIN * wanted), 1 + rng.poisson((1 - _WITHIN) * wanted)
    pools = [np.repeat(np.flatnonzero(group == g), near[group == g]) for g in range(int(group.max()) + 1)]
    pairs = [rng.permutation(pool) for pool in (*pools, np.repeat(np.arange(n), far))]
    one = np.concatenate([p[: p.size // 2] for p in pairs])
    other = np.concatenate([p[p.size // 2 : 2 * (p.size // 2)] for p in pairs])
    keep = one != other
    tie = np.unique(np.minimum(one, other)[keep] * n + np.maximum(one, other)[keep])
    a, b = tie // n, tie % n
    ends = np.concatenate([a, b])
    by = np.argsort(ends, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])
    return start, np.concatenate([b, a])[by]


def _chains(
    rng: np.random.Generator,
    start: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    *,
    n: int,
    seeds: int,
    coupons: int,
) -> tuple[list[int], list[int], list[int]]:
    """Members in the order of recruitment, the number of each one's recruiter (0 none), and the wave."""
    degree = np.diff(start).astype(float)
    inside = np.zeros(degree.size, dtype=bool)
    order: list[int] = []
    recruiter: list[int] = []
    wave: list[int] = []
    turn = 0

    def join(member: int, by: int, at: int) -> None:
        inside[member] = True
        order.append(member)
        recruiter.append(by)
        wave.append(at)

    def new_seed() -> None:
        free = np.where(inside, 0.0, degree)
        if not free.any():
            raise SurveyToolkitError(
                "no one is left whom a coupon could reach", found=f"{len(order)} recruited"
            )
        join(int(rng.choice(degree.size, p=free / free.sum())), 0, 0)

    for _ in range(min(seeds, n)):
        new_seed()
    while len(order) < n:
        if turn == len(order):
            new_seed()
        member = order[turn]
        turn += 1
        friends = neighbours[start[member] : start[member + 1]]
        friends = rng.permutation(friends[~inside[friends]])[:coupons]
        for friend in friends[rng.random(friends.size) < 0.7]:
            if len(order) < n:
                join(int(friend), turn, wave[turn - 1] + 1)
    return order, recruiter, wave
