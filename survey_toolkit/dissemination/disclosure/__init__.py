"""Disclosure control: no published number may tell that a particular person is a victim."""

from __future__ import annotations

from survey_toolkit.dissemination.disclosure.cell_key import (
    PerturbedCell,
    TransitionTable,
    perturb_table,
    transition_table,
)
from survey_toolkit.dissemination.disclosure.local import LocalSuppression, local_suppression
from survey_toolkit.dissemination.disclosure.magnitude import dominance, dominant_cells, p_percent
from survey_toolkit.dissemination.disclosure.policy import DisclosurePolicy
from survey_toolkit.dissemination.disclosure.protect import (
    DisclosureReport,
    Protected,
    SuppressedCell,
    attack,
    protect,
)
from survey_toolkit.dissemination.disclosure.records import (
    Anonymity,
    Diversity,
    individual_risk,
    k_anonymity,
    l_diversity,
)
from survey_toolkit.dissemination.disclosure.rounding import (
    Rounded,
    random_round,
    round_table,
    round_to_base,
)
from survey_toolkit.dissemination.disclosure.tables import (
    CountTable,
    Suppression,
    audit_table,
    link_tables,
    suppress_table,
)

__all__ = [
    "Anonymity",
    "CountTable",
    "DisclosurePolicy",
    "DisclosureReport",
    "Diversity",
    "LocalSuppression",
    "PerturbedCell",
    "Protected",
    "Rounded",
    "SuppressedCell",
    "Suppression",
    "TransitionTable",
    "attack",
    "audit_table",
    "dominance",
    "dominant_cells",
    "individual_risk",
    "k_anonymity",
    "l_diversity",
    "link_tables",
    "local_suppression",
    "p_percent",
    "perturb_table",
    "protect",
    "random_round",
    "round_table",
    "round_to_base",
    "suppress_table",
    "transition_table",
]
