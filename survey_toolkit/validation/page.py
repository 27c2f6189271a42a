"""The certificate as one HTML page that needs no network, to be filed or printed."""

from __future__ import annotations

from html import escape

from survey_toolkit.validation.certificate import Certificate, Check
from survey_toolkit.validation.run import SECTIONS

__all__ = ["certificate_html"]

_STYLE = """
:root { --ink: #1b2733; --muted: #55626f; --line: #d5dce2; --brand: #0b3a66; --bad: #9c2b12; --good:
#1d6b45; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 2rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.55 "Source Sans 3", "Segoe UI", system-ui, "Noto Sans", Arial, sans-serif; }
h1, h2 { font-family: Charter, "Bitstream Charter", Cambria, Georgia, "DejaVu Serif", serif; line-height:
1.2; }
h1 { font-size: 2rem; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .3rem; }
.verdict { border-left: 6px solid var(--good); padding: .7rem 1.1rem; margin: 1.4rem 0; background:
#f1f7f4; font-size: 1.1rem; }
.verdict.bad { border-color: var(--bad); background: #fbf1ee; }
p { max-width: 46rem; margin: .3rem 0 .8rem; } .muted { color: var(--muted); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .42rem .6rem; border-bottom: 1px solid
var(--line); }
thead th { border-bottom: 2px solid var(--brand); font-size: .84rem; }
.r { text-align: right; white-space: nowrap; } .ok { color: var(--good); font-weight: 600; }
.no { color: var(--bad); font-weight: 700; } small { color: var(--muted); display: block; }
dl { display: grid; grid-template-columns: 11rem 1fr; gap: .2rem 1rem; margin: .6rem 0; } dt { color:
var(--muted); } dd { margin: 0; }
.wrap { overflow-x: auto; }
@media print { body { padding: 0; max-width: none; font-size: 10pt; } tr, h2 { break-inside: avoid; } h2
{ break-after: avoid; } }
"""


def certificate_html(certificate: Certificate) -> str:
    """One self-contained page: verdict, each check with what was found and allowed, versions.

    Examples
    --------
    >>> from survey_toolkit.validation import Certificate
    >>> empty = Certificate(checks=(), versions={}, machine="", date="", seconds=0, full=False)
    >>> "no check ran" in certificate_html(empty)
    True
    """
    body = "".join(
        f"<section><h2>{escape(name)}</h2><p class='muted'>{escape(text)}</p>{_table(rows)}</section>"
        for name, (text, _) in SECTIONS.items()
        if (rows := [c for c in certificate.checks if c.section == name])
    )
    versions = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in certificate.versions.items())
    scope = "full coverage tables" if certificate.full else "quick coverage tables"
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Validation of survey_toolkit</title><style>{_STYLE}</style></head><body><main>"
        "<h1>Validation of survey_toolkit</h1>"
        f"<p class='muted'>{escape(certificate.date)} (UTC), {escape(certificate.machine)}; {scope}; "
        f"{certificate.seconds:.0f} seconds</p>{_verdict(certificate)}{body}"
        f"<section><h2>Versions</h2><dl>{versions}</dl></section></main></body></html>\n"
    )


def _verdict(certificate: Certificate) -> str:
    failed = sum(not check.passed for check in certificate.checks)
    if not certificate.checks:
        return "<p class='verdict bad'>Nothing is proved: no check ran.</p>"
    if failed:
        return (
            f"<p class='verdict bad'>{failed} of {len(certificate.checks)} checks failed. "
            "Do not publish from this installation before the cause is known.</p>"
        )
    compared = sum(check.compared for check in certificate.checks)
    n = len(certificate.checks)
    return f"<p class='verdict'>All {n} checks passed; {compared:,} values were compared.</p>"


def _table(checks: list[Check]) -> str:
    rows = "".join(
        f"<tr><td>{escape(c.name)}{f'<small>{escape(c.detail)}</small>' if c.detail else ''}</td>"
        f"<td class='r'>{c.compared:,}</td><td class='r'>{c.worst:.3g}</td><td class='r'>{c.allowed:.3g}</td>"
        f"<td>{escape(c.unit)}</td>"
        f"<td class='{'ok' if c.passed else 'no'}'>{'passed' if c.passed else 'failed'}</td></tr>"
        for c in checks
    )
    heads = ("check", "compared", "worst found", "allowed", "unit", "verdict")
    head = "".join(f"<th scope='col'{' class=r' if 0 < i < 4 else ''}>{h}</th>" for i, h in enumerate(heads))
    return f"<div class='wrap'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
