"""What is planted: how it is said, and how it is asked for later, in other words.

Each fact is a list of turns and a question. In a turn, `A` speaks unless it begins with `B:`; `*` marks a
turn that holds the evidence. `{x}` is filled from the pool of that name, the same one within a fact.
"""

from __future__ import annotations

POOLS: dict[str, tuple[str, ...]] = {
    "animal": ("tortoise", "parrot", "greyhound", "rabbit", "kitten", "gecko", "pony", "ferret"),
    "pet": ("Biscuit", "Juno", "Pickle", "Otis", "Mango", "Nova", "Waffle", "Ziggy"),
    "craft": ("pottery", "woodcarving", "embroidery", "calligraphy", "origami", "weaving", "bookbinding"),
    "thing": ("teapots", "owls", "lighthouses", "sailing boats", "mountain huts", "old doors", "herons"),
    "place": ("Lisbon", "Tromsø", "Kyoto", "Valparaíso", "Tbilisi", "Galway", "Ljubljana", "Oaxaca"),
    "relative": ("grandmother", "nephew", "stepsister", "godfather", "cousin", "uncle"),
    "food": ("pumpkin risotto", "lentil stew", "plum cake", "miso aubergines", "rye bread", "ramen"),
    "instrument": ("cello", "banjo", "clarinet", "accordion", "harp", "trombone"),
    "team": ("billing", "mapping", "search", "onboarding", "payments", "telemetry"),
    "database": ("PostgreSQL", "CockroachDB", "DuckDB", "MariaDB", "Redis", "FoundationDB"),
    "problem": ("writers block each other", "backups take a whole night", "replicas fall behind by minutes"),
    "camel": ("parseQuotaHeader", "retryWithJitter", "mergeLedgerRows", "hashSessionKey", "splitTenantPath"),
    "path": ("src/ledger/rounding.py", "lib/tenants/paths.ts", "core/quota/window.go", "app/mail/outbox.rb"),
    "number": ("17", "42", "96", "250", "730", "1800"),
    "event": ("half marathon", "poetry slam", "chess tournament", "charity concert", "science fair"),
    "ailment": ("a sprained ankle", "hay fever", "a root canal", "migraines", "a bad back"),
    "job": ("translator", "paramedic", "beekeeper", "surveyor", "librarian", "sound engineer"),
    "book": ("a history of salt", "a novel about lighthouse keepers", "the letters of two painters"),
    "peak": ("Rauher Kamm", "Ben Arran", "Monte Lupo", "Pico Verde", "Storhorn", "Krn"),
}

FACTS: tuple[tuple[tuple[str, ...], str], ...] = (
    # Said in one sentence, asked with other endings and other words beside.
    (
        ("*We adopted a {animal} from the shelter and named it {pet}.",),
        "What is the name of the {animal} {A} is adopting?",
    ),
    (("*My {relative} is moving to {place} to work as a {job}.",), "Where did {A}'s {relative} move?"),
    (
        ("*I ran a {event} on Sunday and came in {number}th.",),
        "How did the {event} that {A} was running end?",
    ),
    (
        ("*The doctor says it is {ailment}, so no dancing for me.",),
        "What did doctors tell {A} about dancing?",
    ),
    (
        ("*I finished {book}, borrowed from my {relative}.",),
        "Which book was {A} borrowing from a {relative}?",
    ),
    (
        ("*I started {instrument} lessons with a neighbour who plays in an orchestra.",),
        "Who teaches {A} the {instrument}, a neighbor playing in orchestras?",
    ),
    (("*For the potluck I am cooking {food}.",), "What will {A} cook for potlucks?"),
    (
        ("*{team} limits were raised to {number} requests a second after the outage.",),
        "What is the limit of {team} requests since the outages?",
    ),
    # The answer stands next to the words of the question, not with them.
    (
        (
            "B:What are you making in your {craft} class these days?",
            "*Mostly {thing}, and they keep getting bigger.",
        ),
        "What does {A} make in {craft} classes?",
    ),
    (
        ("B:So where are you going on holiday this year?", "*{place}, if the trains run."),
        "Where is {A} going on holidays?",
    ),
    (
        ("B:Who taught you to play the {instrument}?", "*My {relative}, every Thursday, for years."),
        "Who was teaching {A} to play {instrument}?",
    ),
    (
        (
            "B:Did they find out why the {team} job failed at night?",
            "*Yes: the certificate had expired at midnight.",
        ),
        "Why was the {team} job failing?",
    ),
    (
        ("B:Which store do we take for the {team} service?", "*{database}, everything else was too slow."),
        "Which store was taken for {team} services?",
    ),
    (
        ("B:How do you like being a {job}?", "*Love it, though the hours are brutal and I cry on the bus."),
        "How does {A} feel as a {job}?",
    ),
    # The reason comes two turns later.
    (
        ("I quit the choir, by the way.", "B:Oh no, how come?", "*Rehearsals clash with my night shifts."),
        "Why did {A} quit the choir?",
    ),
    (
        (
            "We are dropping {database} from the {team} service.",
            "B:Really? After all that work?",
            "*Its {problem}, nobody can live with that.",
        ),
        "Why was {database} dropped from {team}?",
    ),
    (
        (
            "My {relative} gave me a parcel wrapped in newspaper.",
            "B:And? What was in it?",
            "*A hand-made {instrument}, I could not believe it.",
        ),
        "What was in the parcel from {A}'s {relative}?",
    ),
    # Identifiers and paths, written in another way.
    (
        ("*{camel} returns an empty list when the header is missing.",),
        "what does {snake} return without a header",
    ),
    (("*The rounding bug sits in {path}, near line {number}.",), "which line of {stem} has the rounding bug"),
    (("*Never call {camel} inside a transaction, it deadlocks.",), "when may {spaced} not be called?"),
    # The same thing on two dates; the question names one.
    (("*Last weekend we climbed {peak} with the club.",), "Which mountain did {A} climb in {monthname}?"),
    (("*We climbed {peak} again, in the fog.",), "Which mountain was {A} climbing in {monthname}?"),
    (("*At the fair I bought {food} for everybody.",), "What did {A} buy at the fair in {monthname}?"),
    (("*The fair again! This time I bought {thing}.",), "What did {A} buy at the fair in {monthname}?"),
    # Other languages.
    (
        ("*Wir haben den Server {number} nach {place} verlegt, die Miete war zu hoch.",),
        "Wohin wurden die Server verlegt, und warum war die Miete ein Problem?",
    ),
    (
        (
            "B:Was schenkst du deiner Schwester zum Geburtstag?",
            "*Ein {instrument}, sie wünscht sich das seit Jahren.",
        ),
        "Welches Geschenk bekommt die Schwester zum Geburtstag?",
    ),
    (
        ("*Mi abuela vende su casa en {place} porque las escaleras le cuestan mucho.",),
        "¿Por qué la abuela está vendiendo la casa?",
    ),
    (("*Le boulanger de {place} m'a donné sa recette de {food}.",), "Qui a donné la recette de {food} ?"),
    (("*会議は{place}の図書館で木曜日に行います。",), "図書館の会議は何曜日ですか"),
)

TALK: dict[str, tuple[str, ...]] = {
    "home": (
        "The kitchen tap drips again and the plumber never answers.",
        "I painted the hallway and now the doors look grey.",
        "Our neighbour plays loud music whenever it rains.",
        "We moved the sofa to the window, the cat approves.",
        "The shelter down the road is looking for volunteers.",
        "My sister wants a new desk for her room, with drawers.",
        "Somebody left a parcel on the stairs, wrapped in newspaper.",
    ),
    "work": (
        "The release slipped because the tests were red all week.",
        "They changed the header of every report, nobody asked for it.",
        "The night job failed twice, then it ran through.",
        "Our new store is fast, but the old one had better tools.",
        "We argue about rounding in every single review.",
        "The outage meeting took three hours and ended with cake.",
        "I would rather write code than fill in another form.",
        "The server room is too warm, the fans are screaming.",
        "Service limits are a mess, each team has its own.",
        "Please call me before you merge, it deadlocks otherwise.",
        "Half of the requests come from one customer.",
    ),
    "free": (
        "The concert was sold out, so we listened from the park.",
        "I read a book a week now, mostly on the train.",
        "Club night was fun, somebody brought a drum.",
        "My class was cancelled, the teacher has a cold.",
        "We played cards until two in the morning.",
        "Next weekend we go climbing if the weather holds.",
        "The fair is in town, everything smells of sugar.",
        "The choir sang outside the station and people cried.",
        "I want to learn to dance, properly, with shoes and all.",
    ),
    "life": (
        "I slept badly, the street was loud.",
        "The bus was late again, and then two came.",
        "My holiday photos are still on the camera.",
        "I cooked too much rice, come over and help.",
        "The doctor was nice but the waiting room was not.",
        "Shoes are so expensive this year.",
        "My cousin called, she is fine, she sends her love.",
        "Es regnet seit Tagen, die Miete steigt auch noch.",
        "La casa de mi tía está llena de gatos.",
        "図書館は今日も混んでいました。",
    ),
    "reply": (
        "Ha, that sounds like you.",
        "Oh no. Really?",
        "I know exactly what you mean.",
        "Good for you!",
        "Tell me more when we meet.",
        "That is what I thought, too.",
        "Hm, I would have done the same.",
        "How come?",
        "And then?",
        "Nice! I want to see it.",
    ),
}  # fmt: skip
# Said in passing, with the words of the facts: what a question must not be led astray by.
MENTIONS: tuple[str, ...] = (
    "Saw a {animal} in the park today, {B} would have laughed.",
    "The {relative} of my boss is a {job}, what a life.",
    "{place} again in the news, did you see it, {A}?",
    "Everybody in the office eats {food} this week.",
    "The {team} people want another meeting about limits.",
    "I heard a {instrument} through the wall all evening.",
    "{database} crashed on the demo laptop, of course.",
    "Somebody renamed {camel} and the build broke for an hour.",
    "There is a {event} in town, the streets are closed.",
    "Read an article about {craft}, {B}, it made me think of you.",
    "A {job} told me that {place} is too hot in summer.",
    "My teacher keeps a {animal} in the classroom, named after a king.",
    "They opened {path} in the review and nobody understood it.",
    "The club went to {peak} without me, and it rained.",
    "My {relative} sends parcels of {food} to everybody in {place}.",
    "Doctors say {ailment} is common among people who dance.",
)
NAMES = ("Mara", "Jonas", "Priya", "Elif", "Tomás", "Hanne", "Kwame", "Yuki", "Ines", "Pavel", "Noor", "Sven")
