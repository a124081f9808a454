"""The code in the docs: found page by page, and run in its order.

A block with a title is a file of that name in the working folder. A page's Python shares one namespace, and may await
at its top level, as in a notebook. A shell block is run only after `<!-- run -->`; what the others say is checked. A
block that includes a file is that file.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md")))
_FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?$')
_INCLUDED = re.compile(r'--8<-- "([^"]+)"')


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    title: str | None
    text: str
    is_run: bool
    included: Path | None = None

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
        block = Block(page, number, fence[1], fence[2], "\n".join(inner) + "\n", before == "<!-- run -->")
        include = _INCLUDED.fullmatch("\n".join(inner))
        included = ROOT / include[1] if include is not None else None
        yield block if included is None else replace(block, text=included.read_text(), included=included)
        before = ""


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


async def run_python(block: Block, namespace: dict[str, Any]) -> None:
    if block.included is not None:
        text, where = block.text, str(block.included)
        namespace["__file__"] = where
    else:  # empty lines before it, so that a traceback names the page's own line
        text, where = "\n" * block.line + block.text, str(block.page)
    code = compile(text, where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
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
