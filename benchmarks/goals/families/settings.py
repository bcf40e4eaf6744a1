"""A change of configuration: exactly these keys, and nothing else in the file."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tasks.checks import sets
from tasks.task import Check

from goals.goal import PACKAGES, Goal, Maker, Note, replaced

FAMILY = "configuration"
SHOW = '''"""Prints a value of the configuration: python3 show.py KEY"""

import sys

import config

print(config.read()[sys.argv[1]])
'''


def _goal(
    name: str,
    text: str,
    check: str,
    files: Mapping[str, str],
    path: str,
    change: tuple[tuple[str, str], ...],
    hidden: tuple[Check, ...],
    notes: tuple[Note, ...],
) -> Goal:
    solution = {path: replaced(files, path, *change)}
    return Goal(f"settings-{name}", FAMILY, text, check, files, hidden, (path,), solution, notes)


def port(rng: random.Random) -> Goal:
    package, new = rng.choice(PACKAGES), rng.choice((8087, 9104, 7311))
    files = {
        "README.md": f"# {package}\n\n`python3 show.py port` prints the port.\n",
        "config.json": '{\n  "server": {\n    "host": "127.0.0.1",\n    "port": 8080\n  },\n'
        '  "metrics": {\n    "port": 9090\n  }\n}\n',
        "config.py": "import json\n\n\ndef read():\n"
        '    with open("config.json") as file:\n        return json.load(file)["server"]\n',
        "show.py": SHOW,
    }
    return _goal(
        "port",
        f"Let the server listen on port {new}: change config.json. The port of the metrics stays.",
        f'test "$(python3 show.py port)" = {new}',
        files,
        "config.json",
        (('"port": 8080', f'"port": {new}'),),
        (sets("config.json", {"server.port": new}),),
        (
            Note("lesson", "config.json has two ports: the server's and that of the metrics"),
            Note("decision", "the server listens on 127.0.0.1 only"),
        ),
    )


def python_version(rng: random.Random) -> Goal:
    package, new = rng.choice(PACKAGES), rng.choice(("3.11", "3.12"))
    files = {
        "README.md": f"# {package}\n",
        "pyproject.toml": f'[project]\nname = "{package}"\nversion = "1.4.2"\nrequires-python = ">=3.9"\n'
        'dependencies = ["tomli>=2"]\n\n[tool.ruff]\nline-length = 100\ntarget-version = "py39"\n',
        f"{package}/__init__.py": "",
        "check_python.py": "import sys\nimport tomllib\n\n"
        'with open("pyproject.toml", "rb") as file:\n    data = tomllib.load(file)\n'
        'wanted = data["project"]["requires-python"], data["tool"]["ruff"]["target-version"]\n'
        f'sys.exit(0 if wanted == (">={new}", "py{new.replace(".", "")}") else f"not yet: {{wanted}}")\n',
    }
    tag = "py" + new.replace(".", "")
    return _goal(
        "python",
        f"In pyproject.toml, require Python >={new} (requires-python), and set the target-version of ruff to "
        f'"{tag}". Nothing else changes.',
        "python3 check_python.py",
        files,
        "pyproject.toml",
        (('">=3.9"', f'">={new}"'), ('"py39"', f'"{tag}"')),
        (sets("pyproject.toml", {"project.requires-python": f">={new}", "tool.ruff.target-version": tag}),),
        (
            Note("lesson", "two keys of pyproject.toml name the version of Python, in different spellings"),
            Note("constraint", "the version of the package is changed at a release only"),
        ),
    )


def retries(rng: random.Random) -> Goal:
    package, count, wait = rng.choice(PACKAGES), rng.choice((5, 7)), rng.choice((20, 45))
    files = {
        "README.md": f"# {package}\n\nSettings stand in {package}.ini.\n",
        f"{package}.ini": "[client]\nretries = 3\ntimeout = 30\n\n[server]\ntimeout = 30\nworkers = 4\n",
        "config.py": "from configparser import ConfigParser\n\n\ndef read():\n    parser = ConfigParser()\n"
        f'    parser.read("{package}.ini")\n    return parser["client"]\n',
        "show.py": SHOW,
    }
    return _goal(
        "retries",
        f"In {package}.ini, set the client's retries to {count} and the client's timeout to {wait}. "
        "The server's timeout stays as it is.",
        f'test "$(python3 show.py retries) $(python3 show.py timeout)" = "{count} {wait}"',
        files,
        f"{package}.ini",
        (("retries = 3\ntimeout = 30", f"retries = {count}\ntimeout = {wait}"),),
        (sets(f"{package}.ini", {"client.retries": str(count), "client.timeout": str(wait)}),),
        (
            Note("dead-end", "replacing every timeout = 30 at once: the server's timeout changes as well"),
            Note("note", "the server has four workers"),
        ),
    )


def environment(rng: random.Random) -> Goal:
    package, level = rng.choice(PACKAGES), rng.choice(("WARNING", "ERROR"))
    files = {
        "README.md": f"# {package}\n\nThe service reads service.env.\n",
        "service.env": "# what the service is started with\nHOST=127.0.0.1\nLOG_LEVEL=DEBUG\nCACHE=on\n",
        "config.py": "def read():\n    pairs = {}\n    for line in open('service.env'):\n"
        "        key, mark, value = line.strip().partition('=')\n        if mark:\n"
        "            pairs[key] = value\n    return pairs\n",
        "show.py": SHOW,
    }
    return _goal(
        "environment",
        f"In service.env, set LOG_LEVEL to {level} and turn CACHE off (the value is: off).",
        f'test "$(python3 show.py LOG_LEVEL) $(python3 show.py CACHE)" = "{level} off"',
        files,
        "service.env",
        (("LOG_LEVEL=DEBUG", f"LOG_LEVEL={level}"), ("CACHE=on", "CACHE=off")),
        (sets("service.env", {"LOG_LEVEL": level, "CACHE": "off"}),),
        (
            Note("lesson", "values of service.env have no quotes and no spaces around ="),
            Note("decision", "the service listens on this machine only"),
        ),
    )


def languages(rng: random.Random) -> Goal:
    package, new = rng.choice(PACKAGES), rng.choice(("pt", "nl", "it"))
    files = {
        "README.md": f"# {package}\n",
        "settings.json": '{\n  "languages": ["en", "de", "fr"],\n  "default": "en",\n  "beta": true,\n'
        '  "units": "metric"\n}\n',
        "config.py": "import json\n\n\ndef read():\n"
        '    with open("settings.json") as file:\n        return json.load(file)\n',
        "show.py": SHOW,
    }
    return _goal(
        "languages",
        f'In settings.json, add "{new}" at the end of the languages, and set beta to false.',
        f'python3 show.py languages | grep -q "\'{new}\'" && test "$(python3 show.py beta)" = False',
        files,
        "settings.json",
        (('"fr"]', f'"fr", "{new}"]'), ('"beta": true', '"beta": false')),
        (sets("settings.json", {"languages": ["en", "de", "fr", new], "beta": False}),),
        (
            Note("lesson", "settings.json is read by json.load: true and false are lower case there"),
            Note("note", "the default language is never changed"),
        ),
    )


MAKERS: tuple[Maker, ...] = (port, python_version, retries, environment, languages)
