"""Fixtures: the framework, and the six-country example, built once and copied where a test changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from survey_toolkit.indicators.frameworks import Framework, load_framework
from survey_toolkit.monitoring import (
    Compiled,
    Workspace,
    compile_workspace,
    create_example,
    example_figures,
    open_workspace,
)


@pytest.fixture(scope="session")
def plan() -> Framework:
    return load_framework("commit-spa4")


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Read only; tests that write take ``workspace``."""
    return create_example(tmp_path_factory.mktemp("example") / "commit")


@pytest.fixture(scope="session")
def compiled(example: Workspace) -> Compiled:
    return compile_workspace(example, figures=example_figures())


@pytest.fixture
def workspace(example: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(example.folder, tmp_path / "commit")
    return open_workspace(tmp_path / "commit")
