"""Sample sizes and allocations by svy: an opinion that owes nothing to ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import svy


def second_size_proportion(
    p: float, half_width: float, *, confidence: float = 0.95, method: str = "wald", deff: float = 1.0
) -> float:
    """Sample size by svy (``wald`` or ``fleiss``); it rounds up after every step."""
    goal = svy.SampleSize().estimate_prop(p=p, moe=half_width, method=method, alpha=1 - confidence, deff=deff)
    return float(goal.n)


def second_size_mean(sd: float, half_width: float, *, confidence: float = 0.95) -> float:
    """Sample size for a mean by svy."""
    return float(svy.SampleSize().estimate_mean(sigma=sd, moe=half_width, alpha=1 - confidence).n)


def second_allocation(
    population: Mapping[str, float], n: int, *, method: str, sd: Mapping[str, float] | None = None
) -> dict[str, int]:
    """Allocation by svy (``equal``, ``proportional`` or ``neyman``), no minimum."""
    goal: Any = svy.SampleSize().allocate(n, pop_size=dict(population), method=method, sigma=sd)
    return {str(k): int(v) for k, v in goal.n.items()}
