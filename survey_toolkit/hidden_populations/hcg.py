r"""Proportions under the homophily configuration graph (Fellows 2019).

Ties between groups balance: :math:`N_a m_a \theta_{ab} = N_b m_b \theta_{ba}` with mean degrees :math:`m` and
shares :math:`\theta_{ab}` of the ties of group a that go to group b. Hence

.. math:: 1 / p_a = \sum_b \frac{\theta_{ab} m_a}{\theta_{ba} m_b}

For a small sampling fraction, :math:`\theta` are recruitment shares and :math:`m` harmonic mean degrees. With
the population size given, both are corrected for depletion: degrees by successive sampling within each group,
shares by the part of each group's ties that is still open when a recruitment happens (the maximum of the
conditional likelihood of whom each recruiter reached, given what was left).

References
----------
Fellows (2019), *Statistics in Medicine* 38:1279-1296.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats, Ints
from survey_toolkit.hidden_populations.rds import harmonic_degrees, row_shares, transition_counts
from survey_toolkit.hidden_populations.successive_sampling import successive_sampling_weights

if TYPE_CHECKING:
    from survey_toolkit.hidden_populations.recruitment import Recruitment

__all__ = ["hcg_proportions"]


def hcg_proportions(sample: Recruitment, group: Ints, k: int, population_size: float | None = None) -> Floats:
    """Proportion of each group, (k,).

    Parameters
    ----------
    sample : Recruitment
    group : int array (n,)
        -1 where unknown.
    k : int
    population_size : float, optional
        None for the closed form for small sampling fractions.

    Returns
    -------
    float array (k,)

    Raises
    ------
    EstimationError
        If a group has nobody who was recruited, or the population is smaller than the sample.
    """
    recruited = np.where(sample.is_seed, -1, group)
    counts = transition_counts(group, sample.parent, k)
    if (counts == 0).any():
        counts = counts + 1.0
    if (np.bincount(recruited[recruited >= 0], minlength=k) == 0).any():
        raise EstimationError(
            "a group has nobody who was recruited", hint="join groups, or use estimator='rds_ii'"
        )
    mean = harmonic_degrees(recruited, sample.degree, k)
    share = _balance(row_shares(counts), mean)
    if population_size is None:
        return share
    if population_size < len(sample):
        raise EstimationError(
            "the population cannot be smaller than the sample",
            where="population_size",
            found=f"{population_size:,.0f}",
        )
    for _ in range(200):
        new = _depleted(sample, group, k, share * population_size, counts)
        moved = float(np.abs(new - share).max())
        share = (share + new) / 2
        if moved < 1e-9:
            break
    return share


def _balance(theta: Floats, mean: Floats) -> Floats:
    ratio = (theta * mean[:, None]) / (theta.T * mean[None, :])
    share = 1 / ratio.sum(axis=1)
    return np.asarray(share / share.sum())


def _depleted(sample: Recruitment, group: Ints, k: int, people: Floats, counts: Floats) -> Floats:
    """One round: degrees and shares corrected for what sampling has used up."""
    mean, ties = np.empty(k), np.empty(k)
    for g in range(k):
        degree = sample.degree[group == g]
        weight = successive_sampling_weights(degree, max(people[g], float(degree.size)))
        mean[g] = (weight * degree).sum() / weight.sum()
        ties[g] = max(people[g], float(degree.size)) * mean[g]
    return _balance(_open_shares(sample, group, k, ties, counts), mean)


def _open_shares(sample: Recruitment, group: Ints, k: int, ties: Floats, counts: Floats) -> Floats:
    """Shares theta that fit whom recruiters reached, given the open part of each group's ties.

    P(b | a, t) = theta_ab r_b(t) / sum_c theta_ac r_c(t): row by row a multinomial with offsets, solved by
    the fixed point theta_ab ∝ T_ab / sum_t r_b(t) / (theta_a . r(t)).
    """
    order = np.lexsort((np.arange(len(sample)), sample.time))
    used = np.zeros((len(sample), k))
    known = order[group[order] >= 0]
    used[known, group[known]] = sample.degree[known]
    before = np.empty_like(used)
    before[order] = np.cumsum(used[order], axis=0) - used[order]
    left = np.clip(1 - before / ties, 1e-3, 1.0)
    theta = row_shares(counts)
    for a in range(k):
        rows = (sample.parent >= 0) & (group[np.maximum(sample.parent, 0)] == a) & (group >= 0)
        open_part = left[rows]
        for _ in range(100):
            scale = (open_part / (open_part @ theta[a])[:, None]).sum(axis=0)
            new = counts[a] / np.where(scale > 0, scale, 1.0)
            new = new / new.sum()
            done = np.abs(new - theta[a]).max() < 1e-10
            theta[a] = new
            if done:
                break
    return theta
