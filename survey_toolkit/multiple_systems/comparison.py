"""Every method side by side; a method that cannot answer says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._display import format_number, html_table, text_table
from survey_toolkit.multiple_systems.behaviour import behaviour
from survey_toolkit.multiple_systems.bootstrap import bootstrap
from survey_toolkit.multiple_systems.classical import chao, two_list
from survey_toolkit.multiple_systems.closed import closed
from survey_toolkit.multiple_systems.coverage import sample_coverage
from survey_toolkit.multiple_systems.decomposable import decomposable_average
from survey_toolkit.multiple_systems.flags import failures
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.latent_classes import latent_classes
from survey_toolkit.multiple_systems.loglinear import loglinear
from survey_toolkit.multiple_systems.loglinear_average import loglinear_average
from survey_toolkit.multiple_systems.model_average import model_average
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.selection import select
from survey_toolkit.multiple_systems.single_list import single_list
from survey_toolkit.multiple_systems.stepwise import stepwise, stepwise_aic
from survey_toolkit.multiple_systems.threshold import bayes_threshold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["METHODS", "Comparison", "compare"]

Method = Callable[[CaptureHistories, float], PopulationSize]

METHODS: dict[str, Method] = {
    "lincoln_petersen": lambda data, level: two_list(data, estimator="lincoln_petersen", level=level),
    "chapman": lambda data, level: two_list(data, level=level),
    "zelterman": lambda data, level: single_list(data, "zelterman", level=level),
    "chao": lambda data, level: chao(data, level=level),
    "chao_by_list": lambda data, level: closed(data, "Mth", "chao", level=level),
    "heterogeneity_poisson": lambda data, level: closed(data, "Mth", "poisson", level=level),
    "heterogeneity_darroch": lambda data, level: closed(data, "Mth", "darroch", level=level),
    "heterogeneity_gamma": lambda data, level: closed(data, "Mth", "gamma", level=level),
    "behaviour": lambda data, level: behaviour(data, level=level),
    "sample_coverage": lambda data, level: sample_coverage(data, level=level),
    "independence": lambda data, level: loglinear(data, level=level),
    "stepwise": lambda data, level: stepwise(data, level=level),
    "stepwise_aic": lambda data, level: stepwise_aic(data, level=level),
    "pairwise_bic": lambda data, level: select(data, "pairwise", "bic", level=level),
    "pairwise_aic": lambda data, level: select(data, "pairwise", "aic", level=level),
    "hierarchical_bic": lambda data, level: select(data, "hierarchical", "bic", level=level),
    "downhill_bic": lambda data, level: select(data, "hierarchical", "bic", search="downhill", level=level),
    "bic_average": lambda data, level: model_average(data, "pairwise", "bic", level=level),
    "stepwise_bootstrap": lambda data, level: bootstrap(data, "stepwise", level=level),
    "pairwise_bic_bootstrap": lambda data, level: bootstrap(data, "best", level=level),
    "loglinear_average": lambda data, level: loglinear_average(data, level=level),
    "decomposable": lambda data, level: decomposable_average(data, level=level),
    "bayes_threshold": lambda data, level: bayes_threshold(data, level=level),
    "latent_classes": lambda data, level: latent_classes(
        data, chains=20, burn_in=500, draws=500, thin=1, level=level, require_mixing=True
    ),
}
"""Methods by name; each takes the table and a confidence level. A new method adds one line.

The latent classes run a sixth of the sweeps of :func:`latent_classes`: where their chains do not agree they
refuse, and more sweeps can be asked for there. ``lincoln_petersen`` and ``chapman`` are for two lists;
``behaviour`` (Mb) supposes that the lists follow one another in time and is tried only when asked for.
"""

_TWO_LISTS = ("lincoln_petersen", "chapman")
_WHEN_ASKED = ("behaviour",)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Results by method, and the reasons of the methods that refused.

    Attributes
    ----------
    results : mapping method -> PopulationSize
    refused : mapping method -> str
    lower_bound : float or None
        Chao's bound; an estimate below it is marked.
    """

    results: Mapping[str, PopulationSize]
    refused: Mapping[str, str]
    lower_bound: float | None

    def flag(self, name: str) -> str:
        """What is visibly wrong with one method's result, or nothing."""
        return "; ".join(text for _, text in failures(self.results[name], self.lower_bound))

    def plot(self) -> Figure:
        """Forest plot of all methods: estimates, intervals, remarks and refusals."""
        from survey_toolkit.multiple_systems.plots import plot_comparison

        return plot_comparison(self)

    def to_frame(self) -> pd.DataFrame:
        """One row a method, in the order asked; refused methods keep their row and give the reason."""
        import pandas as pd

        columns = ["method", "model", "estimate", "se", "ci_low", "ci_high", "cv", "n", "df", "ci_method"]
        rows: list[dict[str, object]] = []
        for name, result in self.results.items():
            row: dict[str, object] = {c: getattr(result, c) for c in columns[1:]}
            rows.append({"method": name, **row, "status": "ok", "remark": self.flag(name)})
        rows += [{"method": k, "status": "refused", "remark": v} for k, v in self.refused.items()]
        return pd.DataFrame(rows, columns=[*columns, "status", "remark"])

    def _rows(self) -> list[list[object]]:
        rows: list[list[object]] = [
            [
                name,
                format_number(r.estimate),
                format_number(r.ci_low),
                format_number(r.ci_high),
                self.flag(name),
            ]
            for name, r in self.results.items()
        ]
        return rows + [[name, "refused", "", "", reason] for name, reason in self.refused.items()]

    def __repr__(self) -> str:
        return text_table(["method", "estimate", "low", "high", "remark"], self._rows())

    def _repr_html_(self) -> str:
        return html_table(["method", "estimate", "low", "high", "remark"], self._rows(), caption="By method")


def compare(
    data: CaptureHistories, methods: Iterable[str] | None = None, *, level: float = 0.95
) -> Comparison:
    """Run several methods on one table.

    Parameters
    ----------
    data : CaptureHistories
    methods : iterable of str, optional
        Names in :data:`METHODS`; default all that fit the number of lists: two or three seconds for five
        lists, with the chains of the latent classes kept short.
    level : float

    Raises
    ------
    EstimationError
        For an unknown method only; a method that refuses stands in the table with its reason.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> list(compare(lists, ["chapman", "independence"]).results)
    ['chapman', 'independence']
    """
    names = _default_methods(data) if methods is None else list(methods)
    for name in names:
        if name not in METHODS:
            raise EstimationError(
                "there is no such method",
                where="methods",
                found=repr(name),
                expected=did_you_mean(name, METHODS),
            )
    results, refused = {}, {}
    for name in names:
        try:
            results[name] = METHODS[name](data, level)
        except EstimationError as exc:
            refused[name] = exc.what + "".join(
                f". {text[0].upper()}{text[1:]}" for text in (exc.found, exc.hint) if text
            )
    return Comparison(results=results, refused=refused, lower_bound=_lower_bound(data))


def _lower_bound(data: CaptureHistories) -> float | None:
    try:
        return chao(data).estimate
    except EstimationError:
        return None


def _default_methods(data: CaptureHistories) -> list[str]:
    if data.n_lists == 2:
        return [*_TWO_LISTS, "chao", "independence"]
    return [name for name in METHODS if name not in (*_TWO_LISTS, *_WHEN_ASKED)]
