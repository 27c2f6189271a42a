"""The probabilistic model on DuckDB: comparisons, blocking and training for splink.

Only this module knows splink; it is imported inside functions and named by the extra ``linkage``.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import EstimationError, MissingExtraError
from survey_toolkit.multiple_systems.linkage.prepare import PreparedRecords

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Level", "ScoredPairs", "require_splink", "score_pairs"]

_SIMILAR = {False: (0.92, 0.85), True: (0.75, 0.55)}
_BLOCKS = (
    ("first_key", "dob"),
    ("sur_key", "dob"),
    ("first_key", "sur_key"),
    ("document",),
    ("dob", "nationality"),
    ("first_key", "dob_year", "nationality"),
    ("sur_key", "dob_year"),
    ("sur_key", "dob_md"),
    ("first_key", "dob_md"),
    ("sur_key", "nationality", "place"),
)
_ITERATIONS = 200
_SAMPLE = 5e6
_PRIOR = 0.5
_LEAST_U = 1e-7


@dataclass(frozen=True, slots=True)
class Level:
    """One agreement level: probabilities among matches and non-matches, and the match weight log2(m/u)."""

    comparison: str
    level: str
    m: float
    u: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Blocked pairs with their probability.

    ``frame``: left, right (record ids), probability, weight, and the agreement level of each comparison.
    """

    frame: pd.DataFrame
    levels: tuple[Level, ...]
    prior: float


def require_splink() -> Any:
    """The splink module.

    Raises
    ------
    MissingExtraError
        When splink is not installed.
    """
    try:
        import splink
    except ImportError as error:
        raise MissingExtraError(
            "record linkage needs splink",
            hint="pip install 'survey_toolkit[linkage]'",
            code="missing-extra-linkage",
        ) from error
    return splink


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No log lines and no warnings of splink: they may quote values."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def score_pairs(records: PreparedRecords, *, floor: float = 0.01, seed: int = 1) -> ScoredPairs:
    """Train the model on the records and score every blocked pair.

    Parameters
    ----------
    records : PreparedRecords
    floor : float
        Pairs below this probability are left out.
    seed : int
        For the sample of pairs that estimates agreement among non-matches.

    Raises
    ------
    MissingExtraError
        Without splink.
    EstimationError
        When too few fields are filled to train a model.
    """
    splink = require_splink()
    here = {c for c in records.frame.columns if records.frame[c].notna().any()}
    comparisons = _comparisons(records, here)
    blocks = _usable(_BLOCKS, here)
    if len(comparisons) < 2 or not blocks:
        raise EstimationError(
            "too few filled fields to link on",
            where="records",
            found=", ".join(sorted(here - {"unique_id", "source"})) or "none",
            expected="names and a birth date or document, and one more field",
        )
    import duckdb

    settings = splink.SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[splink.block_on(*b) for b in blocks],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=True,
        linker_uid="toolkit",
    )
    with _quiet(), contextlib.closing(duckdb.connect(":memory:")) as connection:
        connection.execute("SET threads=1")
        database = splink.DuckDBAPI(connection=connection)
        table = database.register(_typed(records, connection))
        linker = splink.Linker(table, settings, log_level=None)
        linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLE, seed=seed)
        model = linker.misc.save_model_to_json()
        blocked = linker.inference.predict().as_pandas_dataframe()
        model = _trained(model, blocked[_gammas(model)], len(records.frame))
        trained = splink.Linker(table, model, log_level=None, validate_settings=False)
        scored = trained.inference.predict(threshold_match_probability=floor).as_pandas_dataframe()
    return ScoredPairs(
        _tidy(scored, model), _levels(model), float(model["probability_two_random_records_match"])
    )


def _typed(records: PreparedRecords, connection: Any) -> str:
    """Name of a DuckDB table with text, list and Boolean columns; all-empty columns stay text."""
    frame = records.frame
    kinds = {"dob_default": "BOOLEAN", "dob_near": "VARCHAR[]", "first_bits": "BIT", "sur_bits": "BIT"}
    connection.register("given", frame)
    chosen = ", ".join(f'CAST("{c}" AS {kinds.get(c, "VARCHAR")}) AS "{c}"' for c in frame.columns)
    connection.execute(f"CREATE TABLE people AS SELECT {chosen} FROM given")
    connection.unregister("given")
    return "people"


def _usable(rules: Sequence[tuple[str, ...]], here: set[str]) -> list[tuple[str, ...]]:
    return [rule for rule in rules if set(rule) <= here]


def _trained(model: dict[str, Any], levels: pd.DataFrame, n_records: int) -> dict[str, Any]:
    """Put agreement probabilities among matches, and the share of matches, into a model with known u.

    EM over the agreement levels of all blocked pairs, with u held at its values among random pairs: by Bayes'
    rule the weight of a pair does not depend on how it came to be compared. A small prior keeps levels that
    no match has shown so far off zero.
    """
    import numpy as np

    names = [str(c["output_column_name"]) for c in model["comparisons"]]
    counted = levels.groupby(list(levels.columns), dropna=False).size()
    patterns = np.array([key if isinstance(key, tuple) else (key,) for key in counted.index], dtype=int)
    n = counted.to_numpy(dtype=float)
    groups = [_known_levels(c) for c in model["comparisons"]]
    u = [np.array([_at_least(level.get("u_probability"), _LEAST_U) for level in g]) for g in groups]
    m = [np.array([0.9] + [0.1 / (len(g) - 1)] * (len(g) - 1)) for g in groups]
    pairs = n_records * (n_records - 1) / 2
    share = min(0.5, n_records / pairs / 2)
    for _ in range(_ITERATIONS):
        odds = np.log(share / (1 - share)) + np.zeros(len(n))
        for j in range(len(names)):
            at = len(groups[j]) - 1 - patterns[:, j]
            shown = patterns[:, j] >= 0
            ratio = np.log(m[j] / u[j])
            odds += np.where(shown, ratio[np.where(shown, at, 0)], 0.0)
        weight = n / (1 + np.exp(-np.clip(odds, -500, 500)))
        new = min(0.5, float(weight.sum()) / pairs)
        for j in range(len(names)):
            shown = patterns[:, j] >= 0
            at = len(groups[j]) - 1 - patterns[shown, j]
            seen = np.bincount(at, weights=weight[shown], minlength=len(groups[j])) + _PRIOR
            m[j] = seen / seen.sum()
        done, share = abs(new - share) < 1e-9 * share, max(new, 1e-12)
        if done:
            break
    for j, group in enumerate(groups):
        for i, level in enumerate(group):
            level["m_probability"], level["u_probability"] = float(m[j][i]), float(u[j][i])
    model["probability_two_random_records_match"] = share
    return model


def _known_levels(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    return [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]


def _at_least(value: float | None, least: float) -> float:
    return max(float(value), least) if value is not None else least


def _comparisons(records: PreparedRecords, here: set[str]) -> list[dict[str, Any]]:
    out = []
    if "first" in here or "sur" in here:
        out.append(_names(records.hashed))
    if "dob" in here:
        out.append(_birth_date())
    for column, label in (("nationality", "nationality"), ("place", "place")):
        if column in here:
            out.append(_equal(column, label, frequencies=True))
    if "sex" in here:
        out.append(_equal("sex", "sex", frequencies=False))
    for i, name in enumerate(records.fields.others):
        if f"other_{i}" in here:
            out.append(_equal(f"other_{i}", name, frequencies=False))
    if "document" in here:
        out.append(_document())
    return out


def _comparison(
    label: str, levels: Sequence[tuple[str, str]], frequency: str | None = None
) -> dict[str, Any]:
    """Null level first, then the given levels, then everything else."""
    described: list[dict[str, Any]] = []
    for i, (condition, name) in enumerate(levels):
        level: dict[str, Any] = {"sql_condition": condition, "label_for_charts": name}
        if i == 0:
            level["is_null_level"] = True
        if i == 1 and frequency:
            level["tf_adjustment_column"] = frequency
        described.append(level)
    described.append({"sql_condition": "ELSE", "label_for_charts": "differ"})
    return {"output_column_name": label, "comparison_levels": described}


def _names(hashed: bool) -> dict[str, Any]:
    high, low = _SIMILAR[hashed]

    def close(a: str, b: str, at: float) -> str:
        if hashed:
            x, y = f'"{a}_bits_l"', f'"{b}_bits_r"'
            return f"(2.0 * bit_count({x} & {y}) >= {at} * (bit_count({x}) + bit_count({y})))"
        return f'(jaro_winkler_similarity("{a}_l", "{b}_r") >= {at})'

    straight_high = f"({close('first', 'first', high)} AND {close('sur', 'sur', high)})"
    crossed = f"({close('first', 'sur', high)} AND {close('sur', 'first', high)})"
    straight_low = f"({close('first', 'first', low)} AND {close('sur', 'sur', low)})"
    keys = "(first_key_l = first_key_r AND sur_key_l = sur_key_r)"
    one = f"({close('sur', 'sur', high)} OR {close('first', 'first', high)})"
    partial = "(first_l IS NULL OR first_r IS NULL OR sur_l IS NULL OR sur_r IS NULL)"
    initial = "((length(first_l) = 1 OR length(first_r) = 1) AND initial_l = initial_r)"
    if hashed:
        initial = "(bit_count(first_bits_l) <= 16 OR bit_count(first_bits_r) <= 16) AND initial_l = initial_r"
    return _comparison(
        "name",
        [
            ("(first_l IS NULL OR first_r IS NULL) AND (sur_l IS NULL OR sur_r IS NULL)", "missing"),
            ("first_l = first_r AND sur_l = sur_r", "equal"),
            (
                f"{keys} OR (first_key_l = sur_key_r AND sur_key_l = first_key_r)",
                "same transliteration or swapped",
            ),
            (f"{straight_high} OR {crossed}", "very similar"),
            (f"{straight_low} OR ({initial} AND {close('sur', 'sur', high)})", "similar"),
            (f"{partial} AND {one}", "one part missing, other very similar"),
            (close("sur", "sur", high), "surname only"),
            (close("first", "first", high), "first name only"),
        ],
    )


def _birth_date() -> dict[str, Any]:
    default = "dob_year_l = dob_year_r AND (dob_default_l OR dob_default_r)"
    return _comparison(
        "birth_date",
        [
            ("dob_l IS NULL OR dob_r IS NULL", "missing"),
            ("dob_l = dob_r", "equal"),
            ("dob_l = dob_swap_r", "day and month swapped"),
            ("list_contains(dob_near_l, dob_r)", "same day, 1-2 years off"),
            (default, "same year, one on 1 January"),
            ("dob_year_l = dob_year_r", "same year"),
        ],
        frequency="dob",
    )


def _equal(column: str, label: str, *, frequencies: bool) -> dict[str, Any]:
    return _comparison(
        label,
        [
            (f'"{column}_l" IS NULL OR "{column}_r" IS NULL', "missing"),
            (f'"{column}_l" = "{column}_r"', "equal"),
        ],
        frequency=column if frequencies else None,
    )


def _document() -> dict[str, Any]:
    return _comparison(
        "document",
        [
            ("document_l IS NULL OR document_r IS NULL", "missing"),
            ("document_l = document_r", "equal"),
            ("document_stem_l = document_stem_r", "last character differs"),
        ],
    )


def _gammas(model: dict[str, Any]) -> list[str]:
    """Columns with the agreement levels."""
    return ["gamma_" + str(c["output_column_name"]) for c in model["comparisons"]]


def _labels(model: dict[str, Any]) -> dict[str, dict[int, str]]:
    """Label of every agreement level by comparison and level number; -1 is missing."""
    out: dict[str, dict[int, str]] = {}
    for comparison in model["comparisons"]:
        levels = comparison["comparison_levels"]
        rest = [level for level in levels if not level.get("is_null_level")]
        named = {len(rest) - 1 - i: str(level["label_for_charts"]) for i, level in enumerate(rest)}
        out[comparison["output_column_name"]] = {-1: "missing", **named}
    return out


def _levels(model: dict[str, Any]) -> tuple[Level, ...]:
    import math

    out = []
    for comparison in model["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            m, u = float(level.get("m_probability") or "nan"), float(level.get("u_probability") or "nan")
            weight = math.log2(m / u) if m > 0 and u > 0 else float("nan")
            label = str(level["label_for_charts"])
            out.append(Level(str(comparison["output_column_name"]), label, m, u, weight))
    return tuple(out)


def _tidy(scored: pd.DataFrame, model: dict[str, Any]) -> pd.DataFrame:
    """Rounded, sorted, with the words of each agreement level."""
    import pandas as pd

    labels = _labels(model)
    columns: dict[str, Any] = {
        "left": scored["unique_id_l"].astype(str),
        "right": scored["unique_id_r"].astype(str),
        # The last bits of sums differ between runs: six decimals make thresholds repeatable.
        "probability": scored["match_probability"].round(6),
        "weight": scored["match_weight"].round(6),
    }
    for (name, words), gamma in zip(labels.items(), _gammas(model), strict=True):
        columns[name] = scored[gamma].map(words)
    tidy = pd.DataFrame(columns)
    order = ["probability", "left", "right"]
    return tidy.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)
