"""What a report has to know beside the figures: the study passes it, the writers read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from survey_toolkit.indicators import FileRecord

__all__ = [
    "AuditEntry",
    "DefinitionEntry",
    "IndicatorEntry",
    "Note",
    "ReportContext",
    "as_sentence",
    "dimension_title",
]

_DIMENSION_TITLES = {
    "sex": "Sex",
    "age": "Age",
    "age_band": "Age",
    "age_group": "Age",
    "urbanisation": "Area",
    "region": "Region",
    "wealth_quintile": "Wealth quintile",
    "education": "Education",
    "disability": "Disability",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A titled text of one or more paragraphs: a method, a caveat; a small table may follow.

    Attributes
    ----------
    title : str
    paragraphs : tuple of str
    head, rows : tuple of str, tuple of tuples of str
        Column headings, and rows of as many cells.
    """

    title: str
    paragraphs: tuple[str, ...]
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Paragraphs and rows as lines of text, where there is no room for a table."""
        return (
            *self.paragraphs,
            *("; ".join(cell for cell in row if cell not in ("", "–")) for row in self.rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Account of one harmonized variable, or of one classified status.

    Attributes
    ----------
    target, level, sources, rule, status, note
        Harmonized variable, its level, source columns, what was done, ``complete partial impossible``.
    n_in, n_valid, n_undetermined, n_outside : int
        Rows that came in; with a value; undetermined (of a status); outside the universe.
    missing, unmapped : mapping
        Reason, or code, to count.
    """

    target: str
    level: str = ""
    sources: tuple[str, ...] = ()
    rule: str = ""
    n_in: int = 0
    n_valid: int = 0
    n_undetermined: int = 0
    n_outside: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    unmapped: Mapping[str, int] = field(default_factory=dict)
    status: str = "complete"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionEntry:
    """A definition in one version, as the annex prints it.

    Attributes
    ----------
    id, version, title, text, status, in_force : str
    rules : tuple of (str, str)
        Label of the output, and its rule in words.
    criteria : tuple of (str, str)
        Criterion id and label.
    references : tuple of (str, str, str)
        Source title, paragraph, verification mark.
    """

    id: str
    version: str
    title: str
    text: str
    status: str = ""
    in_force: str = ""
    rules: tuple[tuple[str, str], ...] = ()
    criteria: tuple[tuple[str, str], ...] = ()
    references: tuple[tuple[str, str, str], ...] = ()

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorEntry:
    """Title, source and caveats of an indicator, in the order in which the report shows them."""

    id: str
    title: str
    caveats: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """Everything the outputs say beside the figures.

    Attributes
    ----------
    title, subtitle, country, period, producer, source : str
        ``country`` is the name a reader knows; ``source`` how the data are to be cited.
    software : str
        ``"survey_toolkit 0.1.0"``.
    generated : str or None
        Date shown on the cover; None keeps the output independent of the day.
    design : str
        The sample design, or the lists, in sentences.
    methods, caveats : tuple of Note
        Methods annex; caveats on the front.
    indicators, definitions, audits, files
        Entries of the annexes.
    quality_policy, disclosure_policy : str
        Both policies in words.
    dimension_labels : mapping
        Breakdown dimension to heading, where the built-in heading does not do.
    simulated : bool
        True when the data are simulated and the truth is shown beside the figures.
    seed : int or None
        Seed of everything random.
    """

    title: str
    subtitle: str = ""
    country: str = ""
    period: str = ""
    producer: str = ""
    source: str = ""
    software: str = "survey_toolkit"
    generated: str | None = None
    design: str = ""
    methods: tuple[Note, ...] = ()
    caveats: tuple[Note, ...] = ()
    indicators: tuple[IndicatorEntry, ...] = ()
    definitions: tuple[DefinitionEntry, ...] = ()
    audits: tuple[AuditEntry, ...] = ()
    files: tuple[FileRecord, ...] = ()
    quality_policy: str = ""
    disclosure_policy: str = ""
    dimension_labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    simulated: bool = False
    seed: int | None = None

    def indicator(self, id: str) -> IndicatorEntry:
        """Entry of an indicator; an empty one where the study passed none."""
        found = next((entry for entry in self.indicators if entry.id == id), None)
        return found or IndicatorEntry(id=id, title="")


def dimension_title(dimension: str, labels: Mapping[str, str] | None = None) -> str:
    """Heading of a breakdown dimension.

    Examples
    --------
    >>> dimension_title("age_band"), dimension_title("work_status"), dimension_title("sex", {"sex": "Sexe"})
    ('Age', 'Work status', 'Sexe')
    """
    given = (labels or {}).get(dimension)
    return given or _DIMENSION_TITLES.get(dimension) or dimension.replace("_", " ").capitalize()


def as_sentence(text: str) -> str:
    """Text with a capital first and a stop last; a name with an underscore or a digit in it stays as it is.

    Examples
    --------
    >>> as_sentence("refused: no overlap"), as_sentence("ea_hours was not asked"), as_sentence("")
    ('Refused: no overlap.', 'ea_hours was not asked.', '')
    """
    text = text.strip()
    if not text:
        return ""
    first = text.split()[0].strip(":;,.'")
    start = text[0].upper() if first.replace("-", "").isalpha() else text[0]
    return start + text[1:] + ("" if text[-1] in ".!?" else ".")
