"""Manifests of scripting languages: Composer, Bundler and gems, Mix, Dart."""

from __future__ import annotations

import re
from itertools import islice

from orchestrator.handoff.manifests.found import (
    MOST_ROWS,
    Found,
    Source,
    command,
    described,
    json_object,
    licence_named,
    needs,
    rank,
    string,
    strings,
    table,
    wanted,
)


def composer(text: str, name: str) -> list[Found]:
    source, data = Source(text, name), json_object(text)
    title = string(data.get("name"))
    found = described(title, data.get("version"), data.get("description"), source.of("name"))
    found += [Found("package", f"composer:{title.lower()}", source.of("name"))] if title else []
    found += needs("PHP", table(data, "require").get("php"), source.of("require", "php"))
    for script, does in list(table(data, "scripts").items())[:MOST_ROWS]:
        shown = does if isinstance(does, str) else "; ".join(strings(does))
        found.append(command(f"composer {script}", source.of("scripts", script), rank(script), shown))
    for group in ("require", "require-dev"):
        names = [(one, source.of(group, one)) for one in list(table(data, group))[:100] if "/" in one]
        found += wanted("composer", names, source.of(group), say=group == "require")
    places = data.get("repositories")
    places = list(places.values()) if isinstance(places, dict) else places
    for one in places[:MOST_ROWS] if isinstance(places, list) else []:
        if isinstance(one, dict) and one.get("type") == "path" and string(one.get("url")):
            found.append(Found("wants", "", source.of("repositories"), path=one["url"]))
    return found + licence_named(data.get("license"), source.of("license"))


def gemfile(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    names, found = [], []
    for match, line in islice(source.rows(r"^[ \t]*gem[ \t(]+[\"']([\w.\-]+)[\"']([^\n]*)"), 200):
        names.append((match[1], line))
        if path := re.search(r"\bpath:?[ \t]*(?:=>)?[ \t]*[\"'](\.\.?/?[^\"'\n]*)[\"']", match[2]):
            found.append(Found("wants", f"gem:{match[1].lower()}", line, path=path[1]))
    return wanted("gem", names, names[0][1] if names else name) + found


def gemspec(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    pattern = r"^[^\n#]{0,40}\.(name|summary|license|required_ruby_version)[ \t]*=[ \t]*[\"']([^\"'\n]*)[\"']"
    values = {match[1]: (match[2], line) for match, line in islice(source.rows(pattern), 20)}
    if opened := re.search(r"Gem::Specification\.new[ (]*[\"']([\w.\-]+)[\"']", source.text):
        values.setdefault("name", (opened[1], source.line(opened.start())))
    title, line = values.get("name", ("", name))
    found = described(title, "", values.get("summary", ("", ""))[0], line, "Gem")
    found += [Found("package", f"gem:{title.lower()}", line)] if title else []
    found += needs("Ruby", *values.get("required_ruby_version", ("", name)))
    rows = source.rows(r"\.add_(?:runtime_)?dependency[ (]+[\"']([\w.\-]+)[\"']")
    names = [(match[1], where) for match, where in islice(rows, 100)]
    found += wanted("gem", names, names[0][1] if names else name)
    return found + licence_named(*values.get("license", ("", name)))


def rakefile(text: str, name: str) -> list[Found]:
    """Tasks that stand in no namespace."""
    source = Source(text, name)
    task, made = (
        r"task[ \t(]+:?[\"']?(\w+(?::\w+)*)",
        r"(?:TestTask|RakeTask)\.(?:new|create)\(?[ \t]*:?[\"']?([\w:]*)",
    )
    rows = list(islice(source.rows(rf"^(?:{task}|(?:\w+::)*{made})"), 60))
    tasks = {(match[1] or match[2] or "test").rstrip(":"): line for match, line in rows[::-1]}
    tasks.pop("default", None)
    found = [command(f"rake {task}", line, rank(task)) for task, line in tasks.items()]
    return sorted(found, key=lambda one: one.rank)[:MOST_ROWS]


def mix(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    app = re.search(r"\bapp:[ \t]*:(\w+)", source.text)
    if app is None:
        return []
    about = re.search(r"(?:\bdescription:[ \t]*|@description[ \t]+)\"([^\"\n]+)\"", source.text)
    version = re.search(r"(?:\bversion:[ \t]*|@version[ \t]+)\"([^\"\n]+)\"", source.text)
    line = source.line(app.start())
    found = described(app[1], version and version[1], about and about[1], line, "Mix project")
    found.append(Found("package", f"hex:{app[1].lower()}", line))
    if elixir := re.search(r"\belixir:[ \t]*\"([^\"\n]+)\"", source.text):
        found += needs("Elixir", elixir[1], source.line(elixir.start()))
    found += [command("mix test", line, 0), command("mix compile", line, 1)]
    names = []
    for match, where in islice(source.rows(r"\{:(\w+),[ \t]*([^}\n]*)"), 100):
        if re.search(r"\"|\bpath:|\bgit:|\bgithub:", match[2]):
            names.append((match[1], where))
        if path := re.search(r"\bpath:[ \t]*\"([^\"\n]+)\"", match[2]):
            found.append(Found("wants", f"hex:{match[1].lower()}", where, path=path[1]))
    return found + wanted("hex", names, names[0][1] if names else name)


def pubspec(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    values = {
        m[1]: (m[2].strip("\"' "), line) for m, line in islice(source.rows(r"^(\w+):[ \t]*(\S.*)$"), 40)
    }
    title, line = values.get("name", ("", name))
    if not title:
        return []
    found = described(
        title,
        values.get("version", ("", ""))[0],
        values.get("description", ("", ""))[0],
        line,
        "Dart package",
    )
    found.append(Found("package", f"dart:{title.lower()}", line))
    found.append(command("flutter test" if "flutter:" in source.text else "dart test", line, 0))
    block = re.search(r"^dependencies:[ \t]*\n((?:[ \t]+[^\n]*\n?|\n)*)", source.text, re.MULTILINE)
    rows = re.finditer(r"^  (\w+):", block[1], re.MULTILINE) if block else ()
    start = block.start(1) if block else 0
    names = [(m[1], source.line(start + m.start())) for m in islice(rows, 100)]
    return found + wanted("dart", names, names[0][1] if names else name)
