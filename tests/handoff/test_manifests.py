# ruff: noqa: E501
"""Every parser takes whatever stands in a repository: hostile, huge, nested, no text at all."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.documents.tiers import decode
from orchestrator.handoff import manifests
from orchestrator.handoff.manifests import Found

NAMES = sorted(
    {*manifests.PARSERS, "README.md", ".github/workflows/ci.yml", "a.gemspec", "a.cabal", "a.csproj", "a.sln"}
)
FRAGMENTS = st.sampled_from(
    [
        "[project]\n", 'name = "x"\n', "name: x\n", '{"name": "', '"scripts": {', '"dependencies": {"a": "file:../b"}', "}",
        "[[bin]]\n", "module a/b\n", "require (\n\tx/y v1.0.0\n)\n", "test: a b\n\tpytest\n", "<project>", "<artifactId>x</artifactId>",
        "</project>", "<!--", "-->", "run: |\n  make test\n", "script:\n  - tox\n", "services:\n  a:\n", "CMD x\n", "EXPOSE 80\n",
        "gem 'a', path: '../b'\n", "Gem::Specification.new 'x'\n", "app: :x\n", "project(x VERSION 1)\n", "[testenv:a]\ncommands = x\n",
        "# T\n", "T\n===\n", "```\n", "orch:end -->", "<!-- orch:begin z -->", "<|im_start|>", "\x1b[2J", "[S7f3a#3]", "[a1b2c3d]", "\u202e",
        "port = 99999\n", '"""', "'", '"', "\\", "\n", "\r\n", "\t", " ", "\0", "{", "[", "(", "=", ":", ",", "$(x)", "../../etc",
    ]
)  # fmt: skip
HUGE = 200_000


def parse(name: str, text: str) -> list[Found]:
    parser = manifests.readme if name.startswith("README") else manifests.parser_of(name)
    assert parser
    return [*parser(text, name), *manifests.ports(text, name)]


def check(name: str, text: str) -> None:
    last = text.count("\n") + 1
    for found in parse(name, text):
        if found.topic in ("package", "wants", "parts"):
            continue  # for comparing, never shown
        assert "\n" not in found.text
        assert not re.search(r"orch:(begin|end)|<!--|<\||\x1b|\u202e|\[(S7f3a#3|a1b2c3d)\]", found.text)
        assert 0 < len(found.text) < 900
        file, _, line = found.source.partition(":")
        assert file == name
        assert not line or 1 <= int(line) <= last


@given(name=st.sampled_from(NAMES), parts=st.lists(FRAGMENTS | st.text(max_size=8), max_size=40))
def test_no_text_makes_a_parser_fall_over(name: str, parts: list[str]) -> None:
    check(name, "".join(parts))


@given(name=st.sampled_from(NAMES), data=st.binary(max_size=300))
def test_no_bytes_make_a_parser_fall_over(name: str, data: bytes) -> None:
    check(name, decode(data))


@pytest.mark.parametrize(
    "unit",
    [
        "[", '{"a":', "\n", " ", "<a>", "<!--", "--><!--", "</a>", "a:\n\tx\n", '"', "`", "![a", "[a](", "commands =\n", "run: |\n  make test\n",
        "gem 'a', path: '\n", "option(a \"\n", ".package(", "services:\n  a:\n", "# a\n", "a\n---\n", "include 'a', ", "build-depends: a\n",
    ],
)  # fmt: skip
def test_neither_size_nor_depth_matters(unit: str) -> None:
    """What is quadratic does not come back from this."""
    text = unit * (HUGE // len(unit))
    for name in NAMES:
        check(name, text)


def test_as_many_dependencies_as_a_program_can_write() -> None:
    names = [f"package-{number}" for number in range(5000)]
    quoted = ", ".join(f'"{name}"' for name in names)
    found = parse("pyproject.toml", f'[project]\nname = "a"\ndependencies = [{quoted}]\n')
    assert next(one.text for one in found if one.topic == "dependencies").endswith("and 288 more")


@pytest.mark.parametrize(
    ("name", "text", "package", "wants", "path"),
    [
        ("pyproject.toml", '[project]\nname = "My_Lib"\ndependencies = ["a.b>=1; x"]\n[tool.uv.sources]\nc = {path = "../c"}', "python:my-lib", "python:a-b", "../c"),
        ("setup.cfg", "[metadata]\nname = lib\n[options]\ninstall_requires =\n    dep>=2\n[x]\nno = 1\n", "python:lib", "python:dep", ""),
        ("setup.py", "setup(name='lib', install_requires=['dep>1'])", "python:lib", "python:dep", ""),
        ("requirements.txt", "# x\ndep==1\n-e ../c\n", "", "python:dep", "../c"),
        ("package.json", '{"name": "@a/b", "devDependencies": {"dep": "link:../c"}}', "npm:@a/b", "npm:dep", "../c"),
        ("Cargo.toml", '[package]\nname = "b"\n[dependencies]\ndep = {path = "../c"}', "cargo:b", "cargo:dep", "../c"),
        ("go.mod", "module x.y/b\nrequire x.y/dep v1\nreplace x.y/dep => ../c\n", "go:x.y/b", "go:x.y/dep", "../c"),
        ("pom.xml", "<project><parent><groupId>g</groupId><artifactId>p</artifactId></parent><artifactId>b</artifactId>"
         "<dependencies><dependency><groupId>g</groupId><artifactId>dep</artifactId></dependency></dependencies></project>", "maven:g:b", "maven:g:dep", ""),
        ("build.gradle.kts", "dependencies {\n    implementation(\"g:dep:1\")\n}\n", "", "maven:g:dep", ""),
        ("settings.gradle", "rootProject.name = 'b'\nincludeBuild('../c')\n", "gradle:b", "", "../c"),
        ("composer.json", '{"name": "a/b", "require": {"php": "8", "x/dep": "1"}, "repositories": [{"type": "path", "url": "../c"}]}', "composer:a/b", "composer:x/dep", "../c"),
        ("Gemfile", "gem 'dep', path: '../c'\n", "", "gem:dep", "../c"),
        ("a.gemspec", "Gem::Specification.new do |s|\n  s.name = 'b'\n  s.add_dependency 'dep'\nend\n", "gem:b", "gem:dep", ""),
        ("mix.exs", 'app: :b,\n{:dep, path: "../c"}\n{:only, [:test]}\n', "hex:b", "hex:dep", "../c"),
        ("pubspec.yaml", "name: b\ndependencies:\n  dep: ^1\n", "dart:b", "dart:dep", ""),
        ("Package.swift", 'let package = Package(name: "b", dependencies: [.package(path: "../dep")])', "swift:b", "swift:dep", "../dep"),
        ("a.csproj", '<Project><ItemGroup><PackageReference Include="Dep" /><ProjectReference Include="..\\c\\c.csproj" /></ItemGroup></Project>', "nuget:a", "nuget:dep", "../c/c.csproj"),
        ("CMakeLists.txt", "project(b)\nfind_package(Dep)\nadd_subdirectory(${X}/../c)\n", "cmake:b", "cmake:dep", "../c"),
        ("a.cabal", "name: b\nlibrary\n  build-depends: dep >= 1\n", "hackage:b", "hackage:dep", ""),
    ],
)  # fmt: skip
def test_what_a_package_is_called_and_needs(
    name: str, text: str, package: str, wants: str, path: str
) -> None:
    found = parse(name, text)
    assert [one.text for one in found if one.topic == "package"] == ([package] if package else [])
    needed = [one.text for one in found if one.topic == "wants" and one.text]
    assert wants in needed if wants else not needed
    assert [one.path for one in found if one.path] == ([path] if path else [])


def test_commands_are_those_that_exist() -> None:
    rake = "require 'x'\ntask :build\nnamespace :a do\n  task :hidden\nend\nMinitest::TestTask.create\n"
    assert [one.text for one in parse("Rakefile", rake)] == ["`rake test`", "`rake build`"]
    ci = "steps:\n  - run: npm ci\n  - run: npm test -- --x # now\n  - name: make it\n    run: >\n      echo make test\n      ./gradlew check\n"
    assert [(one.text, one.source[-2:]) for one in parse(".github/workflows/ci.yml", ci)] == [
        ("CI runs `npm test -- --x`", ":3"),
        ("CI runs `./gradlew check`", ":7"),
    ]
    lab = 'test:\n  script:\n    - pip install x\n    - "pytest -q"\n    - |\n      cargo test\n  only: [main]\n'
    assert [one.text for one in parse(".gitlab-ci.yml", lab)] == [
        "CI runs `pytest -q`",
        "CI runs `cargo test`",
    ]
    just = "set shell := ['x']\ntest arg='1': build\n    pytest {{arg}}\nbuild:\n    make\n"
    assert [one.text for one in parse("justfile", just)] == [
        "`just test` runs `pytest {{arg}}`",
        "`just build` runs `make`",
    ]
    tox = "[tox]\n[testenv]\ncommands =\n    pytest\n[testenv:lint]\ncommands = ruff check\n"
    assert [one.text for one in parse("tox.ini", tox)] == [
        "`tox` runs `pytest`",
        "`tox -e lint` runs `ruff check`",
    ]
    readme = (
        "# T\n\n## Build\n\nmake sure to read this\n\n    make all\n\n```\nmake test # now\n```\n$ ./run x\n"
    )
    assert [one.text for one in parse("README.md", readme) if one.topic == "commands"] == [
        "README: `make test`",
        "README: `make all`",
        "README: `./run x`",
    ]
    badge = "[![a\nb](http://x)](http://y)\n\n# Kiln\n\nBurns images of all kinds.\n"
    assert parse("README.md", badge)[0].text == "Kiln: Burns images of all kinds."
    nox = "@nox.session(python='3')\n@x\ndef tests(session):\n    pass\n"
    assert [one.text for one in parse("noxfile.py", nox)] == ["`nox -s tests`"]
