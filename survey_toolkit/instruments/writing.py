"""Everything a questionnaire can be written as: one line a format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from survey_toolkit._atomic import write_atomic
from survey_toolkit.errors import InstrumentError, did_you_mean
from survey_toolkit.instruments.questionnaire import Questionnaire

__all__ = ["FORMATS", "Format", "form_bytes", "form_files", "write_files"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a questionnaire becomes a file.

    Attributes
    ----------
    suffix : str
        Ending of the file name, with its dot.
    write : callable
        Questionnaire to bytes; imports what it needs when called.
    per_language : bool
        One file a language; the questionnaire given to ``write`` then has that language alone.
    """

    suffix: str
    write: Callable[[Questionnaire], bytes]
    per_language: bool = False


def _xlsform(form: Questionnaire) -> bytes:
    from survey_toolkit.instruments.xlsform import xlsform

    return xlsform(form)


def _crosswalk(form: Questionnaire) -> bytes:
    from survey_toolkit.instruments.crosswalk import crosswalk_text

    return crosswalk_text(form).encode()


def _html(form: Questionnaire) -> bytes:
    from survey_toolkit.instruments.paper_files import html_file

    return html_file(form)


def _docx(form: Questionnaire) -> bytes:
    from survey_toolkit.instruments.paper_files import docx_file

    return docx_file(form)


def _ddi(form: Questionnaire) -> bytes:
    from survey_toolkit.instruments.paper_files import ddi_file

    return ddi_file(form)


def _codebook(form: Questionnaire) -> bytes:
    from survey_toolkit.instruments.paper_files import codebook_file

    return codebook_file(form)


#: Name of a format to how it is written; a new one is one line here.
FORMATS: dict[str, Format] = {
    "xlsform": Format(".xlsx", _xlsform),
    "crosswalk": Format(".crosswalk.yaml", _crosswalk),
    "html": Format(".html", _html, per_language=True),
    "docx": Format(".docx", _docx, per_language=True),
    "ddi": Format(".ddi.xml", _ddi),
    "codebook": Format(".codebook.html", _codebook, per_language=True),
}


def form_bytes(form: Questionnaire, name: str) -> bytes:
    """One file: of a format that makes one a language, the one of the first language."""
    chosen = _format(name)
    return chosen.write(replace(form, languages=form.languages[:1]) if chosen.per_language else form)


def form_files(form: Questionnaire, formats: Sequence[str]) -> dict[str, bytes]:
    """File name to content, for several formats and all languages of the form.

    Examples
    --------
    >>> from survey_toolkit.instruments import questionnaire
    >>> sorted(form_files(questionnaire("example"), ["xlsform", "crosswalk"]))
    ['example.crosswalk.yaml', 'example.xlsx']
    """
    files: dict[str, bytes] = {}
    for name in dict.fromkeys(formats):
        chosen = _format(name)
        if not chosen.per_language:
            files[form.id + chosen.suffix] = chosen.write(form)
            continue
        for language in form.languages:
            single = replace(form, languages=(language,))
            files[f"{form.id}.{language}{chosen.suffix}"] = chosen.write(single)
    return files


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InstrumentError(
            "unknown output format",
            found=f"'{name}'",
            expected=did_you_mean(name, FORMATS),
            code="unknown-format",
        )
    return FORMATS[name]


def write_files(files: Mapping[str, bytes], folder: str | os.PathLike[str]) -> list[Path]:
    """Write files into a folder, which is made if needed; each appears whole or not at all."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    return [write_atomic(target / name, content) for name, content in files.items()]
