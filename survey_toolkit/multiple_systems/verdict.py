"""Verdicts a user can read: whether a model can be estimated, and if not, the smallest fix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.existence import examine_model, existence_codes, overlapping_triples
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.poisson import reduce_models
from survey_toolkit.multiple_systems.results import Verdict
from survey_toolkit.multiple_systems.terms import (
    enumerate_models,
    generators,
    hierarchical_closure,
    interaction_masks,
    model_label,
    model_row,
    sort_masks,
    term_name,
)

__all__ = [
    "ExistenceScan",
    "check_existence",
    "model_terms",
    "require_estimable",
    "require_overlap",
    "scan_existence",
]

BoolArray = NDArray[np.bool_]


def model_terms(
    lists: Sequence[str], interactions: Iterable[str | Sequence[str]] = (), *, hierarchical: bool = True
) -> BoolArray:
    """Boolean row (2^t,) of the model with every main effect and the given interactions.

    With ``hierarchical`` the lower-order terms of each interaction come along.
    """
    masks = interaction_masks(interactions, lists)
    chosen = hierarchical_closure(masks) if hierarchical else set(masks)
    return model_row(chosen, len(lists))


def check_existence(
    data: CaptureHistories,
    interactions: Iterable[str | Sequence[str]] = (),
    *,
    hierarchical: bool = True,
) -> Verdict:
    """Decide whether the model can be estimated, before fitting it.

    Parameters
    ----------
    data : CaptureHistories
    interactions : iterable of "A:B" or ("A", "B")
        None = independence.
    hierarchical : bool
        Add the lower-order terms.

    Returns
    -------
    Verdict

    References
    ----------
    Fienberg & Rinaldo (2012) Annals of Statistics 40:996-1023; Chan, Silverman & Vincent (2021) JASA
    116:1297-1306.

    Examples
    --------
    >>> apart = CaptureHistories.from_counts({"10": 20, "01": 30}, lists=["police", "shelter"])
    >>> check_existence(apart).code
    1
    """
    return verdict_of(data, model_terms(data.lists, interactions, hierarchical=hierarchical))


def verdict_of(data: CaptureHistories, terms: BoolArray) -> Verdict:
    """Verdict on a model given as a row of terms."""
    table = data.table()
    offence = examine_model(table, terms)
    reduced = reduce_models(table, terms[None, :])
    boundary = np.flatnonzero(reduced.boundary[0])
    sizes = int(reduced.cells.sum()), int(terms.sum()), int(reduced.finite.sum())
    label = model_label(map(int, np.flatnonzero(terms)), data.lists)

    def names(masks: Iterable[int]) -> tuple[str, ...]:
        return tuple(term_name(s, data.lists) for s in sort_masks(map(int, masks)))

    if offence.code == 0:
        return Verdict(code=0, model=label, boundary_terms=names(boundary), sizes=sizes)
    infinite, lost = names(offence.infinite), names(offence.unidentified)
    return Verdict(
        code=offence.code,
        model=label,
        boundary_terms=names(boundary),
        infinite_terms=infinite,
        unidentified_terms=lost,
        reason=_reason(infinite, lost, names(offence.vanishing_cells)),
        fix=_smallest_fix(data, terms),
        sizes=sizes,
    )


def require_estimable(data: CaptureHistories, terms: BoolArray, *, where: str = "model") -> Verdict:
    """Return the verdict, or refuse with its reason and the smallest fix.

    Raises
    ------
    EstimationError
        With code ``"no-mle"`` or ``"not-identifiable"``.
    """
    verdict = verdict_of(data, terms)
    if verdict.ok:
        return verdict
    what = (
        "the maximum likelihood estimate does not exist"
        if not verdict.exists
        else "the table does not identify this model"
    )
    raise EstimationError(
        f"{what}, so there is no estimate to report",
        where=f"{where} {verdict.model}",
        found=verdict.reason,
        hint=verdict.fix,
        code="no-mle" if not verdict.exists else "not-identifiable",
    )


def require_overlap(data: CaptureHistories, method: str) -> None:
    """Refuse lists that share nobody: whatever a prior then answers is the prior's own answer.

    Raises
    ------
    EstimationError
        With code ``"no-overlap"``.
    """
    if any(data.overlaps().values()):
        return
    raise EstimationError(
        "no two lists share anybody, so the answer would be the prior's alone",
        where=method,
        found=f"{data.n_observed:,} people, each on one list",
        hint="link the lists better, or use lists that overlap; no method helps",
        code="no-overlap",
    )


def _reason(infinite: Sequence[str], lost: Sequence[str], cells: Sequence[str]) -> str:
    parts = []
    if infinite:
        shown = ", ".join(cells[:6]) + (" …" if len(cells) > 6 else "")
        parts.append(f"nobody was seen on exactly {shown}, so {', '.join(infinite)} run to infinity together")
    if lost:
        parts.append(f"the histories cannot tell {', '.join(lost)} apart")
    return "; ".join(parts)


def _smallest_fix(data: CaptureHistories, terms: BoolArray) -> str:
    """Fewest interactions to leave out; else two lists to merge; else what is missing."""
    if not any(count for count in data.overlaps().values()):
        return "no two lists share anybody: link the lists better, or use lists that overlap; no model helps"
    return (
        _drop_terms(data, terms)
        or _merge_lists(data)
        or _drop_list(data)
        or "no single change helps: see audit() for lists that hold everybody or share nobody"
    )


def _drop_terms(data: CaptureHistories, terms: BoolArray) -> str:
    tops = [s for s in generators(map(int, np.flatnonzero(terms))) if s.bit_count() > 1]
    for size in (1, 2, len(tops)):
        choices = list(combinations(tops, size)) if 0 < size <= len(tops) else []
        rows = [terms.copy() for _ in choices]
        for row, choice in zip(rows, choices, strict=True):
            row[list(choice)] = False
        if rows:
            codes = existence_codes(data.table(), np.array(rows))
            if (codes == 0).any():
                gone = choices[int(np.argmax(codes == 0))]
                return "leave out " + ", ".join(term_name(s, data.lists) for s in gone)
    return ""


def _merge_lists(data: CaptureHistories) -> str:
    if data.n_lists < 3:
        return ""
    for (a, b), _ in sorted(data.overlaps().items(), key=lambda item: item[1]):
        merged = data.merge({f"{a}+{b}": [a, b]})
        main = model_row((), merged.n_lists)
        if existence_codes(merged.table(), main[None, :])[0] == 0:
            return f"merge {a} and {b} into one list and fit main effects"
    return ""


def _drop_list(data: CaptureHistories) -> str:
    for name in data.lists if data.n_lists > 2 else ():
        left = data.drop(name)
        main = model_row((), left.n_lists)
        if existence_codes(left.table(), main[None, :])[0] == 0:
            return f"leave out list {name} (people seen only there leave the table) and fit main effects"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistenceScan:
    """Existence and identifiability of every model of a family.

    ``failing`` maps a model (bracket notation with list names) to its code; counts are of models.
    """

    n_models: int
    n_ok: int
    n_no_mle: int
    n_not_identifiable: int
    n_both: int
    empty_overlaps: tuple[tuple[str, str], ...]
    n_overlapping_triples: int
    failing: dict[tuple[tuple[str, ...], ...], int]

    def __repr__(self) -> str:
        return (
            f"ExistenceScan: {self.n_ok:,} of {self.n_models:,} models can be estimated; "
            f"{self.n_no_mle:,} have no maximum likelihood estimate, "
            f"{self.n_not_identifiable:,} are not identifiable, {self.n_both:,} both"
        )


def scan_existence(data: CaptureHistories, max_order: int = 2) -> ExistenceScan:
    """Check every hierarchical model up to an order of interaction (default: all pairwise models)."""
    models = enumerate_models(data.n_lists, max_order)
    codes = existence_codes(data.table(), models)
    failing = {
        tuple(
            tuple(data.lists[j] for j in range(data.n_lists) if s >> j & 1)
            for s in generators(map(int, np.flatnonzero(models[i])))
        ): int(codes[i])
        for i in np.flatnonzero(codes)
    }
    return ExistenceScan(
        n_models=len(models),
        n_ok=int((codes == 0).sum()),
        n_no_mle=int((codes == 1).sum()),
        n_not_identifiable=int((codes == 2).sum()),
        n_both=int((codes == 3).sum()),
        empty_overlaps=tuple(pair for pair, count in data.overlaps().items() if count == 0),
        n_overlapping_triples=overlapping_triples(data.table(), data.n_lists),
        failing=failing,
    )
