"""The log of a selection: enough for an auditor to redo the draw and to hold the result against it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._spreadsheet import frame_csv
from survey_toolkit.errors import DesignError

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.sampling.stage import Stage
    from survey_toolkit.sampling.stage_draw import StageResult
    from survey_toolkit.sampling.unit_frame import UnitFrame

__all__ = ["SelectionLog", "StageLog", "redo"]

_HOW = (
    "u = (first 13 hex digits of sha256('seed|stage|unit') + 0.5) / 16^13, unit being the codes of all "
    "stages joined by '|'; group starts use 'seed|stage|start|group'. srs: smallest u; systematic: "
    "floor(C_i - start) - floor(C_i-1 - start)."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageLog:
    """One stage: what was asked, of which frame, and what every group gave.

    Attributes
    ----------
    stage : str
    asked : mapping
        The stage as declared.
    frame, sha256 : str
        Name of the frame file and its hash; the hash is empty for a frame in memory.
    groups : pandas.DataFrame
        Units, total size, interval, random start, wanted, drawn of every group.
    drawn : int
    notes : tuple of str
    """

    stage: str
    asked: Mapping[str, Any]
    frame: str
    sha256: str
    groups: pd.DataFrame
    drawn: int
    notes: tuple[str, ...]

    @classmethod
    def of(cls, stage: Stage, result: StageResult, frame: UnitFrame) -> StageLog:
        """Log of a stage just drawn."""
        return cls(
            stage=stage.label,
            asked=stage.to_dict(),
            frame=frame.name,
            sha256=frame.digest(),
            groups=result.groups,
            drawn=len(result.rows),
            notes=result.notes,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionLog:
    """Seed, stages, and the digest of the sample.

    Attributes
    ----------
    seed : int
    stages : tuple of StageLog
    digest : str
        SHA-256 of the sorted codes of the units drawn, one a line.
    """

    seed: int
    stages: tuple[StageLog, ...]
    digest: str = ""

    def with_digest(self, rows: pd.DataFrame, path: Sequence[str]) -> SelectionLog:
        """The log with the digest of the sample."""
        lines = sorted("|".join(map(str, row)) for row in rows[list(path)].itertuples(index=False))
        return replace(self, digest=hashlib.sha256("\n".join(lines).encode()).hexdigest())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; groups are in tables of their own."""
        return {
            "seed": self.seed,
            "how": _HOW,
            "software": _software(self.stages),
            "digest": self.digest,
            "stages": [
                {
                    "stage": s.stage,
                    **dict(s.asked),
                    "frame": s.frame,
                    "sha256": s.sha256,
                    "groups": len(s.groups),
                    "drawn": s.drawn,
                    "notes": list(s.notes),
                }
                for s in self.stages
            ],
        }

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``selection_log.json`` and ``groups_<stage>.csv``; returns the paths."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        written = [target / "selection_log.json"]
        written[0].write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        for s in self.stages:
            written.append(target / f"groups_{_file_name(s.stage)}.csv")
            frame_csv(s.groups, written[-1])
        return written


def redo(log: str | os.PathLike[str] | Mapping[str, Any], frames: Sequence[Any]) -> tuple[str, ...]:
    """Draw again from a log and tell what differs.

    Parameters
    ----------
    log : path to ``selection_log.json``, or its content
    frames : sequence of frame or path
        One for every stage; the same object or path again where stages share a frame.

    Returns
    -------
    tuple of str
        Empty if the frames and the sample are the same.
    """
    from survey_toolkit.sampling.selection import select
    from survey_toolkit.sampling.stage import Stage

    given: Mapping[str, Any] = (
        log if isinstance(log, Mapping) else json.loads(Path(log).read_text(encoding="utf-8"))
    )
    if len(frames) != len(given["stages"]):
        raise DesignError("one frame a stage is wanted", where="frames", found=f"{len(frames)}")
    stages = []
    for item, frame in zip(given["stages"], frames, strict=True):
        names = ("unit", "n", "method", "size", "reserve", "zero", "large", "name")
        kept: dict[str, Any] = {name: item[name] for name in names}
        kept |= {name: tuple(item[name]) for name in ("strata", "order")}
        stages.append(Stage(frame=frame, **kept))
    again = select(frames[0], stages, seed=given["seed"]).log
    out = [
        f"{new.stage}: the frame file is another"
        for new, old in zip(again.stages, given["stages"], strict=True)
        if old["sha256"] and new.sha256 != old["sha256"]
    ]
    if again.digest != given["digest"]:
        out.append("the units drawn are others")
    return tuple(out)


def _software(stages: tuple[StageLog, ...]) -> str:
    from survey_toolkit import __version__

    own = f"survey_toolkit {__version__}"
    if any(s.asked["method"] in ("sampford", "brewer") for s in stages):
        from survey_toolkit.sampling._svy import version

        return f"{own}, {version()}"
    return own


def _file_name(stage: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in stage)
