"""A crosswalk drafted from a file's names and labels, for a person to finish.

What was found is written with the reason beside it; what was not is an open place, ``<open>``, which no
crosswalk loads with. So a draft can never be mistaken for a finished crosswalk, and a finished one was
looked at line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from survey_toolkit.microdata._cells import code_text
from survey_toolkit.microdata._draft_words import TARGETS, TargetWords
from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata._words import FEMALE, MALE, NO, REASON_LABELS, RURAL, URBAN, YES, holds
from survey_toolkit.microdata.crosswalk import OPEN
from survey_toolkit.microdata.identifiers import find_identifiers
from survey_toolkit.microdata.model import Microdata, Variable
from survey_toolkit.microdata.roles import ROLES, guess_roles
from survey_toolkit.standards.models import StandardVariable, in_language
from survey_toolkit.standards.rules import rule_variables

if TYPE_CHECKING:
    from survey_toolkit.standards.registry import Registry

__all__ = ["OPEN", "draft_crosswalk"]

_COMPLETED = frozenset(("completed", "complete", "interview completed"))
#: Variables of the person that a household file may hold.
_SHARED = ("urbanisation", "region")
#: Points of a single word that a label shares with a variable: too little to suggest a column by.
_WEAK = 2
_MEANINGS: dict[str, dict[str, frozenset[str]]] = {
    "sex": {"M": MALE, "F": FEMALE},
    "urbanisation": {"U": URBAN, "R": RURAL},
}


def draft_crosswalk(
    data: Microdata,
    registry: Registry | None = None,
    *,
    id: str = "draft",
    level: str = "person",
) -> str:
    r"""Draft the crosswalk of a file: suggestions with their reason, open places for a person.

    Parameters
    ----------
    data : Microdata
        The file as read.
    registry : Registry, optional
        Default: the shipped standards. Its variables of ``level`` become targets.
    id : str
        Id of the crosswalk.
    level : {"person", "household", "job", "episode"}
        What one row of the file is; at household level the variables of the person that a household
        shares are drafted.

    Returns
    -------
    str
        YAML. Every ``<open>`` is an open place; every target stands for one harmonized variable and says
        where its column was found, or is commented out.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = Microdata.from_frame(pd.DataFrame({"q2": [1, 2, 9]}), [
    ...     Variable(name="q2", label="Sex", value_labels={1: "Male", 2: "Female", 9: "Refused"})])
    >>> text = draft_crosswalk(raw)
    >>> print("\n".join(line for line in text.splitlines() if "recode" in line or "refused" in line))
          Refused: refused
            recode: {1: M, 2: F}
    """
    from survey_toolkit.standards.registry import load

    registry = registry or load()
    return "\n".join(_Draft(data, registry, id, level).lines()) + "\n"


@dataclass(slots=True)
class _Draft:
    """The file, and the lines drawn from it."""

    data: Microdata
    registry: Registry
    id: str
    level: str

    def lines(self) -> Iterator[str]:
        """The whole file, from the head to what was found beside the targets."""
        yield "# Drafted from names and labels. Look at every line, replace every <open>;"
        yield "# a crosswalk with an open place does not load. Suggestions are guesses with their reason."
        yield f"id: {self.id}"
        yield f"title: {OPEN}"
        yield f"country: {{code: {OPEN}}}  # ISO 3166-1 alpha-3"
        yield f"survey: {OPEN}"
        yield f"period: {OPEN}"
        yield "status: draft"
        yield "levels:"
        yield f"  {self.level}:"
        yield f"    file_key: [{OPEN}]  # columns that name one row"
        yield from self._filter()
        yield from self._kept()
        yield from self._missing()
        yield "    targets:"
        targets, left = self._targets()
        for variable in targets:
            yield from self._target(variable)
        if left:
            yield f"# {left} more variables of this level have no column here and serve no indicator;"
            yield "# the standards list them (harmonization/variables)"
        yield from self._seen()

    def _filter(self) -> Iterator[str]:
        for v in self.data.variables.values():
            code = next((c for c, text in v.value_labels.items() if fold(text) in _COMPLETED), None)
            if code is not None and holds(f"{v.label} {v.name}", ("result", "resultado", "status")):
                rule = f"{{variable: {_text(v.name)}, eq: {_code(code)}}}"
                yield f"    # filter: {rule}  # completed interviews? ({_said(v)})"

    def _kept(self) -> Iterator[str]:
        guesses = [g for g in guess_roles(self.data) if g.role in ("weight", "psu", "stratum")]
        best = {g.role: g for g in reversed(guesses)}
        for guess in guesses:
            yield f"    # {guess.role} may be {_comment(guess.name)}: {_comment(guess.reason)}"
        names = dict.fromkeys(best[role].name for role in ROLES if role in best)
        listed = ", ".join(_text(n) for n in names)
        yield f"    keep: [{listed or OPEN}]  # the columns of the design: confirm them"

    def _missing(self) -> Iterator[str]:
        texts = [t.strip() for v in self.data.variables.values() for t in v.value_labels.values()]
        found = {fold(t): (t, REASON_LABELS[fold(t)]) for t in reversed(texts) if fold(t) in REASON_LABELS}
        if not found:
            yield "    # missing: no label reads like a missing answer; give codes by hand if there are any"
            return
        yield "    missing:"
        yield "      by_label:"
        yield from (f"        {_text(text)}: {reason}" for text, reason in found.values())

    def _targets(self) -> tuple[list[StandardVariable], int]:
        """Variables that an indicator needs, or with a column that looks like theirs; the rest counted."""
        needed = self._needed()
        level = [
            v
            for v in self.registry.variables.values()
            if (v.level == self.level or (self.level == "household" and v.id in _SHARED))
        ]
        kept = [v for v in level if v.id in needed or self._clear(v)]
        return kept, len(level) - len(kept)

    def _needed(self) -> frozenset[str]:
        """What the default versions behind the indicators read, and what figures are broken down by."""
        found = {*_SHARED, "age_band"}
        for indicator in self.registry.indicators.values():
            for series in indicator.series:
                version = self.registry.definition(series.definition, series.version)
                criteria = self.registry.criteria_rules(version)
                found.update(name for names in series.breakdowns for name in names)
                for output in version.outputs:
                    if not output.optional:
                        rules = [output.rule] + ([output.universe] if output.universe is not None else [])
                        found.update(*(rule_variables(rule, criteria=criteria) for rule in rules))
        return frozenset(found)

    def _clear(self, variable: StandardVariable) -> bool:
        """Whether a column's label says the same as the variable's, in two words or more."""
        return any(points > _WEAK for points, _, _ in self._candidates(variable))

    def _target(self, variable: StandardVariable) -> Iterator[str]:
        label = in_language(variable.label)
        yield f"      # --- {_comment(label)}: {variable.type}{', ' + variable.unit if variable.unit else ''}"
        if variable.id == "age_band" and self._candidates(self.registry.variable("age")):
            yield "      age_band:"
            yield "        from: age"
            yield "        band: true"
            yield "        universe: {variable: age, between: [5, 17]}"
            return
        found = self._candidates(variable)
        if not found:
            yield f"      # no column found; complete, or declare it impossible: {variable.id}"
            yield f"      {variable.id}:"
            yield f"        source: {OPEN}"
            return
        _, column, reason = found[0]
        yield f"      {variable.id}:"
        yield f"        # suggested: {_comment(reason)}"
        yield from (f"        # or {_comment(c.name)}: {_comment(r)}" for _, c, r in found[1:3])
        yield f"        source: {_text(column.name)}"
        yield from self._mapping(variable, column)

    def _candidates(self, variable: StandardVariable) -> list[tuple[int, Variable, str]]:
        named = {i.name for i in find_identifiers(self.data)}
        words = TARGETS.get(variable.id) or TargetWords(phrases=(fold(in_language(variable.label)),))
        columns = [c for c in self.data.variables.values() if c.name not in named]
        hits = ((c, self._hit(c, words, variable)) for c in columns)
        out = [(hit[0], column, hit[1]) for column, hit in hits if hit is not None]
        return sorted(out, key=lambda item: -item[0])

    def _hit(
        self, column: Variable, words: TargetWords, variable: StandardVariable
    ) -> tuple[int, str] | None:
        points, reasons = 0, []
        if fold(column.name) in words.names:
            points, reasons = 3, [f"{column.name} is a usual name of it"]
        phrase = holds(column.label, words.phrases) if words.phrases else None
        if phrase is not None and holds(column.label, words.never) is None:
            points, reasons = (
                points + 2 + (len(phrase.split()) > 1),
                [*reasons, f"the label of {column.name} holds '{phrase}'"],
            )
        meanings = _MEANINGS.get(variable.id, {})
        folded = {fold(t) for t in column.value_labels.values()}
        if meanings and all(folded & texts for texts in meanings.values()):
            points, reasons = points + 3, [*reasons, f"the codes of {column.name} are labelled like it"]
        return (points, "; ".join(reasons)) if points else None

    def _mapping(self, variable: StandardVariable, column: Variable) -> Iterator[str]:
        if variable.type in ("integer", "number"):
            if variable.range is not None:
                yield f"        range: [{variable.range[0]:g}, {variable.range[1]:g}]"
            yield from self._number_codes(column)
        elif variable.type == "text":
            return
        else:
            yield from self._recode(variable, column)

    def _number_codes(self, column: Variable) -> Iterator[str]:
        open_ = {c: t for c, t in column.value_labels.items() if fold(t) not in REASON_LABELS}
        declared = [m.text for m in column.missing]
        if open_:
            said = "; ".join(f"{code_text(c)} {t.strip()}" for c, t in list(open_.items())[:6])
            yield f"        # labelled codes among the numbers: {_comment(said)}"
        if declared:
            yield f"        # declared missing in the file: {', '.join(declared)}"

    def _recode(self, variable: StandardVariable, column: Variable) -> Iterator[str]:
        meanings = _MEANINGS.get(variable.id) or (
            {"true": YES, "false": NO} if variable.type == "boolean" else {}
        )
        codes = self._codes_of(column)
        pairs, open_ = [], []
        for code, label in codes.items():
            if fold(label) in REASON_LABELS:
                continue
            value = next((v for v, texts in meanings.items() if fold(label) in texts), None)
            pairs.append(f"{_code(code)}: {value or OPEN}")
            open_ += [] if value else [f"{_code(code)} is '{label.strip()}'"]
        known = ", ".join(self.registry.code_labels(variable.id)) or "true, false"
        if open_:
            yield f"        # open: {_comment('; '.join(open_))}. Values: {known}"
        yield f"        recode: {{{', '.join(pairs) or OPEN + ': ' + OPEN}}}"

    def _codes_of(self, column: Variable) -> Mapping[Any, str]:
        if column.value_labels:
            return column.value_labels
        values = self.data.frame[column.name].dropna()
        codes = sorted(values.unique().tolist(), key=str)[:12]
        short = [c for c in codes if not isinstance(c, str) or re.fullmatch(r"[\w.\-]{1,12}", c)]
        return {c: str(c) for c in short}

    def _seen(self) -> Iterator[str]:
        """What a person finishing the draft should know about the file."""
        identifiers = find_identifiers(self.data)
        if identifiers:
            yield "# Names a person, and never to be kept: " + _comment(
                ", ".join(i.name for i in identifiers)
            )
        from survey_toolkit.microdata.inspection import inspect_data

        for suspicion in inspect_data(self.data).suspicions[:40]:
            yield f"# look at {_comment(suspicion.name)}: {_comment(suspicion.what)}"


def _text(text: str) -> str:
    """A scalar as YAML of the strict reader takes it for text."""
    plain = re.fullmatch(r"[A-Za-z_][\w ./'-]*", text) and not re.search(r"\s$|^\s|: | #", text)
    if plain and text.casefold() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _code(code: Any) -> str:
    if isinstance(code, bool):
        return "true" if code else "false"
    if isinstance(code, str):
        return '"' + code.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(int(code)) if float(code).is_integer() else str(code)


def _said(variable: Variable) -> str:
    return _comment(f"{variable.name}: {variable.label}")


def _comment(text: str) -> str:
    return " ".join(text.split())
