"""The progress report: one HTML file that needs no network, and the same tables as a workbook."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from survey_toolkit.indicators.frameworks import LEVELS, RULE_TEXT, STATES, FrameworkNode
from survey_toolkit.indicators.frameworks.progress import ON_TRACK, PARTLY
from survey_toolkit.monitoring.blocks import (
    CONFIDENCE,
    CONFIDENCE_TEXT,
    RATINGS,
    STATE_MARKS,
    Block,
    breakdown_blocks,
    latest_year,
    matrix_block,
    years_block,
)
from survey_toolkit.monitoring.blocks_more import (
    changes_block,
    completeness_blocks,
    mirror_blocks,
    sdg_blocks,
)
from survey_toolkit.monitoring.compiled import Compiled
from survey_toolkit.monitoring.country import country_sheets
from survey_toolkit.standards import in_language

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["progress_html", "regional_blocks"]


def progress_html(done: Compiled) -> str:
    """Text of ``progress.html``.

    Every label and text is escaped; the page's own policy forbids it to load anything.
    """
    year = latest_year(done)
    return _template().render(
        done=done,
        framework=done.framework,
        blocks=regional_blocks(done),
        sheets=country_sheets(done),
        year=year,
        cards=_cards(done),
        states=STATES,
        marks=STATE_MARKS,
        links=_links(done),
        ratings=RATINGS,
        rules=RULE_TEXT,
        limits=(ON_TRACK, PARTLY),
        tree=_tree(done),
    )


def _links(done: Compiled) -> dict[str, str]:
    """Marks beside titles of indicators, as far as they occur, with their meaning."""
    used = {item.link_confidence for item in done.framework.indicators}
    return {mark: f"{CONFIDENCE_TEXT[key]}." for key, mark in CONFIDENCE.items() if key in used}


def regional_blocks(done: Compiled) -> dict[str, list[Block]]:
    """Tables of the regional part, by section."""
    return {
        "matrix": [matrix_block(done)],
        "years": [years_block(done, item) for item in done.framework.indicators],
        "breakdowns": list(breakdown_blocks(done)),
        "mirror": list(mirror_blocks(done)),
        "completeness": list(completeness_blocks(done)),
        "sdg": list(sdg_blocks(done)),
        "changes": [changes_block(done)],
    }


def _cards(done: Compiled) -> list[tuple[str, str, str]]:
    """Headline numbers of the latest year each indicator has: title, figure, what it covers."""
    out = []
    for item in done.framework.indicators:
        years = [y for y in done.framework.years if done.totals[item.id, y, "total"].n_reporting]
        if item.mirror_only or not item.numeric or not years:
            continue
        total = done.totals[item.id, years[-1], "total"]
        shown = "[c]" if total.suppressed else "…" if total.value is None else f"{total.value:,.0f}"
        why = f"; {total.reason}" if total.reason else ""
        out.append((in_language(item.title), shown, f"{total.coverage}, {total.year}{why}"))
    return out


def _tree(done: Compiled) -> list[tuple[int, FrameworkNode, list[str]]]:
    """Nodes in order with their depth and indicators."""
    depth = {name: at for at, name in enumerate(LEVELS)}
    out = []
    for node in done.framework.nodes:
        mine = [
            f"{i.id}{'' if i.link_confidence == 'certain' else f' ({i.link_confidence} link)'}"
            for i in done.framework.indicators
            if node.id in i.nodes
        ]
        out.append((depth[node.level], node, mine))
    return out


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("survey_toolkit.monitoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = lambda value: re.sub(r"[^A-Za-z0-9]+", "-", str(value))
    environment.filters["label"] = in_language
    return environment.get_template("progress.html.j2")
