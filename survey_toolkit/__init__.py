"""Statistics of modern slavery: harmonized definitions in, publishable figures with intervals out.

The public names are loaded when first used, so that ``import survey_toolkit`` stays light::

    import survey_toolkit as st

    reg = st.standards.load()
    data = st.read_microdata("lfs.sav")
    std = st.classify(st.harmonize(data, "crosswalk.yaml"), "forced_labour")
    st.Survey(std, st.SurveyDesign(weight="w", strata="stratum", psu="ea")).proportion("forced_labour")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from survey_toolkit import (
        datasets,
        hidden_populations,
        instruments,
        monitoring,
        multiple_systems,
        sampling,
        standards,
        validation,
    )
    from survey_toolkit.dissemination import plot, write
    from survey_toolkit.errors import SurveyToolkitError
    from survey_toolkit.estimation import Estimates, Survey, SurveyDesign
    from survey_toolkit.indicators import Figure, Figures, Trace
    from survey_toolkit.microdata import (
        Microdata,
        classify,
        harmonize,
        join,
        read_microdata,
        reconcile,
        write_microdata,
    )
    from survey_toolkit.multiple_systems import CaptureHistories, PopulationSize
    from survey_toolkit.standards import Registry
    from survey_toolkit.study import Study, StudyRun

__version__ = "0.1.0"

_MODULES = (
    "datasets",
    "dissemination",
    "estimation",
    "hidden_populations",
    "indicators",
    "instruments",
    "microdata",
    "monitoring",
    "multiple_systems",
    "sampling",
    "standards",
    "study",
    "validation",
)
_HOME = {
    "SurveyToolkitError": "errors",
    "Registry": "standards",
    "Microdata": "microdata",
    "read_microdata": "microdata",
    "write_microdata": "microdata",
    "harmonize": "microdata",
    "join": "microdata",
    "classify": "microdata",
    "reconcile": "microdata",
    "SurveyDesign": "estimation",
    "Survey": "estimation",
    "Estimates": "estimation",
    "CaptureHistories": "multiple_systems",
    "PopulationSize": "multiple_systems",
    "Figure": "indicators",
    "Figures": "indicators",
    "Trace": "indicators",
    "plot": "dissemination",
    "write": "dissemination",
    "Study": "study",
    "StudyRun": "study",
}

__all__ = [
    "CaptureHistories",
    "Estimates",
    "Figure",
    "Figures",
    "Microdata",
    "PopulationSize",
    "Registry",
    "Study",
    "StudyRun",
    "Survey",
    "SurveyDesign",
    "SurveyToolkitError",
    "Trace",
    "__version__",
    "classify",
    "datasets",
    "harmonize",
    "hidden_populations",
    "instruments",
    "join",
    "monitoring",
    "multiple_systems",
    "plot",
    "read_microdata",
    "reconcile",
    "sampling",
    "standards",
    "validation",
    "write",
    "write_microdata",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"survey_toolkit.{name}")
    if name in _HOME:
        value = getattr(import_module(f"survey_toolkit.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'survey_toolkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
