r"""Randomized response and its relatives: a random device hides each answer, arithmetic recovers the share.

Every device makes the chance of the recorded answer linear in the sensitive prevalence,
:math:`\lambda = a + b\pi`, so that :math:`\hat\pi = (\hat\lambda - a)/b` with error
:math:`se(\hat\lambda)/|b|`, also for a weighted :math:`\hat\lambda` from clusters.

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

from dataclasses import dataclass

from survey_toolkit.errors import EstimationError

__all__ = [
    "Device",
    "crosswise",
    "forced_response",
    "probability",
    "triangular",
    "unrelated_question",
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


def probability(**values: float) -> None:
    """Raise if a value does not lie between 0 and 1."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise EstimationError(
                "a probability lies between 0 and 1",
                where=name,
                found=f"{value:g}",
                expected="0 to 1, not a percentage",
                code="bad-probability",
            )


def warner(p: float) -> Device:
    """Warner: with probability p the sensitive statement is put, else its opposite."""
    probability(p=p)
    return Device(name="Warner", a=1 - p, b=2 * p - 1)


def forced_response(p_yes: float, p_no: float) -> Device:
    """Forced response: yes and no are dictated with these probabilities, else the truth is told."""
    probability(p_yes=p_yes, p_no=p_no, both=p_yes + p_no)
    return Device(name="forced response", a=p_yes, b=1 - p_yes - p_no)


def unrelated_question(p: float, q: float) -> Device:
    """Unrelated question: the sensitive one with probability p, else a harmless one of known prevalence q."""
    probability(p=p, q=q)
    return Device(name="unrelated question", a=(1 - p) * q, b=p)


def crosswise(p: float) -> Device:
    """Crosswise: "both or neither" of a sensitive statement and one of known prevalence p is true."""
    probability(p=p)
    return Device(name="crosswise", a=1 - p, b=2 * p - 1)


def triangular(p: float) -> Device:
    """Triangular: "no to both" of a sensitive statement and one of known prevalence p."""
    probability(p=p)
    return Device(name="triangular", a=1 - p, b=-(1 - p))
