"""What the emulator says about its clients, and about itself."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from prefect_genmedia.emulator import Emulator, EmulatorSettings
from tests.emulator.clients import QUICK, Midjourney, Novita, Receiver, photo
from tests.patience import PATIENCE, until


def admin(emulator: Emulator, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{emulator.url}/__emulator__/{path}", json=body, **QUICK)


def test_each_job_is_listed(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    data = midjourney.done(hookUrl="http://example.invalid/token-9")
    midjourney.bare.get(data["cdnImage"])
    midjourney.bare.get(data["images"][0])
    novita.done()
    jobs = admin(emulator, "GET", "jobs").json()
    assert jobs == emulator.jobs()
    assert (jobs["billed"], jobs["counts"]) == (2, {"midjourney.imagine": 1, "novita.img2img": 1})
    row, other = jobs["jobs"]
    assert (row["id"], row["provider"], row["operation"]) == (data["jobId"], "ttapi", "midjourney.imagine")
    assert row["account"] == hashlib.sha256(b"key-one").hexdigest()[:12]
    assert (row["billed"], row["refunded"], row["quota"], row["state"]) == (True, False, 2, "succeeded")
    assert (row["prompt"], row["hook_url"]) == ("A cute kitten", "http://example.invalid/token-9")
    assert row["downloads"] == 2
    assert row["fetches"] >= 1
    assert row["created_at"] < row["finished_at"]
    assert (other["provider"], other["quota"]) == ("novita", 15)
    assert "key-one" not in json.dumps(jobs)
    assert emulator.billed() == 2
    assert emulator.billed("midjourney.imagine") == 1
    assert emulator.billed("midjourney.action") == 0


def test_the_fingerprint_leaves_the_callback_out(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    for url in ("http://example.invalid/1", "http://example.invalid/2"):
        midjourney.imagine(hookUrl=url)
        novita.submit({"webhook": {"url": url}})
    midjourney.imagine()
    novita.submit()
    assert [
        len({r["request_sha256"] for r in emulator.jobs()["jobs"] if r["provider"] == p}) for p in ("ttapi", "novita")
    ] == [1, 1]
    midjourney.imagine(mode="turbo")
    novita.submit(width=256)
    novita.submit({"response_image_type": "webp"})
    assert len({row["request_sha256"] for row in emulator.jobs()["jobs"]}) == 5


def test_requests_are_counted(emulator: Emulator, midjourney: Midjourney) -> None:
    job = midjourney.imagine()
    midjourney.read(job)
    midjourney.read("nope")
    midjourney.bare.get(f"{emulator.url}/cdn/midjourney/20260101/a.png")
    midjourney.bare.get(f"{emulator.url}/cdn/midjourney/20260101/b.png")
    admin(emulator, "GET", "jobs")
    assert (
        admin(emulator, "GET", "requests").json()
        == emulator.requests()
        == {
            "requests": {
                "GET /cdn/midjourney/{date}/{name}": 2,
                "GET /midjourney/v1/fetch": 2,
                "POST /midjourney/v1/imagine": 1,
            },
            "statuses": {"200": 2, "404": 3},
            "key_on_foreign_request": 0,
        }
    )


def test_a_key_where_it_does_not_belong(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    data, link = midjourney.done(), novita.done()["images"][0]["image_url"]
    assert emulator.requests()["key_on_foreign_request"] == 0
    midjourney.http.get(data["cdnImage"])
    novita.http.get(link)
    assert emulator.requests()["key_on_foreign_request"] == 2
    midjourney.http.get(f"{emulator.url.replace('127.0.0.1', 'localhost')}/midjourney/v1/info")
    assert emulator.requests()["key_on_foreign_request"] == 3
    midjourney.http.get("/elsewhere")
    assert emulator.requests()["key_on_foreign_request"] == 4


def test_links_name_the_host_that_the_client_used(emulator: Emulator, midjourney: Midjourney) -> None:
    job = midjourney.done()["jobId"]
    base = emulator.url.replace("127.0.0.1", "localhost")
    body = midjourney.http.get(f"{base}/midjourney/v1/fetch", params={"jobId": job}).json()
    assert body["data"]["cdnImage"].startswith(f"{base}/cdn/")


def test_the_admin_over_http(emulator: Emulator, midjourney: Midjourney) -> None:
    assert admin(emulator, "POST", "faults", {"seed": 3, "faults": [{"kind": "fetch_drop"}]}).status_code == 200
    assert [fault["kind"] for fault in admin(emulator, "GET", "faults").json()["faults"]] == ["fetch_drop"]
    assert admin(emulator, "DELETE", "faults").json() == {"faults": []}
    assert admin(emulator, "POST", "settings", {"hold": True, "max_jobs": 3}).json()["max_jobs"] == 3
    for wrong in ({"odd": 1}, {"max_jobs": "3"}, {"hold": 1}, {"job_seconds": None}):
        assert admin(emulator, "POST", "settings", wrong).status_code == 400
    assert httpx.post(f"{emulator.url}/__emulator__/settings", content="{", **QUICK).status_code == 400
    one, two = midjourney.imagine(), midjourney.imagine()
    assert admin(emulator, "POST", "release", {"job_id": one}).json() == {"released": 1}
    assert midjourney.finished(one)["status"] == "SUCCESS"
    assert midjourney.read(two).json()["status"] != "SUCCESS"
    assert admin(emulator, "POST", "release").json() == {"released": 1}
    midjourney.finished(two)
    assert admin(emulator, "GET", "callbacks").json() == emulator.callbacks()
    assert admin(emulator, "POST", "reset").json() == {"reset": True}
    assert emulator.jobs() == {"billed": 0, "refunded": 0, "counts": {}, "jobs": []}


def test_the_key_is_not_shown(emulator: Emulator) -> None:
    emulator.configure(api_key="secret")
    assert "secret" not in admin(emulator, "GET", "settings").text


def test_reset_leaves_nothing(emulator: Emulator, midjourney: Midjourney, receiver: Receiver) -> None:
    for seconds in (0.2, 2.0, 20.0):  # a busy machine may be too slow to be there before a callback
        receiver.got.clear()
        emulator.reset()
        emulator.configure(hold=True, max_jobs=1)
        late = {"kind": "callback_late", "seconds": seconds}
        emulator.add_faults(late, {"kind": "clock_skew"})
        job = midjourney.imagine(hookUrl=receiver.url)
        emulator.release()
        until(lambda: emulator.callbacks()["under_way"] or receiver.got)
        emulator.reset()
        if not receiver.got:
            break
    assert midjourney.read(job).status_code == 404
    assert emulator.faults() == {"faults": []}
    assert emulator.callbacks()["under_way"] == 0
    assert midjourney.info()["balance"] == 10_000
    assert midjourney.info()["max_queue"] == 10
    assert emulator.requests()["requests"] == {"GET /midjourney/v1/fetch": 1, "GET /midjourney/v1/info": 2}
    emulator.add_faults(late)
    midjourney.imagine(prompt="after", hookUrl=receiver.url)
    until(lambda: receiver.got)  # the earlier callback would have come before this one
    assert [body["data"]["prompt"] for body in receiver.bodies()] == ["after"]


def story(seed: int) -> list[Any]:
    """Ids and bytes of a small run."""
    with Emulator(seed=seed, job_seconds=0.02, queue_seconds=0.0) as emulator:
        midjourney, novita = Midjourney(emulator), Novita(emulator)
        grids = [midjourney.done(prompt="a fox") for _ in range(2)]
        single = midjourney.finished(midjourney.act(grids[0]["jobId"], "upsample2").json()["data"]["jobId"])
        result = novita.done()
        links = [
            grids[0]["cdnImage"],
            grids[1]["images"][3],
            single["data"]["cdnImage"],
            result["images"][0]["image_url"],
        ]
        files = [hashlib.sha256(novita.bare.get(link).content).hexdigest() for link in links]
        return [*files, *(row["id"] for row in emulator.jobs()["jobs"])]


def test_the_same_seed_tells_the_same_story() -> None:
    one, again, other = story(1), story(1), story(2)
    assert one == again
    assert not set(one) & set(other)
    assert len(set(one)) == len(one)


def test_ids_do_not_depend_on_the_order_of_arrival() -> None:
    def ids(order: list[int]) -> dict[str, str]:
        with Emulator(max_jobs=50) as emulator:
            midjourney = Midjourney(emulator)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda n: midjourney.imagine(prompt=f"fox {n}"), order))
            return {row["prompt"]: row["id"] for row in emulator.jobs()["jobs"]}

    assert ids(list(range(16))) == ids(list(range(15, -1, -1)))


def test_answers_follow_the_contract(emulator: Emulator, midjourney: Midjourney, novita: Novita) -> None:
    contract = midjourney.bare.get(f"{emulator.url}/openapi.json").json()

    def check(name: str, body: Any) -> None:
        Draft202012Validator({**contract, "$ref": f"#/components/schemas/{name}"}).validate(body)

    emulator.configure(hold=True)
    job, task = midjourney.post().json(), novita.post().json()["task_id"]
    check("ttapi.SubmitResponse", job)
    check("ttapi.MidjourneyFetch", midjourney.read(job["data"]["jobId"]).json())
    check("novita.TaskResult", novita.read(task).json())
    emulator.release()
    check("ttapi.MidjourneyFetch", midjourney.finished(job["data"]["jobId"]))
    check("novita.TaskResult", novita.finished(task))
    emulator.configure(hold=False)
    check("ttapi.MidjourneyFetch", midjourney.finished(midjourney.imagine(prompt="denied-by-emulator")))
    check("ttapi.Error", midjourney.post(prompt="").json())
    check("novita.Error", novita.post(prompt="").json())
    check("novita.ModelPage", novita.http.get("/v3/model").json())


def test_the_contract_lists_what_is_served(emulator: Emulator, midjourney: Midjourney) -> None:
    contract = midjourney.bare.get(f"{emulator.url}/openapi.json").json()
    for path, methods in contract["paths"].items():
        for method in methods:
            reply = midjourney.bare.request(method, f"{emulator.url}{path}")
            if {} in methods[method]["security"]:
                assert reply.status_code == 200, (method, path)
            else:
                assert reply.status_code in (400, 401), (method, path)  # known; only the key is missing
    text = json.dumps(contract)
    for name in re.findall(r'"#/([^"]+)"', text):
        part = contract
        for step in name.split("/"):
            part = part[step]


def test_it_says_what_it_is(emulator: Emulator) -> None:
    client = httpx.Client(base_url=emulator.url, **QUICK)
    assert "This is an emulator" in client.get("/").text
    docs = client.get("/docs").text
    assert "/midjourney/v1/imagine" in docs
    assert "submit_lose_reply" in docs
    for path in ("/", "/docs", "/openapi.json", "/nope", "/v3/nope", "/midjourney/v1/info", "/__emulator__/jobs"):
        assert client.get(path).headers["x-genmedia-emulator"] == "1"


def test_two_run_side_by_side() -> None:
    with Emulator() as one, Emulator() as two:
        assert one.url != two.url
        Midjourney(one).imagine()
        assert (one.billed(), two.billed()) == (1, 0)
    assert one.billed() == 1  # still there when it has stopped


def test_it_stops_with_requests_and_jobs_under_way(caplog: pytest.LogCaptureFixture) -> None:
    with Emulator(hold=True) as emulator, ThreadPoolExecutor(1) as pool:
        emulator.add_faults({"kind": "fetch_slow", "seconds": 2 * PATIENCE})
        midjourney = Midjourney(emulator)
        job = midjourney.imagine(hookUrl="http://127.0.0.1:1/")
        waiting = pool.submit(midjourney.read, job)
        until(lambda: emulator.requests()["requests"].get("GET /midjourney/v1/fetch"))
        emulator.stop()
        assert isinstance(waiting.exception(PATIENCE), httpx.RemoteProtocolError)
    assert caplog.records == []


def test_a_wrong_setting_is_told() -> None:
    with pytest.raises(ValueError, match="no setting is called 'job_second'"):
        Emulator(job_second=1)
    with pytest.raises(ValueError, match="max_jobs takes int"):
        EmulatorSettings().changed({"max_jobs": 2.5})


def test_serve_in_the_foreground() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = f"from prefect_genmedia.emulator import serve; serve(port={port})"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", **QUICK)

        def up() -> bool:
            try:
                return client.get("/").status_code == 200
            except httpx.ConnectError:
                return False

        until(up, "the emulator in the foreground")
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_the_plugin_does_not_load_the_server() -> None:
    code = "import sys, prefect_genmedia.emulator.pytest_plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"uvicorn", "starlette", "PIL", "httpx", "prefect"} & set(loaded)


def test_a_large_picture_comes_through(novita: Novita) -> None:
    assert novita.post(image_base64=photo(3000, 2000, "JPEG")).status_code == 200
