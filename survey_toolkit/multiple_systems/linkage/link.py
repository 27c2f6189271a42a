"""Linking lists into people, and carrying the doubt about links into the estimate."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._atomic import write_atomic
from survey_toolkit._spreadsheet import neutralise
from survey_toolkit.errors import DataFileError, EstimationError
from survey_toolkit.multiple_systems._display import format_number, html_table, text_table
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.linkage.clusters import Clusters, cluster_pairs
from survey_toolkit.multiple_systems.linkage.model import Level, score_pairs
from survey_toolkit.multiple_systems.linkage.prepare import (
    LinkFields,
    PreparedRecords,
    encode_records,
    prepare_records,
)
from survey_toolkit.multiple_systems.results import PopulationSize

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Linkage", "LinkageSweep", "link_records"]

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
_ANSWERS = {"yes": True, "y": True, "1": True, "no": False, "n": False, "0": False}


@dataclass(frozen=True, slots=True, eq=False)
class Linkage:
    """Scored pairs of records; holds record ids and agreement levels, never names.

    Attributes
    ----------
    lists : tuple of str
    source : mapping record id -> list
    pairs : pandas.DataFrame
        left, right, probability, weight and the agreement level of each comparison.
    levels : tuple of Level
        Agreement probabilities and match weights.
    prior : float
        Share of matches among all pairs.
    decisions : mapping (left, right) -> bool
        What clerical review said; it overrides the probability.
    hashed : bool
    """

    lists: tuple[str, ...]
    source: Mapping[str, str]
    pairs: pd.DataFrame
    levels: tuple[Level, ...]
    prior: float
    decisions: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    hashed: bool = False

    def scored(self) -> list[tuple[str, str, float]]:
        """Pairs with their probability, 1 or 0 where a person has decided."""
        columns = zip(self.pairs["left"], self.pairs["right"], self.pairs["probability"], strict=True)
        model = {(str(a), str(b)): float(p) for a, b, p in columns}
        return [(a, b, p) for (a, b), p in (model | {k: float(v) for k, v in self.decisions.items()}).items()]

    def clusters(
        self, threshold: float = 0.8, *, one_to_one: bool = True, within_threshold: float = 0.95
    ) -> Clusters:
        """People at one threshold; see :func:`cluster_pairs`."""
        _check_threshold(threshold)
        return cluster_pairs(
            self.source,
            self.scored(),
            lists=self.lists,
            threshold=threshold,
            one_to_one=one_to_one,
            within_threshold=within_threshold,
        )

    def histories(self, threshold: float = 0.8, *, one_to_one: bool = True) -> CaptureHistories:
        """Capture histories at one threshold."""
        return self.clusters(threshold, one_to_one=one_to_one).histories()

    def sweep(
        self,
        method: Callable[[CaptureHistories], PopulationSize],
        thresholds: Sequence[float] = THRESHOLDS,
        *,
        one_to_one: bool = True,
    ) -> LinkageSweep:
        """Carry the estimate through several thresholds: doubt about links becomes visible.

        A method that refuses at a threshold keeps its row, with the reason.
        """
        rows = tuple(self._sweep_row(method, t, one_to_one) for t in thresholds)
        return LinkageSweep(rows)

    def _sweep_row(
        self, method: Callable[[CaptureHistories], PopulationSize], threshold: float, one_to_one: bool
    ) -> dict[str, object]:
        groups = self.clusters(threshold, one_to_one=one_to_one)
        accepted = [p for _, _, p in self.scored() if p >= threshold]
        likely = sum(p for _, _, p in self.scored())
        row: dict[str, object] = {
            "threshold": threshold,
            "people": groups.n_people,
            "links": len(accepted),
            "expected_false_share": 1 - sum(accepted) / len(accepted) if accepted else 0.0,
            "expected_missed_share": 1 - sum(accepted) / likely if likely else 0.0,
            "within_list_duplicates": groups.within_list_duplicates,
        }
        try:
            fit = method(groups.histories())
        except EstimationError as error:
            nothing = float("nan")
            reason = ". ".join(t for t in (error.what, error.found) if t)
            return row | {"estimate": nothing, "ci_low": nothing, "ci_high": nothing, "remark": reason}
        return row | {"estimate": fit.estimate, "ci_low": fit.ci_low, "ci_high": fit.ci_high, "remark": ""}

    def report(self) -> pd.DataFrame:
        """Match-weight report: how much each agreement level speaks for or against a match."""
        import pandas as pd

        return pd.DataFrame(
            [(v.comparison, v.level, v.m, v.u, v.weight) for v in self.levels],
            columns=["comparison", "level", "m", "u", "weight"],
        )

    def export_review(
        self, path: str | os.PathLike[str], *, low: float = 0.2, high: float = 0.95, limit: int = 500
    ) -> int:
        """Write the doubtful pairs for clerical review; return how many.

        The file holds record ids, probability and agreement levels, no name: reviewers look the ids up where
        the lists are kept, and write yes or no in the last column. It is readable by its owner only and
        appears under its name when complete.

        Parameters
        ----------
        path : path
            CSV file to write.
        low, high : float
            Probabilities between which a person should look.
        limit : int
            At most this many pairs, the most doubtful first.
        """
        _check_threshold(low)
        _check_threshold(high)
        doubtful = self.pairs[(self.pairs["probability"] >= low) & (self.pairs["probability"] <= high)]
        order = (doubtful["probability"] - 0.5).abs().sort_values(kind="stable").index[:limit]
        chosen = doubtful.loc[order]
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([*chosen.columns, "same_person"])
        writer.writerows([*map(_cell, row), ""] for row in chosen.itertuples(index=False))
        write_atomic(path, text.getvalue().encode(), mode=0o600)
        return len(chosen)

    def with_review(self, path: str | os.PathLike[str]) -> Linkage:
        """Take the answers of a filled-in review file; empty answers change nothing.

        Raises
        ------
        DataFileError
            For a missing file, missing columns, answers other than yes and no, or unknown records.
        """
        return replace(self, decisions={**self.decisions, **_read_answers(Path(path), self.source)})

    def __repr__(self) -> str:
        sizes = {name: sum(v == name for v in self.source.values()) for name in self.lists}
        head = ", ".join(f"{k} {v:,}" for k, v in sizes.items())
        kind = "keyed hashes" if self.hashed else "normal forms"
        rows = [[v.comparison, v.level, f"{v.m:.3f}", f"{v.u:.5f}", f"{v.weight:+.1f}"] for v in self.levels]
        table = text_table(["comparison", "agreement", "m", "u", "weight"], rows)
        return f"Linkage of {head} on {kind}: {len(self.pairs):,} candidate pairs\n{table}"


@dataclass(frozen=True, slots=True)
class LinkageSweep:
    """Estimates at several match thresholds.

    Attributes
    ----------
    rows : tuple of mappings
        threshold, people, links, expected shares of false and missed links among scored pairs,
        within_list_duplicates, estimate, ci_low, ci_high, remark.
    """

    rows: tuple[Mapping[str, object], ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a threshold."""
        import pandas as pd

        return pd.DataFrame([dict(r) for r in self.rows])

    def _table(self) -> list[list[object]]:
        def number(value: object) -> str:
            return format_number(value) if isinstance(value, int | float) else ""

        return [
            [
                f"{r['threshold']:g}",
                *(number(r[k]) for k in ("people", "links")),
                f"{float(str(r['expected_false_share'])):.1%}",
                f"{float(str(r['expected_missed_share'])):.1%}",
                *(number(r[k]) for k in ("estimate", "ci_low", "ci_high")),
                r["remark"],
            ]
            for r in self.rows
        ]

    _HEAD = ("threshold", "people", "links", "false", "missed", "estimate", "low", "high", "remark")

    def __repr__(self) -> str:
        return text_table(self._HEAD, self._table())

    def _repr_html_(self) -> str:
        return html_table(self._HEAD, self._table(), caption="By match threshold")


def link_records(
    records: Any,
    link_fields: LinkFields | None = None,
    *,
    key: bytes | None = None,
    floor: float = 0.01,
    seed: int = 1,
) -> Linkage:
    """Find the records of several lists that belong to one person.

    De-duplicates within lists and links across them with a Fellegi-Sunter model on DuckDB (extra
    ``linkage``). The model is trained on the records themselves; nothing leaves the machine.

    Parameters
    ----------
    records : PreparedRecords, frame, path, or mapping list name -> frame or path
    link_fields : LinkFields, optional
        Which columns hold what.
    key : bytes, optional
        Link on keyed hashes instead of clear values; see :func:`encode_records`.
    floor : float
        Pairs below this probability are forgotten.
    seed : int

    Raises
    ------
    MissingExtraError
        When splink is not installed.
    EstimationError
        Missing columns, repeated record ids, fewer than two lists.
    """
    if isinstance(records, PreparedRecords):
        prepared = records
    elif key is not None:
        prepared = encode_records(records, key, link_fields)
    else:
        prepared = prepare_records(records, link_fields)
    scored = score_pairs(prepared, floor=floor, seed=seed)
    ids = prepared.frame["unique_id"].tolist()
    return Linkage(
        lists=prepared.lists,
        source=dict(zip(ids, prepared.frame["source"].tolist(), strict=True)),
        pairs=scored.frame,
        levels=scored.levels,
        prior=scored.prior,
        hashed=prepared.hashed,
    )


def _check_threshold(value: float) -> None:
    if not 0 <= value <= 1:
        raise EstimationError(
            "a match threshold is a probability", where="threshold", found=f"{value:g}", expected="0 to 1"
        )


def _cell(value: object) -> str:
    return f"{value:.6f}" if isinstance(value, float) else neutralise(str(value))


def _read_answers(path: Path, source: Mapping[str, str]) -> dict[tuple[str, str], bool]:
    if not path.exists():
        raise DataFileError(
            "there is no such file", where=path.name, hint="check the path", code="missing-file"
        )
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"left", "right", "same_person"} <= set(rows[0]):
        raise DataFileError(
            "this is no review file", where=path.name, expected="columns left, right, same_person"
        )
    # Ids stand in the file as neutralised; a spreadsheet program may have saved them without the apostrophe.
    known = {neutralise(id): id for id in source} | {id: id for id in source}
    out: dict[tuple[str, str], bool] = {}
    for number, row in enumerate(rows, 2):
        answer = (row["same_person"] or "").strip().lower()
        if not answer:
            continue
        left, right = known.get(row["left"]), known.get(row["right"])
        if answer not in _ANSWERS or left is None or right is None:
            raise DataFileError(
                "an answer cannot be read",
                where=f"{path.name}: line {number}",
                expected="yes or no, about records of this linkage",
            )
        out[left, right] = _ANSWERS[answer]
    return out
