"""Draw a sample in one or several stages, with probabilities chained, and a log that lets an auditor redo it.

>>> import pandas as pd
>>> frame = pd.DataFrame({"region": ["A"] * 4 + ["B"] * 4, "ea": range(8), "households": [50] * 8})
>>> stage = Stage(unit="ea", n=2, strata=("region",), method="pps_systematic", size="households")
>>> drawn = select(frame, [stage], seed=7)
>>> len(drawn.frame), drawn.frame["weight"].unique().tolist()
(4, [2.0])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import whole
from survey_toolkit.sampling.selection_log import SelectionLog, StageLog
from survey_toolkit.sampling.stage import Stage
from survey_toolkit.sampling.stage_draw import Parents, StageResult, draw_stage
from survey_toolkit.sampling.unit_frame import UnitFrame, quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Selection", "select"]

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """A drawn sample.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row a unit of the last stage: its columns of the frame, then for every stage
        ``<stage>_probability``, ``<stage>_replicate`` (0 main, 1, 2, … reserve), and ``probability`` and
        ``weight`` over
        all stages (those of the main sample).
    log : SelectionLog
    notes : tuple of str
        Sizes of zero, units taken with certainty, groups smaller than their take: everything done about the
        frame.
    """

    frame: pd.DataFrame
    log: SelectionLog
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        counts = ", ".join(f"{s.drawn:,} {s.stage}" for s in self.log.stages)
        return f"Selection(seed={self.log.seed}): {counts}"

    def main(self) -> pd.DataFrame:
        """Rows of the main sample, without reserves of any stage."""
        return self.release({})

    def release(self, replicates: Mapping[str, int]) -> pd.DataFrame:
        """Rows of the main sample and of the reserves released, with the weights that follow.

        Parameters
        ----------
        replicates : mapping of stage to int
            How many reserve units a group are released.

        Returns
        -------
        pandas.DataFrame
        """
        rows = self.frame
        for log in self.log.stages:
            rows = rows[rows[f"{log.stage}_replicate"] <= replicates.get(log.stage, 0)]
        rows = rows.copy()
        chance: NDArray[np.float64] = np.ones(len(rows))
        for log in self.log.stages:
            name, more = log.stage, replicates.get(log.stage, 0)
            own = rows[f"{name}_probability"].to_numpy(float)
            if more:
                n, reserve = (rows[f"{name}_{c}"].to_numpy(float) for c in ("n", "reserve"))
                open_ = (n > 0) & (own < 1)
                own = np.where(open_, own * (n + np.minimum(more, reserve)) / np.maximum(n, 1), own)
                rows[f"{name}_probability"] = own
            chance = chance * own
        rows["probability"], rows["weight"] = chance, 1 / chance
        return rows.reset_index(drop=True)


def select(frame: Any, stages: Sequence[Stage], *, seed: int, progress: Progress | None = None) -> Selection:
    """Draw a sample.

    Parameters
    ----------
    frame : frame or path
        Frame of the first stage, and of the later ones that name none of their own (a ``UnitFrame`` too, for
        many draws from one frame).
    stages : sequence of Stage
        From the largest units to the smallest. A later frame has the unit columns of the stages before.
    seed : int
        The same seed, frame and stages give the same sample, whatever the order of the rows and the engine.
    progress : callable, optional
        Called with a text and a share from 0 to 1.

    Returns
    -------
    Selection

    Raises
    ------
    DesignError
        If a stratum is empty or not named, units are there twice or have no name, or sizes cannot be.

    Notes
    -----
    The inclusion probability is the product over the stages; where a group has fewer units than its take
    all are taken,
    which is told.
    """
    whole(seed, "seed", least=0)
    if not stages:
        raise DesignError("there are no stages", where="stages", found="an empty list")
    names = [s.label for s in stages]
    if len(set(names)) < len(names):
        raise DesignError("two stages have one name", where="stages", found=", ".join(names))
    tell = progress or (lambda text, share: None)
    parents: Parents | None = None
    current = frame if isinstance(frame, UnitFrame) else UnitFrame(frame)
    results, logs = [], []
    for k, stage in enumerate(stages):
        tell(stage.label, k / (len(stages) + 1))
        if stage.frame is not None:
            current = UnitFrame(stage.frame)
        result = draw_stage(current, stage, parents, seed)
        results.append(result)
        logs.append(StageLog.of(stage, result, current))
        parents = result.parents()
    tell("writing the sample", len(stages) / (len(stages) + 1))
    rows = _assemble(current, results[-1])
    log = SelectionLog(seed=seed, stages=tuple(logs)).with_digest(rows, [s.unit for s in stages])
    tell("done", 1.0)
    return Selection(frame=rows, log=log, notes=tuple(n for r in results for n in r.notes))


def _assemble(frame: UnitFrame, last: StageResult) -> pd.DataFrame:
    """Columns of the frame beside those of the draw, in the order of the path."""
    rows = last.rows
    stage_columns = [c for c in rows.columns if c not in frame.columns]
    chance = rows[[c for c in rows.columns if c.endswith("_probability")]].prod(axis=1)
    hits = rows[[c for c in rows.columns if c.endswith("_hits")]].prod(axis=1)
    if not last.grouped:
        frame.register("drawn", rows[[*last.path, *stage_columns]])
        path = ", ".join(quoted(p) for p in last.path)
        picked = ", ".join(f"drawn.{quoted(c)}" for c in stage_columns)
        sql = f"SELECT frame.*, {picked} FROM frame JOIN drawn USING ({path}) ORDER BY {path}"
        rows = frame.query(sql)
        chance = rows[[c for c in rows.columns if c.endswith("_probability")]].prod(axis=1)
        hits = rows[[c for c in rows.columns if c.endswith("_hits")]].prod(axis=1)
    rows = rows.copy()
    rows["probability"] = chance
    # expected hits above one: the weight divides by them and counts the unit as often as it was hit
    rows["weight"] = hits / chance
    return rows
