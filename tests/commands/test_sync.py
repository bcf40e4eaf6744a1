"""`orch sync` and `orch conflicts` in processes of their own, against a real `orch serve`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from orchestrator.journal.canonical import record_json
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.workspaces import find_project
from tests.commands.orch import run, script
from tests.hub.served import answers, served


class Device:
    def __init__(self, root: Path, name: str) -> None:
        self.home = Home(root / name)
        self.home.root.mkdir()
        self.folder = root / f"of-{name}" / "heron"
        self.folder.mkdir(parents=True)

    def orch(self, *args: str, code: int = 0) -> str:
        done = run(*args, cwd=self.folder, ORCH_HOME=str(self.home.root))
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    def ids(self) -> set[str]:
        with SqliteJournal.open(self.home) as journal:
            return {one.id for one in journal.records() if one.stream != "private"}

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


def test_two_devices_and_a_hub_that_is_killed(tmp_path: Path) -> None:
    a, b = Device(tmp_path, "a"), Device(tmp_path, "b")
    hub = Home(tmp_path / "hub")
    model = answers(tmp_path / "hub.json", {"answer": "yes"})
    answering = script(tmp_path / "model.json", {"answer": "It is in quota.py."})
    a.orch("ask", "Where is the quota enforced?", "--model", answering)
    (a.folder / "PROJECT_CONTEXT.md").write_text("# Heron\n\nBilled by the second.\n")
    a.orch("note", "next", "hush", "--private")
    project = find_project(a.folder)
    assert project
    shutil.copytree(a.folder / ".orchestrator", b.folder / ".orchestrator")
    with served(hub, model) as first:
        for device in (a, b):
            device.orch("pair", first.invite(device.home.root.name).text(), "--name", "hub")
        port = first.url.rpartition(":")[2]
        assert json.loads(a.orch("sync", "--json"))["pushed"] > 3
        first.kill()
    with served(hub, model, "--port", port) as second:
        b.orch("sync")
        assert b.text("PROJECT_CONTEXT.md") == a.text("PROJECT_CONTEXT.md")
        assert "Where is the quota enforced?" in b.text("SESSION_BRIEFING.md")
        b.orch("ask", "And the billing?", "--model", answering)
        b.orch("sync")
        second.kill()
    with served(hub, model, "--port", port):
        a.orch("sync", "hub")
        assert a.ids() == b.ids()
        assert a.text("SESSION_LOG.md") == b.text("SESSION_LOG.md")
        for device in (a, b):
            (device.folder / "PROJECT_CONTEXT.md").write_text(f"# Heron\nby {device.home.root.name}\n")
        for device in (a, b, a):
            device.orch("sync")
        listed = a.orch("conflicts", "--json")
        assert listed == b.orch("conflicts", "--json")
        identity = json.loads(listed)["versions"][1]["id"]
        assert a.orch("conflicts", "show", identity[:12]).startswith("# Heron\nby ")
        a.orch("conflicts", "resolve", identity[:12])
        a.orch("sync")
        b.orch("sync")
        assert b.orch("conflicts") == "There are no conflicts.\n"
        assert a.text("PROJECT_CONTEXT.md") == b.text("PROJECT_CONTEXT.md")
    with SqliteJournal.open(hub) as journal:
        assert "hush" not in "".join(json.dumps(record_json(one)) for one in journal.records())


def test_without_a_peer_it_says_what_to_do(tmp_path: Path) -> None:
    assert "orch device add" in Device(tmp_path, "a").orch("sync", code=2)
