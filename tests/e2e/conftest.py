"""A small repository, and a home in which the real small model is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import run

GIT = ["git", "-c", "user.name=Ines", "-c", "user.email=ines@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture(scope="session")
def model_home(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One home for all real-model tests, so that the first one's snapshot serves the others."""
    where = Home(tmp_path_factory.mktemp("model-home"))
    where.models.mkdir()
    for file in small_model.parent.glob(f"{small_model.name}*"):
        os.symlink(file, where.models / file.name)
    run("model", "add", str(small_model), cwd=where.root, ORCH_HOME=str(where.root))
    return where


@pytest.fixture
def with_model(model_home: Home, orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh home that shares the model, its snapshots and its calibration.

    Nothing is warmed in the background there: no process may outlive the test that started it.
    """
    orch_home.config.write_text('[snapshots]\nprewarm = "off"\n', encoding="utf-8")
    for name in ("models", "snapshots", "threads.json"):
        source = model_home.root / name
        if name == "snapshots":
            source.mkdir(exist_ok=True)
        if source.exists():
            os.symlink(source, orch_home.root / name)
    return orch_home


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    """A made-up project under git."""
    root = tmp_path / "heron"
    (root / "heron").mkdir(parents=True)
    (root / "heron/quota.py").write_text(
        "class QuotaExceeded(Exception):\n    pass\n\n\n"
        "def charge(account, amount):\n"
        "    if account.left < amount:\n"
        "        raise QuotaExceeded(account.name)\n"
        "    account.left -= amount\n",
        encoding="utf-8",
    )
    (root / "README.md").write_text("# Heron\n\nBills calls by the second.\n", encoding="utf-8")
    (root / "settings.toml").write_text('port = 8080\nretries = 3\nname = "heron"\n', encoding="utf-8")
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    subprocess.run([*GIT, "-C", str(root), "add", "-A"], check=True)
    subprocess.run([*GIT, "-C", str(root), "commit", "-qm", "First"], check=True)
    return root
