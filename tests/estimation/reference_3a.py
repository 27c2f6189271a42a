"""Cases of the reference bank with replicate weights, replicates made from the design, or PPS sampling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from survey_toolkit.estimation import PpsDesign, ReplicateDesign, Survey


def given_replicates(case: Any, survey: Survey, folder: Path) -> Survey:
    """The producer's replicate weights."""
    spec = case.data["design"]
    told = spec["replicate"]
    design = ReplicateDesign(
        weight=spec["weights"],
        replicates=told["prefix"],
        kind=told["type"],
        n=told["n"],
        scale=told.get("scale"),
        rscales=told.get("rscales"),
        rho=told.get("rho") or 0.0,
        combined=told.get("combined") is not False,
        mse=bool(told.get("mse")),
    )
    return Survey(survey.frame, design)


def made_replicates(case: Any, survey: Survey, folder: Path) -> Survey:
    """Replicates from the design."""
    told = case.data["design"]["convert"]
    return survey.replicate(told["type"], mse=bool(told.get("mse")))


def unequal_probabilities(case: Any, survey: Survey, folder: Path) -> Survey:
    """Sampling with unequal probabilities without replacement."""
    spec = case.data["design"]
    told = spec["pps"]
    joint = told.get("joint_file")
    design = PpsDesign(
        probability=spec["fpc"][0],
        method=told["method"],
        variance=told.get("variance") or "HT",
        joint=np.loadtxt(folder / joint, delimiter=",") if joint else None,
        sum_of_squares=told.get("p2bar"),
    )
    return Survey(survey.frame, design)


DESIGN_STEPS = {"replicate": given_replicates, "convert": made_replicates, "pps": unequal_probabilities}
