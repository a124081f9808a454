"""FlowMusic through TTAPI: songs, and what can be made of a song's clip."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi import flowmusic_clips as clips
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, reading, refuse

SHARED = {"title": Rule("str"), "model": Rule("str")}
GENERATE = {"sound_prompt": Rule("str"), "lyrics": Rule("str"), **SHARED}
CLIP = {"clip_id": Rule("str", True, 1)}
TOLD = {**CLIP, "instruction": Rule("str", True, 1), **SHARED}
EXTEND = {**TOLD, "extend_from_s": Rule("number", True, 0), "extend_s": Rule("number", True, 0, 327)}
COVER = {**TOLD, "strength": Rule("number", False, 0, 1)}
REPLACE = {**TOLD, "start_s": Rule("number", True, 0), "end_s": Rule("number", True, 0)}
LENGTH = {"length": Rule("int", False, 1, 240)}
MODEL = "Lyria 3 Pro"
SECONDS = 12  # of a song whose length nobody chose; made up, and short
QUOTA = 3  # as for a song of the product's predecessor; made up for the rest


def answer(state: State, job: Job, base_url: str) -> Body:
    order, done = job.order, job.state == "succeeded"
    made = [clips.described(state, job, place, clip, base_url) for place, clip in enumerate(clips.clips(job))]
    return {
        "status": ttapi.WORDS[job.state],
        "message": "success" if done else job.message,
        "jobId": job.id,
        "data": {
            "jobId": job.id,
            "action": order.action,
            "progress": ttapi.progress(job, "%"),
            "mv": order.details["model"],
            "quota": str(int(order.quota)),
            "hookUrl": order.hook_url,
            "clips": made if done else None,
        },
    }


SPARE = ("data.jobId", "data.action", "data.mv", "data.quota")
FLOWMUSIC = ttapi.product("flowmusic", answer, clips.files, SPARE, hooks=("hook_url",), lists=("data.clips",))


async def generate(submission: Submission) -> Order:
    body = submission.body
    submission.check(GENERATE)
    if body.get("length") not in (None, ""):  # it may be empty
        submission.check(LENGTH)
    if (bpm := body.get("bpm")) not in (None, ""):
        _number("bpm", bpm, 1)
    sound, lyrics = (body.get("sound_prompt") or "").strip(), (body.get("lyrics") or "").strip()
    if not sound and not lyrics:
        raise refuse(400, "Parameter error: sound_prompt or lyrics is required")
    seconds = body.get("length") or SECONDS
    return _order(submission, "generations", sound or lyrics, seconds, lyrics or clips.LYRICS)


async def extend(submission: Submission) -> Order:
    submission.check(EXTEND)
    body, (job, clip) = submission.body, _clip(submission)
    if body["extend_from_s"] > clip.seconds:
        raise refuse(400, f"Parameter error: extend_from_s: must be at most {clip.seconds:g}, the clip's duration")
    if body["extend_s"] == 0:
        raise refuse(400, "Parameter error: extend_s: must be more than 0")
    seconds = body["extend_from_s"] + body["extend_s"]
    return _order(submission, "extend", body["instruction"], seconds, job.order.details["lyrics"], clip)


async def cover(submission: Submission) -> Order:
    submission.check(COVER)
    job, clip = _clip(submission)
    return _order(submission, "cover", submission.body["instruction"], clip.seconds, job.order.details["lyrics"], clip)


async def replace(submission: Submission) -> Order:
    submission.check(REPLACE)
    body, (job, clip) = submission.body, _clip(submission)
    if not body["start_s"] < body["end_s"] <= clip.seconds:
        raise refuse(400, f"Parameter error: end_s: must be more than start_s and at most {clip.seconds:g}")
    return _order(submission, "replace", body["instruction"], clip.seconds, job.order.details["lyrics"], clip)


async def stems(submission: Submission) -> Order:
    submission.check(CLIP)
    _, clip = _clip(submission)
    return _order(submission, "stems", "", clip.seconds, None, clip)


def lyrics(submission: Submission) -> Order:
    """The job of the vendor's only example of a fetch. How one is submitted is not known."""
    body = submission.body
    details = {"title": body.get("title") or "Turn It Up", "model": "FUZZ-2.0", "seconds": 0, "lyrics": clips.LYRICS}
    return submission.order("lyrics", str(body.get("prompt") or ""), 1, clips.draw, details)


def _order(
    submission: Submission,
    action: str,
    prompt: str,
    seconds: float,
    lyrics: str | None,
    clip: clips.Clip | None = None,
) -> Order:
    body = submission.body
    details = {
        "title": body.get("title") or (clip.title if clip else "Untitled"),
        "model": body.get("model") or MODEL,
        "seconds": seconds,
        "lyrics": lyrics,
        "seed": _seed(body.get("seed")),
    }
    return submission.order(action, prompt, QUOTA, clips.draw, details)


def _clip(submission: Submission) -> tuple[Job, clips.Clip]:
    """A clip of the account's own that can be heard, and its job."""
    wanted = submission.body["clip_id"]
    for job in submission.state.jobs.of("flowmusic", submission.account):
        if job.state == "succeeded" and job.order.action != "lyrics":
            for clip in clips.clips(job):
                if clip.id == wanted:
                    return job, clip
    raise refuse(400, "Parameter error: no such clip_id")


def _seed(value: Any) -> int | None:
    """A text on most of the vendor's pages, a number on one."""
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise refuse(400, "Parameter error: seed: must be a string")
    return int(hashlib.sha256(str(value).encode()).hexdigest()[:8], 16)


def _number(name: str, value: Any, low: float) -> None:
    """A number that the vendor types as a text."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not number >= low:
        raise refuse(400, f"Parameter error: {name}: must be a number of at least {low:g}")


_PATHS: Mapping[str, Any] = {
    "generations": ("generate", generate),
    "extend": ("extend", extend),
    "cover": ("cover", cover),
    "replace": ("replace", replace),
    "stems": ("stems", stems),
}
ROUTES = [
    *(
        at(f"/flowmusic/v1/{word}", accepting(FLOWMUSIC, f"flowmusic.{name}", place), "POST")
        for word, (name, place) in _PATHS.items()
    ),
    at("/flowmusic/v1/fetch", reading(FLOWMUSIC), "GET", "POST"),
]
