"""The verbs of the command line for hidden populations: thin, one a method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_toolkit.cli_manners import print_json
from survey_toolkit.cli_progress import busy
from survey_toolkit.errors import EstimationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["hidden_app"]

hidden_app = typer.Typer(
    help="Populations that a household survey cannot count: networks, recruitment, indirect questions.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="A data file: .sav .dta .csv .parquet …")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Weight = Annotated[str | None, typer.Option(help="Weight column.")]
Strata = Annotated[str | None, typer.Option(help="Stratum column.")]
Psu = Annotated[str | None, typer.Option(help="Primary sampling unit column.")]
By = Annotated[list[str] | None, typer.Option(help="Domain column; may be repeated.")]
Plots = Annotated[Path | None, typer.Option(help="Folder for the figures (PNG).")]


def _frame(file: Path) -> Any:
    """The answers of a file: codes that it declares missing are none."""
    from survey_toolkit._frames import collected, null_aware
    from survey_toolkit.microdata import read_microdata

    return collected(null_aware(read_microdata(file))).to_native()


def _design(weight: str | None, strata: str | None, psu: str | None) -> Any:
    from survey_toolkit.estimation import SurveyDesign

    if weight is None:
        if strata or psu:
            raise EstimationError("a design needs weights", where="--weight", hint="name the weight column")
        return None
    return SurveyDesign(weight=weight, strata=strata, psu=psu, nest=True)


def _say(results: dict[str, Any], as_json: bool) -> None:
    """Print results: as one JSON object of tables and numbers, or each for people."""
    if as_json:
        print_json({name: _plain(value) for name, value in results.items()})
        return
    from survey_toolkit.dissemination.terminal import print_estimates
    from survey_toolkit.estimation import Estimates

    for value in results.values():
        if isinstance(value, Estimates):
            print_estimates(value)
        elif not isinstance(value, float):
            typer.echo(repr(value))


def _plain(value: Any) -> Any:
    """A number, or the rows of a table."""
    return value if isinstance(value, float) else value.to_frame().to_dict("records")


def _draw(folder: Path | None, figures: dict[str, Figure]) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=144)
    typer.echo(
        f"written: {len(figures)} {'figure' if len(figures) == 1 else 'figures'} in {folder}", err=True
    )


def _sizes(given: list[str]) -> dict[str, float]:
    """``nurses=2000`` as a mapping."""
    out = {}
    for item in given:
        name, sign, size = item.partition("=")
        try:
            out[name] = float(size)
        except ValueError:
            sign = ""
        if not sign:
            raise EstimationError(
                "a known group is given as NAME=SIZE", where="--known", found=item,
                expected="a name and a number; the option again for each group",
                hint="--known nurses=9000 --known teachers=48000",
            )  # fmt: skip
    return out


@hidden_app.command()
def network(
    file: File,
    persons: Annotated[Path, typer.Argument(help="A row for each person reported on, case or not.")],
    id: Annotated[str, typer.Option(help="Respondent identifier, in both files.")],
    case: Annotated[str, typer.Option(help="0-1 column: the person was in the situation.")],
    multiplicity: Annotated[str, typer.Option(help="Column: how many could report the person.")],
    weight: Annotated[str, typer.Option(help="Weight column.")],
    strata: Strata = None,
    psu: Psu = None,
    relation: Annotated[str | None, typer.Option(help="Column of relations.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Relation to leave out; may be repeated.")] = None,
    months: Annotated[str | None, typer.Option(help="Column of months in the situation.")] = None,
    reference_months: Annotated[float | None, typer.Option(help="Length of the reference period.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Family network (Sirken): cases in the period, prevalence, and the average at a point in time.

    Example: `survey-toolkit hidden network people.csv kin.csv --id id --case victim --multiplicity reporters
    --weight w`
    """
    from survey_toolkit.hidden_populations import family_network

    net = family_network(
        _frame(file), _frame(persons), id=id, case=case, multiplicity=multiplicity, relation=relation,
        months=months, reference_months=reference_months, design=_design(weight, strata, psu),
    )  # fmt: skip
    out = exclude or ()
    results = {"total": net.total(by, exclude=out), "prevalence": net.prevalence(by, exclude=out)}
    if months is not None and reference_months is not None:
        results["stock"] = net.total(by, window="stock", exclude=out)
    _say(results, as_json)


@hidden_app.command("scale-up")
def scale_up(
    file: File,
    hidden: Annotated[list[str], typer.Option(help="Column of a hidden group; may be repeated.")],
    known: Annotated[list[str], typer.Option(help="COLUMN=SIZE of a known group; may be repeated.")],
    population: Annotated[float, typer.Option(help="Everybody whom respondents could know.")],
    weight: Weight = None,
    strata: Strata = None,
    psu: Psu = None,
    by: By = None,
    trim: Annotated[bool, typer.Option("--trim", help="Drop known groups that cannot be recovered.")] = False,
    transmission_rate: Annotated[float, typer.Option(help="Share of contacts who know.")] = 1.0,
    degree_ratio: Annotated[float, typer.Option(help="Degree of hidden members over that of others.")] = 1.0,
    plots: Plots = None,
    as_json: AsJson = False,
) -> None:
    """Network scale-up: sizes of hidden groups, with back-estimates of the known ones.

    Example: `survey-toolkit hidden scale-up lfs.csv --hidden trafficked --known nurses=9000
    --known teachers=48000 --population 10700000 --weight w --psu ea`
    """
    from survey_toolkit.hidden_populations import (
        adjusted,
        network_reports,
        plot_back_estimates,
        plot_degrees,
    )

    reports = network_reports(
        _frame(file), known=_sizes(known), hidden=hidden, population=population,
        design=_design(weight, strata, psu),
    )  # fmt: skip
    if not as_json and len(reports.known) > 1:
        typer.echo(repr(reports.back_estimates()))
    _draw(plots, {"back_estimates": plot_back_estimates(reports), "degrees": plot_degrees(reports.degree)})
    reports = reports.trimmed() if trim else reports
    size = adjusted(reports.size(by), transmission_rate=transmission_rate, degree_ratio=degree_ratio)
    _say({"size": size}, as_json)


@hidden_app.command()
def rds(
    file: File,
    id: Annotated[str, typer.Option(help="Identifier column.")],
    degree: Annotated[str, typer.Option(help="Column of personal network size.")],
    outcome: Annotated[str, typer.Option(help="Column to estimate.")],
    recruiter: Annotated[str | None, typer.Option(help="Column with the recruiter's identifier.")] = None,
    seed_marker: Annotated[str, typer.Option(help="What stands for the recruiter of a seed.")] = "seed",
    coupon: Annotated[str | None, typer.Option(help="Column of the coupon brought along.")] = None,
    coupons_out: Annotated[str | None, typer.Option(help="Prefix of the columns of coupons given.")] = None,
    estimator: Annotated[str, typer.Option(help="rds_ii, rds_i, gile_ss or hcg")] = "rds_ii",
    population_size: Annotated[float | None, typer.Option(help="For gile_ss and hcg.")] = None,
    variance: Annotated[str, typer.Option(help="salganik, tree, gile or none")] = "salganik",
    bad_degree: Annotated[str, typer.Option(help="error, exclude, median or max")] = "error",
    size_prior_median: Annotated[
        float | None, typer.Option(help="Also estimate the population size from this prior median.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 1,
    plots: Plots = None,
    as_json: AsJson = False,
) -> None:
    """Respondent-driven sample: proportions, diagnostics, figures.

    Example: `survey-toolkit hidden rds rds.csv --id id --recruiter recruiter --degree size --outcome forced`
    """
    from survey_toolkit.hidden_populations import rds_diagnostics, rds_estimate

    sample = _recruitment(file, id, degree, recruiter, seed_marker, coupon, coupons_out, bad_degree)
    diagnostics = rds_diagnostics(sample, outcome)
    if not as_json:
        typer.echo(repr(sample))
        typer.echo(repr(diagnostics))
    with busy("estimating, with bootstrap"):
        result = rds_estimate(
            sample, outcome, estimator=estimator, population_size=population_size,  # type: ignore[arg-type]
            variance=variance, seed=seed,  # type: ignore[arg-type]
        )  # fmt: skip
    results: dict[str, Any] = {"proportions": result}
    if size_prior_median is not None:
        from survey_toolkit.hidden_populations import ss_pse

        with busy("sampling the posterior of the population size"):
            results["population_size"] = ss_pse(sample, prior_median=size_prior_median, seed=seed)
    _say(results, as_json)
    if plots is not None:
        from survey_toolkit.hidden_populations import plot_bottleneck, plot_convergence, plot_recruitment

        _draw(
            plots,
            {
                "recruitment": plot_recruitment(sample, outcome),
                "convergence": plot_convergence(diagnostics),
                "bottleneck": plot_bottleneck(diagnostics),
            },
        )


def _recruitment(
    file: Path, id: str, degree: str, recruiter: str | None, marker: str, coupon: str | None,
    coupons_out: str | None, bad_degree: Any,
) -> Any:  # fmt: skip
    from survey_toolkit.hidden_populations import read_coupons, read_recruiters

    if recruiter is not None:
        return read_recruiters(
            _frame(file), id=id, recruiter=recruiter, degree=degree, seed_marker=marker, bad_degree=bad_degree
        )
    if coupon is None or coupons_out is None:
        raise EstimationError(
            "who recruited whom is not told",
            where="--recruiter",
            hint="give --recruiter, or --coupon and --coupons-out",
        )
    return read_coupons(
        _frame(file), id=id, coupon=coupon, coupons_out=coupons_out, degree=degree, bad_degree=bad_degree
    )


@hidden_app.command("item-count")
def item_count_verb(
    file: File,
    count: Annotated[str, typer.Option(help="Column: how many items apply.")],
    treatment: Annotated[str, typer.Option(help="0-1 column: the list had the sensitive item.")],
    items: Annotated[int | None, typer.Option(help="Items of the control list.")] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(help="Column for a regression; may be repeated.")
    ] = None,
    direct: Annotated[str | None, typer.Option(help="0-1 column of a direct question.")] = None,
    weight: Weight = None,
    strata: Strata = None,
    psu: Psu = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Item count (list experiment): prevalence, tests of the list, regression.

    Example: `survey-toolkit hidden item-count lists.csv --count y --treatment t --items 4 --weight w`
    """
    from survey_toolkit.hidden_populations import item_count

    lists = item_count(_frame(file), count, treatment, items=items, design=_design(weight, strata, psu))
    results: dict[str, Any] = {"difference": lists.difference(by)}
    if direct is not None:
        results["combined"] = lists.combined(direct).estimates
    test, (floor, ceiling) = lists.design_effect_test(), lists.control_shares
    if covariate:
        results["model"] = lists.model(covariate)
    if as_json:
        results |= {"design_effect_p": test.p_value, "floor": floor, "ceiling": ceiling}
    _say(results, as_json)
    if not as_json:
        typer.echo(repr(test))
        typer.echo(f"control list: {floor:.1%} with no item, {ceiling:.1%} with all")


@hidden_app.command("randomized")
def randomized(
    file: File,
    response: Annotated[str, typer.Option(help="0-1 column of the recorded answer.")],
    device: Annotated[str, typer.Option(help="warner, forced, unrelated, crosswise or triangular")],
    p: Annotated[list[float], typer.Option(help="Probabilities of the device, in their order.")],
    weight: Weight = None,
    strata: Strata = None,
    psu: Psu = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Randomized response, crosswise or triangular question.

    Example: `survey-toolkit hidden randomized rr.csv --response same --device crosswise --p 0.25 --weight w`
    """
    from survey_toolkit import hidden_populations as hp
    from survey_toolkit.errors import did_you_mean

    devices: dict[str, tuple[Any, int]] = {
        "warner": (hp.warner, 1), "forced": (hp.forced_response, 2), "unrelated": (hp.unrelated_question, 2),
        "crosswise": (hp.crosswise, 1), "triangular": (hp.triangular, 1),
    }  # fmt: skip
    if device not in devices:
        raise EstimationError(
            "unknown device", where="--device", found=device, expected=did_you_mean(device, devices)
        )
    make, wanted = devices[device]
    if len(p) != wanted:
        raise EstimationError(
            "wrong number of probabilities", where="--p", found=str(len(p)), expected=str(wanted)
        )
    design = _design(weight, strata, psu)
    result = hp.randomized_response(_frame(file), response, make(*p), by=by, design=design)
    _say({"prevalence": result}, as_json)


@hidden_app.command("mark-recapture")
def mark_recapture_verb(
    file: File,
    first: Annotated[str, typer.Option(help="0-1 column: met on the first occasion.")],
    second: Annotated[str, typer.Option(help="0-1 column: met on the second.")],
    outcome: Annotated[str, typer.Option(help="0-1 column: a victim.")],
    bootstrap: Annotated[bool, typer.Option("--bootstrap", help="Bootstrap interval.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prevalence among people met on two occasions.

    Example: `survey-toolkit hidden mark-recapture met.csv --first a --second b --outcome forced`
    """
    from survey_toolkit.hidden_populations import mark_recapture

    got = mark_recapture(
        _frame(file), first=first, second=second, outcome=outcome,
        interval="bootstrap" if bootstrap else "logit",
    )  # fmt: skip
    if not as_json:
        typer.echo(repr(got))
    _say({"prevalence": got.prevalence}, as_json)


@hidden_app.command("compare")
def compare_verb(
    file: Annotated[
        Path, typer.Argument(help="CSV: label, method, estimate, se or ci_low and ci_high, unit, remark.")
    ],
    scale: Annotated[str, typer.Option(help="count or prevalence")] = "count",
    population: Annotated[
        float | None, typer.Option(help="Whole population, to convert between scales.")
    ] = None,
    plots: Plots = None,
    as_json: AsJson = False,
) -> None:
    """Put estimates of one population side by side, and pool them.

    Example: `survey-toolkit hidden compare methods.csv --scale prevalence --population 250000 --plots out`
    """
    from survey_toolkit.hidden_populations import compare, plot_comparison

    rows = _rows(file)
    table = compare(
        {label: {k: v for k, v in row.items() if k != "remark"} for label, row in rows.items()},
        scale=scale,  # type: ignore[arg-type]
        population=population,
        warnings={label: [row["remark"]] for label, row in rows.items() if "remark" in row},
    )
    if as_json:
        print_json(table.to_frame().to_dict("records"))
    else:
        typer.echo(repr(table))
    _draw(plots, {"comparison": plot_comparison(table)})


def _rows(file: Path) -> dict[str, dict[str, Any]]:
    """Rows of a table of estimates by label, without what is missing."""
    frame = _frame(file)
    gone = [c for c in ("label", "estimate", "unit") if c not in frame]
    if gone:
        raise EstimationError("the table lacks columns", where=str(file), found=", ".join(gone) + " missing")
    rows: dict[str, dict[str, Any]] = {}
    for row in frame.to_dict(orient="records"):
        label = str(row.pop("label"))
        if label in rows:
            raise EstimationError("a label stands twice", where=str(file), found=label)
        rows[label] = {k: v for k, v in row.items() if not _missing(v)}
    return rows


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value)) or value == ""
