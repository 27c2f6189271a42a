"""A small publication for the tests: survey figures with every status, and a multiple systems figure."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from survey_toolkit.dissemination import (
    AuditEntry,
    DefinitionEntry,
    DisclosurePolicy,
    IndicatorEntry,
    Note,
    Protected,
    ReportContext,
    protect,
)
from survey_toolkit.indicators import (
    POLICIES,
    Figures,
    FileRecord,
    TraceParts,
    TraceStep,
    apply_quality,
    figures_from_estimates,
    figures_from_population_size,
)

FILES = (FileRecord(name="survey.sav", sha256="ab12" * 16, rows=9120),)
SOFTWARE = "survey_toolkit 0.1.0"

EA = SimpleNamespace(
    id="SL_TLF_CHLDEA",
    label={"en": "Proportion of children engaged in economic activity"},
    variable="child_labour_a",
    statistic="proportion",
    unit="PT",
    universe={"en": "children aged 5-17"},
    sdmx={"AGE": "Y5T17"},
    custom=False,
)
EAN = SimpleNamespace(
    **{
        **vars(EA),
        "id": "SL_TLF_CHLDEAN",
        "label": "Number of children engaged in economic activity",
        "statistic": "total",
        "unit": "NUMBER",
    }
)
FL = SimpleNamespace(
    id="FL_PREV",
    label="Adults in forced labour",
    variable="forced_labour",
    statistic="proportion",
    unit="PER_1000_POP",
    universe="adults 18 and over",
    sdmx={"AGE": "Y_GE18"},
    custom=True,
)
DETV = SimpleNamespace(
    id="VC_HTF_DETV",
    label="Detected victims of human trafficking",
    variable=None,
    statistic="count",
    unit="NUMBER",
    universe="people",
    sdmx={},
    custom=False,
)
DETVR = SimpleNamespace(
    **{
        **vars(DETV),
        "id": "VC_HTF_DETVR",
        "statistic": "rate",
        "unit": "PER_100000_POP",
        "label": "Detected rate",
    }
)
MSE = SimpleNamespace(
    **{
        **vars(DETV),
        "id": "VC_HTF_MSE",
        "statistic": "population_size",
        "custom": True,
        "label": "Victims of human trafficking, detected and undetected",
    }
)
MSER = SimpleNamespace(
    **{
        **vars(MSE),
        "id": "VC_HTF_MSER",
        "statistic": "rate",
        "unit": "PER_100000_POP",
        "label": "Estimated rate",
    }
)
LABELS = {
    "sex": {"F": "Female", "M": "Male"},
    "age_band": {"5-11": "5 to 11 years", "12-14": "12 to 14 years", "15-17": "15 to 17 years"},
}

REGIONS = {"1": "North", "2": "Coast and river plain", "3": "South", "4": "Islands"}

#: Children and economically active children by sex and age band.
CHILDREN = {
    ("F", "5-11"): (812, 3), ("F", "12-14"): (371, 31), ("F", "15-17"): (346, 62),
    ("M", "5-11"): (848, 19), ("M", "12-14"): (389, 52), ("M", "15-17"): (351, 97),
}  # fmt: skip


def counts(by: tuple[str, ...]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Children and positives by the dimensions named."""
    places = [("sex", "age_band").index(d) for d in by]
    out: dict[tuple[str, ...], tuple[int, int]] = {}
    for cell, (n, k) in CHILDREN.items():
        key = tuple(cell[i] for i in places)
        before = out.get(key, (0, 0))
        out[key] = (before[0] + n, before[1] + k)
    return out


def estimates(by: tuple[str, ...], table: dict[tuple[str, ...], tuple[int, int]], scale: float = 1.0) -> Any:
    """What estimation returns, with plausible numbers; ``scale`` above 1 makes totals."""
    n = np.array([v[0] for v in table.values()], dtype=float)
    k = np.array([v[1] for v in table.values()], dtype=float)
    p = k / n
    se = np.sqrt(p * (1 - p) / n * 1.4)
    factor = 1.0 if scale == 1.0 else n * scale
    return SimpleNamespace(
        statistic="proportion", variable="child_labour_a", unit="", domain_names=by, domains=tuple(table),
        estimate=p * factor, se=se * factor, ci_low=np.clip(p - 1.96 * se, 0, 1) * factor,
        ci_high=np.clip(p + 1.96 * se, 0, 1) * factor, cv=se / np.where(p > 0, p, math.nan),
        deff=np.full(len(n), 1.4), df=np.full(len(n), 96.0), n=n, n_psu=np.full(len(n), 120.0), n_positive=k,
        n_undetermined=np.round(n * 0.012), bound_low=p * 0.985 * factor,
        bound_high=(p * 0.985 + 0.012) * factor,
        level=0.95, method="Proportion, Taylor linearization, logit interval", notes=(),
    )  # fmt: skip


def parts() -> TraceParts:
    return TraceParts(
        design=TraceStep(
            kind="design",
            title="stratified two-stage sample",
            text="16 strata, 240 enumeration areas, weights w; lonely PSUs: adjust",
        ),
        steps=(
            TraceStep(
                kind="variable",
                title="harmonized variables",
                text="age, ea_hours",
                children=(
                    TraceStep(kind="variable", title="age", text="from HH05, completed years"),
                    TraceStep(
                        kind="variable", title="ea_hours", text="from CL4, hours in the reference week"
                    ),
                ),
            ),
            TraceStep(
                kind="rule",
                title="Child in economic activity",
                text="age 5-11 with at least 1 hour; 12-14 with at least 14; 15-17 with at least 43",
                children=(
                    TraceStep(
                        kind="criterion",
                        title="cl.ea_hours_5_11",
                        text="one hour or more",
                        reference="SDG metadata 8.7.1",
                    ),
                ),
            ),
            TraceStep(
                kind="definition", title="child_labour@sdg-2021", text="Child labour, SDG indicator 8.7.1"
            ),
            TraceStep(kind="source", title="SDG metadata 8.7.1", reference="section 2.a; verified"),
        ),
        files=FILES,
        software=SOFTWARE,
        seed=20260101,
    )


def survey_figures(truth: bool = True) -> Figures:
    dims = ("sex", "age_band")
    common: dict[str, Any] = {
        "country": "KHM", "period": "2024", "definition": "child_labour", "version": "sdg-2021",
        "dimensions": dims, "labels": LABELS, "trace": parts(),
    }  # fmt: skip
    figures = Figures()
    for by in ((), ("sex",), ("age_band",), dims):
        table = counts(by)
        known = {
            tuple(dict(zip(by, cell, strict=True)).get(d, "_T") for d in dims): k / n * 1.03
            for cell, (n, k) in table.items()
        }
        figures += figures_from_estimates(
            "8.7.1", EA, estimates(by, table), truth=known if truth else None, **common
        )
        figures += figures_from_estimates(
            "8.7.1", EAN, estimates(by, table, 412.0), first_series=False, **common
        )
    rare = {(): (7363, 13)}
    regions = {(str(i),): (n, k) for i, (n, k) in enumerate([(1800, 5), (2500, 8), (3041, 0), (22, 0)], 1)}
    for by, table in (((), rare), (("region",), regions)):
        figures += figures_from_estimates(
            "forced_labour", FL, estimates(by, table), **{**common, "dimensions": ("region",)} | {
                "definition": "forced_labour", "version": "icls20-2018",
                "labels": {"region": REGIONS},
            }
        )  # fmt: skip
    return figures


def mse_figures(observed: int = 2744) -> Figures:
    result = SimpleNamespace(
        estimate=np.array([11313.0]), se=np.array([925.0]), ci_low=np.array([9900.0]),
        ci_high=np.array([13010.0]), cv=np.array([0.082]), df=np.array([math.nan]), n=np.array([observed]),
        method="log-linear model, interval by profile likelihood", model="LA + NG + PFNCA + GO + GP + LA:NG",
        verdict="estimate exists; deviance 14.1 on 18 df", level=0.95,
    )  # fmt: skip
    common: dict[str, Any] = {
        "country": "GBR", "period": "2013", "definition": "trafficking", "version": "palermo-2000",
        "trace": TraceParts(
            design=TraceStep(kind="lists", title="five lists", text="police and crime agency merged"),
            steps=(
                TraceStep(kind="definition", title="trafficking@palermo-2000", text="Trafficking in persons"),
                TraceStep(kind="indicator", title="16.2.2"),
                TraceStep(kind="source", title="Palermo Protocol", reference="article 3; verified"),
            ),
            files=(FileRecord(name="uk_2013.csv", sha256="cd34" * 16),),
            software=SOFTWARE,
        ),
    }  # fmt: skip
    figures = figures_from_population_size("16.2.2", DETV, result, **common)
    figures += figures_from_population_size(
        "16.2.2", DETVR, result, measure="detected", population=64_105_700, first_series=False, **common
    )
    figures += figures_from_population_size("16.2.2", MSE, result, first_series=False, **common)
    return figures + figures_from_population_size(
        "16.2.2", MSER, result, measure="estimated", population=64_105_700, first_series=False, **common
    )


def protected() -> Protected:
    return protect(apply_quality(survey_figures() + mse_figures()))


def context(**changes: Any) -> ReportContext:
    values: dict[str, Any] = {
        "title": "Children and adults in work they should not do",
        "subtitle": "Child labour, forced labour and trafficking: figures with intervals",
        "country": "Cambodia",
        "period": "2024",
        "producer": "National Institute of Statistics",
        "source": "Household survey 2024 (simulated)",
        "software": SOFTWARE,
        "design": "Stratified two-stage sample: 240 enumeration areas in 16 strata, 12 households in each.",
        "methods": (
            Note(
                title="Estimator and interval",
                paragraphs=("Ratio of weighted totals, Taylor linearization. Logit intervals, t quantiles.",),
            ),
        ),
        "caveats": (
            Note(
                title="Detected victims are not all victims",
                paragraphs=(
                    "SDG 16.2.2 counts detected victims. Fewer detections do not mean less trafficking.",
                ),
            ),
        ),
        "indicators": (
            IndicatorEntry(
                id="8.7.1", title="Children aged 5-17 engaged in child labour", reference="SDG 8.7.1"
            ),
            IndicatorEntry(
                id="forced_labour", title="Adults in forced labour", reference="20th ICLS guidelines"
            ),
            IndicatorEntry(
                id="16.2.2",
                title="Victims of human trafficking per 100,000 population",
                caveats=("Detected and estimated numbers are different things.",),
            ),
        ),
        "definitions": (
            DefinitionEntry(
                id="child_labour",
                version="sdg-2021",
                title="Child labour, SDG indicator 8.7.1",
                text="Children in economic activity for more hours than their age allows.",
                status="current",
                in_force="since 2021",
                rules=(("Child in economic activity", "age 5-11 and at least 1 hour, or …"),),
                criteria=(("cl.ea_hours_5_11", "one hour or more at 5-11"),),
                references=(("SDG metadata 8.7.1", "section 2.a", "verified"),),
            ),
        ),
        "audits": (
            AuditEntry(
                target="ea_hours",
                level="person",
                sources=("CL4",),
                rule="hours, 97-99 are codes",
                n_in=3117,
                n_valid=3080,
                missing={"dont_know": 22, "refused": 15},
            ),
        ),
        "files": FILES,
        "quality_policy": POLICIES["default"].text,
        "disclosure_policy": DisclosurePolicy().text,
        "simulated": True,
        "seed": 20260101,
    }
    return ReportContext(**{**values, **changes})
