"""The crosswalk engine: a survey's own columns in, harmonized variables and a full account out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import HarmonizationError, did_you_mean
from survey_toolkit.microdata._cells import rule_mask
from survey_toolkit.microdata._engine import Bench, clean_source
from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata.crosswalk import Crosswalk, Level, Target, load_crosswalk
from survey_toolkit.microdata.model import MISSING_SUFFIX, Code, Microdata, TargetAudit, Variable
from survey_toolkit.standards.models import StandardVariable, in_language
from survey_toolkit.standards.rules import rule_variables

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.standards.registry import Registry

__all__ = [
    "check_columns",
    "filtered",
    "harmonize",
    "label_source",
    "level_name",
    "named_columns",
    "unmapped_problems",
]


def harmonize(
    data: Microdata,
    crosswalk: str | os.PathLike[str] | Crosswalk,
    *,
    level: str | None = None,
    registry: Registry | None = None,
) -> Microdata:
    """Turn a survey file into harmonized variables by a crosswalk, with an account of every cell.

    Parameters
    ----------
    data : Microdata
        The file as read: its own codes.
    crosswalk : path, shipped id, or Crosswalk
    level : str, optional
        Level of the crosswalk this file is; needed when it has several.
    registry : Registry, optional
        Default: the shipped standards.

    Returns
    -------
    Microdata
        One column a target that can be made, with nullable dtype; beside it ``<target>__missing`` with
        the reason where a value is missing; the keys and the columns of ``keep`` unchanged. ``audit`` has
        one entry a target: ``n_in = n_valid + missing by reason + unmapped``.

    Raises
    ------
    HarmonizationError
        The crosswalk is wrong; a column is not in the file; a code is found that is not mapped (all of
        them are listed with their counts); the key names a row twice.

    Notes
    -----
    A rule reads a target made above it where there is one of that name, else the source column, with
    codes that are no answer as unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.microdata import Crosswalk
    >>> walk = Crosswalk.model_validate({
    ...     "id": "example", "title": "Example", "country": {"code": "KHM"}, "survey": "LFS",
    ...     "period": "2024",
    ...     "levels": {"person": {"targets": {"sex": {"source": "q2", "recode": {1: "M", 2: "F"}}}}}})
    >>> done = harmonize(Microdata.from_frame(pd.DataFrame({"q2": [1, 2, 2]})), walk)
    >>> done.frame["sex"].to_list(), done.audit[0].n_valid
    (['M', 'F', 'F'], 3)
    """
    from survey_toolkit.standards.registry import load

    registry = registry or load()
    walk = load_crosswalk(crosswalk, registry=registry)
    name = level_name(walk, level)
    spec = walk.levels[name]
    check_columns(data, spec, walk.id, name)
    notes = [*data.notes, *walk.notes, *_label_notes(data, spec)]
    data, dropped = filtered(data, spec)
    notes += dropped
    _check_keys(data, spec.file_key, walk.id)
    bench = Bench(data, spec, name, registry)
    for target_name, target in spec.targets.items():
        bench.make(target_name, target)
    problems = unmapped_problems(bench.audit, spec)
    if problems:
        raise HarmonizationError(
            f"crosswalk '{walk.id}' does not map every code found in the data",
            where=data.source.name,
            problems=problems,
            hint="map the codes, declare them missing with a reason, or say 'unmapped: missing'",
            code="unmapped-codes",
        )
    return _result(bench, walk, name, notes)


def level_name(walk: Crosswalk, level: str | None) -> str:
    """Level meant: the one given, or the only one there is."""
    if level is None and walk.only_level is not None:
        return walk.only_level
    if level is None or level not in walk.levels:
        raise HarmonizationError(
            f"crosswalk '{walk.id}' has {'several levels' if level is None else f'no level {level!r}'}",
            expected=" or ".join(f"'{name}'" for name in walk.levels),
            hint="say which with level=…",
            code="unknown-level",
        )
    return level


def check_columns(data: Microdata, spec: Level, walk_id: str, level: str) -> None:
    """All columns the crosswalk names that the file does not have, at once."""
    have = data.variables
    problems = [
        f"no such column: {where}: '{name}'; {did_you_mean(name, have)}"
        for where, name in named_columns(spec)
        if name not in have
    ]
    for name, target in spec.targets.items():
        problems += _label_problems(data, target.label, name) if target.label is not None else []
    problems += [f"keep: '{name}' is a target too" for name in spec.keep if name in spec.targets]
    if problems:
        raise HarmonizationError(
            f"the file does not fit level '{level}' of crosswalk '{walk_id}'",
            where=data.source.name,
            problems=problems,
            hint="is it the right file and the right round of the survey? names are case-sensitive",
            code="missing-column",
        )


def named_columns(spec: Level) -> Iterator[tuple[str, str]]:
    """Every source column a level names, with the key that names it."""
    yield from (("file_key", name) for name in spec.file_key)
    yield from (("keep", name) for name in spec.keep)
    yield from (("missing.by_code", name) for name in spec.missing.by_code)
    if spec.filter is not None:
        yield from (("filter", name) for name in sorted(rule_variables(spec.filter)))
    made: set[str] = set()
    for target_name, target in spec.targets.items():
        yield from ((f"targets.{target_name}", name) for name in target.reads() if name not in made)
        if target.status != "impossible":
            made.add(target_name)


def label_source(data: Microdata, label: str) -> str:
    """Column that has a label, in any case and spacing."""
    return next(v.name for v in data.variables.values() if fold(v.label) == fold(label))


def unmapped_problems(audit: Iterable[TargetAudit], spec: Level) -> list[str]:
    """Unmapped codes of the targets that do not set them aside, one line a target."""
    problems = []
    for entry in audit:
        target = spec.targets[entry.target]
        if entry.unmapped and target.unmapped == "error":
            listed = ", ".join(f"{code} ({n:,} rows)" for code, n in entry.unmapped.items())
            column = target.source or target.label or target.from_ or ", ".join(target.first_of)
            problems.append(f"targets.{entry.target}: column '{column}' holds unmapped codes: {listed}")
    return problems


def _label_problems(data: Microdata, label: str, target: str) -> list[str]:
    found = [v.name for v in data.variables.values() if fold(v.label) == fold(label)]
    if len(found) == 1:
        return []
    said = f"{len(found)} columns have" if found else "no column has"
    return [f"targets.{target}: {said} the label '{label}'"]


def _label_notes(data: Microdata, spec: Level) -> list[str]:
    labels = {fold(text) for v in data.variables.values() for text in v.value_labels.values()}
    return [
        f"missing.by_label: no value label in the file reads '{text}'"
        for text in spec.missing.by_label
        if fold(text) not in labels
    ]


def _check_keys(data: Microdata, keys: tuple[str, ...], walk_id: str) -> None:
    if not keys:
        return
    frame = data.frame[list(keys)]
    blank = int(frame.isna().any(axis=1).sum())
    twice = int(frame.duplicated(keep=False).sum())
    if blank or twice:
        raise HarmonizationError(
            f"the key of crosswalk '{walk_id}' does not name each row once",
            where=f"{data.source.name}: {', '.join(keys)}",
            found=f"{twice:,} rows share their key, {blank:,} rows have a blank one",
            expected="one row a key",
            hint="name all columns of the key, or remove the duplicates before",
            code="duplicate-key",
        )


def filtered(data: Microdata, spec: Level) -> tuple[Microdata, list[str]]:
    """Rows that count, and how many do not."""
    if spec.filter is None:
        return data, []
    cleaned = _cleaned(data, spec, sorted(rule_variables(spec.filter)))
    kept, unknown = rule_mask(cleaned, spec.filter, where=f"{data.source.name}: filter")
    n_out = int((~kept & ~unknown).sum())
    said = f" ({spec.filter_note})" if spec.filter_note else ""
    note = f"filter{said}: {int(kept.sum()):,} of {len(kept):,} rows kept, {n_out:,} do not count"
    if unknown.any():
        note += f", {int(unknown.sum()):,} cannot be told and were left out"
    frame = data.frame[kept].reset_index(drop=True)
    return data.replace(frame=frame), [note]


def _cleaned(data: Microdata, spec: Level, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({n: clean_source(data, spec, n, Target(source=n)).values for n in names})


def _result(bench: Bench, walk: Crosswalk, level: str, notes: list[str]) -> Microdata:
    import pandas as pd

    spec, data = bench.spec, bench.data
    columns: dict[str, Any] = {}
    variables: dict[str, Variable] = {}
    for name in dict.fromkeys((*spec.file_key, *spec.keep)):
        columns[name], variables[name] = data.frame[name], data.variable(name)
    for entry in bench.audit:
        if entry.target in bench.made:
            cells = bench.made[entry.target]
            columns[entry.target] = cells.values
            companion = cells.companion()
            if companion is not None:
                columns[entry.target + MISSING_SUFFIX] = companion
            variables[entry.target] = _described(bench.registry, entry, walk)
        else:
            notes.append(f"{entry.target} cannot be made: {entry.note or next(iter(entry.missing))}")
    return data.replace(
        frame=pd.DataFrame(columns, index=pd.RangeIndex(data.n_rows)),
        variables=variables,
        level=level,
        keys=spec.file_key,
        audit=tuple(bench.audit),
        notes=tuple(notes),
    )


def _described(registry: Registry, entry: TargetAudit, walk: Crosswalk) -> Variable:
    standard = registry.variable(entry.target)
    return Variable(
        name=entry.target,
        label=in_language(standard.label),
        value_labels=_detail_labels(registry, standard),
        unit=standard.unit,
        level=standard.level,
        sources=entry.sources,
        provenance={
            "crosswalk": walk.id,
            "rule": entry.rule,
            "sources": list(entry.sources),
            "status": entry.status,
            "note": entry.note,
        },
    )


def _detail_labels(registry: Registry, standard: StandardVariable) -> dict[Code, str]:
    """Labels of the codes a record can have; sums and totals of the code list are left out."""
    if not standard.codelist:
        return {}
    codes = registry.codelist(standard.codelist).details()
    labels = registry.code_labels(standard.id)
    return {code: labels[code] for code in codes}
