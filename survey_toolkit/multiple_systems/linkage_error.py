"""Two lists with imperfect links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._log_type import LOG_TYPE, log_limits
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["linkage_corrected", "linkage_sweep"]

_ASSUMPTIONS = (
    "As for two independent lists, and in addition the two rates of linkage error are known (from clerical "
    "review of a sample, for example) and the same for everybody. Missed links make the naive estimate too "
    "high, false links too low."
)


def linkage_corrected(
    n1: int,
    n2: int,
    links: int,
    *,
    match_rate: float,
    false_link_rate: float = 0.0,
    level: float = 0.95,
) -> PopulationSize:
    """Lincoln-Petersen estimate corrected for linkage errors (Ding & Fienberg 1994, one direction).

    A record of list 1 with a true match on list 2 is linked with probability alpha, one without is linked
    falsely with probability beta: ``m* = (m - beta n1) / (alpha - beta)``, ``N = n1 n2 / m*``.

    Parameters
    ----------
    n1, n2 : int
        List sizes.
    links : int
        Links found.
    match_rate : float
        alpha: share of true matches that were linked.
    false_link_rate : float
        beta.
    level : float
        For the log-type interval; the rates count as known, the links as binomial in ``n1``.

    Raises
    ------
    EstimationError
        Rates that are no probabilities, alpha not above beta, sizes that do not fit together, fewer links
        than false links alone would give, more corrected links than people on a list.

    References
    ----------
    Ding & Fienberg (1994) Survey Methodology 20:149-158; Di Consiglio & Tuoto (2015) J. Official Statistics
    31:415-429.

    Examples
    --------
    >>> round(linkage_corrected(400, 400, 40, match_rate=0.95).estimate)
    3800
    """
    _check(n1, n2, links, match_rate, false_link_rate)
    matches = (links - false_link_rate * n1) / (match_rate - false_link_rate)
    if not 0 < matches <= min(n1, n2):
        raise EstimationError(
            "the corrected number of links is impossible",
            where="links",
            found=f"{links:,} links become {matches:,.1f} true matches of {n1:,} and {n2:,} people",
            expected="more than 0 and at most the smaller list",
            hint="false links alone would give "
            f"{false_link_rate * n1:,.0f}: review the two error rates on a clerical sample",
            code="impossible-links",
        )
    estimate = n1 * n2 / matches
    # The part of the variance that is sampling (as Lincoln-Petersen), and the part that is linkage.
    sampling = n1 * n2 * (n1 - matches) * (n2 - matches) / matches**3
    noise = (
        matches * match_rate * (1 - match_rate) + (n1 - matches) * false_link_rate * (1 - false_link_rate)
    ) / (match_rate - false_link_rate) ** 2
    se = float(np.sqrt(sampling + (estimate / matches) ** 2 * noise))
    seen = n1 + n2 - matches
    low, high = log_limits(seen, estimate, se, level)
    return PopulationSize(
        method="Lincoln-Petersen, corrected for linkage error",
        model="two lists independent",
        estimate=estimate,
        se=se,
        ci_low=low,
        ci_high=high,
        level=level,
        ci_method=LOG_TYPE,
        n=round(seen),
        lists=("list 1", "list 2"),
        diagnostics={
            "links": float(links),
            "corrected_links": matches,
            "naive": n1 * n2 / links if links else float("inf"),
        },
        assumptions=_ASSUMPTIONS,
        notes=(f"{links:,} links found, {matches:,.1f} true matches after correction",),
    )


def linkage_sweep(
    n1: int, n2: int, links: int, *, match_rates: tuple[float, ...], false_link_rate: float = 0.0
) -> tuple[PopulationSize, ...]:
    """The corrected estimate for several match rates, for a table of what linkage quality does.

    Parameters
    ----------
    n1, n2, links : int
        People on each list, and links found between them.
    match_rates : tuple of float
        Chances that a true match is found, one result each.
    false_link_rate : float
        Chance that a record without a match is linked.

    Returns
    -------
    tuple of PopulationSize
        In the order of ``match_rates``.

    Raises
    ------
    EstimationError
        As :func:`linkage_corrected`.

    Examples
    --------
    >>> [round(r.estimate) for r in linkage_sweep(400, 400, 40, match_rates=(0.8, 0.9, 1.0))]
    [3200, 3600, 4000]
    """
    return tuple(
        replace(fit, model=f"match rate {rate:g}")
        for rate in match_rates
        for fit in [linkage_corrected(n1, n2, links, match_rate=rate, false_link_rate=false_link_rate)]
    )


def _check(n1: int, n2: int, links: int, match_rate: float, false_link_rate: float) -> None:
    for name, rate in (("match_rate", match_rate), ("false_link_rate", false_link_rate)):
        if not 0 <= rate <= 1:
            raise EstimationError(
                "a rate lies between 0 and 1", where=name, found=f"{rate:g}", code="bad-rate"
            )
    if match_rate <= false_link_rate:
        raise EstimationError(
            "links must be likelier for true matches than for others",
            where="match_rate",
            found=f"{match_rate:g} against {false_link_rate:g}",
            code="bad-rate",
        )
    if min(n1, n2) < 1 or not 0 <= links <= min(n1, n2):
        raise EstimationError(
            "the sizes do not fit together",
            where="n1, n2, links",
            found=f"{n1}, {n2}, {links}",
            expected="lists with people, and at most as many links as the smaller list",
            code="bad-count",
        )
