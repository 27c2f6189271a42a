"""Every case of a reference bank in the hidden-population layout, through one generic runner.

The bank is named by SURVEY_TOOLKIT_REFERENCE (its folder ``hidden_populations`` holds ``cases/*.json`` and
``data/``). A kind of case is answered by a function in a table of operations: those of this room, and those
that sampling and dissemination bring in modules of their own. A kind nobody answers is a failure, unless the
module that will answer it is named in :data:`ELSEWHERE` and not there yet.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

BANK = Path(os.environ.get("SURVEY_TOOLKIT_REFERENCE", "/nonexistent")) / "hidden_populations"

if not BANK.is_dir():
    pytest.skip("SURVEY_TOOLKIT_REFERENCE names no reference bank", allow_module_level=True)

pytestmark = pytest.mark.reference

#: Modules with OPS: {kind: (bank folder, case) -> answers by name, or {"problems": [...]} for a rule}.
MODULES = (
    "tests.hidden_populations.reference_ops",
    "tests.sampling.reference_sampling",
    "tests.dissemination.reference_sdc",
)
#: Who answers a family of kinds that is not answered here.
ELSEWHERE = {
    "acs": "tests.sampling.reference_sampling",
    "tls": "tests.sampling.reference_sampling",
    "sdc": "tests.dissemination.reference_sdc",
}
#: Under a rule the answer is not unique: these numbers describe the reference's, and the rule judges ours.
OF_THE_REFERENCE = ("reference", "best_known", "by_variable", "proved")
#: Expected numbers that the package gives in no form.
NOT_OFFERED = {"estimate_naive": "sin² of the mean, which is biased"}


def operations() -> dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]]:
    table: dict[str, Any] = {}
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as exc:
            if exc.name is None or not name.startswith(
                exc.name
            ):  # a module of ours that itself lacks something
                raise
            continue
        own = getattr(module, "OPS", None) or getattr(module, "RUNNERS", {})
        table |= {kind: adapted(operation) for kind, operation in own.items()}
    return table


def adapted(operation: Callable[..., Any]) -> Callable[[Path, dict[str, Any]], dict[str, Any]]:
    """An operation of (folder, case), or of (case, data) with the frames of the case."""
    if next(iter(inspect.signature(operation).parameters)) != "case":
        return operation

    def of_frames(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
        given = case["data"]
        names = [given] if isinstance(given, str) else given or []
        frames = [pd.read_csv(folder / name, keep_default_na=False, na_values=[""]) for name in names]
        return dict(operation(case, frames[0] if isinstance(given, str) else frames or None))

    return of_frames


OPS = operations()
CASES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((BANK / "cases").glob("*.json"))
}


def tolerance(given: dict[str, Any], name: str) -> tuple[float, float]:
    """Relative and absolute tolerance of a name; ``rel_x`` replaces ``rel`` for names with the part x.

    ``rel_se`` also covers interval limits, ``rel_quantile`` names like q025.
    """
    parts = set(name.split("_")) | {name}
    if name in ("lower", "upper"):
        parts.add("se")
    if name[:1] == "q" and name[1:].isdigit():
        parts.add("quantile")
    out = []
    for kind in ("rel", "abs"):
        special = [v for k, v in given.items() if k.startswith(f"{kind}_") and k[4:] in parts]
        out.append(float(max(special) if special else given.get(kind, 0.0)))
    return out[0], out[1]


def differences(name: str, wanted: Any, got: Any, given: dict[str, Any]) -> Iterator[str]:
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if not isinstance(got, dict) or key not in got:
                yield f"{name}: no {key}"
            else:
                inner = name if not isinstance(value, dict | list) else f"{name}"
                yield from (f"{key}: {text}" for text in differences(inner, value, got[key], given))
    elif isinstance(wanted, list):
        if len(wanted) != len(got):
            yield f"{name}: {len(got)} instead of {len(wanted)}"
        for i, (w, g) in enumerate(zip(wanted, got, strict=False)):
            yield from (f"{i}: {text}" for text in differences(name, w, g, given))
    elif isinstance(wanted, bool | str) or wanted is None:
        if wanted != got:
            yield f"{name}: {got!r} instead of {wanted!r}"
    else:
        rel, most = tolerance(given, name)
        close = math.isclose(float(got), float(wanted), rel_tol=max(rel, 1e-12), abs_tol=most)
        # a likelihood above the expected one is a better optimum
        if not close and not (name == "loglik" and got > wanted):
            yield f"{name}: {got!r} instead of {wanted!r} (rel {rel:g}, abs {most:g})"


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    kind = case["method"]
    if kind not in OPS:
        home = ELSEWHERE.get(kind.split(".")[0])
        if home is not None and importlib.util.find_spec(home.rsplit(".", 1)[0]) is None:
            pytest.skip(f"{kind}: {home} is not there")
        if (
            home is not None
            and not (Path(__file__).parent.parent / (home.replace(".", "/") + ".py")).exists()
        ):
            pytest.skip(f"{kind}: {home} is not there")
        pytest.fail(f"no operation answers {kind}")
    answers = OPS[kind](BANK, case)
    if "problems" in answers:
        assert not answers["problems"], answers["problems"]
        return
    problems = [] if answers.get("rule", True) else [f"broken: {case['tolerance'].get('rule')}"]
    for key, wanted in case["expected"].items():
        if key in NOT_OFFERED or ("rule" in answers and any(w in key for w in OF_THE_REFERENCE)):
            continue
        if key not in answers:
            problems.append(f"no answer to {key}")
        else:
            problems += differences(key, wanted, answers[key], case["tolerance"])
    assert not problems, "\n".join(problems)


def test_every_kind_is_answered_or_named() -> None:
    open_kinds = {case["method"] for case in CASES.values()} - set(OPS)
    assert {kind.split(".")[0] for kind in open_kinds} <= set(ELSEWHERE), sorted(open_kinds)
