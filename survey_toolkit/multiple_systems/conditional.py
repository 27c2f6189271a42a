"""Conditional likelihood with covariates, for any number of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._people import People, people_result, read_people
from survey_toolkit.multiple_systems._regression import expit
from survey_toolkit.multiple_systems.results import Coefficient, PopulationSize

__all__ = ["huggins_alho"]

FloatArray = NDArray[np.float64]


def huggins_alho(
    data: Any,
    lists: Sequence[str],
    covariates: Sequence[str] = (),
    *,
    slopes: Literal["separate", "common"] = "separate",
    level: float = 0.95,
) -> PopulationSize:
    r"""Conditional likelihood with a logit for every list: :math:`\hat N = \sum 1/\hat\pi_i`.

    :math:`\pi_i` is the chance that person ``i`` is on at least one list; the likelihood conditions on
    having been seen (Huggins 1989, Biometrika 76:133-140; Alho 1990, Biometrics 46:623-635).

    Parameters
    ----------
    data, lists, covariates
        As :func:`doubly_robust`, with two or more lists.
    slopes : {"separate", "common"}
        A logit of its own for every list, or one logit (intercept included) for all.
    level : float

    Raises
    ------
    EstimationError
        When the conditional likelihood has no finite maximum.
    """
    if slopes not in ("separate", "common"):
        raise EstimationError(
            "there is no such option", where="slopes", found=repr(slopes), expected="separate, common"
        )
    people = read_people(data, lists, covariates)
    t, p = people.seen.shape[1], people.design.shape[1]
    stack = [np.eye(p)] * t if slopes == "common" else np.split(np.eye(t * p), t, axis=1)
    beta, covariance, loglik = _conditional(people, [np.asarray(m).reshape(-1, p) for m in stack])
    coef = np.stack([beta @ np.asarray(m).reshape(-1, p) for m in stack])
    chances = expit(people.design @ coef.T)
    pi = 1 - np.prod(1 - chances, axis=1)
    weight = (1 - pi) / pi**2
    gradient = np.zeros(len(beta))
    for j, m in enumerate(stack):
        gradient -= np.asarray(m).reshape(-1, p) @ (people.design.T @ (weight * chances[:, j]))
    variance = float(weight.sum() + gradient @ covariance @ gradient)
    se = np.sqrt(np.diag(covariance))
    terms = tuple(
        Coefficient(f"{name}.{label}", float(coef[j, i]), float(se[i if slopes == "common" else j * p + i]))
        for j, name in enumerate(people.lists)
        for i, label in enumerate(people.names)
    )
    return people_result(
        "conditional likelihood (Huggins-Alho)",
        people,
        float((1 / pi).sum()),
        float(np.sqrt(variance)),
        ci="log",
        level=level,
        model=f"{slopes} logits on {', '.join(people.names[1:]) or 'no covariate'}",
        loglik=loglik,
        coefficients=terms,
        diagnostics={"largest_weight": float(1 / pi.min())},
    )


def _conditional(people: People, stack: list[FloatArray]) -> tuple[FloatArray, FloatArray, float]:
    """Maximum, inverse information and log likelihood; list ``j`` has coefficients ``beta @ stack[j]``."""
    x, y = people.design, people.seen
    beta: FloatArray = np.zeros(len(stack[0]))
    value = -np.inf
    for _ in range(200):
        eta = np.column_stack([x @ (beta @ m) for m in stack])
        q = expit(eta)
        miss = np.prod(1 - q, axis=1)
        pi = np.clip(1 - miss, 1e-300, None)
        expected = q / pi[:, None]
        score = np.zeros(len(beta))
        information = np.zeros((len(beta), len(beta)))
        for j, mj in enumerate(stack):
            score += mj @ (x.T @ (y[:, j] - expected[:, j]))
            for k, mk in enumerate(stack):
                # Among the seen, E[y_j y_k] is q_j q_k / pi for two lists and q_j / pi for one.
                joint = expected[:, j] if j == k else q[:, j] * q[:, k] / pi
                weight = joint - expected[:, j] * expected[:, k]
                information += mj @ ((x * weight[:, None]).T @ x) @ mk.T
        value = float((y * eta - np.logaddexp(0, eta)).sum() - np.log(pi).sum())
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10 and np.abs(beta).max() < 30:
            return beta, np.linalg.inv(information).astype(float, copy=False), value
    raise EstimationError(
        "the conditional likelihood has no finite maximum",
        found=f"{len(x)} people, {len(stack)} lists, {len(beta)} coefficients",
        hint="the lists may share nobody at some covariate values; use fewer covariates",
        code="no-convergence",
    )
