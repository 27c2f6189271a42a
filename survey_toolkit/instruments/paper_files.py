"""Files of a questionnaire for people: paper form, codebook, DDI; each a mapping of file name to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from survey_toolkit.instruments.codebook import codebook_html
from survey_toolkit.instruments.ddi_codebook import ddi_codebook
from survey_toolkit.instruments.paper_build import paper_form
from survey_toolkit.instruments.paper_docx import paper_docx
from survey_toolkit.instruments.paper_html import paper_html
from survey_toolkit.instruments.view_build import form_view

if TYPE_CHECKING:
    from survey_toolkit.instruments.questionnaire import Questionnaire

__all__ = ["codebook_files", "ddi_files", "docx_files", "html_files"]


def html_files(form: Questionnaire) -> dict[str, bytes]:
    """Paper form as print-ready HTML, one file a language."""
    view = form_view(form)
    return {
        f"{form.id}.{language}.html": paper_html(paper_form(view, language)).encode()
        for language in form.languages
    }


def docx_files(form: Questionnaire) -> dict[str, bytes]:
    """Paper form as a Word document, one file a language.

    Raises
    ------
    MissingExtraError
        If python-docx is not installed.
    """
    view = form_view(form)
    return {
        f"{form.id}.{language}.docx": paper_docx(paper_form(view, language)) for language in form.languages
    }


def ddi_files(form: Questionnaire) -> dict[str, bytes]:
    """DDI-Codebook 2.6, one file with all languages."""
    return {f"{form.id}.ddi.xml": ddi_codebook(form_view(form))}


def codebook_files(form: Questionnaire) -> dict[str, bytes]:
    """Readable codebook, one HTML file a language."""
    view = form_view(form)
    return {
        f"{form.id}.codebook.{language}.html": codebook_html(view, language).encode()
        for language in form.languages
    }
