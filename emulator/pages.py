"""What a person sees: a front page, the operations served, and the contract they follow."""

from __future__ import annotations

import json
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator import admin, openapi
from prefect_genmedia.emulator.fault_kinds import COMMON, SUBJECTS

FRONT = """<h1>This is an emulator</h1>
<p>It plays TTAPI (Midjourney, NovelAI, FlowMusic and more) and Novita AI on this machine. No picture, film or
sound here comes from either of them, and nothing costs money. It is not made or endorsed by them.</p>
<ul>
<li><a href="/docs">What it serves</a>, and <a href="/openapi.json">the same as OpenAPI</a></li>
<li><a href="/__emulator__/jobs">Every job that it billed</a></li>
<li><a href="/__emulator__/submits">Submits received and jobs billed</a></li>
<li><a href="/__emulator__/requests">Every request, counted</a></li>
<li><a href="/__emulator__/faults">Faults that are armed</a></li>
<li><a href="/__emulator__/callbacks">Callbacks</a>, <a href="/__emulator__/settings">settings</a></li>
</ul>"""
ALL = (
    "operation: null for every one; times: null for always; skip: so many chances pass first; per_job: these two count "
    "for each job (for a submit: each distinct request). Armed by POST /__emulator__/faults {faults: [{kind: …}]}"
)
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "td,th{padding:.2rem 1rem .2rem 0;text-align:left;vertical-align:top}"
)


async def front(request: Request) -> Response:
    return _page("genmedia emulator", FRONT)


async def docs(request: Request) -> Response:
    rows = [
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation.get('summary', ''))}</td></tr>"
        for path, methods in openapi.contract()["paths"].items()
        for method, operation in methods.items()
    ]
    faults = [f"<tr><td>all</td><td>{escape(ALL)}</td><td><code>{escape(json.dumps(COMMON))}</code></td></tr>"]
    for subject, kinds in SUBJECTS.items():
        faults.append(f'<tr><th colspan="3">{escape(subject)}</th></tr>')
        faults += [
            f"<tr><td><code>{name}</code></td><td>{escape(kind.does)}</td>"
            f"<td><code>{escape(json.dumps(kind.parameters))}</code></td></tr>"
            for name, kind in kinds.items()
        ]
    doors = [
        f"<tr><td><code>{' '.join(sorted(route.methods or ()))}</code></td><td><code>{route.path}</code></td>"
        f"<td>{escape(route.endpoint.__doc__ or '')}</td></tr>"
        for route in admin.ROUTES
    ]
    tables = {"Operations": rows, "Faults": faults, "The emulator's own": doors}
    shown = "".join(f"<h1>{title}</h1><table>{''.join(lines)}</table>" for title, lines in tables.items())
    return _page("genmedia emulator: operations", shown)


async def contract(request: Request) -> Response:
    return JSONResponse(openapi.contract())


def _page(title: str, body: str) -> Response:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return HTMLResponse(f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>')


ROUTES = [
    Route("/", front, methods=["GET"]),
    Route("/docs", docs, methods=["GET"]),
    Route("/openapi.json", contract, methods=["GET"]),
]
