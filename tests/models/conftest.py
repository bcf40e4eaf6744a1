"""Models' tests see no Ollama and no download folder but their own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def bare_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, empty; nothing listens where Ollama would."""
    user = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("USERPROFILE", str(user))
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    return user
