"""Self-contained HTML pages of this room: one style, no network, every text escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["bullets", "page", "table"]

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #8886;padding-bottom:.2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.6rem 0}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #8883}
th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.error td:first-child{border-left:4px solid #c0392b}tr.flag td:first-child{border-left:4px solid #d68910}
p.lead{color:#777}code{font-size:.9em}
"""


def page(title: str, lead: str, *sections: tuple[str, str]) -> str:
    """Return a page: title, one line about it, and sections of (heading, HTML); empty ones are left out."""
    body = "".join(f"<h2>{html.escape(heading)}</h2>{content}" for heading, content in sections if content)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><h1>{html.escape(title)}</h1><p class="lead">{html.escape(lead)}</p>{body}</body></html>\n'
    )


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> str:
    """Return a table, or nothing where there are no rows; columns named in ``numbers`` stand to the right."""
    marks = [' class="n"' if heading in numbers else "" for heading in headings]
    head = "".join(f"<th{m}>{html.escape(h)}</th>" for h, m in zip(headings, marks, strict=True))
    lines = []
    for i, row in enumerate(rows):
        cells = "".join(f"<td{m}>{_cell(c)}</td>" for c, m in zip(row, marks, strict=True))
        named = f' class="{html.escape(classes[i])}"' if i < len(classes) else ""
        lines.append(f"<tr{named}>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>" if lines else ""


def bullets(items: Iterable[str]) -> str:
    """Return a list, or nothing."""
    lines = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return html.escape(str(value)).replace("\n", "<br>")
