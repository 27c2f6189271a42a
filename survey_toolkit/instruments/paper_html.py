"""The paper form as one HTML file that prints on A4 and needs no network."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from survey_toolkit.instruments.paper_model import PaperForm, font_stack, words

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["paper_html", "template_text"]


def paper_html(form: PaperForm) -> str:
    """Text of the HTML file.

    Question number, text, codes with dot leaders, skips, boxes for the interviewer; every text is escaped.
    A text that the language lacks is shown in English, marked ``[en]``, and the cover says how many.

    Parameters
    ----------
    form : PaperForm
    """
    fonts = ", ".join([*(f'"{name}"' for name in font_stack(form.language)), "sans-serif"])
    return _template().render(
        form=form, say=words(form.language), fonts=fonts, css=template_text("paper.css")
    )


def template_text(name: str) -> str:
    """Text of a file of ``templates/``."""
    return (files("survey_toolkit.instruments") / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.add_extension("jinja2.ext.loopcontrols")
    return env.from_string(template_text("paper.html.j2"))
