"""Suno through TTAPI: two songs for one request, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
ID = Rule("str", True, 1)
SOUNDS = {
    "sound": Rule("str", True, 1),
    "mv": Rule("str", True, choices=("chirp-v5-5", "chirp-v5")),
    "type": Rule("str", True, choices=("one-shot", "loop")),
    "bpm": Rule("int", False, 1, 300),
    "key": Rule("str"),
}
SWITCHES = ("custom", "instrumental", "auto_lyrics", "isStorage")  # also sent as texts
QUOTA = 6  # for the two: documented
SONGS = ("", "")  # two songs of one name
STEMS = (" (Vocals)", " (Backing Vocals)", " (Drums)", " (Bass)")
QUOTAS = {"concat": 0, "stems-all": 60}  # documented; the others are taken for a music job's
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
            "musics": [_music(state, job, place, base_url) for place in range(len(_titles(job)))] if done else [],
        },
    }


def _music(state: State, job: Job, place: int, base_url: str) -> Body:
    details = job.order.details
    links = {name: base_url + _path(job, place, kind) for name, kind in KINDS.items()}
    return {
        "musicId": _music_id(job, place),
        "prompt": details["lyrics"],
        "title": _titles(job)[place],
        "tags": details["tags"],
        **links,
        "duration": f"{SECONDS:.2f}",
        "negativeTags": details["negative_tags"],
        "styleWeight": details["style_weight"],
        "weirdnessConstraint": details["weirdness_constraint"],
        "audioWeight": details["audio_weight"],
        "createdAt": (ttapi.moment(state, job.created_at, "%Y-%m-%dT%H:%M:%S.%f") or "")[:-3] + "Z",
    }


def _music_id(job: Job, place: int) -> str:
    return uuid_of(f"music:{job.id}:{place}")


def _titles(job: Job) -> list[str]:
    """One for each of its songs or parts."""
    return [job.order.details["title"] + each for each in job.order.details["endings"]]


def files(job: Job) -> dict[str, File]:
    kinds = dict.fromkeys(KINDS.values())
    return {
        _path(job, place, kind): File(job.id, f"{place} {kind}", kind)
        for place in range(len(_titles(job)))
        for kind in kinds
    }


def _path(job: Job, place: int, kind: str) -> str:
    return cdn_path("suno", f"{job.id}:{place}", job.created_at, f".{kind}")


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    place, kind = part.split()
    details, seed = job.order.details, f"{job.seed()}:{place}"
    if kind == "mp3":
        return Tune(_titles(job)[int(place)], seed, SECONDS)
    cover = pictures.scene(details["title"] + details["tags"], seed, (512, 512))
    return Film(cover, pictures.varied(cover, cover.rotate(180), 0.5), SECONDS) if kind == "mp4" else cover


SUNO = ttapi.product(
    "suno", answer, files, ("data.jobId", "data.action", "data.mv", "data.quota"), lists=("data.musics",)
)


async def music(submission: Submission) -> Order:
    submission.check(MUSIC)
    return _song(submission, "music", "")


async def extend(submission: Submission) -> Order:
    submission.check({**MUSIC, "music_id": ID, "continue_at": Rule("number", True, 0)})
    return _song(submission, "extend", _own(submission))


async def cover(submission: Submission) -> Order:
    submission.check({**MUSIC, "music_id": ID})
    return _song(submission, "cover", _own(submission))


async def concat(submission: Submission) -> Order:
    submission.check({"music_id": ID})
    return _order(submission, "concat", _own(submission), endings=("",))


async def stems_all(submission: Submission) -> Order:
    submission.check({"music_id": ID})
    return _order(submission, "stems-all", _own(submission), endings=STEMS)


async def sounds(submission: Submission) -> Order:
    submission.check(SOUNDS)
    return _order(submission, "sounds", submission.body["sound"][:40], prompt=submission.body["sound"])


def _song(submission: Submission, action: str, title: str) -> Order:
    body, on = submission.body, _switches(submission)
    idea, words, tags = (body.get(name) or "" for name in ("gpt_description_prompt", "prompt", "tags"))
    if not on("custom") and not idea.strip():
        raise refuse(400, "Parameter error: gpt_description_prompt is required")
    if action == "music" and on("custom") and not words.strip() and not tags.strip():
        raise refuse(400, "Parameter error: prompt or tags is required")
    sung = words if on("custom") and words else LYRICS
    return _order(
        submission,
        action,
        body.get("title") or title or idea[:40] or "Untitled",
        prompt=words or idea or tags,
        tags=tags,
        lyrics="" if on("instrumental") else sung,
    )


def _order(submission: Submission, action: str, title: str, prompt: str = "", **more: Any) -> Order:
    """Each of these has the details that a song has."""
    body = submission.body
    details = {
        "model": body.get("mv") or "chirp-v5",
        "title": title,
        "tags": "",
        "lyrics": "",
        "endings": SONGS,
        **{name: body.get(name) for name in ("negative_tags", "style_weight", "weirdness_constraint", "audio_weight")},
        **more,
    }
    return submission.order(action, prompt, QUOTAS.get(action, QUOTA), draw, details)


def _own(submission: Submission) -> str:
    """The title of one of the account's own finished songs."""
    for job in submission.state.jobs.of("suno", submission.account):
        for place, title in enumerate(_titles(job)):
            if job.state == "succeeded" and _music_id(job, place) == submission.body["music_id"]:
                return title
    raise refuse(400, "Parameter error: no such music_id")


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
_PLACES = {
    "music": music,
    "extend": extend,
    "cover": cover,
    "concat": concat,
    "sounds": sounds,
    "stems-all": stems_all,
}
ROUTES = [
    *(
        at(f"/suno/v1/{word}", accepting(SUNO, f"suno.{word.replace('-', '_')}", place), "POST")
        for word, place in _PLACES.items()
    ),
    at("/suno/v2/fetch", _read, "GET", "POST"),
    at("/suno/v1/fetch", _read, "GET", "POST"),  # deprecated by the vendor
]
