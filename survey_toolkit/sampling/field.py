"""From completed interviews to households and clusters: what the field work does to a sample size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import positive, proportion, share

__all__ = ["FieldPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    """How people are reached, and what that costs in precision.

    Attributes
    ----------
    cluster_take : float, optional
        Households selected in a cluster; without it households are drawn one by one.
    icc : float
        Intraclass correlation ρ of the outcome within clusters, from -1 below 1.
    household_size : float, optional
        Persons a household.
    eligible_share : float
        Share of persons that belong to the target group (age and sex, not the outcome).
    eligibles_per_household : float, optional
        In place of size times share.
    one_per_household : bool
        One eligible person is interviewed where there are some, not all of them.
    household_response, person_response : float
        In (0, 1].
    weight_cv : float
        Coefficient of variation of the weights; multiplies the design effect by 1 + cv².
    population : float, optional
        Persons of the target group, for the finite population correction.
    deff : float, optional
        A design effect from an earlier survey, in place of the one computed.

    Examples
    --------
    >>> plan = FieldPlan(cluster_take=20, icc=0.05, household_size=4.5, eligible_share=0.4,
    ...                  household_response=0.95, person_response=0.9)
    >>> round(plan.interviews_per_household, 3), round(plan.design_effect, 3)
    (1.539, 2.489)
    """

    cluster_take: float | None = None
    icc: float = 0.0
    household_size: float | None = None
    eligible_share: float = 1.0
    eligibles_per_household: float | None = None
    one_per_household: bool = False
    household_response: float = 1.0
    person_response: float = 1.0
    weight_cv: float = 0.0
    population: float | None = None
    deff: float | None = None

    def __post_init__(self) -> None:
        for name in ("cluster_take", "household_size", "eligibles_per_household", "population", "deff"):
            if getattr(self, name) is not None:
                positive(getattr(self, name), name)
        for name in ("eligible_share", "household_response", "person_response"):
            share(getattr(self, name), name)
        positive(self.weight_cv, "weight_cv", zero=True)
        if not -1 < self.icc < 1:
            raise DesignError(
                "an intraclass correlation is wanted",
                where="icc",
                found=f"{self.icc}",
                expected="above -1, below 1",
            )
        if self.household_size is not None and self.eligibles_per_household is not None:
            raise DesignError(
                "eligible persons a household are told twice",
                where="eligibles_per_household",
                hint="give household_size and eligible_share, or eligibles_per_household",
            )

    @property
    def eligibles(self) -> float:
        """Eligible persons a household; 1 where nothing is said."""
        if self.eligibles_per_household is not None:
            return self.eligibles_per_household
        return (1.0 if self.household_size is None else self.household_size) * self.eligible_share

    @property
    def asked_per_household(self) -> float:
        """Persons asked in a selected household: all, or one where there is one (a Poisson count)."""
        return 1 - math.exp(-self.eligibles) if self.one_per_household else self.eligibles

    @property
    def interviews_per_household(self) -> float:
        """Completed interviews a selected household."""
        return self.asked_per_household * self.household_response * self.person_response

    @property
    def design_effect(self) -> float:
        """(1 + (b - 1)ρ)(1 + cv²), b completed interviews a cluster (Kish 1965, 5.4 and 11.7)."""
        if self.deff is not None:
            return self.deff
        b = 1.0 if self.cluster_take is None else max(self.cluster_take * self.interviews_per_household, 1.0)
        cluster = 1 + (b - 1) * self.icc
        if cluster <= 0:
            raise DesignError("the design effect is not positive", where="icc", found=f"{cluster:.3g}")
        return cluster * (1 + self.weight_cv**2)

    def interviews(self, srs: float) -> float:
        """Completed interviews that are worth ``srs`` of a simple random sample.

        d·n₀·N/(N - 1 + d·n₀): at d = 1 the exact n of a simple random sample without replacement.
        """
        n = self.design_effect * srs
        return n if self.population is None else self.population * n / (self.population - 1 + n)

    def worth(self, interviews: float) -> float:
        """Simple random sample that so many interviews are worth; the inverse of :meth:`interviews`."""
        n = interviews
        if self.population is not None:
            if n >= self.population:
                return math.inf
            n = n * (self.population - 1) / (self.population - n)
        return n / self.design_effect

    def households(self, interviews: float) -> float:
        """Households to select."""
        return interviews / self.interviews_per_household

    def clusters(self, households: float) -> float | None:
        """Clusters to select, if there are clusters."""
        return None if self.cluster_take is None else households / self.cluster_take

    def for_domain(self, part: float) -> FieldPlan:
        """The same field work for a group that is ``part`` of the eligible, spread over the clusters."""
        part = 1.0 if part == 1 else proportion(part, "domain share")
        return replace(
            self,
            household_size=None,
            eligible_share=1.0,
            eligibles_per_household=self.eligibles * part,
            population=None if self.population is None else self.population * part,
        )
