"""Documents of a team, in Markdown: how-tos, decisions, a glossary, a changelog."""

import re

from tasks.kit import Commit, Task, call, contains, number, says

FIRST = {
    "README.md": "# Handbook\n\nHow we work. Start with [onboarding](docs/onboarding.md).\n\n"
    "- [On call](docs/oncall.md)\n- [Releases](docs/releases.md)\n- [Glossary](docs/glossary.md)\n"
    "- [Travel](docs/travel.md)\n- [Decisions](docs/decisions)\n",
    "CHANGELOG.md": """# Changelog

## 2025-02

- Travel: trains before planes.
- On call: two people a week.

## 2025-01

- First version.
""",
    "docs/onboarding.md": """# Onboarding

Welcome! Your first week:

1. Get your laptop from Rosalind in room 4.17.
2. Ask Dmitri for access to the cluster.
3. Read the [glossary](glossary.md) and the [rules for on-call](oncal.md).
4. Ship something small by Friday.

Your buddy answers every question. The trial period is 5 months.
""",
    "docs/oncall.md": """# On call

Two people share a week, from Tuesday 11:00 to Tuesday 11:00.

## Severity

| level | means | first answer within |
|---|---|---|
| S1 | nobody can work | 12 minutes |
| S2 | some cannot work | 50 minutes |
| S3 | it is ugly | next working day |

## Escalation

After two unanswered pages the pager calls the head of platform, Yusuf Demir.

## Pay

A week on call gives one and a half days off.
""",
    "docs/releases.md": """# Releases

We release every second Wednesday. The release captain rotates.

## Checklist

- [ ] Changelog is complete
- [ ] All tests are green
- [ ] Staging has run for 26 hours
- [ ] Database backup is younger than an hour
- [ ] Support knows
- [ ] Captain of the next release is named

## Rollback

`make rollback TO=v1.2.3`. A rollback never needs permission.
""",
    "docs/glossary.md": """# Glossary

**Captain**: who leads a release.

**Drift**: when staging and production differ.

**Lantern**: the dashboard of all services; its address is lantern.example.org.

**Tarpit**: a queue for requests that are slowed down on purpose.
""",
    "docs/travel.md": """# Travel

Trains before planes. Hotels up to 140 euros a night, meals up to 38 euros a day.

Send receits to travel@example.org within 4 weeks.
""",
    "docs/decisions/0001-python.md": "# 1. Services are written in Python\n\nStatus: accepted\n\n"
    "Most of us know it. Rejected: Java, since builds were slow.\n",
    "docs/decisions/0002-queues.md": "# 2. Queues are in PostgreSQL\n\nStatus: superseded by 4\n\n"
    "One system less to run. Rejected: RabbitMQ.\n",
    "docs/decisions/0003-monorepo.md": "# 3. One repository\n\nStatus: accepted\n\n"
    "Changes across services are one commit. Rejected: a repository for each service.\n",
    "docs/decisions/0004-nats.md": "# 4. Queues are in NATS\n\nStatus: accepted\n\n"
    "PostgreSQL did not keep up at 9,000 messages a second. Rejected: Kafka, since nobody could run it.\n",
    "docs/decisions/0005-feature-flags.md": "# 5. Feature flags live in the database\n\nStatus: proposed\n\n"
    "They change without a deployment.\n",
}
COMMITS = (
    Commit("Rosalind Ng", 3, "First version", {name: FIRST[name] for name in FIRST if "000" not in name}),
    Commit("Yusuf Demir", 14, "Decisions", {name: FIRST[name] for name in FIRST if "000" in name}),
)

TASKS = (
    Task(
        "handbook-find-lantern",
        "find",
        "In which document, and on which line, is 'Lantern' explained?",
        (says(("glossary.md", "glossary"), number(7)),),
        (call("search", pattern="Lantern"), "In docs/glossary.md, line 7."),
    ),
    Task(
        "handbook-find-kafka",
        "find",
        "Which of our decisions rejected Kafka, and why?",
        (
            says(
                ("0004-nats.md", "0004", "nats", "decision 4", "4"),
                re.compile(r"(?i)(nobody|no.?one|none|not anyone|couldn't|could not|unable|cannot).*\brun"),
            ),
        ),
        (call("search", pattern="Kafka"), "Decision 4 (0004-nats.md): nobody could run it."),
    ),
    Task(
        "handbook-read-s2",
        "read",
        "Wie schnell muss laut unserem Handbuch bei S2 die erste Antwort kommen?",
        (says(number(50)),),
        (call("search", pattern="S2"), "Innerhalb von 50 Minuten (docs/oncall.md)."),
        language="de",
    ),
    Task(
        "handbook-read-hotel",
        "read",
        "what may a hotel cost per night, according to our handbook?",
        (says(number(140)),),
        (call("search", pattern="hotel"), "Up to 140 euros a night."),
    ),
    Task(
        "handbook-count-accepted",
        "count",
        "How many of the documents in docs/decisions have the status accepted?",
        (says(number(3)),),
        (call("search", pattern="Status: accepted"), "Three of them are accepted: 1, 3 and 4."),
    ),
    Task(
        "handbook-count-checklist",
        "count",
        "Quantos pontos tem a checklist em docs/releases.md?",
        (says(number(6)),),
        (call("read", path="docs/releases.md"), "A checklist tem 6 pontos."),
        language="pt",
    ),
    Task(
        "handbook-explain-escalation",
        "explain",
        "Explain how escalation works in docs/oncall.md when nobody answers the pager.",
        (
            says(
                ("Yusuf Demir", "Yusuf", "head of platform"), (*number(2)[:1], "two", "2", "twice", "second")
            ),
        ),
        (
            call("read", path="docs/oncall.md"),
            "After two unanswered pages the pager calls Yusuf Demir, head of platform.",
        ),
    ),
    Task(
        "handbook-edit-typo",
        "edit",
        "There is a typo in docs/travel.md: 'receits' should be 'receipts'. Fix it please.",
        (contains("docs/travel.md", "receipts", "travel@example.org", never=("receits",), loses=1),),
        (call("edit", path="docs/travel.md", old="receits", new="receipts"), "Fixed."),
        changes=("docs/travel.md",),
    ),
    Task(
        "handbook-edit-days",
        "edit",
        "A week on call now gives 2 days off. Update docs/oncall.md",
        (
            contains(
                "docs/oncall.md",
                re.compile(r"(?i)\b(2|two) (whole |full )?days off"),
                never=("one and a half",),
                loses=1,
            ),
        ),
        (
            call("read", path="docs/oncall.md"),
            call(
                "edit",
                path="docs/oncall.md",
                old="A week on call gives one and a half days off.",
                new="A week on call gives 2 days off.",
            ),
            "docs/oncall.md says 2 days off.",
        ),
        changes=("docs/oncall.md",),
    ),
    Task(
        "handbook-edit-glossary",
        "edit",
        "Añade al final de docs/glossary.md esta línea: **Canary**: a release for few users first.",
        (contains("docs/glossary.md", re.compile(r"Canary\W+a release for few users first"), loses=0),),
        (
            call("read", path="docs/glossary.md"),
            call(
                "shell",
                command="printf '\\n**Canary**: a release for few users first.\\n' >> docs/glossary.md",
            ),
            "Añadido.",
        ),
        changes=("docs/glossary.md",),
        language="es",
    ),
    Task(
        "handbook-create-adr",
        "create",
        "Create docs/decisions/0006-uv.md in the form of the other decisions: title '6. Packages are "
        "installed with uv', status accepted.",
        (
            contains(
                "docs/decisions/0006-uv.md",
                re.compile(r"(?m)^# 6\. Packages are installed with uv"),
                re.compile(r"(?im)^\W*status\W+accepted"),
            ),
        ),
        (
            call("read", path="docs/decisions/0003-monorepo.md"),
            call(
                "write",
                path="docs/decisions/0006-uv.md",
                content="# 6. Packages are installed with uv\n\nStatus: accepted\n",
            ),
            "Created.",
        ),
        changes=("docs/decisions/0006-uv.md",),
    ),
    Task(
        "handbook-create-security",
        "create",
        "Write a SECURITY.md: a heading, and one sentence saying that vulnerabilities are reported to "
        "security@example.org.",
        (
            contains(
                "SECURITY.md",
                re.compile(r"(?m)^#+ \S"),
                re.compile(r"(?m)^[^#\n].*security@example\.org"),
                re.compile(r"(?i)vulnerab"),
            ),
        ),
        (
            call(
                "write",
                path="SECURITY.md",
                content="# Security\n\nReport vulnerabilities to security@example.org.\n",
            ),
            "SECURITY.md is there.",
        ),
        changes=("SECURITY.md",),
    ),
    Task(
        "handbook-steps-link",
        "steps",
        "docs/onboarding.md has a link to a file that does not exist. Find and correct it.",
        (
            contains(
                "docs/onboarding.md",
                re.compile(r"\]\(oncall\.md\)"),
                re.compile(r"\]\(glossary\.md\)"),
                never=("oncal.md",),
                loses=1,
            ),
        ),
        (
            call("read", path="docs/onboarding.md"),
            call("shell", command="ls docs"),
            call("edit", path="docs/onboarding.md", old="(oncal.md)", new="(oncall.md)"),
            "The link to on-call pointed to oncal.md; it is oncall.md now.",
        ),
        changes=("docs/onboarding.md",),
    ),
    Task(
        "handbook-steps-accept",
        "steps",
        "The decision about feature flags was accepted today. Find its document and change the status.",
        (
            contains(
                "docs/decisions/0005-feature-flags.md",
                re.compile(r"(?im)^\W*status\W+accepted"),
                never=("proposed",),
                loses=1,
            ),
        ),
        (
            call("search", pattern="feature flags"),
            call(
                "edit",
                path="docs/decisions/0005-feature-flags.md",
                old="Status: proposed",
                new="Status: accepted",
            ),
            "Decision 5 is accepted.",
        ),
        changes=("docs/decisions/0005-feature-flags.md",),
    ),
)
