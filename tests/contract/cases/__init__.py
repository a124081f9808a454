"""Every operation with its smallest and its fullest request, the JSON that must go out, and a finished job."""

from tests.contract.cases import (
    flowmusic,
    midjourney,
    novelai,
    novita,
    novita_newer,
    novita_videos,
    pictures,
    suno,
    ttapi,
)
from tests.contract.cases.case import Case

CASES: dict[str, Case] = {
    **midjourney.CASES,
    **novelai.CASES,
    **flowmusic.CASES,
    **suno.CASES,
    **pictures.CASES,
    **ttapi.CASES,
    **novita.CASES,
    **novita_videos.CASES,
    **novita_newer.CASES,
}
