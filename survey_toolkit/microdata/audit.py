"""The account of a harmonization: one row a target, one row a code; as page, as JSON, and compared.

Every row of a file is in the account of every target exactly once: under a code and what it became, under
its own value, under the reason it has none, or under a code that nobody mapped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import HarmonizationError, did_you_mean
from survey_toolkit.microdata._cells import code_order
from survey_toolkit.microdata._page import bullets, page, table
from survey_toolkit.microdata.model import MISSING_REASONS, MISSING_SUFFIX, Microdata, TargetAudit

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.microdata.crosswalk import Crosswalk
    from survey_toolkit.standards.registry import Registry

__all__ = [
    "AuditChange",
    "AuditDiff",
    "account",
    "audit_dict",
    "audit_html",
    "before_after",
    "diff_audits",
    "merge_audits",
]

#: Source of values that were not looked up in a recode.
OWN_VALUE, OUTSIDE = "(its own value, or made by the rule)", "(outside the universe, or a declared value)"


def account(entry: TargetAudit) -> list[tuple[str, str, int]]:
    """Rows (source code, result, count) of a target that together hold every row that came in.

    Examples
    --------
    >>> account(TargetAudit(target="sex", level="person", sources=("q2",), rule="", n_in=10, n_valid=8,
    ...                     codes=(("1", "M", 5), ("2", "F", 3)), missing={"dk": 1}, unmapped={"7": 1}))
    [('1', 'M', 5), ('2', 'F', 3), ('', 'missing: dk', 1), ('7', 'unmapped', 1)]
    """
    rows = list(entry.codes)
    rest = entry.n_valid - sum(n for _, _, n in entry.codes)
    if rest:
        rows.append((OUTSIDE if entry.codes else OWN_VALUE, "a value", rest))
    rows += [("", f"missing: {reason}", n) for reason, n in entry.missing.items()]
    return rows + [(code, "unmapped", n) for code, n in entry.unmapped.items()]


def audit_dict(data: Microdata) -> dict[str, Any]:
    """The audit as plain values for a program; ``json.dumps`` writes it.

    Returns
    -------
    dict
        ``source`` (file and its SHA-256), ``crosswalk``, ``level``, ``rows``, ``targets`` (one entry a
        target with its ``account``), ``notes``.

    Raises
    ------
    HarmonizationError
        The data were not harmonized.
    """
    _require(data)
    crosswalk = next(
        (v.provenance["crosswalk"] for v in data.variables.values() if "crosswalk" in v.provenance), ""
    )
    return {
        "source": {"name": data.source.name, "sha256": data.source.sha256, "rows": data.source.n_rows},
        "crosswalk": crosswalk,
        "level": data.level,
        "rows": data.n_rows,
        "targets": [
            {
                "target": a.target,
                "sources": list(a.sources),
                "rule": a.rule,
                "status": a.status,
                "note": a.note,
                "n_in": a.n_in,
                "n_valid": a.n_valid,
                "n_recoded": a.n_recoded,
                "n_outside": a.n_outside,
                "missing": dict(a.missing),
                "unmapped": dict(a.unmapped),
                "account": [list(row) for row in account(a)],
            }
            for a in data.audit
        ],
        "notes": list(data.notes),
    }


def audit_html(data: Microdata, *, cross_tabulations: Mapping[str, pd.DataFrame] | None = None) -> str:
    """The audit as a page of its own: what became of every row, target by target.

    Parameters
    ----------
    data : Microdata
        Harmonized.
    cross_tabulations : mapping of target to frame, optional
        Tables of :func:`before_after` to show with their targets.
    """
    plain = audit_dict(data)
    source = plain["source"]
    lead = (
        f"{source['name']} by crosswalk {plain['crosswalk']}, level {plain['level']}: {plain['rows']:,} rows"
    )
    rows = [
        (
            a.target,
            ", ".join(a.sources),
            a.rule,
            a.n_in,
            a.n_valid,
            _counts(a.missing),
            _counts(a.unmapped),
            a.status,
        )
        for a in data.audit
    ]
    headings = ("target", "from", "rule", "rows in", "valid", "missing by reason", "unmapped", "status")
    sections = [("Targets", table(headings, rows, numbers=("rows in", "valid")))]
    for entry in data.audit:
        body = f"<p>{_text(entry)}</p>" + table(
            ("source code", "became", "rows"), account(entry), numbers=("rows",)
        )
        crossed = (cross_tabulations or {}).get(entry.target)
        if crossed is not None:
            body += table([str(c) for c in crossed.columns], crossed.itertuples(index=False), numbers=("n",))
        sections.append((entry.target, body))
    hashed = f"SHA-256 of the file: {source['sha256']}" if source["sha256"] else ""
    return page(
        "Harmonization audit", lead, *sections, ("Notes", bullets(filter(None, (*data.notes, hashed))))
    )


def before_after(
    data: Microdata,
    crosswalk: str | os.PathLike[str] | Crosswalk,
    target: str,
    *,
    level: str | None = None,
    registry: Registry | None = None,
) -> pd.DataFrame:
    """Cross-tabulate the source columns of a target with what they became.

    Parameters
    ----------
    data : Microdata
        The file as read.
    crosswalk : path, shipped id, or Crosswalk
    target : str
    level, registry : as in :func:`~survey_toolkit.microdata.harmonize.harmonize`

    Returns
    -------
    pandas.DataFrame
        One row a combination: the source columns (at most three; text that is no short code is not
        shown), ``<target>`` (``<target> (harmonized)`` where a source has that name) or the reason it is
        missing, and ``n``, which sums to the rows kept.

    Raises
    ------
    HarmonizationError
        No such target, or it cannot be made.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.microdata import Crosswalk
    >>> walk = Crosswalk.model_validate({
    ...     "id": "example", "title": "Example", "country": {"code": "KHM"}, "survey": "LFS",
    ...     "period": "2024", "levels": {"person": {"targets": {
    ...         "sex": {"source": "q2", "recode": {1: "M", 2: "F"}, "missing": {9: "refused"}}}}}})
    >>> raw = Microdata.from_frame(pd.DataFrame({"q2": [1, 2, 2, 9]}))
    >>> before_after(raw, walk, "sex").values.tolist()
    [['1', 'M', 1], ['2', 'F', 2], ['9', 'missing: refused', 1]]
    """
    import pandas as pd

    from survey_toolkit.microdata._cells import code_text
    from survey_toolkit.microdata.crosswalk import load_crosswalk
    from survey_toolkit.microdata.harmonize import filtered, harmonize, level_name
    from survey_toolkit.standards.registry import load

    registry = registry or load()
    walk = load_crosswalk(crosswalk, registry=registry)
    spec = walk.levels[level_name(walk, level)]
    made = harmonize(data, walk, level=level, registry=registry)
    if target not in made.frame.columns:
        raise HarmonizationError(
            f"the crosswalk makes no target '{target}'",
            expected=did_you_mean(target, [a.target for a in made.audit]),
            code="unknown-target",
        )
    kept, _ = filtered(data, spec)
    entry = next(a for a in made.audit if a.target == target)
    columns = [c for c in entry.sources if c in kept.frame.columns][:3]
    shown = {
        c: kept.frame[c].map(lambda v: "(blank)" if pd.isna(v) else code_text(v)).astype(object)
        for c in columns
    }
    result = made.frame[target].map(lambda v: "" if pd.isna(v) else str(v)).astype(object)
    why = made.frame.get(target + MISSING_SUFFIX)
    if why is not None:
        result = result.mask(why.notna().to_numpy(), "missing: " + why.fillna("").astype(object))
    result = result.mask(result == "", "unmapped")
    after = f"{target} (harmonized)" if target in columns else target  # a target may bear its source's name
    frame = pd.DataFrame({**shown, after: result})
    return frame.groupby([*columns, after], sort=True).size().rename("n").reset_index()


def merge_audits(audits: Sequence[tuple[TargetAudit, ...]]) -> tuple[TargetAudit, ...]:
    """Add up the audits of the parts of one file, made by one crosswalk."""
    if not audits:
        return ()
    return tuple(_merged(entries) for entries in zip(*audits, strict=True))


def _merged(entries: tuple[TargetAudit, ...]) -> TargetAudit:
    codes: dict[tuple[str, str], int] = {}
    for entry in entries:
        for code, result, n in entry.codes:
            codes[code, result] = codes.get((code, result), 0) + n
    ordered = sorted(codes, key=lambda k: code_order(k[0]))
    missing = _added(e.missing for e in entries)
    return replace(
        entries[0],
        n_in=sum(e.n_in for e in entries),
        n_valid=sum(e.n_valid for e in entries),
        n_recoded=sum(e.n_recoded for e in entries),
        n_outside=sum(e.n_outside for e in entries),
        unmapped=_added(e.unmapped for e in entries),
        missing={r: missing[r] for r in MISSING_REASONS if r in missing},
        codes=tuple((code, result, codes[code, result]) for code, result in ordered),
    )


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for part in counts:
        for key, n in part.items():
            out[key] = out.get(key, 0) + n
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChange:
    """One difference: the target, what differs, before and after."""

    target: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDiff:
    """Differences between two audits: two versions of a crosswalk, or two rounds of a survey."""

    before: str
    after: str
    changes: tuple[AuditChange, ...]

    def text(self) -> str:
        """One line a difference."""
        n = len(self.changes)
        head = f"{self.before} → {self.after}: {n} difference{'' if n == 1 else 's'}"
        return "\n".join([head, *(f"  {c.target}: {c.what}: {c.before} → {c.after}" for c in self.changes)])

    def to_html(self) -> str:
        """Return a page of its own."""
        rows = [(c.target, c.what, c.before, c.after) for c in self.changes]
        return page("What changed in the harmonization", f"{self.before} → {self.after}",
                    ("Differences", table(("target", "what", "before", "after"), rows)))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a program."""
        changes = [
            {"target": c.target, "what": c.what, "before": c.before, "after": c.after} for c in self.changes
        ]
        return {"before": self.before, "after": self.after, "changes": changes}

    def __repr__(self) -> str:
        return self.text()


def diff_audits(
    before: Microdata | Mapping[str, Any] | str | os.PathLike[str],
    after: Microdata | Mapping[str, Any] | str | os.PathLike[str],
    *,
    shares: bool = False,
) -> AuditDiff:
    """Compare two audits target by target and code by code.

    Parameters
    ----------
    before, after : Microdata, mapping of :func:`audit_dict`, or path of its JSON
    shares : bool
        Compare percentages of the rows instead of counts: for two rounds of different size.

    Returns
    -------
    AuditDiff

    Raises
    ------
    HarmonizationError
        A file is no audit.
    """
    one, two = _plain(before), _plain(after)
    old = {t["target"]: t for t in one["targets"]}
    new = {t["target"]: t for t in two["targets"]}
    changes: list[AuditChange] = []
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new:
            words = ("made", "not in it") if name in old else ("not in it", "made")
            changes.append(AuditChange(target=name, what="target", before=words[0], after=words[1]))
            continue
        changes += [c for c in _compared(old[name], new[name], shares) if c.before != c.after]
    return AuditDiff(before=_title(one), after=_title(two), changes=tuple(changes))


def _compared(old: Mapping[str, Any], new: Mapping[str, Any], shares: bool) -> Iterable[AuditChange]:
    name = old["target"]
    for key, words in (("status", "status"), ("rule", "rule"), ("note", "note")):
        yield AuditChange(target=name, what=words, before=str(old[key]), after=str(new[key]))
    yield AuditChange(
        target=name, what="from", before=", ".join(old["sources"]), after=", ".join(new["sources"])
    )
    if not shares:
        yield AuditChange(target=name, what="rows in", before=f"{old['n_in']:,}", after=f"{new['n_in']:,}")
    counts = [{(code, result): n for code, result, n in t["account"]} for t in (old, new)]
    for code, result in dict.fromkeys([*counts[0], *counts[1]]):
        told = [
            _share(c.get((code, result), 0), t["n_in"], shares)
            for c, t in zip(counts, (old, new), strict=True)
        ]
        yield AuditChange(
            target=name, what=f"{code} to {result}" if code else result, before=told[0], after=told[1]
        )


def _share(n: int, of: int, shares: bool) -> str:
    return f"{n / of:.1%}" if shares and of else f"{n:,}"


def _plain(audit: Microdata | Mapping[str, Any] | str | os.PathLike[str]) -> Mapping[str, Any]:
    if isinstance(audit, Microdata):
        return audit_dict(audit)
    if isinstance(audit, Mapping):
        return audit
    file = Path(audit)
    if not file.is_file():
        raise HarmonizationError(
            "there is no such file", where=str(file), hint="check the path", code="missing-file"
        )
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        _ = [(t["target"], t["account"], t["n_in"]) for t in plain["targets"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise HarmonizationError(
            "this is no audit of a harmonization",
            where=file.name,
            expected="the JSON that 'survey-toolkit harmonize … --audit audit.json' writes",
            code="not-an-audit",
        ) from None
    return dict(plain)


def _title(plain: Mapping[str, Any]) -> str:
    return f"{plain['crosswalk'] or 'crosswalk'} on {plain['source']['name']}"


def _require(data: Microdata) -> None:
    if not data.audit:
        raise HarmonizationError("the data were not harmonized: there is no audit", where=data.source.name,
                                 hint="harmonize them first", code="no-audit")  # fmt: skip


def _text(entry: TargetAudit) -> str:
    import html

    return html.escape(f"{entry.rule}{'. ' + entry.note if entry.note else ''} ({entry.status})")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{k} {n:,}" for k, n in counts.items())
