"""Where targets are made, one after the other, each with its account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._cells import (
    DTYPES,
    Cells,
    as_type,
    first_reason,
    read_source,
    reason_number,
    recode,
    rule_mask,
)
from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata.crosswalk import Level, Target, describe
from survey_toolkit.microdata.model import Microdata, TargetAudit
from survey_toolkit.standards.models import StandardVariable
from survey_toolkit.standards.rules import Rule, rule_variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from survey_toolkit.standards.registry import Registry

__all__ = ["Bench", "clean_source"]

_NUMBERS = {"Int64", "Float64"}


def clean_source(data: Microdata, spec: Level, name: str, target: Target) -> Cells:
    by_code = {**spec.missing.by_code.get(name, {}), **target.missing}
    by_label = spec.missing.by_label
    return read_source(data, name, by_code=by_code, by_label=by_label, blank=target.blank)


@dataclass(slots=True)
class Bench:
    """Where targets are made one after the other; earlier ones can be read by later ones."""

    data: Microdata
    spec: Level
    level: str
    registry: Registry
    made: dict[str, Cells] = field(default_factory=dict)
    audit: list[TargetAudit] = field(default_factory=list)

    def column(self, name: str) -> Cells:
        """A target made above, else a source column."""
        if name in self.made:
            return self.made[name]
        return clean_source(self.data, self.spec, name, Target(source=name))

    def make(self, name: str, target: Target) -> None:
        """Make one target and write its account."""
        n = self.data.n_rows
        variable = self.registry.variable(name)
        if target.status == "impossible":
            self._account(name, target, None, {target.reason or "not_asked": n}, 0, 0)
            return
        inside, doubtful = self._universe(name, target)
        n_outside = int((~inside).sum())
        cells = self._compute(name, target, variable, inside, doubtful)
        if target.convert is not None:
            cells.values = (cells.values * target.convert.factor + target.convert.offset).astype(
                DTYPES[variable.type]
            )
        self._limit(cells, target, variable, inside)
        self._settle(target, cells, inside, doubtful)
        self.made[name] = cells
        self._account(name, target, cells, cells.missing_counts(), self._recoded(target, cells), n_outside)

    def _universe(self, name: str, target: Target) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Rows of the target's universe, and rows of which that cannot be told.

        A row of the second kind keeps what was answered; where nothing was, its blank stays unknown,
        because it may or may not be a skipped question.
        """
        n = self.data.n_rows
        if target.universe is None:
            return np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        is_in, unknown = self._ask(target.universe, f"targets.{name}.universe")
        return is_in | unknown, unknown

    def _ask(self, rule: Rule, where: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        import pandas as pd

        frame = pd.DataFrame({n: self.column(n).values for n in sorted(rule_variables(rule))})
        return rule_mask(frame, rule, where=f"{self.data.source.name}: {where}")

    def _compute(
        self,
        name: str,
        target: Target,
        variable: StandardVariable,
        inside: NDArray[np.bool_],
        doubtful: NDArray[np.bool_],
    ) -> Cells:
        if target.rule is not None:
            return self._by_rule(name, target.rule)
        if target.sum:
            return self._by_sum(target, variable, doubtful)
        if target.first_of:
            return self._typed(self._first_known(target), variable, inside)
        if target.constant is not None:
            return self._constant(target, variable)
        if target.from_ is not None:
            cells = self.made[target.from_].copy()
        else:
            cells = clean_source(self.data, self.spec, self._source_name(target), target)
        mapping = self._mapping(target, variable)
        if mapping:
            return recode(cells, mapping, variable.type, inside)
        kind = "number" if target.convert is not None and variable.type == "integer" else variable.type
        return self._typed(cells, variable, inside, kind)

    def _typed(
        self, cells: Cells, variable: StandardVariable, inside: NDArray[np.bool_], kind: str | None = None
    ) -> Cells:
        codes = self.registry.codelist(variable.codelist).details() if variable.codelist else None
        return as_type(cells, kind or variable.type, codes, inside)

    def _source_name(self, target: Target) -> str:
        if target.source is not None:
            return target.source
        wanted = fold(target.label or "")
        return next(v.name for v in self.data.variables.values() if fold(v.label) == wanted)

    def _mapping(self, target: Target, variable: StandardVariable) -> Mapping[Any, Any]:
        if target.band and variable.codelist:
            codes = (c for c in self.registry.codelist(variable.codelist).codes if c.kind == "detail")
            spans = ((c.id, c.interval) for c in codes if c.interval is not None)
            return {f"{low}..{10**6 if high is None else high}": code for code, (low, high) in spans}
        if not target.recode_labels:
            return target.recode
        wanted = {fold(text): value for text, value in target.recode_labels.items()}
        labels = self.data.variable(self._source_name(target)).value_labels
        return {code: wanted[fold(text)] for code, text in labels.items() if fold(text) in wanted}

    def _by_rule(self, name: str, rule: Rule) -> Cells:
        import pandas as pd

        true, unknown = self._ask(rule, f"targets.{name}.rule")
        values = pd.Series(pd.arrays.BooleanArray(true, unknown.copy()))
        columns = [self.column(n) for n in sorted(rule_variables(rule))]
        reasons = np.where(unknown, first_reason(columns, len(true)), 0).astype(np.int8)
        return Cells(values, reasons)

    def _by_sum(self, target: Target, variable: StandardVariable, doubtful: NDArray[np.bool_]) -> Cells:
        terms = [self._term(name, target) for name in target.sum]
        for cells in terms:
            for reason, value in target.on_missing.items():
                cells.fill(_has(cells, reason) & ~doubtful, value)
        total = sum((t.values.astype("Float64") for t in terms[1:]), terms[0].values.astype("Float64"))
        unknown = total.isna().to_numpy(dtype=bool)
        reasons = np.where(unknown, first_reason(terms, len(total)), 0).astype(np.int8)
        return Cells(total.astype(DTYPES[variable.type]), reasons)

    def _term(self, name: str, target: Target) -> Cells:
        """A column among several."""
        if name in self.made:
            return self.made[name].copy()
        return clean_source(self.data, self.spec, name, Target(source=name, blank=target.blank))

    def _first_known(self, target: Target) -> Cells:
        columns = [self._term(name, target) for name in target.first_of]
        out = columns[0].copy()
        for column in columns[1:]:
            take = out.values.isna().to_numpy(dtype=bool) & column.values.notna().to_numpy(dtype=bool)
            out.values = out.values.mask(take, column.values)
            out.reasons[take] = 0
        return out

    def _constant(self, target: Target, variable: StandardVariable) -> Cells:
        import pandas as pd

        n = self.data.n_rows
        values = pd.Series([target.constant] * n, dtype=DTYPES[variable.type])
        return Cells(values, np.zeros(n, dtype=np.int8))

    def _limit(
        self, cells: Cells, target: Target, variable: StandardVariable, inside: NDArray[np.bool_]
    ) -> None:
        limits = target.range or variable.range
        if limits is None or variable.type not in ("integer", "number"):
            return
        outside = (cells.values < limits[0]) | (cells.values > limits[1])
        cells.set_missing(outside.fillna(False).to_numpy(dtype=bool) & inside, "out_of_range")

    def _settle(
        self, target: Target, cells: Cells, inside: NDArray[np.bool_], doubtful: NDArray[np.bool_]
    ) -> None:
        """Universe, and declared values of reasons."""
        if target.outside is not None:
            cells.fill(~inside, target.outside)
        else:
            cells.set_missing(~inside, "not_applicable")
        for reason, value in target.on_missing.items():
            cells.fill(_has(cells, reason) & ~doubtful, value)

    def _recoded(self, target: Target, cells: Cells) -> int:
        """Rows whose value is not the source's own."""
        valid = cells.values.notna()
        if target.source is None and target.label is None:
            return int(valid.sum()) if target.from_ is None else int(valid.sum() * bool(target.band))
        if cells.codes:
            return int(valid.sum()) - sum(n for code, result, n in cells.codes if code == result)
        raw = self.data.frame[self._source_name(target)]
        alike = {str(raw.dtype), str(cells.values.dtype)} <= _NUMBERS or raw.dtype == cells.values.dtype
        same = raw == cells.values if alike else raw.astype("string") == cells.values.astype("string")
        return int((valid & ~same.fillna(False)).sum())

    def _account(
        self,
        name: str,
        target: Target,
        cells: Cells | None,
        missing: dict[str, int],
        n_recoded: int,
        n_outside: int,
    ) -> None:
        sources = target.reads() or ((self._source_name(target),) if target.label else ())
        self.audit.append(
            TargetAudit(
                target=name,
                level=self.level,
                sources=sources,
                rule=describe(target, {}),
                n_in=self.data.n_rows,
                n_valid=int(cells.values.notna().sum()) if cells is not None else 0,
                n_recoded=n_recoded,
                n_outside=n_outside,
                unmapped=cells.unmapped if cells is not None else {},
                missing=missing,
                codes=tuple(cells.codes) if cells is not None else (),
                status=target.status,
                note=target.note,
            )
        )


def _has(cells: Cells, reason: str) -> NDArray[np.bool_]:
    return np.equal(cells.reasons, reason_number(reason))
