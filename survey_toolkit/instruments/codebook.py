"""A readable codebook: each field with its question, codes, universe, variable and criteria."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from survey_toolkit.instruments.paper_build import arrows
from survey_toolkit.instruments.paper_html import template_text
from survey_toolkit.instruments.paper_model import Text, font_stack, words
from survey_toolkit.instruments.paper_rules import rule_shown
from survey_toolkit.instruments.views import Cells, FormView, ItemView

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Field", "codebook_fields", "codebook_html"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field as the codebook shows it."""

    item: ItemView
    text: Text
    instruction: Text | None
    codes: tuple[tuple[str, Text, str | None], ...]
    asked: str
    how: str
    ways: tuple[tuple[str, str], ...]


def codebook_fields(form: FormView, language: str) -> dict[str, tuple[Field, ...]]:
    """Fields by module.

    Parameters
    ----------
    form : FormView
    language : str
        What it lacks is shown in English and marked.
    """
    items = {item.name: item for item in form.items()}
    ways = arrows(form)
    return {
        module.id: tuple(
            _field(item, items, language, tuple(ways.get(item.name, ())))
            for item in module.items
            if item.kind != "note"
        )
        for module in form.modules
    }


def codebook_html(form: FormView, language: str) -> str:
    """Text of the codebook, one HTML file that needs no network; every text is escaped."""
    fonts = ", ".join([*(f'"{name}"' for name in font_stack(language)), "sans-serif"])
    return _template().render(
        form=form,
        language=language,
        fields=codebook_fields(form, language),
        title=_shown(form.titles, language),
        titles={module.id: _shown(module.titles, language) for module in form.modules},
        standing=form.standings[language],
        say=words(language),
        fonts=fonts,
    )


def _field(
    item: ItemView, items: dict[str, ItemView], language: str, ways: tuple[tuple[str, str], ...]
) -> Field:
    say = words(language)
    asked = f" {say('and')} ".join(
        rule_shown(part.rule, items, language, _names(items)) for part in item.parts
    )
    how = rule_shown(item.derivation, items, language, _names(items)) if item.derivation is not None else ""
    return Field(
        item=item,
        text=_shown(item.texts, language),
        instruction=_shown(item.instructions, language) if item.instructions else None,
        codes=tuple((code.code, _shown(code.labels, language), code.missing) for code in item.codes),
        asked=asked,
        how=how or " + ".join(item.sums),
        ways=ways,
    )


def _names(items: dict[str, ItemView]) -> dict[str, str]:
    return {name: item.number or name for name, item in items.items()}


def _shown(cells: Cells, language: str) -> Text:
    if language in cells:
        return Text(cells[language])
    return Text(cells.get("en", next(iter(cells.values()), "")), fallback=language != "en")


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return env.from_string(template_text("codebook.html.j2"))
