"""The door for answers: whatever comes in is JSON that both databases take, or a typed error, and soon."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prefect_genmedia.errors import GenMediaError, ResponseFormatError
from prefect_genmedia.operation import Provider
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.wire.answers import DEEPEST, read_json

ANY = settings(max_examples=50)

TEXTS = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(["\0", "a\0b", "\ud800", "\udfff{", "é🗼"])
NUMBERS = st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 1e308])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
ENVELOPE = "status data jobId job_id task task_id code reason message progress quota eta progress_percent extra webhook"
FILES = "images image_url videos video_url audios audio_url cdnImage width height components hookUrl seed clips"
NAMES = st.sampled_from([*ENVELOPE.split(), *FILES.split()])
WORDS = st.sampled_from(["SUCCESS", "failed", "TASK_STATUS_SUCCEED", "ON_QUEUE", "", "null", "NaN", "-1000", "1e999"])
# Shaped like an answer, so that more than its outermost name is looked at.
PARTS = VALUES | WORDS | st.lists(VALUES, max_size=3)
BODIES = st.dictionaries(NAMES, PARTS | st.dictionaries(NAMES, PARTS, max_size=6), max_size=6)


def kept(value: Any) -> str:
    """The text that a database is given; raises when it cannot be written, or SQLite refuses it."""
    text = json.dumps(value, allow_nan=False)
    text.encode()
    assert "\\u0000" not in text
    assert json.loads(text) == value
    with sqlite3.connect(":memory:") as database:
        database.execute("SELECT json(?)", (text,))
    return text


ODD: list[tuple[bytes, Any]] = [
    (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ('\ufeff{"a": "é"}'.encode("utf-16"), {"a": "é"}),
    ('{"a": "é"}'.encode("utf-16-le"), {"a": "é"}),
    (b'\r\n {"a": 1} \0\0', {"a": 1}),
    (b'{"a": 1}<br />Warning: mail() failed', {"a": 1}),
    (b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999}', dict.fromkeys("abcd")),
    (b'{"a": ' + b"9" * 400 + b"}", {"a": None}),
    (b'{"a": ' + b"9" * 5000 + b"}", {"a": None}),
    (b'{"a": 9223372036854775807, "b": 9223372036854775808}', {"a": 2**63 - 1, "b": "9223372036854775808"}),
    (b'{"a\\u0000b": "c\\u0000d"}', {"ab": "cd"}),
    (b'{"\\ud83d": "x\\ude00y"}', {"?": "x?y"}),
    (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
    (b'{"a": "line\nline"}', {"a": "line\nline"}),
    (b'{"a": "\xff"}', {"a": "\ufffd"}),
    (b'"{\\"a\\": 1}"', {"a": 1}),
    (json.dumps({"data": json.dumps({"id": 7, "audios": '["u"]'})}).encode(), {"data": {"id": 7, "audios": ["u"]}}),
    (b'{"prompt": "{\\"a\\": 1}", "data": "{no json"}', {"prompt": '{"a": 1}', "data": "{no json"}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "value"), ODD, ids=lambda odd: ascii(odd)[:40])
def test_what_careless_servers_send_is_read(content: bytes, value: Any) -> None:
    assert read_json(content) == value
    kept(value)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"1 2", b"<html></html>", b'{"a":', b"[" * 100_000, b'{"a":' * 100_000, b"nul"],
    ids=lambda content: ascii(content)[:20],
)
def test_what_is_no_json_is_a_typed_error(content: bytes) -> None:
    with pytest.raises(ResponseFormatError):
        read_json(content)


def test_what_is_nested_deeper_than_any_database_takes_counts_as_not_given() -> None:
    value = read_json(b"[" * (DEEPEST + 50) + b"]" * (DEEPEST + 50))
    depth = 0
    while value is not None:
        (value,) = value
        depth += 1
    assert depth == DEEPEST


@pytest.mark.parametrize(("part", "times"), [(b"[],", 9_000_000), (b"0,", 16_000_000)])
def test_millions_of_empty_parts_are_refused(part: bytes, times: int) -> None:
    """They would take a gigabyte, and seconds in which nothing else of the loop runs."""
    with pytest.raises(ResponseFormatError, match="too many parts"):
        read_json(b"[" + part * times + b"0]")


@pytest.mark.postgres
def test_postgresql_takes_what_was_read(empty_postgres_url: str) -> None:
    with psycopg.connect(empty_postgres_url.replace("+psycopg", "")) as database:
        for content, _ in ODD:
            database.execute("SELECT %s::json, %s::jsonb", [kept(read_json(content))] * 2)


@ANY
@given(VALUES)
@example({"a": {"b": [float("nan"), 10**400, "\ud800\0"]}})
def test_any_json_is_read_into_what_a_database_takes(value: Any) -> None:
    kept(read_json(json.dumps(value).encode()))


@ANY
@given(st.binary(max_size=200) | TEXTS.map(lambda text: text.encode("utf-16", "surrogatepass")))
def test_any_bytes_are_read_or_a_typed_error(content: bytes) -> None:
    with contextlib.suppress(ResponseFormatError):
        kept(read_json(content))


@pytest.mark.parametrize("provider", [TTAPI, NOVITA], ids=lambda provider: provider.name)
@ANY
@given(BODIES)
def test_any_answer_is_understood_or_a_typed_error(provider: Provider, said: Any) -> None:
    """Whatever an answer says: a state, an id, figures that a database takes; or one of our own errors."""
    body = read_json(json.dumps(said).encode())
    status = typed(lambda: provider.status(body))
    if status is not None:
        kept([status.state, status.provider_state, status.percent, status.eta_seconds, status.quota, status.remark])
    for job_id in (typed(lambda: provider.accepted(body)), provider.job_id_of(body)):
        assert job_id is None or (job_id.strip() and job_id.lower() not in ("none", "null", "true", "nan"))
    typed(lambda: provider.callback_url_of(body))
    typed(lambda: provider.balance(body))
    for code in (200, 400, 404, 429, 500):
        assert isinstance(provider.error(code, body, None), GenMediaError)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(ANY, max_examples=8)
@given(BODIES)
@pytest.mark.sampled(4)
def test_any_finished_answer_of_any_operation_gives_links_or_a_typed_error(name: str, said: Any) -> None:
    operation = OPERATIONS[name]
    payload = operation.provider.payload(read_json(json.dumps(said).encode()))
    request = {"results": ["images[].image_url", "cdnImage"], "kind": "image"} if name.endswith(".job") else {}
    try:
        result = operation.result.model_validate(payload)
    except ValueError:
        return  # jobs/ makes ResponseFormatError of it
    for link in typed(lambda: operation.links(result, request)) or []:
        assert isinstance(link.url, str)


def typed(call: Any) -> Any:
    try:
        return call()
    except GenMediaError:
        return None
