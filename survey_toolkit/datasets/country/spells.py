"""Spells of forced labour in time, and the episodes of trafficking behind some of them.

The job file says what happened in the last 12 months. A spell says when it began and ended, so that a stock
(at the interview) and a flow (ever in a window) can be told apart. Spells arrive at a constant rate: what a
window of ``T`` months catches is proportional to ``T`` plus the mean duration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import choose, stream
from survey_toolkit.datasets.country.profile import INVOLUNTARINESS, MENACE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ACTS", "MEANS", "PURPOSES", "WINDOW_MONTHS", "make_episodes", "make_spells", "trafficked"]

#: Months before the interview that spells are known for.
WINDOW_MONTHS = 60
_JOB_MONTHS = 12
_MEDIAN_MONTHS, _LOG_SD = 8.0, 0.9

#: Elements of trafficking, article 3(a) of the Palermo Protocol, as the registry names the variables.
ACTS: tuple[str, ...] = (
    "act_recruitment", "act_transportation", "act_transfer", "act_harbouring", "act_receipt",
)  # fmt: skip
MEANS: tuple[str, ...] = (
    "means_threat_of_force", "means_use_of_force", "means_other_coercion", "means_abduction", "means_fraud",
    "means_deception", "means_abuse_of_power", "means_abuse_of_vulnerability", "means_payments_to_controller",
)  # fmt: skip
PURPOSES: tuple[str, ...] = (
    "purpose_prostitution_of_others", "purpose_other_sexual_exploitation",
    "purpose_forced_labour_or_services", "purpose_slavery", "purpose_slavery_like_practices",
    "purpose_servitude", "purpose_organ_removal",
)  # fmt: skip
_ACT_SHARE = np.array([0.85, 0.55, 0.20, 0.30, 0.25])
_MEANS_SHARE = np.array([0.25, 0.15, 0.20, 0.03, 0.20, 0.55, 0.20, 0.40, 0.08])
_PURPOSE_SHARE = np.array([0.08, 0.12, 0.70, 0.02, 0.08, 0.10, 0.002])


def make_spells(seed: int, persons: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Spells of forced labour of adults that touch the last 60 months.

    Parameters
    ----------
    seed : int
        Seed of the country.
    persons, jobs : pandas.DataFrame
        As :class:`~survey_toolkit.datasets.SimulatedCountry` holds them.

    Returns
    -------
    pandas.DataFrame
        ``person_id, start, end, months``: months before the interview at which the spell began and ended
        (``end`` 0: still going on), and how long it has lasted so far. One spell for each job of the job file
        that is forced labour, and earlier ones of other adults.
    """
    import pandas as pd

    rng = stream(seed, "spells")
    recent = _forced_jobs(persons, jobs)
    mean = _MEDIAN_MONTHS * np.exp(0.5 * _LOG_SD**2)
    length = _caught_lengths(rng, recent.size, mean)
    start = rng.random(recent.size) * (_JOB_MONTHS + length)
    n_earlier = round(recent.size * (WINDOW_MONTHS - _JOB_MONTHS) / (_JOB_MONTHS + mean))
    earlier = _earlier_people(rng, persons, recent, n_earlier)
    ended = _JOB_MONTHS + rng.random(earlier.size) * (WINDOW_MONTHS - _JOB_MONTHS)
    before = ended + rng.lognormal(np.log(_MEDIAN_MONTHS), _LOG_SD, earlier.size)
    began = np.concatenate([start, before])
    end = np.concatenate([np.maximum(start - length, 0.0), ended])
    frame = pd.DataFrame(
        {"person_id": np.concatenate([recent, earlier]), "start": began, "end": end, "months": began - end}
    )
    return frame.sort_values(["person_id", "start"], ignore_index=True)


def _caught_lengths(rng: np.random.Generator, n: int, mean: float) -> NDArray[np.float64]:
    """Lengths of spells that touch the last year: a window catches long spells more often, as 12 + length.

    That is a mixture of the lengths as they are and of lengths weighted by themselves, which for the
    log-normal are log-normal again, with the location moved by the variance.
    """
    weighted = rng.random(n) < mean / (_JOB_MONTHS + mean)
    return np.asarray(rng.lognormal(np.log(_MEDIAN_MONTHS) + weighted * _LOG_SD**2, _LOG_SD))


def _forced_jobs(persons: pd.DataFrame, jobs: pd.DataFrame) -> NDArray[np.int64]:
    """Person of each job of the last 12 months that is forced labour of an adult."""
    involuntary = jobs[list(INVOLUNTARINESS)].to_numpy().any(axis=1)
    menaced = jobs[list(MENACE)].to_numpy().any(axis=1)
    person = jobs["person_id"].to_numpy()
    adult = persons["age"].to_numpy()[person - 1] >= 18
    return np.asarray(person[involuntary & menaced & (jobs["c29_exclusion"].to_numpy() == "none") & adult])


def _earlier_people(
    rng: np.random.Generator, persons: pd.DataFrame, recent: NDArray[np.int64], n: int
) -> NDArray[np.int64]:
    """Adults whose spell ended more than a year ago; people born abroad are at three times the risk."""
    risk = np.where(persons["birthplace"].to_numpy() == 3, 3.0, 1.0)
    risk[persons["age"].to_numpy() < 20] = 0.0
    risk[recent - 1] = 0.0
    return 1 + np.unique(choose(rng, n, risk))


def make_episodes(seed: int, persons: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Episodes of recruitment, movement or harbouring, with the elements of trafficking met in each.

    Two in three spells begin with an episode that has an act, a means and a purpose; others lack one of the
    three, and so do the episodes of some people who were never exploited. Children's episodes often
    have no means; article 3(c) does not ask for one.

    Returns
    -------
    pandas.DataFrame
        ``person_id, age_at_act, months_ago``, and one Boolean column for each of :data:`ACTS`,
        :data:`MEANS` and :data:`PURPOSES`.
    """
    import pandas as pd

    rng = stream(seed, "episodes")
    behind = spells[rng.random(len(spells)) < 0.8]
    others = 1 + rng.choice(len(persons), size=round(0.004 * len(persons)), replace=False)
    others = others[persons["age"].to_numpy()[others - 1] >= 10]
    person = np.concatenate([behind["person_id"].to_numpy(), others])
    ago = np.concatenate([behind["start"].to_numpy(), WINDOW_MONTHS * rng.random(others.size)])
    exploited = np.arange(person.size) < len(behind)
    parts = (
        (ACTS, _ACT_SHARE, np.where(exploited, 0.97, 0.8)),
        (MEANS, _MEANS_SHARE, np.where(exploited, 0.90, 0.25)),
        (PURPOSES, _PURPOSE_SHARE, np.where(exploited, 0.97, 0.25)),
    )
    columns: dict[str, object] = {
        "person_id": person,
        "age_at_act": np.floor(persons["age"].to_numpy()[person - 1] - ago / 12).astype(np.int64),
        "months_ago": ago,
    }
    for names, shares, present in parts:
        met = _some(rng, rng.random(person.size) < present, shares)
        columns |= {name: met[:, i] for i, name in enumerate(names)}
    return pd.DataFrame(columns).sort_values(["person_id", "months_ago"], ignore_index=True)


def _some(
    rng: np.random.Generator, holds: NDArray[np.bool_], shares: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """At least one element where the kind of element is present, none elsewhere."""
    met = rng.random((holds.size, shares.size)) < shares
    met[np.arange(holds.size), choose(rng, holds.size, shares)] = True
    return met & holds[:, None]


def trafficked(episodes: pd.DataFrame) -> NDArray[np.int64]:
    """Ids of the people with an episode that is trafficking (article 3), written out in plain arrays."""
    act = episodes[list(ACTS)].to_numpy().any(axis=1)
    means = episodes[list(MEANS)].to_numpy().any(axis=1)
    purpose = episodes[list(PURPOSES)].to_numpy().any(axis=1)
    child = episodes["age_at_act"].to_numpy() < 18
    return np.unique(episodes["person_id"].to_numpy()[act & purpose & (means | child)])
