"""What secrets look like. Every pattern takes time linear in the text: repetitions are bounded or
possessive, so that a hostile text cannot stall the journal.

A `Rule` is applied only where one of its `hints` (lower case) stands in the lower-cased text. What is
replaced is the group `secret` where the pattern has one, else the whole match.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` is text: compiling all of them at import would take 60 ms; `re` keeps what it compiled."""

    kind: str
    hints: tuple[str, ...]
    pattern: str


def _rule(kind: str, hints: str, pattern: str) -> Rule:
    return Rule(kind, tuple(hints.split("|")), pattern)


# A token starts here: after no letter or digit, or after an escaped line end inside JSON.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_DONE = r"\[redacted:"

RULES: tuple[Rule, ...] = (
    _rule(
        "private-key",
        "private key",
        # whole block; or, where its end was cut off, the lines that look like its body
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
        r"(?:(?:[^-]|-(?!----))*+-----END [A-Z0-9 ]{1,60}-----"
        r"|(?:(?:\\[nr]|[^A-Za-z0-9+/=]){0,16}+[A-Za-z0-9+/=]{16,}+)*+)",
    ),
    _rule(
        "authorization",
        "authorization",
        r"(?i:\bauthorization)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
        r"(?i:(?:bearer|basic|token|digest|apikey|negotiate)[ \t]{1,4})?+"
        rf"(?P<secret>(?!{_DONE})(?![{{$<*%])[^\s\"'\\,;]{{8,}})",
    ),
    _rule("bearer", "bearer", r"(?i:\bbearer)[ \t]{1,4}(?P<secret>(?=[^\s\d]{0,80}\d)[\w.~+/=-]{16,})"),
    _rule(
        "url-password",
        "://",
        # the password may hold an `@`, or a `/` where it is no port
        r"://(?P<secret>[^\s/:@\"'<>\[\]]{0,64}:(?!\$\{|\$[A-Z_]+@|[{<\[]|\*+@)"
        r"(?:[^\s/\"'<>]{1,128}(?=@)|(?!\d{1,5}/)[^\s\"'<>@]{1,128}(?=@)))",
    ),
    _rule("jwt", "eyj", r"(?<![\w-])(?:\\[nrt])?eyJ[\w-]{8,8192}\.[\w-]{8,8192}(?:\.[\w-]{0,8192}){0,3}"),
    _rule(
        "github-token",
        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_",
        _START + r"(?:gh[pousr]_|github_pat_)\w{20,255}",
    ),
    _rule(
        "stripe-key",
        "k_live_|k_test_|whsec_",
        _START + r"(?:[rsp]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,255}",
    ),
    _rule(
        "aws-key",
        "akia|asia|abia|acca|a3t",
        _START + r"(?:A3T[A-Z0-9]|A[BKS]IA|ACCA)[0-9A-Z]{16}(?![A-Za-z0-9])",
    ),
    _rule(
        "aws-secret",
        "aws",
        r"(?i:aws[\w.]{0,20}?(?:secret|key|token)[\w.]{0,20}+)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
        r"(?P<secret>[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))",
    ),
    _rule("slack-token", "xox|xapp-", _START + r"(?i:xox[a-z]|xapp)-[A-Za-z0-9-]{10,255}"),
    _rule(
        "slack-webhook",
        "hooks.slack",
        r"(?i:https://hooks\.slack\.com/(?:services|workflows|triggers))/[\w/-]{8,255}",
    ),
    _rule("api-key", "sk-", _START + r"sk-(?=[A-Za-z_-]{0,80}\d)(?=[\d_-]{0,80}[A-Za-z])[\w-]{20,512}"),
    _rule(
        "google-key",
        "aiza|ya29.|gocspx-",
        _START + r"(?:AIza[\w-]{35,64}|ya29\.[\w.-]{20,512}|GOCSPX-[\w-]{20,64})",
    ),
    _rule("npm-token", "npm_", _START + r"npm_[A-Za-z0-9]{30,255}"),
    _rule("npm-token", ":_authtoken=", rf"(?<=:_authToken=)(?!\$|{_DONE})[^\s\"']{{8,}}"),
    _rule("huggingface-token", "hf_", _START + r"hf_[A-Za-z0-9]{30,255}"),
    _rule(
        "curl-password",
        "curl",
        r"(?<=curl)[^\n]{0,200}?\s(?:-u|--user)[ =][\"']?(?P<secret>[^\s:\"']{1,64}:[^\s\"'$]{4,128})",
    ),
)

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|api[_-]?key"
    r"|(?:access|secret|private|signing|encryption|auth|account|master)[_-]?key|credentials?)"
    r"(?:[_-](?:base|prod|production|live|dev|test|staging|value|\d{1,2}))?"
)
NAME_HINTS = ("pass", "pwd", "secret", "token", "key", "credential")
SECRET_NAME = rf"(?i:{_NAME})\Z"
ASSIGNMENT = (
    rf"(?P<name>(?i:{_NAME}))(?![A-Za-z0-9_-])\\?[\"'`]?\]?"
    r"(?P<sign>(?:\s{0,3}:\s{0,3}[A-Za-z][\w.|\[\] ]{0,30})?\s{0,3}=(?!=)>?\s{0,3}|\s{0,3}:=?\s{0,3}(?!=))"
    r"(?:[fbruFBRU]{0,2}\\(?P<mark>[\"'])(?P<escaped>[^\"'\\\n]{1,512})"
    r"|[fbruFBRU]{0,2}(?P<quote>[\"'`])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n]){1,512}+)"
    r"|(?P<bare>[^\s\"'`]{6,512}))"
)
OPTION = (
    rf"--(?:[A-Za-z0-9]{{1,20}}-){{0,4}}+(?i:{_NAME})[ \t]{{1,4}}[\"']?(?P<secret>(?!-)[^\s\"']{{6,512}})"
)
PLACEHOLDER = r"(?i:\[redacted:|\$[({A-Z_]|[<{*%]|\.\.\.|x{4,}\Z)"

# The plugins of detect-secrets that know a token by its form. Fenced ones have no prefix of their own
# and count only where no letter, digit, `_` or `-` touches them (a time stamp and a commit id, joined
# by a colon, look like a Telegram token); of the others the rest of the token goes as well.
PLUGINS = (
    ("gitlab_token", "GitLabTokenDetector", False),
    ("github_token", "GitHubTokenDetector", False),
    ("stripe", "StripeDetector", False),
    ("slack", "SlackDetector", False),
    ("azure_storage_key", "AzureStorageKeyDetector", False),
    ("pypi_token", "PypiTokenDetector", False),
    ("sendgrid", "SendGridDetector", False),
    ("square_oauth", "SquareOAuthDetector", False),
    ("discord", "DiscordBotTokenDetector", True),
    ("mailchimp", "MailchimpDetector", True),
    ("telegram_token", "TelegramBotTokenDetector", True),
    ("twilio", "TwilioKeyDetector", True),
)
PLUGIN_HINTS = (
    "glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "glcbt-", "glimt-", "glptt-", "glagent-", "gloas-",
    "GR1348941", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "k_live_", "xox", "AccountKey=", "pypi-AgE",
    "SG.", "sq0csp-",
)  # fmt: skip
PLUGIN_SHAPES = (
    r"\d{8}:[\w-]{35}|(?:AC|SK)[a-z0-9]{32}|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27}|[0-9a-z]{32}-us\d"
)
