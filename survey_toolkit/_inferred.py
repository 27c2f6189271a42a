"""How far hidden counts can be inferred from sums that are known: the question of every attack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["least"]

_SOLVED, _UNBOUNDED = 0, 3
_NO_ANSWER: Final = float("inf")


def least(
    aim: NDArray[np.float64],
    sums: Any,
    right: Sequence[float] | NDArray[np.float64],
    bounds: Sequence[tuple[float, float]] | tuple[float, float | None],
) -> float:
    """Smallest ``aim @ x`` over the counts x that fit; the largest is minus that of ``-aim``.

    Parameters
    ----------
    aim : float array (n,)
    sums : array or sparse array (m, n)
        Which counts each known sum adds up.
    right : float array (m,)
        The sums.
    bounds : sequence of (low, high), or one pair for all

    Returns
    -------
    float
        ``-inf`` where nothing limits it. ``inf`` where the solver finds no answer: true counts always fit, so
        that says nothing, and an attack that was not made must not pass for one that failed.

    Examples
    --------
    >>> least(np.array([1.0, 0.0]), np.array([[1.0, 1.0]]), [9.0], [(1.0, 4.0), (0.0, 7.0)])
    2.0
    >>> least(np.array([-1.0]), np.zeros((1, 1)), [0.0], (0.0, None))
    -inf
    >>> least(np.array([1.0]), np.array([[1.0]]), [9.0], (0.0, 4.0))
    inf
    """
    from scipy.optimize import linprog

    solve: Any = linprog  # its stubs do not know sparse sums
    answer = solve(aim, A_eq=sums, b_eq=right, bounds=bounds, method="highs")
    if answer.status == _SOLVED:
        return float(answer.fun)
    return -float("inf") if answer.status == _UNBOUNDED else _NO_ANSWER
