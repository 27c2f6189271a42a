"""One stage drawn: units fetched in one query, sizes treated, hits and probabilities of those drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._numbers import sql_bound, sql_digest, sql_number, sql_uniform, uniforms
from survey_toolkit.sampling.draws import Group, draw
from survey_toolkit.sampling.size_measure import prepare_sizes
from survey_toolkit.sampling.stage import Stage
from survey_toolkit.sampling.unit_frame import UnitFrame, quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Parents", "StageResult", "draw_stage"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Above so many units an equal-probability draw is made inside the query.
_IN_QUERY = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parents:
    """Units drawn so far: their path of columns, and what earlier stages said of them."""

    path: tuple[str, ...]
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageResult:
    """Units drawn at a stage.

    Attributes
    ----------
    rows : pandas.DataFrame
        Path of unit columns, strata, and the stage's columns.
    groups : pandas.DataFrame
        One row a group: units, total size, wanted, drawn, certain, random start, interval.
    path : tuple of str
    grouped : bool
        Whether a unit is several rows of the frame.
    notes : tuple of str
    """

    rows: pd.DataFrame
    groups: pd.DataFrame
    path: tuple[str, ...]
    grouped: bool
    notes: tuple[str, ...]

    def parents(self) -> Parents:
        """What the next stage needs."""
        return Parents(path=self.path, rows=self.rows)


def draw_stage(frame: UnitFrame, stage: Stage, parents: Parents | None, seed: int) -> StageResult:
    """Draw one stage; see :func:`~survey_toolkit.sampling.selection.select`."""
    above = () if parents is None else parents.path
    path, keys = (*above, stage.unit), (*above, *stage.strata)
    size = [stage.size] if stage.size and stage.size != "rows" else []
    frame.require([*path, *stage.strata, *stage.order, *size], f"stage {stage.label}")
    if parents is not None:
        frame.register("parents", parents.rows[list(above)].drop_duplicates())
    units = _Units(frame=frame, stage=stage, path=path, keys=keys, above=above, seed=seed)
    counts = units.counts()
    _check_frame(counts, units, parents)
    groups = _group_table(counts, stage, keys, above, parents, seed)
    notes: list[str]
    if int(counts["units"].sum()) > _IN_QUERY and stage.method in ("srs", "systematic"):
        rows, notes = units.drawn_in_query(groups), []
    else:
        rows, notes = _drawn(units.fetch(), groups, stage, keys, seed)
    rows = _reserves(rows, groups, stage, seed)
    if parents is not None:
        old = [c for c in parents.rows.columns if c not in rows.columns or c in above]
        rows = rows.merge(parents.rows[old], on=list(above), how="left")
    short = int((groups["units"] < groups["asked"]).sum())
    if short:
        notes.append(f"{short} groups have fewer units than asked for: all were taken")
    groups = groups.drop(columns=["asked"])
    groups["drawn"] = np.bincount(rows["_group"].to_numpy(np.int64), minlength=len(groups))
    rows = rows.drop(columns=["_group"]).sort_values(list(path), kind="stable").reset_index(drop=True)
    told = tuple(f"{stage.label}: {n}" for n in notes)
    return StageResult(rows=rows, groups=groups, path=path, grouped=units.grouped, notes=told)


@dataclass(slots=True, kw_only=True, eq=False)
class _Units:
    """The queries of a stage."""

    frame: UnitFrame
    stage: Stage
    path: tuple[str, ...]
    keys: tuple[str, ...]
    above: tuple[str, ...]
    seed: int
    grouped: bool = False

    def _source(self) -> str:
        within = f" SEMI JOIN parents USING ({_names(self.above)})" if self.above else ""
        return f"(SELECT * FROM frame{within})"

    def _units_sql(self) -> str:
        """One row a unit: path, strata, order, size."""
        columns = dict.fromkeys((*self.path, *self.stage.strata, *self.stage.order))
        size = self.stage.size
        value = "1.0" if size is None else self.frame.number(size) if size != "rows" else "NULL"
        if not self.grouped:
            value = "1.0" if size == "rows" else value
            return f"SELECT {_names(columns)}, {value} AS _size FROM {self._source()}"
        value = "COUNT(*)::DOUBLE" if size == "rows" else f"MAX({value})"
        rest = [c for c in columns if c not in self.path]
        firsts = "".join(f", MIN({quoted(c)}) AS {quoted(c)}" for c in rest)
        path = _names(self.path)
        return f"SELECT {path}{firsts}, {value} AS _size FROM {self._source()} GROUP BY {path}"

    def counts(self) -> pd.DataFrame:
        """Units and rows of every group, and whether a unit is several rows."""
        rows = self.frame.value(f"SELECT COUNT(*) FROM {self._source()}")
        distinct = self.frame.value(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {self._source()} GROUP BY {_names(self.path)})"
        )
        self.grouped = distinct < rows
        if not rows:
            raise DesignError(
                f"stage {self.stage.label}: no unit to draw from",
                where=self.frame.name,
                found="no row" + (" of the units drawn before" if self.above else ""),
                expected="one row a unit" + (f", {' and '.join(self.above)} as before" if self.above else ""),
                hint="is it the frame of this stage, whole, with codes written alike?",
                code="empty-frame",
            )
        shown = f"{_names(self.keys)}, " if self.keys else ""
        by = f"GROUP BY {_names(self.keys)} ORDER BY {_names(self.keys)}" if self.keys else ""
        table = self.frame.query(
            f"SELECT {shown}COUNT(*) AS units, SUM(_size) AS size FROM ({self._units_sql()}) {by}"
        )
        return table

    def fetch(self) -> pd.DataFrame:
        """Units sorted by group, order and name, with their random number."""
        within = self.frame.order_by(dict.fromkeys((*self.stage.order, self.stage.unit)))
        order = f"{_names(self.keys)}, {within}" if self.keys else within
        number = sql_uniform(self.seed, self.stage.label, _key(self.path))
        return self.frame.query(f"SELECT *, {number} AS _number FROM ({self._units_sql()}) ORDER BY {order}")

    def drawn_in_query(self, groups: pd.DataFrame) -> pd.DataFrame:
        """Equal-probability draws made by the engine: only the units drawn come back."""
        keys = list(self.keys) or ["_all"]
        table = groups.assign(_group=np.arange(len(groups)), _all=1)
        self.frame.register("groups_now", table[[*keys, "_group", "units", "n", "start"]])
        join = f"JOIN groups_now USING ({_names(keys)})"
        units = self._units_sql() if self.keys else f"SELECT *, 1 AS _all FROM ({self._units_sql()})"
        if self.stage.method == "srs":
            sql = self._srs_sql(units, join, groups)
        else:
            order = self.frame.order_by(dict.fromkeys((*self.stage.order, self.stage.unit)))
            hit = "floor(_rank * n::DOUBLE / units - start) - floor((_rank - 1) * n::DOUBLE / units - start)"
            number = sql_uniform(self.seed, self.stage.label, _key(self.path))
            sql = (
                f"SELECT * EXCLUDE (_rank), {number} AS _number FROM (SELECT *, (ROW_NUMBER() OVER "
                f"(PARTITION BY _group ORDER BY {order}))::DOUBLE AS _rank FROM ({units}) {join}) "
                f"WHERE {hit} > 0"
            )
        rows = self.frame.query(sql)
        rows["_hits"], rows["_chance"], rows["_certain"] = 1, rows["n"] / rows["units"], False
        short = np.bincount(rows["_group"], minlength=len(groups)) < groups["n"].to_numpy()
        if short.any():  # the bound is passed with probability below 1e-14
            raise DesignError("the draw in the engine came out short", found=f"{int(short.sum())} groups")
        return rows.drop(columns=[c for c in ("n", "units", "start", "_all", "_digest") if c in rows])

    def _srs_sql(self, units: str, join: str, groups: pd.DataFrame) -> str:
        """Units with the n smallest digests; a bound on the n-th comes first, so that few rows are ranked."""
        n, count = groups["n"].to_numpy(np.float64), groups["units"].to_numpy(np.float64)
        bound = float(((n + 10 + 8 * np.sqrt(n)) / count).max())
        few = f"WHERE _digest < {sql_bound(bound)}" if bound < 1 else ""
        digest = sql_digest(self.seed, self.stage.label, _key(self.path))
        return (
            f"SELECT * EXCLUDE (_rank), {sql_number('_digest')} AS _number FROM (SELECT *, ROW_NUMBER() OVER "
            f"(PARTITION BY _group ORDER BY _digest) AS _rank FROM (SELECT *, {digest} AS _digest "
            f"FROM ({units})) {join} {few}) WHERE _rank <= n"
        )


def _check_sizes(units: _Units) -> None:
    """Measures of size that are no numbers are told with the file and the column."""
    size = units.stage.size
    if size in (None, "rows"):
        return
    value = units.frame.number(size)
    wrong = f"{value} IS NULL OR NOT isfinite({value}) OR {value} < 0"
    odd = units.frame.value(f"SELECT COUNT(*) FROM {units._source()} WHERE {wrong}")
    if odd:
        raise DesignError(
            f"stage {units.stage.label}: measures of size are missing, negative or no numbers",
            where=f"{units.frame.name}: {size}",
            found=f"{odd:,} row{'' if odd == 1 else 's'}",
            expected="numbers, zero or above, with a point for decimals",
            hint="look for blanks and text in this column",
            code="bad-size",
        )


def _check_frame(counts: pd.DataFrame, units: _Units, parents: Parents | None) -> None:
    """Units without a name, parents without units, sizes that differ within a unit."""
    frame, stage = units.frame, units.stage
    nulls = " OR ".join(f"{quoted(c)} IS NULL" for c in (*units.path, *stage.strata))
    unnamed = frame.value(f"SELECT COUNT(*) FROM {units._source()} WHERE {nulls}")
    if unnamed:
        raise DesignError(
            f"stage {stage.label}: rows have no unit or stratum",
            where=frame.name,
            found=f"{unnamed:,} rows",
            expected=f"a code in each of {', '.join(dict.fromkeys((*units.path, *stage.strata)))}",
            hint="complete the codes, or take these rows out of the frame and say so",
            code="no-name",
        )
    _check_sizes(units)
    constant = [*stage.strata, *stage.order, *([stage.size] if stage.size not in (None, "rows") else [])]
    if units.grouped and constant:
        some = " OR ".join(f"MIN({quoted(str(c))}) <> MAX({quoted(str(c))})" for c in constant)
        differ = frame.value(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {units._source()} "
            f"GROUP BY {_names(units.path)} HAVING {some})"
        )
        if differ:
            raise DesignError(
                "stratum, order or size differ between the rows of a unit",
                where=f"stage {stage.label}",
                found=f"{differ:,} units",
                hint="are unit codes unique across strata?",
                code="unit-differs",
            )
    if parents is not None:
        wanted = len(parents.rows[list(units.above)].drop_duplicates())
        have = len(counts[list(units.above)].drop_duplicates())
        if have < wanted:
            raise DesignError(
                "units of the stage before have nothing in the frame of this one",
                where=f"stage {stage.label}",
                found=f"{wanted - have} of {wanted}",
                hint="is the listing complete, and are the codes written alike?",
                code="empty-units",
            )


def _group_table(
    counts: pd.DataFrame,
    stage: Stage,
    keys: tuple[str, ...],
    above: tuple[str, ...],
    parents: Parents | None,
    seed: int,
) -> pd.DataFrame:
    """One row a group with its label, take and random start."""
    table = counts.copy()
    strata = _labels(table, stage.strata)
    if isinstance(stage.n, Mapping):
        asked = _by_stratum(stage.n, strata, stage.label)
    else:
        asked = np.full(len(table), int(stage.n), dtype=np.int64)
    asked = asked + np.where(asked > 0, stage.reserve, 0)
    if parents is not None:
        hits = parents.rows.groupby(list(above), sort=False)[f"{_last(parents)}_hits"].max().rename("_times")
        times = table[list(above)].merge(hits.reset_index(), on=list(above), how="left")["_times"]
        asked = asked * times.to_numpy(np.int64)
    table["asked"] = asked
    table["n"] = np.minimum(asked, table["units"].to_numpy(np.int64))
    labels = _labels(table, keys) if keys else ["all"] * len(table)
    table["start"] = uniforms(seed, f"{stage.label}|start", labels)
    return table


def _by_stratum(n: Mapping[str, int], strata: list[str], label: str) -> Ints:
    known, given = set(strata), {str(k): v for k, v in n.items()}
    absent, unknown = sorted(known - set(given)), sorted(set(given) - known)
    if absent or unknown:
        raise DesignError(
            "the strata of the sizes and of the frame differ",
            where=f"stage {label}",
            found="; ".join(
                part
                for part in (
                    f"no size for {', '.join(absent[:8])}" if absent else "",
                    f"empty in the frame: {', '.join(unknown[:8])}" if unknown else "",
                )
                if part
            ),
            code="empty-strata",
        )
    return np.array([int(given[s]) for s in strata], dtype=np.int64)


def _drawn(
    units: pd.DataFrame, groups: pd.DataFrame, stage: Stage, keys: tuple[str, ...], seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """Units drawn in memory, sizes treated first."""
    group = np.repeat(np.arange(len(groups)), groups["units"].to_numpy(np.int64))
    size = units["_size"].to_numpy(np.float64, na_value=np.nan)
    n = groups["n"].to_numpy(np.int64)
    certain = np.zeros(len(units), dtype=bool)
    keep, notes = np.ones(len(units), dtype=bool), []
    if stage.size is not None:
        done = prepare_sizes(size, group, n, zero=stage.zero, large=stage.large)
        size, certain, keep, notes = done.size, done.certain, ~done.excluded, list(done.notes)
    open_ = keep & ~certain
    left = n - np.bincount(group[certain], minlength=n.size)
    count = np.bincount(group[open_], minlength=n.size)
    drawn = draw(
        stage.method,
        Group(
            starts=np.concatenate([[0], np.cumsum(count)]),
            n=left if stage.large == "hits" else np.minimum(left, count),
            size=size[open_],
            number=units["_number"].to_numpy(np.float64)[open_],
            start=groups["start"].to_numpy(np.float64),
            seed=seed,
        ),
    )
    hits, chance = certain.astype(np.int64), certain.astype(np.float64)
    hits[open_], chance[open_] = drawn.hits, drawn.probability
    taken = np.flatnonzero(hits > 0)
    total = np.bincount(group[open_], weights=size[open_], minlength=n.size)
    groups["size"], groups["certain"] = total, np.bincount(group[certain], minlength=n.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        groups["interval"] = np.where(left > 0, total / left, np.nan)
    rows = units.iloc[taken].copy()
    rows["_size"], rows["_group"], rows["_certain"] = size[taken], group[taken], certain[taken]
    rows["_hits"], rows["_chance"] = hits[taken], chance[taken]
    return rows, notes


def _reserves(rows: pd.DataFrame, groups: pd.DataFrame, stage: Stage, seed: int) -> pd.DataFrame:
    """Name the stage's columns; put reserves aside at random, units taken with certainty never among them."""
    name, rows = stage.label, rows.reset_index(drop=True)
    group = rows["_group"].to_numpy(np.int64)
    replicate = np.zeros(len(rows), dtype=np.int64)
    chance = rows["_chance"].to_numpy(np.float64)
    certain = rows["_certain"].to_numpy(bool)
    main, aside = np.bincount(group, minlength=len(groups)), np.zeros(len(groups), dtype=np.int64)
    if stage.reserve:
        taken = np.bincount(group, minlength=len(groups))
        sure = np.bincount(group[certain], minlength=len(groups))
        aside = np.minimum(stage.reserve, taken - sure)
        again = uniforms(seed, f"{name}|reserve", rows["_number"].map(repr))
        order = np.lexsort((again, ~certain, group))
        rank = np.empty(len(rows), dtype=np.int64)
        first = np.concatenate([[0], np.cumsum(taken)[:-1]])
        rank[order] = np.arange(len(rows)) - first[group[order]]
        main = taken - aside
        replicate = np.maximum(rank - main[group] + 1, 0)
        free = np.maximum(taken - sure, 1)
        chance = np.where(certain, chance, chance * ((main - sure) / free)[group])
        main = main - sure
    out: dict[str, Any] = {
        f"{name}_number": rows["_number"],
        f"{name}_hits": rows["_hits"],
        f"{name}_certain": certain,
        f"{name}_replicate": replicate,
        f"{name}_n": main[group],
        f"{name}_reserve": aside[group],
        f"{name}_probability": chance,
    }
    if stage.size is not None:
        out = {f"{name}_size": rows["_size"]} | out
    return rows.drop(columns=["_number", "_size", "_hits", "_chance", "_certain"]).assign(**out)


def _names(columns: Any) -> str:
    return ", ".join(quoted(c) for c in columns)


def _key(path: tuple[str, ...]) -> str:
    """Text of a unit's path, as the random numbers take it."""
    return "concat_ws('|', " + ", ".join(f"{quoted(c)}::VARCHAR" for c in path) + ")"


def _labels(table: pd.DataFrame, columns: tuple[str, ...]) -> list[str]:
    if not columns:
        return [""] * len(table)
    return ["|".join(map(str, row)) for row in table[list(columns)].itertuples(index=False)]


def _last(parents: Parents) -> str:
    """Name of the stage the parents were drawn at."""
    return next(c for c in reversed(parents.rows.columns) if c.endswith("_hits")).removesuffix("_hits")
