"""Individual records with covariates: reading, checking, coding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems import _tables
from survey_toolkit.multiple_systems._log_type import LOG_TYPE, log_limits
from survey_toolkit.multiple_systems.intervals import normal_quantile
from survey_toolkit.multiple_systems.results import Coefficient, PopulationSize

__all__ = ["Ci", "People", "code_covariates", "frame_columns", "level_text", "people_result", "read_people"]

FloatArray = NDArray[np.float64]
Ci = Literal["log", "wald"]

_CONDITIONAL = (
    "Given the covariates the lists are independent; the population is closed, links are perfect, the "
    "covariates are measured the same way on every list, and nobody has probability zero of being seen. "
    "A cause of being on both lists that is not among the covariates (a referral, a raid) breaks it: "
    "positive dependence makes the estimate too low."
)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Observed people: membership and coded covariates.

    Attributes
    ----------
    lists : tuple of str
    seen : array (n, t)
        0/1 membership.
    names : tuple of str
        Columns of the design, the intercept first.
    design : array (n, p)
    """

    lists: tuple[str, ...]
    seen: FloatArray
    names: tuple[str, ...]
    design: FloatArray


def frame_columns(data: Any, wanted: Sequence[str], where: str = "records") -> dict[str, list[Any]]:
    """Columns of a frame, file or mapping, as lists; missing names are one error."""
    if isinstance(data, Mapping):
        columns = {str(k): list(v) for k, v in data.items()}
    else:
        columns = _tables._columns(data)
    _tables._require(wanted, columns, where)
    return {name: columns[name] for name in wanted}


def level_text(value: Any) -> str:
    """A level as text: whole floats lose the point.

    Examples
    --------
    >>> level_text(2.0), level_text("F")
    ('2', 'F')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def code_covariates(columns: Mapping[str, Sequence[Any]], n: int) -> tuple[tuple[str, ...], FloatArray]:
    """Intercept, numbers as they are, and 0/1 columns for every level but the first of anything else."""
    names, parts = ["(Intercept)"], [np.ones(n)]
    for name, raw in columns.items():
        values = list(raw)
        missing = sum(_tables.is_missing(v) for v in values)
        if missing:
            raise EstimationError(
                "a covariate is missing for some people",
                where=f"column '{name}'",
                found=f"{missing} of {n} rows",
                hint="use loglinear_covariates(recorded=...) for covariates some lists do not record",
                code="missing-covariate",
            )
        if all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in values):
            names.append(name)
            parts.append(np.asarray(values, dtype=float))
        else:
            levels = sorted({level_text(v) for v in values})
            for level in levels[1:]:
                names.append(f"{name}[{level}]")
                parts.append(np.array([level_text(v) == level for v in values], dtype=float))
    design = np.column_stack(parts)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise EstimationError(
            "the covariates say the same thing twice",
            where="covariates",
            found=", ".join(names[1:]),
            hint="leave out a covariate that is constant or follows from the others",
            code="collinear",
        )
    return tuple(names), design


def read_people(data: Any, lists: Sequence[str], covariates: Sequence[str]) -> People:
    """Read one row a person; people on none of ``lists`` are left out."""
    names = _tables.check_list_names(lists)
    columns = frame_columns(data, [*names, *covariates])
    seen = _tables.check_membership(_tables._matrix(columns, names), names)
    keep: NDArray[np.bool_] = np.asarray(seen.any(axis=1))
    empty = [name for j, name in enumerate(names) if not seen[:, j].any()]
    if empty:
        raise EstimationError(
            "a list with nobody on it says nothing", where="lists", found=", ".join(empty), code="empty-list"
        )
    chosen = {c: [v for v, k in zip(columns[c], keep.tolist(), strict=True) if k] for c in covariates}
    labels, design = code_covariates(chosen, int(keep.sum()))
    return People(names, seen[keep].astype(float), labels, design)


def people_result(
    method: str,
    people: People,
    estimate: float,
    se: float,
    *,
    ci: Ci,
    level: float,
    model: str,
    diagnostics: dict[str, float],
    loglik: float = float("nan"),
    coefficients: tuple[Coefficient, ...] = (),
    notes: tuple[str, ...] = (),
) -> PopulationSize:
    """Assemble the result of a covariate estimator."""
    n = len(people.seen)
    if ci == "log":
        low, high = log_limits(n, estimate, se, level)
    else:
        half = normal_quantile(level) * se
        low, high = estimate - half, estimate + half
    if estimate < n:
        notes += ("the estimate lies below the people seen: the covariate model does not fit",)
    return PopulationSize(
        method=method,
        model=model,
        estimate=estimate,
        se=se,
        ci_low=low,
        ci_high=high,
        level=level,
        ci_method=LOG_TYPE if ci == "log" else "Wald",
        n=n,
        lists=people.lists,
        loglik=loglik,
        coefficients=coefficients,
        diagnostics=diagnostics,
        assumptions=_CONDITIONAL,
        notes=notes,
    )
