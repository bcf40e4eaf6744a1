from __future__ import annotations

import string
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journal.redact import redact, redact_body

HEX = "0123456789abcdef"
TOKEN = string.ascii_letters + string.digits
BASE64 = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA+/AoIBAQC7\nabcdABCD1234+/=="


def chars(alphabet: str, size: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=size, max_size=size)


tokens = st.one_of(
    chars(TOKEN, 36).map("ghp_{}".format),
    chars(TOKEN, 60).map("github_pat_{}".format),
    chars(string.ascii_uppercase + string.digits, 16).map("AKIA{}".format),
    chars(string.digits, 11).map("xoxb-{}-abcdefABCDEF".format),
    chars(TOKEN, 24).map("sk_live_{}".format),
    chars(TOKEN, 30).map("sk-ant-api03-a1{}".format),
    chars(TOKEN, 20).map("sk-proj-x9{}".format),
    chars(TOKEN, 35).map("AIza{}".format),
    chars(TOKEN, 20).map("glpat-{}".format),
    chars(TOKEN, 36).map("npm_{}".format),
    st.tuples(chars(TOKEN, 22), chars(TOKEN, 43)).map(lambda pair: f"SG.{pair[0]}.{pair[1]}"),
    st.tuples(chars(TOKEN, 20), chars(TOKEN, 30), chars(TOKEN, 43)).map(
        lambda parts: f"eyJ{parts[0]}.{parts[1]}.{parts[2]}"
    ),
    chars(BASE64[:60], 64).map("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----".format),
)
prose = st.lists(
    st.sampled_from(["the", "token", "is a", "secret", "key:", "we", "password", "=", "(yes)", "-", "x=1"])
)


@given(prose, tokens, prose)
def test_a_token_goes_whole_wherever_it_stands(before: list[str], token: str, after: list[str]) -> None:
    text = " ".join([*before, token, *after])
    clean, count = redact(text)
    assert count >= 1
    assert "[redacted:" in clean
    longest = max(token.replace("\n", "-").replace(".", "-").split("-"), key=len)
    assert longest not in clean
    assert redact(clean) == (clean, 0)


@given(
    st.one_of(
        chars(HEX, 40),
        chars(HEX, 64),
        chars(HEX, 7),
        st.uuids().map(str),
        st.integers(10**8, 10**10).map(str),
    ),
    st.sampled_from(
        ["commit {}", "{}", "see {}.", '"id": "{}"', "sha256:{}", "[{}]", "1732300000:{}", "x={}"]
    ),
)
def test_ids_and_checksums_survive(identity: str, around: str) -> None:
    assert redact(around.format(identity)) == (around.format(identity), 0)


@given(st.text(string.ascii_letters + " .,;!?\n'", max_size=400))
def test_prose_survives(text: str) -> None:
    assert redact(text) == (text, 0)


@given(st.text(max_size=200))
def test_twice_is_once(text: str) -> None:
    clean, _ = redact(text)
    assert redact(clean) == (clean, 0)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [redacted:authorization]"),
        (
            "curl -H 'authorization: Basic dXNlcjpwYXNz'",
            "curl -H 'authorization: Basic [redacted:authorization]'",
        ),
        ("https://u:pa55@ex.com/x", "https://[redacted:url-password]@ex.com/x"),
        ("postgres://u:p@ss@host/db", "postgres://[redacted:url-password]@host/db"),
        ("postgres://u:p/ss@host/db", "postgres://[redacted:url-password]@host/db"),
        ("password=hunter2", "password=[redacted:secret]"),
        ("DB_PASSWORD=correcthorse", "DB_PASSWORD=[redacted:secret]"),
        ('{"password": "hunter22"}', '{"password": "[redacted:secret]"}'),
        ('{\\"password\\": \\"hunter22\\"}', '{\\"password\\": \\"[redacted:secret]\\"}'),
        ('password: str = "hunter2!"', 'password: str = "[redacted:secret]"'),
        ("config['api_key'] = 'abc12345'", "config['api_key'] = '[redacted:secret]'"),
        ("orch --password hunter2 x", "orch --password [redacted:secret] x"),
        ("curl -u me:s3cret https://x", "curl -u [redacted:curl-password] https://x"),
        ("x\\nghp_" + "a1" * 18, "x\\n[redacted:github-token]"),
        ("ghp_" + "a1" * 25, "[redacted:github-token]"),
        ("AC" + "a1" * 16, "[redacted:twilio]"),
        ("-----BEGIN PRIVATE KEY-----\n" + "Ab1+" * 16, "[redacted:private-key]"),
    ],
)
def test_what_is_replaced(text: str, clean: str) -> None:
    assert redact(text) == (clean, 1)


@pytest.mark.parametrize(
    "text",
    [
        "token = get_token()", "max_tokens=1024", "token: str", "password = os.environ['X']",
        "self.token = token", "api_key=settings.api_key,", "f(password=password)", "if password == 'x':",
        "Password: forgot your password?", "prompt_tokens: 589, token_count=123456", "git@github.com:a/b.git",
        "https://host:8080/a@b", "https://user@host/x", "password = ${PASSWORD}", "TOKEN=$TOKEN",
        "postgres://{user}:{pw}@{host}/db", "sk-learn-pipeline-with-long-name",
        "Bearer authentication is required",
        "def f(token: str = None, api_key: str | None = None):", "use PostgreSQL because SQLite locks",
        "The secret: patience.", "is", "[S7f3a#3]",
    ],
)  # fmt: skip
def test_code_and_prose_that_only_speak_of_secrets(text: str) -> None:
    assert redact(text) == (text, 0)


def test_every_string_of_a_body_at_any_depth() -> None:
    key = "ghp_" + "a1" * 18
    body = {"a": [{"password": "hunter2", "n": 5, "t": f"x {key}"}], key: None, "token": "two words here"}
    assert redact_body(body) == (
        {
            "a": [{"password": "[redacted:secret]", "n": 5, "t": "x [redacted:github-token]"}],
            "[redacted:github-token]": None,
            "token": "two words here",
        },
        3,
    )


def test_the_library_is_loaded_only_for_what_looks_like_its_tokens() -> None:
    code = (
        "import sys; from orchestrator.journal.redact import redact;"
        f"redact('commit {'7f3a' * 10} {uuid.UUID(int=5)} password=hunter2');"
        "assert 'requests' not in sys.modules;"
        f"assert redact('glpat-{'x1' * 10}')[1] == 1; assert 'requests' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "piece",
    ["-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaa-", "://a:", "awskey", "sk-", "password: a ", "--a-", "a"],
)
def test_hostile_texts_cost_no_more_than_their_length(piece: str) -> None:
    # Quadratic patterns would take hours here and not end within the test run.
    redact(piece * (400_000 // len(piece)))
