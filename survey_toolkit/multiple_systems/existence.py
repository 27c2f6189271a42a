"""Whether the maximum likelihood estimate exists and the table identifies every parameter.

With ``A`` the design on the cells that stay (after empty margins left) and ``n`` the counts, the extended
maximum likelihood estimate exists if and only if some ``x > 0`` has ``A'x = A'n`` (Fienberg & Rinaldo 2012,
Annals of Statistics 40:996-1023). We decide the equivalent dual question: is there a direction ``d`` in the
parameters that leaves the log mean of every *observed* history unchanged and pushes the mean of at least one
unobserved history to zero, raising none? Along such a direction the likelihood never stops rising, so the
parameters in ``d`` have no finite estimate: they are the ones the verdict names. The linear programme
``max -sum(A_0 d)`` subject to ``A_+ d = 0``, ``-1 <= A_0 d <= 0`` is 0 when there is none and at least 1 when
there is one, so the answer never hangs on comparing a float with zero; it depends only on *which* histories
are empty and is cached by that pattern. Identifiability is the column rank of ``A``.

Rules that save programmes, for models with the same kept cells: when the estimate exists (or is identified)
for a model it does for every model with fewer terms; when it fails along a direction it fails for every model
that holds the terms of that direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.poisson import reduce_models, superset_sums

__all__ = ["Offence", "examine_model", "existence_codes", "overlapping_triples", "recession", "split_space"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_TOLERANCE = 1e-8
_PIVOT = 1e-4


@dataclass(frozen=True, slots=True)
class Offence:
    """What one model's check found: the code and the masks of the offending terms and cells.

    ``code`` is 0 (fine), 1 (no maximum likelihood estimate), 2 (not identifiable) or 3 (both).
    """

    code: int
    infinite: tuple[int, ...]
    unidentified: tuple[int, ...]
    vanishing_cells: tuple[int, ...]


def existence_codes(counts: FloatArray, terms: BoolArray) -> IntArray:
    """Existence and identifiability code of M models on one table.

    Parameters
    ----------
    counts : array (2^t,)
        Cell counts, cell 0 ignored.
    terms : array of bool (M, 2^t)

    Returns
    -------
    array (M,)
        1 x no maximum likelihood estimate + 2 x not identifiable.
    """
    support = _support(counts)
    return _codes(support.tobytes(), terms.tobytes(), terms.shape)


def _support(counts: FloatArray) -> BoolArray:
    """Observed histories that occur."""
    support: BoolArray = np.asarray(counts, dtype=float) > 0
    support[0] = False
    return support


@lru_cache(maxsize=512)
def _codes(support_bytes: bytes, terms_bytes: bytes, shape: tuple[int, int]) -> IntArray:
    """Verdicts by zero pattern: the counts themselves do not matter."""
    support = np.frombuffer(support_bytes, dtype=bool)
    terms = np.frombuffer(terms_bytes, dtype=bool).reshape(shape)
    reduced = reduce_models(support.astype(float), terms)
    codes = np.zeros(shape[0], dtype=np.int64)
    _, group = np.unique(np.packbits(reduced.cells, axis=1), axis=0, return_inverse=True)
    group = np.ravel(group)
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        codes[rows] = _group_codes(support, reduced.finite[rows], reduced.cells[rows[0]])
    codes.flags.writeable = False
    return codes


def _group_codes(support: BoolArray, finite: BoolArray, cells: BoolArray) -> IntArray:
    """Codes of models that share their kept cells."""
    union: BoolArray = (finite.sum(axis=0) > 0)[None, :]
    if _full_rank(support, union).all():
        return np.zeros(len(finite), dtype=np.int64)
    infinite = np.full(len(finite), -1)
    unidentified = np.full(len(finite), -1)
    certain = _full_rank(support, finite)
    infinite[certain] = unidentified[certain] = 0
    order = np.argsort(-finite.sum(axis=1), kind="stable")
    for row in order:
        if infinite[row] >= 0 and unidentified[row] >= 0:
            continue
        answer = _examine(support, finite[row], cells)
        _spread(infinite, finite, row, answer.infinite)
        _spread(unidentified, finite, row, answer.unidentified)
    codes: IntArray = infinite + 2 * unidentified
    return codes


def _spread(status: IntArray, finite: BoolArray, row: int, offending: tuple[int, ...]) -> None:
    """Carry one verdict to the models it decides as well."""
    if offending:
        decided = finite[:, list(offending)].all(axis=1)
        status[decided & (status < 0)] = 1
    else:
        decided = ~(finite & ~finite[row]).any(axis=1)
        status[decided & (status < 0)] = 0


def _full_rank(support: BoolArray, finite: BoolArray) -> BoolArray:
    """Models whose design has full column rank on the observed histories alone (then all is well).

    The Gram matrix of the 0/1 design is a table of integers; a Cholesky pivot is the squared distance of a
    column from the ones before it. Only pivots clearly above zero certify; the rest is examined singly.
    """
    shared = superset_sums(support.astype(float))
    out = np.zeros(len(finite), dtype=bool)
    sizes = finite.sum(axis=1)
    for size in np.unique(sizes):
        if size > support.sum():
            continue
        rows = np.flatnonzero(sizes == size)
        index = np.nonzero(finite[rows])[1].reshape(len(rows), size)
        gram = shared[index[:, :, None] | index[:, None, :]] + 1e-9 * np.eye(size)
        pivots = np.einsum("mii->mi", np.linalg.cholesky(gram)) ** 2
        out[rows] = pivots.min(axis=1) > _PIVOT
    return out


def examine_model(counts: FloatArray, terms: BoolArray) -> Offence:
    """Check one model and name the offending terms.

    Parameters
    ----------
    counts : array (2^t,)
    terms : array of bool (2^t,)
    """
    reduced = reduce_models(np.asarray(counts, dtype=float), terms[None, :])
    support = _support(counts)
    return _examine(support, reduced.finite[0], reduced.cells[0])


def _examine(support: BoolArray, finite: BoolArray, cells: BoolArray) -> Offence:
    """Directions of no return and null directions of one reduced model."""
    index = np.flatnonzero(finite)
    seen, empty = np.flatnonzero(support), np.flatnonzero(cells & ~support)
    null = split_space(_design(seen, index))[0]
    moves = _design(empty, index) @ null
    still, active = split_space(moves)
    direction = active @ recession(moves @ active)
    flat = null @ still
    vanishing = empty[moves @ direction < -_TOLERANCE] if direction.any() else empty[:0]
    lost = np.abs(flat).max(axis=1, initial=0.0) > _TOLERANCE
    moved = np.abs(null @ direction) > _TOLERANCE
    return Offence(
        code=int(moved.any()) + 2 * int(lost.any()),
        infinite=tuple(int(s) for s in index[moved]),
        unidentified=tuple(int(s) for s in index[lost]),
        vanishing_cells=tuple(int(w) for w in vanishing),
    )


def _design(cells: IntArray, index: IntArray) -> FloatArray:
    """Design of zeros and ones: whether the cell contains the term."""
    out: FloatArray = ((cells[:, None] & index) == index).astype(float)
    return out


def split_space(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal bases of the null space and of the row space."""
    rows, p = matrix.shape
    if rows == 0 or p == 0:
        return np.eye(p), np.zeros((p, 0))
    _, singular, right = np.linalg.svd(matrix)
    rank = int((singular > _TOLERANCE * max(1.0, singular[0])).sum())
    return right[rank:].T, right[:rank].T


def recession(moves: FloatArray) -> FloatArray:
    """Coordinates of a direction that lowers some empty cells and raises none; zeros if there is none."""
    cells, q = moves.shape
    nothing = np.zeros(q)
    if q == 0:
        return nothing
    if q == 1:
        column = moves[:, 0]
        if column.max() > _TOLERANCE and column.min() < -_TOLERANCE:
            return nothing
        return np.array([-1.0 if column.max() > _TOLERANCE else 1.0])
    from scipy.optimize import linprog

    answer = linprog(
        moves.sum(axis=0),
        A_ub=np.vstack([moves, -moves]),
        b_ub=np.concatenate([np.zeros(cells), np.ones(cells)]),
        bounds=(None, None),
        method="highs",
    )
    if answer.x is None or answer.fun is None:
        raise EstimationError(
            "the linear programme of the existence check was not solved",
            found=str(answer.message)[:200],
            code="no-verdict",
        )
    return np.asarray(answer.x, dtype=float) if answer.fun < -0.5 else nothing


def overlapping_triples(counts: FloatArray, t: int) -> int:
    """Number of triples of lists that overlap pairwise; without any, not all pairs can be in the model."""
    margin = superset_sums(np.asarray(counts, dtype=float))
    return sum(
        all(margin[(1 << a) | (1 << b)] > 0 for a, b in combinations(triple, 2))
        for triple in combinations(range(t), 3)
    )
