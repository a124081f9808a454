"""Whatever is sent, the emulator answers for itself: never a 5xx that nobody armed, never a cut connection."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import QUICK, photo
from tests.emulator.operations import CASES, DATA_URI, Api, Case, id_in, links_in

# Written as JSON, for some of them cannot be said in another way.
ODD = [
    *("null", "true", "0", "-1", "1e308", "1e999", "-1e999", "NaN", "Infinity", "9" * 400, "9" * 5000, "0.1", '""'),
    *(
        '" "',
        '"\\u0000"',
        '"\\ud800"',
        '"\\udc00x"',
        '"\U0001f98a"',
        '"٣"',
        '"<script>"',
        '"../../etc/hosts"',
        '"1e999"',
    ),
    *("[]", "{}", "[null]", "[[]]", "[{}]", '{"": {}}', "[" * 60 + "]" * 60, '"http://127.0.0.1:99999/"', '"http://["'),
    *('"data:image/png;base64,"', '"AAAA"', '"http://127.0.0.1:1/\\u0001"', json.dumps("x" * 5000)),
    *(json.dumps(DATA_URI + photo(2, 2)), json.dumps(photo(1, 1)), '"--seed 99999999999999999999 --ar 9999:1"'),
]
REQUESTS_A_CASE = 60
# What the emulator may say to such a request.
EXPECTED = {200, 400, 402, 404, 429, 499}


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in the body, at any depth."""
    if path:
        yield path
    steps = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in steps:
        yield from places(value, (*path, name))


def spoilt(body: Any, path: tuple[Any, ...], text: str) -> str:
    """The body as JSON, with this text at this place."""
    changed = copy.deepcopy(body)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = "@@here@@"
    return json.dumps(changed).replace('"@@here@@"', text)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.path.strip("/")) for case in CASES])
@pytest.mark.sampled(8)
def test_any_field_may_hold_anything(emulator: Emulator, case: Case) -> None:
    emulator.configure(max_jobs=10_000, start_balance=1e12, novita_retired="", job_seconds=0.001, queue_seconds=0.0)
    api = Api(emulator)
    extra = {"extra": {"webhook": {"url": "http://127.0.0.1:1/"}, "custom_storage": {"aws_s3": {"path": "/"}}}}
    body = {**case.body(api), "hookUrl": "x", "hook_url": "x", "timeout": 300, **(extra if case.novita else {})}
    chance = random.Random(case.path)
    everywhere = [(path, text) for path in places(body) for text in ODD]
    accepted = []
    for path, text in chance.sample(everywhere, min(REQUESTS_A_CASE, len(everywhere))):
        reply = api.http.post(case.path, content=spoilt(body, path, text).encode("utf-8", "surrogatepass"))
        assert reply.status_code in EXPECTED, (path, text, reply.text)
        if reply.status_code == 200:
            accepted.append(reply.json())
        else:
            assert reply.json()["message"]
    for answer in accepted[:5]:  # what was taken can be made
        finished = api.finished(case.fetch, id_in(answer)) if case.fetch else answer
        for link in links_in(finished)[:2]:
            assert api.bare.get(link).status_code == 200


@pytest.mark.parametrize("case", [pytest.param(case, id=case.path.strip("/")) for case in CASES])
@pytest.mark.sampled(8)
def test_any_body_may_come(emulator: Emulator, case: Case) -> None:
    emulator.configure(novita_retired="")
    api = Api(emulator)
    deep = b"[" * 100_000 + b"]" * 100_000
    for content in (b"", b"\xff\xfe", b"null", b"[]", b'"x"', b"{", deep, b'{"a":' * 50_000, b'{"a": NaN}', b"\x00"):
        assert api.http.post(case.path, content=content).status_code == 400
    assert api.http.post(case.path, content=b'{"prompt": "\\ud800"}').status_code == 400
    assert api.http.put(case.path).status_code in (404, 405)
    assert emulator.billed() == 0


READS = [
    *("/midjourney/v1/fetch", "/midjourney/v1/fetch-list", "/midjourney/v1/info", "/midjourney/status"),
    *("/midjourney/image-edits/fetch", "/midjourney/video/fetch", "/novelai/fetch", "/flowmusic/v1/fetch"),
    *("/v3/async/task-result", "/v3/model", "/v3/user", "/openapi/v1/billing/balance/detail"),
    *("/v3/admin/video-unify-api/config", "/cdn/midjourney/1/2.png", "/cdn/x", "/s3/prod/a/b.png", "/s3/b.s3.r/x/y"),
    *("/nothing", "/v3/nothing", "/midjourney/nothing", "/__emulator__/nothing", "/__emulator__/jobs"),
]
NAMES = [
    *(
        "jobId",
        "job_id",
        "task_id",
        "page",
        "limit",
        "status",
        "order",
        "filter.types",
        "filter.is_sdxl",
        "filter.query",
    ),
    *("pagination.limit", "pagination.cursor", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature", "redirected"),
]
VALUES = [
    *("", "0", "-1", "9" * 5000, "٣", "²", "\x00", "a\nb", "%%", "c_", "c_W10=", "c_W251bGwsIDFd", "20260101T000000Z"),
    *("c_" + "9" * 4500, "true", "\U0001f98a", "../..", "1e999", "99991231T235959Z", "c_WzFlOTk5LCAxXQ=="),
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.sampled(6)
def test_any_query_may_come(emulator: Emulator, path: str) -> None:
    api, chance = Api(emulator), random.Random(path)
    for _ in range(40):
        query = {name: chance.choice(VALUES) for name in chance.sample(NAMES, 5)}
        assert api.http.get(path, params=query).status_code in (200, 400, 403, 404), query
    for _ in range(10):
        query = {"X-Amz-Date": "20260101T000000Z", "X-Amz-Expires": chance.choice(VALUES), "X-Amz-Signature": "é"}
        assert api.http.get(path, params=query).status_code in (200, 400, 403, 404), query


@pytest.mark.parametrize("key", [b"\xff\xfe", b'"', b"Bearer", b"x" * 8000, b"a b c"])
def test_any_key_may_come(emulator: Emulator, key: bytes) -> None:
    for path in ("/midjourney/v1/info", "/v3/user"):
        reply = httpx.get(emulator.url + path, headers={"TT-API-KEY": key, "Authorization": key}, **QUICK)
        assert reply.status_code in (200, 400, 401, 403)


@pytest.mark.slow
def test_the_admin_takes_nothing_odd(emulator: Emulator) -> None:
    client = httpx.Client(base_url=f"{emulator.url}/__emulator__/", **QUICK)
    for path in ("faults", "settings", "release", "planted"):
        for text in ODD:
            for body in (
                text,
                f'{{"faults": {text}, "seed": 0}}',
                f'{{"faults": [], "seed": {text}}}',
                f'{{"kind": {text}}}',
            ):
                reply = client.post(path, content=body.encode("utf-8", "surrogatepass"))
                assert reply.status_code in (200, 400), (path, body, reply.text)
        assert client.post(path, content=b"[" * 100_000).status_code == 400
    for name in ("job_seconds", "link_seconds", "max_jobs", "seed", "novelai_path", "start_balance"):
        for text in ("NaN", "Infinity", "1e999", "9" * 400, "[]", '"\\u0000"'):
            client.post("settings", content=f'{{"{name}": {text}}}')
    for parameter, text in (("status", "9999"), ("status", "1"), ("seconds", "Infinity"), ("probability", "NaN")):
        kind = "submit_5xx_after" if parameter == "status" else "fetch_slow"
        assert (
            client.post("faults", content=f'{{"faults": [{{"kind": "{kind}", "{parameter}": {text}}}]}}').status_code
            == 400
        )
    assert client.get("settings").status_code == 200
