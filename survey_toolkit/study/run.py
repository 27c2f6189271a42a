"""Run a study: every stage in order, and the result that can be explained and published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from survey_toolkit.dissemination import DisclosurePolicy, ReportContext, protect, write_outputs
from survey_toolkit.errors import StudyError, shell_word
from survey_toolkit.indicators import Figure, Figures, apply_quality, explain, read_figures
from survey_toolkit.standards import Registry
from survey_toolkit.standards import load as load_standards
from survey_toolkit.study.capture import CaptureBranch, capture_figures
from survey_toolkit.study.context import report_context
from survey_toolkit.study.load import StudyFolder, load_spec
from survey_toolkit.study.plan import PlannedSeries, classified, plan_series
from survey_toolkit.study.schema import StudySpec
from survey_toolkit.study.survey import Progress, SurveyBranch, Truth, survey_figures, truth_table

__all__ = ["Study", "StudyRun", "published_figures"]


def _silent(text: str, share: float) -> None:
    """No progress bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRun:
    """Result of a study.

    Attributes
    ----------
    spec : StudySpec
    figures : Figures
        As published: reliability judged, small cells suppressed.
    survey : SurveyBranch or None
        Microdata, estimates and design, for those who may see them.
    capture : CaptureBranch or None
        Lists and the multiple systems estimate.
    context : ReportContext
        What the report says beside the figures.
    """

    spec: StudySpec
    figures: Figures
    survey: SurveyBranch | None
    capture: CaptureBranch | None
    context: ReportContext

    @property
    def id(self) -> str:
        """Id of the study; names its output folder."""
        return self.spec.id

    @property
    def title(self) -> str:
        """Title of the study."""
        return self.spec.title

    def explain(self, figure: str) -> str:
        """Walk the figures an id names back to the source paragraph.

        Raises
        ------
        SurveyToolkitError
            If no figure has this id; names the nearest.
        """
        return "\n\n".join(explain(f) for f in self.figures.match(figure))

    def report(self, folder: str | os.PathLike[str], *, formats: Sequence[str] | None = None) -> Path:
        """Write the outputs into a folder of their own; all of them or none.

        Parameters
        ----------
        folder : path
            Made if needed; replaced if an earlier run made it, refused if somebody else did.
        formats : sequence of str, optional
            Default: those the study names.

        Returns
        -------
        Path
            The folder.
        """
        write_outputs(self.figures, folder, formats or self.spec.outputs.formats, self.context)
        return Path(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study file that has been read and checked.

    Attributes
    ----------
    spec : StudySpec
    folder : StudyFolder
    registry : Registry
    """

    spec: StudySpec
    folder: StudyFolder
    registry: Registry

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        data_folder: str | os.PathLike[str] | None = None,
        standards: str | os.PathLike[str] | None = None,
        allow_outside: bool = False,
    ) -> Study:
        """Read a study file.

        Parameters
        ----------
        path : path
            The YAML file; paths in it are relative to its folder and may not leave it.
        data_folder : path, optional
            A second folder to look for data files in.
        standards : path, optional
            A national folder of standards; default: the shipped one.
        allow_outside : bool
            Let paths leave the folder.

        Raises
        ------
        StudyError, DefinitionError
            All problems of the file at once, with lines.
        """
        spec, folder = load_spec(path, data_folder=data_folder, allow_outside=allow_outside)
        return cls(spec=spec, folder=folder, registry=load_standards(standards))

    def run(self, progress: Progress | None = None) -> StudyRun:
        """Read, harmonize, classify, estimate, judge and protect.

        Parameters
        ----------
        progress : callable, optional
            Told what is being done, and the share that is finished.
        """
        tell = progress or _silent
        tell("checking the study", 0.0)
        planned = plan_series(self.spec, self.folder, self.registry)
        software = _software()
        survey = self._survey(planned, software, tell)
        capture = self._capture(planned, software, tell)
        found = Figures((*(survey.figures if survey else ()), *(capture.figures if capture else ())))
        tell("protecting small cells", 0.95)
        rule = self.spec.disclosure
        policy = DisclosurePolicy(threshold=rule.min_count, reason=rule.reason or "")
        protected = protect(apply_quality(found, policy=self.spec.quality), policy)
        context = report_context(
            self.spec, self.registry, planned, protected.report, survey, capture, software
        )
        tell("done", 1.0)
        return StudyRun(
            spec=self.spec, figures=protected.figures, survey=survey, capture=capture, context=context
        )

    def _survey(self, planned: Sequence[PlannedSeries], software: str, tell: Progress) -> SurveyBranch | None:
        wanted = [p for p in planned if p.from_survey]
        if self.spec.survey is None or not wanted:
            return None
        return survey_figures(
            self.spec,
            self.spec.survey,
            self.folder,
            self.registry,
            classified(self.spec, self.folder, self.registry),
            wanted,
            truth=self._truth(),
            software=software,
            progress=tell,
        )

    def _capture(
        self, planned: Sequence[PlannedSeries], software: str, tell: Progress
    ) -> CaptureBranch | None:
        wanted = [p for p in planned if not p.from_survey]
        if self.spec.capture is None or not wanted:
            return None
        return capture_figures(
            self.spec, self.spec.capture, self.folder, self.registry, wanted, software=software, progress=tell
        )

    def _truth(self) -> Truth:
        if self.spec.truth is None:
            return {}
        import pandas as pd

        path = self.folder.find(self.spec.truth, ("truth",))
        try:
            return truth_table(pd.read_csv(path, dtype=str, keep_default_na=False))
        except ValueError as exc:
            if isinstance(exc, StudyError):
                raise
            raise StudyError(
                "the table of true values cannot be read", where=path.name, found=type(exc).__name__
            ) from None


def published_figures(out: str | os.PathLike[str]) -> Figures:
    """Figures of an output folder, or of all runs below it; a copy that ``publish`` wrote counts once.

    Raises
    ------
    StudyError
        If there is no ``figures.json`` there, or two runs have other figures under the same id.
    """
    root = Path(out)
    files = (
        [root / "figures.json"] if (root / "figures.json").is_file() else sorted(root.glob("*/figures.json"))
    )
    if not files:
        raise StudyError(
            "no published figures here",
            where=str(out),
            expected="a folder with figures.json, as a run writes it",
            hint="run a study first, or name its folder with --out",
            code="no-figures",
        )
    found: dict[str, tuple[Figure, Path]] = {}
    for file in files:
        for figure in read_figures(file):
            first, home = found.setdefault(figure.id, (figure, file))
            if first != figure:
                raise StudyError(
                    "two runs have other figures under the same id",
                    where=str(out),
                    found=f"{figure.id} in {home.parent} and in {file.parent}",
                    expected="one of them",
                    hint=f"name the folder of the run: --out {shell_word(str(home.parent))}",
                    code="duplicate-figure",
                )
    return Figures(figure for figure, _ in found.values())


def _software() -> str:
    from survey_toolkit import __version__

    return f"survey_toolkit {__version__}"
