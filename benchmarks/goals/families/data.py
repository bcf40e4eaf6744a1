"""A question about data: the answer, alone, in answer.txt. The visible check sees its form, not its value."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping

from tasks.task import Check, Left

from goals.goal import PACKAGES, Goal, Maker, Note

FAMILY = "data question"
ANSWER = "answer.txt"
NUMBER = "grep -Eqx '[0-9]+([.][0-9]+)?' answer.txt"
WORD = "grep -Eqx '[A-Za-z]+' answer.txt"
REGIONS = ("north", "south", "east", "west")


def says(value: str) -> Check:
    """answer.txt holds the value and nothing else, white space and zeros behind a point aside."""

    def check(left: Left) -> str:
        path = left.project / ANSWER
        if not path.is_file():
            return f"there is no {ANSWER}"
        said = path.read_text(encoding="utf-8", errors="replace").strip()
        return "" if _same(said, value) else f"{ANSWER} says {said[:60]!r}"

    return check


def _same(said: str, value: str) -> bool:
    try:
        return float(said) == float(value)
    except ValueError:
        return said.casefold() == value.casefold()


def _goal(
    name: str, question: str, check: str, files: Mapping[str, str], value: str, notes: tuple[Note, ...]
) -> Goal:
    return Goal(
        f"data-{name}",
        FAMILY,
        f"{question} Write the answer, alone, into {ANSWER}.",
        check,
        files,
        (says(value),),
        (ANSWER,),
        {ANSWER: value + "\n"},
        notes,
    )


def total(rng: random.Random) -> Goal:
    package, region = rng.choice(PACKAGES), rng.choice(REGIONS)
    rows = [(rng.choice(REGIONS), rng.randrange(11, 97)) for _ in range(30)] + [(region, 13), ("north", 17)]
    text = "order,region,amount\n" + "".join(
        f"{number},{where},{amount}\n" for number, (where, amount) in enumerate(rows, 1001)
    )
    return _goal(
        "total",
        f"What is the sum of the amounts of region {region} in orders.csv?",
        NUMBER,
        {"README.md": f"# {package}\n\nOrders of one week.\n", "orders.csv": text},
        str(sum(amount for where, amount in rows if where == region)),
        (
            Note("lesson", "orders.csv is read with csv.DictReader; amount is a whole number"),
            Note("note", "order numbers begin at 1001"),
        ),
    )


def users(rng: random.Random) -> Goal:
    package = rng.choice(PACKAGES)
    names = rng.sample(("ada", "bo", "cy", "dee", "eli", "flo", "gus", "hal"), 6)
    events = [{"user": rng.choice(names), "status": rng.choice(("ok", "ok", "error"))} for _ in range(36)]
    events.append({"user": names[0], "status": "error"})
    return _goal(
        "users",
        "How many different users have at least one event with the status error in events.json?",
        NUMBER,
        {
            "README.md": f"# {package}\n\nevents.json is a list of events, each with a user and a status.\n",
            "events.json": "[\n" + ",\n".join(f"  {json.dumps(event)}" for event in events) + "\n]\n",
        },
        str(len({event["user"] for event in events if event["status"] == "error"})),
        (
            Note("dead-end", "counting the lines with error: a user with two errors is counted twice"),
            Note("note", "events.json holds one day"),
        ),
    )


def hour(rng: random.Random) -> Goal:
    package, wanted = rng.choice(PACKAGES), rng.choice((9, 11, 14))
    lines = [
        (rng.choice((8, wanted, wanted, 16)), rng.randrange(60), rng.choice(("INFO", "ERROR", "WARNING")))
        for _ in range(50)
    ]
    lines.append((wanted, 30, "ERROR"))
    text = "".join(
        f"2025-03-07T{at:02}:{minute:02}:00 {level} request {number}\n"
        for number, (at, minute, level) in enumerate(sorted(lines), 1)
    )
    return _goal(
        "hour",
        f"How many lines of level ERROR does service.log have between {wanted:02}:00 and {wanted:02}:59?",
        NUMBER,
        {"README.md": f"# {package}\n\nservice.log is the log of one day.\n", "service.log": text},
        str(sum(at == wanted and level == "ERROR" for at, _, level in lines)),
        (
            Note("lesson", "a line of service.log is: time, level, the word request, its number"),
            Note("note", "the clock of the service is UTC"),
        ),
    )


def station(rng: random.Random) -> Goal:
    package = rng.choice(PACKAGES)
    places = rng.sample(("Porto", "Faro", "Evora", "Braga", "Lagos", "Sines"), 4)
    means = rng.sample(range(14, 26), 4)
    rows = [
        (place, mean + shift)
        for place, mean in zip(places, means, strict=True)
        for shift in rng.sample((-3, -1, 0, 1, 3), 5)
    ]
    # the highest single value is of another place than the highest mean
    coldest = min(zip(means, places, strict=True))[1]
    rows += [(coldest, 41), (coldest, 2), (coldest, 1)]
    rng.shuffle(rows)
    sums = {place: [value for where, value in rows if where == place] for place in places}
    warmest = max(sums, key=lambda place: sum(sums[place]) / len(sums[place]))
    return _goal(
        "station",
        "Which station of stations.csv has the highest mean of the temperature?",
        WORD,
        {
            "README.md": f"# {package}\n\nTemperatures in degrees Celsius.\n",
            "stations.csv": "station,temperature\n" + "".join(f"{place},{value}\n" for place, value in rows),
        },
        warmest,
        (
            Note("dead-end", "taking the station with the highest single temperature: that is no mean"),
            Note("note", "every station measured at least five times"),
        ),
    )


def price(rng: random.Random) -> Goal:
    package = rng.choice(PACKAGES)
    prices = {name: rng.randrange(2, 19) for name in ("bolt", "hinge", "latch", "screw", "washer")}
    orders = [(rng.choice(tuple(prices)), rng.randrange(1, 9)) for _ in range(14)]
    return _goal(
        "price",
        "What do all orders cost together? orders.csv has the items and their numbers, prices.csv the price of "
        "one item each.",
        NUMBER,
        {
            "README.md": f"# {package}\n\nPrices in whole euros.\n",
            "orders.csv": "item,number\n" + "".join(f"{name},{number}\n" for name, number in orders),
            "prices.csv": "item,price\n" + "".join(f"{name},{each}\n" for name, each in prices.items()),
        },
        str(sum(prices[name] * number for name, number in orders)),
        (
            Note("lesson", "the two files share the column item; an item is ordered several times"),
            Note("decision", "prices are before tax"),
        ),
    )


MAKERS: tuple[Maker, ...] = (total, users, hour, station, price)
