"""Midjourney through TTAPI: imagine, what can be done with a job, and the two lists of what there is."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server import dressing, fetches, provider
from prefect_genmedia.emulator.server.dressing import Answer
from prefect_genmedia.emulator.server.gallery import File
from prefect_genmedia.emulator.server.links import cdn_path
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State, base_url_of, state_of
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import WORDS, Submission, accepting, at, authenticate, reading, refuse
from prefect_genmedia.emulator.ttapi.midjourney import prompts as midjourney
from prefect_genmedia.emulator.ttapi.midjourney.drawing import CORNERS, draw

NUMBERS = {"queued": 0, "running": 1, "succeeded": 2, "failed": 3}  # in fetch-list; only 2 is documented
MODES = {"mode": Rule("str", choices=tuple(midjourney.SPEEDS))}


def answer(state: State, job: Job, base_url: str) -> Body:
    """What a fetch says, and what a callback carries."""
    order, details, done = job.order, job.order.details, job.state == "succeeded"
    size, form = details["size"], details["form"]
    shown = done and form != "none"
    whole = base_url + _path(job, "") if shown else None
    body: Body = {
        "status": WORDS[job.state],
        "message": job.message,
        "jobId": job.id,
        "data": {
            "action": order.action,
            "jobId": job.id,
            "progress": ttapi.progress(job),
            # A description's result is its prompt.
            "prompt": (details["told"] if done else None) if order.action == "describe" else order.prompt,
            "quota": str(int(order.quota)),
            "discordImage": whole,
            "cdnImage": whole,
            "width": size[0] if shown else None,
            "height": size[1] if shown else None,
            "hookUrl": order.hook_url,
            "components": midjourney.components(order.action, size) if shown else None,
            "seed": details["told"] if done and order.action == "seed" else None,
            "images": [base_url + _path(job, corner) for corner in CORNERS] if shown and form == "grid" else None,
        },
    }
    if job.state == "failed":  # the vendor's example of a failed job has none of these
        for name in ("quota", "width", "height"):
            del body["data"][name]
    return body


def files(job: Job) -> dict[str, File]:
    parts = {"grid": ["", *CORNERS], "single": [""], "none": []}[job.order.details["form"]]
    return {_path(job, part): File(job.id, part, "png") for part in parts}


def _path(job: Job, part: str) -> str:
    return cdn_path("midjourney", job.id, job.created_at, f"{part}.png")


SPARE = ("data.components", "data.seed", "data.width", "data.height", "data.discordImage")
MIDJOURNEY = ttapi.product("midjourney", answer, files, SPARE, lists=("data.images",))


def check_timeout(submission: Submission) -> None:
    if not midjourney.timeout_fits(submission.body.get("timeout")):
        raise refuse(400, "Parameter error: timeout must be 300 to 1200")


async def imagine(submission: Submission) -> Order:
    prompt, mode = submission.body.get("prompt"), submission.body.get("mode")
    if not isinstance(prompt, str) or not prompt.strip():
        raise refuse(400, "Parameter error: prompt is required")
    submission.check(MODES)
    check_timeout(submission)
    if wrong := midjourney.wrong_parameter(prompt):
        raise refuse(400, f"Invalid params [{wrong}]")
    wanted = re.search(r"--seed\s+(\d{1,10})(?!\d)", prompt)
    details = {
        "mode": mode or "fast",
        "size": midjourney.grid_size(prompt),
        "seed": int(wanted[1]) if wanted else None,
        "parent": None,
        "form": "grid",
    }
    return submission.order("imagine", prompt, midjourney.SPEEDS[mode or "fast"], draw, details)


async def action(submission: Submission) -> Order:
    body = submission.body
    name, parent = body.get("action"), submission.finished(body.get("jobId") or body.get("job_id"))
    check_timeout(submission)
    before = parent.order.details
    if name not in midjourney.ACTIONS:
        raise refuse(400, "Parameter error: no such action")
    if before["form"] == "none" or name not in midjourney.components(parent.order.action, before["size"]):
        raise refuse(400, f"Parameter error: {name} is not among the job's components")
    grandparent: Job | None = before["parent"]
    first = grandparent.order.details["size"] if grandparent else None
    details = {
        "mode": before["mode"],
        "size": midjourney.size_after(name, before["size"], first),
        "seed": None,
        "parent": parent,
        "form": "grid" if midjourney.is_grid(name) else "single",
    }
    return submission.order(name, parent.order.prompt, midjourney.SPEEDS[details["mode"]], draw, details)


async def prompt_check(request: Request) -> Response:
    """Free, at once, and HTTP 200 for a bad prompt too."""
    authenticate(request)
    prompt = (await provider.read_json(request, MIDJOURNEY)).get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise refuse(400, "Parameter error: prompt is required")
    if ttapi.BANNED in prompt.lower():
        return JSONResponse(ttapi.failure(200, f"banned prompt words: {ttapi.BANNED}"))
    return JSONResponse({"status": "SUCCESS", "message": "success", "data": "Prompt verification successful."})


async def status(request: Request) -> Response:
    authenticate(request)
    average = round(state_of(request).settings.job_seconds, 2)
    one = {"status": 200, "runningMessage": "Endpoints running", "averageExecute": average}
    return JSONResponse({"status": "SUCCESS", "message": "success", "data": dict.fromkeys(midjourney.SPEEDS, one)})


async def fetch_list(request: Request) -> Response:
    account = authenticate(request)
    state, query = state_of(request), request.query_params
    page = _number(query.get("page", "1"), 1, 1_000_000)
    limit = _number(query.get("limit", "10"), 1, 100)
    wanted = query.get("status", "success").upper()
    order = query.get("order", "desc").lower()
    if page is None or limit is None or wanted not in WORDS.values() or order not in ("asc", "desc"):
        raise refuse(400, "Parameter error")
    jobs = [job for job in state.jobs.of("midjourney", account) if WORDS[job.state] == wanted and _listed(state, job)]
    if order == "desc":
        jobs.reverse()
    rows = [_row(job, base_url_of(request)) for job in jobs[(page - 1) * limit : page * limit]]
    body = {"status": "SUCCESS", "data": rows, "message": "success"}
    return dressing.reply(state.faults, Answer("list", "midjourney.fetch_list", account, body, tuple(jobs)))


def _listed(state: State, job: Job) -> bool:
    lag = job.faults.get("list_lags")
    late = lag is not None and state.now() < job.accepted + float(lag.parameters["seconds"])
    return not late and fetches.forgotten(job, job.fetches + 1) is None


def _row(job: Job, base_url: str) -> Body:
    done = job.state == "succeeded"
    picture = base_url + _path(job, "") if done and job.order.details["form"] != "none" else None
    return {
        "job_id": job.id,
        "model": job.order.details["mode"],
        "action": job.order.action,
        "quota": int(job.order.quota),
        "status": NUMBERS[job.state],
        "progress": "100" if done else str(job.progress()),
        "prompt": job.order.prompt,
        "discord_image": picture,
        "cdn_image": picture,
    }


def _number(text: str, low: int, high: int) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) and low <= int(text) <= high else None


ROUTES = [
    at("/midjourney/v1/imagine", accepting(MIDJOURNEY, "midjourney.imagine", imagine), "POST"),
    at("/midjourney/v1/action", accepting(MIDJOURNEY, "midjourney.action", action), "POST"),
    at("/midjourney/v1/promptCheck", prompt_check, "POST"),
    at("/midjourney/v1/fetch", reading(MIDJOURNEY), "GET", "POST"),
    at("/midjourney/v1/fetch-list", fetch_list, "GET"),
    at("/midjourney/status", status, "GET"),
]
