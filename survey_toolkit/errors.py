"""Errors and warnings: what is wrong, where, what was found, what was expected, what to do.

Every error a user can meet derives from :class:`SurveyToolkitError`. The subclasses are split by
*whose move is next*: the author of a definition, of a crosswalk, of a study file, the person who
sent a data file, the statistician who declared a design.

Messages never hold a respondent's values beyond codes and counts: no name, no free text, no place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = [
    "DataFileError",
    "DefinitionError",
    "DesignError",
    "DisclosureError",
    "EstimationError",
    "HarmonizationError",
    "InstrumentError",
    "MissingExtraError",
    "StudyError",
    "SurveyToolkitError",
    "SurveyToolkitWarning",
    "did_you_mean",
    "shell_word",
]


class SurveyToolkitError(ValueError):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    what : str
        What is wrong, one sentence without the final full stop.
    where : str, optional
        File, line and key, or column: ``study.yaml:12: design.weight``.
    found, expected : str, optional
        What was met and what was needed.
    hint : str, optional
        What to do next.
    code : str, optional
        Stable short name for programs, e.g. ``"missing-file"``.
    problems : iterable of str, optional
        When many things are wrong at once, one line each; shown below the summary.

    Examples
    --------
    >>> print(SurveyToolkitError("weight is negative", where="lfs.sav: w", found="3 rows below 0",
    ...                          expected="weights above 0", hint="correct the file"))
    lfs.sav: w: weight is negative
      found: 3 rows below 0
      expected: weights above 0
      to do: correct the file
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        problems: Iterable[str] = (),
    ) -> None:
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.hint = hint
        self.code = code or type(self).__name__
        self.problems = tuple(problems)
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += [f"  {problem}" for problem in self.problems]
        parts = (("found", self.found), ("expected", self.expected), ("to do", self.hint))
        lines += [f"  {name}: {text}" for name, text in parts if text]
        return "\n".join(lines)


class DefinitionError(SurveyToolkitError):
    """A definition, criteria list, code list or other standard is wrong, or an id is unknown."""


class InstrumentError(SurveyToolkitError):
    """A question module or questionnaire is wrong."""


class HarmonizationError(SurveyToolkitError):
    """A crosswalk does not fit the registry or the data."""


class DataFileError(SurveyToolkitError):
    """A data file is missing, unreadable, or not what it claims to be."""


class StudyError(SurveyToolkitError):
    """A study file asks for something that cannot be."""


class DesignError(SurveyToolkitError):
    """The declared survey design does not fit the data."""


class EstimationError(SurveyToolkitError):
    """An estimate cannot be computed, or must not be reported."""


class DisclosureError(SurveyToolkitError):
    """An output would expose someone."""


class MissingExtraError(SurveyToolkitError):
    """An optional dependency is not installed; the message names the extra."""


class SurveyToolkitWarning(UserWarning):
    """Base of all warnings."""


def did_you_mean(name: object, known: Iterable[object], n: int = 3) -> str:
    """Return ``"did you mean 'x'?"`` for the nearest known names, or a short list of them.

    Examples
    --------
    >>> did_you_mean("forced_labor", ["forced_labour", "palermo"])
    "did you mean 'forced_labour'?"
    >>> did_you_mean("zzz", ["a", "b"])
    "known: 'a', 'b'"
    """
    names = list(dict.fromkeys(str(k) for k in known))
    close = difflib.get_close_matches(str(name), names, n)
    if close:
        return "did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    most = 24  # a user who is told of some only cannot choose
    shown = ", ".join(f"'{k}'" for k in sorted(names)[:most])
    return (
        f"known: {shown}{f', … ({len(names)} in all)' if len(names) > most else ''}"
        if names
        else "none is known"
    )


def shell_word(path: object) -> str:
    """Return a path as it must be typed: in quotes if it holds a space or a sign that shells read.

    Examples
    --------
    >>> shell_word("out/study.yaml"), shell_word("my study/é.sav")
    ('out/study.yaml', '"my study/é.sav"')
    """
    text = str(path)
    plain = all(c.isalnum() or c in "_-./\\:@%+=,~" for c in text)
    return text if text and plain else '"' + re.sub(r'(["$`])', r"\\\1", text) + '"'
