"""Plain-text and HTML tables for the results of this room; labels are escaped in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["format_number", "html_table", "text_table"]


def format_number(value: float | None, digits: int = 0) -> str:
    """A number for people: thousands separated, infinity as a sign, nothing for missing."""
    if value is None or value != value:
        return ""
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.{digits}f}"


def text_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns padded to their widest entry, on the right; a last column of remarks on the left."""
    cells = [[str(h) for h in head], *([str(c) for c in row] for row in rows)]
    widths = [max(len(row[j]) for row in cells) for j in range(len(head))]
    words = int(head[-1] == "remark")
    return "\n".join(
        "  ".join(
            [c.rjust(w) for c, w in zip(row, widths, strict=True)][: len(head) - words] + row[-1:] * words
        ).rstrip()
        for row in cells
    )


def html_table(
    head: Sequence[str], rows: Sequence[Sequence[object]], *, caption: str = "", notes: Sequence[str] = ()
) -> str:
    """An HTML table with escaped text."""
    top = "".join(f"<th>{escape(str(h))}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    below = "".join(f"<li>{escape(n)}</li>" for n in notes)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
        + (f"<ul>{below}</ul>" if below else "")
    )
