from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator.errors import BadModelFile, NoModel, UsageError
from orchestrator.models import elsewhere, installed
from orchestrator.models.adopt import add, name_for
from orchestrator.models.catalog import find
from orchestrator.models.select import Choice, choose, locate, suited
from orchestrator.paths import Home
from tests.models.gguf_file import tiny_gguf

GB = 10**9
LARGE, SMALL = "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"
ALL = frozenset({"ollama", "gguf", "scripted"})
LOCAL = frozenset({"gguf", "scripted"})

pytestmark = pytest.mark.usefixtures("bare_machine")


def put(home: Home, name: str, size: int = 500) -> Path:
    home.models.mkdir(parents=True, exist_ok=True)
    path = home.models / f"{name}.gguf"
    path.write_bytes(tiny_gguf(size))
    return path


def auto(home: Home, free: int | None, served: tuple[str, ...] = (), kinds: frozenset[str] = LOCAL) -> Choice:
    return locate("auto", home, kinds=kinds, memory=lambda: free, served=lambda: served)


def test_auto_takes_the_larger_with_memory_and_the_smaller_without(orch_home: Home) -> None:
    put(orch_home, LARGE)
    put(orch_home, SMALL)
    assert auto(orch_home, 4 * GB).name == LARGE
    assert auto(orch_home, None).name == LARGE
    assert auto(orch_home, 4 * GB - 1).name == SMALL


def test_auto_takes_what_there_is(orch_home: Home) -> None:
    put(orch_home, LARGE)
    assert auto(orch_home, GB).name == LARGE
    installed.remove(orch_home, LARGE)
    put(orch_home, "little", 1000)
    put(orch_home, "big", 9000)
    assert auto(orch_home, GB).name == "big"
    assert auto(orch_home, 5000).name == "little"
    assert auto(orch_home, 10).name == "little"


def test_auto_prefers_a_served_7b_where_it_can_run(orch_home: Home) -> None:
    put(orch_home, SMALL)
    served = ("mistral:7b", "qwen2.5:7b")
    assert auto(orch_home, GB, served, ALL).kind == "ollama"
    assert auto(orch_home, GB, served, ALL).name == "qwen2.5:7b"
    assert auto(orch_home, GB, served, LOCAL).name == SMALL
    assert auto(orch_home, GB, ("mistral:7b",), ALL).name == SMALL


@pytest.mark.parametrize(("free", "name"), [(8 * GB, LARGE), (GB, SMALL)])
def test_without_a_model_it_says_what_to_run(orch_home: Home, free: int, name: str) -> None:
    assert suited(lambda: free) == name
    with pytest.raises(NoModel, match=f"No model is installed. Run `orch model pull {name}`."):
        auto(orch_home, free)


def test_names(orch_home: Home) -> None:
    with pytest.raises(NoModel, match=r"not installed\. Run `orch model pull phi-3-mini`"):
        choose("phi-3-mini", orch_home, kinds=LOCAL)
    with pytest.raises(NoModel, match="Did you mean phi-3-mini"):
        choose("phi3-mini", orch_home, kinds=LOCAL)
    for odd in ("", "../x", "a/b", "A B", "\x1b[31m", "scripted"):
        with pytest.raises(NoModel):
            choose(odd, orch_home, kinds=LOCAL)
    choice = locate("phi-3-mini", orch_home, kinds=ALL, served=lambda: ("phi3:mini",))
    assert (choice.kind, choice.name, choice.family) == ("ollama", "phi3:mini", "phi3")


def test_an_added_model_is_verified_and_named_by_its_architecture(orch_home: Home) -> None:
    path = put(orch_home, "mine")
    choice = choose("mine", orch_home, kinds=LOCAL)
    assert choice.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (choice.kind, choice.path, choice.family) == ("gguf", path, "qwen2")


def test_a_verified_model_is_not_hashed_again(orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    put(orch_home, "mine")
    before = choose("mine", orch_home, kinds=LOCAL)
    monkeypatch.setattr(installed, "hash_file", lambda *given: pytest.fail("hashed again"))
    assert choose("mine", orch_home, kinds=LOCAL) == before


def test_a_changed_file_is_an_error_that_says_what_to_do(orch_home: Home) -> None:
    path = put(orch_home, "mine")
    choose("mine", orch_home, kinds=LOCAL)
    path.write_bytes(tiny_gguf(501))
    with pytest.raises(BadModelFile, match="orch model rm mine"):
        choose("mine", orch_home, kinds=LOCAL)


def test_a_file_under_a_catalogue_name_must_be_that_model(orch_home: Home) -> None:
    put(orch_home, SMALL)
    with pytest.raises(BadModelFile, match="damaged or was replaced"):
        choose(SMALL, orch_home, kinds=LOCAL)


def test_an_explicit_path(orch_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "My Model.GGUF"
    file.write_bytes(tiny_gguf())
    choice = choose(str(file), orch_home, kinds=LOCAL)
    assert (choice.name, choice.path, choice.family) == ("my-model", file, "qwen2")
    monkeypatch.setattr(installed, "hash_file", lambda *given: pytest.fail("hashed again"))
    assert choose(str(file), orch_home, kinds=LOCAL) == choice
    with pytest.raises(NoModel, match="There is no file"):
        choose(str(tmp_path / "none.gguf"), orch_home, kinds=LOCAL)


def test_a_script(orch_home: Home, tmp_path: Path) -> None:
    script = tmp_path / "a.json"
    script.write_text("[]")
    choice = choose(f"scripted:{script}", orch_home, kinds=LOCAL)
    assert (choice.kind, choice.path) == ("scripted", script)
    with pytest.raises(NoModel):
        choose("scripted:none.json", orch_home, kinds=LOCAL)
    with pytest.raises(UsageError):
        choose(f"scripted:{script}", orch_home, kinds=frozenset({"gguf"}))


# --- Ollama -------------------------------------------------------------------------------------


@pytest.fixture
def ollama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server that answers as Ollama does and has phi3:mini; yields its blob's path."""
    blob = tmp_path / "sha256-abc"
    answers = {
        "/api/tags": {"models": [{"name": "phi3:mini"}, {"name": 5}, "odd"]},
        "/api/show": {"modelfile": f"# made by ollama\nFROM {blob}\nTEMPLATE x"},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(answers[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.server_port}")
    yield blob
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_running_ollama_is_asked(ollama: Path, orch_home: Home) -> None:
    assert elsewhere.ollama_models() == ("phi3:mini",)
    assert choose("phi-3-mini", orch_home, kinds=ALL).kind == "ollama"


def test_what_ollama_has_is_found_as_a_file(ollama: Path) -> None:
    model = find("phi-3-mini")
    assert model is not None
    assert list(elsewhere.candidates(model)) == []  # the blob may be on another machine
    ollama.write_bytes(tiny_gguf())
    assert list(elsewhere.candidates(model)) == [(ollama, "Ollama (phi3:mini)")]


def test_nobody_answers() -> None:
    assert elsewhere.ollama_models() is None


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:99", "http://box:99"),
        (":99", "http://127.0.0.1:99"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("https://box", "https://box:443"),
        ("http://box:99/", "http://box:99"),
        ("[::1]:99", "http://[::1]:99"),
        ("box:port", "http://box:11434"),
    ],
)
def test_the_address_is_read_as_ollama_reads_it(
    given: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", given)
    assert elsewhere.ollama_url() == url


# --- adding and removing ------------------------------------------------------------------------


def test_an_added_file_stays_where_it_was(orch_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "My Model (v2).gguf"
    file.write_bytes(tiny_gguf())
    one = add(orch_home, file)
    assert one.name == "my-model-v2"
    assert one.path.read_bytes() == file.read_bytes()
    assert add(orch_home, file) == one
    shared = file.stat().st_nlink > 1
    freed = installed.remove(orch_home, one.name)
    assert freed == (0 if shared else file.stat().st_size)
    assert installed.listing(orch_home) == []


def test_a_file_is_copied_where_it_cannot_be_linked(
    orch_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    file = tmp_path / "a.gguf"
    file.write_bytes(tiny_gguf())
    one = add(orch_home, file, "mine")
    file.unlink()
    assert one.path.read_bytes() == tiny_gguf()
    assert installed.remove(orch_home, "mine") == len(tiny_gguf())
    assert not one.path.exists()


def test_two_models_do_not_share_a_name(orch_home: Home, tmp_path: Path) -> None:
    for folder, size in (("a", 100), ("b", 200)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.gguf").write_bytes(tiny_gguf(size))
    first = add(orch_home, tmp_path / "a" / "m.gguf")
    with pytest.raises(UsageError, match="another model called m"):
        add(orch_home, tmp_path / "b" / "m.gguf")
    assert first.path.read_bytes() == tiny_gguf(100)


def test_what_cannot_be_added(orch_home: Home, tmp_path: Path) -> None:
    text = tmp_path / "a.gguf"
    text.write_text("hello")
    with pytest.raises(BadModelFile, match="letters GGUF"):
        add(orch_home, text)
    text.write_bytes(tiny_gguf())
    with pytest.raises(BadModelFile, match="another one"):
        add(orch_home, text, SMALL)
    for name in ("auto", "../up", "A"):
        with pytest.raises(UsageError):
            add(orch_home, text, name)
    assert installed.listing(orch_home) == []


def test_a_file_in_the_folder_of_models_is_registered_in_place(orch_home: Home) -> None:
    path = put(orch_home, "mine")
    assert add(orch_home, path).path == path
    assert installed.find(orch_home, "mine").sha256  # type: ignore[union-attr]


def test_names_made_from_files() -> None:
    assert name_for(Path("Qwen2.5-Coder_Q4.gguf")) == "qwen2.5-coder_q4"
    assert name_for(Path("模型.gguf")) == "model"
    assert name_for(Path("auto.gguf")) == "model"
    assert name_for(Path("x" * 300 + ".gguf")) == "x" * 80


def test_remove_takes_everything_but_a_pin(orch_home: Home) -> None:
    path = put(orch_home, "mine")
    choose("mine", orch_home, kinds=LOCAL)
    installed.part_of(orch_home, "mine").write_bytes(b"12345")
    installed.pin(orch_home, "mine", "0" * 64)
    assert installed.remove(orch_home, "mine") == len(tiny_gguf(500)) + 5
    left = {item.name for item in path.parent.iterdir()}
    assert left <= {"mine.sha256", ".mine.lock"}
