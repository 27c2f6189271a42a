r"""Estimates of one population by different methods, on one scale, with what each assumes, and pooled.

Methods are pooled by random effects: each estimate has its own error and a deviation of its method,
:math:`\hat\theta_m \sim N(\theta + \delta_m, s_m^2)`, :math:`\delta_m \sim N(0, \tau^2)`. The spread between
methods :math:`\tau` is the message: methods that disagree by more than their errors have biases, and
averaging does not remove them. The mean has the interval of Hartung, Knapp, Sidik and Jonkman, and a further
method would be expected in the prediction interval.

References
----------
DerSimonian and Laird (1986), *Controlled Clinical Trials* 7:177-188; Paule and Mandel (1982), *Journal of
Research of the NBS* 87:377-385; Hartung and Knapp (2001), *Statistics in Medicine* 20:3875-3889; Higgins,
Thompson and Spiegelhalter (2009), *JRSS A* 172:137-159 (prediction).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.hidden_populations._plain import check_level
from survey_toolkit.hidden_populations.pooling import Pooled, pool

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["ASSUMPTIONS", "Candidate", "Comparison", "compare"]

Scale = Literal["count", "prevalence"]

#: What each method assumes, and how that is checked.
ASSUMPTIONS: dict[str, tuple[str, str]] = {
    "household": (
        "victims live in households of the frame and say what happened to them",
        "coverage of the frame, proxy answers, interviewer effects",
    ),
    "multiplicity": (
        "relatives know of the situation and tell it; the number who could report is right",
        "self-reports against relatives (proxy ratio); missing multiplicities",
    ),
    "scale_up": (
        "respondents know of the status of people they know; hidden members know as many people as others",
        "back-estimates of known groups; transmission and degree ratio from a sample of members",
    ),
    "rds": (
        "recruitment is at random among ties; ties are mutual; one connected network; degrees are right",
        "convergence and bottleneck plots, homophily, waves, several seeds, curve over population size",
    ),
    "multiple_systems": (
        "lists are independent given the model; links are right; the population is closed",
        "existence, model fit, merged and left-out lists, linkage error",
    ),
    "item_count": (
        "nobody lies on the list; the sensitive item does not change the other answers",
        "design-effect test, shares at floor and ceiling, double lists, placebo",
    ),
    "randomized_response": (
        "everybody follows the device; its probability is as designed",
        "anchor items of known prevalence, estimates below zero, share of attentive respondents",
    ),
    "mark_recapture": (
        "both occasions are independent and marks are not lost; within a group all are equally visible",
        "a third occasion; victims and others apart; places not visited",
    ),
    "time_location": (
        "every member visits a listed venue in the window; visits are reported rightly",
        "with and without attendance weights; venues that refused",
    ),
    "other": ("as stated by its author", "as stated by its author"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One estimate of the population.

    Attributes
    ----------
    label : str
    method : str
        A key of :data:`ASSUMPTIONS`.
    estimate, se, ci_low, ci_high : float
        On the scale of the comparison.
    n : float
        Respondents, or people seen; NaN where unknown.
    assumptions, checks : str
    warnings : tuple of str
        What was found broken: from the result and from the user.
    """

    label: str
    method: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    n: float
    assumptions: str
    checks: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Methods side by side.

    Attributes
    ----------
    candidates : tuple of Candidate
    scale : {"count", "prevalence"}
    population : float or None
    pooled : Pooled or None
    level : float
    notes : tuple of str
    """

    candidates: tuple[Candidate, ...]
    scale: str
    population: float | None
    pooled: Pooled | None
    level: float
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a method, and the pooled rows last.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        rows: list[dict[str, Any]] = [
            {
                "label": c.label, "method": c.method, "estimate": c.estimate, "se": c.se, "ci_low": c.ci_low,
                "ci_high": c.ci_high, "cv": c.se / c.estimate if c.estimate else math.nan, "n": c.n,
                "assumptions": c.assumptions, "checks": c.checks, "remark": "; ".join(c.warnings),
            }
            for c in self.candidates
        ]  # fmt: skip
        if self.pooled is not None:
            p = self.pooled
            rows.append(
                {"label": "pooled", "method": "random effects", "estimate": p.estimate, "ci_low": p.ci_low,
                 "ci_high": p.ci_high, "remark": f"I² {p.i2:.0%}, tau {p.tau:.2f} on the {p.scale} scale"}
            )  # fmt: skip
            rows.append(
                {"label": "prediction", "method": "random effects", "estimate": math.nan,
                 "ci_low": p.prediction_low, "ci_high": p.prediction_high, "remark": "a further method"}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Forest plot; see :func:`~survey_toolkit.hidden_populations.plot_comparison`."""
        from survey_toolkit.hidden_populations.plots import plot_comparison

        return plot_comparison(self)

    def number(self, value: float) -> str:
        """A value of the scale for people: persons, or percent."""
        if math.isnan(value):
            return "-"
        return f"{value:,.0f}" if self.scale == "count" else f"{100 * value:.2f} %"

    def interval(self, low: float, high: float) -> str:
        """Both limits for people; in words where there is no interval."""
        return "no interval" if low != low or high != high else f"{self.number(low)} to {self.number(high)}"

    def with_interval(self, estimate: float, low: float, high: float) -> str:
        """An estimate and its limits in brackets."""
        known = "no interval" if low != low or high != high else f"{self.number(low)} – {self.number(high)}"
        return f"{self.number(estimate)}  ({known})"

    @property
    def in_words(self) -> str:
        """The forest plot in words, for those who do not see it."""
        lines = [f"{c.label} {self.with_interval(c.estimate, c.ci_low, c.ci_high)}" for c in self.candidates]
        if (p := self.pooled) is not None:
            lines.append(f"pooled {self.with_interval(p.estimate, p.ci_low, p.ci_high)}")
        return f"Methods side by side: {'; '.join(lines)}."

    def _rows(self) -> list[list[str]]:
        rows = [
            [c.label, self.number(c.estimate), self.interval(c.ci_low, c.ci_high),
             "; ".join(c.warnings)]
            for c in self.candidates
        ]  # fmt: skip
        if self.pooled is not None:
            p = self.pooled
            rows.append(
                ["pooled", self.number(p.estimate), self.interval(p.ci_low, p.ci_high),
                 f"I² {p.i2:.0%}; tau {p.tau:.2f} ({p.scale}); p of equality {p.q_p_value:.3g}"]
            )  # fmt: skip
            rows.append(
                [
                    "a further method",
                    "",
                    self.interval(p.prediction_low, p.prediction_high),
                    "",
                ]
            )
        return rows

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(len(r[j]) for r in rows) for j in range(3)]
        lines = [
            "  ".join([r[0].ljust(widths[0]), r[1].rjust(widths[1]), r[2].rjust(widths[2]), r[3]]).rstrip()
            for r in rows
        ]
        return "\n".join(
            [f"Comparison of {len(self.candidates)} methods ({self.scale})", *lines, *self.notes]
        )

    def _repr_html_(self) -> str:
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self._rows()
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        head = "<tr><th>method</th><th>estimate</th><th>interval</th><th>remark</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{notes}"


def compare(
    results: Mapping[str, Any],
    *,
    scale: Scale = "count",
    population: float | None = None,
    methods: Mapping[str, str] | None = None,
    warnings: Mapping[str, Sequence[str]] | None = None,
    pooling: bool = True,
    level: float = 0.95,
) -> Comparison:
    """Put estimates of one population side by side.

    Parameters
    ----------
    results : mapping of label to result
        An ``Estimates`` of one row, ``(Estimates, row)`` for one of several, a ``PopulationSize``, a
        ``MarkRecapture``, a posterior of sizes (``SizePosterior``; ``(ScaleUpPosterior, group)``), or a
        mapping with ``estimate``, ``se`` or ``ci_low`` and ``ci_high``, and ``unit`` (``persons`` or
        ``proportion``).
    scale : {"count", "prevalence"}
    population : float, optional
        Size of the whole population; needed when results must be converted between the two scales. It
        counts as exact.
    methods : mapping of label to method, optional
        Keys of :data:`ASSUMPTIONS`; guessed from the result where not given.
    warnings : mapping of label to texts, optional
        Assumptions known to be broken.
    pooling : bool
        Random-effects summary of at least two methods. Methods on the same respondents are not independent;
        the note says so.
    level : float
        Of the pooled intervals; those of the results are as they come.

    Returns
    -------
    Comparison

    Raises
    ------
    EstimationError
        If a result has several rows, cannot be converted, or its method is unknown.

    Examples
    --------
    >>> table = compare({"survey": {"estimate": 1000, "se": 200, "unit": "persons"},
    ...                  "lists": {"estimate": 1500, "se": 250, "unit": "persons"}})
    >>> 1000 < table.pooled.estimate < 1500
    True
    """
    check_level(level)
    if scale not in ("count", "prevalence"):
        raise EstimationError("unknown scale", where="scale", found=scale, expected="count, prevalence")
    if not results:
        raise EstimationError(
            "there is nothing to compare", where="results", hint="give two results or more", code="no-results"
        )
    named = dict(methods or {})
    told = dict(warnings or {})
    for given in (*named, *told):
        if given not in results:
            raise EstimationError(
                "no result has this label", where=str(given), expected=did_you_mean(given, results)
            )
    candidates = tuple(
        _candidate(label, result, scale, population, named.get(label), tuple(told.get(label, ())))
        for label, result in results.items()
    )
    notes = []
    usable = [c for c in candidates if c.se > 0 and c.estimate > 0]
    left_out = [c.label for c in candidates if c not in usable]
    pooled = None
    if pooling and len(usable) >= 2:
        pooled = pool([c.estimate for c in usable], [c.se for c in usable], scale=scale, level=level)
        notes.append("Pooling takes the methods as independent; it averages biases, it does not remove them.")
        if left_out:
            notes.append(f"not pooled (no error, or not above zero): {', '.join(left_out)}")
        if pooled.i2 > 0.75:
            notes.append("The methods disagree by more than their errors: report the range, not the mean.")
    return Comparison(
        candidates=candidates, scale=scale, population=population, pooled=pooled, level=level,
        notes=tuple(notes),
    )  # fmt: skip


def _candidate(
    label: str, result: Any, scale: str, population: float | None, method: str | None, told: tuple[str, ...]
) -> Candidate:
    from survey_toolkit.hidden_populations._candidates import numbers_of

    got = numbers_of(label, result)
    method = method or got.method
    if method not in ASSUMPTIONS:
        raise EstimationError(
            "unknown method",
            where=f"methods: {label}",
            found=method,
            expected=did_you_mean(method, ASSUMPTIONS),
        )
    wanted = "persons" if scale == "count" else "proportion"
    factor = 1.0
    if got.unit != wanted:
        if population is None or not population > 0:
            raise EstimationError(
                "this result is on the other scale",
                where=label,
                found=got.unit,
                expected=wanted,
                hint="give population=, the size of the whole population",
                code="no-population",
            )
        factor = population if wanted == "persons" else 1 / population
    assumed, checked = ASSUMPTIONS[method]
    return Candidate(
        label=label, method=method, estimate=got.estimate * factor, se=got.se * factor,
        ci_low=got.ci_low * factor, ci_high=got.ci_high * factor, n=got.n, assumptions=assumed,
        checks=checked, warnings=got.warnings + told,
    )  # fmt: skip
