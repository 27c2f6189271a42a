"""Weights from the selection to the estimate, step by step, with a report of what each step did.

>>> import pandas as pd
>>> rows = pd.DataFrame({"p": [0.1] * 4, "status": ["ER", "ER", "ENR", "UNK"], "sex": ["F", "M", "F", "M"]})
>>> chain = WeightChain.start(rows, probability="p").unknown_eligibility("status").nonresponse("status")
>>> chain.weight.round(2).tolist()
[20.0, 20.0, 0.0, 0.0]
>>> [step.name for step in chain.steps]
['base', 'unknown eligibility', 'nonresponse']

References
----------
Valliant, Dever and Kreuter (2018), *Practical Tools for Designing and Weighting Survey Samples*, ch. 13-14;
AAPOR,
*Standard Definitions*, for the statuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError, did_you_mean
from survey_toolkit.estimation import Survey, SurveyDesign
from survey_toolkit.sampling._checks import choice, positive
from survey_toolkit.sampling.weight_report import WeightReport, WeightStep, weight_step

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATUSES", "WeightChain"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Final statuses of a selected unit.
STATUSES = {
    "ER": "eligible, responded",
    "ENR": "eligible, did not respond",
    "NE": "not eligible",
    "UNK": "eligibility unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightChain:
    """Rows, their weight so far, and the steps that made it; every method returns a new chain.

    Attributes
    ----------
    frame : pandas.DataFrame
    weight : float array (n,)
        Zero for those who left.
    steps : tuple of WeightStep
    groups : str or None
        Column by which the report tells who lost weight.
    """

    frame: pd.DataFrame
    weight: Floats
    steps: tuple[WeightStep, ...]
    groups: str | None = None

    @classmethod
    def start(
        cls,
        frame: pd.DataFrame,
        *,
        probability: str | None = None,
        weight: str | None = None,
        groups: str | None = None,
    ) -> WeightChain:
        """Base weights: the inverse of the selection probability, or a column of weights.

        Raises
        ------
        DesignError
            If a probability is not in (0, 1], or a weight not above zero.
        """
        if (probability is None) == (weight is None):
            raise DesignError("base weights come from probabilities or from weights", where="probability")
        column = str(probability or weight)
        _require(frame, [column, *([groups] if groups else [])])
        given = frame[column].to_numpy(np.float64, na_value=np.nan)
        bad = ~(given > 0) | ~np.isfinite(given) | ((given > 1) & (probability is not None))
        if bad.any():
            raise DesignError(
                "selection probabilities are outside (0, 1]" if probability else "weights are not above zero",
                where=column,
                found=f"{int(bad.sum())} of {bad.size} rows",
                code="bad-weight",
            )
        base = 1 / given if probability else given.copy()
        first = weight_step("base", base * 0 + np.nan, base, frame, groups, sentence=f"from {column}")
        return cls(frame=frame.reset_index(drop=True), weight=base, steps=(first,), groups=groups)

    def unknown_eligibility(self, status: str, *, classes: Sequence[str] = ()) -> WeightChain:
        """Give the weight of those whose eligibility is unknown to the known of their class, eligible or not.

        Parameters
        ----------
        status : str
            Column with the codes of :data:`STATUSES`.
        classes : sequence of str
            Columns whose crossing makes the classes; none is one class.
        """
        known = _statuses(self.frame, status) != "UNK"
        return self._by_classes("unknown eligibility", known, np.ones(known.size, dtype=bool), classes)

    def nonresponse(
        self, status: str, *, classes: Sequence[str] = (), propensity: Sequence[str] = ()
    ) -> WeightChain:
        """Give the weight of eligible nonrespondents to respondents; those not eligible leave.

        Parameters
        ----------
        status : str
        classes, propensity : sequence of str
            Response classes, or variables of a logistic model of response (one of the two, or neither: one
            class).

        Raises
        ------
        EstimationError
            If a class has no respondent, or the model no solution.
        """
        code = _statuses(self.frame, status)
        eligible = (code == "ER") | (code == "ENR")
        if classes and propensity:
            raise DesignError("classes or a propensity, not both", where="propensity")
        if ((code == "UNK") & (self.weight > 0)).any():
            raise DesignError(
                "eligibility is still unknown",
                where=status,
                hint="distribute it first with unknown_eligibility",
            )
        if propensity:
            survey = self._survey(eligible, {"_answered": code == "ER"})
            new = survey.adjust_nonresponse("_answered", propensity=list(propensity)).weights()
            told = f"propensity on {', '.join(propensity)}"
            return self._then("nonresponse", self._spread(new, eligible), told)
        return self._by_classes("nonresponse", code == "ER", eligible, classes)

    def subsample(self, factor: str) -> WeightChain:
        """Multiply by a factor, e.g. ``within_weight`` of :func:`select_person`.

        Raises
        ------
        DesignError
            If a factor of somebody with weight is missing or below one.
        """
        _require(self.frame, [factor])
        values = self.frame[factor].to_numpy(np.float64, na_value=np.nan)
        bad = (self.weight > 0) & ~((values >= 1) & np.isfinite(values))
        if bad.any():
            raise DesignError(
                "factors of subsampling are missing or below one",
                where=factor,
                found=f"{int(bad.sum())} rows",
            )
        new = np.where(self.weight > 0, self.weight * np.nan_to_num(values), 0.0)
        return self._then("subsampling", new, f"times {factor}")

    def trim(
        self,
        *,
        lower: float | None = None,
        upper: float | None = None,
        median_times: float | None = None,
        redistribute: Literal["equally", "proportionally"] | None = "proportionally",
    ) -> WeightChain:
        """Cut the weights at limits and give the excess to the rest (``estimation``'s trimming).

        Parameters
        ----------
        lower, upper : float, optional
        median_times : float, optional
            Upper limit as a multiple of the median weight, in place of ``upper``.
        """
        alive = self.weight > 0
        if median_times is not None:
            if upper is not None:
                raise DesignError("the upper limit is told twice", where="median_times")
            upper = positive(median_times, "median_times") * float(np.median(self.weight[alive]))
        new = self._survey(alive).trim(lower=lower, upper=upper, redistribute=redistribute).weights()
        cut = int((self.weight[alive] > (np.inf if upper is None else upper)).sum())
        told = f"limits {lower or 0:g} to {np.inf if upper is None else upper:g}; {cut} rows cut"
        return self._then("trimming", self._spread(new, alive), told)

    def calibrate(
        self, totals: Mapping[Any, Any], *, method: str = "rake", bounds: Sequence[float] | None = None
    ) -> WeightChain:
        """Make the weights add up to known totals.

        Parameters
        ----------
        totals : mapping
            As in ``Survey.rake``, ``poststratify`` and ``calibrate``.
        method : {"rake", "poststratify", "linear", "raking", "logit"}
        bounds : pair of float, optional
            Limits of new over old weight (``linear``, ``raking``, ``logit``).
        """
        choice(method, ("rake", "poststratify", "linear", "raking", "logit"), "method")
        alive = self.weight > 0
        survey = self._survey(alive)
        if method in ("rake", "poststratify"):
            new = getattr(survey, method)(totals).weights()
        else:
            new = survey.calibrate(totals, method=method, bounds=bounds).weights()  # type: ignore[arg-type]
        label = ", ".join(" x ".join(k) if isinstance(k, tuple) else str(k) for k in totals)
        return self._then("calibration", self._spread(new, alive), f"{method} to {label}")

    def report(self) -> WeightReport:
        """What every step did."""
        return WeightReport(steps=self.steps, groups=self.groups)

    def to_frame(self, name: str = "weight") -> pd.DataFrame:
        """Rows with weight, and the weight in a column; the variance then takes the base design with it."""
        return self.frame.assign(**{name: self.weight})[self.weight > 0].reset_index(drop=True)

    def _by_classes(self, name: str, stays: Bools, inside: Bools, classes: Sequence[str]) -> WeightChain:
        _require(self.frame, list(classes))
        survey = self._survey(inside, {"_stays": stays, "_all": np.ones(stays.size, dtype=np.int64)})
        new = survey.adjust_nonresponse("_stays", classes=list(classes) or ["_all"]).weights()
        return self._then(name, self._spread(new, inside), f"classes of {' x '.join(classes) or 'everyone'}")

    def _survey(self, inside: Bools, more: Mapping[str, NDArray[Any]] | None = None) -> Survey:
        rows = self.frame.assign(_weight=self.weight, **(more or {}))[inside]
        return Survey(rows, SurveyDesign(weight="_weight"))

    def _spread(self, values: Floats, inside: Bools) -> Floats:
        out = np.zeros(self.weight.size)
        out[inside] = values
        return out

    def _then(self, name: str, new: Floats, sentence: str) -> WeightChain:
        step = weight_step(name, self.weight, new, self.frame, self.groups, sentence=sentence)
        return replace(self, weight=new, steps=(*self.steps, step))


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in frame.columns:
            raise DesignError(
                "there is no such column",
                where=column,
                expected=did_you_mean(column, map(str, frame.columns)),
                hint="the plan names it; is the file the sample with what fieldwork returned?",
            )


def _statuses(frame: pd.DataFrame, column: str) -> NDArray[Any]:
    _require(frame, [column])
    codes = frame[column].astype("object").fillna("missing").astype(str).to_numpy()
    odd = sorted(set(codes) - set(STATUSES))
    if odd:
        raise DesignError(
            "unknown statuses",
            where=column,
            found=", ".join(odd[:5]) + (f" and {len(odd) - 5} more" if len(odd) > 5 else ""),
            expected=", ".join(f"{k} ({v})" for k, v in STATUSES.items()),
            hint="recode the outcomes of fieldwork to these four",
            code="bad-status",
        )
    return codes
