"""FlowMusic's clips: what a job makes of sound, and where its files lie."""

from __future__ import annotations

from typing import NamedTuple

from prefect_genmedia.emulator.drawing.recordings import Drawn, Tune
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.links import cdn_path, uuid_of
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi

STEMS = ("Vocals", "Drums", "Bass", "Other")
KINDS = {"image": "png", "audio": "m4a", "wav": "wav"}  # the links of a clip
# What is sung where nobody wrote anything.
LYRICS = """[Verse 1]
A wire hums above the road
The morning carries half its load
A kettle sings, the radio
Knows every word I do not know

[Pre-Chorus]
And slowly, slowly, line by line

[Chorus]
Turn it up and let it shine
Turn it up, the day is fine
One more bar and it is mine
Turn it up and let it shine

[Outro]
A wire hums above the road"""


class Clip(NamedTuple):
    """One clip of a job."""

    id: str
    title: str
    seconds: float


def clips(job: Job) -> list[Clip]:
    title, seconds = job.order.details["title"], job.order.details["seconds"]
    names = [f"{title} ({stem})" for stem in STEMS] if job.order.action == "stems" else [title]
    return [Clip(uuid_of(f"clip:{job.id}:{place}"), name, seconds) for place, name in enumerate(names)]


def described(state: State, job: Job, place: int, clip: Clip, base_url: str) -> Body:
    """The vendor's fields in its order."""
    lyrics: str | None = job.order.details["lyrics"]
    words_only = job.order.action == "lyrics"
    created = ttapi.moment(state, job.created_at, "%Y-%m-%dT%H:%M:%S.%fZ")
    links = {f"{what}_url": None if words_only else base_url + path(job, place, kind) for what, kind in KINDS.items()}
    return {
        "clip_id": clip.id,
        "title": clip.title,
        "lyrics_id": uuid_of(f"lyrics:{lyrics}") if lyrics else None,
        "lyrics_timing_markers": lyrics,
        **links,
        "video_url": None,
        "create_time": None if words_only else created,
    }


def files(job: Job) -> dict[str, File]:
    if job.order.action == "lyrics":
        return {}
    places = range(len(clips(job)))
    return {path(job, place, kind): File(job.id, str(place), kind) for place in places for kind in KINDS.values()}


def path(job: Job, place: int, kind: str) -> str:
    return cdn_path("flowmusic", f"{job.id}:{place}", job.created_at, f".{kind}")


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    clip = clips(job)[int(part)]
    return Tune(clip.title, f"{job.order.prompt}:{job.seed()}:{part}", clip.seconds)
