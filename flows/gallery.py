"""What a flow made, to look at: one HTML page that stands alone, or a Prefect markdown artifact."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict

from ..errors import MediaError
from ..imaging import header, thumbnail

PAGE_THUMBNAIL = 320
MARKDOWN_THUMBNAIL = 120
MARKDOWN_PICTURES = 40
MARKDOWN_BYTES = 280_000


class GalleryPicture(BaseModel):
    """One file: `path` is where it is now (for thumbnail, size, weight), `href` how the page finds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str  # what it is: "grid", "refined", "square 1080×1080"
    href: str  # relative to the page, or https
    path: Path | None = None
    caption: str = ""  # small print: provider, operation, job id


class GalleryStep(BaseModel):
    """Files that came about together, such as the renditions of one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    pictures: tuple[GalleryPicture, ...]
    thumbnails: int | None = None  # how many of them a table shows; the rest are named


class GallerySection(BaseModel):
    """What came of one prompt or photograph, step by step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    prompt: str = ""
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
    shown = [
        (
            section,
            [(step, [_card(section, each, PAGE_THUMBNAIL) for each in step.pictures]) for step in section.steps],
        )
        for section in sections
    ]
    return environment.get_template("gallery.html").render(title=title, sections=shown, facts=facts)


def gallery_markdown(
    title: str,
    sections: Sequence[GallerySection],
    facts: Mapping[str, str],
    *,
    most: int = MARKDOWN_PICTURES,
) -> str:
    """The same as a table for `create_markdown_artifact`, under 300 KB: at most `most` pictures.

    What does not fit is counted in the last line. Files are linked where `href` is an http(s) address:
    Prefect's pages could not follow a relative one. Blocking: call it in a thread from async code.
    """
    columns = list(dict.fromkeys(step.title for section in sections for step in section.steps))
    parts = [f"# {_text(title)}\n\n"]
    if facts:
        parts.append(" · ".join(f"**{_text(name)}** {_text(value)}" for name, value in facts.items()) + "\n\n")
    parts.append("| | " + " | ".join(map(_text, columns)) + " |\n|" + " --- |" * (len(columns) + 1) + "\n")
    space = _Space(most, MARKDOWN_BYTES - sum(len(part.encode()) for part in parts))
    parts += [_row(section, columns, space) for section in sections]
    if space.left_out:
        parts.append(f"\n… and {space.left_out} more picture{'s' if space.left_out > 1 else ''}.\n")
    return "".join(parts)


@dataclass
class _Space:
    """How many thumbnails, and how many bytes, may still go into the table."""

    pictures: int
    bytes: int
    left_out: int = 0

    def take(self, text: str) -> str:
        if self.pictures < 1 or self.bytes < len(text.encode()):
            self.left_out += 1
            return ""
        self.pictures -= 1
        self.bytes -= len(text.encode())
        return text


def _row(section: GallerySection, columns: Sequence[str], space: _Space) -> str:
    """One prompt or photograph: a cell a step, thumbnails above, files below."""
    about = f"**{_text(section.title)}**" + (f"<br>{_text(section.prompt)}" if section.prompt else "")
    cells = [about]
    for column in columns:
        steps = [step for step in section.steps if step.title == column]
        cells.append("<br>".join(filter(None, (_cell(section, step, space) for step in steps))))
    return "| " + " | ".join(cells) + " |\n"


def _cell(section: GallerySection, step: GalleryStep, space: _Space) -> str:
    shown = step.pictures[: step.thumbnails]
    lines = [space.take(_picture(_card(section, picture, MARKDOWN_THUMBNAIL))) for picture in shown]
    if rest := step.pictures[len(shown) :]:
        lines.append("also " + ", ".join(_text(picture.label) for picture in rest))
    return "<br>".join(filter(None, lines))


def _picture(card: Card) -> str:
    image = f"![{_text(card.alt)}]({card.thumbnail})" if card.thumbnail else "no preview"
    label = _text(card.label)
    if card.href.startswith(("https://", "http://")):
        image, label = f"[{image}]({card.href})", f"[{label}]({card.href})"
    return image + "<br>" + " · ".join(filter(None, [label, card.facts, _text(card.caption)]))


def _card(section: GallerySection, picture: GalleryPicture, size: int) -> Card:
    facts, image = [], ""
    if picture.path is not None:
        try:
            facts.append(_weight(picture.path.stat().st_size))
            found = header(picture.path)
            facts.insert(0, f"{found.width}×{found.height}")
            image = thumbnail(picture.path, size)
        except (MediaError, OSError):  # a video, a sound, a file that was moved: the card stays, without
            pass
    return Card(
        label=picture.label,
        alt=f"{picture.label}: {section.title}",
        caption=picture.caption,
        facts=" · ".join(facts),
        href=_href(picture.href),
        thumbnail=image,
    )


def _href(href: str) -> str:
    """The address in a form that no page or table can misread; "" when it is neither relative nor http(s)."""
    quoted = quote(href.strip(), safe="/:?#=&%+~,;@")
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", quoted, re.IGNORECASE)
    return quoted if scheme is None or scheme[1].lower() in ("http", "https") else ""


def _weight(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


def _text(text: str, longest: int = 240) -> str:
    """One line of plain text, safe in a Markdown table: every sign with a meaning becomes an entity."""
    line = " ".join(text.split())
    line = line if len(line) <= longest else line[: longest - 1] + "…"
    return re.sub(r"[&<>\"'|`*_\[\]()~$!#\\]", lambda sign: f"&#{ord(sign[0])};", line)
