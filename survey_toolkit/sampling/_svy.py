"""The one door to svy: what it draws and computes right is asked of it, nothing else knows it.

Used for Sampford's and Brewer's draws (inclusion probabilities within Monte Carlo error of n·size/total in
tests). svy 0.35 is a large dependency (Polars and a compiled kernel, about 560 MB), so it is the extra
``sampling``; all else in this room works without it.

svy and not samplics, because samplics is archived by its own author, who points to svy, and because its
numbers are wrong where it matters: jackknife weights of stratified designs scaled by the wrong factor
(standard error 0.731 for 0.521), replicate weights in another row order, a second stage that is accepted and
ignored.

Not asked of svy, with the reason measured: allocation (:mod:`.allocation`), the arithmetic of sizes
(:mod:`.precision`),
simple random and systematic draws (:mod:`.draws`), and units taken with certainty: its Sampford draw flags
every unit
as certain, so they are set apart before (:mod:`.size_measure`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError, MissingExtraError

__all__ = ["draw_pps", "version"]

_METHOD = {"sampford": "pps_rs", "brewer": "pps_brewer"}


def draw_pps(method: str, size: NDArray[np.float64], n: int, *, seed: int) -> NDArray[np.int64]:
    """Positions of n units drawn with probability proportional to size, without replacement.

    Raises
    ------
    MissingExtraError
        If svy is not installed.
    DesignError
        If svy refuses the sizes.
    """
    svy = _svy()
    import polars as pl

    frame = pl.DataFrame({"_at": np.arange(size.size), "_size": np.asarray(size, dtype=np.float64)})
    sample = svy.Sample(frame, svy.Design(mos="_size"))
    try:
        drawn = getattr(sample.sampling, _METHOD[method])(n, rstate=seed)
    except svy.SvyError as exc:
        raise DesignError(
            f"svy refuses this {method} draw",
            where="size",
            found=" ".join(str(exc).split())[:200],
            hint="use pps_systematic",
        ) from None
    return np.sort(drawn.data["_at"].to_numpy().astype(np.int64))


def version() -> str:
    """Versions that a log must carry for a draw to be made again."""
    from importlib.metadata import version as of

    _svy()
    return f"svy {of('svy')}, svy_rs {of('svy_rs')}"


def _svy() -> Any:
    try:
        import svy
    except ImportError:
        raise MissingExtraError(
            "this draw needs svy, which is not installed",
            where="sampling",
            expected="the extra 'sampling'",
            hint='pip install "survey_toolkit[sampling]", or use pps_systematic',
            code="missing-extra",
        ) from None
    return svy
