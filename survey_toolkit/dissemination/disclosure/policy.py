"""What is too small to publish: the policy, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from survey_toolkit.errors import DisclosureError

__all__ = ["DisclosurePolicy", "Method"]

#: How further cells are chosen: exactly for small tables and by search for others, or one of them always.
Method: TypeAlias = Literal["auto", "exact", "search", "tauargus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosurePolicy:
    """What is too small to publish.

    Attributes
    ----------
    threshold : int
        Smallest unweighted count that is published (default 5).
    complement : bool
        Protect few negative cases as well.
    min_psu : int
        Smallest number of primary sampling units a published cell rests on; one village is a place that
        people can be found in. Default 1: no such rule.
    method : str
        How further cells are chosen.
    reason : str
        Why a threshold below 5 is safe; shown in the report.

    Raises
    ------
    DisclosureError
        If the threshold is negative, or below 5 without a reason.
    """

    threshold: int = 5
    complement: bool = True
    min_psu: int = 1
    method: Method = "auto"
    reason: str = ""

    def __post_init__(self) -> None:
        if self.threshold < 0 or (self.threshold < 5 and not self.reason):
            raise DisclosureError(
                "the smallest count that is published is too low",
                found=str(self.threshold),
                expected="5 or more, or a reason why fewer is safe",
                code="low-threshold",
            )

    @property
    def text(self) -> str:
        """The policy in words, for the methods annex."""
        text = (
            f"Cells with 1 to {self.threshold - 1} positive cases (unweighted) are suppressed"
            if self.threshold > 1
            else "No cell is suppressed for its size"
        )
        if self.complement and self.threshold > 1:
            text += f", as are cells with fewer than {self.threshold} negative cases"
        if self.min_psu > 1:
            text += f", and cells that rest on fewer than {self.min_psu} primary sampling units"
        text += (
            ". Further cells are suppressed so that none can be calculated from margins, which is "
            "verified by linear programming. A count of zero is published."
        )
        return text + (f" Reason for the threshold: {self.reason}" if self.reason else "")
