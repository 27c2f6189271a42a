"""The log-type interval of Chao (1987, Biometrics 43:783-791), and results that carry it."""

from __future__ import annotations

from typing import Any

import numpy as np

from survey_toolkit.multiple_systems.intervals import check_level, normal_quantile
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["LOG_TYPE", "log_limits", "log_type_size"]

#: How a result names the interval.
LOG_TYPE = "log-type (Chao 1987)"


def log_limits(seen: float, estimate: float, se: float, level: float) -> tuple[float, float]:
    """Log-type interval of Chao (1987, eq. 12): seen + (N - seen) / C, seen + (N - seen) C.

    ``C = exp(z sqrt(log(1 + var / (N - seen)^2)))``; the lower limit cannot fall below the people seen.
    """
    unseen = estimate - seen
    if unseen <= 0:
        return float(estimate), float(estimate)
    c = float(np.exp(normal_quantile(level) * np.sqrt(np.log1p((se / unseen) ** 2))))
    return seen + unseen / c, seen + unseen * c


def log_type_size(*, n: int, estimate: float, se: float, level: float, **fields: Any) -> PopulationSize:
    """A result with the log-type interval; ``fields`` are the others of :class:`PopulationSize`."""
    low, high = log_limits(n, estimate, se, check_level(level))
    return PopulationSize(
        n=n, estimate=estimate, se=se, ci_low=low, ci_high=high, level=level, ci_method=LOG_TYPE, **fields
    )
