"""The list of sampling units, strata and population sizes of the whole design, checked.

It holds every PSU of the sample, also those with no member of a domain: they count as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.estimation.cells import Cells
from survey_toolkit.estimation.codes import Column, Floats, Ints, compact, factorize, sum_by
from survey_toolkit.estimation.design import SurveyDesign

__all__ = ["DesignTable", "Stage", "design_table"]

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of sampling: U units in H strata.

    Attributes
    ----------
    stratum : int array (U,)
        Stratum of each unit; units are sorted by it.
    n_units : int array (H,)
        Units in the sample.
    popsize : float array (H,)
        Units in the population; infinite when drawn with replacement.
    block : int array (H,)
        Unit of the stage before that holds the stratum (0 at the first stage).
    codes : tuple
        Stratum codes at this stage, (H,), for messages.
    """

    stratum: Ints
    n_units: Ints
    popsize: Floats
    block: Ints
    codes: tuple[Any, ...]

    @property
    def fraction(self) -> Floats:
        """Sampling fraction of each stratum, (H,)."""
        return self.n_units / self.popsize

    @property
    def lonely(self) -> NDArray[np.bool_]:
        """Strata with one unit that is not the whole stratum, (H,)."""
        return (self.n_units < 2) & (self.popsize > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignTable:
    """All stages, and the way from a finest unit up to its unit at every stage.

    Attributes
    ----------
    stages : tuple of Stage
    unit_at : tuple of int arrays (U_last,)
        ``unit_at[s][u]`` is the stage-s unit that holds finest unit u.
    weighted : bool array (U_first,)
        Whether the PSU has a row with a positive weight.
    """

    stages: tuple[Stage, ...]
    unit_at: tuple[Ints, ...]
    weighted: NDArray[np.bool_]

    @property
    def df(self) -> int:
        """Degrees of freedom of the design: PSUs minus strata, over units that carry weight."""
        first = self.stages[0]
        return int(self.weighted.sum()) - len(np.unique(first.stratum[self.weighted]))

    @property
    def n_psu(self) -> int:
        """PSUs in the sample."""
        return len(self.stages[0].stratum)

    def weights(self) -> Floats:
        """Weight of each finest unit that follows from the FPC: the product of N/n over the stages."""
        out = np.ones(len(self.stages[-1].stratum))
        for stage, unit in zip(self.stages, self.unit_at, strict=True):
            out /= stage.fraction[stage.stratum[unit]]
        return out


def design_table(cells: Cells, design: SurveyDesign) -> tuple[DesignTable, Ints]:
    """Build and check the unit list from the aggregated cells.

    Parameters
    ----------
    cells : Cells
    design : SurveyDesign

    Returns
    -------
    table : DesignTable
    unit : int array (C,)
        Finest unit of each cell.

    Raises
    ------
    DesignError
        For missing codes, a PSU in two strata, an impossible or varying FPC.
    """
    if not len(cells.sums["rows"]):
        raise DesignError(
            "there are no rows",
            where="frame",
            found="0 rows",
            expected="one row a unit of the sample",
            hint="check the file, and the conditions by which rows were kept",
            code="no-rows",
        )
    n_cells = len(cells.sums["rows"])
    parent = np.zeros(n_cells, dtype=np.int64)
    stages, at_cell = [], []
    for s in range(design.n_stages):
        stratum_codes, h = _codes(cells.strata, design.strata, s, n_cells)
        _, u = _codes(cells.units, design.psu, s, n_cells) if cells.units else ((), np.arange(n_cells))
        if s == 0 and cells.strata and cells.units and not design.nest:
            _check_nested(cells, h, u, design)
        width = int(h.max(initial=0)) + 1
        stratum_key, h = compact(parent * width + h)
        unit_key, unit = compact(h * (int(u.max(initial=0)) + 1) + u)
        stratum = np.empty(len(unit_key), dtype=np.int64)
        stratum[unit] = h
        n_units = np.bincount(stratum, minlength=len(stratum_key))
        codes = tuple(stratum_codes[int(i)] if stratum_codes else "all" for i in stratum_key % width)
        popsize = _popsize(cells, design, s, h, n_units, codes)
        stages.append(
            Stage(stratum=stratum, n_units=n_units, popsize=popsize, block=stratum_key // width, codes=codes)
        )
        at_cell.append(unit)
        parent = unit
    n_finest = len(stages[-1].stratum)
    unit_at = []
    for unit in at_cell:
        up = np.zeros(n_finest, dtype=np.int64)
        up[at_cell[-1]] = unit
        unit_at.append(up)
    weighted = sum_by(at_cell[0], cells.sums["weighted"], len(stages[0].stratum)) > 0
    return DesignTable(stages=tuple(stages), unit_at=tuple(unit_at), weighted=weighted), at_cell[-1]


def _codes(columns: tuple[Column, ...], names: Any, stage: int, n_cells: int) -> tuple[list[Any], Ints]:
    if stage >= len(columns):
        return [], np.zeros(n_cells, dtype=np.int64)
    codes, index = factorize(columns[stage])
    if (index < 0).any():
        raise DesignError(
            "rows without a stratum or sampling unit",
            where=names[stage],
            found=f"missing codes in {int((index < 0).sum())} cells",
            expected="a code in every row",
            hint="fill the code, or leave these rows out before the design is declared and say so",
            code="missing-design-code",
        )
    return codes, index


def _check_nested(cells: Cells, h: Ints, u: Ints, design: SurveyDesign) -> None:
    pairs, _ = compact(u * (int(h.max()) + 1) + h)
    torn = np.flatnonzero(np.bincount(pairs // (int(h.max()) + 1)) > 1)
    if len(torn):
        codes, _ = factorize(cells.units[0])
        shown = ", ".join(repr(codes[i]) for i in torn[:_SHOWN])
        raise DesignError(
            "the same PSU code stands in more than one stratum",
            where=str(next(iter(design.psu or ()))),
            found=f"{len(torn)} PSUs, such as {shown}",
            expected="each PSU in one stratum",
            hint="if the codes start anew in each stratum declare nest=True; otherwise correct the codes",
            code="psu-in-two-strata",
        )


def _popsize(
    cells: Cells, design: SurveyDesign, stage: int, h: Ints, n_units: Ints, codes: Sequence[Any]
) -> Floats:
    """Population units by stratum; fractions are turned into counts."""
    if stage >= len(cells.popsize_min):
        return np.full(len(n_units), np.inf)
    name = tuple(design.fpc or ())[stage]
    low, high = np.full(len(n_units), np.inf), np.full(len(n_units), -np.inf)
    values = cells.popsize_min[stage], cells.popsize_max[stage]
    if np.isnan(values[0]).any() or (values[0] <= 0).any():
        bad = np.isnan(values[0]) | (values[0] <= 0)
        raise DesignError(
            "the FPC is missing, zero or negative in some rows",
            where=name,
            found=f"in {int(bad.sum())} of {len(bad)} sampling units",
            expected="population units of the stratum, or a sampling fraction, in every row",
            hint="the FPC counts sampling units of the stage (PSUs, not persons)",
            code="bad-fpc",
        )
    np.minimum.at(low, h, values[0])
    np.maximum.at(high, h, values[1])
    if (low != high).any():
        _fail_fpc(
            name, "the FPC varies inside a stratum", [codes[int(i)] for i in np.flatnonzero(low != high)]
        )
    if (low <= 1).all():
        return np.asarray(n_units / low)
    if (low < 1).any():
        raise DesignError(
            "the FPC mixes counts and fractions",
            where=name,
            found=f"values from {low.min():g} to {low.max():g}",
            expected="population counts (all at least 1) or sampling fractions (all at most 1)",
            hint="write the FPC of all strata in one unit",
            code="bad-fpc",
        )
    if (low < n_units).any():
        i = int(np.flatnonzero(low < n_units)[0])
        _fail_fpc(
            name,
            f"the FPC is smaller than the sample ({n_units[i]} units drawn from {low[i]:g})",
            [codes[int(j)] for j in np.flatnonzero(low < n_units)],
        )
    return low


def _fail_fpc(name: str, what: str, strata: list[Any]) -> None:
    shown = ", ".join(repr(s) for s in strata[:_SHOWN])
    raise DesignError(
        what,
        where=name,
        found=f"{len(strata)} strata" + (f", such as {shown}" if set(strata) != {"all"} else ""),
        expected="one number a stratum, not below the units in the sample",
        hint="the FPC counts sampling units of the stage (PSUs, not persons)",
        code="bad-fpc",
    )
