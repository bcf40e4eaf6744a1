"""Client and hub killed with SIGKILL among the pages of a push and of a pull: nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from orchestrator.journal import schema
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from orchestrator.workspaces import find_project
from tests.commands.orch import ORCH
from tests.commands.test_sync import Device
from tests.hub.served import Served, answers, served

COUNT = 3000  # six pages


def syncing(device: Device, way: str, pages: int) -> subprocess.Popen[str]:
    """An `orch sync` of which so many pages have been taken in; it is among the next."""
    process = subprocess.Popen(
        [*ORCH, "sync"],
        cwd=device.folder,
        env={**os.environ, "ORCH_HOME": str(device.home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        pages -= line.startswith(f"{way}:")
        if not pages:
            return process
    raise AssertionError("it ended before")


def held(home: Home) -> list[str]:
    """Ids of all that is shared; whole, each once, in database and mirror."""
    with SqliteJournal.open(home) as journal:
        ids = [one.id for one in journal.records() if one.stream != "private"]
        contiguous = journal.rows(schema.CONTIGUOUS, ())
        assert sorted(contiguous) == sorted(journal.rows("SELECT * FROM heads", ()))
        everything = len(journal.rows("SELECT 1 FROM records", ()))
    lines = home.memory_log.read_text().splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == len(lines) == everything
    assert len(ids) == len(set(ids))
    return sorted(ids)


def test_kills_among_pages_lose_and_double_nothing(tmp_path: Path) -> None:
    a, b = Device(tmp_path, "a"), Device(tmp_path, "b")
    hub = Home(tmp_path / "hub")
    model = answers(tmp_path / "m.json")
    a.orch("init")
    project = find_project(a.folder)
    assert project
    shutil.copytree(a.folder / ".orchestrator", b.folder / ".orchestrator")
    with SqliteJournal.open(a.home) as journal:
        journal.append(
            [
                Entry("message", {"role": "user", "text": f"lamp {n}"}, project.id, "5e55")
                for n in range(COUNT)
            ]
        )
    port = "0"

    def up() -> Served:
        return stack.enter_context(served(hub, model, "--port", port))

    with contextlib.ExitStack() as stack:
        running = up()
        port = running.url.rpartition(":")[2]
        for device in (a, b):
            device.orch("pair", running.invite(device.home.root.name).text(), "--name", "hub")
        kills: tuple[tuple[Device, str], ...] = ((a, "push"), (b, "pull"))
        for device, way in kills:
            client = syncing(device, way, 2)
            client.kill()
            client.communicate()
            client = syncing(device, way, 2)
            running.kill()
            running = up()  # where that is soon enough, the client goes on with it by itself
            client.communicate(timeout=120)
            device.orch("sync")
    wanted = held(a.home)
    assert len(wanted) >= COUNT
    assert held(hub) == held(b.home) == wanted
