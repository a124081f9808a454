"""An album to release: of each track a song, a cover, a teaser film and a release.json, in one folder of its own."""

import asyncio
from pathlib import Path

import yaml
from prefect import flow
from pydantic import BaseModel

from prefect_genmedia.flows import AdvancedTrack, Release, Teaser, release_track
from prefect_genmedia.imaging import Rendition

HERE = Path(__file__).parent


class Track(BaseModel):
    title: str
    sound: str
    cover: str
    lyrics: str | None = None


class Album(BaseModel):
    name: str
    artist: str
    tracks: list[Track]


@flow
async def album_release(
    album: str = str(HERE / "album.yaml"),
    sizes: list[str | Rendition] = ["cover-art", "square"],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    teaser: Teaser = Teaser(start_seconds=10),
    ttapi_credentials: str = "ttapi",
) -> list[Release]:
    """Make what is missing of each track. Needs ffmpeg.

    Args:
        album: The YAML file of the album.
        sizes: Of the covers: names of presets (genmedia presets lists them), or sizes of your own.
        teaser: Which part of the song the teaser film has, and how large it is.
        ttapi_credentials: The name of a saved TTAPI Credentials block.
    """
    wanted = Album.model_validate(yaml.safe_load(await asyncio.to_thread(Path(album).read_text, "utf-8")))

    async def release(track: Track) -> Release:
        made = await release_track(
            title=track.title,
            sound=track.sound,
            cover=track.cover,
            lyrics=track.lyrics,
            artist=wanted.artist,
            # What runs of one collection have bought they share: another night's run finds the song that is there.
            collection=f"{wanted.name} {track.title}",
            advanced=AdvancedTrack(
                refinement=None,  # the cover as Midjourney drew it; Refinement() has Novita redraw it, for a second key
                sizes=sizes,
                teaser=teaser,
                ttapi_credentials=ttapi_credentials,
            ),
        )
        assert isinstance(made, Release)  # with dry_run it were a forecast
        return made

    # Side by side, and each to its end: a track that fails takes no other with it, and its own run says why.
    ended = await asyncio.gather(*map(release, wanted.tracks), return_exceptions=True)
    if failed := [each for each in ended if isinstance(each, Exception)]:
        raise ExceptionGroup(f"{len(failed)} of {len(ended)} tracks are not complete", failed)
    return [each for each in ended if isinstance(each, Release)]


if __name__ == "__main__":
    for made in asyncio.run(album_release()):
        print(made.page)
