import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.handoff import manifests
from orchestrator.handoff.survey import Survey, about, survey


def lines(found: Survey) -> list[str]:
    return [fact.line for fact in (*found.about, *(fact for group in found.sections for fact in group.facts))]


def test_a_repository_is_described_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "<p align=center>\n\n# Heron\n\n[![CI](x)](y)\n\nBills *calls* by the [second](z).\nReally.\n\n"
        "More.\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "heron"\nversion = "1.2"\nrequires-python = ">=3.11"\nlicense = "MIT"\n'
        'dependencies = ["httpx>=0.2", "rich"]\n[project.scripts]\nheron = "heron.cli:main"\n'
        "[tool.pytest.ini_options]\n"
    )
    (tmp_path / "package.json").write_text(
        json.dumps(
            {"name": "ui", "scripts": {"test": "jest", "dev": "vite --port 5173"}, "bin": "x", "main": "m.js"}
        )
    )
    (tmp_path / "Makefile").write_text(".PHONY: x\nVAR := 1\nrun: dep\n\techo\ntest:\n\tpytest\n")
    (tmp_path / "Dockerfile").write_text('FROM x\nEXPOSE 8080\nCMD ["heron", "serve"]\n')
    (tmp_path / "heron").mkdir()
    (tmp_path / "heron" / "server.py").write_text("HOST = 'x'\nPORT = 9000\n")
    (tmp_path / "heron" / "quota.py").write_text("PORT = 1\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "a.js").write_text("")
    assert lines(survey(tmp_path, "heron")) == [
        "Heron: Bills *calls* by the second. Really. [README.md]",
        "Package `heron` `1.2` [pyproject.toml]",
        "Needs Python `>=3.11` [pyproject.toml]",
        "Package `ui` [package.json]",
        "Languages, by number of files: Python 2 [counted in 7 files]",
        "Folders, by number of files: heron/ 2 [counted in 7 files]",
        "test: `pytest` [pyproject.toml]",
        "`npm test` runs `jest` [package.json]",
        "`npm run dev` runs `vite --port 5173` [package.json]",
        "`make run`, `make test` [Makefile]",
        "`heron` runs `heron.cli:main` [pyproject.toml]",
        "main: `m.js` [package.json]",
        'container runs `["heron", "serve"]` [Dockerfile]',
        "exposes `8080` [Dockerfile]",
        "9000: `PORT = 9000` [heron/server.py:2]",
        "`httpx`, `rich` [pyproject.toml]",
        "MIT [pyproject.toml]",
    ]


def test_an_empty_folder_has_nothing_to_say(tmp_path: Path) -> None:
    assert lines(survey(tmp_path, "x")) == []
    assert about(tmp_path) is None


def test_rust_and_go(tmp_path: Path) -> None:
    cargo = '[package]\nname = "crab"\n[[bin]]\nname = "crab"\npath = "src/main.rs"\n'
    cargo += '[dependencies]\nserde = "1"\n'
    assert [item.text for item in manifests.cargo(cargo, "Cargo.toml")] == [
        "Package `crab`",
        "build: `cargo build`",
        "test: `cargo test`",
        "`crab` runs `src/main.rs`",
        "`serde`",
    ]
    module = "module example.com/x\n\ngo 1.22\n\nrequire (\n\tgithub.com/a/b v1.0.0\n"
    module += "\tgithub.com/c/d v1.0.0 // indirect\n)\n"
    assert [item.text for item in manifests.go_mod(module, "go.mod")] == [
        "Go module `example.com/x`",
        "build: `go build ./...`",
        "test: `go test ./...`",
        "`github.com/a/b`",
    ]


def test_links_and_huge_files_are_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n\nkeys\n")
    (project / "README.md").symlink_to(tmp_path / "secret.md")
    (project / "all").symlink_to("/")
    with (project / "LICENSE").open("wb") as file:
        file.truncate(1 << 32)
    assert lines(survey(project, "p")) == []


def test_own_documents_do_not_change_the_count(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    before = survey(tmp_path, "x")
    (tmp_path / "SESSION_LOG.md").write_text("")
    (tmp_path / "PROJECT_CONTEXT.md").write_text("")
    assert survey(tmp_path, "x") == before


@given(text=st.text(max_size=300), name=st.sampled_from(sorted(manifests.PARSERS)))
def test_no_manifest_makes_a_parser_fall_over(text: str, name: str) -> None:
    for found in (*manifests.PARSERS[name](text, name), *manifests.readme(text, name)):
        assert "\n" not in found.text
        assert "<!--" not in found.text


@given(
    value=st.recursive(
        st.none() | st.text(max_size=20) | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["name", "scripts", "bin", "main", "license", "dependencies", "description"]),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_no_shape_of_json_makes_the_parser_fall_over(value: object) -> None:
    manifests.package_json(json.dumps(value), "package.json")
