"""Whoever subtracts what a reconciliation shows must not learn a small group.

The attacker works from the table, the dictionary and the text alone, by integer programming, and knows how
a rate, a difference and an effect are made of counts.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from survey_toolkit._frames import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED
from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata import Microdata, Movement, Reconciliation, reconcile, reconciled_together
from survey_toolkit.microdata.reconciliation import Rate, Transition

STATUSES = (MET, NOT_MET, UNDETERMINED, NOT_APPLICABLE)


def made(groups: dict[tuple[str, str, str], int]) -> Reconciliation:
    """An unweighted reconciliation with groups (before, after, reason) of these sizes."""
    rows = [key for key, n in groups.items() for _ in range(n)]
    first, second = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    rates = [_rate(first), _rate(second)]
    share = _share(first, second, rates[0].value)
    order = [key for key, n in groups.items() if n and key[0] != key[1]]
    movements = [
        Movement(*key[:2], (key[2],), groups[key], float(groups[key]), float(share[_at(rows, key)].sum()))
        for key in order
    ]
    cells = [(a, b) for a in STATUSES for b in STATUSES if ((first == a) & (second == b)).any()]
    transitions = [
        Transition(a, b, n, float(n)) for a, b in cells if (n := int(((first == a) & (second == b)).sum()))
    ]
    places = [order.index(r) if r[0] != r[1] else len(order) + cells.index((r[0], r[1])) for r in rows]
    return Reconciliation(
        first="d@1", second="d@2", output="d", n=len(rows), weight=None, first_rate=rates[0],
        second_rate=rates[1], difference=rates[1].value - rates[0].value, standard_error=None,
        stayed=float(share[first == second].sum()), transitions=tuple(transitions),
        movements=tuple(movements), moved=first != second, places=np.array(places),
    )  # fmt: skip


def _at(rows: list[tuple[str, str, str]], key: tuple[str, str, str]) -> list[int]:
    return [i for i, row in enumerate(rows) if row == key]


def _rate(status: Any) -> Rate:
    met, decided = int((status == MET).sum()), int(np.isin(status, (MET, NOT_MET)).sum())
    unknown = int((status == UNDETERMINED).sum())
    whole = decided + unknown
    values = [
        np.divide(a, b) if b else np.nan for a, b in ((met, decided), (met, whole), (met + unknown, whole))
    ]
    return Rate(*map(float, values), met, decided, unknown)


def _share(first: Any, second: Any, rate: float) -> Any:
    parts = [_part(status, rate) for status in (first, second)]
    return parts[1] - parts[0]


def _part(status: Any, rate: float) -> Any:
    decided = np.isin(status, (MET, NOT_MET))
    return ((status == MET) - rate * decided) / max(decided.sum(), 1)


class Reader:
    """Who holds dictionary, table and text of one reconciliation."""

    def __init__(self, found: Reconciliation, n: int) -> None:
        self.told = json.loads(json.dumps(found.to_dict()))
        self.table = found.transitions_frame()
        self.moves = self.told["movements"]
        stayed = [s for s in self.table.index if s in self.table.columns]
        here = [s for s in stayed if self.table.loc[s, s] is pd.NA or self.table.loc[s, s] > 0]
        self.cells = [*((m["before"], m["after"]) for m in self.moves), *((s, s) for s in here)]
        self.sums: list[tuple[list[float], float]] = [([1.0] * len(self.cells), float(n))]
        self.low, self.high = np.ones(len(self.cells)), np.full(len(self.cells), np.inf)
        self._marks(found.text())
        self._tables()
        for side, rate in enumerate(self.told["rates"]):
            self._rate(side, rate)
        self._effects()

    def _marks(self, text: str) -> None:
        for before, after, n in re.findall(r"^    (\w+) -> (\w+), all groups: ([\d,]+)$", text, re.M):
            all_groups = [i for i, c in enumerate(self.cells) if c == (before, after)]
            self._sum(all_groups, float(n.replace(",", "")))
        said = re.findall(r"^  - \w+ -> \w+: (fewer than 5|not shown|[\d,]+)", text, re.M)
        assert len(said) == len(self.moves)
        for i, mark in enumerate(said):
            self.high[i] = 4 if mark == "fewer than 5" else np.inf

    def _tables(self) -> None:
        for i, m in enumerate(self.moves):
            if m["n"] is not None:
                self._sum([i], m["n"])
        for t in self.told["transitions"]:
            if t["n"] is not None:
                self._sum([i for i, c in enumerate(self.cells) if c == (t["before"], t["after"])], t["n"])
        for before in self.table.index:
            for after in self.table.columns:
                n = self.table.loc[before, after]
                if n is not pd.NA:
                    self._sum([i for i, c in enumerate(self.cells) if c == (before, after)], n)

    def _rate(self, side: int, rate: dict[str, Any]) -> None:
        def of(status: str) -> list[int]:
            return [i for i, c in enumerate(self.cells) if c[side] == status]

        if rate["n_decided"] is not None:
            self._sum([*of(MET), *of(NOT_MET)], rate["n_decided"])
        if rate["rate"] is not None:
            self._sum(of(MET), round(rate["rate"] * rate["n_decided"]))
        if rate["n_undetermined"] is not None:
            self._sum(of(UNDETERMINED), rate["n_undetermined"])
        if rate["rate"] is None and rate["n_decided"] != 0:
            assert self.told["difference"] is None
            assert all(m["effect"] is None for m in self.moves)

    def _effects(self) -> None:
        """Those shown and hidden add up to the difference."""
        one, two = self.told["rates"]
        if self.told["difference"] is None or not (one["n_decided"] and two["n_decided"]):
            return
        p = one["rate"]

        def part(status: str, n: int) -> float:
            return ((status == MET) - p * (status in (MET, NOT_MET))) / n

        each = [part(b, two["n_decided"]) - part(a, one["n_decided"]) for a, b in self.cells]
        self.sums.append((each, self.told["difference"]))
        if self.told["stayed"] is not None:
            still = [e * (a == b) for e, (a, b) in zip(each, self.cells, strict=True)]
            self.sums.append((still, self.told["stayed"]))

    def _sum(self, places: list[int], n: float) -> None:
        if places or n:
            self.sums.append(([float(i in places) for i in range(len(self.cells))], float(n)))

    def ends(self, places: list[int]) -> tuple[float, float]:
        matrix = np.array([row for row, _ in self.sums])
        right = np.array([n for _, n in self.sums])
        aim = np.array([float(i in places) for i in range(len(self.cells))])
        ends = []
        for sign in (1.0, -1.0):
            done = milp(
                sign * aim, constraints=LinearConstraint(matrix, right - 1e-9, right + 1e-9),
                bounds=Bounds(self.low, self.high), integrality=np.ones(len(self.cells)),
            )  # fmt: skip
            ends.append(sign * done.fun if done.status == 0 else -sign * np.inf)
        return ends[0], ends[1]


def numbers_of(found: Reconciliation) -> list[Any]:
    told = found.to_dict()
    rates = [v for r in told["rates"] for k, v in r.items() if k != "version"]
    moves = [m[k] for m in told["movements"] for k in ("n", "weighted", "effect")]
    cells = [n for n in found.transitions_frame().astype(object).to_numpy().ravel() if n is not pd.NA and n]
    return [
        n
        for n in (*rates, *moves, *cells, told["difference"], told["stayed"], told["n_moved"] or None)
        if n is not None
    ]


def attack(groups: dict[tuple[str, str, str], int]) -> tuple[int, int]:
    found = made(groups)
    reader = Reader(found, found.n)
    true = [groups[m["before"], m["after"], m["reasons"]] for m in reader.moves]
    true += [
        next(t.n for t in found.transitions if (t.before, t.after) == c) for c in reader.cells[len(true) :]
    ]
    small = [[i] for i, n in enumerate(true) if n < 5]
    for side in (0, 1):
        for status in STATUSES:
            margin = [i for i, c in enumerate(reader.cells) if c[side] == status]
            small += [margin] if len(margin) > 1 and sum(true[i] for i in margin) < 5 else []
    empty = 0
    for places in small:
        low, high = reader.ends(places)
        if low > len(places) or high < 4:
            assert not numbers_of(found), (groups, [reader.cells[i] for i in places], low, high)
            empty += 1
    return len(small), empty


KEYS = [
    *((a, b, why) for a in STATUSES for b in STATUSES if a != b for why in ("x", "y", "z")),
    *((s, s, "") for s in STATUSES),
]


def drawn(seed: int, most: int) -> dict[tuple[str, str, str], int]:
    rng = np.random.default_rng(seed)
    groups = {}
    moved = rng.choice(len(KEYS) - 4, rng.integers(0, 7), replace=False, p=_weights())
    for i in moved:
        groups[KEYS[i]] = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 12, 40, 60]))
    for key in KEYS[-4:]:
        if rng.random() < 0.8:
            groups[key] = int(rng.integers(1, most)) if rng.random() < 0.8 else int(rng.integers(1, 6))
    return groups or {KEYS[-1]: 3}


def _weights() -> Any:
    """Mostly between met and not met, as in life."""
    p = np.array([8.0 if {a, b} == {MET, NOT_MET} else 1.0 for a, b, _ in KEYS[:-4]])
    return p / p.sum()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([12, 300, 6000]))
def test_no_small_group_can_be_worked_out(seed: int, most: int) -> None:
    attack(drawn(seed, most))


def test_large_files_keep_their_numbers() -> None:
    small = empty = rates = 0
    for seed in range(40):
        groups = drawn(seed, 3000) | {
            (MET, MET, ""): 900,
            (NOT_MET, NOT_MET, ""): 5000,
            (MET, NOT_MET, "x"): 30,
        }
        found, without = attack(groups)
        small, empty = small + found, empty + without
        rates += sum(rate["rate"] is not None for rate in made(groups).to_dict()["rates"])
    assert small > 40
    assert empty == 0
    assert rates >= 60


def test_three_children_of_6411_rows_are_not_told_by_the_difference() -> None:
    groups = {(MET, NOT_MET, "x"): 3, (MET, MET, ""): 900, (NOT_MET, NOT_MET, ""): 5508}
    found = made(groups)
    assert found.n == 6411
    assert f"{100 * found.difference:.2f}" == "-0.05"
    for text in (str(found), json.dumps(found.to_dict()), repr(found)):
        assert "0.05" not in text
        assert "0.000467" not in text
    assert found.to_dict()["difference"] is None
    assert "not shown: the rate of d@2, the difference and the effects" in str(found)
    assert "14.09%" in str(found)  # the rate of the first version stays
    assert "d@2: not shown" in str(found)
    assert "-0.05 percentage points" in found.text(threshold=1)
    attack(groups)


def test_a_larger_group_with_the_small_one_keeps_the_rates() -> None:
    groups = {(MET, NOT_MET, "x"): 3, (MET, NOT_MET, "y"): 36, (MET, NOT_MET, "z"): 90,
              (MET, MET, ""): 900, (NOT_MET, NOT_MET, ""): 5508}  # fmt: skip
    found = made(groups)
    told = found.to_dict()
    assert told["difference"] == found.difference
    assert [m["n"] for m in told["movements"]] == [None, None, 90]
    assert found.transitions_frame().loc[MET, NOT_MET] == 129
    assert "fewer than 5" in str(found)
    assert "met -> not_met: not shown" in str(found)
    assert "met -> not_met, all groups: 129" in str(found)
    assert told["hidden"] == "the numbers of 2 groups; a group of fewer than 5 could be worked out"
    attack(groups)


def test_few_undetermined_hide_the_bounds_alone() -> None:
    groups = {(MET, MET, ""): 50, (NOT_MET, NOT_MET, ""): 500, (UNDETERMINED, UNDETERMINED, ""): 2,
              (NOT_APPLICABLE, NOT_APPLICABLE, ""): 300}  # fmt: skip
    told = made(groups).to_dict()
    assert [(r["rate"], r["lower"], r["n_undetermined"]) for r in told["rates"]] == [
        (50 / 550, None, None)
    ] * 2
    attack(groups)
    # where everybody is in the universe, the decided tell the undetermined
    del groups[NOT_APPLICABLE, NOT_APPLICABLE, ""]
    assert made(groups).to_dict()["rates"][0]["n_decided"] is None
    attack(groups)


def test_cells_of_the_transitions_are_hidden_with_the_small_one() -> None:
    groups = {
        (MET, NOT_MET, "x"): 3,
        (NOT_MET, MET, "y"): 40,
        (MET, MET, ""): 900,
        (NOT_MET, NOT_MET, ""): 5508,
    }
    # two movements the other way round hide each other with those who stayed: the rates stay
    assert made(groups).transitions_frame().isna().to_numpy().sum() == 4
    assert made(groups).to_dict()["difference"] is not None
    attack(groups)


def test_the_attacker_is_able(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the small cell alone hidden he has it exactly."""
    from survey_toolkit.microdata._reconciled import NotShown

    groups = {(MET, NOT_MET, "x"): 3, (MET, MET, ""): 900, (NOT_MET, NOT_MET, ""): 5508}
    found = made(groups)
    before = NotShown(
        rates=(2, 2), cells=frozenset({(MET, NOT_MET)}), movements=frozenset({0}), small=frozenset({0})
    )
    monkeypatch.setattr(Reconciliation, "hidden", lambda self, threshold=5: before)
    assert Reader(found, found.n).ends([0]) == (3, 3)


def children(hours: list[float], chores: list[float]) -> Microdata:
    frame = pd.DataFrame({"age": [16] * len(hours), "ea_any": True, "ea_hours": hours, "chores_any": True})
    frame["chores_hours"] = chores
    frame.loc[frame["ea_hours"] == 1.0, "age"] = 13
    return Microdata.from_frame(frame)


def test_two_statuses_do_not_tell_a_group_together() -> None:
    """36 move by hours of work in either status, 4 by chores in one: the one less the other."""
    hours = [43.0] * 36 + [1.0] * 4 + [50.0] * 60 + [20.0] * 400
    chores = [0.0] * 36 + [21.0] * 4 + [0.0] * 460
    data = children(hours, chores)
    alone = [
        reconcile(data, "child_labour@mics6", "child_labour@sdg-2021", output=output)
        for output in ("child_labour_a", "child_labour_b")
    ]
    a, b = alone
    assert [m.n for m in a.movements] == [36]
    assert sorted(m.n for m in b.movements) == [4, 36]
    # each is safe by itself
    assert a.to_dict()["difference"] is not None
    assert b.to_dict()["difference"] is not None
    shown = reconciled_together(alone)
    assert [one.withheld for one in shown] == [False, True]
    assert shown[0].to_dict() == a.to_dict()
    assert not numbers_of(shown[1])
    assert "together with another status" in str(shown[1])
    assert [one.withheld for one in reconciled_together([b, b])] == [False, False]
    assert shown[1].to_dict(threshold=1)["difference"] == b.difference


def test_weights_do_not_make_a_small_group_safe() -> None:
    """Who moved has weights near 1: the weighted difference is their number over the sum of weights."""
    data = children([43.0] * 3 + [50.0] * 80 + [20.0] * 917, [0.0] * 1000)
    data = data.replace(frame=data.frame.assign(w=np.random.default_rng(1).uniform(0.9, 1.1, 1000)))
    found = reconcile(
        data, "child_labour@mics6", "child_labour@sdg-2021", output="child_labour_a", weight="w"
    )
    told = found.to_dict()
    assert told["difference"] is told["standard_error"] is told["stayed"] is None
    assert [r["rate"] is None for r in told["rates"]] == [False, True]
    assert [m["weighted"] for m in told["movements"]] == [None]
    assert found.to_dict(threshold=1)["difference"] == found.difference


def test_places_are_the_groups() -> None:
    rng = np.random.default_rng(3)
    data = children(rng.choice([20.0, 43.0, 50.0], 200).tolist(), rng.choice([0.0, 21.0], 200).tolist())
    found = reconcile(data, "child_labour@mics6", "child_labour@sdg-2021", output="child_labour_b")
    numbers, counts = np.unique(found.places, return_counts=True)
    sizes = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    assert [sizes[i] for i in range(len(found.movements))] == [m.n for m in found.movements]
    still = [i + len(found.movements) for i, t in enumerate(found.transitions) if t.before == t.after]
    assert [sizes[i] for i in still] == [t.n for t in found.transitions if t.before == t.after]
    assert (found.moved == (found.places < len(found.movements))).all()


def test_results_of_other_rows_are_refused() -> None:
    small = made({(MET, NOT_MET, "x"): 30, (MET, MET, ""): 90})
    large = made({(MET, NOT_MET, "x"): 30, (MET, MET, ""): 91})
    with pytest.raises(HarmonizationError, match="other rows"):
        reconciled_together([small, large])
