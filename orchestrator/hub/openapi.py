"""The table of what the hub answers, and the document that is made from it (OpenAPI 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """`name` is that of its handler. `scope` is what the token must allow, "" any token, None none at all.

    `body` and `answers` are content type and schema; `statuses` are those of errors.
    """

    name: str
    method: str
    path: str
    summary: str
    scope: str | None
    answers: dict[int, tuple[str, Schema]]
    statuses: tuple[int, ...] = ()
    body: tuple[str, Schema] | None = None
    parameters: tuple[Schema, ...] = ()


JSON, EVENTS, NDJSON = "application/json", "text/event-stream", "application/x-ndjson"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required or properties)}


def _text(least: int = 0, most: int = 0, **more: Any) -> Schema:
    return {"type": "string"} | ({"minLength": least, "maxLength": most} if most else {}) | more


def _header(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "required": False, "schema": schema}


def _query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _in_path(name: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    }


MOST_PROMPT = 100_000
_WHOLE = {"type": "integer", "minimum": 1, "maximum": 2**53}
_QUESTION = _object(
    ("prompt",),
    prompt=_text(1, MOST_PROMPT, description="Not one that begins with /private."),
    project=_text(0, 36, description="A project's id; empty: none."),
    fresh={"type": "boolean", "description": "Start a new instance for it."},
    recorded={
        "type": "boolean",
        "description": "The device records question and answer itself and syncs them: documents tell of its"
        " records, and not of this node's too.",
    },
    wait={"type": "boolean", "description": "False: answer at once with the run (POST /chat only)."},
) | {"additionalProperties": False}
SCHEMAS: dict[str, Schema] = {
    "Question": _QUESTION,
    "Run": _object(
        run=_text(),
        status={"enum": ["queued", "running", "done", "interrupted", "failed"]},
        position={"type": "integer", "description": "In the queue, from 1; 0: not in it."},
        session=_text(),
        model=_text(),
        text=_text(),
        citation=_text(),
        interrupted={"type": "boolean"},
        usage={"type": "object"},
        error={"type": ["object", "null"]},
    ),
    "Error": _object(error=_text(), remedy=_text()),
    "Health": _object(status={"enum": ["ok", "failing"]}, version=_text(), device=_text()),
    "State": _object(status=_text(1, 64), context_version=_text(0, 128)) | {"additionalProperties": False},
    "StateKept": _object(
        device_id=_text(), last_seen={"type": "integer"}, status=_text(), context_version=_text()
    ),
    "History": _object(
        messages={"type": "array", "items": {"type": "object"}}, next={"type": ["integer", "null"]}
    ),
    "Pairing": _object(secret=_text(pattern="^[0-9a-f]{32}$"), device=_text(pattern="^[0-9a-f]{32}$"))
    | {"additionalProperties": False},
    "Paired": _object(
        token=_text(),
        hub=_text(),
        name=_text(),
        scopes={"type": "array", "items": _text()},
        projects={"type": ["array", "null"], "items": _text()},
    ),
    "Received": _object(heads={"type": "array"}, rejected={"type": "array"}, forked={"type": "array"}),
}
_KEY = _header("Idempotency-Key", _text(1, 128))
_LAST = _header("Last-Event-ID", {"type": "integer", "minimum": 0, "maximum": 2**31})
_PAGE = _text(
    contentMediaType="application/gzip", description="A page of records, see orchestrator/sync/wire.py."
)
_ASKING = (400, 404, 408, 409, 413, 415, 422, 503)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "health", "GET", "/health", "Whether the hub works.", None, {200: (JSON, _ref("Health"))}, (503,)
    ),
    Operation(
        "pair", "POST", "/pair", "Use an invitation up.", None, {200: (JSON, _ref("Paired"))},
        (400, 403, 408, 409, 413, 415, 422), (JSON, _ref("Pairing")),
    ),
    Operation(
        "chat", "POST", "/chat", "Ask, and wait for the answer.", "chat",
        {200: (JSON, _ref("Run")), 202: (JSON, _ref("Run"))}, _ASKING, (JSON, _ref("Question")), (_KEY,),
    ),
    Operation(
        "chat_stream", "POST", "/chat/stream", "Ask, and hear the answer as it comes.", "chat",
        {200: (EVENTS, _text())}, _ASKING, (JSON, _ref("Question")), (_KEY,),
    ),
    Operation(
        "run_events", "GET", "/runs/{run}/events", "Hear a run from its start, or after an event.", "chat",
        {200: (EVENTS, _text())}, (404, 422), None, (_in_path("run"), _LAST),
    ),
    Operation(
        "cancel", "DELETE", "/runs/{run}", "End a run with what was said.", "chat",
        {200: (JSON, _ref("Run"))}, (404,), None, (_in_path("run"),),
    ),
    Operation(
        "state", "POST", "/device/state", "Say how the device is.", "", {200: (JSON, _ref("StateKept"))},
        (400, 408, 413, 415, 422), (JSON, _ref("State")),
    ),
    Operation(
        "history", "GET", "/device/{device}/history", "What the device said and was told, newest first.",
        "chat", {200: (JSON, _ref("History"))}, (404, 422), None,
        (
            _in_path("device"), _query("before", _WHOLE), _query("project", _text(0, 36)),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 200}),
        ),
    ),
    Operation(
        "push", "POST", "/sync/push", "Give the hub a page of records.", "sync",
        {200: (JSON, _ref("Received")), 409: (JSON, _ref("Received"))}, (400, 408, 413, 415, 503),
        (NDJSON, _PAGE),
    ),
    Operation(
        "pull", "GET", "/sync/pull", "The next page of what a device lacks.", "sync",
        {200: (NDJSON, _PAGE)}, (400, 413), None, (_query("vector", _text()),),
    ),
    Operation(
        "openapi", "GET", "/openapi.json", "This document.", "", {200: (JSON, {"type": "object"})}
    ),
)  # fmt: skip


def document(version: str) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Orchestrator hub", "version": version},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"device": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(one: Operation) -> dict[str, Any]:
    common = (429, 507) if one.scope is None else (401, 403, 429, 507)
    errors = [status for status in (*one.statuses, *common) if status not in one.answers]
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "security": [] if one.scope is None else [{"device": []}],
        "responses": {
            str(status): {"description": one.summary, "content": {kind: {"schema": schema}}}
            for status, (kind, schema) in one.answers.items()
        }
        | {
            str(status): {"description": "Refused.", "content": {JSON: {"schema": _ref("Error")}}}
            for status in sorted(set(errors))
        },
    }
    if one.parameters:
        described["parameters"] = list(one.parameters)
    if one.body:
        kind, schema = one.body
        described["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    return described
