"""The study file: the whole run in one YAML, from data files to published figures."""

from __future__ import annotations

from survey_toolkit.study.demo import prepare_demo, shipped_study
from survey_toolkit.study.new import StudyPlan, new_study
from survey_toolkit.study.run import Study, StudyRun, published_figures
from survey_toolkit.study.schema import StudySpec, json_schema

__all__ = [
    "Study",
    "StudyPlan",
    "StudyRun",
    "StudySpec",
    "json_schema",
    "new_study",
    "prepare_demo",
    "published_figures",
    "shipped_study",
]
