"""Hadamard matrices for balanced half-samples: rows of ±1 that are orthogonal to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hadamard", "hadamard_order"]


def hadamard_order(at_least: int) -> int:
    """Smallest order this module can build that is not below a number.

    Examples
    --------
    >>> hadamard_order(17), hadamard_order(70), hadamard_order(3)
    (20, 72, 4)
    """
    order = max(4 * -(-at_least // 4), 4)
    while _recipe(order) is None:
        order += 4
    return order


def hadamard(order: int) -> NDArray[np.int8]:
    """A Hadamard matrix whose first row and column are ones.

    Parameters
    ----------
    order : int
        1, 2, or a number that :func:`hadamard_order` gives: doublings (Sylvester 1867) of q + 1 for primes
        q ≡ 3 mod 4 (Paley 1933).

    Returns
    -------
    int8 array (order, order)

    Examples
    --------
    >>> h = hadamard(12).astype(int)
    >>> bool((h @ h.T == 12 * np.eye(12)).all())
    True
    """
    base = _recipe(order)
    if base is None:
        raise ValueError(f"no Hadamard matrix of order {order} is known here")
    matrix = np.ones((1, 1), dtype=np.int8) if base == 1 else _paley(base - 1)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def _recipe(order: int) -> int | None:
    """Order of the matrix that is doubled: 1, or q + 1 for a prime q ≡ 3 mod 4; None when there is none."""
    while order > 1:
        if order % 4 == 0 and _is_prime(order - 1):
            return order
        if order % 2:
            return None
        order //= 2
    return 1


def _is_prime(q: int) -> bool:
    return q > 1 and all(q % d for d in range(2, int(q**0.5) + 1))


def _paley(q: int) -> NDArray[np.int8]:
    """Paley's first construction, normalised."""
    squares = np.unique(np.arange(1, q) ** 2 % q)
    residue = -np.ones(q, dtype=np.int8)
    residue[squares] = 1
    residue[0] = 0
    i = np.arange(q)
    jacobsthal = residue[(i[:, None] - i[None, :]) % q]
    skew = np.zeros((q + 1, q + 1), dtype=np.int8)
    skew[0, 1:], skew[1:, 0], skew[1:, 1:] = 1, -1, jacobsthal
    matrix = skew + np.eye(q + 1, dtype=np.int8)
    matrix = matrix * matrix[:, :1]
    return np.asarray(matrix * matrix[:1], dtype=np.int8)
