"""The sampling design: which columns tell how the sample was drawn.

A :class:`SurveyDesign` is a declaration. The columns are looked up when a
:class:`~survey_toolkit.estimation.Survey` is made; the values (weights, PSUs in two strata, finite
population corrections) are checked inside the same single pass over the rows that gives the estimates
(:mod:`survey_toolkit.estimation.totals`), so that a large file is never read twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import narwhals.stable.v2 as nw

from survey_toolkit._frames import LazyFrame, require_columns
from survey_toolkit.errors import DesignError, did_you_mean
from survey_toolkit.estimation.adjustment import Adjustment

__all__ = ["LonelyPsu", "SurveyDesign"]

LonelyPsu: TypeAlias = Literal["fail", "certainty", "remove", "adjust", "average"]
Columns: TypeAlias = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyDesign:
    """How the sample was drawn, by column names.

    Parameters
    ----------
    weight : str, optional
        Sampling weight. Must be finite and not negative; zero is allowed (such rows keep the design whole
        but carry no weight). A missing weight is refused. Without a weight column the FPC must be declared
        for every stage: the weight is then the product of population over sample units.
    strata : str or sequence of str, optional
        Stratum, one column a stage.
    psu : str or sequence of str, optional
        Primary sampling unit, or the units of all stages, first stage first. Without it every row is a
        unit of its own (element sampling).
    ssu : str or sequence of str, optional
        Units of the later stages; ``psu="ea", ssu="household"`` is ``psu=("ea", "household")``.
    fpc : str or sequence of str, optional
        Finite population correction, one column a stage: population units in the stratum (all values at
        least 1) or sampling fractions (all values at most 1). Stages beyond the last FPC add nothing to
        the estimated variance and are not read.
    nest : bool
        True when PSU codes start anew in each stratum. With False a PSU found in two strata is an error.
        Units of later stages are always nested in their PSU.
    lonely_psu : {"fail", "certainty", "remove", "adjust", "average"}
        What a stratum with one PSU contributes: an error; nothing (``certainty``: it was the only one to
        draw, ``remove``: it is left out); its squared distance from the mean of all PSUs (``adjust``); the
        mean contribution of the other strata (``average``). A stratum whose FPC says that its single PSU
        is the whole stratum is no lonely stratum.
    adjust_domain_lonely : bool
        Treat by ``adjust`` or ``average`` also strata in which a single PSU has members of the domain.
    adjustments : tuple of Adjustment
        Steps of weighting already taken, for the variance; set by ``Survey.calibrate`` and its like.

    Raises
    ------
    DesignError
        If an option is unknown or the stages do not fit together.

    Notes
    -----
    The options and their meaning are those of ``svydesign`` and ``options(survey.lonely.psu)`` of R's
    survey package (Lumley 2010, *Complex Surveys*, ch. 2-3).

    Examples
    --------
    >>> SurveyDesign(weight="w", strata="stratum", psu="ea", nest=True).psu
    ('ea',)
    """

    weight: str | None = None
    strata: Columns = None
    psu: Columns = None
    ssu: Columns = None
    fpc: Columns = None
    nest: bool = False
    lonely_psu: LonelyPsu = "fail"
    adjust_domain_lonely: bool = False
    adjustments: tuple[Adjustment, ...] = ()

    def __post_init__(self) -> None:
        _check_option(self.lonely_psu)
        if self.weight is not None and not isinstance(self.weight, str):
            raise DesignError("the weight must be one column name", found=repr(self.weight), where="weight")
        psu = _as_tuple(self.psu, "psu") + _as_tuple(self.ssu, "ssu")
        strata, fpc = _as_tuple(self.strata, "strata"), _as_tuple(self.fpc, "fpc")
        if self.ssu is not None and self.psu is None:
            raise DesignError("ssu is declared without psu", where="ssu", hint="declare psu too")
        stages = max(len(psu), 1)
        if self.weight is None and len(fpc) != stages:
            raise DesignError(
                "the design has no weight",
                where="weight",
                expected="a weight column, or an FPC for every stage from which weights follow",
                hint="name the weight column",
            )
        for name, columns in (("strata", strata), ("fpc", fpc)):
            if len(columns) > stages:
                raise DesignError(
                    f"{name} is declared for more stages than there are sampling units",
                    where=name,
                    found=f"{len(columns)} columns",
                    expected=f"at most {stages}",
                    hint="name the units of every stage in psu and ssu",
                )
        for name, value in (("psu", psu), ("strata", strata), ("fpc", fpc), ("ssu", ())):
            object.__setattr__(self, name, value)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names, weight first.

        Examples
        --------
        >>> SurveyDesign(weight="w", strata="h", psu="ea").columns
        ('w', 'h', 'ea')
        """
        return (*_names(self.weight), *_names(self.strata), *_names(self.psu), *_names(self.fpc))

    @property
    def n_stages(self) -> int:
        """Stages that enter the variance: the first, and each later one that has an FPC of its own."""
        return max(1, min(len(_names(self.psu)), len(_names(self.fpc))))

    def check_columns(self, frame: LazyFrame) -> None:
        """Raise if a column is missing or the weight or an FPC is not numeric.

        Raises
        ------
        DesignError
            Naming the columns and the nearest ones that exist.
        """
        require_columns(frame, list(self.columns), what="survey design", error=DesignError)
        schema = frame.collect_schema()
        for name in (*_names(self.weight), *_names(self.fpc)):
            if not (schema[name].is_numeric() or isinstance(schema[name], nw.Unknown)):
                raise DesignError(
                    "this design column must be numeric",
                    where=name,
                    found=str(schema[name]),
                    expected="a column of numbers",
                    hint="recode it",
                )

    def sentence(self) -> str:
        """The design in one line of text, for notes and traces.

        Examples
        --------
        >>> SurveyDesign(weight="w", strata="h", psu="ea").sentence()
        'weights w; strata h; PSU ea; lonely PSU: fail'
        """
        parts = [f"weights {self.weight or 'from the FPC'}"]
        for label, columns in (("strata", self.strata), ("PSU", self.psu), ("FPC", self.fpc)):
            if columns:
                parts.append(f"{label} {' > '.join(_names(columns))}")
        parts.append(f"lonely PSU: {self.lonely_psu}")
        parts += [step.sentence for step in self.adjustments]
        return "; ".join(parts)


def _names(columns: Columns) -> tuple[str, ...]:
    if isinstance(columns, str):
        return (columns,)
    return tuple(columns or ())


def _as_tuple(columns: Columns, what: str) -> tuple[str, ...]:
    names = _names(columns)
    for name in names:
        if not isinstance(name, str):
            raise DesignError("design columns are given by name", where=what, found=repr(name))
    return names


def _check_option(option: str) -> None:
    allowed = get_args(LonelyPsu)
    if option not in allowed:
        raise DesignError(
            "unknown way to treat a stratum with one PSU",
            where="lonely_psu",
            found=repr(option),
            expected=", ".join(allowed),
            hint=did_you_mean(option, allowed),
        )
