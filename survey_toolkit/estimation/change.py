r"""Change between two rounds of a survey, whether they share sampling units or not.

.. math:: v(\hat\theta_2 - \hat\theta_1) = v_1 + v_2 - 2 c_{12}, \qquad
   c_{12} = \sum_h \sqrt{(1-f_{1h})(1-f_{2h})} \frac{m_h}{m_h - 1}
   \sum_{u \in h} (z_{1u} - \bar z_{1h})(z_{2u} - \bar z_{2h})

with the sum over the :math:`m_h` PSUs of stratum h that are in both rounds. Each round keeps its own
variance; PSUs that were replaced add nothing to the covariance. With all PSUs kept it is the variance of a
contrast between two domains of one sample; with none, that of independent samples.

References
----------
Kish (1965), *Survey Sampling*, sec. 12.4; Berger and Priam (2016), *Journal of the Royal Statistical
Society* A 179:251-272.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.asking import By, Where, check_choice
from survey_toolkit.estimation.cells import Cells, collect_cells
from survey_toolkit.estimation.codes import Floats, Ints, factorize
from survey_toolkit.estimation.combinations import without_extras
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import t_interval, with_t_interval
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.psu_table import design_table

if TYPE_CHECKING:
    from survey_toolkit.estimation.survey import Survey

__all__ = ["change"]

_STATISTICS = ("mean", "total", "proportion", "ratio")


def change(
    first: Survey,
    second: Survey,
    statistic: Literal["mean", "total", "proportion", "ratio"],
    variable: str,
    by: By = None,
    where: Where = None,
    *,
    denominator: str | None = None,
    success: Any = None,
    overlap: Literal["none", "psu"] = "none",
    level: float = 0.95,
) -> Estimates:
    """Second round minus first, by domain.

    Parameters
    ----------
    first, second : Survey
        Rounds with the same variables; each with its own design.
    statistic : {"mean", "total", "proportion", "ratio"}
    variable : str
        Numeric, Boolean, or any with ``success``.
    by, where
        As in :meth:`Survey.mean <survey_toolkit.estimation.Survey.mean>`.
    denominator : str, optional
        Of a ratio.
    success : optional
        The code that counts, for a proportion or a total.
    overlap : {"none", "psu"}
        ``psu``: the rounds share sampling units, known by equal codes of stratum and PSU.
    level : float

    Returns
    -------
    Estimates
        Over the domains met in both rounds. df: Satterthwaite's for independent rounds; with overlap the
        smaller of the two designs'.

    Raises
    ------
    EstimationError
        If the rounds share no domain, or no PSU under ``overlap="psu"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign
    >>> design = SurveyDesign(weight="w", psu="ea")
    >>> old = pd.DataFrame({"ea": range(6), "w": 1.0, "y": [1.0, 2, 3, 4, 5, 6]})
    >>> rounds = Survey(old, design), Survey(old.assign(y=old["y"] + [1, 1, 1, 1, 1, 2]), design)
    >>> [change(*rounds, "mean", "y", overlap=o).se.round(3) for o in ("none", "psu")]
    [array([1.167]), array([0.167])]
    """
    check_choice("statistic", statistic, _STATISTICS)
    check_choice("overlap", overlap, ("none", "psu"))
    names = (variable,) if denominator is None else (variable, denominator)
    if (statistic == "ratio") != (denominator is not None):
        raise EstimationError("a ratio, and nothing else, has a denominator", where="denominator")
    options: dict[str, Any] = {"by": by, "where": where, "level": level, "deff": None}
    if success is not None:
        options["success"] = success
    rounds = [getattr(survey, statistic)(*names, **options) for survey in (first, second)]
    common = [domain for domain in rounds[0].domains if domain in set(rounds[1].domains)]
    if not common or any("level" in est.domain_names for est in rounds):
        raise EstimationError(
            "the two rounds have no domain in common" if not common else "one code is needed",
            where="by" if not common else variable,
            hint="check that codes are the same in both" if not common else "name it with success=",
        )
    at = [np.array([est.domains.index(domain) for domain in common]) for est in rounds]
    v1, v2 = (est.vcov[np.ix_(i, i)] for est, i in zip(rounds, at, strict=True))
    cross, note = np.zeros_like(v1), "rounds taken as independent"
    if overlap == "psu":
        cross, note = _covariance((first, second), names, rounds, tuple(common), by, where, success)
    vcov = v1 + v2 - cross - cross.T
    one, two = (np.diagonal(v) for v in (v1, v2))
    df1, df2 = (float(est.df_design) for est in rounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (one + two) ** 2 / (one**2 / df1 + two**2 / df2)
    df = np.full(len(common), min(df1, df2)) if overlap == "psu" else np.where(np.isnan(df), df1 + df2, df)
    return _assembled(rounds, at, tuple(common), vcov, df, level, note)


def _assembled(
    rounds: list[Estimates],
    at: list[Ints],
    common: tuple[tuple[Any, ...], ...],
    vcov: Floats,
    df: Floats,
    level: float,
    note: str,
) -> Estimates:
    estimate = rounds[1].estimate[at[1]] - rounds[0].estimate[at[0]]
    se = np.sqrt(np.maximum(np.diagonal(vcov), 0.0))
    interval = t_interval(estimate, se, df, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(estimate != 0, se / np.abs(estimate), np.nan)
    counted = ("n", "n_psu", "n_positive", "n_undetermined")
    counts: dict[str, Any] = {
        name: sum(getattr(est, name)[i] for est, i in zip(rounds, at, strict=True)) for name in counted
    }
    lost = sum(len(est) for est in rounds) - 2 * len(common)
    notes = [f"round {r + 1}: {text}" for r, est in enumerate(rounds) for text in est.notes]
    notes += [note, *([f"{lost} domains stand in one round only: left out"] if lost else [])]
    return replace(
        without_extras(rounds[1]),
        statistic=f"change of {rounds[1].statistic}",
        domains=common,
        estimate=estimate,
        se=se,
        ci_low=interval.low,
        ci_high=interval.high,
        cv=cv,
        deff=np.full(len(common), np.nan),
        df=df,
        vcov=vcov,
        flags=tuple(
            tuple(dict.fromkeys(flag for est, i in zip(rounds, at, strict=True) for flag in est.flags[i[k]]))
            for k in range(len(common))
        ),
        method=f"second round minus first; {with_t_interval(rounds[1].method)}",
        notes=tuple(notes),
        level=level,
        df_design=min(est.df_design for est in rounds),
        **counts,
    )


def _covariance(
    surveys: tuple[Survey, Survey],
    names: tuple[str, ...],
    rounds: list[Estimates],
    common: tuple[tuple[Any, ...], ...],
    by: By,
    where: Where,
    success: Any,
) -> tuple[Floats, str]:
    """Covariance of the domains of round 1 with those of round 2, (D, D), through the PSUs in both."""
    parts = []
    for survey, est in zip(surveys, rounds, strict=True):
        design = survey.design
        if not isinstance(design, SurveyDesign) or design.weight is None or not design.psu:
            raise EstimationError(
                "overlap is known through PSU codes",
                where="overlap",
                found=design.sentence(),
                expected="a design with PSUs and a weight column in both rounds",
            )
        ask = survey._ask
        options = ask.options(by, where, 0.95, None, "domain")
        query = Query(
            outcomes=ask.outcomes(names[:1], success),
            denominator=nw.col(names[1]) if len(names) > 1 else None,
            by=options.by,
            where=options.where,
            applicable=ask.applicable(names),
        )
        cells = collect_cells(survey.frame, design, query)
        parts.append((cells, _linearised(cells, est, common), _fractions(cells, design)))
    units = _codes([cells.units[0] for cells, _, _ in parts])
    strata = _codes([_strata(cells) for cells, _, _ in parts])
    return _matched(parts, units, strata)


def _strata(cells: Cells) -> Any:
    return cells.strata[0] if cells.strata else np.zeros(len(cells.sums["rows"]), dtype=np.int64)


def _codes(columns: list[Any]) -> list[Ints]:
    """The codes of both rounds on one scale."""
    both = np.concatenate([np.asarray(column, dtype=object) for column in columns])
    index = factorize(both)[1]
    return [index[: len(columns[0])], index[len(columns[0]) :]]


def _linearised(cells: Cells, est: Estimates, common: tuple[tuple[Any, ...], ...]) -> tuple[Ints, Floats]:
    """Domain of each cell among the common ones (-1: none), and its linearised value."""
    n = len(cells.sums["rows"])
    coded = [factorize(column) for column in cells.by]
    place = {domain: d for d, domain in enumerate(common)}
    keys = [[codes[i] if i >= 0 else None for i in index] for codes, index in coded]
    domain = np.array(
        [place.get(key, -1) for key in zip(*keys, strict=True)] if keys else [0] * n, dtype=np.int64
    )
    sums, valid = cells.sums, (domain >= 0) & (cells.sums["n"] > 0)
    value = np.zeros(n)
    if est.statistic == "total":
        value[valid] = sums["wy0"][valid]
        return np.where(valid, domain, -1), value
    base = sums["wx" if est.statistic == "ratio" else "w"]
    total = np.bincount(domain[valid], base[valid], minlength=len(common))
    theta = np.array([est.estimate[est.domains.index(d)] for d in common])
    at = domain[valid]
    value[valid] = (sums["wy0"][valid] - theta[at] * base[valid]) / total[at]
    return np.where(valid, domain, -1), value


def _fractions(cells: Cells, design: SurveyDesign) -> Floats:
    """First-stage sampling fraction of the stratum of each cell."""
    table, unit = design_table(cells, design)
    stage = table.stages[0]
    return np.asarray(stage.fraction[stage.stratum[table.unit_at[0][unit]]])


def _matched(
    parts: list[tuple[Cells, tuple[Ints, Floats], Floats]], units: list[Ints], strata: list[Ints]
) -> tuple[Floats, str]:
    width = int(max(u.max() for u in units)) + 1
    keys = [h * width + u for h, u in zip(strata, units, strict=True)]
    shared = np.intersect1d(keys[0], keys[1])
    if not len(shared):
        raise EstimationError(
            "the two rounds share no PSU",
            where="overlap",
            found=f"{len(np.unique(keys[0]))} and {len(np.unique(keys[1]))} PSUs, none with equal codes",
            hint="check the codes of stratum and PSU, or use overlap='none'",
        )
    k = 1 + max(int(domain.max(initial=0)) for _, (domain, _), _ in parts)
    z = []
    left = np.ones(len(shared))
    for (_, (domain, value), fraction), key in zip(parts, keys, strict=True):
        place = np.searchsorted(shared, key)
        inside = np.isin(key, shared)
        remaining = np.ones(len(shared))
        remaining[place[inside]] = np.sqrt(1 - fraction[inside])  # the same in every cell of a stratum
        left *= remaining
        take = inside & (domain >= 0)
        flat = np.bincount(place[take] * k + domain[take], value[take], minlength=len(shared) * k)
        z.append(flat.reshape(len(shared), k))
    stratum = shared // width
    cross = np.zeros((k, k))
    for h in np.unique(stratum):
        rows = stratum == h
        m = int(rows.sum())
        if m > 1:
            a, b = (part[rows] - part[rows].mean(axis=0) for part in z)
            cross += left[rows][0] * m / (m - 1) * (a.T @ b)
    counts = " and ".join(str(len(np.unique(key))) for key in keys)
    return cross, f"{len(shared)} PSUs are in both rounds, of {counts}"
