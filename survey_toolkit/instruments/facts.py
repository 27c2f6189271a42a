"""From answers to the harmonized facts of one person, and to what the definitions say of them.

A plain reading of one interview, without files: the simulation needs to know the truth of who it makes up.
It goes its own way, past the crosswalk, so that the loop through file and crosswalk has something to be
compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from survey_toolkit.instruments.crosswalk import MAIN, tables_of
from survey_toolkit.instruments.interview import Rows
from survey_toolkit.instruments.questionnaire import Questionnaire
from survey_toolkit.instruments.routing import evaluate, is_known
from survey_toolkit.instruments.steps import Step
from survey_toolkit.standards.cases import evaluate_output
from survey_toolkit.standards.models import ROW_LEVELS, Output, StandardVariable
from survey_toolkit.standards.rules import Rule, evaluate_record, rule_variables

__all__ = ["Judge"]

Record = dict[str, Any]


class Judge:
    """Says what the claimed definitions make of a person's answers.

    Parameters
    ----------
    form : Questionnaire
    outputs : sequence of str
        ``definition.output`` or, where a definition has one output of its own name, the definition.
    """

    def __init__(self, form: Questionnaire, outputs: Sequence[str]) -> None:
        self.form = form
        self.tables = tables_of(form)
        self.criteria = {name: item.rule for name, item in form.registry.criterion_items.items()}
        self.outputs = {name: self._output(name) for name in outputs}

    def _output(self, name: str) -> Output:
        definition, _, wanted = name.partition(".")
        version = self.form.registry.definition(definition)
        found = version.output(wanted or version.id) or version.outputs[0]
        return found

    def rules(self) -> list[Rule]:
        """Rules and universes of the outputs."""
        every = [r for o in self.outputs.values() for r in (o.rule, o.universe)]
        return [r for r in every if r is not None]

    def variables(self) -> frozenset[str]:
        """Variables the outputs read, through criteria and derivations."""
        found: set[str] = set()
        waiting = [name for rule in self.rules() for name in rule_variables(rule, criteria=self.criteria)]
        while waiting:
            name = waiting.pop()
            variable = self.form.registry.variables.get(name)
            if name in found:
                continue
            found.add(name)
            for step in variable.derive if variable is not None else ():
                waiting += rule_variables(step.when, criteria=self.criteria) if step.when is not None else ()
        return frozenset(found)

    def statuses(self, rows: Rows) -> dict[str, str]:
        """Status of the person under each output: met, not_met, undetermined, not_applicable."""
        plain = self._record(MAIN, rows[MAIN][0], {})
        person = self._derived(plain)
        found: dict[str, str] = {}
        for name, output in self.outputs.items():
            episodes: list[Record] | None = None
            tables = [t for t in self.tables.values() if t.level == output.level and t.name != MAIN]
            if output.level in ROW_LEVELS and tables:
                episodes = [
                    self._derived({**plain, **self._record(t.name, row, rows[MAIN][0])})
                    for t in tables
                    for row in rows.get(t.name, [])
                ]
            found[name] = evaluate_output(output, person, episodes=episodes, criteria=self.criteria)
        return found

    def _record(self, table: str, row: Mapping[str, Any], outer: Mapping[str, Any]) -> Record:
        record: Record = {}
        seen = {**outer, **row}
        for step in self.tables[table].steps:
            for name, value in self._values(step, row, seen):
                if record.get(name) is None:
                    record[name] = value
        return record

    def _values(self, step: Step, row: Mapping[str, Any], seen: Mapping[str, Any]) -> list[tuple[str, Any]]:
        item = step.item
        if step.used.module.apart:
            return []
        value: Any = row.get(step.id)
        known = is_known(value, tuple(item.missing_codes.values()))
        choices = self.form.flow.scope.items[step.id].choices
        if item.type == "select_multiple":
            return [(c.variable, (c.id in value) if known else None) for c in choices if c.variable]
        if item.variable is None:
            return []
        if not known:
            return [(item.variable, self._skipped(step, value, seen))]
        match = next((c for c in choices if c.id == str(value)), None)
        return [(item.variable, value if match is None else match.id if match.value is None else match.value)]

    def _skipped(self, step: Step, value: Any, seen: Mapping[str, Any]) -> Any:
        if step.item.if_skipped is None or value not in (None, ""):
            return None
        inner = step.around[step.around.index(step.repeats[-1]) + 1 :] if step.repeats else step.around
        steps = [s for name in inner if (s := self.form.step(name)).kind == "group"]
        decided = [evaluate(c.rule, seen) for s in (*steps, step) for c in s.conditions]
        return step.item.if_skipped if any(d is False for d in decided) else None

    def _derived(self, record: Record) -> Record:
        """Add what the standards derive from the facts."""
        for name in sorted(self.variables() - set(record)):
            variable = self.form.registry.variables.get(name)
            if variable is not None and variable.derive:
                record = {**record, name: self._derive(variable, record)}
        return record

    def _derive(self, variable: StandardVariable, record: Record) -> Any:
        for step in variable.derive:
            holds = True if step.when is None else evaluate_record(step.when, record, criteria=self.criteria)
            if holds is not False:
                return step.value if holds else None
        return None
