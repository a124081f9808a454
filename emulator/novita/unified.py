"""Novita's one door to its newer videos: the model is named in the body."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator import openapi
from prefect_genmedia.emulator.novita.envelope import Commission, accepting
from prefect_genmedia.emulator.novita.videos import NEWER, hunyuan
from prefect_genmedia.emulator.requests.rules import Invalid
from prefect_genmedia.emulator.server.provider import Body


def create(body: Body, strict: bool) -> Commission:
    """Any of the newer ones, named by `model`. Which names the vendor has is not known; here, its endpoints'."""
    model = body.get("model")
    if not isinstance(model, str) or model not in NEWER:
        raise Invalid(f"model: must be one of {', '.join(NEWER)}")
    own = {name: value for name, value in body.items() if name not in ("model", "callback")}
    return NEWER[model]({**own, "model_name": model} if NEWER[model] is hunyuan else own, strict)


async def config(request: Request) -> Response:
    """The models of `create`, each with its JSON schema; the vendor's own page reads this without a key."""
    configs = []
    for name in NEWER:
        operation = openapi.contract()["paths"][f"/v3/async/{name}"]["post"]
        schema = dict(operation["requestBody"]["content"]["application/json"]["schema"])
        own = {field: part for field, part in schema["properties"].items() if field not in ("extra", "model_name")}
        schema |= {"properties": own, "required": [field for field in schema["required"] if field in own]}
        configs.append({"model": name, "description": operation["summary"], "json_schema": json.dumps(schema)})
    return JSONResponse({"configs": configs})


ROUTES = [
    Route("/v3/video/create", accepting("video-create", create), methods=["POST"]),
    Route("/v3/admin/video-unify-api/config", config, methods=["GET"]),
]
