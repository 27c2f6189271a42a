"""Variables that the standards derive from others, made where the data lack them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._cells import DTYPES, rule_mask
from survey_toolkit.microdata._fit import require_types
from survey_toolkit.microdata.model import Microdata, Variable
from survey_toolkit.standards.models import ROW_LEVELS, DefinitionVersion, StandardVariable, in_language
from survey_toolkit.standards.rules import Rule, resolve_criteria, rule_variables

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.standards.registry import Registry

__all__ = ["derive", "derive_for"]


def derive_for(
    data: Microdata,
    definition: DefinitionVersion,
    criteria: Mapping[str, Rule],
    episodes: Mapping[str, Microdata],
    registry: Registry,
) -> tuple[Microdata, dict[str, Microdata]]:
    """Derive what the definition reads, the data lack and the standards can make from other columns.

    Each variable is derived in the rows of its own level, or with the persons where there are no such
    rows. A derivation whose inputs are not all there is left alone.
    """
    rows = dict(episodes)
    rules = [o.rule for o in definition.outputs] + [o.universe for o in definition.outputs if o.universe]
    wanted = set().union(*(rule_variables(rule, criteria=criteria) for rule in rules))
    for name in sorted(wanted & set(registry.variables)):
        variable = registry.variables[name]
        if not variable.derive:
            continue
        if variable.level in ROW_LEVELS and variable.level in rows:
            rows[variable.level] = derive(rows[variable.level], variable, registry)
        else:
            data = derive(data, variable, registry)
    return data, rows


def derive(data: Microdata, variable: StandardVariable, registry: Registry) -> Microdata:
    """Add a derived variable to data that lack it and have all it is made from; else return the data.

    The value is that of the first step whose rule holds. Where a step is unknown before one holds, the
    value is unknown: what would decide was not answered.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.standards import load
    >>> jobs = Microdata.from_frame(pd.DataFrame({
    ...     "c29_basis": ["convict", "convict", "none"], "c29_purely_military": None,
    ...     "c29_self_governing": None,
    ...     "c29_court_conviction": [True, True, None], "c29_public_supervision": [True, None, None],
    ...     "c29_private_hire": [False, False, None], "c29_danger_present": None, "c29_direct_interest": None,
    ...     "c29_consulted": None}))
    >>> made = derive(jobs, load().variable("c29_exclusion"), load())
    >>> made.frame["c29_exclusion"].to_list()
    ['convict', <NA>, 'none']
    """
    rules = {item: criterion.rule for item, criterion in registry.criterion_items.items()}
    steps = [(s.value, None if s.when is None else resolve_criteria(s.when, rules)) for s in variable.derive]
    needed = sorted(set().union(*(rule_variables(rule) for _, rule in steps if rule is not None)))
    if variable.id in data.frame or any(name not in data.frame for name in needed):
        return data
    ready = data.frame[needed].copy(deep=False)
    for name in needed:
        if ready[name].isna().all():  # a column without any answer has no type of its own
            ready[name] = _typed([None] * len(ready), registry.variables[name])
    require_types(ready, needed, registry.variables, where=f"{data.source.name}: {variable.id}")
    values = _values(ready, steps, f"derivation of {variable.id}")
    frame = data.frame.copy(deep=False)
    frame[variable.id] = _typed(values, variable)
    made = Variable(
        name=variable.id,
        label=in_language(variable.label),
        level=variable.level,
        sources=tuple(needed),
        value_labels={code: label for code, label in registry.code_labels(variable.id).items()},
        provenance={"derived_from": needed},
    )
    note = f"{variable.id} was derived from {', '.join(needed)}"
    return data.replace(
        frame=frame, variables={**data.variables, variable.id: made}, notes=(*data.notes, note)
    )


def _values(frame: pd.DataFrame, steps: list[tuple[Any, Rule | None]], where: str) -> list[Any]:
    values = np.full(len(frame), None, dtype=object)
    undecided = np.ones(len(frame), dtype=bool)
    for value, rule in steps:
        if rule is None:
            values[undecided] = value
            break
        holds, unknown = rule_mask(frame, rule, where=where)
        values[undecided & holds] = value
        undecided &= ~holds & ~unknown
    return list(values)


def _typed(values: list[Any], variable: StandardVariable) -> Any:
    import pandas as pd

    return pd.array(values, dtype=DTYPES[variable.type])
