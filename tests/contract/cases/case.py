"""What a case is, and what the cases of more than one product say."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from prefect_genmedia.media.pictures import pictures_in
from prefect_genmedia.operation import Request
from tests.contract.wire import Body, png

JOB = "5c7261ec-7271-495d-a0f7-4dd395652a84"
PICTURE = png(8, 8)
OTHER = png(9, 8)
BASE64 = base64.b64encode(PICTURE).decode()
OTHER64 = base64.b64encode(OTHER).decode()
DATA = f"data:image/png;base64,{BASE64}"
OTHER_DATA = f"data:image/png;base64,{OTHER64}"
MINE = "https://example.com/mine"
At = Callable[[str], str]


@dataclass(frozen=True)
class Case:
    """One operation's promise to its provider."""

    path: str
    fetch: tuple[str, str] | None
    """The path of the fetch, and the name of its query parameter; None where the submit is answered with the files."""
    smallest: Request
    smallest_json: Body
    fullest: Request
    fullest_json: Body
    finished: Callable[[At], Body]
    """The finished job's answer; the argument makes a link to a file."""
    files: tuple[tuple[str, str], ...]
    """Role and media type of each file."""
    smallest_files: tuple[tuple[str, str], ...] | None = None
    """What the smallest request gets of them, where that is less."""
    leaves_out: tuple[str, ...] = ()
    """Fields that exclude one which the fullest request has."""
    undescribed: str = ""
    """Why the contract does not have this endpoint."""


def digests(request: Request) -> dict[int, str]:
    """A word in place of each picture's sha256."""
    return {id(picture): "sha256" for _, picture, _ in pictures_in(request)}


def ttapi_job(data: Callable[[At], Body]) -> Callable[[At], Body]:
    return lambda at: {"status": "SUCCESS", "message": "success", "jobId": JOB, "data": data(at)}
