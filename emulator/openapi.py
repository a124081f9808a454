"""The contract that is served: both vendors' documents as one."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import yaml


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
