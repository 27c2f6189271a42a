"""The README's recipe for hidden populations runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_recipe(
    people: Any, kin: Any, recruits: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    (block,) = [b for b in blocks if "hidden_populations" in b]
    for name, frame in (("people", people), ("kin", kin), ("recruits", recruits)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), scope)
    assert len(scope["table"].candidates) == 4
    assert (tmp_path / "methods.png").stat().st_size > 10_000
