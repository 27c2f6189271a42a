r"""Network scale-up: hidden groups from the people whom respondents of a household survey know.

Personal network size from groups of known size, then the hidden group by proportion:

.. math:: \hat d_i = N \frac{\sum_k y_{ik}}{\sum_k N_k}, \qquad
   \hat N_u = N \frac{\sum_i w_i y_{iu}}{\sum_i w_i \hat d_i}

The variance is that of a ratio under the survey's design. The binomial error of the first papers is 1.3 to
3.4 times too small under clustering and weights, and is given only as a diagnostic.

References
----------
Killworth et al. (1998), *Evaluation Review* 22:289-308; Killworth et al. (1998), *Social Networks* 20:23-50;
McCarty et al. (2001), *Human Organization* 60:28-39 (summation); Feehan and Salganik (2016), *Sociological
Methodology* 46:153-186; Habecker, Dombrowski and Khan (2015), *PLoS ONE* 10:e0143406 (trimming).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._sample import (
    By,
    Flags,
    Floats,
    Labelled,
    Sample,
    open_sample,
)

__all__ = ["BackEstimates", "NetworkReports", "network_reports"]

Missing = Literal["zero", "exclude"]
Method = Literal["ratio_of_sums", "mean_of_ratios"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BackEstimates:
    """Known groups estimated as if they were hidden, from the degrees that the other groups give.

    Attributes
    ----------
    groups : tuple of str
    known, estimate : float array (k,)
        True size, and the leave-one-out estimate.
    """

    groups: tuple[str, ...]
    known: Floats
    estimate: Floats

    @property
    def ratio(self) -> Floats:
        """Estimate over known size; 1 is right."""
        return self.estimate / self.known

    @property
    def mean_relative_error(self) -> float:
        """Mean absolute relative error."""
        return float(np.abs(self.ratio - 1).mean())

    @property
    def rmse(self) -> float:
        """Root of the mean squared error, in persons."""
        return float(np.sqrt(((self.estimate - self.known) ** 2).mean()))

    @property
    def log_correlation(self) -> float:
        """Correlation of the logarithms of estimate and size; NaN where a group is never reported."""
        if (self.estimate <= 0).any() or len(self.groups) < 2:
            return float("nan")
        return float(np.corrcoef(np.log(self.estimate), np.log(self.known))[0, 1])

    def __repr__(self) -> str:
        lines = [
            f"  {g}: {e:,.0f} for {k:,.0f} ({r:.2f})"
            for g, k, e, r in zip(self.groups, self.known, self.estimate, self.ratio, strict=True)
        ]
        return "\n".join([f"BackEstimates, mean relative error {self.mean_relative_error:.2f}", *lines])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkReports:
    """What respondents answered to "how many … do you know", with the sizes that are known.

    Attributes
    ----------
    sample : Sample
    population : float
        Everybody whom respondents could know, N.
    known : mapping of group to size
    reports : mapping of group to float array (n,)
        Known and hidden groups; missing answers are already treated.
    hidden : tuple of str
    degree : float array (n,)
        Personal network size of each respondent.
    dropped : tuple of str
        Known groups that were trimmed away, in order.
    notes : tuple of str
    """

    sample: Sample
    population: float
    known: Mapping[str, float]
    reports: Mapping[str, Floats]
    hidden: tuple[str, ...]
    degree: Floats
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"NetworkReports: {len(self.degree):,} respondents, {len(self.known)} known groups, mean degree "
            f"{self.mean_degree:.1f} ({self.n_zero_degree} of degree 0); hidden: {', '.join(self.hidden)}"
        )

    @property
    def mean_degree(self) -> float:
        """Weighted mean degree."""
        w = self.sample.weights
        return float((w * self.degree).sum() / w.sum())

    @property
    def n_zero_degree(self) -> int:
        """Respondents who know nobody of any known group."""
        return int((self.degree <= 0).sum())

    def size(self, by: By = None, *, method: Method = "ratio_of_sums", level: float = 0.95) -> Estimates:
        """Size of each hidden group.

        Parameters
        ----------
        by : str or sequence of str, optional
            Estimate the same groups from the reports of different respondents (a check, not a breakdown).
        method : {"ratio_of_sums", "mean_of_ratios"}
            ``mean_of_ratios`` (PIMLE) averages y/d over respondents; those of degree zero are left out and
            counted. It is unstable where degrees are small: prefer the ratio of sums.
        level : float

        Returns
        -------
        Estimates
            Persons; degrees count as data and known sizes as exact.

        Raises
        ------
        EstimationError
            For an unknown method.
        """
        if method not in ("ratio_of_sums", "mean_of_ratios"):
            raise EstimationError(
                "unknown method", where="method", found=method, expected="ratio_of_sums, mean_of_ratios"
            )
        named = Labelled(
            statistic="size",
            variable=", ".join(self.hidden),
            unit="persons",
            method=f"network scale-up, {method.replace('_', ' ')}",
            column="group",
            notes=self.notes,
        )
        cases = {group: self.reports[group] > 0 for group in self.hidden}
        columns, used = self._columns(method)
        if method == "mean_of_ratios" and not used.all():
            text = f"{int((~used).sum())} respondents of degree 0 are left out"
            named = replace(named, notes=(*named.notes, text))
        n = self.population
        return self.sample.smooth(
            columns,
            lambda t: {group: n * t[group] / t["__degree"] for group in self.hidden},
            cases,
            named,
            by=by,
            used=used,
            level=level,
        )

    def _columns(self, method: Method) -> tuple[dict[str, Floats], Flags]:
        if method == "ratio_of_sums":
            columns = {group: self.reports[group] for group in self.hidden} | {"__degree": self.degree}
            return columns, np.ones(len(self.degree), dtype=bool)
        used = self.degree > 0
        safe = np.where(used, self.degree, 1.0)
        columns = {group: np.where(used, self.reports[group] / safe, 0.0) for group in self.hidden}
        return columns | {"__degree": used.astype(np.float64)}, used

    def binomial_se(self) -> dict[str, float]:
        """The standard error of the first papers, which ignores the design; for comparison only."""
        degrees = self.degree.sum()
        share = {group: self.reports[group].sum() / degrees for group in self.hidden}
        return {g: float(self.population * np.sqrt(p * (1 - p) / degrees)) for g, p in share.items()}

    def back_estimates(self, *, weighted: bool = True) -> BackEstimates:
        """Leave-one-out estimates of the known groups.

        Parameters
        ----------
        weighted : bool
            With the survey weights; False for the plain ratio of sums.

        Returns
        -------
        BackEstimates

        Raises
        ------
        EstimationError
            With fewer than two known groups.
        """
        if len(self.known) < 2:
            raise EstimationError(
                "back-estimates need two known groups", where="known", found=str(len(self.known))
            )
        w = self.sample.weights if weighted else np.ones(len(self.degree))
        heard = np.array([(w * self.reports[g]).sum() for g in self.known])
        sizes = np.array(list(self.known.values()), dtype=np.float64)
        others = heard.sum() - heard
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate = heard * (sizes.sum() - sizes) / others
        return BackEstimates(groups=tuple(self.known), known=sizes, estimate=estimate)

    def trimmed(
        self, *, low: float = 0.5, high: float = 2.0, at_least: int = 3, weighted: bool = True
    ) -> NetworkReports:
        """Drop the known groups that cannot be recovered, the worst first, until all lie within limits.

        Parameters
        ----------
        low, high : float
            Limits of back-estimate over size.
        at_least : int
            Known groups that are kept in any case.
        weighted : bool

        Returns
        -------
        NetworkReports
            With new degrees and the groups dropped in order.
        """
        current, dropped = self, list(self.dropped)
        while len(current.known) > at_least:
            back = current.back_estimates(weighted=weighted)
            if ((back.ratio >= low) & (back.ratio <= high)).all():
                break
            with np.errstate(divide="ignore"):
                worst = back.groups[int(np.argmax(np.abs(np.log(back.ratio))))]
            dropped.append(worst)
            known = {g: size for g, size in current.known.items() if g != worst}
            degree = _degree(current.reports, known, self.population)
            current = replace(current, known=known, degree=degree, dropped=tuple(dropped))
        note = f"known groups left out by back-estimates: {', '.join(dropped) or 'none'}"
        return replace(current, notes=(*self.notes, note))


def network_reports(
    data: Any,
    *,
    known: Mapping[str, float] | None = None,
    hidden: str | Sequence[str],
    population: float,
    design: Any = None,
    degree: str | Floats | None = None,
    missing: Missing = "zero",
    cap: float | None = None,
) -> NetworkReports:
    """Read a scale-up question block.

    Parameters
    ----------
    data : Survey, frame or path
        One row a respondent, one column a group with the number of people known.
    known : mapping of column to size, optional
        Groups whose size is known; not needed with ``degree``.
    hidden : str or sequence of str
        Columns of the groups to estimate.
    population : float
    design : SurveyDesign, optional
        When ``data`` is a frame. Without it respondents count once each.
    degree : str or float array (n,), optional
        Personal network size from elsewhere, e.g. :func:`summation_degree`.
    missing : {"zero", "exclude"}
        A missing count is zero (as most analyses have it), or the respondent is left out with weight zero.
    cap : float, optional
        Counts above it are set to it.

    Returns
    -------
    NetworkReports

    Raises
    ------
    EstimationError
        If a known group has no size, a size is not between 0 and the population, a count is negative, or
        nobody knows anybody of the known groups.

    Examples
    --------
    >>> import pandas as pd
    >>> answers = pd.DataFrame({"nurses": [1, 2, 3], "priests": [1, 0, 1], "trafficked": [0, 1, 0]})
    >>> nsum = network_reports(answers, known={"nurses": 2000, "priests": 1000}, hidden="trafficked",
    ...                        population=300_000)
    >>> nsum.size().estimate.round(1)
    array([375.])
    """
    groups = (hidden,) if isinstance(hidden, str) else tuple(hidden)
    known = dict(known or {})
    _check_sizes(known, population, need=degree is None)
    sample = open_sample(data, design)
    raw = {name: sample.numbers(name) for name in (*known, *groups)}
    notes, reports, gone = _answers(raw, missing, cap)
    if degree is None:
        degrees = _degree(reports, known, population)
    elif isinstance(degree, str):
        degrees = sample.numbers(degree, nulls=False)
    else:
        degrees = np.asarray(degree, dtype=np.float64)
    _check_degree(degrees, len(sample))
    if gone.any():
        reports = {name: np.where(gone, 0.0, values) for name, values in reports.items()}
        degrees = np.where(gone, 0.0, degrees)
    if not degrees.sum() > 0:
        raise EstimationError(
            "nobody knows anybody of the known groups", where=", ".join(known), hint="check the columns"
        )
    return NetworkReports(
        sample=sample, population=float(population), known=known, reports=reports, hidden=groups,
        degree=degrees, notes=notes,
    )  # fmt: skip


def _degree(reports: Mapping[str, Floats], known: Mapping[str, float], population: float) -> Floats:
    heard = np.sum([reports[name] for name in known], axis=0)
    return np.asarray(population * heard / sum(known.values()))


def _check_sizes(known: Mapping[str, float], population: float, *, need: bool) -> None:
    if not (np.isfinite(population) and population > 0):
        raise EstimationError("the population must be above 0", where="population", found=f"{population:g}")
    if need and not known:
        raise EstimationError(
            "degrees need groups of known size", where="known", hint="or give degree=summation_degree(...)"
        )
    for name, size in known.items():
        if not (np.isfinite(size) and 0 < size <= population):
            raise EstimationError(
                "the size of a known group must lie above 0 and not above the population",
                where=f"known: {name}",
                found=f"{size:g}",
                expected=f"above 0, at most {population:,.0f}",
                hint="leave a group of unknown or zero size out",
                code="bad-known-size",
            )


def _answers(
    raw: Mapping[str, Floats], missing: Missing, cap: float | None
) -> tuple[tuple[str, ...], dict[str, Floats], Flags]:
    """Notes, treated counts, and the respondents that are left out."""
    if missing not in ("zero", "exclude"):
        raise EstimationError("unknown policy", where="missing", found=missing, expected="zero, exclude")
    notes = []
    for name, values in raw.items():
        if (values < 0).any():
            raise EstimationError(
                "a number of people cannot be negative",
                where=name,
                found=f"{int((values < 0).sum())} rows",
                hint="are codes for 'don't know' still in the column?",
                code="negative-count",
            )
    unknown = np.stack([np.isnan(values) for values in raw.values()])
    if unknown.any():
        what = "count as 0" if missing == "zero" else "take their respondents out"
        notes.append(f"{int(unknown.sum())} missing answers {what}")
    gone: Flags = np.asarray(unknown.any(axis=0)) & np.full(unknown.shape[1], missing == "exclude")
    treated = {name: np.nan_to_num(values, nan=0.0) for name, values in raw.items()}
    if cap is not None:
        above = sum(int((values > cap).sum()) for values in treated.values())
        notes.append(f"{above} answers above {cap:g} are set to it")
        treated = {name: np.minimum(values, cap) for name, values in treated.items()}
    return tuple(notes), treated, gone


def _check_degree(degree: Floats, n: int) -> None:
    if degree.shape != (n,) or not np.isfinite(degree).all() or (degree < 0).any():
        raise EstimationError(
            "degrees must be one number of at least 0 for each respondent",
            where="degree",
            found=f"shape {degree.shape}, {int((~(degree >= 0)).sum())} missing or negative",
            expected=f"({n},)",
            code="bad-degree",
        )
