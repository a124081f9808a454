"""The code in the docs: found page by page, and run in its order.

A block with a title is a file of that name in the working folder. A page's Python shares one namespace, and may await
at its top level, as in a notebook. A shell block is run only after `<!-- run -->`; what the others say is checked.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md")))
_FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?$')


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    title: str | None
    text: str
    is_run: bool

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    lines = iter(enumerate(page.read_text().splitlines(), 1))
    before = ""
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            assert not line.startswith("```"), f"{page}:{number}: a fence that nobody reads"
            before = line or before
            continue
        inner: list[str] = []
        for _, each in lines:
            if each == "```":
                break
            inner.append(each)
        yield Block(page, number, fence[1], fence[2], "\n".join(inner) + "\n", before == "<!-- run -->")
        before = ""


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


async def run_python(block: Block, namespace: dict[str, Any]) -> None:
    # Empty lines before it, so that a traceback names the page's own line.
    text = "\n" * block.line + block.text
    code = compile(text, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    ended = eval(code, namespace)
    if inspect.isawaitable(ended):
        await ended


async def run_page(page: Path) -> dict[str, Any]:
    """Its files written into the working folder, its Python run: what that has defined."""
    namespace: dict[str, Any] = {"__name__": "docs"}
    for block in blocks_of(page):
        if block.title:
            Path(block.title).write_text(block.text)
        if block.language == "python":
            await run_python(block, namespace)
    return namespace
