"""What a person sees: a front page, the operations served, and the contract they follow."""

from __future__ import annotations

import functools
import json
from html import escape
from importlib.resources import files
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator import admin
from prefect_genmedia.emulator.faults import KINDS

FRONT = """<h1>This is an emulator</h1>
<p>It plays TTAPI (Midjourney, NovelAI, FlowMusic and more) and Novita AI on this machine. No picture, film or
sound here comes from either of them, and nothing costs money. It is not made or endorsed by them.</p>
<ul>
<li><a href="/docs">What it serves</a>, and <a href="/openapi.json">the same as OpenAPI</a></li>
<li><a href="/__emulator__/jobs">Every job that it billed</a></li>
<li><a href="/__emulator__/requests">Every request, counted</a></li>
<li><a href="/__emulator__/faults">Faults that are armed</a></li>
<li><a href="/__emulator__/callbacks">Callbacks</a>, <a href="/__emulator__/settings">settings</a></li>
</ul>"""
STYLE = "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}td{padding:.2rem 1rem .2rem 0}"


async def front(request: Request) -> Response:
    return _page("genmedia emulator", FRONT)


async def docs(request: Request) -> Response:
    rows = [
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation.get('summary', ''))}</td></tr>"
        for path, methods in contract()["paths"].items()
        for method, operation in methods.items()
    ]
    faults = [
        f"<tr><td><code>{name}</code></td><td>{escape(kind.does)}</td>"
        f"<td><code>{escape(json.dumps(kind.parameters))}</code></td></tr>"
        for name, kind in KINDS.items()
    ]
    doors = [
        f"<tr><td><code>{' '.join(sorted(route.methods or ()))}</code></td><td><code>{route.path}</code></td>"
        f"<td>{escape(route.endpoint.__doc__ or '')}</td></tr>"
        for route in admin.ROUTES
    ]
    tables = {"Operations": rows, "Faults": faults, "The emulator's own": doors}
    shown = "".join(f"<h1>{title}</h1><table>{''.join(lines)}</table>" for title, lines in tables.items())
    return _page("genmedia emulator: operations", shown)


async def openapi(request: Request) -> Response:
    return JSONResponse(contract())


@functools.cache
def contract() -> dict[str, Any]:
    """Both vendors' contracts as one document; each vendor's schemas keep a prefix of their own."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "genmedia emulator: TTAPI and Novita AI",
            "version": "1",
            "description": "Reconstructed from public pages, unofficial, and limited to what the emulator serves.",
        },
        "paths": {},
        "components": {"schemas": {}, "responses": {}, "securitySchemes": {}},
    }
    for vendor in ("ttapi", "novita"):
        text = files("prefect_genmedia.emulator").joinpath("contract", f"{vendor}.openapi.yaml").read_text("utf-8")
        document = _prefixed(yaml.safe_load(text), vendor)
        for path, methods in document["paths"].items():
            for operation in methods.values():
                operation.setdefault("security", document["security"])
            merged["paths"][path] = methods
        for group, parts in merged["components"].items():
            for name, part in document["components"].get(group, {}).items():
                parts[name if group == "securitySchemes" else f"{vendor}.{name}"] = part
    return merged


def _prefixed(part: Any, vendor: str) -> Any:
    if isinstance(part, dict):
        return {
            name: _reference(value, vendor) if name == "$ref" else _prefixed(value, vendor)
            for name, value in part.items()
        }
    if isinstance(part, list):
        return [_prefixed(item, vendor) for item in part]
    return part


def _reference(reference: str, vendor: str) -> str:
    where, _, name = reference.rpartition("/")
    return f"{where}/{vendor}.{name}"


def _page(title: str, body: str) -> Response:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return HTMLResponse(f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>')


ROUTES = [
    Route("/", front, methods=["GET"]),
    Route("/docs", docs, methods=["GET"]),
    Route("/openapi.json", openapi, methods=["GET"]),
]
