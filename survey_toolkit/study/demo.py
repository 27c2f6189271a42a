"""The two shipped studies, laid out in a folder as a user's own studies would be."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from survey_toolkit.study.survey import Progress

__all__ = ["prepare_demo", "shipped_study"]


def shipped_study(name: str) -> Path:
    """Folder of a shipped study: ``uk_2013``, ``simulated_country_2024``, ``ecu_enemdu_2021q1``."""
    return Path(str(files("survey_toolkit"))) / "datasets" / "studies" / name


def prepare_demo(folder: Path, *, seed: int, progress: Progress) -> tuple[Path, ...]:
    """Copy the two studies and draw the simulated survey's files.

    Parameters
    ----------
    folder : Path
        Gets one folder a study; each can be run again with ``survey-toolkit run``.
    seed : int
        Seed of the simulated country and of its sample.
    progress : callable
        Told what is being done.

    Returns
    -------
    tuple of Path
        The study folders.
    """
    from survey_toolkit.datasets import simulate_country

    progress("copying the studies", 0.0)
    uk = _copy("uk_2013", folder)
    simulated = _copy("simulated_country_2024", folder)
    progress("simulating a country", 0.1)
    country = simulate_country(seed=seed)
    progress("drawing a survey", 0.6)
    survey = country.draw_sample(seed=seed)
    progress("writing SPSS and Stata files", 0.7)
    survey.write(simulated)
    country.write_truth(simulated / "truth.csv")
    with (simulated / "study.yaml").open("a", encoding="utf-8") as handle:
        handle.write(f"seed: {seed}\n")
    return uk, simulated


def _copy(name: str, folder: Path) -> Path:
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    for file in shipped_study(name).iterdir():
        if file.is_file():
            shutil.copyfile(file, target / file.name)
    return target
