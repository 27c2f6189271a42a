"""Results of this room: population size, verdict, model selection, stepwise path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.multiple_systems._display import format_number, html_table, text_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Coefficient",
    "PopulationSize",
    "RankedModel",
    "Selection",
    "Step",
    "Verdict",
    "coefficients_of",
    "criteria",
]

FloatArray = NDArray[np.float64]
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One term of a log-linear model; estimate minus infinity and no error for an empty overlap."""

    term: str
    estimate: float
    se: float


def coefficients_of(
    names: Sequence[str], estimates: NDArray[np.float64], covariance: NDArray[np.float64]
) -> tuple[Coefficient, ...]:
    """Terms with their estimates and standard errors."""
    errors = np.sqrt(np.diag(covariance))
    return tuple(
        Coefficient(name, float(b), float(se)) for name, b, se in zip(names, estimates, errors, strict=True)
    )


def criteria(loglik: float, n_parameters: int, n: int) -> dict[str, Any]:
    """Log likelihood, AIC and BIC: the fields of a :class:`PopulationSize` of ``n`` people.

    Examples
    --------
    >>> criteria(-10.0, 2, 100)["aic"]
    24.0
    """
    return {
        "loglik": loglik,
        "aic": -2 * loglik + 2 * n_parameters,
        "bic": -2 * loglik + n_parameters * float(np.log(n)),
    }


@dataclass(frozen=True, slots=True)
class Step:
    """One term entered by a stepwise search and the p-value that let it in."""

    added: tuple[str, ...]
    p_value: float


@dataclass(frozen=True, slots=True)
class RankedModel:
    """One model of a search.

    ``value`` is the criterion, ``delta`` its distance from the best, ``weight`` exp(-delta/2) normalised over
    all valid models.
    """

    model: str
    generators: tuple[tuple[str, ...], ...]
    estimate: float
    value: float
    delta: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a model can be estimated from the table.

    Attributes
    ----------
    code : int
        0 yes; 1 no (extended) maximum likelihood estimate; 2 not identifiable; 3 both.
    model : str
    boundary_terms : tuple of str
        Terms with an empty margin: minus infinity, legitimately.
    infinite_terms : tuple of str
        Terms that run off to infinity for another reason: no estimate exists.
    unidentified_terms : tuple of str
        Terms the observable cells cannot tell apart.
    reason, fix : str
        In words; the fix is the smallest change found that makes the model estimable.
    sizes : (int, int, int)
        Histories in the fit, terms of the model, terms with a finite estimate to look for.
    """

    code: int
    model: str
    boundary_terms: tuple[str, ...] = ()
    infinite_terms: tuple[str, ...] = ()
    unidentified_terms: tuple[str, ...] = ()
    reason: str = ""
    fix: str = ""
    sizes: tuple[int, int, int] = (0, 0, 0)

    @property
    def exists(self) -> bool:
        """The extended maximum likelihood estimate exists."""
        return self.code not in (1, 3)

    @property
    def identifiable(self) -> bool:
        """Every finite parameter is determined."""
        return self.code not in (2, 3)

    @property
    def ok(self) -> bool:
        """The model may be reported."""
        return self.code == 0

    def __repr__(self) -> str:
        lines = [f"Verdict {self.model}: {'estimable' if self.ok else 'not estimable'}"]
        lines += [
            f"  {name}: {text}" for name, text in (("reason", self.reason), ("to do", self.fix)) if text
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """A search through models.

    Attributes
    ----------
    family, criterion, search : str
    n_considered, n_no_mle, n_unidentified, n_valid : int
        Models looked at; refused for lack of an estimate; refused as not identifiable (a model can be both);
        valid.
    ranked : tuple of RankedModel
        The best models, at least all within 10 of the best (up to 200).
    estimates, values : arrays (n_valid,)
        Estimate and criterion of every valid model, best first.
    averaged_estimate, averaged_se : float
        Weighted by exp(-delta/2); standard error of Buckland, Burnham & Augustin (1997).
    """

    family: str
    criterion: str
    search: str
    n_considered: int
    n_no_mle: int
    n_unidentified: int
    n_valid: int
    ranked: tuple[RankedModel, ...]
    estimates: FloatArray
    values: FloatArray
    averaged_estimate: float
    averaged_se: float

    def near_ties(self, within: float = 2.0) -> tuple[RankedModel, ...]:
        """Models whose criterion lies within a distance of the best, the best included."""
        return tuple(m for m in self.ranked if m.delta <= within)

    def to_frame(self) -> pd.DataFrame:
        """The ranked models as a table."""
        import pandas as pd

        names = ("model", "estimate", "value", "delta", "weight")
        return pd.DataFrame([{k: getattr(m, k) for k in names} for m in self.ranked], columns=list(names))

    def __repr__(self) -> str:
        head = (
            f"Selection by {self.criterion} over {self.n_considered:,} {self.family} models "
            f"({self.n_valid:,} valid); estimates {format_number(float(self.estimates.min()))} to "
            f"{format_number(float(self.estimates.max()))}"
        )
        rows = [
            [m.model, format_number(m.estimate), f"{m.delta:.2f}", f"{m.weight:.3f}"]
            for m in self.ranked[:10]
        ]
        return head + "\n" + text_table(["model", "estimate", "delta", "weight"], rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopulationSize:
    """An estimated population size with everything needed to judge it.

    Attributes
    ----------
    method, model : str
    generators : tuple of tuples of str
        Maximal terms of the model.
    estimate, se, ci_low, ci_high : float
        Of the population size (people seen and unseen).
    level : float
    ci_method : str
    n : int
        People observed.
    dark_figure : float
        Estimated people on no list: ``estimate - n``.
    df : int or None
        Residual degrees of freedom: fitted cells less finite parameters.
    loglik, deviance, pearson, aic, aicc, bic : float
        Parameters at minus infinity are counted; bic uses the log of the people observed.
    coefficients : tuple of Coefficient
    boundary_terms : tuple of str
    verdict : Verdict or None
    path : tuple of Step
    smallest_p_not_entered : float or None
    selection : Selection or None
    replicates : array or None
        Draws or bootstrap replicates, where a method makes them.
    detail : object or None
        What only this method reports: a bootstrap, a posterior over graphs, chains.
    assumptions : str
        In plain language, with what would break them.
    notes : tuple of str
    """

    method: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    level: float
    ci_method: str
    n: int
    lists: tuple[str, ...]
    model: str = ""
    generators: tuple[tuple[str, ...], ...] = ()
    df: int | None = None
    loglik: float = _NAN
    deviance: float = _NAN
    pearson: float = _NAN
    aic: float = _NAN
    aicc: float = _NAN
    bic: float = _NAN
    coefficients: tuple[Coefficient, ...] = ()
    boundary_terms: tuple[str, ...] = ()
    verdict: Verdict | None = None
    path: tuple[Step, ...] = ()
    smallest_p_not_entered: float | None = None
    selection: Selection | None = None
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    replicates: FloatArray | None = None
    detail: Any = None
    assumptions: str = ""
    notes: tuple[str, ...] = ()

    @property
    def dark_figure(self) -> float:
        """Estimated people on no list."""
        return self.estimate - self.n

    @property
    def cv(self) -> float:
        """Coefficient of variation of the estimate."""
        return self.se / self.estimate

    @property
    def share_extrapolated(self) -> float:
        """Share of the estimate that nobody has seen: what rests on the model alone."""
        return self.dark_figure / self.estimate

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is visibly wrong with this estimate, worst first; :func:`diagnose` tells more."""
        from survey_toolkit.multiple_systems.flags import failures

        return tuple(text for _, text in failures(self))

    @property
    def near_ties(self) -> tuple[RankedModel, ...]:
        """Other models within 2 of the best criterion, when the model was selected from a family."""
        return self.selection.near_ties()[1:] if self.selection else ()

    def to_frame(self) -> pd.DataFrame:
        """One row, with the columns every estimate of the toolkit has."""
        import pandas as pd

        row = {
            "method": self.method,
            "model": self.model,
            **{k: getattr(self, k) for k in ("estimate", "se", "ci_low", "ci_high", "cv")},
            "df": self.df,
            **{k: getattr(self, k) for k in ("n", "dark_figure", "share_extrapolated")},
            **{k: getattr(self, k) for k in ("ci_method", "level", "deviance", "aic", "bic")},
            "remark": "; ".join(self.warnings),
        }
        return pd.DataFrame([row])

    def _rows(self) -> list[list[object]]:
        interval = f"{format_number(self.ci_low)} to {format_number(self.ci_high)}"
        rows: list[list[object]] = [
            ["population size", format_number(self.estimate)],
            [f"{self.level:.0%} interval ({self.ci_method})", interval],
            ["standard error", f"{format_number(self.se)} (cv {format_number(100 * self.cv, 1)} %)"],
            ["observed", format_number(self.n)],
            ["unseen (extrapolated)", f"{format_number(self.dark_figure)} ({self.share_extrapolated:.0%})"],
        ]
        rows += [["!", text] for text in self.warnings]
        if self.model:
            rows.append(["model", self.model])
        if self.df is not None:
            rows.append(["deviance (df)", f"{self.deviance:.2f} ({self.df})"])
            rows.append(["AIC, BIC", f"{self.aic:.2f}, {self.bic:.2f}"])
        if self.boundary_terms:
            rows.append(["terms at minus infinity", ", ".join(self.boundary_terms)])
        if self.path:
            rows.append(["entered", ", ".join(":".join(s.added) for s in self.path)])
        if self.near_ties:
            ties = self.near_ties
            shown = ", ".join(format_number(m.estimate) for m in ties[:6])
            head = "other model" if len(ties) == 1 else f"{len(ties)} other models"
            rows.append([f"{head} about as good (criterion within 2 of the best)",
                         shown + (" …" if len(ties) > 6 else "")])  # fmt: skip
        return rows

    def __repr__(self) -> str:
        lines = [f"  {label}: {value}" for label, value in self._rows()]
        return "\n".join([f"PopulationSize by {self.method}", *lines, *(f"  note: {t}" for t in self.notes)])

    def _repr_html_(self) -> str:
        notes = [*self.notes, *([self.assumptions] if self.assumptions else [])]
        return html_table(["", ""], self._rows(), caption=f"Population size by {self.method}", notes=notes)
