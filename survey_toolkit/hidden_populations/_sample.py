"""The rows of a sample with their design, and the one way this room gets design-based variances.

Every estimator here that rests on a household or other probability sample is a smooth function of totals, or
has an influence value for each row. Both go through :class:`~survey_toolkit.estimation.Survey`, so strata,
clusters, calibration, replicate weights and single-PSU rules are those of the estimation room.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import collected, null_aware, require_columns
from survey_toolkit.errors import DesignError, EstimationError
from survey_toolkit.estimation import Estimates, Survey, SurveyDesign, t_interval
from survey_toolkit.estimation.combinations import combine

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["By", "Flags", "Floats", "Ints", "Labelled", "Sample", "open_sample"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
By = str | Sequence[str] | None
Totals = Mapping[str, Any]

_ONE = "__one__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What the rows of a result are called.

    Attributes
    ----------
    statistic, variable, unit, method : str
    column : str
        Name of the column of labels; empty when there is one label and it needs no name.
    notes : tuple of str
    """

    statistic: str
    variable: str
    unit: str
    method: str
    column: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Rows in memory, and the survey they belong to.

    Attributes
    ----------
    frame : pandas.DataFrame
        Null-aware copy of the rows, in their order.
    survey : Survey
    designed : bool
        False when no design was given: every row counts once and stands for itself.
    """

    frame: pd.DataFrame
    survey: Survey
    designed: bool

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        # never the rows: they are answers of people
        return f"Sample({len(self):,} rows; {self.survey!r})"

    @property
    def weights(self) -> Floats:
        """Weight of each row, (n,)."""
        name = getattr(self.survey.design, "weight", None)
        if name is None:
            raise DesignError(
                "this method needs a column of weights",
                where="design",
                found="weights that follow from the FPC or from probabilities",
                hint="put the weight in a column and name it in the design",
            )
        return self.numbers(name, nulls=False)

    def numbers(self, name: str, *, nulls: bool = True) -> Floats:
        """A numeric or Boolean column as float array (n,), null as NaN.

        Raises
        ------
        EstimationError
            If the column does not exist, holds text, or has nulls where none are allowed.
        """
        import pandas as pd

        self.require([name])
        column = self.frame[name]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            raise EstimationError(
                "this column must be numeric", where=name, found=str(column.dtype), hint="recode it"
            )
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if not nulls and np.isnan(values).any():
            raise EstimationError(
                "values are missing",
                where=name,
                found=f"{int(np.isnan(values).sum())} of {len(values)} rows",
                hint="impute them or leave the rows out on purpose",
                code="missing-values",
            )
        return values

    def require(self, names: Sequence[str]) -> None:
        """Raise if a column does not exist."""
        require_columns(null_aware(self.frame), list(names), what="hidden population", error=EstimationError)

    def smooth(
        self,
        columns: Mapping[str, Floats],
        function: Callable[[Totals], Mapping[str, Any]],
        labels: Mapping[str, Flags],
        named: Labelled,
        *,
        by: By = None,
        used: Flags | None = None,
        level: float = 0.95,
    ) -> Estimates:
        """A smooth function of weighted totals, with its covariance, by domain.

        Parameters
        ----------
        columns : mapping of name to float array (n,)
            What is totalled; no NaN.
        function : callable
            From the totals of one domain to a number for each label; made of arithmetic only.
        labels : mapping of label to bool array (n,)
            Rows of the result, and the respondents that count as cases for each.
        named : Labelled
        by : str or sequence of str, optional
            Domain columns.
        used : bool array (n,), optional
            Respondents that count as answering.
        level : float

        Returns
        -------
        Estimates
            One row a domain and label; df that of the design.
        """
        domains_by = (by,) if isinstance(by, str) else tuple(by or ())
        self.require(domains_by)
        frame = self.frame.assign(**{f"__{name}__": values for name, values in columns.items()})
        names = [f"__{name}__" for name in columns]
        totals = Survey(frame, self.survey.design).total(names, by=domains_by or None, deff=None, level=level)
        keys = [domain[:-1] for domain in totals.domains[:: len(names)]]
        order = [(key, label) for key in keys for label in labels]

        def all_labels(values: Callable[[tuple[Any, ...]], Any]) -> list[Any]:
            out = []
            for key in keys:
                of_domain = {name: values((*key, f"__{name}__")) for name in columns}
                results = function(of_domain)
                out += [results[label] for label in labels]
            return out

        got = _evaluated(totals, all_labels, len(order))
        used = np.ones(len(self), dtype=bool) if used is None else used
        counted = _counts(self.frame, domains_by, order, labels, used)
        return _dressed(got, order, domains_by, named, counted)

    def influence(self, values: Floats) -> Floats:
        """Covariance (p, p) of weighted totals of influence values (n, p)."""
        names = [f"__i{j}__" for j in range(values.shape[1])]
        frame = self.frame.assign(**dict(zip(names, values.T, strict=True)), __none__=0.0)
        totals = Survey(frame, self.survey.design).total([*names, "__none__"], deff=None)
        return np.asarray(totals.vcov[:-1, :-1])

    @property
    def df_design(self) -> int:
        """Degrees of freedom of the design."""
        frame = self.frame.assign(__none__=0.0)
        return Survey(frame, self.survey.design).total("__none__", deff=None).df_design


def open_sample(data: Any, design: Any = None) -> Sample:
    """A sample from a survey, or from a frame with or without a design.

    Parameters
    ----------
    data : Survey, frame, path or Microdata
    design : SurveyDesign, ReplicateDesign or PpsDesign, optional
        Not with a ``Survey``, which has one. Without a design every row counts once.

    Raises
    ------
    DesignError
        If a design comes with a ``Survey``.
    EstimationError
        If there are no rows.
    """
    if isinstance(data, Survey):
        if design is not None:
            raise DesignError("a survey has its design already", where="design", hint="leave design out")
        frame, designed, design = _in_memory(data.frame), True, data.design
    else:
        frame, designed = _in_memory(null_aware(data)), design is not None
        if design is None:
            frame, design = frame.assign(**{_ONE: 1.0}), SurveyDesign(weight=_ONE)
    if not len(frame):
        raise EstimationError(
            "the sample has no rows",
            where=str(data) if isinstance(data, str | os.PathLike) else "data",
            found="0 rows",
            expected="one row a respondent",
            hint="check the file and the filter before it",
            code="no-rows",
        )
    return Sample(frame=frame, survey=Survey(frame, design), designed=designed)


def _in_memory(lazy: Any) -> pd.DataFrame:
    from survey_toolkit._frames import null_aware_pandas

    return null_aware_pandas(collected(lazy).to_pandas().reset_index(drop=True))


def _evaluated(
    totals: Estimates, all_labels: Callable[[Callable[[tuple[Any, ...]], Any]], list[Any]], k: int
) -> Estimates:
    """By replicates where the design has them, else by the delta method."""
    if totals.replicates is not None:
        place = {domain: i for i, domain in enumerate(totals.domains)}
        return totals.function(
            lambda line: all_labels(lambda domain: line[place[domain]]), label=[str(i) for i in range(k)]
        )
    return combine(
        totals,
        lambda v: {str(i): value for i, value in enumerate(all_labels(lambda domain: v[domain]))},
    )


def _counts(
    frame: pd.DataFrame,
    by: tuple[str, ...],
    order: Sequence[tuple[tuple[Any, ...], str]],
    labels: Mapping[str, Flags],
    used: Flags,
) -> tuple[Floats, Floats]:
    """Answering rows and cases of each row of the result."""
    n, positive = [], []
    for key, label in order:
        inside = used.copy()
        for column, code in zip(by, key, strict=True):
            inside &= (frame[column] == code).fillna(False).to_numpy(dtype=bool)
        n.append(float(inside.sum()))
        positive.append(float((inside & labels[label]).sum()))
    return np.array(n), np.array(positive)


def _dressed(
    got: Estimates,
    order: Sequence[tuple[tuple[Any, ...], str]],
    by: tuple[str, ...],
    named: Labelled,
    counted: tuple[Floats, Floats],
) -> Estimates:
    head = (named.column,) if named.column else ()
    # without a case the variance estimate is zero, which is no knowledge: no interval, as elsewhere
    se = np.where((counted[1] == 0) & (got.se == 0), np.nan, got.se)
    interval = t_interval(got.estimate, se, got.df, got.level)
    return replace(
        got,
        se=se,
        cv=np.where(np.isnan(se), np.nan, got.cv),
        statistic=named.statistic,
        variable=named.variable,
        unit=named.unit,
        domain_names=(*by, *head),
        domains=tuple((*key, label) if named.column else key for key, label in order),
        ci_low=interval.low,
        ci_high=interval.high,
        n=counted[0],
        n_positive=counted[1],
        n_undetermined=np.full(len(order), np.nan),
        flags=tuple(("no_events",) if p == 0 else () for p in counted[1]),
        method=f"{named.method}; {got.method}",
        notes=got.notes + named.notes,
    )
