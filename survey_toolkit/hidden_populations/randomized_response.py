"""Randomized response, crosswise and triangular questions: prevalence from hidden answers.

The devices and their formulae stand in :mod:`survey_toolkit.hidden_populations.devices`.

References
----------
Greenberg et al. (1969), JASA 64:520-539; Atsusaka and Stevenson (2023), *Political Analysis* 31:134-150.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._plain import plain_estimates
from survey_toolkit.hidden_populations._sample import By, Flags, Floats, Labelled, Sample, open_sample
from survey_toolkit.hidden_populations.devices import Device, probability

__all__ = [
    "attention_corrected",
    "attention_corrected_counts",
    "randomized_response",
    "randomized_response_counts",
    "truncated",
    "unrelated_question_two_samples",
]


def randomized_response_counts(yes: int, n: int, device: Device, *, level: float = 0.95) -> Estimates:
    """Prevalence from the number of recorded answers, under simple random sampling.

    Parameters
    ----------
    yes, n : int
        Recorded answers ("yes", "same", "no to both") and respondents.
    device : Device
    level : float

    Returns
    -------
    Estimates
        Not cut at 0 and 1; a value outside is flagged. See :func:`truncated`.

    Raises
    ------
    EstimationError
        If there are more answers than respondents, or none.

    Examples
    --------
    >>> from survey_toolkit.hidden_populations import crosswise
    >>> randomized_response_counts(690, 1000, crosswise(0.25)).estimate.round(4)
    array([0.12])
    """
    if n < 1 or not 0 <= yes <= n:
        raise EstimationError(
            "the counts do not fit together", where="yes, n", found=f"{yes} of {n}", expected="0 to n"
        )
    rate = yes / n
    estimate = (rate - device.a) / device.b
    variance = rate * (1 - rate) / n / device.b**2
    named = _named(device, "", ())
    result = plain_estimates(
        named, [""], np.array([estimate]), np.array([[variance]]), np.array([float(n)]),
        positive=np.array([float(yes)]), level=level,
    )  # fmt: skip
    return _flagged(result)


def randomized_response(
    data: Any, response: str, device: Device, *, by: By = None, design: Any = None, level: float = 0.95
) -> Estimates:
    """Prevalence from individual answers, with the variance of the survey's design.

    Parameters
    ----------
    data : Survey, frame or path
    response : str
        0-1 column of the recorded answer; missing rows are left out and counted.
    device : Device
    by : str or sequence of str, optional
    design : SurveyDesign, optional
    level : float

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If an answer is not 0 or 1.
    """
    sample = open_sample(data, design)
    answer, known, notes = answers_of(sample, response)
    if not sample.designed and by is None:
        counted = randomized_response_counts(int(answer.sum()), int(known.sum()), device, level=level)
        return replace(counted, variable=response, notes=notes)
    result = sample.smooth(
        {"y": answer, "n": known.astype(np.float64)},
        lambda t: {"": (t["y"] / t["n"] - device.a) / device.b},
        {"": answer > 0},
        _named(device, response, notes),
        by=by,
        used=known,
        level=level,
    )
    return _flagged(result)


def unrelated_question_two_samples(
    yes: tuple[int, int], n: tuple[int, int], p: tuple[float, float], *, level: float = 0.95
) -> Estimates:
    """Unrelated question of unknown prevalence, from two samples with different devices.

    Parameters
    ----------
    yes, n : (int, int)
        Recorded yes and respondents of each sample.
    p : (float, float)
        Chance of the sensitive question in each.
    level : float

    Returns
    -------
    Estimates
        Rows ``sensitive`` and ``unrelated``.

    Raises
    ------
    EstimationError
        If both devices are the same.
    """
    probability(p1=p[0], p2=p[1])
    if abs(p[0] - p[1]) < 1e-9:
        raise EstimationError("the two devices must differ", where="p", found=f"{p[0]:g} twice")
    rate = np.array(yes) / np.array(n)
    # rate_s = p_s pi + (1 - p_s) q: two equations, two unknowns
    inverse = np.linalg.inv(np.array([[p[0], 1 - p[0]], [p[1], 1 - p[1]]]))
    vcov = inverse @ np.diag(rate * (1 - rate) / np.array(n)) @ inverse.T
    named = Labelled(
        statistic="proportion", variable="", unit="proportion", column="question",
        method="unrelated question, two samples (Greenberg 1969)",
    )  # fmt: skip
    result = plain_estimates(
        named, ["sensitive", "unrelated"], inverse @ rate, vcov, np.full(2, float(sum(n))), level=level
    )
    return _flagged(result)


def attention_corrected_counts(
    yes: int, n: int, *, p: float, anchor_yes: int, anchor_n: int, p_anchor: float, level: float = 0.95
) -> Estimates:
    """Crosswise estimate corrected for respondents who answer at random.

    Parameters
    ----------
    yes, n : int
        "Same" answers and respondents.
    p : float
        Prevalence of the harmless statement.
    anchor_yes, anchor_n, p_anchor
        The same for an item whose sensitive statement nobody can truthfully affirm.
    level : float

    Returns
    -------
    Estimates
        Rows ``corrected``, ``naive`` and ``attentive`` (share of attentive respondents). The two items count
        as independent here; with individual answers use :func:`attention_corrected`.
    """
    totals = np.array([yes / n, anchor_yes / anchor_n])
    variance = totals * (1 - totals) / np.array([n, anchor_n])
    labels = ("corrected", "naive", "attentive")

    def of(values: Any) -> Floats:
        found = _corrected(values[0], values[1], p, p_anchor)
        return np.array([found[name] for name in labels])

    step = 1e-20
    shifts = [totals + 1j * step * unit for unit in np.eye(2)]
    jacobian = np.stack([of(s).imag / step for s in shifts], axis=1)
    named = Labelled(
        statistic="proportion", variable="", unit="proportion", column="estimator",
        method="crosswise corrected for inattention (Atsusaka and Stevenson 2023)",
    )  # fmt: skip
    result = plain_estimates(
        named, labels, of(totals).real, jacobian @ np.diag(variance) @ jacobian.T, np.full(3, float(n)),
        level=level,
    )  # fmt: skip
    return _flagged(result)


def attention_corrected(
    data: Any, response: str, anchor: str, *, p: float, p_anchor: float, by: By = None, design: Any = None,
    level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Crosswise estimate corrected for inattention, from individual answers under a design.

    Parameters
    ----------
    data : Survey, frame or path
    response, anchor : str
        0-1 columns of "same" answers to the sensitive and to the anchor item.
    p, p_anchor : float
    by, design, level
        As in :func:`randomized_response`.

    Returns
    -------
    Estimates
        Rows ``corrected``, ``naive``, ``attentive``, with the covariance within persons.
    """
    sample = open_sample(data, design)
    first, known_first, notes = answers_of(sample, response)
    second, known_second, more = answers_of(sample, anchor)
    known = known_first & known_second
    result = sample.smooth(
        {"y": first * known, "a": second * known, "n": known.astype(np.float64)},
        lambda t: _corrected(t["y"] / t["n"], t["a"] / t["n"], p, p_anchor),
        dict.fromkeys(("corrected", "naive", "attentive"), known & (first > 0)),
        Labelled(
            statistic="proportion", variable=response, unit="proportion", column="estimator",
            method="crosswise corrected for inattention (Atsusaka and Stevenson 2023)", notes=notes + more,
        ),
        by=by,
        used=known,
        level=level,
    )  # fmt: skip
    return _flagged(result)


def _corrected(rate: Any, anchor: Any, p: float, p_anchor: float) -> dict[str, Any]:
    attentive = (anchor - 0.5) / (0.5 - p_anchor)
    naive = (rate - (1 - p)) / (2 * p - 1)
    corrected = ((rate - (1 - attentive) / 2) / attentive - (1 - p)) / (2 * p - 1)
    return {"corrected": corrected, "naive": naive, "attentive": attentive}


def truncated(estimates: Estimates) -> Floats:
    """Estimates cut at 0 and 1, to be printed beside those as they are."""
    return np.asarray(np.clip(estimates.estimate, 0.0, 1.0))


def answers_of(sample: Sample, response: str) -> tuple[Floats, Flags, tuple[str, ...]]:
    """Answers with 0 for a missing one, which are known, and a note."""
    values = sample.numbers(response)
    known = ~np.isnan(values)
    if not np.isin(values[known], (0.0, 1.0)).all():
        raise EstimationError(
            "a recorded answer must be 0 or 1", where=response, hint="recode it", code="not-zero-one"
        )
    gone = int((~known).sum())
    return np.nan_to_num(values), known, (f"{gone} rows without an answer are left out",) if gone else ()


def _named(device: Device, variable: str, notes: tuple[str, ...]) -> Labelled:
    return Labelled(
        statistic="proportion", variable=variable, unit="proportion",
        method=f"{device.name}: (rate - {device.a:.4g}) / {device.b:.4g}", notes=notes,
    )  # fmt: skip


def _flagged(result: Estimates) -> Estimates:
    """Say where an estimate lies outside 0 and 1: it is given as it is."""
    flags = tuple(
        (*f, "below_zero") if e < 0 else (*f, "above_one") if e > 1 else f
        for f, e in zip(result.flags, result.estimate, strict=True)
    )
    return replace(result, flags=flags)
