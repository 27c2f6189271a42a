"""One stage of a selection: what is drawn, from which groups, how, and how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import choice, whole
from survey_toolkit.sampling.draws import METHODS
from survey_toolkit.sampling.size_measure import LargeSize, ZeroSize

__all__ = ["Stage"]

_NEED_SIZE = ("pps_systematic", "rhc", "sampford", "brewer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a selection.

    Attributes
    ----------
    unit : str
        Column that names the units; unique within the units of the stage before.
    n : int or mapping of stratum to int
        Units to draw in every group: stratum at the first stage, unit of the stage before (times stratum)
        later.
        Strata of several columns are named ``"a|b"``.
    method : {"srs", "systematic", "pps_systematic", "sampford", "brewer", "rhc"}
    strata : tuple of str
        Columns of explicit stratification.
    order : tuple of str
        Columns the frame is sorted by, for systematic draws: implicit stratification. The unit breaks ties.
    size : str, optional
        Column with the measure of size, or ``"rows"``: rows of the frame a unit.
    reserve : int
        Further units a group, drawn together and set aside in random order.
    zero, large : str
        What to do with sizes of zero and sizes above the interval, see
        :func:`~survey_toolkit.sampling.size_measure.prepare_sizes`.
    name : str
        Name of the stage; the unit column where not given. Random numbers depend on it.
    frame : frame or path, optional
        The frame of this stage, where it is another than that of the stage before.

    Examples
    --------
    >>> Stage(unit="ea", n=2, method="pps_systematic", size="households").label
    'ea'
    """

    unit: str
    n: int | Mapping[str, int]
    method: str = "srs"
    strata: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    size: str | None = None
    reserve: int = 0
    zero: ZeroSize = "smallest"
    large: LargeSize = "certainty"
    name: str = ""
    frame: Any = None

    def __post_init__(self) -> None:
        choice(self.method, METHODS, f"{self.label}.method")
        choice(self.zero, ("smallest", "exclude", "refuse"), f"{self.label}.zero")
        choice(self.large, ("certainty", "hits", "refuse"), f"{self.label}.large")
        whole(self.reserve, f"{self.label}.reserve", least=0)
        for key, value in self.n.items() if isinstance(self.n, Mapping) else [("n", self.n)]:
            whole(value, f"{self.label}.n[{key}]", least=0 if isinstance(self.n, Mapping) else 1)
        if (self.size is not None) != (self.method in _NEED_SIZE):
            raise DesignError(
                "a measure of size goes with draws proportional to size, and only with them",
                where=f"{self.label}.size",
                found=f"method {self.method}, size {self.size}",
            )
        if self.large == "hits" and self.method != "pps_systematic":
            raise DesignError(
                "only pps_systematic can hit a unit more than once",
                where=f"{self.label}.large",
                found=self.method,
            )
        if self.reserve and (self.large == "hits" or self.method == "rhc"):
            raise DesignError(
                "no reserve can be drawn this way", where=f"{self.label}.reserve", found=self.method
            )

    @property
    def label(self) -> str:
        """Name of the stage."""
        return self.name or self.unit

    def to_dict(self) -> dict[str, Any]:
        """What a log keeps, all but the frame."""
        n = dict(self.n) if isinstance(self.n, Mapping) else self.n
        names = ("unit", "method", "strata", "order", "size", "reserve", "zero", "large", "name")
        return {name: getattr(self, name) for name in names} | {"n": n}
