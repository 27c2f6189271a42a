"""Text tables to Parquet through the engine alone: the file may be larger than memory.

The types are those that reading the whole table would have given: a column is whole numbers, numbers, true
and false, or text by all of its cells, told in one pass over the columns as text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.microdata._delimited import (
    INTEGER,
    REAL,
    Staged,
    quote_identifier,
    relation_of,
    stage_delimited,
)
from survey_toolkit.microdata._engine_room import connect
from survey_toolkit.microdata._parquet import check_names, metadata_clause
from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata.model import Variable

__all__ = ["convert_delimited"]

_WIDE = 500  # beyond it, reading the whole is quicker than asking for each column
_A_PASS = 40
_MEMORY = "512MB"
#: What Python takes for blanks, and so the reading of whole tables.
_BLANKS = "".join(
    map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029,
              0x202F, 0x205F, 0x3000))
)  # fmt: skip
_DIGITS = r"[eE].*$|[^0-9]"


def convert_delimited(
    path: Path,
    folder: Path,
    target: Path,
    *,
    encoding: str | None,
    columns: tuple[str, ...] | None,
    limits: ReadLimits,
) -> bool:
    """Write a text table as Parquet; False where the engine refuses it and reading tells why.

    Raises
    ------
    DataFileError
        As reading; a column that is not there; two names that differ in case only.
    """
    import duckdb

    staged = stage_delimited(path, folder, encoding=encoding, limits=limits)
    wanted = _wanted(path.name, staged, columns)
    if not 1 < len(staged.names) <= _WIDE:
        return False
    check_names(path.name, wanted, "read it, and write .dta or .csv")
    connection = connect()
    try:
        connection.execute("SET temp_directory = ?", [str(folder)])
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute("SET preserve_insertion_order = true")
        places = [staged.names.index(name) for name in wanted]
        plain = [f"c{i}" for i in range(len(staged.names))]
        cells = relation_of(connection, staged.path, staged.delimiter, plain)
        text = folder / "text.parquet"
        cells.select(*[duckdb.ColumnExpression(f"c{i}") for i in places]).write_parquet(
            str(text), compression="lz4"
        )
        staged.path.unlink()
        typed = _all_typed(connection, text, [f"c{i}" for i in places], staged.delimiter == ";")
        chosen = [f"{t} AS {quote_identifier(name)}" for t, name in zip(typed, wanted, strict=True)]
        variables = {name: Variable(name=name) for name in wanted}
        connection.execute(
            f"COPY (SELECT {', '.join(chosen)} FROM {_from(text)}) TO {_quoted(target)} "
            f"(FORMAT parquet, COMPRESSION zstd, {metadata_clause(variables)})"
        )
    except duckdb.Error:
        return False
    else:
        return True
    finally:
        connection.close()


def _wanted(where: str, staged: Staged, columns: tuple[str, ...] | None) -> list[str]:
    if columns is None:
        return staged.names
    absent = [name for name in columns if name not in staged.names]
    if absent:
        raise DataFileError(
            "no such column",
            where=where,
            found=", ".join(f"'{name}'" for name in absent),
            expected=did_you_mean(absent[0], staged.names),
            hint="names are case-sensitive",
            code="missing-column",
        )
    return list(columns)


def _all_typed(connection: Any, text: Path, columns: list[str], decimal_comma: bool) -> list[str]:
    """SQL of each column in its type; some columns a pass."""
    out = []
    for start in range(0, len(columns), _A_PASS):
        some = columns[start : start + _A_PASS]
        inner = ", ".join(f"{_bare(c)} AS s{c}, replace({_bare(c)}, ',', '.') AS p{c}" for c in some)
        facts = ", ".join(_facts(f"s{c}", f"p{c}") for c in some)
        found = connection.execute(f"SELECT {facts} FROM (SELECT {inner} FROM {_from(text)})").fetchall()[0]
        out += [_typed(c, found[6 * i : 6 * i + 6], decimal_comma) for i, c in enumerate(some)]
    return out


def _facts(text: str, with_point: str) -> str:
    """What must be known of all cells of a column before its type is."""
    tests = (
        f"bool_and({text} IN ('true', 'false'))",
        f"bool_and({_is(text, INTEGER)})",
        f"bool_or(contains({text}, '.'))",
        f"bool_and({_is_real(text)})",
        f"bool_and({_is_real(with_point)})",
    )
    filled = f"FILTER (WHERE {text} <> '')"
    return ", ".join((f"count(*) {filled}", *(f"{test} {filled}" for test in tests)))


def _bare(column: str) -> str:
    return f"trim({column}, {_literal(_BLANKS)})"


def _typed(column: str, facts: tuple[Any, ...], decimal_comma: bool) -> str:
    n, flags, whole, dotted, real, comma = facts
    bare = _bare(column)
    filled = f"CASE WHEN {bare} = '' THEN NULL ELSE {{}} END"
    if not n:
        return filled.format(column)
    if flags:
        return filled.format(f"{bare} = 'true'")
    if whole:
        return filled.format(f"CAST(ltrim({bare}, '+') AS BIGINT)")
    with_comma = decimal_comma and not dotted
    if comma if with_comma else real:
        number = f"replace({bare}, ',', '.')" if with_comma else bare
        return filled.format(f"CAST(ltrim({number}, '+') AS DOUBLE)")
    return filled.format(column)


def _is_real(name: str) -> str:
    """Whether a cell is a number that a float holds: seventeen digits, and not beyond all floats."""
    digits = f"ltrim(regexp_replace({name}, {_literal(_DIGITS)}, '', 'g'), '0')"
    finite = f"coalesce(isfinite(TRY_CAST(ltrim({name}, '+') AS DOUBLE)), false)"
    return f"{_is(name, REAL)} AND length({digits}) <= 17 AND {finite}"


def _is(name: str, pattern: str) -> str:
    return f"regexp_full_match({name}, {_literal(pattern)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(path: Path) -> str:
    return _literal(str(path))


def _from(path: Path) -> str:
    return f"read_parquet({_quoted(path)})"
