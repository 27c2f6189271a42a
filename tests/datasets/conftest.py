from __future__ import annotations

import pytest

from survey_toolkit.datasets import SimulatedCountry, simulate_country


@pytest.fixture(scope="session")
def small_country() -> SimulatedCountry:
    """A country small enough to recount by hand."""
    return simulate_country(seed=7, n_persons=20_000)


@pytest.fixture(scope="session")
def country() -> SimulatedCountry:
    """A country large enough to sample from again and again."""
    return simulate_country(seed=11, n_persons=120_000)
