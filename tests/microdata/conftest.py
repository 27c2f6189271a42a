"""A small survey in memory, with the things that go wrong: declared missing codes, scripts, blanks."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from survey_toolkit.microdata import Crosswalk, Microdata, MissingCode, Variable

LABELS = {
    "khmer": "ភេទរបស់កុមារ",
    "lao": "ເພດຂອງເດັກ",
    "burmese": "ကလေး၏ကျား/မ",
    "vietnamese": "Giới tính của trẻ em",
    "thai": "เพศของเด็ก",
    "chinese": "儿童性别",
}


@pytest.fixture
def survey() -> Microdata:
    frame = pd.DataFrame(
        {
            "hh": ["01", "01", "02", "02", "03"],
            "sex": [1, 2, 2, 1, 9],
            "hours": [10.5, 97.0, None, 98.0, 3.0],
            "answer": ["a", "b", "", "ZZ", "b"],
        }
    )
    return Microdata.from_frame(
        frame,
        [
            Variable(
                name="sex",
                label=LABELS["khmer"],
                value_labels={1: LABELS["thai"], 2: LABELS["lao"], 9: "NO RESPONSE"},
                missing=(MissingCode(low=9, high=9, label="NO RESPONSE"),),
            ),
            Variable(name="hours", label=LABELS["vietnamese"], missing=(MissingCode(low=97, high=99),)),
            Variable(name="answer", label=LABELS["burmese"], missing=(MissingCode(low="ZZ", high="ZZ"),)),
        ],
        name="survey.sav",
    )


def walk(**targets: Any) -> Crosswalk:
    """A crosswalk of one level with these targets; ``_level`` gives other keys of the level."""
    level = targets.pop("_level", {})
    return Crosswalk.model_validate(
        {
            "id": "test",
            "title": "Test",
            "country": {"code": "KHM"},
            "survey": "S",
            "period": "2024",
            "levels": {"person": {**level, "targets": targets}},
        }
    )


def data(name: str = "t.csv", **columns: Any) -> Microdata:
    return Microdata.from_frame(pd.DataFrame(columns), name=name)
