"""Questionnaire, form, simulated answers, read, harmonize, classify, estimate: the truth comes back."""

import csv
import math

import pytest

import survey_toolkit as st
from survey_toolkit.errors import InstrumentError
from survey_toolkit.instruments import questionnaire, simulate
from survey_toolkit.instruments.answers import read_export, write_export
from survey_toolkit.instruments.crosswalk import MAIN, tables_of

LOOPS = [
    ("forced_labour_adult", "forced_labour", "forced_labour", {"age": (18, 70)}),
    ("trafficking", "trafficking", "trafficking", {"age": (15, 60)}),
    ("child_labour", "child_labour", "child_labour_a", {"age": (5, 17)}),
]
STATUS = {True: "met", False: "not_met", None: "not_applicable"}


def _classified(answers, folder, definition):
    """Through files only: the answers and the form's own crosswalk."""
    form = answers.form
    files = answers.write(folder)
    walk = st.write(form, folder / "walk.yaml", format="crosswalk")
    done = {}
    for file, table in zip(files, tables_of(form).values(), strict=True):
        if not answers.rows[table.name]:
            continue
        done[table.level] = st.harmonize(st.read_microdata(file), walk, level=table.level)
    main = done.pop(tables_of(form)[MAIN].level)
    return st.classify(main, definition, episodes=done)


@pytest.mark.parametrize(("name", "definition", "output", "draws"), LOOPS, ids=[x[0] for x in LOOPS])
def test_the_truth_comes_back_person_by_person(name, definition, output, draws, tmp_path):
    form = questionnaire(name, ["en"])
    answers = simulate(form, 40, seed=20, prevalence={f"{definition}.{output}": 0.4}, draws=draws)
    truth = answers.truth[f"{definition}.{output}"]
    found = _classified(answers, tmp_path, definition).frame[f"{output}__status"]
    assert found.to_list() == [STATUS[value] for value in truth]
    assert {True, False} <= set(truth)


def test_the_interval_holds_the_truth(tmp_path):
    form = questionnaire("forced_labour_adult", ["en"])
    share = 0.2
    answers = simulate(form, 400, seed=7, prevalence={"forced_labour": share}, draws={"age": (18, 70)})
    std = _classified(answers, tmp_path, "forced_labour")
    frame = std.frame.assign(w=1.0, unit=range(std.n_rows))
    survey = st.Survey(frame, st.SurveyDesign(weight="w", psu="unit"))
    row = survey.proportion("forced_labour").to_frame().iloc[0]
    truth = answers.truth["forced_labour"]
    assert row["estimate"] == pytest.approx(sum(truth) / len(truth))
    assert row["ci_low"] <= share <= row["ci_high"]
    assert row["ci_high"] - row["ci_low"] < 0.12


def test_refusals_widen_the_bounds_and_the_bounds_hold_the_truth(tmp_path):
    form = questionnaire("forced_labour_adult", ["en"])
    kw = {"seed": 3, "prevalence": {"forced_labour": 0.3}, "draws": {"age": (18, 70)}}
    answers = simulate(form, 120, refused=0.03, dont_know=0.03, **kw)
    found = _classified(answers, tmp_path, "forced_labour").frame["forced_labour__status"].to_list()
    truth = answers.truth["forced_labour"]
    undetermined = found.count("undetermined")
    assert undetermined > 0
    assert found.count("met") <= sum(truth) <= found.count("met") + undetermined
    # where something is decided in spite of refusals, it is decided rightly
    assert all(s in ("undetermined", STATUS[t]) for s, t in zip(found, truth, strict=True))
    assert simulate(form, 120, **kw).truth["forced_labour"] == truth


def test_shares_of_refusals_are_those_asked_for():
    form = questionnaire("forced_labour_adult", ["en"])
    answers = simulate(form, 150, seed=2, refused=0.05, dont_know=0.1, draws={"age": (18, 70)})
    n = refused = unknown = 0
    for step in form.items():
        codes = step.item.missing_codes
        if not {"dk", "refused"} <= set(codes) or step.item.type == "select_multiple":
            continue
        for rows in answers.rows.values():
            values = [str(row[step.id]) for row in rows if step.id in row]
            n += len(values)
            refused += values.count(codes["refused"])
            unknown += values.count(codes["dk"])
    assert n > 5000
    assert abs(refused / n - 0.05) < 4 * math.sqrt(0.05 * 0.95 / n)
    assert abs(unknown / n - 0.10) < 4 * math.sqrt(0.10 * 0.90 / n)


@pytest.mark.parametrize("name", ["marriage", "hidden_population", "state_imposed", "family_network"])
def test_routing_is_obeyed(name):
    """An answer stands where its own and the outer conditions hold, and only there."""
    form = questionnaire(name, ["en"])
    answers = simulate(form, 25, seed=4, refused=0.05, dont_know=0.05, draws={"age": (10, 70)})
    main = {row["form_key"]: row for row in answers.rows[MAIN]}
    checked = 0
    for table in tables_of(form).values():
        for row in answers.rows[table.name]:
            seen = {**main[row["form_key"]], **row}
            for step in table.steps:
                if step.item.type == "note" or len(step.repeats) > 1:
                    continue
                rules = [c for s in (*map(form.step, step.around), step) for c in s.conditions]
                assert (step.id in row) == all(c.holds(seen) for c in rules), step.id
                checked += 1
    assert checked > 500


def test_same_seed_same_answers_and_more_respondents_do_not_change_the_first():
    form = questionnaire("example")
    first, again, more = (simulate(form, n, seed=9) for n in (10, 10, 15))
    assert first.csv() == again.csv()
    assert more.rows[MAIN][:10] == first.rows[MAIN]
    assert simulate(form, 10, seed=10).csv() != first.csv()


def test_who_does_not_consent_is_asked_nothing_sensitive():
    form = questionnaire("forced_labour_adult", ["en"])
    answers = simulate(form, 60, seed=1, consent=0.5, draws={"age": (18, 70)})
    sensitive = [id for id, _, _ in form.coverage().sensitive]
    refusers = {r["form_key"] for r in answers.rows[MAIN] if r["consent_interview"] == "2"}
    assert 10 < len(refusers) < 50
    for rows in answers.rows.values():
        assert not [k for r in rows if r["form_key"] in refusers for k in sensitive if k in r]


def test_a_form_that_cannot_tell_says_so():
    with pytest.raises(InstrumentError, match="no answers"):
        simulate(
            questionnaire("example"), 1, seed=1, prevalence={"child_marriage": 1.0}, draws={"age": (20, 24)}
        )


def test_an_export_of_a_server_reads_as_well(tmp_path):
    form = questionnaire("example")
    answers = simulate(form, 30, seed=6, refused=0.1, draws={"age": (18, 70)})
    export, plain = tmp_path / "export", tmp_path / "plain"
    export.mkdir()
    plain.mkdir()
    numbers: dict[str, int] = {}
    with (export / "example.csv").open("w", newline="") as handle:
        steps = [s for s in tables_of(form)[MAIN].steps if s.item.type != "note"]
        heads = ["SubmissionDate", *(f"m_{s.used.module.id}-{s.id}" for s in steps), "KEY"]
        writer = csv.writer(handle)
        writer.writerow(heads)
        for row in answers.rows[MAIN]:
            writer.writerow(["2024-06-15", *(row.get(s.id, "") for s in steps), row["form_key"]])
    with (export / "example-ex_job.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ex_free", "ex_penalty", "PARENT_KEY", "KEY"])
        for row in answers.rows["ex_job"]:
            key = row["form_key"]
            numbers[key] = numbers.get(key, 0) + 1
            penalty = " ".join(row.get("ex_penalty", []))
            writer.writerow([row.get("ex_free", ""), penalty, key, f"{key}/ex_job[{numbers[key]}]"])
    write_export(form, read_export(form, export), plain)
    for table in ("", "-ex_job"):
        with (plain / f"example{table}.csv").open() as handle:
            found = list(csv.DictReader(handle))
        made = answers.records("ex_job" if table else MAIN)
        assert len(found) == len(made) > 5
        for left, right in zip(found, made, strict=True):
            assert {k: v for k, v in left.items() if v} == {
                k: str(v) for k, v in right.items() if v not in ("", None)
            }
