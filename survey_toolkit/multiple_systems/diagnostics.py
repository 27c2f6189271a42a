"""The diagnostics report that belongs with every estimate: thirteen sections and a traffic light.

The order follows what the critics of multiple systems estimation ask to see (Whitehead et al. 2021, J Human
Trafficking 7:1-13; Binette & Steorts 2022, JRSS-A; Aleshin-Guendel, Sadinle & Wakefield 2024): first the
table, then the models, then what happens when something is left out, at the end what the number rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from survey_toolkit.multiple_systems._display import html_table, text_table
from survey_toolkit.multiple_systems._sections import (
    Section,
    chao_bound,
    sections_on_models,
    sections_on_table,
)
from survey_toolkit.multiple_systems._sweeps import sections_on_sweeps
from survey_toolkit.multiple_systems.flags import Light, failures, light_of
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.loglinear import ASSUMPTIONS
from survey_toolkit.multiple_systems.results import PopulationSize

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.multiple_systems.stratified import StratifiedSize

__all__ = ["Diagnostics", "Section", "diagnose"]

_COLOURS = {"publish": "#1b7837", "caution": "#b35806", "do not publish": "#b2182b"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """Thirteen sections and what they say together.

    Attributes
    ----------
    light : {"publish", "caution", "do not publish"}
    reasons : tuple of (light, text)
        Worst first.
    sections : tuple of Section
    """

    light: Light
    reasons: tuple[tuple[Light, str], ...]
    sections: tuple[Section, ...]

    def section(self, number: int) -> Section:
        """Section by its number, 1 to 13."""
        return next(s for s in self.sections if s.number == number)

    def to_frame(self) -> pd.DataFrame:
        """One row a reason."""
        import pandas as pd

        return pd.DataFrame(list(self.reasons), columns=["light", "reason"])

    def __repr__(self) -> str:
        lines = [f"Diagnostics: {self.light}", *(f"  ! {text}" for _, text in self.reasons)]
        for s in self.sections:
            lines += ["", f"{s.number}. {s.title}"]
            if s.rows:
                table = text_table(s.head, s.rows)
                lines += ["  " + line for line in table.splitlines()]
            lines += [f"  {r}" for r in s.remarks]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        style = f"color:#fff;background:{_COLOURS[self.light]};padding:.2em .6em"
        badge = f'<p><b style="{style}">{self.light}</b></p>'
        reasons = "".join(f"<li>{escape(text)}</li>" for _, text in self.reasons)
        parts = [badge, f"<ul>{reasons}</ul>" if reasons else ""]
        for s in self.sections:
            if s.rows:
                parts.append(html_table(s.head, s.rows, caption=f"{s.number}. {s.title}", notes=s.remarks))
            else:
                items = "".join(f"<li>{escape(r)}</li>" for r in s.remarks)
                parts.append(f"<p>{s.number}. {escape(s.title)}</p><ul>{items}</ul>")
        return "".join(parts)


def diagnose(
    data: CaptureHistories,
    result: PopulationSize | None = None,
    *,
    method: Callable[[CaptureHistories], PopulationSize] | None = None,
    strata: StratifiedSize | None = None,
    referrals: Sequence[tuple[str, str]] = (),
) -> Diagnostics:
    """Report on a table and an estimate made from it.

    Parameters
    ----------
    data : CaptureHistories
    result : PopulationSize, optional
        Without it the report is about the table and its models alone.
    method : callable, optional
        How the estimate is made, for the leave-one-out and consistency sections; default the stepwise search.
    strata : StratifiedSize, optional
        Estimates by stratum, compared with the total.
    referrals : sequence of (from, to)
        Lists known to send people to other lists.

    Returns
    -------
    Diagnostics

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"10": 20, "01": 30}, lists=["police", "shelter"])
    >>> diagnose(lists).light
    'do not publish'
    """
    sections = [
        *sections_on_table(data),
        *sections_on_models(data, result),
        *sections_on_sweeps(data, result, method=method, strata=strata, referrals=referrals),
    ]
    bound = chao_bound(data)
    floor = bound.estimate if isinstance(bound, PopulationSize) else None
    found = [flag for s in sections for flag in s.flags]
    if result is not None:
        said = " ".join(text for _, text in found)
        skip = {
            "below the Chao lower bound": "Chao",
            "poor fit": "does not fit",
            "near-equal": "about as good",
        }
        found += [
            flag
            for flag in failures(result, floor)
            if not any(flag[1].startswith(k) and v in said for k, v in skip.items())
        ]
    reasons = tuple(
        sorted(dict.fromkeys(found), key=lambda f: ("do not publish", "caution", "publish").index(f[0]))
    )
    light = light_of(reasons)
    sections.append(_assumptions(result, light))
    return Diagnostics(light=light, reasons=reasons, sections=tuple(sections))


def _assumptions(result: PopulationSize | None, light: Light) -> Section:
    text = result.assumptions if result is not None and result.assumptions else ASSUMPTIONS
    sentences = tuple(s.strip() + "." for s in text.split(". ") if s.strip(" ."))
    verdicts = {
        "publish": "Nothing visible speaks against publishing; the assumptions still have to be argued.",
        "caution": "Publish only together with the reasons above and the range of section 8.",
        "do not publish": "Do not publish this number.",
    }
    remarks = tuple(s.replace("..", ".") for s in sentences)
    return Section(13, "What the estimate assumes", (), (), (*remarks, f"{light}: {verdicts[light]}"))
