"""Manifests of compiled languages: Cargo, Go, CMake, Meson, Maven, Gradle, Swift, .NET, Cabal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from orchestrator.documents.plain import code
from orchestrator.handoff.manifests.found import (
    MOST_ROWS,
    Found,
    Source,
    command,
    described,
    entry,
    licence_named,
    needs,
    string,
    strings,
    table,
    toml,
    wanted,
    xml,
)

_BESIDE = re.compile(r"tests?\b|test(?=[A-Z])|console|bench|sample|example", re.I)
"""In the name of a project that is not the one its solution is for."""


def cargo(text: str, name: str) -> list[Found]:
    source, data = Source(text, name), toml(text)
    package = table(data, "package")
    title, line = string(package.get("name")), source.of("package", "name")
    found = described(title, package.get("version"), package.get("description"), line, "Crate")
    found += [Found("package", f"cargo:{title.lower()}", line)] if title else []
    found += needs("Rust", package.get("rust-version"), source.of("rust-version"))
    if package or table(data, "workspace"):
        whole = " --workspace" if table(data, "workspace") else ""
        found += [
            command(f"cargo {what}{whole}", source.at(r"^\[(package|workspace)\]"), order)
            for what, order in (("test", 0), ("build", 1))
        ]
    binaries = data.get("bin")
    for item in (binaries if isinstance(binaries, list) else [])[:MOST_ROWS]:
        if isinstance(item, dict) and string(item.get("name")):
            found.append(entry(string(item["name"]), string(item.get("path")), source.at(r"^\[\[bin\]\]")))
    for group in ("dependencies", "dev-dependencies", "build-dependencies"):
        rows = table(data, group)
        names = [(one, source.of(group, one)) for one in list(rows)[:100]]
        found += wanted("cargo", names, source.of(group), say=group == "dependencies")
        found += _cargo_paths(rows, group, source)
    found += _cargo_paths(table(data, "workspace", "dependencies"), "dependencies", source)
    members = strings(table(data, "workspace").get("members"))
    found += [Found("parts", one, source.of("members")) for one in members[:40]]
    return found + licence_named(package.get("license"), source.of("license"))


def _cargo_paths(rows: dict[str, Any], group: str, source: Source) -> Iterator[Found]:
    for one, value in list(rows.items())[:100]:
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            yield Found("wants", f"cargo:{one.lower()}", source.of(group, one), path=value["path"])


def go_mod(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found: list[Found] = []
    for match, line in islice(source.rows(r"^module[ \t]+(\S+)"), 1):
        found += described(match[1], "", "", line, "Go module")
        found.append(Found("package", f"go:{match[1].lower()}", line))
        found += [command(f"go {what} ./...", line, order) for what, order in (("test", 0), ("build", 1))]
    for match, line in islice(source.rows(r"^go[ \t]+(\d[\w.]*)"), 1):
        found += needs("Go", match[1], line)
    direct = source.rows(r"^(?:require[ \t]+|\t)([\w.\-/~]+) v\S+(?!.*// indirect)[ \t]*(?://.*)?$")
    names = [(match[1], line) for match, line in direct if "// indirect" not in match[0]]
    found += wanted("go", names, names[0][1] if names else name)
    for match, line in islice(source.rows(r"^(?:replace[ \t]+|\t)(\S+)[^\n]*=>[ \t]*(\.\.?/\S*)"), MOST_ROWS):
        found.append(Found("wants", f"go:{match[1].lower()}", line, path=match[2]))
    return found


def go_work(text: str, name: str) -> list[Found]:
    rows = Source(text, name).rows(r"^(?:use[ \t]+|\t)(\.\.?/?\S*)")
    return [Found("parts", match[1], line) for match, line in rows][:MOST_ROWS]


def cmake(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found: list[Found] = []
    for match, line in islice(
        source.rows(r"^[ \t]*project[ \t]*\(\s*([\w.\-+]+)([^)]{0,600})", re.M | re.I), 1
    ):
        version = re.search(r"\bVERSION\s+([\d.]+)", match[2])
        about = re.search(r'\bDESCRIPTION\s+"([^"]*)"', match[2])
        found += described(match[1], version and version[1], about and about[1], line, "CMake project")
        found.append(Found("package", f"cmake:{match[1].lower()}", line))
        found.append(command("cmake -B build && cmake --build build", line, 1))
    for _, line in islice(
        source.rows(r"^[ \t]*(enable_testing[ \t]*\(|include[ \t]*\([ \t]*CTest[ \t]*\))", re.M | re.I), 1
    ):
        found.append(command("ctest --test-dir build", line, 0))
    for match, line in islice(
        source.rows(r"^[ \t]*option[ \t]*\([ \t]*(\w+)[ \t]+\"([^\"\n]*)\"", re.M | re.I), 3
    ):
        found.append(command(f"cmake -D{match[1]}=ON", line, 7, match[2]))
    for match, line in islice(
        source.rows(r"^[ \t]*add_executable[ \t]*\(\s*([\w.\-+]+)\s+([\w./\-+]+)?", re.M | re.I), MOST_ROWS
    ):
        found.append(entry(match[1], match[2] or match[1], line))
    packages = source.rows(r"^[ \t]*find_package[ \t]*\([ \t]*([\w.\-+]+)", re.M | re.I)
    names = [(match[1], line) for match, line in islice(packages, 100)]
    found += wanted("cmake", names, names[0][1] if names else name)
    outside = source.rows(r"^[ \t]*add_subdirectory[ \t]*\(\s*\"?([^\s\")]*\.\./[^\s\")]+)", re.M | re.I)
    found += [
        Found("wants", "", line, path=match[1].rpartition("}/")[2])
        for match, line in islice(outside, MOST_ROWS)
    ]
    return found


def meson(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found: list[Found] = []
    for match, line in islice(source.rows(r"^[ \t]*project[ \t]*\(\s*'([^'\n]+)'"), 1):
        found += described(match[1], "", "", line, "Meson project")
        found += [
            command("meson setup build && ninja -C build", line, 1),
            command("meson test -C build", line, 2),
        ]
    rows = source.rows(r"\bdependency[ \t]*\([ \t]*'([^'\n]+)'")
    names = [(match[1], line) for match, line in islice(rows, 100)]
    return found + wanted("meson", names, names[0][1] if names else name)


def pom(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found: list[Found] = []
    values: dict[str, tuple[str, str]] = {}
    group, names = "", []
    for path, _, said, line in xml(source):
        if path[:1] != ("project",):
            continue
        below = path[1:]
        if len(below) == 1:
            values.setdefault(below[0], (said, line))
        elif below == ("parent", "groupId"):
            values.setdefault("groupId", (said, line))
        elif below[-2:] in (("dependencies", "dependency"),):
            group = ""
        elif below[:2] == ("dependencies", "dependency") and below[2:] == ("groupId",):
            group = said
        elif below[:2] == ("dependencies", "dependency") and below[2:] == ("artifactId",):
            names.append((f"{group}:{said}" if group else said, line))
        elif below == ("modules", "module"):
            found.append(Found("parts", said, line))
        elif below == ("licenses", "license", "name"):
            found += licence_named(said, line)
    title, line = values.get("artifactId", ("", name))
    if not title:
        return []
    about = values.get("description", ("", ""))[0]
    found += described(title, values.get("version", ("", ""))[0], about, line, "Maven artifact")
    owner = values.get("groupId", ("", ""))[0]
    found.append(Found("package", f"maven:{owner}:{title}".lower(), line))
    found += [command("mvn test", line, 0), command("mvn package", line, 1)]
    return found + wanted("maven", names, names[0][1] if names else name)


def gradle(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found: list[Found] = []
    if name.rpartition("/")[2].startswith("build."):
        found += [command("gradle test", name, 1), command("gradle build", name, 2)]
    for match, line in islice(source.rows(r"^[ \t]*rootProject\.name[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']"), 1):
        found += described(match[1], "", "", line, "Gradle project")
        found.append(Found("package", f"gradle:{match[1].lower()}", line))
    for match, line in islice(source.rows(r"^[ \t]*include(?:Build)?[ \t(]*([\"'][^)\n]+)"), 80):
        for part in re.findall(r"[\"']:?([^\"'\n]+)[\"']", match[1]):
            found.append(
                Found("wants", "", line, path=part)
                if part.startswith("..")
                else Found("parts", part.replace(":", "/"), line)
            )
    needed = source.rows(
        r"^[ \t]*(?:api|implementation|compile|testImplementation|runtimeOnly)[ \t(]+[\"']([\w.\-]+:[\w.\-]+)"
    )
    names = [(match[1], line) for match, line in islice(needed, 100)]
    found += wanted("maven", names, names[0][1] if names else name)
    if main := re.search(r"\bmainClass(?:\.set\(|[ \t]*=)[ \t]*[\"']([\w.$]+)", source.text):
        found.append(entry("gradle run", main[1], source.line(main.start())))
    return found


def swift(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found: list[Found] = []
    for match, line in islice(source.rows(r"\bPackage\s*\(\s*name:\s*\"([^\"\n]+)\""), 1):
        found += described(match[1], "", "", line, "Swift package")
        found.append(Found("package", f"swift:{match[1].lower()}", line))
        found += [command("swift test", line, 0), command("swift build", line, 1)]
    for match, line in islice(
        source.rows(r"\.executable(?:Target)?\s*\(\s*name:\s*\"([^\"\n]+)\""), MOST_ROWS
    ):
        found.append(entry(f"swift run {match[1]}", match[1], line))
    names = []
    for match, line in islice(
        source.rows(r"\.package\s*\([^)\n]{0,200}?\b(url|path):\s*\"([^\"\n]+)\""), 100
    ):
        title = match[2].rstrip("/").rpartition("/")[2].removesuffix(".git")
        names.append((title, line))
        if match[1] == "path":
            found.append(Found("wants", f"swift:{title.lower()}", line, path=match[2]))
    return found + wanted("swift", names, names[0][1] if names else name)


def dotnet(text: str, name: str) -> list[Found]:
    source, stem = Source(text, name), name.rpartition("/")[2].rpartition(".")[0]
    found: list[Found] = []
    names, seen = [], False
    for path, attributes, said, line in xml(source):
        include = re.search(r"\bInclude\s*=\s*\"([^\"\n]+)\"", attributes)
        seen = seen or path[:1] == ("Project",)
        if path[-1] == "PackageReference" and include:
            names.append((include[1], line))
        elif path[-1] == "ProjectReference" and include:
            found.append(Found("wants", "", line, path=include[1].replace("\\", "/")))
        elif path[-1] in ("TargetFramework", "TargetFrameworks") and "$" not in said:
            order = 4 if _BESIDE.search(stem) else 3
            found.append(Found("about", f"Targets .NET {code(said, 120)}", line, order))
        elif path[-1] == "Description":
            found += described(stem, "", said, line, ".NET project")
        elif path[-1] == "OutputType" and said.lower() in ("exe", "winexe"):
            found.append(entry(f"dotnet run --project {name.rpartition('/')[0] or name}", stem, line))
    if seen:
        found.append(Found("package", f"nuget:{stem.lower()}", f"{name}:1"))
        found += [command("dotnet test", f"{name}:1", 1), command("dotnet build", f"{name}:1", 2)]
    return found + wanted("nuget", names, names[0][1] if names else name)


def solution(text: str, name: str) -> list[Found]:
    rows = Source(text, name).rows(r"^Project\([^)\n]*\)[ \t]*=[ \t]*\"([^\"\n]+)\",[ \t]*\"([^\"\n]+proj)\"")
    parts = [Found("parts", match[2].replace("\\", "/"), line) for match, line in islice(rows, 40)]
    if not parts and "Solution" not in text:
        return []
    return [
        command(f"dotnet test {name}", f"{name}:1", 0),
        command(f"dotnet build {name}", f"{name}:1", 1),
        *parts,
    ]


def cabal(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    values = {
        m[1].lower(): (m[2].strip(), line)
        for m, line in islice(source.rows(r"^([A-Za-z\-]+):[ \t]*(\S.*)$"), 200)
    }
    title, line = values.get("name", ("", name))
    if not title:
        return []
    found = described(
        title,
        values.get("version", ("", ""))[0],
        values.get("synopsis", ("", ""))[0],
        line,
        "Haskell package",
    )
    found.append(Found("package", f"hackage:{title.lower()}", line))
    found += [command("cabal test", line, 0), command("cabal build", line, 1)]
    for match, where in islice(source.rows(r"^executable[ \t]+(\S+)", re.M | re.I), MOST_ROWS):
        found.append(entry(f"cabal run {match[1]}", match[1], where))
    needed = source.rows(
        r"^[ \t,]*([A-Za-z][\w\-]*)[ \t]*(?:[<>=^&|*][^,\n]*)?,?[ \t]*$|build-depends:[ \t]*([A-Za-z][\w\-]*)"
    )
    names: list[tuple[str, str]] = []
    inside = re.compile(r"build-depends", re.I).search(source.text)
    for match, where in islice(needed, 400):
        if inside and match.start() >= inside.start() and (match[2] or re.search(r"[<>=]", match[0])):
            names.append((match[1] or match[2], where))
    return (
        found
        + wanted("hackage", names, names[0][1] if names else name)
        + licence_named(*values.get("license", ("", name)))
    )
