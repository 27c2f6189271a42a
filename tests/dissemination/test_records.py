"""Case-level releases, rounding and cell keys."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.dissemination import (
    TransitionTable,
    individual_risk,
    k_anonymity,
    l_diversity,
    local_suppression,
    perturb_table,
    random_round,
    round_table,
    round_to_base,
    transition_table,
)
from survey_toolkit.errors import DisclosureError


def people(n=200, seed=1, missing=0.05):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "sex": rng.choice(["F", "M"], n), "age": rng.choice(list("abcdef"), n),
        "nation": rng.choice([f"n{i}" for i in range(9)], n), "form": rng.choice(["x", "y", "z"], n),
        "w": rng.uniform(1, 4, n), "key": rng.random(n),
    })  # fmt: skip
    return frame.mask(rng.random(frame.shape) < missing, frame.where(frame.dtypes == "never"))


def slow_counts(frame, keys, matches_any):
    out = []
    for a in frame[keys].itertuples(index=False):
        n = 0
        for b in frame[keys].itertuples(index=False):
            same = [
                (pd.isna(x) or pd.isna(y)) if matches_any and (pd.isna(x) or pd.isna(y))
                else (pd.isna(x) and pd.isna(y)) or x == y
                for x, y in zip(a, b, strict=True)
            ]  # fmt: skip
            n += all(same)
        out.append(n)
    return out


@pytest.mark.parametrize("rule", ["own category", "matches any"])
def test_groups_are_those_of_a_direct_count(rule):
    frame = pd.DataFrame({"sex": ["F", "F", None, "M", "M", "F"], "age": ["a", None, "a", "b", "b", "a"]})
    found = k_anonymity(frame, ["sex", "age"], missing=rule)
    assert found.sample.tolist() == slow_counts(frame, ["sex", "age"], rule == "matches any")


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_local_suppression_leaves_no_rare_record(k, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "sex": rng.choice(["F", "M"], 60), "age": rng.choice(list("abcd"), 60),
        "nation": rng.choice(list("uvwxyz"), 60),
    })  # fmt: skip
    done = local_suppression(frame, ["sex", "age", "nation"], k=k)
    assert done.violations == 0
    assert k_anonymity(done.records, ["sex", "age", "nation"], missing="matches any").below(k) == 0
    changed = done.records.isna() & frame.notna()
    assert int(changed.to_numpy().sum()) == done.n_suppressed
    assert done.records.where(~changed, frame).equals(frame), "nothing is altered, only suppressed"


def test_fewer_people_than_k_cannot_be_released():
    done = local_suppression(pd.DataFrame({"sex": ["F", "M", "M"]}), ["sex"], k=11)
    assert done.violations == 3


def test_a_key_to_keep_goes_last():
    frame = pd.DataFrame({"sex": ["F", "F", "M"] * 10, "nation": [f"n{i % 15}" for i in range(30)]})
    free = local_suppression(frame, ["sex", "nation"], k=5)
    kept = local_suppression(frame, ["sex", "nation"], k=5, keep=["nation"])
    assert kept.by_variable["nation"] <= free.by_variable["nation"]


def test_diversity_counts_values_not_people():
    frame = pd.DataFrame({"sex": ["F"] * 5 + ["M"] * 2, "form": ["x", "x", "x", "y", None, "x", "x"]})
    found = l_diversity(frame, ["sex"], "form")
    assert found.distinct.tolist() == [2] * 5 + [1] * 2
    assert (found.l, found.below(2)) == (1, 2)


def test_risk_falls_with_weight_and_group():
    frame = pd.DataFrame({"nation": ["a", "b", "b", "c", "c", "c"], "w": [5.0, 2, 3, 1, 1, 1]})
    risk = individual_risk(frame, ["nation"], "w")
    p = 1 / 5
    assert risk[0] == pytest.approx(p / (1 - p) * np.log(1 / p))
    assert risk[3] == pytest.approx(1 / 3), "weights of one: the sample is the population"


def test_unknown_columns_are_named():
    with pytest.raises(DisclosureError, match="colour"):
        k_anonymity(people(), ["sex", "colour"])


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40), st.integers(1, 12))
def test_rounding_stays_within_half_a_base(counts, base):
    out = round_to_base(counts, base)
    assert (out % base == 0).all()
    assert (np.abs(out - np.array(counts)) <= base / 2).all()


def test_ties():
    assert round_to_base([5, 15], 10, "half down").tolist() == [0, 10]
    assert round_to_base([5, 15], 10, "half even").tolist() == [0, 20]
    assert round_to_base([5, 15], 10).tolist() == [10, 20]
    with pytest.raises(DisclosureError, match="did you mean 'half even'"):
        round_to_base([5, 15], 10, "half-even")


def test_random_rounding_has_no_bias_and_repeats():
    out = random_round([1] * 20_000 + [9] * 20_000, 10, seed=3)
    assert out[:20_000].mean() == pytest.approx(1, abs=0.1)
    assert out[20_000:].mean() == pytest.approx(9, abs=0.1)
    assert (out == random_round([1] * 20_000 + [9] * 20_000, 10, seed=3)).all()


def test_tables_that_no_longer_add_up_are_counted():
    done = round_table({("F", "a"): 7, ("F", "b"): 7, ("F", "_T"): 14, ("_T", "a"): 7, ("_T", "_T"): 14})
    assert done.counts[("F", "_T")] == 15
    assert done.non_additive_rows == 1


@pytest.mark.parametrize("bad", [{"base": 0}, {"counts": [-1]}, {"counts": [float("nan")]}])
def test_what_is_no_count_is_refused(bad):
    with pytest.raises(DisclosureError):
        round_to_base(bad.get("counts", [1]), bad.get("base", 5))


@pytest.mark.parametrize(("noise", "variance", "small"), [(5, 3.0, 2), (4, 2.0, 0), (8, 5.0, 3)])
def test_transition_probabilities_are_unbiased_with_their_variance(noise, variance, small):
    made = transition_table(noise, variance, small)
    assert len(made.rows) == noise + small + 2
    for count, row in enumerate(made.rows[1:], 1):
        j, p = np.array(list(row)), np.array(list(row.values()))
        assert p.sum() == pytest.approx(1)
        assert (p * j).sum() == pytest.approx(count, abs=1e-4)
        assert (p * (j - count) ** 2).sum() == pytest.approx(variance, abs=1e-3)
        assert not ({*row} & set(range(1, small + 1)))


def test_a_variance_that_cannot_be_is_refused():
    with pytest.raises(DisclosureError) as caught:
        transition_table(1, 3.0)
    assert caught.value.code == "ptable-infeasible"


def test_the_same_people_get_the_same_noise_in_every_table():
    frame = people(missing=0.0)
    made = transition_table(5, 3.0, 2)
    by_sex = perturb_table(frame, ["sex"], "key", made)
    crossed = perturb_table(frame, ["sex", "age"], "key", made)
    assert all(crossed[(s, "_T")] == cell for (s,), cell in by_sex.items())
    assert {c.published for c in crossed.values()} & {1, 2} == set()


def test_large_counts_use_the_last_row():
    made = transition_table(5, 3.0, 2)
    assert made.publish(1000, 0.5) - 1000 == made.publish(8, 0.5) - 8
    assert made.publish(0, 0.99) == 0


@pytest.mark.parametrize("key", [1.0, -0.1, None])
def test_record_keys_are_checked(key):
    frame = pd.DataFrame({"sex": ["F"], "key": [key]}, dtype=object).astype({"key": float})
    with pytest.raises(DisclosureError) as caught:
        perturb_table(frame, ["sex"], "key", TransitionTable(rows=({0: 1.0},)))
    assert caught.value.code == "bad-record-key"


def test_a_table_with_a_gap_is_refused():
    with pytest.raises(DisclosureError):
        TransitionTable.from_steps([(0, 0, 1.0), (2, 2, 1.0)])
