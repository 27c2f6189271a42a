"""Is the planned precision what the design gives? Draw it again and again from a known population."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation import Survey, SurveyDesign
from survey_toolkit.sampling._checks import whole
from survey_toolkit.sampling.selection import select
from survey_toolkit.sampling.stage import Stage
from survey_toolkit.sampling.unit_frame import UnitFrame

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.sampling.sizes import SampleSize

__all__ = ["PrecisionCheck", "check_precision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionCheck:
    """A design as it performed on a known population.

    Attributes
    ----------
    truth, mean : float
        True proportion, and mean of the estimates.
    se : float
        Standard deviation of the estimates.
    mean_se : float
        Mean of the standard errors the survey would have reported.
    half_width : float
        Mean half-width of the intervals.
    planned_half_width : float
        NaN where no plan was given.
    coverage : float
        Share of intervals that hold the truth.
    deff : float
        Variance of the estimates over that of a simple random sample of as many persons.
    interviews : float
        Mean number of persons.
    without_case : float
        Share of samples with no case.
    replicates, seed : int
    """

    truth: float
    mean: float
    se: float
    mean_se: float
    half_width: float
    planned_half_width: float
    coverage: float
    deff: float
    interviews: float
    without_case: float
    replicates: int
    seed: int

    @property
    def bias(self) -> float:
        """Mean minus truth."""
        return self.mean - self.truth

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of ``mean`` from the number of replicates."""
        return float(self.se / np.sqrt(self.replicates))

    def __repr__(self) -> str:
        planned = "" if np.isnan(self.planned_half_width) else f" (planned {self.planned_half_width:.4g})"
        return (
            f"PrecisionCheck: {self.replicates} draws (seed {self.seed}) of {self.interviews:.0f} interviews"
            f"; truth {self.truth:.5g}, mean of the estimates {self.mean:.5g}\n"
            f"  spread of the estimates {self.se:.4g}, standard error reported {self.mean_se:.4g}, "
            f"design effect {self.deff:.2f}\n"
            f"  half-width {self.half_width:.4g}{planned}; the interval holds "
            f"the truth in {self.coverage:.0%}; no case in {self.without_case:.0%}"
        )


def check_precision(
    population: pd.DataFrame,
    stages: Sequence[Stage],
    *,
    outcome: str,
    plan: SampleSize | None = None,
    replicates: int = 200,
    seed: int = 1,
    ci: str = "beta",
    confidence: float = 0.95,
    progress: Callable[[str, float], None] | None = None,
) -> PrecisionCheck:
    """Draw a design many times from a known population and estimate a proportion each time.

    Parameters
    ----------
    population : pandas.DataFrame
        One row a person, with the unit, stratum and size columns of all stages, and the outcome (Boolean or
        0-1).
    stages : sequence of Stage
        Units of the last stage may be households: all their persons are then interviewed.
    outcome : str
    plan : SampleSize, optional
        To be held against.
    replicates, seed : int
        Replicate r is drawn with a seed made from ``seed`` and r.
    ci : str
        Interval; first-stage strata and units make the variance.
    confidence : float
    progress : callable, optional

    Returns
    -------
    PrecisionCheck

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"ea": [i // 20 for i in range(2000)], "id": range(2000),
    ...                        "case": [int(i % 10 == 0) for i in range(2000)]})
    >>> stages = [Stage(unit="ea", n=30), Stage(unit="id", n=10)]
    >>> found = check_precision(people, stages, outcome="case", replicates=4)
    >>> found.truth, found.interviews
    (0.1, 300.0)
    """
    if outcome not in population.columns:
        raise DesignError("there is no such column", where=outcome)
    whole(replicates, "replicates", least=2)
    truth = float(population[outcome].astype(float).mean())
    path, first = [s.unit for s in stages], stages[0]
    people = population.assign(_stratum=_joined(population, first.strata)) if first.strata else population
    design = SurveyDesign(
        weight="weight",
        strata="_stratum" if first.strata else None,
        psu=first.unit if len(stages) > 1 else None,
        lonely_psu="adjust",
    )
    rows, units = [], UnitFrame(population)
    for r in range(replicates):
        drawn = select(units, stages, seed=seed * 1_000_003 + r).main()
        sample = people.merge(drawn[[*path, "weight"]], on=path, how="inner")
        est = Survey(sample, design).proportion(outcome, ci=ci, level=confidence)
        rows.append([float(v[0]) for v in (est.estimate, est.se, est.ci_low, est.ci_high)] + [len(sample)])
        if progress is not None:
            progress(f"{r + 1} of {replicates}", (r + 1) / replicates)
    value, se, low, high, n = np.array(rows).T
    srs = truth * (1 - truth) / n.mean()
    return PrecisionCheck(
        truth=truth,
        mean=float(value.mean()),
        se=float(value.std(ddof=1)),
        mean_se=float(se.mean()),
        half_width=float(((high - low) / 2).mean()),
        planned_half_width=float("nan") if plan is None else plan.half_width,
        coverage=float(((low <= truth) & (truth <= high)).mean()),
        deff=float(value.var(ddof=1) / srs) if srs else float("nan"),
        interviews=float(n.mean()),
        without_case=float((value == 0).mean()),
        replicates=replicates,
        seed=seed,
    )


def _joined(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    return ["|".join(map(str, row)) for row in frame[list(columns)].itertuples(index=False)]
