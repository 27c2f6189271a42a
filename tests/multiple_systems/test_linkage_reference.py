"""Record linkage against the reference bank: string distances, EM, clusters, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey_toolkit.multiple_systems import linkage as lk

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def folder(bank: Path) -> Path:
    found = sorted(bank.rglob("link_strings_a.json"))
    assert found, "the bank holds no linkage case"
    return found[0].parent.parent


def _case(folder: Path, name: str) -> dict[str, Any]:
    out: dict[str, Any] = json.loads((folder / "cases" / f"{name}.json").read_text("utf-8"))
    return out


def test_string_distances(folder: Path) -> None:
    case = _case(folder, "link_strings_a")
    assert len(case["expected"]["rows"]) == len(case["options"]["pairs"])
    for row in case["expected"]["rows"]:
        a, b = row["a"], row["b"]
        assert lk.jaro(a, b) == pytest.approx(row["jaro"], abs=case["tolerance"]["abs"])
        assert lk.jaro_winkler(a, b) == pytest.approx(row["jaro_winkler"], abs=case["tolerance"]["abs"])
        assert lk.levenshtein(a, b) == row["levenshtein"]
        assert lk.damerau(a, b) == row["damerau"]


def test_fellegi_sunter_em(folder: Path) -> None:
    case = _case(folder, "link_fs_a_em")
    options, expected = case["options"], case["expected"]
    near = {"rel": case["tolerance"]["rel"], "abs": case["tolerance"]["abs"]}
    table = pd.read_csv(folder / case["data"])
    start = (options["start"]["m"], options["start"]["u"], options["start"]["share"])
    patterns = table[options["fields"]].to_numpy()
    fit = lk.fellegi_sunter(patterns, table[options["count"]].to_numpy(), options["fields"], start=start)
    assert fit.match_share == pytest.approx(expected["match_share"], **near)
    assert fit.loglik == pytest.approx(expected["loglik"], **near)
    assert dict(fit.m) == pytest.approx(expected["m"], **near)
    assert dict(fit.u) == pytest.approx(expected["u"], **near)
    assert fit.agreement_weights == pytest.approx(expected["log2_agree_weight"], **near)
    found = {"".join(map(str, p)): q for p, q in zip(patterns, fit.posterior, strict=True)}
    assert found == pytest.approx(expected["posterior"], **near)


def test_clusters_to_histories(folder: Path) -> None:
    case = _case(folder, "link_clusters_a")
    records = {r["id"]: r["list"] for r in case["options"]["records"]}
    people = lk.cluster_pairs(
        records, [(a, b, 1.0) for a, b in case["options"]["pairs"]], lists=case["options"]["lists"]
    )
    assert [list(g) for g in people.members] == case["expected"]["clusters"]
    assert people.within_list_duplicates == case["expected"]["within_list_duplicates"]
    data = people.histories()
    found = {"".join(map(str, p)): int(c) for p, c in zip(data.patterns, data.counts, strict=True)}
    assert found == case["expected"]["histories"]


def test_end_to_end(folder: Path) -> None:
    case = _case(folder, "link_a_quality")
    truth = pd.read_csv(folder / case["data"][1])
    person = dict(zip(truth[case["options"]["record"]], truth[case["options"]["truth_person"]], strict=True))
    fields = lk.LinkFields(others=("exploitation",))
    once, again = (lk.link_records(folder / case["data"][0], fields) for _ in range(2))
    quality = lk.link_quality(once.clusters(0.5), person)
    assert quality.true_people == case["expected"]["true_persons"]
    assert quality.f1 >= case["expected"]["min_f1"]
    assert quality.f1 >= case["expected"]["reference"]["f1"]
    assert once.pairs.equals(again.pairs)
