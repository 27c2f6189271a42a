"""What a check of precision prints: truth, spread and coverage, and the plan only where there was one."""

import numpy as np
import pandas as pd

from survey_toolkit.sampling import FieldPlan, Precision, Stage, check_precision, size_proportion


def test_a_check_prints_what_it_found():
    rng = np.random.default_rng(2)
    people = pd.DataFrame(
        {"ea": np.repeat(range(20), 10), "person": range(200), "rare": rng.random(200) < 0.2}
    )
    stages = [Stage(unit="ea", n=8), Stage(unit="person", n=5)]
    plain = check_precision(people, stages, outcome="rare", replicates=4, seed=1)
    text = repr(plain)
    assert f"truth {plain.truth:.5g}" in text
    assert f"{plain.coverage:.0%}" in text
    assert "planned" not in text
    size = size_proportion(0.2, Precision(half_width=0.1), plan=FieldPlan(cluster_take=5, icc=0.02))
    planned = check_precision(people, stages, outcome="rare", plan=size, replicates=4, seed=1)
    assert f"(planned {planned.planned_half_width:.4g})" in repr(planned)
