"""The same secrets, planted in every text of a session, and every way out of the program: none gets through.

Commit ids do: evidence rests on them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import config
from orchestrator.journal.redact import redact
from orchestrator.journal.redacted_events import RedactedText
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.sync.engine import SyncEngine
from orchestrator.sync.wire import decode_page, encode_page
from orchestrator.tools.command import Commands
from orchestrator.tools.run import interpreter
from orchestrator.tools.sandbox import TIERS, tried
from tests.commands.orch import run, script
from tests.hub.served import answers, heard, served
from tests.models.model_server import SSE, Answer, as_json, model_server, recorded

SECRETS = {
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2,
    "aws": "AKIA" + "Q7W8E9R0T1Y2U3I4",
    "slack": "xoxb-123456789012-abcdefABCDEF",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "api": "sk-proj-" + "x9Abcdefghij1234567890",
    "google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "gitlab": "glpat-" + "x1Y2z3A4b5C6d7E8f9G0",
    "npm": "npm_" + "a1B2c3D4e5F6g7H8i9" * 2,
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "url": "Zx81-hunter-2",
    "password": "correct-horse-9",
    "key": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAq7ab",
}
COMMIT = "7f3a9c1e5b2d4860f1a2b3c4d5e6f708192a3b4c"
_PLAIN = " ".join(SECRETS[name] for name in list(SECRETS)[:9])
PLANTED = (
    f"see {COMMIT}: {_PLAIN} postgres://me:{SECRETS['url']}@db/x password={SECRETS['password']}\n"
    f"-----BEGIN PRIVATE KEY-----\n{SECRETS['key']}\n-----END PRIVATE KEY-----\n"
)
WAYS: dict[str, Callable[[Path, Home], str]] = {}


def way(look: Callable[[Path, Home], str]) -> Callable[[Path, Home], str]:
    WAYS[look.__name__] = look
    return look


@way
def json_events(project: Path, home: Home) -> str:
    return (project / "events").read_text()


@way
def journal(project: Path, home: Home) -> str:
    """Every file of the node: database, write-ahead log, index, mirror."""
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert home.journal in files
    return "".join(path.read_text("latin-1") for path in files)


@way
def mirror(project: Path, home: Home) -> str:
    return home.memory_log.read_text()


@way
def session_log(project: Path, home: Home) -> str:
    return (project / "SESSION_LOG.md").read_text()


@way
def briefing(project: Path, home: Home) -> str:
    return (project / "SESSION_BRIEFING.md").read_text()


@way
def export(project: Path, home: Home) -> str:
    return "".join(run("export", "--format", form, cwd=project).stdout for form in ("jsonl", "markdown"))


@way
def recalled(project: Path, home: Home) -> str:
    return run("recall", COMMIT, cwd=project).stdout


@way
def sync_pages(project: Path, home: Home) -> str:
    with SqliteJournal.open(home) as journal:
        pages = [decode_page(encode_page(page)) for page in SyncEngine(journal).pages({})]
    return "".join(line.decode() for page in pages for line in page.lines)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Home]:
    """Secrets in the prompt, a file, a command and its output, a note and the answer."""
    project, home = tmp_path_factory.mktemp("heron"), Home(tmp_path_factory.mktemp("home"))
    (project / "settings.env").write_text(PLANTED)
    model = script(
        home.root.parent / "secrets.json",
        {"tool": "read", "arguments": {"path": "settings.env"}},
        {"tool": "shell", "arguments": {"command": f"cat settings.env; echo '{PLANTED}'"}},
        {"tool": "write", "arguments": {"path": "copy.env", "content": PLANTED}},
        {"tool": "note", "arguments": {"kind": "decision", "text": f"We deploy with {PLANTED}"}},
        {"answer": f"They are {PLANTED}"},
    )
    where = {"ORCH_HOME": str(home.root)}
    asked = ("ask", f"What of {PLANTED}?", "--model", model, "--json", "--mode", "workspace")
    done = run(*asked, "--approve", "always", cwd=project, **where)
    assert done.returncode == 0, done.stderr
    for kind in ("lesson", "next"):
        assert run("note", kind, PLANTED, cwd=project, **where).returncode == 0
    (project / "events").write_text(done.stdout)
    return project, home


def leaked(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text]


@pytest.mark.parametrize("look", WAYS.values(), ids=WAYS)
def test_no_way_out_for_a_secret(
    look: Callable[[Path, Home], str], session: tuple[Path, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, home = session
    monkeypatch.setenv("ORCH_HOME", str(home.root))
    text = look(project, home)
    assert leaked(text) == []
    assert "[redacted:" in text
    assert COMMIT in text


def test_the_session_had_them_all(session: tuple[Path, Home]) -> None:
    project, _ = session
    assert leaked((project / "copy.env").read_text()) == list(SECRETS)


def test_a_hub_tells_and_keeps_none(tmp_path: Path) -> None:
    home = Home(tmp_path / "hub")
    with served(home, answers(tmp_path / "s.json", {"answer": f"They are {PLANTED}"})) as hub:
        with hub.pair() as client:
            told = client.post("/chat/stream", json={"prompt": f"What of {PLANTED}?"}).text
            run_id = next(data["run"] for _, kind, data in heard(told) if kind == "started")
            again = client.get(f"/runs/{run_id}/events").text
            history = client.get(f"/device/{client.headers['x-device']}/history").text
        on_disk = "".join(path.read_text("latin-1") for path in home.root.rglob("*") if path.is_file())
    for text in (told, again, history, on_disk):
        assert leaked(text) == []
        assert COMMIT in "".join(text.split()) or COMMIT in "".join(
            data["text"] for _, kind, data in heard(text) if kind == "token"
        )


def test_a_model_elsewhere_gets_none(orch_home: Home, tmp_path: Path) -> None:
    (tmp_path / "PROJECT_CONTEXT.md").write_text(f"# Heron\n\n{PLANTED}")
    with model_server() as server:
        listed = {"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 8192}]}
        server.answers["/v1/models"] = [as_json(listed)]
        server.answers["/v1/chat/completions"] = [Answer(recorded("openai_answer.sse"), SSE)]
        config.store(orch_home.config, "server.url", f"http://0.0.0.0:{server.port}/v1")
        done = run("ask", f"What of {PLANTED}?", "--model", "openai:m", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        sent = json.dumps([asked.body for asked in server.to("/v1/chat/completions")])
    assert leaked(sent) == []
    assert sent.count(COMMIT) == 2


@settings(max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_pieces_hide_nothing(sizes: list[int]) -> None:
    text, told, stream = PLANTED * 3, "", RedactedText()
    for size in (*sizes, len(text)):
        told += stream.add(text[:size])
        text = text[size:]
    told += stream.rest()
    assert leaked(told) == []
    assert told.count(COMMIT) == 3
    long = (
        f"-----BEGIN PRIVATE KEY-----\n{(SECRETS['key'] + chr(10)) * 200}-----END PRIVATE KEY-----\nthe end\n"
    )
    shown = "".join(stream.add(line) for line in long.splitlines(keepends=True)) + stream.rest()
    assert leaked(shown) == []
    assert shown.endswith("the end\n")
    plain = "No secret is here.\n" * 2000
    assert stream.add(plain) + stream.rest() == plain


def test_a_word_is_passed_on_as_soon_as_it_has_ended() -> None:
    stream = RedactedText()
    assert [stream.add(piece) for piece in ("Hel", "lo ", "wor", "ld\n", "好的")] == [
        "",
        "Hello ",
        "",
        "world\n",
        "好的",
    ]
    assert redact(PLANTED)[1] >= len(SECRETS)


@pytest.mark.parametrize("tier", TIERS)
def test_commands_get_named_variables_only(
    tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An allow-list: of a hundred names of the user's own, not one; of those that programs need, all."""
    sandbox = tried(tier)
    if sandbox.tier != tier:
        pytest.skip(sandbox.reason)
    names = [
        *SECRETS,
        "GITHUB_TOKEN",
        "AWS_PROFILE",
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "LD_PRELOAD_X",
    ]
    for number, name in enumerate([*names, *(f"ANY_{n}" for n in range(90))]):
        monkeypatch.setenv(name.upper(), f"canary-{number}")
    commands = Commands(tmp_path, sandbox, 20)
    dump = "import os; print(dict(os.environ)); print(open('/proc/self/environ').read())"
    for argv in (["env"], ["cat", "/proc/self/environ"], [interpreter(tmp_path), "-c", dump]):
        seen = asyncio.run(commands.run(argv, lambda piece: None)).text
        assert "PATH=" in seen or "'PATH'" in seen
        assert os.environ["HOME"] in seen
        assert "canary" not in seen, seen
