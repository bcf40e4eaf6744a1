"""A Python script with a history: three authors, two branches, tags, and work that is not committed."""

from tasks.kit import Commit, Task, branch, call, clean, committed, contains, number, python, says, tagged

_TABLE = '''"""Times of high water."""

HIGH = {"Husum": "04:12", "Cuxhaven": "02:57", "Brest": "06:31"}


def high_water(port):
    return HIGH[port]
'''
_MAIN = '''"""python tides.py PORT"""

import sys

from table import high_water

if __name__ == "__main__":
    print(high_water(sys.argv[1]))
'''
_LEAP = "def is_spring_tide(moon_age):\n    return moon_age % 14.75 < 2\n"
_README = "# tides\n\nWhen is high water?\n\n    python tides.py Husum\n"
COMMITS = (
    Commit(
        "Anke Petersen",
        2,
        "Table of high water",
        {"table.py": _TABLE, "README.md": "# tides\n", ".gitignore": "__pycache__/\n*.log\n"},
    ),
    Commit("Anke Petersen", 4, "Command line", {"tides.py": _MAIN}, tag="v0.1"),
    Commit("Bruno Costa", 7, "Spring tides by the age of the moon", {"moon.py": _LEAP}),
    Commit("Chloe Martin", 9, "Explain how it is called", {"README.md": _README}),
    Commit(
        "Bruno Costa",
        13,
        "Fix the time of Brest",
        {"table.py": _TABLE.replace("06:31", "06:13")},
        tag="v0.2",
    ),
    Commit("Bruno Costa", 15, "Ports to come", {"notes.txt": "Ports to come: Bilbao, Porto\n"}),
    Commit(
        "Chloe Martin",
        18,
        "Warn before a storm surge",
        {"alerts.py": "LEVEL_M = 3.5\n\n\ndef warn(level_m):\n    return level_m >= LEVEL_M\n"},
        branch="storm-alerts",
    ),
)
UNCOMMITTED = {
    "README.md": _README + "\nTimes are in UTC.\n",
    "notes.txt": "Ports to come: Bilbao, Porto, Vigo\n",
}

TASKS = (
    Task(
        "tides-git-last",
        "git",
        "Who made the last commit, and what is its message?",
        (says(("Bruno Costa", "Bruno"), "Ports to come", never=("Chloe",)),),
        (call("git", command="log -1"), "Bruno Costa, with the message 'Ports to come'."),
    ),
    Task(
        "tides-git-uncommitted",
        "git",
        "Welche Dateien habe ich geändert, aber noch nicht committet?",
        (says("README.md", "notes.txt", never=("moon.py", "table.py", "tides.py")),),
        (call("git", command="status --short"), "README.md und notes.txt."),
        language="de",
    ),
    Task(
        "tides-git-branches",
        "git",
        "Which branches does this repository have?",
        (says("main", "storm-alerts"),),
        (call("git", command="branch"), "Two: main (checked out) and storm-alerts."),
    ),
    Task(
        "tides-git-who-moon",
        "git",
        "who wrote moon.py and on which day was it committed?",
        (
            says(
                ("Bruno Costa", "Bruno"),
                (
                    *("2025-03-07", "7 march", "march 7", "7th of march", "mar 7", "7 mar", "07.03.2025"),
                    *("march 7th", "7th march", "07 mar"),
                ),
            ),
        ),
        (call("git", command="log --format='%an %ad' --date=short moon.py"), "Bruno Costa, on 2025-03-07."),
    ),
    Task(
        "tides-git-count",
        "count",
        "How many commits are there by Bruno Costa on this branch?",
        (says(number(3)),),
        (call("git", command="shortlog -s"), "Three."),
    ),
    Task(
        "tides-git-brest",
        "git",
        "What exactly did the commit 'Fix the time of Brest' change? Name the old and the new time.",
        (says("06:31", "06:13"),),
        (
            call("git", command="log --oneline --grep 'time of Brest'"),
            call("git", command="show v0.2"),
            "It changed the time of Brest from 06:31 to 06:13.",
        ),
    ),
    Task(
        "tides-git-commit",
        "git",
        "Commit my changes with the message 'Vigo, and UTC'",
        (committed("README.md", "notes.txt", message="Vigo, and UTC"), clean("README.md", "notes.txt")),
        (call("git", command="commit -am 'Vigo, and UTC'"), "Committed."),
        history=True,
    ),
    Task(
        "tides-git-commit-one",
        "git",
        "commit only README.md, message: Times are in UTC. Leave notes.txt as it is.",
        (committed("README.md", message="Times are in UTC"), clean("README.md")),
        (call("git", command="commit -m 'Times are in UTC' README.md"), "README.md is committed."),
        history=True,
    ),
    Task(
        "tides-git-branch-new",
        "git",
        "Create a new branch called portugal and switch to it.",
        (branch("portugal"),),
        (call("git", command="switch -c portugal"), "You are on portugal now."),
        history=True,
    ),
    Task(
        "tides-git-tag",
        "git",
        "Mets le tag v0.3 sur le dernier commit.",
        (tagged("v0.3"),),
        (call("git", command="tag v0.3"), "Le tag v0.3 est posé."),
        history=True,
        language="fr",
    ),
    Task(
        "tides-git-restore",
        "git",
        "Throw away my changes in notes.txt, but keep those in README.md.",
        (
            clean("notes.txt"),
            contains("notes.txt", "Porto", never=("Vigo",)),
            contains("README.md", "Times are in UTC"),
        ),
        (call("git", command="restore notes.txt"), "notes.txt is as it was committed."),
        changes=("notes.txt",),
    ),
    Task(
        "tides-find-storm",
        "find",
        "At which level does the code on the branch storm-alerts warn, and in which file is that?",
        (says(number(3.5), "alerts.py"),),
        (
            call("git", command="diff main...storm-alerts"),
            "At 3.5 metres (LEVEL_M in alerts.py).",
        ),
    ),
    Task(
        "tides-explain-spring",
        "explain",
        "Explique is_spring_tide : que renvoie-t-elle pour moon_age = 15, et pourquoi ?",
        (says(("True", "vrai", "vraie"), (*number(14.75), *number(0.25))),),
        (
            call("search", pattern="is_spring_tide"),
            "Elle renvoie True : 15 modulo 14.75 vaut 0.25, moins que 2.",
        ),
        language="fr",
    ),
    Task(
        "tides-run-husum",
        "run",
        "Wann ist laut tides.py Hochwasser in Cuxhaven? Führe das Programm aus.",
        (says(("02:57", "2:57")),),
        (call("shell", command="python3 tides.py Cuxhaven"), "Um 02:57."),
        language="de",
    ),
    Task(
        "tides-steps-edit-commit",
        "steps",
        "Correct the time of Husum in table.py to 04:21, then commit only that file with the message "
        "'Correct Husum'.",
        (
            committed("table.py", message="Correct Husum"),
            clean("table.py"),
            python("from table import HIGH; print(*HIGH.values())", exactly="04:21 02:57 06:13"),
        ),
        (
            call("edit", path="table.py", old="04:12", new="04:21"),
            call("git", command="commit -m 'Correct Husum' table.py"),
            "Husum is 04:21, and that is committed.",
        ),
        changes=("table.py",),
        history=True,
    ),
    Task(
        "tides-steps-port",
        "steps",
        "Look at how the ports are kept, then add Vigo with high water at 05:40 to the table.",
        (
            python("from table import high_water as h; print(h('Vigo'), h('Brest'))", exactly="05:40 06:13"),
            contains("table.py", loses=1),
        ),
        (
            call("read", path="table.py"),
            call("edit", path="table.py", old='"06:13"}', new='"06:13", "Vigo": "05:40"}'),
            "Vigo is in the table.",
        ),
        changes=("table.py",),
    ),
)
