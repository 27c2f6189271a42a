"""What must be looked at before a respondent-driven sample is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats, Ints
from survey_toolkit.hidden_populations.rds import Mixing, mixing

if TYPE_CHECKING:
    from survey_toolkit.hidden_populations.recruitment import Recruitment

__all__ = ["RdsDiagnostics", "rds_diagnostics"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RdsDiagnostics:
    """Convergence, bottlenecks, homophily of one level of an outcome.

    Attributes
    ----------
    outcome, level : str
    mixing : Mixing
    cumulative_n : int array (waves + 1,)
        Respondents up to each wave.
    by_wave : float array (waves + 1,)
        RDS-II estimate of the level up to each wave: the convergence plot.
    by_order : float array (n,)
        The same after each interview, in order of time.
    by_seed : mapping of seed to float array
        RDS-II estimate within the tree of each seed, interview by interview: the bottleneck plot.
    degree_by_wave : float array (waves + 1,)
        Mean degree of those recruited in each wave.
    warnings : tuple of str
    """

    outcome: str
    level: str
    mixing: Mixing
    cumulative_n: Ints
    by_wave: Floats
    by_order: Floats
    by_seed: Mapping[str, Floats]
    degree_by_wave: Floats
    warnings: tuple[str, ...]

    @property
    def homophily(self) -> float:
        """See :attr:`Mixing.homophily`."""
        return self.mixing.homophily

    def __repr__(self) -> str:
        lines = [
            f"RdsDiagnostics of {self.outcome} = {self.level}",
            f"  recruitment homophily {self.homophily:.3f} (1: no preference)",
            "  estimate up to each wave: " + ", ".join(f"{v:.3f}" for v in self.by_wave),
            *(f"  ! {text}" for text in self.warnings),
        ]
        return "\n".join(lines)


def rds_diagnostics(sample: Recruitment, outcome: str, *, level: str | None = None) -> RdsDiagnostics:
    """Diagnostics of one level of an outcome.

    Parameters
    ----------
    sample : Recruitment
    outcome : str
    level : str, optional
        The last in order by default.

    Returns
    -------
    RdsDiagnostics

    Raises
    ------
    EstimationError
        If there is no such level.
    """
    levels, group = sample.groups(outcome)
    level = levels[-1] if level is None else str(level)
    if level not in levels:
        raise EstimationError("no such level", where=outcome, found=level, expected=", ".join(levels))
    known = group >= 0
    hit = np.where(group == levels.index(level), 1 / sample.degree, 0.0)
    base = np.where(known, 1 / sample.degree, 0.0)
    order = np.lexsort((np.arange(len(sample)), sample.time))
    waves = np.arange(int(sample.wave.max()) + 1)
    upto = [sample.wave <= w for w in waves]
    counts = np.array([len(w) for w in (sample.wave[u] for u in upto)])
    by_seed = {
        sample.ids[s]: _running(hit, base, order[sample.seed[order] == s]) for s in np.unique(sample.seed)
    }
    by_wave = np.array([_share(hit[u].sum(), base[u].sum()) for u in upto])
    degree = np.array([sample.degree[sample.wave == w].mean() for w in waves])
    by_order = _running(hit, base, order)
    mixed = mixing(sample, outcome)
    return RdsDiagnostics(
        outcome=outcome,
        level=level,
        mixing=mixed,
        cumulative_n=counts,
        by_wave=by_wave,
        by_order=by_order,
        by_seed=by_seed,
        degree_by_wave=degree,
        warnings=_warnings(sample, mixed, by_order, by_seed),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _running(hit: Floats, base: Floats, order: Ints) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.cumsum(hit[order]) / np.cumsum(base[order]))


def _warnings(
    sample: Recruitment, mixed: Mixing, by_order: Floats, by_seed: Mapping[str, Floats]
) -> tuple[str, ...]:
    out = []
    if sample.share_largest_tree > 0.5 and len(sample.tree_sizes) > 1:
        out.append(f"one tree holds {sample.share_largest_tree:.0%} of the sample")
    if len(sample.tree_sizes) == 1:
        out.append("a single seed: no bottleneck between trees can be seen")
    if int(sample.wave.max()) < 4:
        out.append(f"only {int(sample.wave.max())} waves: the choice of seeds may still show")
    late = by_order[len(by_order) // 2 :]
    if np.nanmax(late) - np.nanmin(late) > 0.1:
        out.append("the estimate moved by more than 10 points in the second half: no convergence")
    ends = np.array([v[-1] for v in by_seed.values() if v.size >= 20])
    if ends.size > 1 and np.nanmax(ends) - np.nanmin(ends) > 0.3:
        out.append("trees of 20 and more people end more than 30 points apart: a bottleneck")
    if mixed.homophily > 1.5:
        out.append(f"homophily of {mixed.homophily:.2f}: recruitment seldom leaves the group")
    return tuple(out)
