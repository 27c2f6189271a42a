"""What people read of a questionnaire: paper form, codebook, DDI; a form in, the bytes of one file out."""

from __future__ import annotations

from survey_toolkit.instruments.codebook import codebook_html
from survey_toolkit.instruments.ddi_codebook import ddi_codebook
from survey_toolkit.instruments.paper_build import paper_form
from survey_toolkit.instruments.paper_docx import paper_docx
from survey_toolkit.instruments.paper_html import paper_html
from survey_toolkit.instruments.questionnaire import Questionnaire
from survey_toolkit.instruments.view_build import form_view

__all__ = ["codebook_file", "ddi_file", "docx_file", "html_file"]


def html_file(form: Questionnaire) -> bytes:
    """Paper form as print-ready HTML, in the first language of the form.

    Examples
    --------
    >>> from survey_toolkit.instruments import questionnaire
    >>> b"<!doctype html>" in html_file(questionnaire("referral_log", ["en"]))
    True
    """
    return paper_html(paper_form(form_view(form), form.languages[0])).encode()


def docx_file(form: Questionnaire) -> bytes:
    """Paper form as a Word document, in the first language of the form.

    Raises
    ------
    MissingExtraError
        If python-docx is not installed.
    """
    return paper_docx(paper_form(form_view(form), form.languages[0]))


def codebook_file(form: Questionnaire) -> bytes:
    """Readable codebook as HTML, in the first language of the form."""
    return codebook_html(form_view(form), form.languages[0]).encode()


def ddi_file(form: Questionnaire) -> bytes:
    """DDI-Codebook 2.6 with all languages of the form."""
    return ddi_codebook(form_view(form))
