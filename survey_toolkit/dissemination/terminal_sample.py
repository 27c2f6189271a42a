"""What the command line prints of sampling plans: sizes, allocations, selections, weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from survey_toolkit.dissemination.terminal import escaped, new_console, new_table, print_notes, shown_cell

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from survey_toolkit.sampling import Allocation, MultivariateAllocation, Selection, WeightReport
    from survey_toolkit.sampling.run_plan import PlannedSize

__all__ = ["print_allocation", "print_selection", "print_sizes", "print_weights"]

#: Strata shown before the rest is told as a number.
_STRATA = 60


def print_sizes(sizes: Sequence[PlannedSize], console: Console | None = None) -> None:
    """Print each size of a plan with precision reached, design effect, households and clusters."""
    out = console or new_console()
    for size in sizes:
        if size.comparison is not None:
            c = size.comparison
            head: tuple[str, ...] = (
                "interviews a group",
                "households",
                "clusters",
                "effect",
                "standard error",
                "power",
                "deff",
            )
            values: list[Sequence[Any]] = [
                (c.interviews, c.households, c.clusters, c.effect, c.se, round(c.power, 3), round(c.deff, 2))
            ]
            _rows(out, size.name, head, values)
        else:
            head = ("domain", "value", "half width", "CV", "deff", "interviews", "households", "clusters")
            values = [
                (r.domain or "all", r.value, r.half_width, f"{100 * r.cv:.1f} %", round(r.deff, 2),
                 r.interviews, r.households, r.clusters)
                for r in size.rows
            ]  # fmt: skip
            _rows(out, size.name, head, values)
        print_notes(
            out,
            [n for r in size.rows for n in r.notes] + list(size.comparison.notes if size.comparison else ()),
        )
        if len(size.rows) > 1 and size.households is not None:
            clusters = f" in {size.clusters:,} clusters" if size.clusters else ""
            out.print(f"  the sample for all domains: {size.households:,} households{clusters}")
        _print_rare(out, size)
        if size.take is not None:
            t = size.take
            out.print(
                f"  best take of a cluster: {t.take} interviews (optimum {t.optimum:.1f}); the budget pays "
                f"for {t.clusters:,} clusters, worth a simple random sample of {t.effective:,.0f}"
            )


def _print_rare(out: Console, size: PlannedSize) -> None:
    for row, rare in zip(size.rows, size.rare, strict=bool(size.rare)):
        if rare is None:
            continue
        name = f"{row.domain}: " if row.domain else ""
        out.print(
            f"  {escaped(name)}{rare.expected_cases:.0f} cases expected (± {rare.sd_cases:.0f}); none found "
            f"with probability {rare.probability_none:.2g}; a prevalence below "
            f"{rare.smallest_prevalence:.2g} cannot be told from zero"
        )


def print_allocation(found: Allocation | MultivariateAllocation, console: Console | None = None) -> None:
    """Print the sizes of the strata, and for several constraints the precision of each."""
    from survey_toolkit.sampling import MultivariateAllocation

    out = console or new_console()
    plain: Any = getattr(found, "allocation", found)
    table = plain.to_frame()
    values = [
        (r.stratum, r.population, int(r.n), f"{100 * r.fraction:.2f} %")
        for r in _records(table.head(_STRATA))
    ]
    total = int(plain.n.sum())
    _rows(out, f"{plain.method} allocation of {total:,}", ("stratum", "population", "n", "fraction"), values)
    if len(table) > _STRATA:
        out.print(f"  and {len(table) - _STRATA:,} more strata")
    if isinstance(found, MultivariateAllocation):
        head = ("constraint", "CV wanted", "CV reached", "drives the cost")
        rows = [
            (r.constraint, f"{100 * r.cv_wanted:.2f} %", f"{100 * r.cv_reached:.2f} %",
             "yes" if r.multiplier > 1e-6 * found.multiplier.max() else "")
            for r in _records(found.to_frame())
        ]  # fmt: skip
        _rows(out, "precision", head, rows)
    print_notes(out, plain.notes)


def print_selection(drawn: Selection, console: Console | None = None) -> None:
    """Print what each stage drew from how many groups, and the sum of the weights."""
    out = console or new_console()
    rows = [
        (s.stage, s.asked["method"], len(s.groups), int(s.groups["units"].sum()), s.drawn, s.frame)
        for s in drawn.log.stages
    ]
    _rows(out, "selection", ("stage", "method", "groups", "units", "drawn", "frame"), rows)
    main = drawn.main()
    out.print(f"{len(main):,} units in the main sample; their weights add up to {main['weight'].sum():,.0f}")
    if len(main) < len(drawn.frame):
        out.print(f"{len(drawn.frame) - len(main):,} units in reserve")
    print_notes(out, drawn.notes)
    out.print(f"seed {drawn.log.seed}, digest {drawn.log.digest[:16]}…")


def print_weights(report: WeightReport, console: Console | None = None) -> None:
    """Print each step of weighting, and who lost weight."""
    out = console or new_console()
    head: tuple[str, ...] = ("step", "rows", "lost", "total", "median", "largest", "factor", "deff")
    rows: list[Sequence[Any]] = [
        (
            s.name,
            s.rows,
            s.lost,
            f"{s.total:,.0f}",
            s.median,
            s.largest,
            "–" if s.factor_mean != s.factor_mean else f"{s.factor_smallest:.2f}–{s.factor_largest:.2f}",
            round(s.deff, 3),
        )
        for s in report.steps
    ]
    _rows(out, "weights", head, rows)
    for s in report.steps:
        out.print(f"  {escaped(s.name)}: {escaped(s.sentence)}")
    if report.groups is None:
        return
    table = report.who_lost()
    changed = table[(table["lost"] > 0) | (table["change"].abs() > 0.005)]
    values = [
        (
            r.step,
            r.group,
            int(r.rows),
            int(r.lost),
            f"{r.before:,.0f}",
            f"{r.after:,.0f}",
            f"{round(100 * r.change, 1) + 0.0:+.1f} %",
        )
        for r in _records(changed.head(_STRATA))
    ]
    if values:
        head = ("step", report.groups, "rows", "lost", "before", "after", "change")
        _rows(out, "who lost and who gained weight", head, values)


def _records(table: pd.DataFrame) -> list[Any]:
    """Rows with their columns as attributes."""
    return list(table.itertuples(index=False))


def _rows(out: Console, title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = new_table(title)
    longest = [max(map(len, name.split()), default=1) for name in head]
    whole = sum(longest) + 3 * len(head) <= out.width  # heads break between words only
    for i, name in enumerate(head):
        text = all(isinstance(row[i], str) and not row[i][:1].isdigit() for row in rows)
        justify: Literal["left", "right"] = "left" if i == 0 or text else "right"
        width = longest[i] if whole else None
        table.add_column(escaped(name), justify=justify, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(shown_cell, row))
    out.print(table)
