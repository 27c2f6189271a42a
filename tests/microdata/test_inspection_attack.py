"""Whoever subtracts what an inspection shows must not learn a small count.

The attacker here works from the plain values of the inspection alone, by integer programming, and knows the
questionnaire: which rows of one column are which rows of another.
"""

from __future__ import annotations

import html
import itertools
import json
import re
from io import StringIO
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.optimize import Bounds, LinearConstraint, milp

from survey_toolkit.dissemination.terminal_files import print_inspection
from survey_toolkit.microdata import Microdata, MissingCode, Variable, ddi_codebook, inspect_data
from survey_toolkit.microdata._hidden_counts import open_enough

#: Column, group (valid or a missing reason), and code; None for blank cells.
Atom: TypeAlias = tuple[str, str, str | None]
LABELS = {1: "yes", 2: "no", 3: "other", 4: "never", 8: "refused", 9: "don't know"}
DECLARED = (MissingCode(low=8, high=8, reason="refused"),)


def coded(name: str) -> Variable:
    return Variable(name=name, value_labels=LABELS, missing=DECLARED)


def atoms_of(frame: pd.DataFrame, numbers: set[str]) -> dict[Atom, frozenset[int]]:
    """Rows of each cell: what the attacker wants to know the sizes of."""
    found: dict[Atom, set[int]] = {}
    for name in frame.columns:
        for row, value in enumerate(frame[name]):
            group = "system" if pd.isna(value) else {8: "refused", 9: "dk"}.get(value, "valid")
            code = None if pd.isna(value) or name in numbers else str(int(value))
            found.setdefault((name, group, code), set()).add(row)
    return {atom: frozenset(rows) for atom, rows in found.items()}


class Reader:
    """Who holds the plain values of an inspection and knows which rows coincide."""

    def __init__(self, told: dict[str, Any], rows: dict[Atom, frozenset[int]]) -> None:
        self.atoms = list(rows)
        self.at = {atom: i for i, atom in enumerate(self.atoms)}
        self.low, self.high = np.ones(len(rows)), np.full(len(rows), np.inf)
        self.sums: list[tuple[dict[int, float], float]] = []
        for line in told["variables"]:
            self._read(line, told["file"]["rows"])
        for a, b in itertools.combinations(dict.fromkeys(name for name, *_ in rows), 2):
            self._same_rows(rows, a, b)

    def _read(self, line: dict[str, Any], n_rows: int | str) -> None:
        mine = [atom for atom in self.atoms if atom[0] == line["name"]]
        codes = {c["code"]: c["count"] for c in line["codes"]}
        says_small = "<5" in [*codes.values(), *line["missing"].values(), line["valid"]]
        if isinstance(n_rows, int):
            self.sums.append(({self.at[a]: 1.0 for a in mine}, float(n_rows)))
        for atom in mine:
            if atom[2] in codes:
                self._number([atom], codes[atom[2]], says_small)
        for group, number in {**line["missing"], "valid": line["valid"]}.items():
            inside = [atom for atom in mine if atom[1] == group]
            if inside or number:
                self._number(inside, number, says_small)

    def _number(self, atoms: list[Atom], number: int | str, says_small: bool) -> None:
        places = [self.at[a] for a in atoms]
        if isinstance(number, int):
            self.sums.append((dict.fromkeys(places, 1.0), float(number)))
        elif len(places) == 1:
            self.high[places[0]] = 4 if number == "<5" else self.high[places[0]]
            # where small counts are called small, one that is not is not
            self.low[places[0]] = 5 if number == "·" and says_small else 1
        else:
            assert number == "·"

    def _same_rows(self, rows: dict[Atom, frozenset[int]], a: str, b: str) -> None:
        left = [(atom, rows[atom]) for atom in rows if atom[0] == a]
        right = [(atom, rows[atom]) for atom in rows if atom[0] == b]
        while left:
            ours, theirs = [left.pop()], []
            covered = set(ours[0][1])
            while True:
                more = [x for x in right if x[1] & covered], [x for x in left if x[1] & covered]
                if not any(more):
                    break
                theirs, right = theirs + more[0], [x for x in right if x not in more[0]]
                ours, left = ours + more[1], [x for x in left if x not in more[1]]
                covered |= set().union(*(x[1] for x in (*ours, *theirs)))
            terms = {self.at[x[0]]: 1.0 for x in ours} | {self.at[x[0]]: -1.0 for x in theirs}
            self.sums.append((terms, 0.0))

    def range(self, atom: Atom) -> tuple[float, float]:
        """Smallest and largest whole number that fits."""
        matrix, right = np.zeros((len(self.sums), len(self.atoms))), np.zeros(len(self.sums))
        for i, (terms, total) in enumerate(self.sums):
            right[i] = total
            for place, sign in terms.items():
                matrix[i, place] = sign
        ends = []
        for sign in (1.0, -1.0):
            aim = np.zeros(len(self.atoms))
            aim[self.at[atom]] = sign
            done = milp(
                aim, constraints=LinearConstraint(matrix, right, right), bounds=Bounds(self.low, self.high),
                integrality=np.ones(len(self.atoms)),
            )  # fmt: skip
            assert done.status in (0, 3, 4), done.message  # the true counts fit
            ends.append(sign * done.fun if done.status == 0 else -sign * np.inf)
        return ends[0], ends[1]


def numbers_in(line: dict[str, Any]) -> list[int]:
    given = [line["valid"], *line["missing"].values(), *(c["count"] for c in line["codes"])]
    return [n for n in given if isinstance(n, int) and n]


def attack(frame: pd.DataFrame, numbers: set[str]) -> tuple[int, int]:
    """Assert that every small count stays open; how many there are, and in how many no number is left."""
    variables = [
        Variable(name=n, missing=DECLARED, value_labels={9: "DK"}) if n in numbers else coded(n)
        for n in frame
    ]
    told = json.loads(json.dumps(inspect_data(Microdata.from_frame(frame, variables)).to_dict()))
    lines = {line["name"]: line for line in told["variables"]}
    rows = atoms_of(frame, {n for n in numbers if not lines[n]["codes"]})
    reader = Reader(told, rows)
    small = [atom for atom, members in rows.items() if len(members) < 5]
    empty = 0
    for atom in small:
        low, high = reader.range(atom)
        if low <= 1 and high >= 4:
            continue
        # too few rows to leave it open: then the column has no number, and no "<5" that would be one
        empty += 1
        line = lines[atom[0]]
        assert not numbers_in(line), (atom, low, high, told["variables"])
        assert "<5" not in [line["valid"], *line["missing"].values(), *(c["count"] for c in line["codes"])]
    return len(small), empty


def survey(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """A filter, two questions with it, one with a wider filter, a number, a copy, and one asked of all."""

    def answers(rare: float) -> Any:
        p = np.array([0.45, 0.3, 0.05 * rare, 0.02 * rare, 0.03 * rare, 0.04 * rare])
        return rng.choice([1.0, 2.0, 3.0, 4.0, 8.0, 9.0], n, p=p / p.sum())

    q1 = answers(rng.choice([0.0, 1.0, 3.0]))
    asked, wider = q1 == 1, np.isin(q1, [1, 2])
    frame = pd.DataFrame({"q1": q1})
    frame["q2"] = np.where(asked, answers(1.0), np.nan)
    frame["q3"] = np.where(asked, answers(0.5), np.nan)
    frame["q4"] = np.where(wider, answers(1.0), np.nan)
    hours = np.where(rng.random(n) < 0.05, rng.choice([8, 9], n), rng.integers(100, 999, n))
    frame["hours"] = np.where(asked, hours, np.nan)
    frame["copy"] = np.where(q1 == 9, np.nan, q1) if rng.random() < 0.5 else q1
    frame["all"] = np.where(rng.random(n) < 0.03, np.nan, answers(1.0))
    return frame.astype("Int64")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 120))
def test_no_small_count_can_be_worked_out(seed: int, n: int) -> None:
    attack(survey(np.random.default_rng(seed), n), {"hours"})


@settings(max_examples=60, deadline=None)
@given(codes=st.lists(st.sampled_from([1, 2, 3, 4, 8, 9, None]), min_size=1, max_size=40))
def test_nor_in_a_file_of_one_column(codes: list[int | None]) -> None:
    attack(pd.DataFrame({"q": pd.array(codes, dtype="Int64")}), set())


def test_files_of_a_usual_size_keep_their_numbers() -> None:
    """Safety must not come from showing nothing."""
    small = empty = shown = columns = 0
    for seed in range(12):
        frame = survey(np.random.default_rng(seed), 600)
        found, without = attack(frame, {"hours"})
        small, empty = small + found, empty + without
        told = inspect_data(Microdata.from_frame(frame, [coded(n) for n in frame if n != "hours"])).to_dict()
        shown += sum(len(numbers_in(line)) for line in told["variables"])
        columns += len(frame.columns)
    assert small > 30
    assert empty == 0
    assert shown > 3 * columns


def test_the_reader_finds_what_is_shown_too_freely() -> None:
    """The attacker is able: with the numbers that used to be printed it has the small count exactly."""
    frame = pd.DataFrame({"q": [1] * 300 + [2] * 90 + [8] * 3 + [9] * 7}, dtype="Int64")
    told = inspect_data(Microdata.from_frame(frame, [coded("q")]), threshold=1).to_dict()
    told["variables"][0]["missing"]["refused"] = "<5"
    told["variables"][0]["codes"] = [
        c | {"count": {"8": "<5", "9": "·"}.get(c["code"], c["count"])} for c in told["variables"][0]["codes"]
    ]
    assert Reader(told, atoms_of(frame, set())).range(("q", "refused", "8")) == (3, 3)


@pytest.mark.parametrize(("refused", "others"), [(3, 28), (1, 5), (4, 7)])
def test_every_output_is_made_of_the_same_numbers(refused: int, others: int) -> None:
    frame = pd.DataFrame({"q": [1] * 311 + [2] * 97 + [8] * refused + [9] * others}, dtype="Int64")
    data = Microdata.from_frame(frame, [coded("q")])
    seen, out = inspect_data(data), StringIO()
    print_inspection(seen, console=Console(file=out, width=200, emoji=False))
    n_valid = 408
    for text in (out.getvalue(), seen.to_html(), json.dumps(seen.to_dict()), ddi_codebook(data), repr(seen)):
        found = {int(n) for n in re.findall(r"(?<![\w#.&-])\d+(?![\w%.])", text)}
        cells = found & {311, 97, refused, others, n_valid, refused + others}
        # a sum of all but the small one gives it away
        assert not {n_valid, refused + others} & found
        assert len(cells & {311, 97}) < 2 or others not in cells
    assert "not shown: <5 is a count from 1 to 4" in out.getvalue()
    assert html.escape(seen.hidden_note) in seen.to_html()


def test_a_filter_and_its_question_do_not_tell_each_other() -> None:
    """5,000 who said no and 3 who do not know were not asked the next question: 5,003."""
    q1 = [1] * 300 + [2] * 500 + [9] * 3
    q2 = [1] * 120 + [2] * 180 + [None] * 503
    frame = pd.DataFrame({"q1": q1, "q2": q2}, dtype="Int64")
    seen = inspect_data(Microdata.from_frame(frame, [coded("q1"), coded("q2")]))
    assert seen.variable("q2").missing == {"system": 503}
    assert [c.shown for c in seen.variable("q1").codes if c.code in "129"].count("500") == 0
    attack(frame, set())


def test_suspicions_and_guesses_do_not_count_what_is_hidden() -> None:
    frame = pd.DataFrame({
        "q": pd.array([1] * 30 + [2] * 25 + [7] * 3 + [6] * 2, dtype="Int64"),
        "psu": pd.array([None] * 3 + [1] * 57, dtype="Int64"),
        "age": pd.array([998] + [30] * 19 + [31] * 20 + [32] * 20, dtype="Int64"),
    })  # fmt: skip
    seen = inspect_data(Microdata.from_frame(frame, [Variable(name="q", value_labels={1: "a", 2: "b"})]))
    told = {s.name: s.what for s in seen.suspicions}
    assert told["q"] == "codes without a label: 7, 6"
    assert told["age"] == "998 looks like a missing code that is not declared"
    reasons = {g.name: g.reason for g in seen.guesses}
    assert reasons["psu"].endswith("1 groups")
    assert "%" not in reasons["age"]


def test_a_very_small_file_has_no_numbers() -> None:
    seen = inspect_data(Microdata.from_frame(pd.DataFrame({"q": [1, 1, 1]}), [coded("q")]))
    assert not numbers_in(seen.to_dict()["variables"][0])
    assert seen.to_dict()["file"]["rows"] == "<5"
    assert "3 rows" not in repr(seen) + seen.to_html()


def test_the_office_may_see_every_count() -> None:
    frame = survey(np.random.default_rng(4), 90).drop(columns="hours")
    seen = inspect_data(Microdata.from_frame(frame, [coded(n) for n in frame]), threshold=1)
    assert seen.hidden_note == ""
    for profile in seen.variables:
        assert (profile.n_valid or 0) + sum(n or 0 for n in profile.missing.values()) == 90
        counts = frame[profile.name].value_counts()
        assert {c.code: c.count for c in profile.codes if c.count} == {str(k): n for k, n in counts.items()}


@settings(max_examples=200, deadline=None)
@given(counts=st.lists(st.integers(1, 14), min_size=1, max_size=4), told=st.booleans())
def test_the_rule_for_one_sum_is_that_of_counting_out(counts: list[int], told: bool) -> None:
    """Against every way to fill the cells."""
    total = sum(counts)
    limits = [
        range(1, total + 1) if not told else range(1, 5) if n < 5 else range(5, total + 1) for n in counts
    ]
    ways = [w for w in itertools.product(*limits[:-1]) if total - sum(w) in limits[-1]]
    filled = [(*w, total - sum(w)) for w in ways]
    every = all({1, 2, 3, 4} <= {w[i] for w in filled} for i, n in enumerate(counts) if n < 5)
    assert open_enough(counts, 5, told=told) == every
