"""JavaScript's and TypeScript's manifests: package.json, pnpm-workspace.yaml, deno.json."""

from __future__ import annotations

import re

from orchestrator.documents.plain import code
from orchestrator.handoff.manifests.found import (
    MOST_ROWS,
    Found,
    Source,
    command,
    described,
    entry,
    json_object,
    licence_named,
    needs,
    rank,
    string,
    strings,
    table,
    wanted,
)

_LOCAL = re.compile(r"(?:file|link|portal):(.+)")
_GROUPS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


def package_json(text: str, name: str) -> list[Found]:
    source, data = Source(text, name), json_object(text)
    title = string(data.get("name"))
    found = described(title, data.get("version"), data.get("description"), source.of("name"))
    found += [Found("package", f"npm:{title.lower()}", source.of("name"))] if title else []
    found += needs("Node.js", table(data, "engines").get("node"), source.of("engines", "node"))
    runner = _runner(string(data.get("packageManager")))
    for script, does in list(table(data, "scripts").items())[: MOST_ROWS * 3]:
        run = f"{runner} {script}" if script in ("test", "start") or runner != "npm" else f"npm run {script}"
        if not script.startswith(("pre", "post")) or script == "prepare":
            found.append(command(run, source.of("scripts", script), rank(script), string(does)))
    if main := string(data.get("main")):
        found.append(Found("entry points", f"main: {code(main, 100)}", source.of("main"), 2))
    binaries = data.get("bin")
    if isinstance(binaries, str) and title:
        binaries = {title.rpartition("/")[2]: binaries}
    for script, path in list((binaries if isinstance(binaries, dict) else {}).items())[:MOST_ROWS]:
        found.append(entry(script, string(path), source.of("bin")))
    for group in _GROUPS:
        rows = table(data, group)
        where = source.of(group)
        names = [(one, source.of(group, one)) for one in list(rows)[:100]]
        found += wanted("npm", names, where, say=group == "dependencies")
        for one, version in list(rows.items())[:100]:
            if local := _LOCAL.match(string(version)):
                found.append(Found("wants", f"npm:{one.lower()}", source.of(group, one), path=local[1]))
    if not table(data, "dependencies") and table(data, "devDependencies"):
        tools = list(table(data, "devDependencies"))
        shown = ", ".join(code(one, 50) for one in tools[:8])
        more = f" and {len(tools) - 8} more" if len(tools) > 8 else ""
        text = f"for development: {shown}{more}"
        found.append(Found("dependencies", text, source.of("devDependencies"), 6))
    spaces = data.get("workspaces")
    spaces = spaces.get("packages") if isinstance(spaces, dict) else spaces
    found += [Found("parts", one, source.of("workspaces")) for one in strings(spaces)[:MOST_ROWS]]
    return found + licence_named(data.get("license"), source.of("license"))


def pnpm_workspace(text: str, name: str) -> list[Found]:
    rows = Source(text, name).rows(r"^[ \t]*-[ \t]*[\"']?([\w@./*\-]+/[\w@./*\-]*)[\"']?[ \t]*$")
    return [Found("parts", match[1], line) for match, line in rows][:MOST_ROWS]


def deno(text: str, name: str) -> list[Found]:
    source, data = Source(text, name), json_object(text)
    found = described(data.get("name"), data.get("version"), "", source.of("name"))
    for task, does in list(table(data, "tasks").items())[:MOST_ROWS]:
        found.append(command(f"deno task {task}", source.of("tasks", task), rank(task), string(does)))
    return found


def _runner(manager: str) -> str:
    found = re.match(r"(pnpm|yarn|bun)@", manager)
    return found[1] if found else "npm"
