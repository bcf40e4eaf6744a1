"""AGENTS.md: a person's document, read as part of tier 2, in which one region may be ours."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agent.tiers import KnownTiers
from orchestrator.config import ContextSettings
from orchestrator.documents import regions
from orchestrator.documents.tiers import AGENTS_OPEN, read_agents
from orchestrator.handoff.survey import CHARS
from orchestrator.types import TierText
from tests.handoff.conftest import Scene

HUMAN = b"\xef\xbb\xbf# Rules\r\n\r\nRun `tox` first.\nNo docs"


def test_a_region_is_kept_in_it_and_every_byte_of_a_person_stays(scene: Scene) -> None:
    path = scene.project.root / "AGENTS.md"
    path.write_bytes(HUMAN)
    assert scene.documents.write_agents(create=False) == "unchanged"
    assert path.read_bytes() == HUMAN
    assert scene.documents.write_agents() == "updated"
    made = path.read_bytes()
    assert made.startswith(HUMAN)
    assert b"`SESSION_BRIEFING.md`" in made
    assert b"PORTFOLIO" not in made  # there is none
    assert scene.documents.write_agents(create=False) == "unchanged"
    assert path.read_bytes() == made
    (scene.project.root / "PORTFOLIO_CONTEXT.md").write_text("ours")
    path.write_bytes(made + b"more")
    assert scene.documents.write_agents(create=False) == "updated"
    assert path.read_bytes().startswith(HUMAN)
    assert path.read_bytes().endswith(b"more")
    edited = path.read_bytes().replace(b"## Where", b"## By hand: where")
    path.write_bytes(edited)
    (scene.project.root / "PORTFOLIO_CONTEXT.md").unlink()
    scene.documents.write_agents()
    assert path.read_bytes() == edited
    assert "edited by hand" in scene.warnings[-1]
    assert scene.documents.write_agents(replace=True) == "updated"
    assert b"By hand" not in path.read_bytes()


def test_the_model_reads_what_people_wrote_in_it(scene: Scene) -> None:
    root = scene.project.root
    scene.documents.write_agents()
    assert read_agents(root) == ""  # nothing but ours
    (root / "AGENTS.md").write_bytes(HUMAN + b"\n" + (root / "AGENTS.md").read_bytes() + b"Last word.")
    (root / "PROJECT_CONTEXT.md").write_text("# It\n\nA project.\n")
    named = {tier.name: tier for tier in scene.documents.tiers()}
    assert list(named) == ["project", "AGENTS.md"]
    text = named["AGENTS.md"].text
    assert text == f"{AGENTS_OPEN}\n# Rules\n\nRun `tox` first.\nNo docs\nLast word."
    assert named["AGENTS.md"].tier == 2
    assert root / "AGENTS.md" in scene.documents.paths


class Words:
    """Counts words, as a backend counts tokens."""

    async def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class Given:
    def __init__(self, *tiers: TierText) -> None:
        self._tiers = tiers

    def tiers(self) -> tuple[TierText, ...]:
        return self._tiers


async def fitted(project: int, agents: int) -> dict[str, int]:
    def text(words: int) -> str:
        return "\n\n".join(["word"] * words)

    given = Given(TierText(2, "project", "P", text(project)), TierText(2, "AGENTS.md", "A", text(agents)))
    budgets = ContextSettings(portfolio=0, project=100, briefing=100, log=100)
    return {one.source.name: one.tokens for one in await KnownTiers(given).read(Words(), budgets)}  # type: ignore[arg-type]


def test_it_shares_the_budget_of_tier_2_and_comes_second() -> None:
    import asyncio

    assert asyncio.run(fitted(60, 80)) == {"project": 60, "AGENTS.md": 40}
    assert asyncio.run(fitted(300, 80)) == {"project": 100, "AGENTS.md": 0}


def test_the_survey_makes_room_for_what_people_wrote(scene: Scene) -> None:
    root = scene.project.root
    (root / "Makefile").write_text("".join(f"t{n}:\n\trun {'y' * 60}\n" for n in range(9)))
    for number in range(30):
        (root / f"part{number}").mkdir()
        (root / f"part{number}" / "README.md").write_text(f"# Part\n\nIt does {'many things ' * 8}.\n")
    scene.documents.refresh_project()
    path = root / "PROJECT_CONTEXT.md"
    before = path.read_bytes()
    human = b"\n## Why\n\n" + b"Because of the freeze. " * 60
    path.write_bytes(before + human)
    (root / "AGENTS.md").write_text("Rules. " * 60)
    assert scene.documents.refresh_project() == "updated"
    after = path.read_bytes()
    assert after.endswith(human)
    assert len(before) - len(after) + len(human) > 600
    assert len(after) + 420 < CHARS + 600
    assert scene.documents.refresh_project() == "unchanged"


@settings(max_examples=60)
@given(
    parts=st.lists(st.text("ab \n<>-é`#", max_size=30), min_size=2, max_size=4),
    inside=st.text("cd \n`", max_size=30),
)
def test_by_hand_is_what_stands_outside(parts: list[str], inside: str) -> None:
    lines = [part.replace("<!--", "") for part in parts]
    document = ""
    for number, part in enumerate(lines):
        document += f"{part}\n" + (
            f"<!-- orch:begin r{number} -->\n{inside}\n<!-- orch:end -->\n" if number + 1 < len(lines) else ""
        )
    assert regions.by_hand(document) == "".join(f"{part}\n" for part in lines)
