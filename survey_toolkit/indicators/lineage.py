"""The legal half of a trace: rule, criteria, definition and source, read from the registry's objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from survey_toolkit.indicators.trace import TraceStep

__all__ = ["ReferenceLike", "definition_steps", "english", "reference_text"]


class ReferenceLike(Protocol):
    """A reference of a standard: source id, paragraph, whether somebody checked it."""

    @property
    def source(self) -> str:
        """Id of the source."""
        ...

    @property
    def locator(self) -> Any:
        """Paragraph, table or article."""
        ...

    @property
    def verification(self) -> Any:
        """How far it was checked."""
        ...


def english(text: Any) -> str:
    """Plain text of a label that may be a mapping of language to text.

    Examples
    --------
    >>> english({"en": "Sex", "fr": "Sexe"}), english("Sex"), english(None)
    ('Sex', 'Sex', '')
    """
    if isinstance(text, Mapping):
        return str(text.get("en", ""))
    return "" if text is None else str(text)


def reference_text(reference: ReferenceLike) -> str:
    """Paragraph and how far it was verified: ``"para. 45 (verified)"``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> reference_text(SimpleNamespace(source="icls20", locator="para. 45", verification="verified"))
    'para. 45; verified'
    """
    parts = [str(part) for part in (reference.locator, reference.verification) if part]
    return "; ".join(part.replace("_", " ") for part in parts)


def definition_steps(
    definition: Any,
    output: str,
    *,
    sentence: str,
    criteria: Mapping[str, Any] | None = None,
    criteria_references: Mapping[str, str] | None = None,
    variables: Iterable[TraceStep] = (),
    source_titles: Mapping[str, str] | Callable[[str], str] | None = None,
    indicator: TraceStep | None = None,
) -> tuple[TraceStep, ...]:
    """Steps from the variables to the source paragraph for one output of a definition.

    Parameters
    ----------
    definition : Definition
        ``id version title text references`` are read; ``outputs`` for the label of the output.
    output : str
        Id of the classified status, e.g. ``"child_labour_a"``.
    sentence : str
        The rule in words (``standards.rule_sentence``).
    criteria, criteria_references : mapping of criterion id to label, to paragraph
        Criteria the rule uses.
    variables : iterable of TraceStep
        Harmonized variables with where they came from.
    source_titles : mapping or callable, optional
        Source id to the title a reader knows.
    indicator : TraceStep, optional
        Put between definition and source (multiple systems figures).

    Returns
    -------
    tuple of TraceStep
        variables, rule (children: criteria), definition, indicator if given, source with further ones.
    """
    label = next((english(o.label) for o in getattr(definition, "outputs", ()) if o.id == output), output)
    references = criteria_references or {}
    rules = tuple(
        TraceStep(kind="criterion", title=id, text=english(text), reference=references.get(id, ""))
        for id, text in (criteria or {}).items()
    )
    inputs = tuple(variables)
    steps: list[TraceStep] = []
    if inputs:
        text = ", ".join(step.title for step in inputs)
        steps.append(TraceStep(kind="variable", title="harmonized variables", text=text, children=inputs))
    steps.append(TraceStep(kind="rule", title=label, text=sentence, children=rules))
    steps.append(
        TraceStep(
            kind="definition",
            title=f"{definition.id}@{definition.version}",
            text=english(getattr(definition, "title", "")),
        )
    )
    steps += [indicator] if indicator else []
    return (*steps, *_sources(definition, source_titles))


def _sources(
    definition: Any, titles: Mapping[str, str] | Callable[[str], str] | None
) -> tuple[TraceStep, ...]:
    found = []
    for reference in getattr(definition, "references", ()):
        source = str(reference.source)
        title = titles(source) if callable(titles) else (titles or {}).get(source, source)
        found.append(TraceStep(kind="source", title=title, reference=reference_text(reference)))
    if not found:
        return ()
    first, *others = found
    if not others:
        return (first,)
    return (TraceStep(kind="source", title=first.title, reference=first.reference, children=tuple(others)),)
