"""What a flow made, to look at: one HTML page that stands alone, or a Prefect markdown artifact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import AfterValidator, BaseModel, ConfigDict

from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import header, thumbnail
from prefect_genmedia.media import MediaFile, local_copy
from prefect_genmedia.quoting import for_markdown, shown

PAGE_THUMBNAIL = 320
MARKDOWN_THUMBNAIL = 120
MARKDOWN_PICTURES = 40
MARKDOWN_BYTES = 280_000
AT_ONCE = 4


# Others' words, as a page may show them once they are escaped.
Shown = Annotated[str, AfterValidator(shown)]


class GalleryPicture(BaseModel):
    """One file: `path` or `file` is where it is now (for thumbnail, size, weight), `href` how the page finds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Shown  # what it is: "grid", "refined", "square 1080×1080"
    href: str  # relative to the page, or https
    path: Path | None = None
    file: MediaFile | None = None
    caption: Shown = ""  # small print: provider, operation, job id


class GalleryStep(BaseModel):
    """Files that came about together, such as the renditions of one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Shown
    pictures: tuple[GalleryPicture, ...]
    thumbnails: int | None = None  # how many of them a table shows; the rest are named


class GallerySection(BaseModel):
    """What came of one prompt or photograph, step by step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Shown
    prompt: Shown = ""
    steps: tuple[GalleryStep, ...]


@dataclass(frozen=True)
class Card:
    """A picture as it is shown: texts not yet escaped, `thumbnail` a data URI, "" where none can be made."""

    label: str
    alt: str
    caption: str
    facts: str
    href: str
    thumbnail: str


def gallery_html(title: str, sections: Sequence[GallerySection], facts: Mapping[str, str]) -> str:
    """One HTML page with everything in it but the full files, which it links to; it needs no network.

    `facts` stand in the head: cost, jobs, duration. A file that is no picture, or is gone, gets a
    card without a thumbnail. Blocking: call it in a thread from async code.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    asked = [(section, picture) for section in sections for step in section.steps for picture in step.pictures]
    with ThreadPoolExecutor(AT_ONCE) as pool:  # each may be a download; pictures are decoded a few at a time
        made = pool.map(lambda each: _card(each[0], each[1], PAGE_THUMBNAIL), asked)
        cards = [
            (section, [(step, [next(made) for _ in step.pictures]) for step in section.steps]) for section in sections
        ]
    return environment.get_template("gallery.html").render(
        title=shown(title), sections=cards, facts={shown(name): shown(fact) for name, fact in facts.items()}
    )


def gallery_markdown(
    title: str,
    sections: Sequence[GallerySection],
    facts: Mapping[str, str],
    *,
    most: int = MARKDOWN_PICTURES,
) -> str:
    """The same as markdown for `create_markdown_artifact`, under 300 KB: at most `most` pictures.

    What does not fit is counted in the last line. Files are linked where `href` is an http(s) address:
    Prefect's pages could not follow a relative one. Blocking: call it in a thread from async code.
    """
    parts = [f"# {for_markdown(title)}\n\n"]
    if facts:
        said = (f"**{for_markdown(name)}** {for_markdown(value)}" for name, value in facts.items())
        parts.append(" · ".join(said) + "\n\n")
    space = _Space(most, MARKDOWN_BYTES - sum(len(part.encode()) for part in parts))
    parts += [_markdown_section(section, space) for section in sections]
    if space.left_out:
        parts.append(f"… and {space.left_out} more picture{'s' if space.left_out > 1 else ''}.\n")
    return "".join(parts)


@dataclass
class _Space:
    """How many thumbnails, and how many bytes, may still go into the table."""

    pictures: int
    bytes: int
    left_out: int = 0

    def take(self, section: GallerySection, picture: GalleryPicture) -> str:
        # What is not shown is not read: each may be a download.
        text = _picture(_card(section, picture, MARKDOWN_THUMBNAIL)) if self.pictures > 0 else ""
        if self.pictures < 1 or self.bytes < len(text.encode()):
            self.left_out += 1
            return ""
        self.pictures -= 1
        self.bytes -= len(text.encode())
        return text

    def name(self, picture: GalleryPicture) -> str:
        """A file that is not shown: its name, which leads to it as long as pictures are shown."""
        text = _linked(picture.label, _href(picture.href))
        if self.pictures < 1 or self.bytes < len(text.encode()):
            return for_markdown(picture.label)
        self.bytes -= len(text.encode())
        return text


def _markdown_section(section: GallerySection, space: _Space) -> str:
    """One prompt or photograph: a table with a cell a step, and below it what would make the cells too wide."""
    paragraphs = [f"### {for_markdown(section.title)}"]
    if section.prompt:
        paragraphs.append(for_markdown(section.prompt))
    if section.steps:
        rows = [[for_markdown(step.title) for step in section.steps], ["---"] * len(section.steps)]
        rows.append([_cell(section, step, space) for step in section.steps])
        paragraphs.append("\n".join("| " + " | ".join(row) + " |" for row in rows))
    below = [for_markdown(picture.caption) for step in section.steps for picture in step.pictures if picture.caption]
    unseen = [step.pictures[step.thumbnails :] for step in section.steps if step.thumbnails is not None]
    below += ["also " + ", ".join(space.name(picture) for picture in rest) for rest in unseen if rest]
    if below:
        paragraphs.append(" · ".join(below))
    return "\n\n".join(paragraphs) + "\n\n"


def _cell(section: GallerySection, step: GalleryStep, space: _Space) -> str:
    seen = step.pictures[: step.thumbnails]
    pictures = [space.take(section, picture) for picture in seen]
    return "<br>".join(filter(None, pictures))


def _picture(card: Card) -> str:
    image = f"![{for_markdown(card.alt)}]({card.thumbnail})" if card.thumbnail else "(no preview)"
    # Not the picture leads to the file: Prefect's pages show a picture in a link as its source.
    return "<br>".join(filter(None, [image, _linked(card.label, card.href), card.facts]))


def _linked(label: str, href: str) -> str:
    absolute = href.startswith(("https://", "http://"))
    return f"[{for_markdown(label)}]({href})" if absolute else for_markdown(label)


def _card(section: GallerySection, picture: GalleryPicture, size: int) -> Card:
    facts: list[str] = []
    image = ""
    with suppress(MediaError, OSError), _at_hand(picture) as path:  # a video, a file that was moved: without
        if path is not None:
            facts.append(_weight(path.stat().st_size))
            found = header(path)
            facts.insert(0, f"{found.width}×{found.height}")
            image = thumbnail(path, size)
    return Card(
        label=picture.label,
        alt=f"{picture.label}: {section.title}",
        caption=picture.caption,
        facts=" · ".join(facts),
        href=_href(picture.href),
        thumbnail=image,
    )


@contextmanager
def _at_hand(picture: GalleryPicture) -> Iterator[Path | None]:
    """The picture's local path, for as long as it is looked at: one copy at a time."""
    if picture.path is None and picture.file is not None:
        with local_copy(picture.file) as path:
            yield path
    else:
        yield picture.path


def _href(href: str) -> str:
    """The address in a form that no page or table can misread; "" when it is neither relative nor http(s)."""
    quoted = quote(href.strip(), safe="/:?#=&%+~,;@")
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", quoted, re.IGNORECASE)
    return quoted if scheme is None or scheme[1].lower() in ("http", "https") else ""


def _weight(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
