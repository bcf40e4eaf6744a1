"""Fixtures for every test: a home of its own, a neutral environment, the real small model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.paths import Home, home

SMALL = "qwen2.5-coder-0.5b"
_USER_HOME = home()  # before any test moves it


@pytest.fixture(autouse=True)
def orch_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh ORCH_HOME for every test."""
    folder = tmp_path_factory.mktemp("orch-home")
    monkeypatch.setenv("ORCH_HOME", str(folder))
    return Home(folder)


@pytest.fixture(scope="session")
def small_model() -> Path:
    """The real 0.5B. It is a failure, not a skip, when it is missing: CI pulls it first."""
    if given := os.environ.get("ORCH_TEST_MODEL"):
        return Path(given)
    path = _USER_HOME.models / f"{SMALL}.gguf"
    if not path.exists():
        pytest.fail(f"{path} is missing: run `orch model pull {SMALL}` first")
    return path
