"""A rule in signs, with question numbers and printed answers: "CO5 = 1 (Yes) and CO6 < 18"."""

from __future__ import annotations

from collections.abc import Mapping

from survey_toolkit.instruments.paper_model import Words, words
from survey_toolkit.instruments.routing import AtLeastOf, Bound, Codes, Every, Negated, Number, Unknown
from survey_toolkit.instruments.views import ItemView

__all__ = ["rule_shown"]

_SIGNS = {"eq": "=", "ne": "\N{NOT EQUAL TO}", "lt": "<", "gt": ">"}
_SIGNS |= {"le": "\N{LESS-THAN OR EQUAL TO}", "ge": "\N{GREATER-THAN OR EQUAL TO}"}


def rule_shown(rule: Bound, items: Mapping[str, ItemView], language: str, labels: Mapping[str, str]) -> str:
    """Write a rule so that an interviewer can check it against the lines above.

    Signs stand instead of grammar, so that the same form works in every language; answers are as printed.

    Parameters
    ----------
    rule : Bound
    items : mapping of name to ItemView
    language : str
    labels : mapping of name to str
        Number of the line of each item.

    Examples
    --------
    >>> both = Every((Codes("consent", ("1",)), Number("age", "ge", 18)))
    >>> rule_shown(both, {}, "fr", {"age": "CO4"})
    'consent = 1 et CO4 \u2265 18'
    """
    return _Teller(items, language, labels).tell(rule, top=True)


class _Teller:
    def __init__(self, items: Mapping[str, ItemView], language: str, labels: Mapping[str, str]) -> None:
        self.items, self.language, self.labels = items, language, labels
        self.say: Words = words(language)

    def tell(self, rule: Bound, *, top: bool = False) -> str:
        if isinstance(rule, Every):
            return self._joined(rule.parts, self.say("and"), top=top)
        if isinstance(rule, AtLeastOf):
            if rule.n == 1:
                return self._joined(rule.parts, self.say("or"), top=top)
            return f"{self.say('at_least', n=rule.n)} ({'; '.join(self.tell(part) for part in rule.parts)})"
        if isinstance(rule, Negated):
            return f"{self.say('not')} ({self.tell(rule.part, top=True)})"
        return self._leaf(rule)

    def _joined(self, parts: tuple[Bound, ...], word: str, *, top: bool) -> str:
        joined = f" {word} ".join(self.tell(part) for part in parts)
        return joined if top or len(parts) == 1 else f"({joined})"

    def _leaf(self, rule: Codes | Number | Unknown) -> str:
        subject = self.labels.get(rule.item) or rule.item
        if isinstance(rule, Unknown):
            return f"{subject} = {self.say('missing')}"
        if isinstance(rule, Number):
            return f"{subject} {_SIGNS[rule.op]} {rule.value:g}"
        return f"{subject} = " + f" {self.say('or')} ".join(
            self._code(rule.item, code) for code in rule.codes
        )

    def _code(self, item: str, code: str) -> str:
        found = (c for c in self.items[item].codes if c.code == code) if item in self.items else iter(())
        choice = next(found, None)
        if choice is None:
            return code
        return f"{code} ({choice.labels.get(self.language) or choice.labels.get('en', code)})"
