"""Published capture tables, retyped.

UK 2013: Silverman (2014) *Modern slavery: an application of multiple systems estimation*, Home Office,
Table 1 (printed again in Silverman 2020, JRSS-A 183:691-736). Kosovo: Ball et al. (2002) *Killings and
refugee flow in Kosovo March-June 1999*, AAAS/ABA-CEELI.
"""

from __future__ import annotations

import pytest

from survey_toolkit.multiple_systems import CaptureHistories

UK_2013 = {
    **{"100000": 54, "010000": 463, "001000": 907, "000100": 695, "000010": 316, "000001": 57, "110000": 15},
    **{"101000": 19, "100100": 3, "011000": 56, "010100": 19, "010010": 1, "010001": 3, "001100": 69},
    **{"001010": 10, "001001": 31, "000110": 8, "000101": 6, "000011": 1, "111000": 1, "110100": 1},
    **{"011100": 4, "011001": 3, "001101": 1, "111100": 1},
}
KOSOVO = {
    **{
        "1000": 1131,
        "0100": 845,
        "0010": 936,
        "0001": 306,
        "1100": 177,
        "1010": 228,
        "1001": 106,
        "0110": 217,
    },
    **{"0101": 31, "0011": 123, "1110": 181, "1101": 18, "1011": 42, "0111": 32, "1111": 27},
}


@pytest.fixture(scope="session")
def uk6() -> CaptureHistories:
    return CaptureHistories.from_counts(UK_2013, ["LA", "NG", "PF", "GO", "GP", "NCA"])


@pytest.fixture(scope="session")
def uk5(uk6: CaptureHistories) -> CaptureHistories:
    return uk6.merge({"PFNCA": ["PF", "NCA"]})


@pytest.fixture(scope="session")
def kosovo() -> CaptureHistories:
    return CaptureHistories.from_counts(KOSOVO, ["EXH", "ABA", "OSCE", "HRW"])


@pytest.fixture(scope="session")
def apart() -> CaptureHistories:
    """No two lists share anybody."""
    return CaptureHistories.from_counts({"100": 20, "010": 30, "001": 19}, ["A", "B", "C"])


@pytest.fixture(scope="session")
def sparse3() -> CaptureHistories:
    """Lists A and C, B and C do not overlap."""
    return CaptureHistories.from_counts({"100": 40, "010": 30, "001": 20, "110": 6}, ["A", "B", "C"])
