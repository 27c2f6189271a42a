from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.flags import failures, light_of


@pytest.fixture(scope="module")
def clean() -> ms.CaptureHistories:
    """Independent lists, 10,000 people, generously overlapping."""
    rng = np.random.default_rng(7)
    seen = rng.random((10_000, 3)) < [0.5, 0.45, 0.4]
    seen = seen[seen.any(axis=1)].astype(int)
    return ms.CaptureHistories.from_records(dict(zip("ABC", seen.T.tolist(), strict=True)), list("ABC"))


def test_the_report_has_thirteen_sections_in_order(uk5: ms.CaptureHistories) -> None:
    fit = ms.stepwise(uk5)
    report = ms.diagnose(uk5, fit, referrals=[("LA", "NG")])
    assert [s.number for s in report.sections] == list(range(1, 14))
    text = repr(report)
    places = [text.index(f"\n{s.number}. {s.title}") for s in report.sections]
    assert places == sorted(places)
    assert report.light == "caution"
    said = " ".join(t for _, t in report.reasons)
    assert "below the Chao lower bound" in said
    assert "differ by a factor 2.1" in said
    assert "LA to NG" in text
    assert "LA + NG merged" in text
    assert "no overlap between LA:GP" in text
    ranges = {row[0]: row[2] for row in report.section(8).rows}
    assert ranges["without PFNCA"] == "22,623"
    assert ranges["pairwise, BIC"] == "22,991"


def test_a_clean_table_may_be_published(clean: ms.CaptureHistories) -> None:
    fit = ms.loglinear(clean)
    report = ms.diagnose(clean, fit, method=lambda d: ms.loglinear(d))
    assert report.light == "publish", report.reasons
    assert fit.warnings == ()
    assert abs(fit.estimate - 10_000) < 300


def test_tables_that_say_nothing_are_stopped(apart: ms.CaptureHistories) -> None:
    report = ms.diagnose(apart)
    assert report.light == "do not publish"
    assert report.reasons[0][0] == "do not publish"
    assert "Do not publish this number" in repr(report)
    assert "refused" in repr(report)


def test_strata_are_compared_with_the_total(kosovo: ms.CaptureHistories) -> None:
    double = ms.StratifiedHistories.from_strata({"a": kosovo, "b": kosovo})
    sizes = ms.estimate_strata(double, lambda d: ms.loglinear(d, ci="wald"))
    report = ms.diagnose(kosovo, ms.loglinear(kosovo), strata=sizes)
    assert ("caution", "the estimate lies outside the interval of the sum of strata") in report.reasons


def test_html_is_escaped_and_complete() -> None:
    data = ms.CaptureHistories.from_counts({"11": 30, "10": 60, "01": 50}, ["<b>", "B&C"])
    html = ms.diagnose(data, ms.loglinear(data))._repr_html_()
    assert "<b>:B&C" not in html
    assert "&lt;b&gt;" in html
    assert "13. What the estimate assumes" in html
    assert len(ms.diagnose(data).to_frame().columns) == 2


@pytest.mark.parametrize(
    ("change", "text", "light"),
    [
        ({"estimate": 10.0}, "below the people seen", "do not publish"),
        ({"ci_high": float("inf")}, "no upper limit", "do not publish"),
        ({"estimate": 1e6}, "extrapolated", "do not publish"),
        ({"se": 5e4}, "cv above 50 %", "caution"),
        ({"diagnostics": {"r_hat": 1.1}}, "R-hat 1.10", "caution"),
        ({"diagnostics": {"r_hat": 1.5}}, "R-hat 1.50", "do not publish"),
        ({"diagnostics": {"share_at_cap": 0.1}}, "cap on the unseen", "caution"),
        ({"diagnostics": {"probability_at_grid_end": 0.1}}, "end of the grid", "caution"),
        ({"diagnostics": {"share_failed": 0.2}}, "20 % of replicates failed", "caution"),
    ],
)
def test_visible_failures_stand_in_the_table(
    clean: ms.CaptureHistories, change: dict[str, object], text: str, light: str
) -> None:
    bad = replace(ms.loglinear(clean), **change)  # type: ignore[arg-type]
    found = failures(bad)
    assert any(text in t for _, t in found)
    assert light_of(found) == light
    assert text in repr(bad)
    assert text in bad.to_frame()["remark"][0]


def test_every_estimate_of_a_comparison_carries_its_remark(uk5: ms.CaptureHistories) -> None:
    table = ms.compare(uk5, ["independence", "pairwise_bic"])
    frame = table.to_frame().set_index("method")
    assert "below the Chao lower bound" in frame.loc["independence", "remark"]
    assert "near-equal models" in frame.loc["pairwise_bic", "remark"]


def _texts(figure: object) -> str:
    from matplotlib.text import Text

    return " ".join(t.get_text() for t in figure.findobj(Text))  # type: ignore[attr-defined]


def test_plots_say_what_they_show(
    uk5: ms.CaptureHistories, apart: ms.CaptureHistories, tmp_path: object
) -> None:
    best = ms.select(uk5)
    both = ms.compare(uk5, ["chao", "stepwise"])
    overlap = _texts(ms.plot_overlaps(uk5))
    assert "2,744 people" in overlap
    assert "PFNCA" in overlap
    assert "995" in overlap
    models = _texts(ms.plot_models(best))
    assert "1,024 pairwise models" in models
    assert "population size" in models
    forest = _texts(both.plot())
    assert "11,313" in forest
    assert "below the Chao lower bound" in forest
    profile = _texts(ms.plot_profile(uk5, ["LA:NG"]))
    assert "12,608" in profile
    assert "log likelihood" in profile
    refused = _texts(ms.plot_comparison(ms.compare(apart, ["independence"])))
    assert "refused" in refused


def test_a_cut_interval_ends_in_an_arrow_head(uk5: ms.CaptureHistories) -> None:
    both = ms.compare(uk5, ["chao", "stepwise"])
    assert both.plot().findobj(lambda a: a.get_gid() == "cut") == []
    long = {
        name: replace(r, ci_high=h) for (name, r), h in zip(both.results.items(), (np.inf, 1e9), strict=True)
    }
    figure = replace(both, results=long).plot()
    assert len(figure.findobj(lambda a: a.get_gid() == "cut")) == 2
    assert figure.axes[0].get_xlim()[1] < 1e6
    assert "arrow head: the interval goes on beyond the axis" in _texts(figure)
    assert "(9,889 to 1,000,000,000)" in _texts(figure)
    assert str(figure.get_label()).endswith("2 intervals go beyond the axis and end in an arrow head.")
    picture = figure._repr_png_()  # type: ignore[attr-defined]
    assert picture[1]["alt"] == figure.get_label()


def test_models_as_good_are_counted_in_words(uk5: ms.CaptureHistories) -> None:
    best = ms.select(uk5)
    assert best.selection is not None
    assert "2 other models about as good (criterion within 2 of the best): 12,262, 25,978" in repr(best)
    assert any(
        note.startswith("2 other models are about as good as the best (BIC within 2)") for note in best.notes
    )
    two = replace(best, selection=replace(best.selection, ranked=best.selection.ranked[:2]))
    assert "\n  other model about as good (criterion within 2 of the best): 12,262\n" in repr(two)


def test_densities_need_draws(uk5: ms.CaptureHistories) -> None:
    fit = ms.loglinear(uk5)
    drawn = replace(fit, replicates=np.random.default_rng(1).normal(fit.estimate, 500, 400))
    assert f"{fit.estimate:,.0f}" in _texts(ms.plot_density({"bootstrap": drawn}))
    assert "log-linear model" in _texts(ms.plot_density([drawn]))
    with pytest.raises(EstimationError, match="replicates or a posterior"):
        ms.plot_density(fit)
    with pytest.raises(EstimationError, match="family of models"):
        ms.plot_models(fit)


def test_plots_draw_without_a_display(uk5: ms.CaptureHistories, tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "overlaps.png"
    ms.plot_overlaps(uk5, most=5).savefig(path)
    assert path.stat().st_size > 5_000
