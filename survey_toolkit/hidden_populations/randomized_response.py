r"""Randomized response and its relatives: a random device hides each answer, arithmetic recovers the share.

Every device makes the chance of the recorded answer linear in the sensitive prevalence,
:math:`\lambda = a + b\pi`, so that :math:`\hat\pi = (\hat\lambda - a)/b` with error :math:`se(\hat\lambda)/|b|`,
also for a weighted :math:`\hat\lambda` from clusters.

==================  ===================================  =======================
device              a                                    b
==================  ===================================  =======================
Warner              1 - p                                2p - 1
forced response     p_yes                                1 - p_yes - p_no
unrelated question  (1 - p) q                            p
crosswise "same"    1 - p                                2p - 1
triangular "no-no"  1 - p                                -(1 - p)
==================  ===================================  =======================

References
----------
Warner (1965), JASA 60:63-69; Greenberg et al. (1969), JASA 64:520-539; Boruch (1971); Yu, Tian and Tang
(2008), *Metrika* 67:251-263; Atsusaka and Stevenson (2023), *Political Analysis* 31:134-150; Blair, Imai and
Zhou (2015), JASA 110:1304-1319.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._plain import plain_estimates
from survey_toolkit.hidden_populations._sample import By, Flags, Floats, Labelled, Sample, open_sample

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Device",
    "RandomizedLogit",
    "attention_corrected",
    "attention_corrected_counts",
    "crosswise",
    "forced_response",
    "randomized_logit",
    "randomized_response",
    "randomized_response_counts",
    "triangular",
    "truncated",
    "unrelated_question",
    "unrelated_question_two_samples",
    "warner",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A random device: chance of the recorded answer a + b times the prevalence.

    Attributes
    ----------
    name : str
    a, b : float
    """

    name: str
    a: float
    b: float

    def __post_init__(self) -> None:
        if abs(self.b) < 1e-9:
            raise EstimationError(
                "with this device the answers say nothing",
                where=self.name,
                found="b = 0",
                hint="p = 1/2 hides everything; choose another",
                code="uninformative-device",
            )


def _probability(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise EstimationError("a probability lies between 0 and 1", where=name, found=f"{value:g}")


def warner(p: float) -> Device:
    """Warner: with probability p the sensitive statement is put, else its opposite."""
    _probability(p=p)
    return Device(name="Warner", a=1 - p, b=2 * p - 1)


def forced_response(p_yes: float, p_no: float) -> Device:
    """Forced response: yes and no are dictated with these probabilities, else the truth is told."""
    _probability(p_yes=p_yes, p_no=p_no, both=p_yes + p_no)
    return Device(name="forced response", a=p_yes, b=1 - p_yes - p_no)


def unrelated_question(p: float, q: float) -> Device:
    """Unrelated question: the sensitive one with probability p, else a harmless one of known prevalence q."""
    _probability(p=p, q=q)
    return Device(name="unrelated question", a=(1 - p) * q, b=p)


def crosswise(p: float) -> Device:
    """Crosswise: "both or neither" of a sensitive statement and one of known prevalence p is true."""
    _probability(p=p)
    return Device(name="crosswise", a=1 - p, b=2 * p - 1)


def triangular(p: float) -> Device:
    """Triangular: "no to both" of a sensitive statement and one of known prevalence p."""
    _probability(p=p)
    return Device(name="triangular", a=1 - p, b=-(1 - p))


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
    answer, known, notes = _answers(sample, response)
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
    _probability(p1=p[0], p2=p[1])
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
    first, known_first, notes = _answers(sample, response)
    second, known_second, more = _answers(sample, anchor)
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomizedLogit:
    """A logistic regression of a sensitive trait seen through a device.

    Attributes
    ----------
    device : Device
    names : tuple of str
    coefficients, se : float array (p,)
    vcov : float array (p, p)
    loglik : float
    prevalence, prevalence_se : float
        Weighted mean of the fitted probabilities.
    n : int
    notes : tuple of str
    """

    device: Device
    names: tuple[str, ...]
    coefficients: Floats
    se: Floats
    vcov: Floats
    loglik: float
    prevalence: float
    prevalence_se: float
    n: int
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a coefficient."""
        import pandas as pd

        return pd.DataFrame({"term": self.names, "estimate": self.coefficients, "se": self.se})

    def __repr__(self) -> str:
        rows = [
            f"  {t:>16} {c:9.4f} ({s:.4f})"
            for t, c, s in zip(self.names, self.coefficients, self.se, strict=True)
        ]
        head = f"RandomizedLogit ({self.device.name}), {self.n:,} respondents"
        return "\n".join([head, *rows, f"  mean prevalence {self.prevalence:.4f} ({self.prevalence_se:.4f})"])


def randomized_logit(
    data: Any, response: str, covariates: Sequence[str], device: Device, *, design: Any = None
) -> RandomizedLogit:
    r"""Regress the trait: :math:`P(\text{answer}) = a + b\,\mathrm{expit}(x'\beta)`.

    Parameters
    ----------
    data : Survey, frame or path
    response : str
    covariates : sequence of str
        Numeric; a constant is added; rows with a missing value are left out and counted.
    device : Device
    design : SurveyDesign, optional
        Pseudo maximum likelihood with the design's variance; without it the expected information.

    Returns
    -------
    RandomizedLogit

    Raises
    ------
    EstimationError
        If the fit does not converge.
    """
    sample = open_sample(data, design)
    answer, known, notes = _answers(sample, response)
    x = np.stack([np.ones(len(sample)), *(sample.numbers(name) for name in covariates)], axis=1)
    rows = known & ~np.isnan(x).any(axis=1)
    if int((known & ~rows).sum()):
        notes = (*notes, f"{int((known & ~rows).sum())} rows without a covariate are left out")
    w = sample.weights[rows]
    beta, loglik = _logit_fit(answer[rows], x[rows], w, device)
    score, information, fitted = _logit_parts(answer[rows], x[rows], w, device, beta)
    vcov = np.linalg.inv(information)
    if sample.designed:
        values = np.zeros((len(sample), beta.size))
        values[rows] = score @ vcov
        vcov = sample.influence(values)
    gradient = (w * fitted * (1 - fitted)) @ x[rows] / w.sum()
    return RandomizedLogit(
        device=device, names=("(Intercept)", *covariates), coefficients=beta,
        se=np.sqrt(np.diagonal(vcov)), vcov=vcov, loglik=loglik, prevalence=float(w @ fitted / w.sum()),
        prevalence_se=float(np.sqrt(gradient @ vcov @ gradient)), n=int(rows.sum()), notes=notes,
    )  # fmt: skip


def _logit_parts(
    y: Floats, x: Floats, w: Floats, device: Device, beta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Scores (n, p), weighted expected information (p, p), fitted prevalence (n,)."""
    g = 0.5 * (1 + np.tanh(x @ beta / 2))
    rate = np.clip(device.a + device.b * g, 1e-12, 1 - 1e-12)
    slope = device.b * g * (1 - g)
    score = x * ((y - rate) / (rate * (1 - rate)) * slope)[:, None]
    information = (x * (w * slope**2 / (rate * (1 - rate)))[:, None]).T @ x
    return score, information, g


def _logit_fit(y: Floats, x: Floats, w: Floats, device: Device) -> tuple[Floats, float]:
    """Fisher scoring with step halving."""

    def loglik(beta: Floats) -> float:
        rate = device.a + device.b * 0.5 * (1 + np.tanh(x @ beta / 2))
        rate = np.clip(rate, 1e-12, 1 - 1e-12)
        return float(w @ (y * np.log(rate) + (1 - y) * np.log1p(-rate)))

    beta = np.zeros(x.shape[1])
    share = np.clip((w @ y / w.sum() - device.a) / device.b, 0.02, 0.98)
    beta[0] = np.log(share / (1 - share))
    value = loglik(beta)
    for _ in range(200):
        score, information, _ = _logit_parts(y, x, w, device, beta)
        try:
            step = np.linalg.solve(information, w @ score)
        except np.linalg.LinAlgError:
            break
        length = 1.0
        while (new := loglik(beta + length * step)) < value - 1e-12 and length > 1e-6:
            length /= 2
        beta, gain, value = beta + length * step, new - value, new
        if abs(gain) < 1e-10 * (1 + abs(value)) and np.abs(length * step).max() < 1e-7:
            return beta, value
    raise EstimationError(
        "the regression does not converge",
        where="covariates",
        hint="the trait is too rare behind this device for so many covariates; use fewer",
        code="no-convergence",
    )


def _answers(sample: Sample, response: str) -> tuple[Floats, Flags, tuple[str, ...]]:
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
