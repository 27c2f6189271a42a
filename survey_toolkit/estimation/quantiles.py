r"""Quantiles with their intervals.

A quantile q is read off the weighted values by one of :data:`~.quantile_rules.QUANTILE_RULES`. Woodruff
(1952, JASA 47:635-646) takes an interval for the share of the population at or below q, p̂, and reads its two
ends as quantiles. The interval for p̂ is one of ``mean`` (Wald), ``xlogit``, ``beta``, ``asin``; ``score``
instead asks which values a test of p would not reject (Francisco and Fuller 1991, *Annals of Statistics*
19:454-469), and ``quantile`` takes the spread of the quantiles of the replicates. The standard error is the
width of the interval over twice the t quantile, as in R. After ``score`` R reads the *unweighted* share of
rows below its limit as a weighted quantile (542-601 in place of 535-597 for the first quartile of api00 in
apistrat); ours is the limit itself. Where few rows lie beyond a value the variance of p̂ falls as fast as
p̂, and the test may turn more than once; R's limit is then one of these values, ours the outermost (where
more than 128 values lie beyond, of the 32 at the end of the sample): no value that the test does not reject
is left out.

Where all the weight lies at or below q, p̂ is 1 and without variance: the limits and the standard error are
NaN. R gives the largest value twice and a standard error of 0.

Covariances of quantiles are those of the shares, scaled to these standard errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation import variance
from survey_toolkit.estimation.codes import Floats, Ints, compact, sum_by
from survey_toolkit.estimation.intervals import proportion_interval, t_quantile
from survey_toolkit.estimation.quantile_rules import QUANTILE_RULES, Ordered, needs_rows, ordered
from survey_toolkit.estimation.replicate_design import ReplicateDesign
from survey_toolkit.estimation.replicate_totals import ReplicateTotals
from survey_toolkit.estimation.replication import Replicates
from survey_toolkit.estimation.taylor import Linear, UnitTerms
from survey_toolkit.estimation.totals import PsuTotals
from survey_toolkit.estimation.variance import Design, PsuReplicateTotals

__all__ = ["QuantileInterval", "Quantiles", "check_interval", "quantiles", "shares"]

_FEW, _OUTER = 128, 32  # values beyond a limit that are all tried; of more, those at the end of the sample

QuantileInterval: TypeAlias = Literal["mean", "xlogit", "beta", "asin", "score", "quantile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """K quantiles, domain by domain: arrays (K,), covariance (K, K), replicates where they gave it."""

    domain: Ints
    prob: Floats
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    vcov: Floats
    replicates: Replicates | None = None


def check_interval(interval: str) -> None:
    """Raise if an interval type is not known."""
    if interval not in get_args(QuantileInterval):
        raise EstimationError(
            "unknown interval for a quantile",
            where="ci",
            found=repr(interval),
            expected=", ".join(get_args(QuantileInterval)),
            hint=did_you_mean(interval, get_args(QuantileInterval)),
        )


def quantiles(
    totals: PsuTotals,
    design: Design,
    probs: Floats,
    *,
    rule: str,
    interval: QuantileInterval,
    level: float,
    df: Floats,
) -> Quantiles:
    """Quantiles of every domain.

    Parameters
    ----------
    totals : PsuTotals
        Of a query with ``values``.
    design : Design
    probs : float array (J,)
        Between 0 and 1.
    rule, interval : str
    level : float
    df : float array (D,)
        Degrees of freedom by domain.

    Returns
    -------
    Quantiles
        K = D · J; NaN where a domain is empty, or a limit lies outside the sample.
    """
    n_domains, j = len(totals.domains), len(probs)
    domain, prob = np.repeat(np.arange(n_domains), j), np.tile(probs, n_domains)
    parts = _by_domain(totals, rule)
    estimate = _read(parts, probs, rule)
    t = t_quantile(level, df)[domain]
    if interval == "quantile":
        replicates = _replicates(totals, design, probs, rule)
        vcov = replicates.vcov(estimate)
        se = np.sqrt(np.diagonal(vcov))
        low, high = estimate - t * se, estimate + t * se
        return Quantiles(
            domain=domain,
            prob=prob,
            estimate=estimate,
            se=se,
            low=low,
            high=high,
            vcov=vcov,
            replicates=replicates,
        )
    share = shares(totals, design, estimate, j)
    if interval == "score":
        low, high = _score_limits(totals, design, parts, prob, t)
    else:
        low, high = _woodruff_limits(totals, parts, share, interval, level, df[domain], rule)
    with np.errstate(invalid="ignore"):
        se = (high - low) / (2 * t)
    return Quantiles(
        domain=domain, prob=prob, estimate=estimate, se=se, low=low, high=high, vcov=_scaled(share.vcov, se)
    )


def _read(parts: list[Ordered | None], probs: Floats, rule: str) -> Floats:
    none = np.full(len(probs), np.nan)
    return np.concatenate([none if x is None else QUANTILE_RULES[rule](x, probs) for x in parts])


def _replicates(totals: PsuTotals, design: Design, probs: Floats, rule: str) -> Replicates:
    """The quantiles of every replicate weight."""
    each: Iterator[PsuTotals]
    if isinstance(totals, ReplicateTotals) and isinstance(design, ReplicateDesign):
        scheme, each = design.scheme(totals.n_replicates), totals.each()
    elif isinstance(totals, PsuReplicateTotals):
        scheme, w = totals.factors.scheme, totals.sums["w"]
        each = (
            replace(totals, sums=totals.sums | {"w": w * f[totals.unit]}) for f in totals.factors.matrix.T
        )
    else:
        raise EstimationError(
            "the interval 'quantile' needs replicate weights",
            where="ci",
            expected="mean, xlogit, beta, asin or score",
            hint='choose one of these, or make replicates with replicate("bootstrap")',
        )
    return Replicates(values=np.stack([_read(_by_domain(t, rule), probs, rule) for t in each]), scheme=scheme)


def _by_domain(totals: PsuTotals, rule: str) -> list[Ordered | None]:
    """Valid values of each domain in order; None where there is no weight."""
    valid = (totals.sums["n"] > 0) & (totals.sums["w"] > 0)
    value, weight, domain = totals.sums["y0"][valid], totals.sums["w"][valid], totals.domain[valid]
    place = totals.sums["row"][valid] if needs_rows(rule) else None
    if len(totals.domains) == 1:
        return [ordered(value, weight, place) if len(value) else None]
    by_domain = np.argsort(domain, kind="stable")
    ends = np.searchsorted(domain[by_domain], np.arange(len(totals.domains) + 1))
    out: list[Ordered | None] = []
    for d in range(len(totals.domains)):
        rows = by_domain[ends[d] : ends[d + 1]]
        at = place[rows] if place is not None else None
        out.append(ordered(value[rows], weight[rows], at) if len(rows) else None)
    return out


def shares(totals: PsuTotals, design: Design, at: Floats, j: int) -> Linear:
    """Share of the weights of each domain at or below J values of its own, with covariance.

    Parameters
    ----------
    totals : PsuTotals
    design : Design
    at : float array (D · J,)
        Values, domain by domain.
    j : int

    Returns
    -------
    Linear
        K = D · J.
    """
    valid = totals.sums["n"] > 0
    value, domain = totals.sums["y0"][valid], totals.domain[valid]
    below = [value <= at[domain * j + i] for i in range(j)]
    units = totals.unit[valid]
    # one term a unit and domain, so that the covariance does not see the rows
    place = units * len(totals.domains) + domain
    keys, compacted = compact(place)
    unit, where = keys // len(totals.domains), keys % len(totals.domains)

    def make(t: PsuTotals) -> UnitTerms:
        w = t.sums["w"][valid]
        den = sum_by(compacted, w, len(keys))
        num = [sum_by(compacted, np.where(hit, w, 0.0), len(keys)) for hit in below]
        return UnitTerms(
            unit=np.tile(unit, j),
            column=np.concatenate([where * j + i for i in range(j)]),
            num=np.concatenate(num),
            den=np.tile(den, j),
            n_columns=len(at),
        )

    linear = variance.linear(design, totals, make)
    return Linear(estimate=np.where(np.isnan(at), np.nan, linear.estimate), vcov=linear.vcov)


def _woodruff_limits(
    totals: PsuTotals,
    parts: list[Ordered | None],
    share: Linear,
    interval: str,
    level: float,
    df: Floats,
    rule: str,
) -> tuple[Floats, Floats]:
    j = len(share.estimate) // len(parts)
    n = np.repeat(totals.by_domain("n"), j)
    se = np.sqrt(np.diagonal(share.vcov))
    # no binomial limits here: at p of 0 or 1 there is no value beyond the sample to read
    limits = proportion_interval(interval, share.estimate, se, n, df, level)
    low, high = np.full(len(n), np.nan), np.full(len(n), np.nan)
    read = QUANTILE_RULES[rule]
    for d, x in enumerate(parts):
        if x is None:
            continue
        here = slice(d * j, (d + 1) * j)
        for ends, out in ((limits.low[here], low), (limits.high[here], high)):
            inside = (ends >= 0) & (ends <= 1) & ~limits.exact[here]
            out[here] = np.where(inside, read(x, np.clip(np.nan_to_num(ends), 0, 1)), np.nan)
    return low, high


def _score_limits(
    totals: PsuTotals, design: Design, parts: list[Ordered | None], prob: Floats, t: Floats
) -> tuple[Floats, Floats]:
    """Smallest and largest value that the score test does not reject, by bisection over the sample values."""
    n_domains, j = len(parts), len(prob) // len(parts)
    values = [np.unique(x.value) if x is not None else np.array([np.nan]) for x in parts]
    own = np.repeat(np.arange(n_domains), j)
    end = np.array([len(v) - 1 for v in values])

    def score(place: Ints) -> Floats:
        """(p - p̂)/se at the values in places (D, B) of each domain, (K, B)."""
        at = np.concatenate([v[m] for v, m in zip(values, place, strict=True)])
        share = shares(totals, design, at, place.shape[1])
        estimate, se = (
            share.estimate.reshape(place.shape),
            np.sqrt(np.diagonal(share.vcov)).reshape(place.shape),
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((prob[:, None] - estimate[own]) / se[own])

    limits = []
    for side in (1.0, -1.0):
        first, last = np.zeros(len(prob), dtype=np.int64), end[own]
        while (first < last).any():
            middle = (first + last) // 2
            z = score(middle.reshape(n_domains, j))[np.arange(len(prob)), np.tile(np.arange(j), n_domains)]
            beyond = z <= side * t
            last, first = (
                np.where(beyond, middle, last),
                np.where(beyond, first, np.minimum(middle + 1, last)),
            )
        found = _outermost(score, first, end, t, lower=side > 0)
        limits.append(np.array([values[d][m] for d, m in zip(own, found, strict=True)]))
    return limits[0], limits[1]


def _outermost(score: Callable[[Ints], Floats], found: Ints, end: Ints, t: Floats, *, lower: bool) -> Ints:
    """The limit, or a value further out that the test does not reject, where few rows lie beyond."""
    own = np.repeat(np.arange(len(end)), len(found) // len(end))
    room = found if lower else end[own] - found + 1
    steps = np.where(room <= _FEW, room, _OUTER)
    for start in range(0, int(steps.max(initial=0)), _OUTER):
        step = start + np.arange(_OUTER)
        place = np.minimum(step, end[:, None]) if lower else np.maximum(end[:, None] - step, 0)
        z, mine = score(place), place[own]
        kept = z <= t[:, None] if lower else z > -t[:, None]
        outside = mine < found[:, None] if lower else mine >= found[:, None]
        hit = kept & outside & (step < steps[:, None])
        reached = mine[np.arange(len(found)), hit.argmax(axis=1)]
        at = reached if lower else np.minimum(reached + 1, end[own])
        found = np.where(hit.any(axis=1), at, found)
    return found


def _scaled(vcov: Floats, se: Floats) -> Floats:
    """Correlations of the shares with the standard errors of the quantiles."""
    spread = np.sqrt(np.diagonal(vcov))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(spread > 0, se / spread, np.nan)
    out = vcov * np.outer(factor, factor)
    np.fill_diagonal(out, se**2)
    return np.asarray(out)
