"""Walk a figure back to its source paragraph, as text or as a tree for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from survey_toolkit.indicators.figure import Figure
from survey_toolkit.indicators.trace import Trace, TraceStep

if TYPE_CHECKING:
    from rich.tree import Tree

__all__ = ["KIND_TITLES", "explain", "explain_tree", "figure_sentence"]

KIND_TITLES = {
    "figure": "Figure",
    "estimator": "Estimator",
    "model": "Model",
    "design": "Design",
    "lists": "Lists",
    "variable": "Variables",
    "rule": "Rule",
    "criterion": "Criterion",
    "definition": "Definition",
    "indicator": "Indicator",
    "source": "Source",
    "file": "File",
}


def explain(figure: Figure) -> str:
    """Chain from the figure to the source paragraph as plain text.

    Examples
    --------
    >>> figure = Figure(id="5.3.1/KHM/2024", indicator="5.3.1", series="SP_DYN_MRBF18", label="Married by 18",
    ...     variable="child_marriage_18", country="KHM", period="2024", statistic="proportion", unit="PT",
    ...     value=0.19, ci_low=0.17, ci_high=0.21, trace=Trace(steps=(
    ...         TraceStep(kind="rule", title="child_marriage_18", text="age at first union is below 18"),
    ...         TraceStep(kind="source", title="SDG metadata 5.3.1", reference="section 2.a"))))
    >>> print(explain(figure))
    5.3.1/KHM/2024
    └─ Figure: Married by 18, Total: 19.0 % [17.0, 21.0] (95 % interval)
       └─ Rule: child_marriage_18: age at first union is below 18
          └─ Source: SDG metadata 5.3.1 (section 2.a)
    """
    lines = [figure.id, f"└─ Figure: {figure_sentence(figure)}"]
    indent = "   "
    for number, step in enumerate(figure.trace.steps):
        last = number == len(figure.trace.steps) - 1
        lines += _lines(step, indent, has_next=not last)
        indent += "   "
    lines += [f"  {line}" for line in run_lines(figure.trace)]
    return "\n".join(lines)


def explain_tree(figure: Figure) -> Tree:
    """The same chain as a rich tree, for the terminal."""
    from rich.markup import escape
    from rich.tree import Tree

    root = Tree(f"[bold]{escape(figure.id)}[/bold]")
    at = root.add(f"[bold cyan]Figure[/bold cyan] {escape(figure_sentence(figure))}")
    for step in figure.trace.steps:
        at = at.add(_markup(step))
        stack = [(at, step)]
        while stack:
            node, parent = stack.pop()
            stack += [(node.add(_markup(child)), child) for child in parent.children]
    for line in run_lines(figure.trace):
        root.add(f"[dim]{escape(line)}[/dim]")
    return root


def figure_sentence(figure: Figure) -> str:
    """Series, cell, value, interval, quality and disclosure in one sentence."""
    text = f"{figure.label}, {figure.category}: {figure.text}"
    if figure.shown and figure.ci_low is not None:
        text += f" ({figure.level * 100:g} % interval)"
    if figure.disclosure == "suppressed":
        return f"{text} ({figure.disclosure_reason})"
    if figure.quality != "reliable":
        text += f"; {figure.quality.replace('_', ' ')}: {'; '.join(figure.reasons)}"
    return text


def run_lines(trace: Trace) -> list[str]:
    """Files with their fingerprints, software and seed, one line each."""
    lines = [f"File: {f.name}, sha256 {f.sha256}" for f in trace.files]
    if trace.software:
        lines.append(f"Software: {trace.software}")
    if trace.seed is not None:
        lines.append(f"Seed: {trace.seed}")
    return lines + [f"Note: {note}" for note in trace.notes]


def _sentence(step: TraceStep) -> str:
    text = f"{step.title}: {step.text}" if step.text else step.title
    return f"{text} ({step.reference})" if step.reference else text


def _lines(step: TraceStep, indent: str, *, has_next: bool) -> list[str]:
    lines = [f"{indent}└─ {KIND_TITLES.get(step.kind, step.kind)}: {_sentence(step)}"]
    # The chain goes on below the last child, so children keep a rail while a next step follows.
    rail = indent + "   "
    for number, child in enumerate(step.children):
        last = number == len(step.children) - 1 and not has_next
        mark, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        lines.append(f"{rail}{mark}{KIND_TITLES.get(child.kind, child.kind)}: {_sentence(child)}")
        for depth, under in list(child.walk())[1:]:
            lines.append(f"{rail}{below}{'   ' * (depth - 1)}└─ {_sentence(under)}")
    return lines


def _markup(step: TraceStep) -> str:
    from rich.markup import escape

    return f"[bold cyan]{KIND_TITLES.get(step.kind, step.kind)}[/bold cyan] {escape(_sentence(step))}"
