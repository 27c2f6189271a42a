"""Complementary suppression by τ-ARGUS through ``pytauargus``, an optional extra; always audited by us."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from importlib.util import find_spec

from survey_toolkit.dissemination.disclosure.lattice import Cell
from survey_toolkit.dissemination.disclosure.problem import Problem
from survey_toolkit.errors import DisclosureError, MissingExtraError
from survey_toolkit.indicators import TOTAL

__all__ = ["by_tauargus"]


def by_tauargus(problem: Problem) -> list[Cell]:
    """Cells that τ-ARGUS suppresses in the first table of a problem (optimal method, minimum frequency rule).

    Raises
    ------
    MissingExtraError
        Without the extra ``disclosure``.
    DisclosureError
        If the table is not a full crossing of its dimensions: τ-ARGUS makes its table from records.
    """
    if find_spec("pytauargus") is None:
        raise MissingExtraError(
            "τ-ARGUS is not installed", hint="pip install 'survey_toolkit[disclosure]'", code="missing-extra"
        )
    from pytauargus import protect

    counts = problem.tables[0]
    inner = {cell: int(n) for cell, n in counts.items() if TOTAL not in cell and n}
    _check_full(problem, inner)
    names = [f"d{i}" for i in range(len(next(iter(inner))))]
    codes = [_short(sorted({cell[i] for cell in inner})) for i in range(len(names))]
    back = [{short: code for code, short in table.items()} for table in codes]
    rows: dict[str, list[str] | list[int]] = {
        name: [codes[i][cell[i]] for cell, n in inner.items() for _ in range(n)]
        for i, name in enumerate(names)
    }
    rows["people"] = [1] * sum(inner.values())
    smallest = int(max(counts[cell] for cell in problem.primary)) + 1
    folder = tempfile.mkdtemp(prefix="survey_toolkit_tauargus_")
    try:
        # Its engine leaves a log in the working directory, so it works in the folder that is removed.
        with contextlib.chdir(folder):
            done = protect(
                rows, [names], "people", safety_rules=f"FREQ({smallest},{_margin(problem, smallest)})",
                suppress="OPT(1)", workdir=folder,
            )  # fmt: skip
        status = done.tables[0]
        found = []
        for row, mark in zip(status.rows, status.status(), strict=True):
            if mark in ("U", "M"):
                cell = tuple(back[i].get(str(row[name]).strip(), TOTAL) for i, name in enumerate(names))
                found.append(cell)
        return [cell for cell in found if cell in counts]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _margin(problem: Problem, smallest: int) -> int:
    """Width of the interval as a percentage of the threshold, as the frequency rule wants it."""
    return max(1, min(100, round(100 * problem.width / (2 * smallest))))


def _short(codes: list[str]) -> dict[str, str]:
    """Codes τ-ARGUS takes whatever ours look like."""
    width = len(str(len(codes)))
    return {code: f"c{i:0{width}d}" for i, code in enumerate(codes)}


def _check_full(problem: Problem, inner: dict[Cell, int]) -> None:
    lattice, counts = problem.lattice, problem.tables[0]
    margins = all(
        abs(counts[r.parent] - sum(counts.get(c, 0.0) for c in r.children)) < 1e-9
        for r in lattice.relations
        if r.parent in counts
    )
    parents = {r.parent for r in lattice.relations}
    if lattice.latent or not inner or not margins or any(TOTAL not in c for c in parents):
        raise DisclosureError(
            "τ-ARGUS protects full tables of counts only",
            hint="use method='auto'; it also takes linked, hierarchical and partial tables",
            code="not-a-full-table",
        )
