"""The same numbers from an Ibis table and a PySpark DataFrame (Spark needs Java; marker ``spark``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Estimates, Survey, SurveyDesign

RTOL = 1e-9  # DESIGN.md 5: engines differ only in the order of additions

CALLS: dict[str, Callable[[Survey], Estimates]] = {
    "mean": lambda s: s.mean("hours", by=["region", "sex"]),
    "ratio": lambda s: s.ratio("hours", "members", by="sex"),
    "status": lambda s: s.proportion("fl", by=["sex", "age_band"], bounds=True),
    "levels": lambda s: s.proportion("job", by="region"),
    "one level": lambda s: s.proportion("job", success="farm", where={"sex": ["F"]}),
    "population": lambda s: s.total("job", by="sex"),
}


def assert_same(got: Estimates, expected: Estimates) -> None:
    assert got.domains == expected.domains
    assert got.flags == expected.flags
    assert got.notes == expected.notes
    for name in ("estimate", "se", "ci_low", "ci_high", "deff", "df", "n", "n_psu", "n_undetermined"):
        np.testing.assert_allclose(
            getattr(got, name), getattr(expected, name), rtol=RTOL, atol=1e-12, err_msg=name
        )


def models(survey: Survey) -> list[float]:
    model = survey.glm("works ~ sex + members", "binomial")
    table = survey.crosstab("job", "sex")
    return [*model.estimate, *model.se, table.test.statistic, table.test.p_value, *table.share.reshape(-1)]


def plain(sample: pd.DataFrame) -> pd.DataFrame:
    """Columns of types that every engine takes from pandas: None for missing text and statuses."""
    out = sample.copy()
    for name in ("works", "fl", "job"):
        out[name] = out[name].astype(object).where(out[name].notna(), None)
    out["age_band"] = out["age_band"].astype("int64")
    return out


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Spark and Java, which are not ours
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.memory", "1g")
            .getOrCreate()
        )
        yield session
        session.stop()


@pytest.mark.filterwarnings("ignore")  # of Ibis itself, for old names of pandas and DuckDB
def test_ibis(sample: pd.DataFrame, design: SurveyDesign) -> None:
    import duckdb
    import ibis

    connection = duckdb.connect(":memory:")
    connection.register("given", plain(sample))
    connection.execute("create table persons as select * from given")
    table = ibis.duckdb.from_connection(connection).table("persons")
    for call in CALLS.values():
        assert_same(call(Survey(table, design)), call(Survey(sample, design)))
    np.testing.assert_allclose(models(Survey(table, design)), models(Survey(sample, design)), rtol=RTOL)


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_spark(sample: pd.DataFrame, design: SurveyDesign, spark: Any) -> None:
    rows = plain(sample)
    columns = [[None if v is None or v is pd.NA or v != v else v for v in rows[c].tolist()] for c in rows]
    kinds = {"O": "string", "f": "double", "i": "bigint"}
    schema = ", ".join(
        f"{name} {'boolean' if name in ('works', 'fl') else kinds.get(rows[name].dtype.kind, 'string')}"
        for name in rows
    )
    frame = spark.createDataFrame(list(zip(*columns, strict=True)), schema)
    for call in CALLS.values():
        assert_same(call(Survey(frame, design)), call(Survey(sample, design)))
    np.testing.assert_allclose(models(Survey(frame, design)), models(Survey(sample, design)), rtol=RTOL)
