"""The log of a selection: enough for an auditor to redo the draw and to hold the result against it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from survey_toolkit._atomic import write_atomic
from survey_toolkit._input import input_file
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
#: What a log keeps of each stage as it was declared.
_SINGLE = ("unit", "n", "method", "size", "reserve", "zero", "large", "name")
_SEVERAL = ("strata", "order")
_LARGEST_LOG = 64_000_000


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
        write_atomic(written[0], (json.dumps(self.to_dict(), indent=1) + "\n").encode())
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

    Raises
    ------
    DataFileError
        There is no such file.
    DesignError
        The file is no log of a selection, or the frames are not as many as the stages.
    """
    from survey_toolkit.sampling.selection import select
    from survey_toolkit.sampling.stage import Stage

    given = _read_log(log)
    if len(frames) != len(given["stages"]):
        raise DesignError(
            "one frame a stage is wanted",
            where="frames",
            found=f"{len(frames)}",
            expected=f"{len(given['stages'])}: "
            + ", ".join(f"{s['stage']} (was {s['frame']})" for s in given["stages"]),
            hint="name them in this order; the same file again where stages share it",
        )
    stages = []
    for item, frame in zip(given["stages"], frames, strict=True):
        kept: dict[str, Any] = {name: item[name] for name in _SINGLE}
        kept |= {name: tuple(item[name]) for name in _SEVERAL}
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


def _read_log(log: str | os.PathLike[str] | Mapping[str, Any]) -> Mapping[str, Any]:
    """The content of a log; a file that is another thing is told from one that is not there."""
    if isinstance(log, Mapping):
        given: Any = log
        where = "log"
    else:
        where = os.fspath(log)
        path = input_file(log, "a log of a selection", max_bytes=_LARGEST_LOG)
        try:
            given = json.loads(path.read_bytes())
        except ValueError:  # no JSON, or no text
            given = None
    wanted = {"stage", "frame", "sha256", *_SINGLE, *_SEVERAL}
    stages = given.get("stages") if isinstance(given, Mapping) else None
    sound = isinstance(stages, list) and all(isinstance(s, Mapping) and wanted <= set(s) for s in stages)
    if not sound or not stages or not {"seed", "digest"} <= set(given):
        raise DesignError(
            "this is no log of a selection",
            where=where,
            found="no JSON" if given is None else "JSON without seed, digest and stages",
            expected="the file selection_log.json that 'sample select' wrote",
            hint="give the log first, then the frame of each stage",
            code="bad-log",
        )
    return cast("Mapping[str, Any]", given)


def _software(stages: tuple[StageLog, ...]) -> str:
    from survey_toolkit import __version__

    own = f"survey_toolkit {__version__}"
    if any(s.asked["method"] in ("sampford", "brewer") for s in stages):
        from survey_toolkit.sampling._svy import version

        return f"{own}, {version()}"
    return own


def _file_name(stage: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in stage)
