"""Desktop, hub and edge as processes, three homes on loopback, on the real small model."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.workspaces import find_project
from tests.commands.orch import ORCH
from tests.commands.test_sync import Device
from tests.hub.served import served

MODEL = "qwen2.5-coder-0.5b"
OFFLINE = "What is a heron?"
ONLINE = "What does a ledger do?"


def node(folder: Path, name: str, model_home: Home) -> Device:
    made = Device(folder, name)
    settings = f'[model]\nname = "{MODEL}"\nmax_answer_tokens = 16\n\n[snapshots]\nprewarm = "off"\n'
    made.home.config.write_text(settings, encoding="utf-8")
    os.symlink(model_home.models, made.home.models)
    return made


@pytest.mark.model
def test_what_was_asked_on_the_edge_offline_reaches_the_desktop(model_home: Home, tmp_path: Path) -> None:
    desktop, edge = (node(tmp_path, name, model_home) for name in ("desktop", "edge"))
    hub = node(tmp_path, "hub", model_home).home
    desktop.orch("note", "decision", "The ledger is kept in SQLite", "--because", "one file is enough")
    project = find_project(desktop.folder)
    assert project
    shutil.copytree(desktop.folder / ".orchestrator", edge.folder / ".orchestrator")
    with served(hub, MODEL) as first:
        for device in (desktop, edge):
            device.orch("pair", first.invite(device.home.root.name).text(), "--name", "hub")
        port = first.url.rpartition(":")[2]
        desktop.orch("sync")
        first.kill()
    assert edge.orch("edge", "ask", "--quiet", OFFLINE)
    with served(hub, MODEL, "--port", port) as second:
        environment = {**os.environ, "ORCH_HOME": str(edge.home.root)}
        syncing = subprocess.Popen([*ORCH, "sync"], cwd=edge.folder, env=environment)
        second.kill()  # before, in or after a page: it is tried again
        with served(hub, MODEL, "--port", port):
            syncing.wait(120)
            edge.orch("sync")
            desktop.orch("sync")
            assert OFFLINE in desktop.text("SESSION_BRIEFING.md")
            assert "kept in SQLite" in edge.text("SESSION_BRIEFING.md")
            assert edge.ids() == desktop.ids()
            assert edge.text("SESSION_LOG.md") == desktop.text("SESSION_LOG.md")
            assert edge.orch("edge", "ask", "--quiet", "--no-sync", ONLINE)
            with SqliteJournal.open(edge.home) as journal:
                answer = journal.records(project=project.id, kinds=["message"])[-1]
            assert answer.body
            assert answer.body["server"] == "hub"
            assert answer.body["text"]
            for device in (edge, desktop):
                device.orch("sync")
            assert ONLINE in desktop.text("SESSION_LOG.md")
    with served(hub, MODEL, "--port", port):  # it has closed what the killed one had open
        for device in (edge, desktop, edge):
            device.orch("sync")
        with SqliteJournal.open(hub) as journal:
            known = {one.id for one in journal.records() if one.stream == project.id}
        for device in (edge, desktop):
            with SqliteJournal.open(device.home) as journal:
                assert {one.id for one in journal.records() if one.stream == project.id} == known
        assert edge.text("SESSION_LOG.md") == desktop.text("SESSION_LOG.md")
        # The edge and the hub both recorded it; documents tell of it once.
        assert edge.text("SESSION_LOG.md").count("### Starting Context") == 2
        assert edge.text("SESSION_BRIEFING.md").count(ONLINE) == 1
