"""A definition applied: each person met, not met, undetermined, or outside the universe.

The rule is evaluated where its facts meet. Criteria of forced labour must hold in one and the same job,
so the rule runs on job rows and the person takes the Kleene *any* of them: met if one job is met, else
undetermined if one is undetermined, else not met. A person without a job row is not met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from survey_toolkit._frames import MET, NOT_APPLICABLE, NOT_MET, STATUS_SUFFIX, UNDETERMINED
from survey_toolkit.errors import HarmonizationError, did_you_mean
from survey_toolkit.microdata._cells import rule_mask
from survey_toolkit.microdata._fit import require_types
from survey_toolkit.microdata.derive import derive_for
from survey_toolkit.microdata.model import Microdata, Variable
from survey_toolkit.microdata.rows import linked_rows
from survey_toolkit.standards.models import ROW_LEVELS, DefinitionVersion, Output, in_language
from survey_toolkit.standards.rules import Rule, rule_criteria, rule_variables

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from survey_toolkit.standards.registry import Registry

__all__ = ["classify"]


def classify(
    data: Microdata,
    definition: str | DefinitionVersion,
    version: str | None = None,
    *,
    episodes: Mapping[str, Microdata] | None = None,
    missing_criteria: Literal["error", "unknown"] = "error",
    registry: Registry | None = None,
) -> Microdata:
    """Apply a definition to harmonized person data.

    Parameters
    ----------
    data : Microdata
        Harmonized persons.
    definition, version : str
        ``"child_labour"``, ``"sdg-2021"``; or ``"child_labour@sdg-2021"``; without a version the default.
        Or a version as the registry gives it.
    episodes : mapping of level to Microdata, optional
        Harmonized ``"job"`` or ``"episode"`` rows; linked to persons by the persons' ``keys``. Without
        them, an output at that level is read from the person's own columns: one job a person.
    missing_criteria : {"error", "unknown"}
        Variables the rule reads and the data lack: refuse, or take as unknown and say so.
    registry : Registry, optional
        Default: the shipped standards.

    Returns
    -------
    Microdata
        With ``<output>`` (nullable Boolean) and ``<output>__status`` added for each output that can be
        decided; an output that reads a variable declared impossible is left out, and a note says so. A
        variable that the data lack and the standards derive from others (the exclusion of Convention 29
        from its conditions) is derived first, at its own level, and a note says so.

    Raises
    ------
    HarmonizationError
        A variable is missing; episodes cannot be linked to persons.
    DefinitionError
        Unknown definition or version.

    Examples
    --------
    >>> import pandas as pd
    >>> people = Microdata.from_frame(pd.DataFrame({"age": [9, 13, 30], "ea_any": [True, True, False],
    ...                                             "ea_hours": [2.0, 5.0, 0.0], "chores_any": [False] * 3,
    ...                                             "chores_hours": [0.0] * 3}))
    >>> classify(people, "child_labour", "sdg-2021").frame["child_labour_a__status"].to_list()
    ['met', 'not_met', 'not_applicable']
    """
    from survey_toolkit.standards.registry import load

    registry = registry or load()
    chosen = registry.deciding(definition, version)
    criteria = registry.criteria_rules(chosen)
    data, rows = derive_for(data, chosen, criteria, episodes or {}, registry)
    for output in chosen.outputs:
        task = _Task(data, chosen, output, criteria, rows, missing_criteria, registry)
        data = task.run()
    return data


@dataclass(slots=True)
class _Task:
    """One output of a definition on one data set."""

    data: Microdata
    definition: DefinitionVersion
    output: Output
    criteria: dict[str, Rule]
    episodes: dict[str, Microdata]
    missing_criteria: str
    registry: Registry

    def run(self) -> Microdata:
        """Return the data with the output's two columns, or with a note why there are none."""
        impossible = self._impossible()
        if impossible:
            note = f"{self.label} was not classified: {', '.join(impossible)} cannot be made from this survey"
            return self.data.replace(notes=(*self.data.notes, note))
        absent = self._absent() if self.output.optional else []
        if absent:
            note = f"{self.label} was left out: the data lack {', '.join(absent)}"
            return self.data.replace(notes=(*self.data.notes, note))
        met, unknown, notes = self._person_status()
        inside, doubtful = self._universe()
        status = np.where(met, MET, np.where(unknown, UNDETERMINED, NOT_MET)).astype(object)
        status[doubtful] = UNDETERMINED
        status[~inside & ~doubtful] = NOT_APPLICABLE
        return self._with_columns(status, notes)

    @property
    def label(self) -> str:
        return f"{self.output.id} ({self.definition.key})"

    def _reads(self) -> list[str]:
        rules = [self.output.rule] + ([self.output.universe] if self.output.universe is not None else [])
        names = set().union(*(rule_variables(rule, criteria=self.criteria) for rule in rules))
        return sorted(names)

    def _impossible(self) -> list[str]:
        """Variables the output reads that the survey cannot give, or outputs left out for that reason."""
        if self.missing_criteria == "unknown":
            return []
        frames = [self.data, *self.episodes.values()]
        have = {name for data in frames for name in data.frame.columns}
        lost = {a.target for data in frames for a in data.audit if a.status == "impossible"}
        return [name for name in self._reads() if name in lost and name not in have]

    def _absent(self) -> list[str]:
        """Variables an optional output reads that no file has."""
        have = {name for data in (self.data, *self.episodes.values()) for name in data.frame.columns}
        return [name for name in self._reads() if name not in have]

    def _universe(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        rule = self.output.universe
        if rule is None:
            n = self.data.n_rows
            return np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        self._require(self.data, rule)
        names, where = sorted(rule_variables(rule, criteria=self.criteria)), self.data.source.name
        require_types(self.data.frame, names, self.registry.variables, where=f"{where}: {self.label}")
        return rule_mask(self.data.frame, rule, where=f"universe of {self.label}", criteria=self.criteria)

    def _require(self, data: Microdata, rule: Rule) -> None:
        missing = [n for n in sorted(rule_variables(rule, criteria=self.criteria)) if n not in data.frame]
        if missing:
            raise self._lacking(missing, data)

    def _lacking(self, missing: list[str], data: Microdata) -> HarmonizationError:
        return HarmonizationError(
            f"{self.label} reads variables that the data do not have",
            where=data.source.name,
            found=", ".join(f"'{m}'" for m in missing),
            expected=did_you_mean(missing[0], data.variables),
            hint="make them in the crosswalk; or take them as unknown: missing_criteria='unknown'",
            code="missing-variable",
        )

    def _person_status(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
        level = self.output.level
        if level not in ROW_LEVELS:
            met, unknown, notes = self._evaluate(self.data.frame, self.data)
            return met, unknown, notes
        if level not in self.episodes:
            met, unknown, notes = self._evaluate(self.data.frame, self.data)
            return (
                met,
                unknown,
                [*notes, f"{self.label}: no {level} rows given; one {level} a person assumed"],
            )
        return self._lifted(self.episodes[level], level)

    def _evaluate(
        self, frame: pd.DataFrame, data: Microdata
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
        import pandas as pd

        needed = sorted(rule_variables(self.output.rule, criteria=self.criteria))
        missing = [n for n in needed if n not in frame.columns]
        notes = []
        if missing:
            if self.missing_criteria != "unknown" or len(missing) == len(needed):
                raise self._lacking(missing, data)
            frame = frame.assign(**{n: self._unknown_column(n, len(frame), frame.index) for n in missing})
            notes = [f"{self.label}: not in the data, taken as unknown: {', '.join(missing)}"]
        where = f"{data.source.name}: {self.label}"
        require_types(frame, needed, self.registry.variables, where=where)
        met, unknown = rule_mask(pd.DataFrame(frame), self.output.rule, where=where, criteria=self.criteria)
        return met, unknown, notes

    def _unknown_column(self, name: str, n: int, index: Any) -> pd.Series[Any]:
        import pandas as pd

        from survey_toolkit.microdata._cells import DTYPES

        known = self.registry.variables.get(name)
        return pd.Series([pd.NA] * n, index=index, dtype=DTYPES[known.type] if known else "boolean")

    def _lifted(self, rows: Microdata, level: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
        """Kleene *any* over the rows of each person."""
        needed = rule_variables(self.output.rule, criteria=self.criteria)
        frame, place = linked_rows(self.data, rows, level, needed)
        met, unknown, notes = self._evaluate(frame, rows)
        n = self.data.n_rows
        any_met = np.bincount(place[met], minlength=n) > 0
        any_unknown = np.bincount(place[unknown], minlength=n) > 0
        n_without = n - len(np.unique(place))
        if n_without:
            notes.append(f"{self.label}: {n_without:,} persons have no {level} row and are not met")
        return any_met, any_unknown & ~any_met, notes

    def _with_columns(self, status: NDArray[np.object_], notes: list[str]) -> Microdata:
        import pandas as pd

        name = self.output.id
        if name in self.data.frame.columns:
            notes = [*notes, f"{name} was classified before; {self.definition.key} replaces it"]
        decided = np.isin(status, (MET, NOT_MET))
        flags = pd.arrays.BooleanArray(status == MET, ~decided)
        words = pd.Series(status, dtype=pd.StringDtype(na_value=pd.NA), index=self.data.frame.index)
        frame = self.data.frame.copy(deep=False)
        frame[name], frame[name + STATUS_SUFFIX] = flags, words
        counts = {s: int((status == s).sum()) for s in (MET, NOT_MET, UNDETERMINED, NOT_APPLICABLE)}
        # notes are published, and a small number of people who met the definition must not be: the note tells
        # how many could be decided, the provenance (which stays with the microdata) how
        said = (
            f"{counts[MET] + counts[NOT_MET]:,} decided, {counts[UNDETERMINED]:,} undetermined, "
            f"{counts[NOT_APPLICABLE]:,} not applicable"
        )
        variables = {**self.data.variables, **self._variables(counts)}
        return self.data.replace(
            frame=frame, variables=variables, notes=(*self.data.notes, *notes, f"{self.label}: {said}")
        )

    def _variables(self, counts: Mapping[str, int]) -> dict[str, Variable]:
        output, sentence = self.output, self.registry.sentence(self.output.rule)
        named = dict.fromkeys(rule_criteria(output.rule))
        provenance: dict[str, Any] = {
            "definition": self.definition.id,
            "version": self.definition.version,
            "output": output.id,
            "sentence": sentence,
            "universe": self.registry.sentence(output.universe) if output.universe is not None else "",
            "criteria": list(named),
            "reads": self._reads(),
            "level": output.level,
            "lift": output.lift,
            "counts": dict(counts),
            "references": [r.model_dump(exclude_none=True) for r in output.references],
        }
        label = in_language(output.label)
        shared: dict[str, Any] = {
            "sources": tuple(self._reads()),
            "provenance": provenance,
            "level": "person",
        }
        status = f"{output.id}{STATUS_SUFFIX}"
        return {
            output.id: Variable(name=output.id, label=label, **shared),
            status: Variable(name=status, label=f"{label}: status", **shared),
        }
