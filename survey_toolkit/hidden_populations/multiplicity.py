r"""Family and household networks: respondents report on themselves and on their relatives.

A person who can be reported by :math:`s_j` members of the sampling frame is counted with :math:`1/s_j` each
time (Sirken 1970). With :math:`z_i = \sum_j y_j / s_j` over the persons :math:`j` that respondent :math:`i`
reports on,

.. math:: \hat Y = \sum_i w_i z_i, \qquad
   \hat P = \frac{\sum_i w_i \sum_j y_j / s_j}{\sum_i w_i \sum_j 1 / s_j}

and both have the usual design-based variance, because :math:`z_i` is a value of the respondent. The method
is in the style of the Global Estimates of Modern Slavery ("GEMS-style"): every parameter is an argument here,
and none claims to be the one of a published estimate.

References
----------
Sirken (1970), JASA 65:257-266; Sirken (1972), *Demography* 9:241-252 (variance); ILO, Walk Free and IOM
(2017, 2022), *Global Estimates of Modern Slavery*, methodology.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._sample import By, Floats, Ints, Labelled, Sample

__all__ = ["FamilyNetwork", "NetworkComparison"]

Window = Literal["ever", "stock"]
_CASES_ONLY = (
    "every person reported on is a case, so the share is 1: a prevalence needs a row for each person "
    "who could be reported, case or not; a total does not"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilyNetwork:
    """Respondents and the persons they report on, ready for estimation.

    Attributes
    ----------
    sample : Sample
        The respondents with their design.
    respondent : int array (m,)
        Row of the respondent that each of the m reports comes from.
    case, multiplicity : float array (m,)
        Whether the person is a case (0-1), and how many frame members could report that person.
    relation : tuple of str
        Relation of each person to the respondent; empty without the column.
    share : float array (m,) or None
        Share of the reference period a case spent in the situation; NaN for others.
    months : float array (m,) or None
    notes : tuple of str
    """

    sample: Sample
    respondent: Ints
    case: Floats
    multiplicity: Floats
    relation: tuple[str, ...]
    share: Floats | None
    months: Floats | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"FamilyNetwork: {len(self.sample):,} respondents report on {len(self.case):,} persons, "
            f"{int(self.case.sum()):,} cases"
        )

    def total(
        self,
        by: By = None,
        *,
        window: Window = "ever",
        relations: Collection[str] | None = None,
        exclude: Collection[str] = (),
        level: float = 0.95,
    ) -> Estimates:
        """Number of cases in the population.

        Parameters
        ----------
        by : str or sequence of str, optional
            Domains of the *respondent*.
        window : {"ever", "stock"}
            ``ever``: cases at any time of the reference period (the flow). ``stock``: average number at a
            point in time, each case weighted by the share of the period spent in the situation.
        relations, exclude : collection of str
            Persons to keep or to leave out by relation: ``exclude=["sibling_abroad"]`` keeps those who live
            in the country. The multiplicity is not changed by it: it must count who could report the person.
        level : float

        Returns
        -------
        Estimates
        """
        kept = self._kept(relations, exclude)
        cases = self._cases(window, kept)
        named = self._named("total", "persons", window)
        return self.sample.smooth(
            {"y": cases, "one": np.ones(len(self.sample))},
            lambda t: {"": t["y"]},
            {"": cases > 0},
            named,
            by=by,
            level=level,
        )

    def prevalence(
        self,
        by: By = None,
        *,
        window: Window = "ever",
        relations: Collection[str] | None = None,
        exclude: Collection[str] = (),
        level: float = 0.95,
    ) -> Estimates:
        """Share of cases among the persons the network covers.

        Parameters
        ----------
        by, window, relations, exclude, level
            As in :meth:`total`.

        Returns
        -------
        Estimates
            Ratio of multiplicity-weighted cases to multiplicity-weighted persons. It needs a row for those
            who are no case as well; a note tells where there is none.
        """
        kept = self._kept(relations, exclude)
        cases, persons = self._cases(window, kept), self._per_respondent(kept / self.multiplicity)
        found = self.sample.smooth(
            {"y": cases, "x": persons},
            lambda t: {"": t["y"] / t["x"]},
            {"": cases > 0},
            self._named("proportion", "proportion", window),
            by=by,
            used=persons > 0,
            level=level,
        )
        return found if (self.case == 0).any() else replace(found, notes=(*found.notes, _CASES_ONLY))

    def self_reports(
        self, *, self_relation: str = "self", exclude: Collection[str] = (), level: float = 0.95
    ) -> NetworkComparison:
        """Self-reports alone beside the network, which shows whether relatives are reported as fully.

        Parameters
        ----------
        self_relation : str
            The relation code of the respondent.
        exclude : collection of str
            Relations left out of the network side, such as relatives abroad, to compare like with like.
        level : float

        Returns
        -------
        NetworkComparison
        """
        own = self._kept([self_relation], ())
        reports = self._per_respondent(own * self.case)
        asked = self._per_respondent(own)
        named = self._named("proportion", "proportion", "ever")
        prevalence = self.sample.smooth(
            {"y": reports, "x": asked}, lambda t: {"": t["y"] / t["x"]}, {"": reports > 0}, named, level=level
        )
        total = self.sample.smooth(
            {"y": reports, "x": asked},
            lambda t: {"": t["y"]},
            {"": reports > 0},
            self._named("total", "persons", "ever"),
            level=level,
        )
        network = self.prevalence(exclude=exclude, level=level)
        others = self.prevalence(exclude=[*exclude, self_relation], level=level)
        return NetworkComparison(
            self_total=total,
            self_prevalence=prevalence,
            network_prevalence=network,
            reports_self=int((own * self.case).sum()),
            reports_network=int(self.case.sum()),
            proxy_ratio=float(others.estimate[0] / prevalence.estimate[0])
            if prevalence.estimate[0] > 0
            else float("nan"),
        )

    def mean_months(self) -> float:
        """Multiplicity-weighted mean months in the situation among cases; NaN where none is known."""
        if self.months is None:
            raise _no_months()
        weight = self.sample.weights[self.respondent] * self.case / self.multiplicity
        known = ~np.isnan(self.months) & (self.case > 0)
        return (
            float((weight * self.months)[known].sum() / weight[known].sum()) if known.any() else float("nan")
        )

    def reports_per_person(self) -> float:
        """Weighted cases over weighted persons without multiplicity: what ignoring the network would give."""
        w = self.sample.weights[self.respondent]
        return float((w * self.case).sum() / w.sum())

    def _kept(self, relations: Collection[str] | None, exclude: Collection[str]) -> Floats:
        asked = {*(relations or ()), *exclude}
        if asked and not self.relation:
            raise EstimationError("the persons have no relation", where="relation", hint="name the column")
        unknown = sorted(asked - set(self.relation))
        if unknown:
            raise EstimationError(
                "no person has this relation",
                where="relation",
                found=", ".join(unknown),
                expected=", ".join(sorted(set(self.relation))),
            )
        if not asked:
            return np.ones(len(self.case))
        keep = [(relations is None or r in relations) and r not in exclude for r in self.relation]
        return np.array(keep, dtype=np.float64)

    def _cases(self, window: Window, kept: Floats) -> Floats:
        value = kept * self.case
        if window == "stock":
            if self.share is None:
                raise _no_months()
            value = value * np.where(self.case > 0, self.share, 0.0)
        elif window != "ever":
            raise EstimationError("unknown window", where="window", found=str(window), expected="ever, stock")
        return self._per_respondent(value / self.multiplicity)

    def _per_respondent(self, values: Floats) -> Floats:
        sums = np.bincount(self.respondent, weights=values, minlength=len(self.sample))
        return sums.astype(np.float64)

    def _named(self, statistic: str, unit: str, window: Window) -> Labelled:
        what = "average at a point in time" if window == "stock" else "at any time in the reference period"
        return Labelled(
            statistic=statistic,
            variable="cases in the family network",
            unit=unit,
            method=f"multiplicity estimator (Sirken), GEMS-style; {what}",
            notes=self.notes,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkComparison:
    """Self-reports beside the family network.

    Attributes
    ----------
    self_total, self_prevalence, network_prevalence : Estimates
    reports_self, reports_network : int
        Cases reported, unweighted.
    proxy_ratio : float
        Prevalence among relatives over that among respondents: well below 1 points to cases of relatives
        that respondents do not know of or do not tell.
    """

    self_total: Estimates
    self_prevalence: Estimates
    network_prevalence: Estimates
    reports_self: int
    reports_network: int
    proxy_ratio: float

    @property
    def variance_ratio(self) -> float:
        """Variance of the network prevalence over that of the self-reports; below 1 is a gain."""
        return float((self.network_prevalence.se[0] / self.self_prevalence.se[0]) ** 2)


def _no_months() -> EstimationError:
    return EstimationError(
        "a stock needs the time that cases spent in the situation",
        where="months, reference_months",
        hint="name the column of months and give the length of the reference period",
        code="no-duration",
    )
