"""How often 95 % intervals hold the truth, on samples from a simulated country and on simulated lists."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from survey_toolkit.validation.certificate import Check

__all__ = ["coverage_checks"]

SECTION = "Coverage"
LEVEL = 0.95
#: Samples and tables; the full run tells half a point from the nominal level.
QUICK, FULL = 60, 600


def coverage_checks(*, full: bool = False) -> Iterator[Check]:
    """Draw surveys and lists again and again from populations in which the truth is known."""
    draws = FULL if full else QUICK
    yield from _surveys(draws)
    yield _lists(draws)


def _judged(name: str, hits: int, draws: int, detail: str) -> Check:
    """Pass unless coverage is below the level by more than a point and chance (three standard errors)."""
    shortfall = 100 * (LEVEL - hits / draws)
    allowed = 1.0 + 300 * np.sqrt(LEVEL * (1 - LEVEL) / draws)
    return Check(
        section=SECTION,
        name=name,
        compared=draws,
        worst=max(shortfall, 0.0),
        allowed=float(allowed),
        unit="points below 95 %",
        passed=bool(shortfall <= allowed),
        detail=f"{hits} of {draws} intervals hold the truth ({100 * hits / draws:.1f} %). {detail}",
    )


def _surveys(draws: int) -> Iterator[Check]:
    """Two-stage samples without nonresponse; status is taken from the population: only sampling errs."""
    from survey_toolkit.datasets import simulate_country
    from survey_toolkit.estimation import Survey, SurveyDesign

    country = simulate_country(seed=11, n_persons=120_000)
    design = SurveyDesign(weight="weight", strata="stratum", psu="ea", lonely_psu="adjust")
    adults = country.persons[["person_id", "household_id", "age"]]
    forced = np.zeros(len(adults) + 1, dtype=bool)
    forced[country.hidden().members("forced_labour")] = True
    everyone = adults.assign(
        forced=forced[adults["person_id"]].astype(int), young=(adults["age"] < 15).astype(int)
    )
    truths = {
        "forced": everyone.loc[everyone["age"] >= 18, "forced"].mean(),
        "young": everyone["young"].mean(),
    }
    hits = dict.fromkeys(truths, 0)
    for seed in range(1, draws + 1):
        sample = country.draw_sample(seed, n_areas=100, households_per_area=15, nonresponse=False)
        household = sample.household.frame[["hh_id", "stratum", "ea", "weight"]]
        rows = everyone.merge(household, left_on="household_id", right_on="hh_id")
        for name, frame in (("forced", rows[rows["age"] >= 18]), ("young", rows)):
            result = Survey(frame, design).proportion(name)
            hits[name] += bool(result.ci_low[0] <= truths[name] <= result.ci_high[0])
    detail = "100 enumeration areas of 15 households each, default interval."
    yield _judged(f"a common status ({100 * truths['young']:.0f} %)", hits["young"], draws, detail)
    yield _judged(f"a rare status ({100 * truths['forced']:.2f} %)", hits["forced"], draws, detail)


def _lists(draws: int) -> Check:
    """Multiple systems estimation on independent lists of a population of known size."""
    from itertools import product

    from survey_toolkit import multiple_systems as ms

    rng = np.random.default_rng(5)
    names, shares, size = ("A", "B", "C", "D"), np.array([0.12, 0.2, 0.15, 0.1]), 2000
    patterns = ["".join(map(str, p)) for p in product((0, 1), repeat=4) if any(p)]
    hits = 0
    for _ in range(draws):
        seen = (rng.random((size, 4)) < shares).astype(int)
        found = np.bincount(seen @ np.array([8, 4, 2, 1]), minlength=16)
        counts = {p: int(found[int(p, 2)]) for p in patterns}
        fit = ms.loglinear(ms.CaptureHistories.from_counts(counts, names))
        hits += bool(fit.ci_low <= size <= fit.ci_high)
    return _judged(
        "multiple systems, four independent lists", hits, draws, "2,000 people, profile-likelihood interval."
    )
