"""Designs that estimate variances by replication: with the producer's weights, or replicates made here."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame, require_columns
from survey_toolkit.errors import DesignError, did_you_mean
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.replication import Scheme

__all__ = ["Creatable", "ReplicateDesign", "ReplicateKind", "ReplicatedDesign"]

ReplicateKind: TypeAlias = Literal[
    "JK1", "JK2", "JKn", "BRR", "Fay", "bootstrap", "successive_difference", "ACS", "other"
]
Creatable: TypeAlias = Literal[
    "JK1",
    "JK2",
    "JKn",
    "BRR",
    "Fay",
    "bootstrap",
    "subbootstrap",
    "canty_davison",
    "preston",
    "successive_difference",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateDesign:
    """Replicate weights that the producer of the data gives in columns.

    Parameters
    ----------
    weight : str
        Full-sample weight.
    replicates : str or sequence of str
        The columns of replicate weights, or the prefix they share (``"rw"`` for rw1, rw2, …).
    kind : str
        ``JK1``, ``JK2``, ``JKn``, ``BRR``, ``Fay``, ``bootstrap``, ``successive_difference``, ``ACS``
        (the same), or ``other``. It sets the scale where none is given.
    n : int, optional
        How many replicates the documentation promises; another count is refused.
    scale, rscales : float, sequence of float, optional
        Multiplier of the sum of squares, and of each square. Default by kind for R replicates: JK1
        (R-1)/R, JK2 1, BRR 1/R, Fay 1/(R(1-rho)²), bootstrap 1/R (1/(R-1) about the mean),
        successive difference 4/R. JKn needs rscales ((n_h-1)/n_h), other needs scale or rscales.
    rho : float
        Fay's factor, 0 ≤ rho < 1.
    combined : bool
        False when the columns are factors, to be multiplied by the weight.
    mse : bool
        Squares about the full-sample estimate (most producers' rule, default) or about the mean of the
        replicates.
    allow_negative : bool
        Accept negative replicate weights, which some calibrated products hold (ACS).
    ranked : tuple of str
        Columns of the replicate weights before they were adjusted here, from whose rank the degrees of
        freedom follow; set by ``Survey.calibrate`` and its like.

    Raises
    ------
    DesignError
        For an unknown kind, a missing or impossible scale, or a wrong number of columns.

    Notes
    -----
    Degrees of freedom are the rank of the matrix of replicate weights minus one (of the rows of a domain,
    for ``df="domain"``), as in R's survey; not the number of replicates minus one. Weights that each
    replicate was calibrated with here keep the rank from before: calibration makes replicates differ in more
    ways (JKn of 10 strata by 2 PSUs has rank 11, after post-stratification 20), but brings no further PSU.
    With the rank after, which R takes after postStratify and in domains, 95 % intervals cover 92 to 94 %
    (benchmarks/results/recalibrated_df.md).

    Examples
    --------
    >>> ReplicateDesign(weight="w", replicates=["r1", "r2"], kind="JK1").scheme(2).scale
    0.5
    """

    weight: str
    replicates: str | Sequence[str]
    kind: ReplicateKind
    n: int | None = None
    scale: float | None = None
    rscales: Sequence[float] | None = None
    rho: float = 0.0
    combined: bool = True
    mse: bool = True
    allow_negative: bool = False
    ranked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_kind(self.kind, get_args(ReplicateKind))
        _check_rho(self.rho, self.kind)
        for name, values in (("scale", [self.scale]), ("rscales", self.rscales or [])):
            if any(v is not None and not (math.isfinite(v) and v >= 0) for v in values):
                raise DesignError(
                    "a scale must be finite and not negative",
                    where=name,
                    found=str(values)[:80],
                    expected="numbers of zero or above",
                    hint="take it from the documentation of the data",
                )
        if self.scale == 0:
            raise DesignError(
                "a scale of 0 makes every variance 0",
                where="scale",
                found="0",
                expected="a number above 0",
                hint="take it from the documentation of the data, or leave it out: the kind has one",
            )
        if not isinstance(self.replicates, str):
            object.__setattr__(self, "replicates", tuple(self.replicates))
        if self.rscales is not None:
            object.__setattr__(self, "rscales", tuple(float(v) for v in self.rscales))
        if self.kind == "JKn" and self.rscales is None:
            raise DesignError(
                "a stratified jackknife needs the scale of each replicate",
                where="rscales",
                found="none",
                expected="(n_h - 1)/n_h for each replicate, n_h PSUs in its stratum",
                hint="take them from the documentation of the data; JK1 has one scale for all",
                code="missing-scale",
            )
        if self.kind == "other" and self.scale is None and self.rscales is None:
            raise DesignError(
                "replicates of no known kind need a scale",
                where="scale",
                found='kind "other" without scale and rscales',
                expected="the factor of the sum of squares, or one of each square",
                hint="take it from the documentation of the data",
                code="missing-scale",
            )

    @property
    def lonely_psu(self) -> str:
        """The producer's replicates have settled it."""
        return "remove"

    def columns_in(self, frame: LazyFrame) -> tuple[str, ...]:
        """Names of the replicate columns, in order.

        Raises
        ------
        DesignError
            If there are fewer than two, or not as many as ``n`` or ``rscales``.
        """
        names = self.replicates
        if isinstance(names, str):
            pattern = re.compile(re.escape(names) + r"_?(\d+)")
            hits = [(int(m[1]), c) for c in frame.collect_schema().names() if (m := pattern.fullmatch(c))]
            names = tuple(name for _, name in sorted(hits))
        wanted = {"n": self.n, "rscales": None if self.rscales is None else len(self.rscales)}
        for where, count in wanted.items():
            if count is not None and count != len(names):
                raise DesignError(
                    "the number of replicate weights is not the one declared",
                    where=where,
                    found=f"{len(names)} columns{_shown(names)}",
                    expected=str(count),
                    hint="name the columns, or correct the count",
                    code="replicate-count",
                )
        if len(names) < 2:
            raise DesignError(
                "there are no replicate weights to take a variance from",
                where="replicates",
                found=f"{len(names)} columns{_shown(names)}",
                expected="two or more columns",
                hint="give the names, or the prefix before the number",
                code="replicate-count",
            )
        return tuple(names)

    def check_columns(self, frame: LazyFrame) -> None:
        """Raise if a column is missing or not numeric."""
        names = [self.weight, *self.columns_in(frame)]
        require_columns(frame, names, what="replicate design", error=DesignError)
        schema = frame.collect_schema()
        text = [name for name in names if not (schema[name].is_numeric() or schema[name] == nw.Unknown)]
        if text:
            raise DesignError(
                "weights must be numeric",
                where=text[0],
                found=str(schema[text[0]]),
                expected="a column of numbers",
                hint="recode it",
            )

    def scheme(self, n: int) -> Scheme:
        """Scale and rscales for n replicates."""
        whole = 1.0 / n if self.mse else 1.0 / (n - 1)
        default = {
            "JK1": (n - 1) / n,
            "BRR": 1 / n,
            "Fay": 1 / (n * (1 - self.rho) ** 2),
            "bootstrap": whole,
            "successive_difference": 4 / n,
            "ACS": 4 / n,
        }.get(self.kind, 1.0)
        return Scheme(
            kind=self.kind,
            scale=default if self.scale is None else self.scale,
            rscales=np.ones(n) if self.rscales is None else np.asarray(self.rscales, dtype=np.float64),
            mse=self.mse,
        )

    def sentence(self) -> str:
        """The design in one line of text.

        Examples
        --------
        >>> ReplicateDesign(weight="w", replicates="rw", kind="BRR").sentence()
        'weights w; BRR replicate weights rw, about the estimate'
        """
        names = self.replicates if isinstance(self.replicates, str) else f"{len(self.replicates)} columns"
        about = "the estimate" if self.mse else "the mean of the replicates"
        more = f" rho {self.rho:g}" if self.rho else ""
        return f"weights {self.weight}; {self.kind}{more} replicate weights {names}, about {about}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicatedDesign:
    """Replicates made here, by factors for the sampling units of a design.

    Made by :meth:`Survey.replicate <survey_toolkit.estimation.Survey.replicate>`; the factors are drawn when
    the units are known (:mod:`survey_toolkit.estimation.replicate_factors`).

    Parameters
    ----------
    base : SurveyDesign
    kind : str
        See :meth:`Survey.replicate <survey_toolkit.estimation.Survey.replicate>`.
    n : int, optional
        Replicates; for bootstraps 500 when not given, for the others what the design asks for.
    seed : int
        Of the random kinds.
    rho : float
        Fay's factor.
    mse : bool
        Squares about the full-sample estimate, or about the mean of the replicates.

    Examples
    --------
    >>> ReplicatedDesign(base=SurveyDesign(weight="w", psu="ea"), kind="bootstrap", n=200, seed=1).sentence()
    'weights w; PSU ea; lonely PSU: fail; bootstrap of 200 replicates (seed 1)'
    """

    base: SurveyDesign
    kind: Creatable
    n: int | None = None
    seed: int = 1
    rho: float = 0.0
    mse: bool = True

    def __post_init__(self) -> None:
        _check_kind(self.kind, get_args(Creatable))
        _check_rho(self.rho, self.kind)
        if not isinstance(self.base, SurveyDesign):
            raise DesignError(
                "replicates are made from a design with strata and PSUs",
                where="replicate",
                found=type(self.base).__name__,
                expected="SurveyDesign",
                hint="this design has a variance of its own",
            )
        if self.base.adjustments:
            raise DesignError(
                "these weights were adjusted before the replicates: each replicate must be adjusted too",
                where="replicate",
                found=self.base.adjustments[-1].sentence,
                expected="replicates first, then the adjustment",
                hint='survey.replicate("bootstrap").poststratify(...) repeats the step in every replicate',
                code="adjusted-before-replicates",
            )
        if self.n is not None and (isinstance(self.n, bool) or self.n != int(self.n) or self.n < 2):
            raise DesignError(
                "two or more replicates are needed",
                where="n",
                found=repr(self.n),
                expected="a whole number of 2 or more",
                hint="a bootstrap takes 200 to 1000",
            )
        if self.n is not None and self.kind in ("JK1", "JK2", "JKn"):
            raise DesignError(
                "the number of jackknife replicates follows from the design",
                where="n",
                found=str(self.n),
                expected="no n",
                hint="leave n out, or take a bootstrap",
            )
        if self.random and self.n is None:
            object.__setattr__(self, "n", 500)

    @property
    def random(self) -> bool:
        """Whether the replicates are drawn at random."""
        return self.kind in ("bootstrap", "subbootstrap", "canty_davison", "preston")

    @property
    def weight(self) -> str | None:
        """Weight column of the base design."""
        return self.base.weight

    @property
    def lonely_psu(self) -> str:
        """As in the base design."""
        return self.base.lonely_psu

    def check_columns(self, frame: LazyFrame) -> None:
        """As in the base design."""
        self.base.check_columns(frame)

    def sentence(self) -> str:
        """The design in one line of text."""
        more = f" rho {self.rho:g}" if self.rho else ""
        how = (
            f"{self.kind}{more} replicates" if self.n is None else f"{self.kind}{more} of {self.n} replicates"
        )
        seed = f" (seed {self.seed})" if self.random else ""
        centre = "" if self.mse else ", about their mean"
        return f"{self.base.sentence()}; {how}{seed}{centre}"


def _check_kind(kind: str, allowed: tuple[Any, ...]) -> None:
    if kind not in allowed:
        raise DesignError(
            "unknown kind of replicates",
            where="kind",
            found=repr(kind),
            expected=", ".join(allowed),
            hint=did_you_mean(str(kind), allowed),
        )


def _check_rho(rho: float, kind: str) -> None:
    if not 0 <= rho < 1:
        raise DesignError(
            "Fay's factor must lie in [0, 1)",
            where="rho",
            found=str(rho),
            expected="such as 0.3 or 0.5",
            hint="take it from the documentation of the data",
        )
    if (rho > 0) != (kind == "Fay"):
        raise DesignError(
            "rho belongs to Fay's method, and Fay's method needs it",
            where="rho",
            found=f"rho {rho:g} with kind {kind}",
            expected='rho above 0 with kind "Fay", and no rho with the others',
            hint='kind="Fay", rho=0.3 for instance; BRR is Fay with rho 0',
            code="missing-scale",
        )


def _shown(names: Sequence[str]) -> str:
    return f", {names[0]} … {names[-1]}" if names else ""
