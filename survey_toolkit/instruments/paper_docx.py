"""The paper form as a Word document (A4), with the fonts and language marks that each script needs."""

from __future__ import annotations

import io

from survey_toolkit.errors import MissingExtraError
from survey_toolkit.instruments.paper_model import PaperForm

__all__ = ["paper_docx"]


def paper_docx(form: PaperForm) -> bytes:
    """Bytes of the DOCX file.

    Complex scripts (Khmer, Lao, Burmese, Thai) take the font of ``w:cs``, Chinese that of ``w:eastAsia``;
    all are set, so that no word processor has to guess. The file carries no date and no author.

    Parameters
    ----------
    form : PaperForm

    Raises
    ------
    MissingExtraError
        If python-docx is not installed.
    """
    try:
        import docx

        from survey_toolkit.instruments.paper_docx_body import write_form
    except ImportError as error:
        raise MissingExtraError(
            "paper forms as Word documents need the package 'python-docx'",
            hint='pip install "survey_toolkit[docx]", or take the format html',
            code="missing-extra",
        ) from error
    document = docx.Document()
    write_form(form, document)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()
