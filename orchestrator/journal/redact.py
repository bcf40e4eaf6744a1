"""Secrets are taken out of a text before it is first written.

Three layers. Our own patterns come first: they take a secret whole, where the named plugins of
detect-secrets know a private key by its first line and a GitHub token by 36 characters of it. Then
those plugins' regular expressions run over the whole text; the library is imported (0.15 s: it loads
requests) only where a text looks as if it held such a token. Its generic detectors (entropy, keyword)
are left out: they flag `is` and commit ids. Last come assignments to names that say secret.

Commit ids, UUIDs, checksums and prose survive.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.journal.secret_patterns import (
    ASSIGNMENT,
    NAME_HINTS,
    OPTION,
    PLACEHOLDER,
    PLUGIN_HINTS,
    PLUGIN_SHAPES,
    PLUGINS,
    RULES,
    SECRET_NAME,
)

_CODE = r"[A-Za-z_][\w.]*[(\[]|[A-Za-z_]+(?:\.[A-Za-z_]+)+\W*\Z"
_PATH = r"(?:[.~]{0,2}/|https?://)[\w./-]*\Z"


def redact(text: str) -> tuple[str, int]:
    """The text with each secret replaced by `[redacted:KIND]`, and how many there were."""
    count = 0

    def replace(pattern: str, change: Callable[[re.Match[str]], str | None]) -> None:
        nonlocal text

        def one(match: re.Match[str]) -> str:
            nonlocal count
            new = change(match)
            count += new is not None
            return match.group() if new is None else new

        text = re.sub(pattern, one, text)

    lower = text.lower()
    for rule in RULES:
        if any(hint in lower for hint in rule.hints):
            replace(rule.pattern, functools.partial(_mask, rule.kind))
    if any(hint in text for hint in PLUGIN_HINTS) or re.search(PLUGIN_SHAPES, text):
        for kind, pattern, fenced in _plugin_patterns():
            replace(pattern, functools.partial(_mask_token, kind, fenced))
    if any(hint in lower for hint in NAME_HINTS):
        replace(ASSIGNMENT, _mask_assignment)
        if "--" in text:
            replace(OPTION, _mask_option)
    return text, count


def redact_body(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """`redact` for every string of a JSON object, keys included, at any depth.

    A text without white space under a key that says secret (`password`, `api_key`) goes whole.
    """
    new, count = _redact_value(body)
    return new, count


def _redact_value(value: Any) -> tuple[Any, int]:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        parts = [_redact_value(item) for item in value]
        return [part for part, _ in parts], sum(count for _, count in parts)
    if isinstance(value, Mapping):
        total, new = 0, {}
        for key, item in value.items():
            new_key, in_key = redact(key)
            new[new_key], in_item = _redact_item(key, item)
            total += in_key + in_item
        return new, total
    return value, 0


def _redact_item(key: str, value: Any) -> tuple[Any, int]:
    if isinstance(value, str) and re.search(SECRET_NAME, key) and _says_secret(key, value, quoted=True):
        return "[redacted:secret]", 1
    return _redact_value(value)


def _mask(kind: str, match: re.Match[str]) -> str:
    return _put(match, "secret" if "secret" in match.re.groupindex else 0, kind)


def _put(match: re.Match[str], group: str | int, kind: str) -> str:
    whole, start = match.group(), match.start()
    return f"{whole[: match.start(group) - start]}[redacted:{kind}]{whole[match.end(group) - start :]}"


def _mask_token(kind: str, fenced: bool, match: re.Match[str]) -> str | None:
    if not fenced:
        return f"[redacted:{kind}]"
    text, start, end = match.string, match.start(), match.end()
    touched = text[start - 1 : start] + text[end : end + 1]
    return None if re.search(r"[\w-]", touched) else f"[redacted:{kind}]"


def _mask_assignment(match: re.Match[str]) -> str | None:
    for group in ("escaped", "quoted"):
        if (value := match.group(group)) is not None:
            return _put(match, group, "secret") if _says_secret(match["name"], value, quoted=True) else None
    value = match["bare"]
    env = match["sign"] == "=" and match["name"].isupper()
    ends_line = match["sign"] == "=" and match.string[match.end() : match.end() + 1] in ("", "\n", "\r")
    bare = value.rstrip(",;)}]")
    plain_word = ends_line and bare == value and value.isalpha() and not re.search(SECRET_NAME, value)
    if len(bare) < 6 or re.match(PLACEHOLDER, bare) or re.match(_CODE, value) or re.match(_PATH, bare):
        return None
    if env or plain_word or _says_secret(match["name"], bare, quoted=False):
        return _put(match, "bare", "secret")
    return None


def _mask_option(match: re.Match[str]) -> str | None:
    value = match["secret"]
    return _put(match, "secret", "secret") if _says_secret("password", value, quoted=False) else None


def _says_secret(name: str, value: str, quoted: bool) -> bool:
    """Whether a value of a secret's name is one, and no placeholder, word or count."""
    if len(value) < 6 or re.match(PLACEHOLDER, value):
        return False
    if value.isdigit():
        return "pass" in name.lower() or "pwd" in name.lower()
    if any(char.isspace() for char in value):
        return quoted and len(value) >= 8 and "pass" in name.lower()
    mixed = any(char.isdigit() for char in value) or any(char in "!@#$%^&*~+=" for char in value)
    return mixed or (quoted and len(value) >= 8)


@functools.cache
def _plugin_patterns() -> tuple[tuple[str, str, bool], ...]:
    found = []
    for module, name, fenced in PLUGINS:
        plugin = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
        for pattern in plugin.denylist:
            text = f"(?i:{pattern.pattern})" if pattern.flags & re.IGNORECASE else f"(?:{pattern.pattern})"
            found.append((module.replace("_", "-"), text if fenced else text + r"[\w-]*+", fenced))
    return tuple(found)
