"""What manifests and other well-known files of a repository say about it: pure, from their text.

Each parser takes a file's text and the name it is cited by, and returns `Found`s. A file that does
not parse says nothing. None of them runs, imports or expands anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from orchestrator.handoff.manifests.automation import automation
from orchestrator.handoff.manifests.compiled import (
    cabal,
    cargo,
    cmake,
    dotnet,
    go_mod,
    go_work,
    gradle,
    meson,
    pom,
    solution,
    swift,
)
from orchestrator.handoff.manifests.found import Found, Source, Topic
from orchestrator.handoff.manifests.javascript import deno, package_json, pnpm_workspace
from orchestrator.handoff.manifests.python import noxfile, pyproject, requirements, setup_cfg, setup_py, tox
from orchestrator.handoff.manifests.recipes import compose, dockerfile, justfile, makefile, procfile, taskfile
from orchestrator.handoff.manifests.scripted import composer, gemfile, gemspec, mix, pubspec, rakefile
from orchestrator.handoff.manifests.words import licence, ports, readme, readme_ports

Parser = Callable[[str, str], list[Found]]

READMES = (
    "README.md",
    "README.rst",
    "README.txt",
    "README",
    "README.adoc",
    "readme.md",
    "Readme.md",
    "README.markdown",
)

PACKAGES: Mapping[str, Parser] = {
    "pyproject.toml": pyproject,
    "setup.cfg": setup_cfg,
    "setup.py": setup_py,
    "package.json": package_json,
    "Cargo.toml": cargo,
    "go.mod": go_mod,
    "composer.json": composer,
    "mix.exs": mix,
    "Package.swift": swift,
    "pom.xml": pom,
    "settings.gradle": gradle,
    "settings.gradle.kts": gradle,
    "build.gradle": gradle,
    "build.gradle.kts": gradle,
    "pubspec.yaml": pubspec,
    "CMakeLists.txt": cmake,
    "meson.build": meson,
    "Gemfile": gemfile,
    "requirements.txt": requirements,
    "pnpm-workspace.yaml": pnpm_workspace,
    "go.work": go_work,
    "deno.json": deno,
}
"""Manifests: the files that name a package and what it needs."""

PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys(("Makefile", "makefile", "GNUmakefile"), makefile),
    **dict.fromkeys(("justfile", "Justfile", ".justfile"), justfile),
    **dict.fromkeys(("Taskfile.yml", "Taskfile.yaml"), taskfile),
    **PACKAGES,
    "tox.ini": tox,
    "noxfile.py": noxfile,
    "Rakefile": rakefile,
    "requirements-dev.txt": lambda text, name: [
        one for one in requirements(text, name) if one.topic == "wants"
    ],
    "Dockerfile": dockerfile,
    **dict.fromkeys(("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"), compose),
    "Procfile": procfile,
    **dict.fromkeys(
        (".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml", ".circleci/config.yml"), automation
    ),
    **dict.fromkeys(
        ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENSE-MIT", "LICENSE.MIT", "LICENCE", "COPYING"), licence
    ),
}
"""Files at the top of a repository, in the order in which they are heard."""

_ENDINGS: Mapping[str, Parser] = {
    ".gemspec": gemspec,
    ".cabal": cabal,
    ".csproj": dotnet,
    ".fsproj": dotnet,
    ".sln": solution,
    ".slnx": solution,
}


def parser_of(path: str) -> Parser | None:
    """The parser for a file of that name at the top of a repository or a package; None for others."""
    name = path.rpartition("/")[2]
    if path in PARSERS or name in PACKAGES:
        return PARSERS.get(path) or PACKAGES[name]
    if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path):
        return automation
    return next((parse for ending, parse in _ENDINGS.items() if name.endswith(ending)), None)


__all__ = [
    "PACKAGES",
    "PARSERS",
    "READMES",
    "Found",
    "Source",
    "Topic",
    "cargo",
    "go_mod",
    "licence",
    "package_json",
    "parser_of",
    "ports",
    "pyproject",
    "readme",
    "readme_ports",
]
