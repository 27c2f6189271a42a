"""Model terms as bit masks, and the lists of models that selection searches.

A history or a model term on ``t`` lists is an integer: bit ``j`` stands for list ``j``. Cell ``w`` holds the
people whose lists are exactly those of ``w``; term ``s`` enters cell ``w`` when ``s`` is a subset of ``w``
(corner-point coding), so ``log mu_w`` is the sum of the terms contained in ``w``. Term 0 is the intercept:
the log of the *dark figure*, the expected number on no list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean

__all__ = [
    "MAX_MODELS",
    "enumerate_models",
    "generators",
    "hierarchical_closure",
    "interaction_masks",
    "main_effects",
    "members",
    "model_label",
    "model_row",
    "sort_masks",
    "term_name",
]

BoolArray = NDArray[np.bool_]

MAX_MODELS = 300_000
"""More models than this are refused: fitting all of them would take minutes and gigabytes."""


def members(mask: int) -> tuple[int, ...]:
    """List positions of a mask, ascending.

    Examples
    --------
    >>> members(0b101)
    (0, 2)
    """
    return tuple(j for j in range(mask.bit_length()) if mask >> j & 1)


def sort_masks(masks: Iterable[int]) -> list[int]:
    """Masks by order of interaction, then by list position: 1, 2, 3, 12, 13, 23, 123."""
    return sorted(masks, key=lambda s: (s.bit_count(), members(s)))


def term_name(mask: int, lists: Sequence[str]) -> str:
    """Name of a term: ``LA:NG``; the intercept is ``(Intercept)``."""
    return ":".join(lists[j] for j in members(mask)) if mask else "(Intercept)"


def hierarchical_closure(masks: Iterable[int]) -> set[int]:
    """All non-empty subsets of the given terms.

    Examples
    --------
    >>> sorted(hierarchical_closure([0b011]))
    [1, 2, 3]
    """
    out: set[int] = set()
    for mask in masks:
        sub = mask
        while sub:
            out.add(sub)
            sub = (sub - 1) & mask
    return out


def generators(terms: Iterable[int]) -> tuple[int, ...]:
    """Maximal terms, larger first, then by list position: the ``[123,14]`` of the literature."""
    kept = [s for s in terms if s]
    top = [s for s in kept if not any(s != r and s & r == s for r in kept)]
    return tuple(sorted(top, key=lambda s: (-s.bit_count(), members(s))))


def model_label(terms: Iterable[int], lists: Sequence[str]) -> str:
    """Bracket notation with names.

    Examples
    --------
    >>> model_label([1, 2, 4, 3], ["LA", "NG", "PF"])
    '[LA:NG, PF]'
    """
    return "[" + ", ".join(term_name(s, lists) for s in generators(terms)) + "]"


def interaction_masks(interactions: Iterable[str | Sequence[str]], lists: Sequence[str]) -> tuple[int, ...]:
    """Masks of interactions written as ``"LA:NG"`` or ``("LA", "NG")``.

    Raises
    ------
    EstimationError
        If a name is unknown, or an interaction names fewer than two different lists.
    """
    if isinstance(interactions, str):
        interactions = [interactions]
    masks = []
    for item in interactions:
        names = [p.strip() for p in item.split(":")] if isinstance(item, str) else list(item)
        mask = 0
        for name in names:
            if name not in lists:
                raise EstimationError(
                    "an interaction names a list that is not there",
                    where="interactions",
                    found=f"'{name}' in '{':'.join(map(str, names))}'",
                    expected=did_you_mean(name, lists),
                    code="unknown-list",
                )
            mask |= 1 << list(lists).index(name)
        if mask.bit_count() < 2 or mask.bit_count() != len(names):
            raise EstimationError(
                "an interaction needs two or more different lists",
                where="interactions",
                found=repr(item),
                hint="write it as 'A:B'; every main effect is in the model already",
                code="bad-interaction",
            )
        masks.append(mask)
    return tuple(dict.fromkeys(masks))


def main_effects(t: int) -> tuple[int, ...]:
    """Masks of the ``t`` main effects."""
    return tuple(1 << j for j in range(t))


def model_row(terms: Iterable[int], t: int) -> BoolArray:
    """Boolean row of shape (2^t,): the intercept, every main effect and the given terms."""
    row = np.zeros(1 << t, dtype=bool)
    row[[0, *main_effects(t), *terms]] = True
    return row


def _subsets(items: Sequence[int]) -> Iterator[int]:
    """Every subset of terms, as a number with one bit a term, in binary order."""
    bits = [1 << s for s in items]
    for code in range(1 << len(bits)):
        yield sum(b for i, b in enumerate(bits) if code >> i & 1)


def _extend(model: int, order: int, max_order: int, t: int) -> Iterator[int]:
    """Add interactions of ``order`` and above to a model (a number with one bit a term), hierarchically."""
    if order > max_order:
        yield model
        return
    candidates = [sum(1 << j for j in c) for c in combinations(range(t), order)]
    allowed = [s for s in candidates if all(model >> (s ^ (1 << j)) & 1 for j in members(s))]
    for chosen in _subsets(allowed):
        if chosen:
            yield from _extend(model | chosen, order + 1, max_order, t)
        else:
            yield model


@lru_cache(maxsize=16)
def enumerate_models(t: int, max_order: int) -> BoolArray:
    """All hierarchical models with every main effect and interactions up to ``max_order``.

    Returns
    -------
    array of bool, shape (n_models, 2^t)
        Column ``s`` tells whether term ``s`` is in the model. The saturated model (order ``t``) is never
        identifiable from the observable cells and is left to the existence check.

    Raises
    ------
    EstimationError
        If there are more than :data:`MAX_MODELS`.

    Examples
    --------
    >>> len(enumerate_models(4, 3)), len(enumerate_models(5, 2))
    (113, 1024)
    """
    # With all terms of one order down, those of the next can be chosen freely: a floor for the number.
    least = max((1 << comb(t, k) for k in range(2, max_order + 1)), default=1)
    start = 1 | sum(1 << s for s in main_effects(t))
    found = []
    if least <= MAX_MODELS:
        for model in _extend(start, 2, max_order, t):
            found.append(model)
            if len(found) > MAX_MODELS:
                break
    if not 0 < len(found) <= MAX_MODELS:
        raise EstimationError(
            f"too many models on {t} lists with interactions up to order {max_order} to fit them all",
            found=f"more than {MAX_MODELS:,} models",
            hint="lower max_order, use search='downhill', use stepwise(), or merge lists",
            code="too-many-models",
        )
    width = max(1, (1 << t) // 8)
    raw = np.frombuffer(b"".join(m.to_bytes(width, "little") for m in found), dtype=np.uint8)
    rows = np.unpackbits(raw.reshape(len(found), width), axis=1, bitorder="little")
    out = rows[:, : 1 << t].astype(bool)
    out.flags.writeable = False
    return out
