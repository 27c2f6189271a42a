"""The same numbers on every engine that is installed here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.validation.certificate import Check

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["engine_checks"]

SECTION = "Engines"
ALLOWED = 1e-9


def engine_checks() -> Iterator[Check]:
    """Proportions, means and totals by domain from every kind of frame, against pandas in memory."""
    from survey_toolkit.datasets import simulate_country

    country = simulate_country(seed=7, n_persons=20_000)
    persons = country.persons.assign(
        weight=1.0 + country.persons["household_id"].to_numpy() % 7 / 7,
        region=country.persons["region"].astype(str),
        sex=country.persons["sex"].astype(str),
        urbanisation=country.persons["urbanisation"].astype(str),
        works=(country.persons["union_age"] >= 18).astype(int),
    )[["weight", "stratum", "area_id", "region", "sex", "age", "works"]]
    expected = _numbers(persons)
    with TemporaryDirectory(prefix="survey_toolkit_") as folder:
        for name, make in _engines(Path(folder)).items():
            found = _numbers(make(persons))
            gap = np.abs(found - expected) / np.maximum(np.abs(expected), 1e-300)
            worst = float(np.max(gap)) if found.shape == expected.shape else float("inf")
            yield Check(
                section=SECTION,
                name=f"{name} against pandas",
                compared=expected.size,
                worst=worst,
                allowed=ALLOWED,
                unit="relative difference",
                passed=worst <= ALLOWED,
            )


def _numbers(frame: Any) -> Any:
    from survey_toolkit.estimation import Survey, SurveyDesign

    survey = Survey(
        frame, SurveyDesign(weight="weight", strata="stratum", psu="area_id", lonely_psu="adjust")
    )
    results = (
        survey.proportion("works", by=["region", "sex"]),
        survey.mean("age", by="sex"),
        survey.total("works", by="region"),
    )
    return np.concatenate([np.concatenate([r.estimate, r.se]) for r in results])


def _engines(folder: Path) -> dict[str, Callable[[pd.DataFrame], Any]]:
    """Name to a function that hands the frame over; only what is installed."""
    import duckdb

    def csv(frame: pd.DataFrame) -> Path:
        frame.to_csv(folder / "persons.csv", index=False)
        return folder / "persons.csv"

    def parquet(frame: pd.DataFrame) -> Path:
        target = folder / "persons.parquet"
        with duckdb.connect() as connection:
            connection.register("persons", frame)
            connection.execute(f"copy persons to '{target.as_posix()}' (format parquet)")
        return target

    made: dict[str, Callable[[pd.DataFrame], Any]] = {
        "DuckDB on a CSV file": csv,
        "DuckDB on a Parquet file": parquet,
    }
    if find_spec("polars"):
        import polars as pl

        made["Polars"] = lambda frame: pl.DataFrame(frame.to_dict("list"))
        made["Polars, lazy"] = lambda frame: pl.LazyFrame(frame.to_dict("list"))
    if find_spec("pyarrow"):
        import pyarrow as pa

        made["Arrow"] = lambda frame: pa.table(frame.to_dict("list"))
    return made
