"""Jobs that no known path can submit, for an emulator's own door: POST /__emulator__/planted.

| kind | what it is |
| --- | --- |
| flowmusic.lyrics | the job of the vendor's one example of a FlowMusic fetch: words, no sound |
| novita.audio | a task whose result is in `audios`, as the vendor's task-result page describes it |

The body is {"kind": ..., "api_key": ...} and, where the product takes them, prompt, title and a callback.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from prefect_genmedia.emulator.drawing.recordings import Drawn, Tune
from prefect_genmedia.emulator.novita import envelope as novita
from prefect_genmedia.emulator.novita.envelope import Commission
from prefect_genmedia.emulator.server.gallery import Gallery
from prefect_genmedia.emulator.server.orders import Job, Order, account_of, fingerprint
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.ttapi import flowmusic
from prefect_genmedia.emulator.ttapi.envelope import Submission

AUDIO_SECONDS = 3.0


def order(request: Request, kind: str, api_key: str, body: Body) -> Order:
    """ValueError if there is no such kind."""
    if kind not in KINDS:
        raise ValueError(f"nothing of the kind {kind!r} can be planted; there are: {', '.join(KINDS)}")
    return KINDS[kind](request, account_of(api_key), body)


def _lyrics(request: Request, account: str, body: Body) -> Order:
    sha256 = fingerprint(body)
    return flowmusic.lyrics(Submission(request, flowmusic.FLOWMUSIC, "flowmusic.lyrics", account, body, sha256))


def _audio(request: Request, account: str, body: Body) -> Order:
    wanted = Commission(
        action="audio",
        task_type="TXT_TO_AUDIO",
        prompt=str(body.get("prompt") or "a voice"),
        kind="wav",
        draw=_draw,
        price=15,
        extra={},
        info={},
        media="audios",
        details={"seconds": AUDIO_SECONDS},
    )
    return novita.order(request, body, wanted, "novita.audio", fingerprint(body), account)


def _draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    return Tune(job.order.prompt, str(job.seed()), AUDIO_SECONDS)


KINDS: dict[str, Callable[[Request, str, Body], Order]] = {"flowmusic.lyrics": _lyrics, "novita.audio": _audio}
