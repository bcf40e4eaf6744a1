# ruff: noqa: E501
"""Made-up repositories of different kinds, their commits the same on every machine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_FIXED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ines",
    "GIT_AUTHOR_EMAIL": "ines@secret.example",
    "GIT_COMMITTER_NAME": "Ines",
    "GIT_COMMITTER_EMAIL": "ines@secret.example",
}


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def git(root: Path, *arguments: str, day: int = 1, **environment: str) -> str:
    when = f"2026-03-{day:02} 12:00:00 +0000"
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        env=os.environ | _FIXED | dates | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def commit(
    root: Path, files: Mapping[str, str | bytes], subject: str, day: int, author: str = "Ines"
) -> None:
    if not (root / ".git").exists():
        root.mkdir(parents=True, exist_ok=True)
        git(root, "init", "-q", "-b", "main")
    write(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", subject, day=day, GIT_AUTHOR_NAME=author)


def python_library(root: Path) -> None:
    many = "".join(f"def f{n}() -> int:\n    return {n}\n\n\n" for n in range(60))
    start = {
        "README.md": "<p align=center></p>\n\n# Heron\n\n[![CI](x.svg)](y)\n\nBills calls by the [second](z).\nReally.\n\n"
        "## Tests\n\n```bash\npip install heron\npytest -q   # all of them\n```\n",
        "pyproject.toml": '[project]\nname = "heron"\nversion = "1.2"\ndescription = "Bills calls by the second"\n'
        'requires-python = ">=3.11"\nlicense = "MIT"\ndependencies = [\n  "httpx>=0.2",\n  "rich",\n]\n\n'
        '[project.scripts]\nheron = "heron.cli:main"\n\n[tool.pytest.ini_options]\n\n[tool.mypy]\n',
        "Makefile": ".PHONY: test\nVAR := 1\ntest:\n\t@echo testing\n\tpython -m pytest tests\n\nrelease.tar: x\n\ttar\n\n"
        "publish:\n\ttwine upload dist/*\n",
        ".github/workflows/ci.yml": "jobs:\n  a:\n    steps:\n      - run: pip install -e .\n      - run: |\n"
        "          ruff check src\n          python -m pytest tests -x\n",
        "src/heron/__init__.py": '"""Bills calls by the second."""\n',
        "src/heron/cli.py": 'PORT = 8080\n\n\ndef main() -> None: ...\n\n\nif __name__ == "__main__":\n    main()\n',
        "src/heron/quota.py": many,
        "tests/test_quota.py": "def test_it(): ...\n",
        "docs/index.rst": "Docs\n====\n",
    }
    commit(root, start, "First", 1)
    commit(root, {"src/heron/quota.py": many + "X = 1\n"}, "Quota refuses at zero", 2, "Rui")
    git(root, "tag", "v1.2", day=3)
    commit(root, {"src/heron/quota.py": many, "poetry.lock": "x"}, "Bump rich from 1 to 2", 4)


def node_workspace(root: Path) -> None:
    commit(
        root,
        {
            "package.json": json.dumps(
                {
                    "name": "tern",
                    "private": True,
                    "packageManager": "pnpm@9.1.0",
                    "engines": {"node": ">=20"},
                    "scripts": {
                        "test": "vitest",
                        "build": "tsc -b",
                        "prebuild": "rm -rf dist",
                        "zip": "zip x",
                    },
                    "workspaces": ["packages/*"],
                    "devDependencies": {"vitest": "1", "typescript": "5"},
                },
                indent=2,
            ),
            "packages/core/package.json": '{"name": "@tern/core", "description": "The engine of the site"}',
            "packages/core/index.ts": "export const a = 1\n" * 150,
            "packages/view/package.json": '{"name": "@tern/view", "dependencies": {"@tern/core": "workspace:*"}}',
            "packages/view/README.md": "# View\n\nDraws what the engine computes.\n",
            "packages/view/view.ts": "export const b = 1\n" * 20,
            "node_modules/x/index.js": "x\n",
            "LICENSE": "Permission is hereby granted, free of charge, to any person",
        },
        "All of it",
        5,
    )


def service(root: Path) -> None:
    """Go, Docker and a README that starts with what is not about it."""
    commit(
        root,
        {
            "README.md": "This README is short.\n\n## What is it?\n\nA queue that forgets nothing.\n",
            "go.mod": "module example.com/heap/queue\n\ngo 1.22\n\nrequire (\n\tgithub.com/a/b v1.0.0\n"
            "\tgithub.com/c/d v1.0.0 // indirect\n)\n\nreplace example.com/heap/store => ../store\n",
            "cmd/queue/main.go": "package main\n\nfunc main() {\n}\n",
            "store/doc.go": "// Package store keeps messages on disk.\npackage store\n",
            "store/store_test.go": "package store\n",
            "vendor/github.com/a/b/b.go": "package b\n",
            "Dockerfile": 'FROM scratch\nEXPOSE 9000\nCMD ["/queue", "serve"]\n',
            "compose.yaml": 'services:\n  queue:\n    ports:\n      - "9000:9000"\n  redis:\n    image: redis\n',
        },
        "Queue",
        6,
    )


def c_program(root: Path) -> None:
    """CMake and no git."""
    write(
        root,
        {
            "CMakeLists.txt": 'project(kiln VERSION 2.1 DESCRIPTION "Burns images" LANGUAGES C)\nfind_package(ZLIB)\n'
            "enable_testing()\nadd_executable(kiln src/main.c)\nadd_subdirectory(../glaze)\n",
            "src/main.c": "int main(void) { return 1; }\n",
            "src/fire.c": "int main(int argc, char **argv)\n{\n}\n",
            "src/check.c": "#if defined(CHECK)\nint main(void) { return 1; }\n#endif\n",
            "src/fire.h": "int x;\n",
            "LICENSE": "                    GNU GENERAL PUBLIC LICENSE\n",
        },
    )


KINDS = {
    "python": python_library,
    "node": node_workspace,
    "go": service,
    "cmake": c_program,
}


def workspace(root: Path, names: Sequence[str]) -> None:
    for name in names:
        commit(root / name, {"README.md": f"# {name.title()}\n\nThe {name} of the house.\n"}, "First", 1)
