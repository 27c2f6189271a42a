"""Sample sizes for one proportion, mean or total, by domain, down to households and clusters.

References
----------
Cochran (1977), *Sampling Techniques*, ch. 4; Kish (1965), *Survey Sampling*, 5.4, 8.2; Valliant, Dever and
Kreuter
(2018), *Practical Tools for Designing and Weighting Survey Samples*, ch. 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import positive, proportion, z_value
from survey_toolkit.sampling.field import FieldPlan
from survey_toolkit.sampling.precision import Precision, srs_size_mean, srs_size_proportion

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SampleSize", "Sizes", "size_by_domain", "size_mean", "size_proportion", "size_total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """One sample size, from the simple random sample to the clusters.

    Attributes
    ----------
    parameter, domain, method : str
    value : float
        Anticipated estimate.
    half_width, cv : float
        Precision that the rounded number of interviews gives.
    srs : float
        Interviews of a simple random sample, not rounded.
    deff : float
    interviews, households : int
        Completed interviews; households to select.
    clusters : int or None
    notes : tuple of str
    """

    parameter: str
    domain: str = ""
    method: str
    value: float
    half_width: float
    cv: float
    srs: float
    deff: float
    interviews: int
    households: int
    clusters: int | None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of several domains, and the sample that serves them all.

    Attributes
    ----------
    rows : tuple of SampleSize
    households, clusters : int, int or None
        Largest over the domains that share the sample, sum over those sampled apart.
    """

    rows: tuple[SampleSize, ...]
    households: int
    clusters: int | None

    def to_frame(self) -> pd.DataFrame:
        """One row a domain."""
        import pandas as pd

        names = [n for n in SampleSize.__slots__ if n != "notes"]
        return pd.DataFrame([{n: getattr(r, n) for n in names} for r in self.rows])


def size_proportion(
    p: float,
    precision: Precision,
    *,
    confidence: float = 0.95,
    method: str = "wald",
    plan: FieldPlan | None = None,
) -> SampleSize:
    """Sample size for a proportion.

    Parameters
    ----------
    p : float
        Anticipated proportion, in (0, 1).
    precision : Precision
    confidence : float
    method : {"wald", "wilson", "exact", "fleiss"}
        See :mod:`~survey_toolkit.sampling.precision`; prefer ``exact`` or ``wilson`` where few cases are
        expected.
    plan : FieldPlan, optional

    Returns
    -------
    SampleSize

    Raises
    ------
    DesignError
        If the precision is impossible: a half-width of 0.5 or more, or a population too small to give it.

    Examples
    --------
    >>> size = size_proportion(0.1, Precision(half_width=0.02), plan=FieldPlan(cluster_take=20, icc=0.05))
    >>> size.interviews, size.clusters, round(size.deff, 2)
    (1686, 85, 1.95)
    """
    p, plan, z = proportion(p, "p"), plan or FieldPlan(), z_value(confidence)
    d = precision.distance(p, z=z)
    srs = srs_size_proportion(p, d, confidence=confidence, method=method)
    notes = []
    if method == "wald" and d >= p:
        notes.append("the Wald interval reaches below zero: use method exact or wilson")
    n = _whole_interviews(plan, srs)
    worth = plan.worth(n)
    if worth * p < 10:
        notes.append(f"about {n * p:.1f} cases expected ({worth * p:.1f} in effect): see rare_outcome")
    se = math.sqrt(p * (1 - p) / worth)
    base = _result("proportion", method, p, srs, n, plan, notes)
    reached = d if method in ("exact", "fleiss", "wilson") else z * se
    return replace(base, half_width=reached, cv=se / p)


def size_mean(
    sd: float,
    precision: Precision,
    *,
    mean: float | None = None,
    confidence: float = 0.95,
    plan: FieldPlan | None = None,
) -> SampleSize:
    """Sample size for a mean; ``mean`` is needed for a relative precision or a CV.

    Examples
    --------
    >>> size_mean(15, Precision(half_width=2)).interviews
    217
    """
    plan, z = plan or FieldPlan(), z_value(confidence)
    if mean is None and precision.half_width is None:
        raise DesignError("a relative precision needs the anticipated mean", where="mean", found="nothing")
    if mean == 0 and precision.half_width is None:
        raise DesignError("a relative precision of zero cannot be", where="mean", found="0")
    d = precision.distance(mean or 0.0, z=z)
    srs = srs_size_mean(sd, d, confidence=confidence)
    n = _whole_interviews(plan, srs)
    se = sd / math.sqrt(plan.worth(n))
    base = _result("mean", "wald", math.nan if mean is None else mean, srs, n, plan, [])
    return replace(base, half_width=z * se, cv=se / abs(mean) if mean else math.nan)


def size_total(
    population: float,
    precision: Precision,
    *,
    p: float | None = None,
    mean: float | None = None,
    sd: float | None = None,
    confidence: float = 0.95,
    plan: FieldPlan | None = None,
) -> SampleSize:
    """Sample size for a total: of cases (give ``p``), or of a number (``mean`` and ``sd`` a person).

    Parameters
    ----------
    population : float
        Persons N of the target group; also the finite population.
    precision : Precision
        ``half_width`` in the unit of the total.

    Examples
    --------
    >>> size_total(1_000_000, Precision(relative=0.2), p=0.01).interviews
    9419
    """
    big = positive(population, "population")
    if (p is None) == (mean is None or sd is None):
        raise DesignError("a total needs p, or mean and sd", where="p", expected="one of the two")
    plan = replace(plan or FieldPlan(), population=big)
    if p is not None:
        centre, spread = proportion(p, "p"), math.sqrt(p * (1 - p))
    else:
        centre, spread = float(mean or 0.0), positive(sd or 0.0, "sd")
    asked = precision if precision.half_width is None else Precision(half_width=precision.half_width / big)
    size = size_mean(spread, asked, mean=centre, confidence=confidence, plan=plan)
    return replace(size, parameter="total", value=centre * big, half_width=size.half_width * big)


def size_by_domain(
    p: Mapping[str, float],
    precision: Precision | Mapping[str, Precision],
    *,
    shares: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    method: str = "wald",
    plan: FieldPlan | None = None,
) -> Sizes:
    """Sizes for every domain.

    Parameters
    ----------
    p : mapping of domain to float
    precision : Precision, or mapping of domain to Precision
    shares : mapping of domain to float, optional
        Domains that cut across the clusters (sex, age): their share of the eligible persons. The sample is
        then the largest one. Without shares the domains are areas sampled apart, and the sizes add up.
    plan : FieldPlan, optional
        ``population``, if given, is that of all domains together and needs ``shares``.

    Examples
    --------
    >>> sizes = size_by_domain({"F": 0.1, "M": 0.1}, Precision(half_width=0.02), shares={"F": 0.5, "M": 0.5})
    >>> sizes.households, [row.interviews for row in sizes.rows]
    (1730, [865, 865])
    """
    if not p:
        raise DesignError("there are no domains", where="p", found="an empty mapping")
    plan, rows = plan or FieldPlan(), []
    for domain, value in p.items():
        wanted = precision if isinstance(precision, Precision) else precision.get(domain)
        part = 1.0 if shares is None else shares.get(domain)
        if wanted is None or part is None:
            raise DesignError(
                "a domain lacks its precision or its share",
                where=domain,
                found=f"given: {', '.join((shares or precision or {}).keys())}",  # type: ignore[union-attr]
            )
        own = plan if shares is None else plan.for_domain(part)
        rows.append(
            replace(
                size_proportion(value, wanted, confidence=confidence, method=method, plan=own), domain=domain
            )
        )
    households = [r.households for r in rows]
    clusters = [r.clusters for r in rows if r.clusters is not None]
    join = sum if shares is None else max
    return Sizes(rows=tuple(rows), households=join(households), clusters=join(clusters) if clusters else None)


def _whole_interviews(plan: FieldPlan, srs: float) -> int:
    """One rounding, at the end; a relative 1e-9 is no further person."""
    return max(1, math.ceil(plan.interviews(srs) * (1 - 1e-9)))


def _result(
    parameter: str, method: str, value: float, srs: float, n: int, plan: FieldPlan, notes: list[str]
) -> SampleSize:
    households = math.ceil(plan.households(n) * (1 - 1e-9))
    clusters = plan.clusters(households)
    if plan.one_per_household:
        notes.append("households with an eligible person: as if their number were Poisson")
    if plan.population is not None and n >= plan.population * 0.999:
        notes.append("the whole population is needed")
    return SampleSize(
        parameter=parameter,
        method=method,
        value=value,
        half_width=math.nan,
        cv=math.nan,
        srs=srs,
        deff=plan.design_effect,
        interviews=n,
        households=households,
        clusters=None if clusters is None else math.ceil(clusters * (1 - 1e-9)),
        notes=tuple(notes),
    )
