"""What a questionnaire measures: criterion by question, and what is asked before consent and privacy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from survey_toolkit.errors import DefinitionError
from survey_toolkit.instruments.catalogue import Finding
from survey_toolkit.instruments.routing import implied_codes
from survey_toolkit.standards.models import StandardVariable, in_language
from survey_toolkit.standards.registry import Registry
from survey_toolkit.standards.rules import Rule, rule_variables

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.instruments.questionnaire import Questionnaire
    from survey_toolkit.instruments.steps import Step

__all__ = ["Coverage", "CoverageRow", "asked_parts", "claimed_criteria", "coverage_of", "measured_variables"]

#: From this sensitivity on, a question stands behind consent and privacy only.
SENSITIVE = 2
_CONSENT = ("consent", "consent_sensitive", "permission", "assent")


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One criterion claimed (or one variable an output of a claim reads besides).

    Attributes
    ----------
    id, label, claim : str
    questions : tuple of str
        Items that measure it.
    missing : tuple of str
        Variables it reads that no question asks; empty means measured.
    """

    id: str
    label: str
    claim: str
    questions: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def measured(self) -> bool:
        """Whether it can be decided from the answers."""
        return not self.missing


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The matrix of criteria and questions, and every gap."""

    questionnaire: str
    rows: tuple[CoverageRow, ...]
    sensitive: tuple[tuple[str, bool, bool], ...]
    gaps: tuple[Finding, ...]

    def __repr__(self) -> str:
        measured = sum(row.measured for row in self.rows)
        of_all = f"{measured} of {len(self.rows)} measured"
        return f"Coverage('{self.questionnaire}': {of_all}, {len(self.gaps)} gaps)"

    def to_frame(self) -> pd.DataFrame:
        """One row a criterion: claim, label, questions, what is missing."""
        import pandas as pd

        return pd.DataFrame(
            [
                (r.claim, r.id, r.label, ", ".join(r.questions), ", ".join(r.missing), r.measured)
                for r in self.rows
            ],
            columns=["claim", "criterion", "label", "questions", "missing", "measured"],
        )

    def matrix(self) -> pd.DataFrame:
        """Criterion by question, true where the question measures it."""
        import pandas as pd

        questions = list(dict.fromkeys(q for row in self.rows for q in row.questions))
        cells = [[q in row.questions for q in questions] for row in self.rows]
        return pd.DataFrame(cells, index=[r.id for r in self.rows], columns=questions, dtype=bool)


def claimed_criteria(registry: Registry, claim: str) -> dict[str, Rule]:
    """Rules a claim stands for: of a definition, a criteria list, or one criterion; by id.

    The rule and the universe of a definition's outputs are among them (``<output>``, ``<output>.universe``).

    Raises
    ------
    DefinitionError
        If the standards know nothing of that name.
    """
    if claim in registry.criteria_lists:
        return {c.id: c.rule for c in registry.criteria(claim).criteria}
    if claim in registry.criterion_items:
        return {claim: registry.criterion(claim).rule}
    version = registry.definition(claim)
    rules = dict(registry.criteria_rules(version))
    for output in version.outputs:
        if output.optional:
            continue
        rules[output.id] = output.rule
        if output.universe is not None:
            rules[f"{output.id}.universe"] = output.universe
    return rules


def measured_variables(form: Questionnaire) -> dict[str, list[str]]:
    """Harmonized variable to the items that ask it."""
    found: dict[str, list[str]] = {}
    for step in form.items():
        if step.used.module.apart:
            continue
        choices = form.flow.scope.items[step.id].choices if step.item.type == "select_multiple" else ()
        for name in (step.item.variable, *(c.variable for c in choices)):
            if name:
                found.setdefault(name, []).append(step.id)
    return found


def coverage_of(form: Questionnaire) -> Coverage:
    """Build the matrix; each criterion that no question measures is a gap."""
    rows: list[CoverageRow] = []
    gaps: list[Finding] = []
    asked = measured_variables(form)
    placed = form.catalogue.questionnaire(form.id)
    for index, claim in enumerate(form.file.claims):
        try:
            rules = claimed_criteria(form.registry, claim)
        except DefinitionError as exc:
            text = f"the claim is no definition, criteria list or criterion: {exc.what}; {exc.expected}"
            gaps.append(placed.finding(("claims", index), text, "coverage"))
            continue
        for id, rule in rules.items():
            row = _row(form.registry, claim, id, rule, asked)
            rows.append(row)
            if row.missing:
                text = f"'{claim}' is claimed, but '{id}' ({row.label}) cannot be decided: no question for "
                gaps.append(placed.finding(("claims", index), text + ", ".join(row.missing), "coverage"))
    for used in form.modules:
        if used.use.without:
            continue  # the questionnaire leaves questions out on purpose; its own claims decide
        gaps += _module_gaps(form, used.module.id, asked)
    sensitive = tuple(_sensitive(form))
    for id, consent, privacy in sensitive:
        lacking = [w for w, ok in (("consent", consent), ("privacy", privacy)) if not ok]
        if lacking:
            step = form.step(id)
            text = f"'{id}' has sensitivity {step.item.sensitivity} and stands before {' and '.join(lacking)}"
            gaps.append(step.finding("sensitivity", text, "coverage"))
    return Coverage(form.id, tuple(rows), sensitive, tuple(dict.fromkeys(gaps)))


def _row(registry: Registry, claim: str, id: str, rule: Rule, asked: dict[str, list[str]]) -> CoverageRow:
    criteria = {name: item.rule for name, item in registry.criterion_items.items()}
    questions: list[str] = []
    missing: list[str] = []
    for name in sorted(rule_variables(rule, criteria=criteria)):
        leaves = asked_parts(registry, name, asked)
        if leaves is None:
            missing.append(name)
        else:
            questions += [q for leaf in leaves for q in asked[leaf]]
    item = registry.criterion_items.get(id)
    label = in_language(item.label) if item is not None else id
    return CoverageRow(id, label, claim, tuple(dict.fromkeys(questions)), tuple(missing))


def asked_parts(registry: Registry, name: str, asked: dict[str, list[str]]) -> tuple[str, ...] | None:
    """Asked variables that give this one: itself, or all it is derived from; None if some is not asked."""
    if name in asked:
        return (name,)
    variable: StandardVariable | None = registry.variables.get(name)
    if variable is None or not variable.derive:
        return None
    criteria = {key: item.rule for key, item in registry.criterion_items.items()}
    found: list[str] = []
    for step in variable.derive:
        if step.when is None:
            continue
        for inner in sorted(rule_variables(step.when, criteria=criteria)):
            leaves = asked_parts(registry, inner, asked) if inner != name else None
            if leaves is None:
                return None
            found += leaves
    return tuple(found)


def _module_gaps(form: Questionnaire, module: str, asked: dict[str, list[str]]) -> Iterator[Finding]:
    """What a module itself claims to measure, measured within this form."""
    placed = form.catalogue.module(module)
    for index, claim in enumerate(placed.model.measures):
        try:
            rules = claimed_criteria(form.registry, claim)
        except DefinitionError as exc:
            text = f"the module measures nothing the standards know: {exc.what}; {exc.expected}"
            yield placed.finding(("measures", index), text, "coverage")
            continue
        for id, rule in rules.items():
            row = _row(form.registry, claim, id, rule, asked)
            if row.missing:
                text = f"the module claims '{claim}', but no question measures '{id}': nothing asks "
                yield placed.finding(("measures", index), text + ", ".join(row.missing), "coverage")


def _sensitive(form: Questionnaire) -> Iterator[tuple[str, bool, bool]]:
    """Each sensitive item, whether consent stands before it, and whether privacy does."""
    guards: dict[str, frozenset[str]] = {}
    for step in form.steps():
        own = _roles(form, step)
        inherited = [guards.get(name, frozenset()) for name in step.around]
        roles = own.union(*inherited)
        if step.kind != "item":
            guards[step.id] = roles
        elif step.item.sensitivity >= SENSITIVE and step.item.asked:
            yield step.id, bool(roles & set(_CONSENT)), "privacy" in roles


def _roles(form: Questionnaire, step: Step) -> frozenset[str]:
    """Gates that the step's own conditions imply to stand open."""
    open_: set[str] = set()
    for condition in step.conditions:
        if condition.ask_unknown:
            continue
        for name, code in implied_codes(condition.rule):
            asked = form.flow.scope.items[name]
            yes = any(c.id == code and c.value is True for c in asked.choices)
            if yes and asked.item.role is not None:
                open_.add(asked.item.role)
    return frozenset(open_)
