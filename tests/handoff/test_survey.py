import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.handoff import manifests
from orchestrator.handoff.survey import Survey, about, survey
from orchestrator.vcs import Repository
from tests.handoff.repositories import git, write


def lines(found: Survey) -> list[str]:
    return [fact.line for fact in (*found.about, *(fact for group in found.sections for fact in group.facts))]


def test_an_empty_folder_has_nothing_to_say(tmp_path: Path) -> None:
    assert lines(survey(tmp_path, "x")) == []
    assert about(tmp_path) is None


def test_links_and_huge_files_are_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n\nkeys\n")
    (project / "README.md").symlink_to(tmp_path / "secret.md")
    (project / "all").symlink_to("/")
    with (project / "LICENSE").open("wb") as file:
        file.truncate(1 << 32)
    assert lines(survey(project, "p")) == []


def test_own_documents_do_not_change_the_count(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    before = survey(tmp_path, "x")
    (tmp_path / "SESSION_LOG.md").write_text("")
    (tmp_path / "PROJECT_CONTEXT.md").write_text("")
    assert survey(tmp_path, "x") == before


@given(
    value=st.recursive(
        st.none() | st.text(max_size=20) | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["name", "scripts", "bin", "main", "license", "dependencies", "description"]),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_no_shape_of_json_makes_the_parser_fall_over(value: object) -> None:
    manifests.package_json(json.dumps(value), "package.json")


def test_says_of_the_project_only_what_is_true_of_it(tmp_path: Path) -> None:
    """As real repositories have it: a README that tells of another program, an older line's release."""
    root = tmp_path / "p"
    readme = """# Web

Serves pages quickly and safely.

## Quick start

```bash
webgen /tmp/foo && cd /tmp/foo
npm install
npm start
```

## Usage

```js
app.listen(4000, 'http://localhost:4000')
```

Then open http://localhost:3000

## Tests

```console
$ npm install
$ npm run nothing
```
"""
    write(
        root,
        {
            "README.md": readme,
            "package.json": '{"name": "web", "scripts": {"test": "mocha"}}',
            "index.js": "x\n",
            "docs/a.rst": "a\n",
            "docs/b.rst": "b\n",
            "docs/conf.py": "x\n",
            "demo/a.js": "a\n",
            "demo/b.json": "{}\n",
            "demo/c.css": "\n",
        },
    )
    git(root, "init", "-q")
    for day, tag in enumerate(("v1.0.0", "v2.0.0", "v3.0.0-rc.1", "v1.x", "v1.0.1"), 1):
        git(root, "add", ".")
        git(root, "commit", "-qm", f"Work {day}", "--allow-empty", day=day)
        git(root, "tag", tag)
    text = "\n".join(lines(survey(root, "p", Repository.find(root))))
    assert text.count("`npm install`") == 1
    assert all(untrue not in text for untrue in ("npm start", "npm run nothing", "4000"))
    assert "3000: `Then open http://localhost:3000` [README.md:19]" in text
    assert "`docs/` 3 files, mostly reStructuredText" in text
    assert "`demo/` 3 files, 1 of them JavaScript" in text
    assert "`index.js` is what `require` loads" in text
    assert (
        "Highest release: `v2.0.0` of 2026-03-02; an older line got `v1.0.1` of 2026-03-05; 4 releases"
        in text
    )
    assert "5 commits, 2026-03-01 to 2026-03-05, by 1 author" in text
