r"""Test whether the sensitive item changes the answers to the other items.

If it does not, the shares :math:`\pi_{y1} = F_0(y) - F_1(y)` (y control items and the sensitive one) and
:math:`\pi_{y0} = F_1(y) - F_0(y-1)` cannot be negative. Each set is tested by the distance of its estimates
to the positive orthant, whose distribution is a mixture of chi-squares (Kudô 1963); the smaller p-value of
the two is doubled (Bonferroni).

References
----------
Blair and Imai (2012), *Political Analysis* 20:47-77, section 3; Andrews and Soares (2010), *Econometrica*
78:119-157; Kudô (1963), *Biometrika* 50:403-418.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._sample import Flags, Floats, Labelled

if TYPE_CHECKING:
    from survey_toolkit.hidden_populations.item_count import ItemCount

__all__ = ["DesignEffectTest", "chi_bar_square", "design_effect_test"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DesignEffectTest:
    """Shares of the latent types, and the test that none is negative.

    Attributes
    ----------
    with_item, without_item : float array (J + 1,)
        Share with y = 0 … J control items that apply, with and without the sensitive item.
    with_item_se, without_item_se : float array (J + 1,)
    p_with, p_without : float
        Of the two sets; NaN if no moment was left to test.
    p_value : float
        Bonferroni. A small one says that the list does not work.
    tested : tuple of str
        Moments that entered.
    """

    with_item: Floats
    without_item: Floats
    with_item_se: Floats
    without_item_se: Floats
    p_with: float
    p_without: float
    p_value: float
    tested: tuple[str, ...]

    def __repr__(self) -> str:
        verdict = "signs that it did, at 5 %" if self.p_value < 0.05 else "no sign of it"
        lines = [f"Did the list change other answers? p = {self.p_value:.4f}: {verdict}"]
        lines += [
            f"  {y} control items: {a:8.4f} ({sa:.4f}) with, {b:8.4f} ({sb:.4f}) without the sensitive item"
            for y, (a, sa, b, sb) in enumerate(
                zip(self.with_item, self.with_item_se, self.without_item, self.without_item_se, strict=True)
            )
        ]
        return "\n".join(lines)


def design_effect_test(lists: ItemCount, *, selection: str = "own") -> DesignEffectTest:
    """Test a list experiment.

    Parameters
    ----------
    lists : ItemCount
    selection : {"own", "spread", "none"}
        Moments that are clearly positive are left out, which gives power (Andrews and Soares 2010):
        ``own``: those more than sqrt(log n) of their standard errors above zero. ``spread``: standardised by
        the spread between moments, as R's ``list`` does (it drops nearly every positive moment, and so
        rejects more often). ``none``: all are kept.

    Returns
    -------
    DesignEffectTest
        Under a design, covariances are those of the design.

    Raises
    ------
    EstimationError
        For an unknown selection.
    """
    if selection not in ("own", "spread", "none"):
        raise EstimationError("unknown selection", where="selection", found=selection, expected="own, spread")
    shares = _shares(lists)
    j = lists.items
    value, cov = shares.estimate, np.array(shares.vcov)
    if not lists.sample.designed:
        # moments of independent people: n, not n - 1, as in the paper
        cov = cov * (len(lists.sample) - 1) / len(lists.sample)
    n = int(lists.used.sum())
    rows_with, rows_without = np.arange(j), np.arange(j + 2, 2 * j + 2)
    ps, tested = [], []
    for rows in (rows_with, rows_without):
        keep = rows[_kept(value[rows], cov[np.ix_(rows, rows)], n, selection)]
        tested += [shares.domains[r][0] for r in keep]
        ps.append(_p_value(lists, shares, keep, value, cov))
    known = [p for p in ps if not np.isnan(p)]
    se = np.sqrt(np.maximum(np.diagonal(cov), 0.0))
    return DesignEffectTest(
        with_item=value[: j + 1],
        without_item=value[j + 1 :],
        with_item_se=se[: j + 1],
        without_item_se=se[j + 1 :],
        p_with=ps[0],
        p_without=ps[1],
        p_value=min(2 * min(known), 1.0) if known else 1.0,
        tested=tuple(tested),
    )


def _shares(lists: ItemCount) -> Estimates:
    """All 2 (J + 1) shares with their covariance."""
    j, t = lists.items, lists.used & lists.treated
    c = lists.used & ~lists.treated
    columns = {"n1": t.astype(np.float64), "n0": c.astype(np.float64)}
    for y in range(j + 1):
        below = lists.count <= y
        columns |= {f"t{y}": (t & below).astype(np.float64), f"c{y}": (c & below).astype(np.float64)}

    def of_totals(v: Mapping[str, Any]) -> dict[str, Any]:
        f1 = [v[f"t{y}"] / v["n1"] for y in range(j + 1)]
        f0 = [v[f"c{y}"] / v["n0"] for y in range(j + 1)]
        first = {f"{y} with": f0[y] - f1[y] for y in range(j + 1)}
        return first | {f"{y} without": f1[y] - (f0[y - 1] if y else 0.0) for y in range(j + 1)}

    labels: dict[str, Flags] = {
        f"{y} {kind}": lists.used & (lists.count == y) for kind in ("with", "without") for y in range(j + 1)
    }
    named = Labelled(
        statistic="proportion", variable=lists.name, unit="proportion", method="latent types", column="type"
    )
    return lists.sample.smooth(columns, of_totals, labels, named, used=lists.used)


def _kept(value: Floats, cov: Floats, n: int, selection: str) -> Flags:
    se = np.sqrt(np.maximum(np.diagonal(cov), 0.0))
    certain = (value == 0) | (se == 0)
    if selection == "none":
        return np.asarray(~certain)
    if selection == "own":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(~(certain | (value / se > np.sqrt(np.log(n)))))
    spread = value.std(ddof=1) if value.size > 1 else np.inf
    return np.asarray(~(certain | (np.sqrt(n) * value / spread > np.sqrt(np.log(n)))))


def _p_value(lists: ItemCount, shares: Estimates, rows: Any, value: Floats, cov: Floats) -> float:
    from scipy import stats

    if rows.size == 0:
        return float("nan")
    if rows.size > 1:
        return chi_bar_square(value[rows], cov[np.ix_(rows, rows)])
    row = int(rows[0])
    if lists.sample.designed:
        t = value[row] / np.sqrt(cov[row, row])
        return float(stats.t.cdf(t, max(shares.df_design, 1)))
    y, kind = shares.domains[row][0].split()
    shift = 0 if kind == "with" else 1
    treated = (lists.count[lists.used & lists.treated] <= int(y)).astype(np.float64)
    control = (lists.count[lists.used & ~lists.treated] <= int(y) - shift).astype(np.float64)
    first, second = (control, treated) if kind == "with" else (treated, control)
    return float(stats.ttest_ind(first, second, equal_var=False, alternative="less").pvalue)


def chi_bar_square(value: Floats, cov: Floats) -> float:
    """P-value of the hypothesis that no mean is negative.

    Parameters
    ----------
    value : float array (k,)
        Normal estimates.
    cov : float array (k, k)

    Returns
    -------
    float

    Examples
    --------
    >>> round(chi_bar_square(np.array([-1.96, 3.0]), np.eye(2)), 4)
    0.0616
    """
    from scipy import stats
    from scipy.optimize import nnls

    root = np.linalg.cholesky(np.linalg.pinv(cov, hermitian=True) + 0.0).T
    distance = float(nnls(root, root @ value)[1] ** 2)
    if distance <= 1e-14:
        return 1.0
    k = value.size
    total = 0.0
    for active in range(1, k + 1):
        weight = sum(_active_chance(cov, np.array(a)) for a in combinations(range(k), active))
        total += weight * float(stats.chi2.sf(distance, active))
    return min(total, 1.0)


def _active_chance(cov: Floats, active: Any) -> float:
    """Probability that exactly these coordinates are projected to zero (Kudô 1963)."""
    rest = np.setdiff1d(np.arange(len(cov)), active)
    inner = np.linalg.inv(cov[np.ix_(active, active)])
    if rest.size == 0:
        return _orthant(inner)
    cross = cov[np.ix_(rest, active)]
    return _orthant(inner) * _orthant(cov[np.ix_(rest, rest)] - cross @ inner @ cross.T)


def _orthant(cov: Any) -> float:
    """P(all coordinates of a centred normal are positive)."""
    k = len(cov)
    sd = np.sqrt(np.diagonal(cov))
    rho = np.clip(cov / sd[:, None] / sd[None, :], -1, 1)
    if k == 1:
        return 0.5
    if k == 2:
        return float(0.25 + np.arcsin(rho[0, 1]) / (2 * np.pi))
    if k == 3:
        angles = np.arcsin(rho[np.triu_indices(3, 1)]).sum()
        return float(0.125 + angles / (4 * np.pi))
    from scipy.stats import multivariate_normal

    normal = multivariate_normal(np.zeros(k), rho, allow_singular=True, seed=1)
    return float(normal.cdf(np.zeros(k)))
