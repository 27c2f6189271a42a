"""Reading a number, its error and its method out of any result that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations.mark_recapture import MarkRecapture
from survey_toolkit.hidden_populations.scale_up_bayes import ScaleUpPosterior
from survey_toolkit.hidden_populations.ss_pse import SizePosterior
from survey_toolkit.multiple_systems import PopulationSize

__all__ = ["Numbers", "numbers_of"]

_Z = 1.959963984540054

_WORDS = (
    ("multiplicity", "multiplicity"),
    ("scale-up", "scale_up"),
    ("RDS", "rds"),
    ("successive sampling", "rds"),
    ("homophily configuration", "rds"),
    ("double list", "item_count"),
    ("item count", "item_count"),
    ("Warner", "randomized_response"),
    ("forced response", "randomized_response"),
    ("unrelated question", "randomized_response"),
    ("crosswise", "randomized_response"),
    ("triangular", "randomized_response"),
    ("mark-recapture", "mark_recapture"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One estimate as it came."""

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    n: float
    unit: str
    method: str
    warnings: tuple[str, ...] = ()


def numbers_of(label: str, result: Any) -> Numbers:
    """The numbers of one result, which is one of those that ``compare`` takes."""
    row: Any = None
    if isinstance(result, tuple) and len(result) == 2:
        result, row = result
    if isinstance(result, MarkRecapture):
        result = result.prevalence
    if isinstance(result, Estimates):
        return _of_estimates(label, result, row)
    if isinstance(result, PopulationSize):
        return Numbers(
            estimate=result.estimate, se=result.se, ci_low=result.ci_low, ci_high=result.ci_high,
            n=float(result.n), unit="persons", method="multiple_systems", warnings=result.warnings,
        )  # fmt: skip
    if isinstance(result, SizePosterior):
        remark = f"prior median {result.prior.quantiles([0.5])[0]:,}"
        return _of_draws(result.draws.ravel(), "rds", (remark, *result.notes), float(result.prior.n))
    if isinstance(result, ScaleUpPosterior):
        group = result.groups[0] if row is None and len(result.groups) == 1 else row
        if group not in result.groups:
            raise EstimationError(
                "which group of this result?", where=label, expected=", ".join(result.groups)
            )
        draws = result.draws[:, :, result.groups.index(group)].ravel()
        return _of_draws(draws, "scale_up", ("the model ignores the survey design",), np.nan)
    if isinstance(result, Mapping):
        return _of_mapping(label, result)
    raise EstimationError(
        "this result cannot be compared",
        where=label,
        found=type(result).__name__,
        expected="Estimates, PopulationSize, MarkRecapture, a posterior, or a mapping of numbers",
    )


def _of_estimates(label: str, result: Estimates, row: Any) -> Numbers:
    if row is None and len(result) > 1:
        raise EstimationError(
            "a result with several rows needs a row",
            where=label,
            found="; ".join(", ".join(map(str, d)) for d in result.domains[:6]),
            hint="give (result, row)",
        )
    key = result.domains[0] if row is None else row if isinstance(row, tuple) else (row,)
    if key not in result.domains:
        raise EstimationError("no such row", where=label, found=str(row))
    k = result.domains.index(key)
    # the method comes first, the design after it: names of columns must not decide
    first = result.method.split(";")[0]
    method = next((name for word, name in _WORDS if word in first), None)
    if method is None:
        method = "household" if any(w in result.method for w in ("Taylor", "replicate")) else "other"
    proportion = result.unit in ("proportion", "ratio", "mean")
    return Numbers(
        estimate=float(result.estimate[k]), se=float(result.se[k]), ci_low=float(result.ci_low[k]),
        ci_high=float(result.ci_high[k]), n=float(result.n[k]),
        unit="proportion" if proportion else "persons", method=method,
        warnings=tuple(f.replace("_", " ") for f in result.flags[k]),
    )  # fmt: skip


def _of_draws(draws: Any, method: str, warnings: tuple[str, ...], n: float) -> Numbers:
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    # a spread that fits the middle of a skewed posterior, not its tail
    spread = float(middle * (np.log(high) - np.log(low)) / (2 * _Z))
    return Numbers(
        estimate=float(middle), se=spread, ci_low=float(low), ci_high=float(high), n=n, unit="persons",
        method=method, warnings=warnings,
    )  # fmt: skip


def _of_mapping(label: str, result: Mapping[str, Any]) -> Numbers:
    if "estimate" not in result or result.get("unit") not in ("persons", "proportion"):
        raise EstimationError(
            "a mapping needs an estimate and its unit",
            where=label,
            found=", ".join(map(str, result)),
            expected="estimate, unit (persons or proportion), and se or ci_low and ci_high",
        )
    estimate = float(result["estimate"])
    if "se" in result:
        se = float(result["se"])
    elif "ci_low" in result and "ci_high" in result:
        se = (float(result["ci_high"]) - float(result["ci_low"])) / (2 * _Z)
    else:
        se = np.nan
    return Numbers(
        estimate=estimate, se=se, ci_low=float(result.get("ci_low", estimate - _Z * se)),
        ci_high=float(result.get("ci_high", estimate + _Z * se)), n=float(result.get("n", np.nan)),
        unit=str(result["unit"]), method=str(result.get("method", "other")),
    )  # fmt: skip
