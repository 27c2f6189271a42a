"""Read a study file, check it, and find the files it names without leaving its folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from survey_toolkit._yaml import YamlDocument, YamlPath, load_document
from survey_toolkit.errors import StudyError
from survey_toolkit.study.schema import StudySpec

__all__ = ["StudyFolder", "load_spec"]


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The study file, its parsed document and where its data may be looked for.

    Attributes
    ----------
    document : YamlDocument
        Lines for messages.
    folder : Path
        Folder of the study file; paths in the study are relative to it.
    data_folder : Path or None
        A second folder the user named on purpose, for data that stay elsewhere.
    allow_outside : bool
        Whether the user allowed paths that leave the study's folder.
    """

    document: YamlDocument
    folder: Path
    data_folder: Path | None = None
    allow_outside: bool = False

    def find(self, path: str, key: YamlPath) -> Path:
        """Resolve a path of the study; it must exist and stay inside the folders allowed.

        Raises
        ------
        StudyError
            The path leaves the folder, or no such file is there.
        """
        roots = [self.folder] + ([self.data_folder] if self.data_folder else [])
        for root in roots:
            candidate = (root / path).resolve()
            inside = candidate.is_relative_to(root.resolve()) and not _leaves_on_windows(path)
            if not (inside or self.allow_outside):
                raise StudyError(
                    "the path leaves the study's folder",
                    where=self.document.where(key),
                    found=path,
                    expected="a path below the folder of the study file",
                    hint="move the file there, or run with --data FOLDER or --allow-outside",
                    code="path-outside",
                )
            if candidate.is_file():
                return candidate
        raise StudyError(
            "there is no such file",
            where=self.document.where(key),
            found=path,
            expected="a file below " + " or ".join(f"'{_shown(root)}'" for root in roots),
            hint="check the name; paths are relative to the study file, or to the folder that --data names",
            code="missing-file",
        )


def load_spec(
    path: str | os.PathLike[str],
    *,
    data_folder: str | os.PathLike[str] | None = None,
    allow_outside: bool = False,
) -> tuple[StudySpec, StudyFolder]:
    """Read and validate a study file; all its problems are told at once, with lines.

    Raises
    ------
    StudyError
        The file is missing, is not YAML, or says something a study cannot say.
    """
    document = load_document(path, error=StudyError)
    if not isinstance(document.data, dict):
        raise StudyError(
            "this is not a study file",
            where=document.where(),
            expected="keys such as id, title, country, period, survey, indicators",
            hint="start from a shipped study: survey-toolkit demo writes two",
        )
    spec = document.validate(StudySpec, error=StudyError)
    data = Path(data_folder) if data_folder is not None else None
    if data is not None and not data.is_dir():
        raise StudyError(
            "the data folder does not exist",
            where=str(data_folder),
            code="missing-folder",
            hint="check the path of --data",
        )
    return spec, StudyFolder(document, Path(path).resolve().parent, data, allow_outside)


def _leaves_on_windows(path: str) -> bool:
    r"""Whether Windows would read the path as one that leaves the folder; refused on every system.

    A study written on one system is run on another: ``..\x``, ``C:x`` and a share mean the same everywhere.
    """
    windows = PureWindowsPath(path)
    depth = 0
    for part in windows.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return bool(windows.drive or windows.root)


def _shown(folder: Path) -> str:
    """A folder as the user would name it: relative to where they stand if that is shorter."""
    try:
        return os.path.relpath(folder)
    except ValueError:  # another drive on Windows
        return str(folder)
