"""Results by stratum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._display import format_number, html_table, text_table
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.strata import Stratum

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StratifiedSize", "StratumSize"]


@dataclass(frozen=True, slots=True)
class StratumSize:
    """Estimate of one stratum; NaN, with the reason, where it was refused."""

    stratum: Stratum
    n: float
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StratifiedSize:
    """Population size in total and by stratum.

    Attributes
    ----------
    by : tuple of str
        Covariates.
    total : PopulationSize or None
        None when a stratum could not be estimated: a sum without it would be too low.
    strata : tuple of StratumSize
        ``n`` is fractional where a covariate was not recorded and people were shared out by the model.
    """

    by: tuple[str, ...]
    total: PopulationSize | None
    strata: tuple[StratumSize, ...]

    @property
    def refused(self) -> dict[Stratum, str]:
        """Reasons of the strata without an estimate."""
        return {s.stratum: s.reason for s in self.strata if s.reason}

    def by_level(self, covariate: str) -> dict[str, float]:
        """Estimates summed to the levels of one covariate."""
        if covariate not in self.by:
            raise EstimationError(
                "there is no such covariate",
                where="covariate",
                found=repr(covariate),
                expected=did_you_mean(covariate, self.by),
            )
        at = self.by.index(covariate)
        out: dict[str, float] = {}
        for s in self.strata:
            out[s.stratum[at]] = out.get(s.stratum[at], 0.0) + s.estimate
        return out

    def to_frame(self) -> pd.DataFrame:
        """One row a stratum, and the total (levels empty)."""
        import pandas as pd

        names = ("n", "estimate", "se", "ci_low", "ci_high")
        rows: list[dict[str, object]] = [
            {
                **dict(zip(self.by, s.stratum, strict=True)),
                **{k: getattr(s, k) for k in names},
                "remark": s.reason,
            }
            for s in self.strata
        ]
        if self.total is not None:
            rows.append({**dict.fromkeys(self.by, "total"), **{k: getattr(self.total, k) for k in names}})
        return pd.DataFrame(rows, columns=[*self.by, *names, "remark"])

    def _rows(self) -> list[list[object]]:
        rows: list[list[object]] = [
            [*s.stratum, *(format_number(v) for v in (s.n, s.estimate, s.ci_low, s.ci_high)), s.reason]
            for s in self.strata
        ]
        if self.total is not None:
            t = self.total
            blank = [""] * (len(self.by) - 1)
            limits = (t.n, t.estimate, t.ci_low, t.ci_high)
            rows.append(["total", *blank, *(format_number(v) for v in limits), ""])
        return rows

    def __repr__(self) -> str:
        head = f"StratifiedSize by {', '.join(self.by)}"
        if self.total is not None:
            head += f": {self.total.method}, {self.total.model}"
        return head + "\n" + text_table([*self.by, "seen", "estimate", "low", "high", "remark"], self._rows())

    def _repr_html_(self) -> str:
        return html_table(
            [*self.by, "seen", "estimate", "low", "high", "remark"], self._rows(), caption="By stratum"
        )
