"""Age of women at first marriage or union."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import calibrated_intercept, stream
from survey_toolkit.datasets.country.geography import EnumerationAreas
from survey_toolkit.datasets.country.households import People
from survey_toolkit.datasets.country.profile import CountryProfile

__all__ = ["NEVER", "make_union_ages"]

#: Stands for "never married or in union" in arrays of ages.
NEVER = -1
_YOUNGEST = 10.0
_SCALE = 2.1


def make_union_ages(
    seed: int, people: People, areas: EnumerationAreas, profile: CountryProfile
) -> NDArray[np.int64]:
    """Completed age at first marriage or union of women, by the day of the interview.

    The age is logistic around a place and household level; a woman who is not yet that old has never been in
    union. Women who live with a spouse have been, so their age is drawn from the part below their age.

    Returns
    -------
    int array of shape (persons,)
        :data:`NEVER` for men and for women never in union.
    """
    rng = stream(seed, "unions")
    women = np.flatnonzero(people.female & (people.age >= _YOUNGEST))
    age, area = people.age[women], people.area[women]
    shared = areas.union_effect[area]
    shared = shared + 0.5 * rng.normal(size=int(people.household.max()) + 1)[people.household[women]]
    score = shared - 0.55 * areas.urban[area] + 0.08 * areas.region[area] + 0.004 * (age - 22)
    at_18 = calibrated_intercept(score, profile.union_before_18) + score
    with_spouse = _lives_with_spouse(people)[women]
    # Logistic age: log-odds of being in union by age t is at_18 + (t - 18) / scale; solved for t.
    u = rng.random(women.size)
    by_now = 1.0 / (1.0 + np.exp(-(at_18 + (age + 1.0 - 18.0) / _SCALE)))
    u = np.where(with_spouse, u * by_now, u)
    exact = 18.0 + _SCALE * (np.log(u) - np.log1p(-u) - at_18)
    # Nobody marries before 10: the thin tail below is folded to 10 to 14.
    completed = np.floor(np.where(exact < _YOUNGEST, _YOUNGEST + 5 * rng.random(women.size), exact))
    in_union = with_spouse | (completed <= age)
    out = np.full(len(people), NEVER, dtype=np.int64)
    out[women] = np.where(in_union, np.minimum(completed, age), NEVER)
    return out


def _lives_with_spouse(people: People) -> NDArray[np.bool_]:
    """Whether a person is the head or the spouse of a couple that lives together."""
    couples = np.unique(people.household[people.relation == 2])
    return np.isin(people.relation, (1, 2)) & np.isin(people.household, couples)
