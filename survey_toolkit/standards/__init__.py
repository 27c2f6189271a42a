"""Load, check, show and compare the standards of ``harmonization/``; the rule language.

Examples
--------
>>> from survey_toolkit import standards
>>> reg = standards.load()
>>> reg.definition("child_labour").version
'sdg-2021'
"""

from __future__ import annotations

from survey_toolkit.standards.cases import evaluate_output
from survey_toolkit.standards.compare import diff
from survey_toolkit.standards.departures import Departure, departures
from survey_toolkit.standards.display import show
from survey_toolkit.standards.folder import Problem
from survey_toolkit.standards.models import (
    Code,
    Codelist,
    Correspondence,
    CriteriaList,
    CriterionItem,
    Definition,
    DefinitionVersion,
    Indicator,
    Output,
    Population,
    Reference,
    RuleField,
    Series,
    Source,
    StandardVariable,
    in_language,
)
from survey_toolkit.standards.questions import Question, questions, questions_for
from survey_toolkit.standards.registry import Registry, check, load
from survey_toolkit.standards.rules import (
    Rule,
    compile_rule,
    evaluate_record,
    parse_rule,
    rule_sentence,
    rule_tree,
    rule_variables,
)

__all__ = [
    "Code",
    "Codelist",
    "Correspondence",
    "CriteriaList",
    "CriterionItem",
    "Definition",
    "DefinitionVersion",
    "Departure",
    "Indicator",
    "Output",
    "Population",
    "Problem",
    "Question",
    "Reference",
    "Registry",
    "Rule",
    "RuleField",
    "Series",
    "Source",
    "StandardVariable",
    "check",
    "compile_rule",
    "departures",
    "diff",
    "evaluate_output",
    "evaluate_record",
    "in_language",
    "load",
    "parse_rule",
    "questions",
    "questions_for",
    "rule_sentence",
    "rule_tree",
    "rule_variables",
    "show",
]
