"""Suno through TTAPI: two songs for one request."""

from __future__ import annotations

from collections.abc import Callable

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn, Film, Tune
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.links import cdn_path, uuid_of
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, reading, refuse
from prefect_genmedia.emulator.ttapi.flowmusic_clips import LYRICS

SHARE = Rule("number", False, 0, 1)
MUSIC = {
    **dict.fromkeys(("mv", "gpt_description_prompt", "prompt", "title", "negative_tags", "persona_id"), Rule("str")),
    "tags": Rule("str", False, 0, 1000),
    "vocal_gender": Rule("str"),
    "style_weight": SHARE,
    "weirdness_constraint": SHARE,
    "audio_weight": SHARE,
}
SWITCHES = ("custom", "instrumental", "auto_lyrics", "isStorage")  # also sent as texts
QUOTA = 6  # for the two: documented
SONGS = 2
SECONDS = 12.0  # made up, and short
KINDS = {"imageUrl": "jpeg", "imageLargeUrl": "jpeg", "audioUrl": "mp3", "videoUrl": "mp4"}


def answer(state: State, job: Job, base_url: str) -> Body:
    order, done = job.order, job.state == "succeeded"
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
            # A client's own tests have an empty list while the job runs.
            "musics": [_music(state, job, place, base_url) for place in range(SONGS)] if done else [],
        },
    }


def _music(state: State, job: Job, place: int, base_url: str) -> Body:
    details = job.order.details
    links = {name: base_url + _path(job, place, kind) for name, kind in KINDS.items()}
    return {
        "musicId": uuid_of(f"music:{job.id}:{place}"),
        "prompt": details["lyrics"],
        "title": details["title"],
        "tags": details["tags"],
        **links,
        "duration": f"{SECONDS:.2f}",
        "negativeTags": details["negative_tags"],
        "styleWeight": details["style_weight"],
        "weirdnessConstraint": details["weirdness_constraint"],
        "audioWeight": details["audio_weight"],
        "createdAt": (ttapi.moment(state, job.created_at, "%Y-%m-%dT%H:%M:%S.%f") or "")[:-3] + "Z",
    }


def files(job: Job) -> dict[str, File]:
    kinds = dict.fromkeys(KINDS.values())
    return {_path(job, place, kind): File(job.id, f"{place} {kind}", kind) for place in range(SONGS) for kind in kinds}


def _path(job: Job, place: int, kind: str) -> str:
    return cdn_path("suno", f"{job.id}:{place}", job.created_at, f".{kind}")


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    place, kind = part.split()
    details, seed = job.order.details, f"{job.seed()}:{place}"
    if kind == "mp3":
        return Tune(details["title"], seed, SECONDS)
    cover = pictures.scene(details["title"] + details["tags"], seed, (512, 512))
    return Film(cover, pictures.varied(cover, cover.rotate(180), 0.5), SECONDS) if kind == "mp4" else cover


SUNO = ttapi.product(
    "suno", answer, files, ("data.jobId", "data.action", "data.mv", "data.quota"), lists=("data.musics",)
)


async def music(submission: Submission) -> Order:
    submission.check(MUSIC)
    body, on = submission.body, _switches(submission)
    idea, words, tags = (body.get(name) or "" for name in ("gpt_description_prompt", "prompt", "tags"))
    if not on("custom") and not idea.strip():
        raise refuse(400, "Parameter error: gpt_description_prompt is required")
    if on("custom") and not words.strip() and not tags.strip():
        raise refuse(400, "Parameter error: prompt or tags is required")
    sung = words if on("custom") and words else LYRICS
    details = {
        "model": body.get("mv") or "chirp-v5",
        "title": body.get("title") or idea[:40] or "Untitled",
        "tags": tags,
        "lyrics": "" if on("instrumental") else sung,
        **{name: body.get(name) for name in ("negative_tags", "style_weight", "weirdness_constraint", "audio_weight")},
    }
    return submission.order("music", words or idea or tags, QUOTA, draw, details)


def _switches(submission: Submission) -> Callable[[str], bool]:
    """How the switches stand; some clients send "true" and "false" as texts."""
    states = {}
    for name in SWITCHES:
        value = submission.body.get(name)
        if value not in (None, True, False, "true", "false", ""):
            raise refuse(400, f"Parameter error: {name}: must be true or false")
        states[name] = value in (True, "true")
    return states.__getitem__


_read = reading(SUNO)
ROUTES = [
    at("/suno/v1/music", accepting(SUNO, "suno.music", music), "POST"),
    at("/suno/v2/fetch", _read, "GET", "POST"),
    at("/suno/v1/fetch", _read, "GET", "POST"),  # deprecated by the vendor
]
