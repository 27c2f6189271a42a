r"""Time-location sampling: people are met where they go, and weighted by how often they go there.

The frame is a list of *events* (a venue, a day, a time slot). Events are drawn within strata (venue types),
people are counted and some are interviewed at each. A person who comes more often is met more often, so that
the weight is divided by the visits in the period the frame covers:

.. math:: w = \frac{1}{\pi_{event}} \cdot \frac{counted}{interviewed} \cdot \frac{1}{visits}.

The variance takes events as primary sampling units.

References
----------
Karon and Wejnert (2012), *Journal of Urban Health* 89:565-586; Gustafson, Gilbert, Xia et al. (2013),
*American Journal of Epidemiology* 177:1157-1164.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation import Estimates, Survey, SurveyDesign

__all__ = ["TimeLocation", "time_location", "time_location_weights"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeLocation:
    """What a time-location sample says of those who attend.

    Attributes
    ----------
    prevalence, prevalence_without_attendance : Estimates
        Share with the outcome; and the share of *visits*, without the division by attendance.
    persons, cases : Estimates
        Attendees in the period, and those among them with the outcome.
    weights : float array (n,)
    notes : tuple of str
    """

    prevalence: Estimates
    prevalence_without_attendance: Estimates
    persons: Estimates
    cases: Estimates
    weights: Floats
    notes: tuple[str, ...]


def time_location_weights(
    event_probability: ArrayLike, person_probability: ArrayLike, visits: ArrayLike | None = None
) -> Floats:
    """Weight of everyone interviewed, shape (n,).

    Parameters
    ----------
    event_probability : float array (n,)
        Probability that the event was drawn, e.g. sampled over listed events of the stratum.
    person_probability : float array (n,)
        Interviewed over counted at the event.
    visits : float array (n,), optional
        Visits of the person to events of the frame in the period it covers, this one included.

    Raises
    ------
    DesignError
        If a probability is outside (0, 1], or visits are below one or missing.

    Examples
    --------
    >>> time_location_weights([0.1, 0.1], [0.5, 0.5], [1, 4])
    array([20.,  5.])
    """
    first = np.asarray(event_probability, dtype=np.float64)
    second = np.asarray(person_probability, dtype=np.float64)
    for name, values in (("event_probability", first), ("person_probability", second)):
        bad = int((~(values > 0) | (values > 1)).sum())
        if bad:
            raise DesignError(
                "a probability is outside (0, 1] or missing",
                where=name,
                found=f"{bad} rows",
                hint="more interviewed than counted, or more events sampled than listed?",
            )
    if visits is None:
        return np.asarray(1 / (first * second))
    often = np.asarray(visits, dtype=np.float64)
    bad = int((~(often >= 1) | ~np.isfinite(often)).sum())
    if bad:
        raise DesignError(
            "visits are missing or below one",
            where="visits",
            found=f"{bad} rows",
            expected="at least the visit of the interview",
            hint="count the visit at which the person was met; impute or set aside who did not answer",
        )
    return np.asarray(1 / (first * second * often))


def time_location(
    data: Any,
    *,
    outcome: str,
    event: str,
    event_probability: ArrayLike,
    person_probability: ArrayLike,
    visits: str,
    strata: str | None = None,
    ci: str = "beta",
) -> TimeLocation:
    """Prevalence and number of people among those who attend the events of a frame.

    Parameters
    ----------
    data : pandas.DataFrame
        One row a person interviewed.
    outcome, event, visits, strata : str
        Columns: 0-1 outcome, event, visits in the period of the frame, stratum of the event.
    event_probability, person_probability : float arrays (n,)
        See :func:`time_location_weights`.
    ci : str
        Interval of the proportions.

    Returns
    -------
    TimeLocation
        Variances with replacement between events, which is conservative where many events are drawn.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"event": [1, 1, 2, 2], "y": [1, 0, 0, 1], "visits": [4, 1, 1, 2]})
    >>> found = time_location(data, outcome="y", event="event", visits="visits",
    ...                       event_probability=[0.1] * 4, person_probability=[0.5] * 4)
    >>> round(float(found.prevalence.estimate[0]), 4), float(found.persons.estimate[0])
    (0.2727, 55.0)
    """
    for column in (outcome, event, visits, *([strata] if strata else [])):
        if column not in data.columns:
            raise DesignError("there is no such column", where=column, found=", ".join(data.columns[:12]))
    weights = time_location_weights(event_probability, person_probability, data[visits].to_numpy(float))
    frame = data.assign(
        _weight=weights, _flat=time_location_weights(event_probability, person_probability), _one=1.0
    )
    design = SurveyDesign(weight="_weight", strata=strata, psu=event, nest=strata is not None)
    survey = Survey(frame, design)
    visits_survey = Survey(
        frame, SurveyDesign(weight="_flat", strata=strata, psu=event, nest=strata is not None)
    )
    few = int((data.groupby(event).size() < 2).sum())
    notes = [
        "people who never attend an event of the frame are not covered",
        "events are taken as drawn with replacement within strata",
    ]
    if few:
        notes.append(f"{few} events have a single interview")
    return TimeLocation(
        prevalence=survey.proportion(outcome, ci=ci),
        prevalence_without_attendance=visits_survey.proportion(outcome, ci=ci),
        persons=survey.total("_one"),
        cases=survey.total(outcome),
        weights=weights,
        notes=tuple(notes),
    )
