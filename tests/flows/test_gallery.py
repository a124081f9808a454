"""The gallery: everything to be seen is in the page, and nothing in a prompt can break out of its place."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from prefect_genmedia.flows.pages.gallery import (
    GalleryPicture,
    GallerySection,
    GalleryStep,
    gallery_html,
    gallery_markdown,
)
from tests import PHOTOS

NASTY = (
    'a | b\n\n# c <script>alert(1)</script> ![x](https://evil.example/t.png) `d` *e* _f_ [g](javascript:h) & "i" \\| \\'
)
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """The tags of a page, its text, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(name: str = "coffee.png", **fields: object) -> GalleryPicture:
    fields = {"label": "refined", "href": f"files/{name}", "path": PHOTOS / name, **fields}
    return GalleryPicture(**fields)


def section(*pictures: GalleryPicture, title: str = "Coffee", prompt: str = "") -> GallerySection:
    return GallerySection(title=title, prompt=prompt, steps=(GalleryStep(title="Refined", pictures=pictures),))


def rendered(markdown: str) -> Page:
    return Page(MarkdownIt("commonmark").enable("table").render(markdown))


def test_the_page_shows_every_step_with_size_weight_and_job() -> None:
    steps = (
        GalleryStep(title="Grid", pictures=(picture("astronaut.png", label="2×2 grid", caption="TTAPI · job 17"),)),
        GalleryStep(
            title="Renditions",
            pictures=(picture(label="wide"), picture("rocket.jpg", label="link"), picture(label="pin")),
            thumbnails=2,
        ),
    )
    html = gallery_html(
        "Autumn", [GallerySection(title="An astronaut", prompt="in a suit", steps=steps)], {"Cost": "12 quota"}
    )
    page = Page(html)
    assert page.open == []
    assert [image["alt"] for image in page.all("img")] == [
        "2×2 grid: An astronaut",
        "wide: An astronaut",
        "link: An astronaut",
        "pin: An astronaut",
    ]
    names = ["astronaut.png", "coffee.png", "rocket.jpg", "coffee.png"]
    assert [link["href"] for link in page.all("a")] == [f"files/{name}" for name in names]
    for text in ("Autumn", "Cost", "12 quota", "in a suit", "Grid", "Renditions", "TTAPI · job 17", "512×512 · 792 kB"):
        assert text in page.text


def test_the_page_asks_nothing_of_the_network() -> None:
    html = gallery_html("Autumn", [section(picture())], {})
    page = Page(html)
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    assert not page.all("script") and not page.all("link")
    without_pictures = re.sub(r"data:[^\"]*", "", html)
    assert "http" not in without_pictures.replace("http-equiv", "")
    assert "url(" not in without_pictures and "@import" not in without_pictures
    assert "default-src 'none'" in html
    assert "prefers-color-scheme: dark" in html


def test_a_prompt_cannot_break_out_of_the_page() -> None:
    card = picture(label=NASTY, caption=NASTY, href='x"><script>alert(2)</script>.png')
    page = Page(gallery_html(NASTY, [section(card, title=NASTY, prompt=NASTY)], {NASTY: NASTY}))
    assert page.open == []
    assert not page.all("script")
    assert page.text.count("<script>alert(1)</script>") == 8  # as text: the two titles, and six places more
    assert page.all("img")[0]["alt"] == f"{NASTY}: {NASTY}"
    assert page.all("a")[0]["href"] == "x%22%3E%3Cscript%3Ealert%282%29%3C/script%3E.png"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "java\nscript:x", ""]
)
def test_a_link_leads_to_a_file_or_nowhere(href: str) -> None:
    links = Page(gallery_html("t", [section(picture(href=href))], {})).all("a")
    assert not links or links[0]["href"] == "java%0Ascript:x"  # a file of that odd name
    for href in ("a b/c(1).png", "https://example.com/a.png?size=2&b=1"):
        (link,) = Page(gallery_html("t", [section(picture(href=href))], {})).all("a")
        assert link["href"] == href.replace(" ", "%20").replace("(", "%28").replace(")", "%29")


def test_what_is_no_picture_or_gone_still_has_its_place(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(1_500_000))
    cards = (
        picture(path=clip, label="clip", href="clip.mp4"),
        picture(path=tmp_path / "gone.png", label="gone"),
        picture(path=None, label="elsewhere"),
    )
    page = Page(gallery_html("Autumn", [section(*cards)], {}))
    assert not page.all("img")
    assert page.text.count("no preview") == 3
    assert "1.5 MB" in page.text
    assert [link["aria-label"] for link in page.all("a")] == [
        f"no preview of {what}: Coffee" for what in ("clip", "gone", "elsewhere")
    ]
    assert gallery_markdown("Autumn", [section(*cards)], {}).count("no preview") == 3


def test_the_markdown_is_a_table_of_pictures_for_each_prompt() -> None:
    steps = (
        GalleryStep(title="Grid", pictures=(picture("astronaut.png", label="2×2 grid", caption="TTAPI · job 17"),)),
        GalleryStep(
            title="Renditions",
            pictures=(picture(label="wide"), picture("rocket.jpg", label="link"), picture(label="pin")),
            thumbnails=2,
        ),
    )
    markdown = gallery_markdown(
        "Autumn", [GallerySection(title="Eileen", prompt="in a suit", steps=steps)], {"Cost": "9"}
    )
    page = rendered(markdown)
    assert len(page.all("table")) == 1
    assert len(page.all("tr")) == 2  # the steps, and their pictures
    assert "Grid" in page.text and "Renditions" in page.text and "also pin" in page.text
    assert [image["alt"] for image in page.all("img")] == ["2×2 grid: Eileen", "wide: Eileen", "link: Eileen"]
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    assert page.text.count("in a suit") == 1
    assert "2×2 grid512×512 · 792 kB" in page.text
    assert "TTAPI · job 17 · also pin" in page.text
    assert not page.all("a")  # relative links would lead nowhere on a Prefect page
    stored = gallery_markdown("Autumn", [section(picture(href="https://cdn.example/a.png"))], {})
    assert {link["href"] for link in rendered(stored).all("a")} == {"https://cdn.example/a.png"}


@pytest.mark.parametrize(("most", "linked"), [(2, 2), (1, 1), (0, 0)])
def test_a_file_that_is_only_named_is_linked_as_long_as_pictures_are_shown(most: int, linked: int) -> None:
    both = tuple(picture(label=name, href=f"https://cdn.example/{name}.jpg") for name in ("link", "pin"))
    steps = (GalleryStep(title="Renditions", pictures=both, thumbnails=1),)
    page = rendered(gallery_markdown("Autumn", [GallerySection(title="Eileen", steps=steps)], {}, most=most))
    assert "also pin" in page.text
    assert [link["href"] for link in page.all("a")] == [each.href for each in both][:linked]


def test_a_prompt_cannot_break_out_of_the_table() -> None:
    card = picture(label=NASTY, caption=NASTY)
    page = rendered(gallery_markdown(NASTY, [section(card, title=NASTY, prompt=NASTY)], {NASTY: NASTY}))
    plain = " ".join(NASTY.split())
    assert page.open == []
    assert [len(page.all(tag)) for tag in ("tr", "td", "img", "a", "script", "code", "em", "h1", "h3")] == [
        2,
        1,
        1,
        0,
        0,
        0,
        0,
        1,
        1,
    ]
    assert page.text.count(plain) == 7
    assert page.all("img")[0]["alt"] == f"{plain}: {plain}"


@pytest.mark.parametrize(
    "prompt", ["# loud", "- a list", "+ more", "> quoted", "1. first", "=== x", "--ar 3:2", "a (b) & c!"]
)
def test_a_prompt_is_a_plain_line_however_it_begins(prompt: str) -> None:
    page = rendered(gallery_markdown("Autumn", [section(picture(), prompt=prompt)], {}))
    assert prompt in page.text
    assert not [tag for tag in ("ul", "ol", "blockquote") if page.all(tag)]
    assert len(page.all("h1")) == len(page.all("h3")) == 1


def test_everyday_signs_are_left_as_they_are() -> None:
    """Prefect's pages show an entity as it is written."""
    assert "&#" not in gallery_markdown('It\'s 6 (0.06 USD) & "more"!', [section(picture(), title="a_b #1")], {})


@pytest.mark.slow
def test_forty_pictures_stay_under_300_kb_and_the_rest_is_counted() -> None:
    names = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
    sections = [section(*(picture(name) for name in names), title=f"number {n}", prompt="x" * 900) for n in range(13)]
    markdown = gallery_markdown("Autumn", sections, {})
    assert len(rendered(markdown).all("img")) == 40
    assert "… and 12 more pictures." in markdown
    assert len(markdown.encode()) < 300_000
    assert "… and 51 more pictures." in gallery_markdown("Autumn", sections, {}, most=1)
    everything = gallery_markdown("Autumn", sections * 5, {}, most=999)
    assert len(everything.encode()) < 300_000
    shown = len(rendered(everything).all("img"))
    assert f"… and {260 - shown} more pictures." in everything


def test_nothing_is_said_of_more_when_all_is_shown() -> None:
    assert "more picture" not in gallery_markdown("Autumn", [section(picture())], {})
    assert "… and 1 more picture." in gallery_markdown("Autumn", [section(picture(), picture())], {}, most=1)


def test_the_gallery_needs_no_prefect() -> None:
    source = Path(inspect.getfile(GalleryPicture)).read_text()
    modules = re.findall(r"^\s*(?:from|import)\s+(\S+)", source, re.MULTILINE)
    assert "prefect_genmedia.imaging" in modules
    assert not [module for module in modules if module.split(".")[0] == "prefect"]
