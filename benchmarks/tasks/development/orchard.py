"""Data: trees as CSV, harvests as JSON, and two scripts that read them."""

import json
from datetime import date, timedelta

from tasks.kit import Commit, Task, becomes, call, number, parses, prints, says, sets

_KINDS = ("apple", "pear", "plum", "apple", "cherry", "apple", "quince", "pear")
_SORTS = {
    "apple": ("Boskoop", "Topaz", "Elstar"),
    "pear": ("Williams", "Conference"),
    "plum": ("Hauszwetschge",),
    "cherry": ("Kordia",),
    "quince": ("Konstantinopeler",),
}


def _trees() -> str:
    lines = ["id,kind,sort,plot,planted,health"]
    for index in range(1, 35):
        kind = _KINDS[index % len(_KINDS)]
        sort = _SORTS[kind][index % len(_SORTS[kind])]
        health = "sick" if index in (4, 11, 19, 26, 30) else "good"
        lines.append(f"T{index:03},{kind},{sort},{'ABCD'[index % 4]},{1996 + index * 7 % 23},{health}")
    return "\n".join(lines) + "\n"


def _harvest() -> str:
    start = date(2024, 8, 19)
    rows = [
        {
            "day": str(start + timedelta(days=3 * index)),
            "kind": ("plum", "pear", "apple", "apple")[index % 4],
            "kg": 40 + index * 37 % 61,
        }
        for index in range(18)
    ]
    return "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n"


FIRST = {
    "README.md": "# orchard\n\n`data/trees.csv` has one line a tree, `data/harvest.json` one entry a day.\n\n"
    "    python scripts/summary.py\n    python scripts/oldest.py KIND\n",
    "data/trees.csv": _trees(),
    "data/harvest.json": _harvest(),
    "data/plots.json": """{
  "A": { "area_m2": 1850, "owner": "Huber", "irrigated": true },
  "B": { "area_m2": 2420, "owner": "Sato", "irrigated": false },
  "C": { "area_m2": 960, "owner": "Huber", "irrigated": false },
  "D": { "area_m2": 3100, "owner": "Moreau", "irrigated": true }
}
""",
    "data/prices.csv": "kind,eur_per_kg\napple,1.80\npear,2.20\nplum,2.75\ncherry,6.40\nquince,3.10\n",
    "scripts/summary.py": '''"""How much was picked in all, by kind."""

import json
from collections import Counter
from pathlib import Path

rows = json.loads((Path(__file__).parents[1] / "data" / "harvest.json").read_text())
picked = Counter()
for row in rows:
    picked[row["kind"]] += row["kg"]
for kind, kg in picked.most_common():
    print(f"{kind}: {kg} kg")
''',
    "scripts/oldest.py": '''"""The oldest tree of a kind: its id and the year in which it was planted."""

import csv
import sys
from pathlib import Path


def oldest(rows, kind):
    return min((row for row in rows if row["kind"] == kind), key=lambda row: (row["planted"], row["id"]))


if __name__ == "__main__":
    with (Path(__file__).parents[1] / "data" / "trees.csv").open() as file:
        tree = oldest(csv.DictReader(file), sys.argv[1])
    print(tree["id"], tree["planted"])
''',
}
COMMITS = (Commit("Edith Huber", 8, "Trees, plots and harvests", FIRST),)

_ROWS = [line.split(",") for line in FIRST["data/trees.csv"].splitlines()[1:]]
_PICKED = json.loads(FIRST["data/harvest.json"])
_SICK = [row for row in _ROWS if row[5] == "sick"]
_PEARS = sum(row[1] == "pear" for row in _ROWS)
_TOTAL = sum(row["kg"] for row in _PICKED)
_BEST = max(_PICKED, key=lambda row: row["kg"])
_APPLES = sum(row["kg"] for row in _PICKED if row["kind"] == "apple")
_OLDEST = min((row for row in _ROWS if row[1] == "plum"), key=lambda row: (row[4], row[0]))

TASKS = (
    Task(
        "orchard-find-t017",
        "find",
        "On which plot does tree T017 stand, and of which sort is it?",
        (says(_ROWS[16][3], _ROWS[16][2]),),
        (call("search", pattern="T017"), f"T017 stands on plot {_ROWS[16][3]}; it is a {_ROWS[16][2]}."),
    ),
    Task(
        "orchard-read-price",
        "read",
        "Was kostet laut unseren Daten ein Kilo Pflaumen (plum)?",
        (says(number(2.75)),),
        (call("read", path="data/prices.csv"), "2.75 Euro."),
        language="de",
    ),
    Task(
        "orchard-read-owner",
        "read",
        "who owns plot D and how big is it?",
        (says("Moreau", number(3100)),),
        (call("read", path="data/plots.json"), "Moreau; it has 3100 square metres."),
    ),
    Task(
        "orchard-count-pears",
        "count",
        "How many pear trees are in data/trees.csv?",
        (says(number(_PEARS)),),
        (call("shell", command="grep -c ,pear, data/trees.csv"), f"There are {_PEARS} pear trees."),
    ),
    Task(
        "orchard-count-sick",
        "count",
        "combien d'arbres sont malades (sick) dans data/trees.csv ?",
        (says(number(len(_SICK))),),
        (call("search", pattern="sick"), f"{len(_SICK)} arbres sont malades."),
        language="fr",
    ),
    Task(
        "orchard-explain-oldest",
        "explain",
        "What does the function oldest in scripts/oldest.py return when two trees were planted in the same "
        "year?",
        (
            says(
                "id",
                (
                    *(
                        "smaller",
                        "smallest",
                        "lower",
                        "lowest",
                        "first",
                        "least",
                        "minimum",
                        "lexicographically",
                    ),
                    *("alphabetically", "earlier", "ascending", "min"),
                ),
            ),
        ),
        (call("read", path="scripts/oldest.py"), "The one with the smaller id, since id is the second key."),
    ),
    Task(
        "orchard-create-sick",
        "create",
        "Create data/sick.json: a JSON list with the ids of all trees in data/trees.csv whose health is "
        "sick.",
        (parses("data/sick.json", [row[0] for row in _SICK]),),
        (
            call(
                "run",
                code="import csv, json\nids = [r['id'] for r in csv.DictReader(open('data/trees.csv')) "
                "if r['health'] == 'sick']\njson.dump(ids, open('data/sick.json', 'w'))",
            ),
            "data/sick.json holds five ids.",
        ),
        changes=("data/sick.json",),
    ),
    Task(
        "orchard-create-total",
        "create",
        "Write scripts/total.py. It reads data/harvest.json and prints the sum of kg, nothing else.",
        (prints(("python3", "scripts/total.py"), exactly=str(_TOTAL)),),
        (
            call("read", path="data/harvest.json"),
            call(
                "write",
                path="scripts/total.py",
                content="import json\n\nwith open('data/harvest.json') as file:\n"
                "    print(sum(row['kg'] for row in json.load(file)))\n",
            ),
            "scripts/total.py prints the sum.",
        ),
        changes=("scripts/total.py",),
    ),
    Task(
        "orchard-edit-price",
        "edit",
        "Cherries cost 6.90 now. Update data/prices.csv.",
        (
            becomes(
                "data/prices.csv",
                lambda rows: [
                    {**row, "eur_per_kg": "6.90"} if row["kind"] == "cherry" else row for row in rows
                ],
            ),
        ),
        (call("edit", path="data/prices.csv", old="cherry,6.40", new="cherry,6.90"), "Done."),
        changes=("data/prices.csv",),
    ),
    Task(
        "orchard-edit-row",
        "edit",
        "Acrescenta a data/prices.csv uma linha para fig com o preço 5.50",
        (becomes("data/prices.csv", lambda rows: [*rows, {"kind": "fig", "eur_per_kg": "5.50"}]),),
        (
            call("edit", path="data/prices.csv", old="quince,3.10\n", new="quince,3.10\nfig,5.50\n"),
            "Acrescentei fig,5.50.",
        ),
        changes=("data/prices.csv",),
        language="pt",
    ),
    Task(
        "orchard-edit-irrigated",
        "edit",
        "plot C is irrigated now, please change that in data/plots.json",
        (sets("data/plots.json", {"C.irrigated": True}),),
        (
            call("read", path="data/plots.json"),
            call(
                "edit",
                path="data/plots.json",
                old='960, "owner": "Huber", "irrigated": false',
                new='960, "owner": "Huber", "irrigated": true',
            ),
            "Plot C is irrigated.",
        ),
        changes=("data/plots.json",),
    ),
    Task(
        "orchard-run-summary",
        "run",
        "Run scripts/summary.py and tell me how many kilograms of apples were picked.",
        (says(number(_APPLES)),),
        (call("shell", command="python3 scripts/summary.py"), f"{_APPLES} kg of apples."),
    ),
    Task(
        "orchard-run-area",
        "run",
        "Calcula con Python la superficie total (area_m2) de todas las parcelas de data/plots.json.",
        (says(number(8330)),),
        (
            call(
                "run",
                code="import json\nplots = json.load(open('data/plots.json'))\n"
                "print(sum(plot['area_m2'] for plot in plots.values()))",
            ),
            "En total son 8330 m².",
        ),
        language="es",
    ),
    Task(
        "orchard-run-best",
        "run",
        "With Python, find the day in data/harvest.json on which most kg were picked. Which day, how many "
        "kg?",
        (says(number(_BEST["kg"]), _BEST["day"]),),
        (
            call(
                "run",
                code="import json\nprint(max(json.load(open('data/harvest.json')), key=lambda r: r['kg']))",
            ),
            f"On {_BEST['day']}, {_BEST['kg']} kg.",
        ),
    ),
    Task(
        "orchard-steps-oldest",
        "steps",
        "Which is the oldest plum tree? Use scripts/oldest.py to find it, then set its health to sick in "
        "data/trees.csv.",
        (
            becomes(
                "data/trees.csv",
                lambda rows: [{**row, "health": "sick"} if row["id"] == _OLDEST[0] else row for row in rows],
            ),
        ),
        (
            call("shell", command="python3 scripts/oldest.py plum"),
            call("search", pattern=_OLDEST[0]),
            call(
                "edit",
                path="data/trees.csv",
                old=",".join(_OLDEST),
                new=",".join([*_OLDEST[:5], "sick"]),
            ),
            f"It is {_OLDEST[0]}; it is marked as sick.",
        ),
        changes=("data/trees.csv",),
    ),
)
