"""The null trap: on plain float pandas ``NaN == 1`` is False, so *unknown* would become *no*."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit._frames import null_aware, null_aware_pandas, open_path, require_columns
from survey_toolkit.errors import DataFileError, DesignError, SurveyToolkitError

FRAME = pd.DataFrame({"x": [1.0, 2.0, np.nan], "s": ["a", "b", None]})


def test_plain_pandas_would_say_no() -> None:
    assert (FRAME["x"] == 1).tolist() == [True, False, False]


@pytest.mark.parametrize(("column", "value"), [("x", 1), ("s", "a")])
def test_unknown_stays_unknown_on_every_frame(
    as_frame: Callable[[pd.DataFrame], Any], column: str, value: object
) -> None:
    equal = nw.col(column) == value
    frame = null_aware(as_frame(FRAME)).select(
        is_it=equal.sum(), unknown=equal.is_null().sum(), unknown_negated=(~equal).is_null().sum()
    )
    assert frame.collect("pandas").to_pandas().iloc[0].tolist() == [1, 1, 1]


def test_kleene_or_and_on_every_frame(as_frame: Callable[[pd.DataFrame], Any]) -> None:
    unknown = nw.col("x") == 1
    row = (
        null_aware(as_frame(FRAME))
        .filter(nw.col("s").is_null())
        .select(o=(unknown | nw.lit(True)).sum(), a=(unknown & nw.lit(False)).is_null().sum())
    )
    assert row.collect("pandas").to_pandas().iloc[0].tolist() == [1, 0]


def test_categorical_and_object_columns_become_null_aware() -> None:
    frame = null_aware_pandas(
        pd.DataFrame({"c": pd.Categorical(["a", None]), "o": pd.Series([True, None], dtype=object)})
    )
    assert (frame["c"] == "a").isna().tolist() == [False, True]
    assert (~frame["o"]).isna().tolist() == [False, True]


def test_a_path_is_read_through_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x,s\n1,a\n2,b\n,\n")
    assert null_aware(path).select(nw.col("x").sum()).collect("pandas").item() == 3


def test_messages(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"(?s)nowhere.parquet: there is no such file.*check the path"):
        open_path(tmp_path / "nowhere.parquet")
    bad = tmp_path / "bad.parquet"
    bad.write_text("<html>log in</html>")
    with pytest.raises(DataFileError, match=r"(?s)cannot be read as parquet.*damaged"):
        open_path(bad)
    sav = tmp_path / "x.sav"
    sav.write_bytes(b"$FL2")
    with pytest.raises(DataFileError, match=r"(?s)expected: .parquet or .csv"):
        open_path(sav)
    with pytest.raises(SurveyToolkitError, match=r"(?s)not a data frame.*found: builtins.dict"):
        null_aware({"x": [1]})
    with pytest.raises(
        DesignError, match=r"(?s)weight: no such column.*found: 'wieght'.*did you mean 'weight'"
    ):
        require_columns(
            null_aware(pd.DataFrame({"weight": [1.0]})), ["wieght"], what="weight", error=DesignError
        )


def test_twice_the_same_column_name_is_refused() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(SurveyToolkitError, match="'a' is in the frame twice"):
        null_aware(frame)
