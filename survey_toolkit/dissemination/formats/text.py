"""Text that spreadsheet programs take as text: a label must not become a formula."""

from __future__ import annotations

import re

__all__ = ["neutralise"]

_BLANK = " \t\r\n\u00a0\ufeff"
_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def neutralise(text: str) -> str:
    r"""Text with a leading apostrophe where a spreadsheet would start a formula, and no control characters.

    Examples
    --------
    >>> neutralise("=cmd()"), neutralise(" +1"), neutralise("Girls"), neutralise("\t@x")
    ("'=cmd()", "' +1", 'Girls', "'\t@x")
    """
    clean = _ILLEGAL.sub("", text)
    return f"'{clean}" if clean.lstrip(_BLANK).startswith(_STARTS) else clean
