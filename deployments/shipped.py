"""The deployments of prefect.yaml, registered from the installed package; what a person has changed there stays."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.events import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.callables import parameter_schema

FILE = Path(__file__).parent / "prefect.yaml"
POOL = "genmedia"
TABS = {"null": "None", "string": "Text", "number": "Number", "integer": "Number", "array": "List"}
FREE = ("resume", "adopt-orphans", "spend-report")
"""Those that never buy. A schedule of any other begins only when a person switches it on."""


async def make_work_pool() -> bool:
    """The work pool of the deployments, where there is none: a pool that is there may have a template of its own.

    Was it made?
    """
    async with get_client() as client:
        try:
            await client.read_work_pool(POOL)
        except ObjectNotFound:
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
            return True
    return False


async def deploy_all() -> dict[str, str]:
    """Register each; its name with what was done. Of one that is there only the form is renewed: schedules, pauses,
    parameters, tags, limits, triggers and where its code comes from stay as they are. Needs the work pool.
    """
    done = {}
    async with get_client() as client:
        for each in yaml.safe_load(FILE.read_text())["deployments"]:
            module, _, name = each["entrypoint"].rpartition(".")
            flow: Flow[..., Any] = getattr(import_module(module), name)
            done[each["name"]] = await _deploy(client, each, flow)
    return done


def form_of(flow: Flow[..., Any]) -> dict[str, Any]:
    """The flow's form. What may be left out is one empty box: Prefect's own has a choice of "str" and "None" there."""
    form = parameter_schema(flow).model_dump_for_openapi()
    for model in (form, *form.get("definitions", {}).values()):
        for field in model.get("properties", {}).values():
            match field:
                # Where neither a default stands nor the field is required, Prefect's server takes None as well.
                case {"anyOf": [{"type": "string" | "integer" | "number"} as inner, {"type": "null"}], "default": None}:
                    del field["anyOf"], field["default"]
                    field |= inner | {"title": field["title"]}
                case {"anyOf": kinds}:
                    for kind in kinds:
                        kind.setdefault("title", TABS.get(kind.get("type"), "Set"))
    return form


async def _deploy(client: PrefectClient, each: dict[str, Any], flow: Flow[..., Any]) -> str:
    try:
        there = await client.read_deployment_by_name(f"{flow.name}/{each['name']}")
    except ObjectNotFound:
        made = await _create(each, flow)
        await client.update_deployment(made, DeploymentUpdate(parameter_openapi_schema=form_of(flow)))
        paused = [item for item in each.get("schedules", ()) if not _is_active(each, item)]
        return "made; its schedule is off until you switch it on" if paused else "made"
    form = form_of(flow)
    parameters = folded(there.parameters, form)
    renewed = DeploymentUpdate(parameter_openapi_schema=form, parameters=parameters)
    await client.update_deployment(there.id, renewed)
    for schedule in there.schedules:
        if schedule.parameters and (own := folded(schedule.parameters, form, parameters)) != schedule.parameters:
            await client.update_deployment_schedule(there.id, schedule.id, parameters=own)
    return "was there: its form is renewed, all else is as it was"


def folded(parameters: dict[str, Any], form: dict[str, Any], over: dict[str, Any] | None = None) -> dict[str, Any]:
    """Parameters as this version takes them: what stands below `advanced` now stood beside the others before.

    Of a schedule, `over` is its deployment's: Prefect puts a whole `advanced` in the place of another, and what the
    schedule does not name, such as whose credentials, is to stay as it was.
    """
    models = form.get("definitions", {}).items()
    known: dict[str, Any] = next((model["properties"] for name, model in models if name.startswith("Advanced")), {})
    moved = {name: value for name, value in parameters.items() if name in known and name not in form["properties"]}
    if not moved:
        return parameters
    kept = {name: value for name, value in parameters.items() if name not in moved}
    advanced = {**_set_in(over or {}), **moved, **_set_in(kept)}
    changed = {name: value for name, value in advanced.items() if value != known.get(name, {}).get("default")}
    return {**kept, "advanced": changed or "usual"}


def _set_in(parameters: dict[str, Any]) -> dict[str, Any]:
    given = parameters.get("advanced")
    return given if isinstance(given, dict) else {}


async def _create(each: dict[str, Any], flow: Flow[..., Any]) -> UUID:
    limit = each.get("concurrency_limit")
    made = await flow.ato_deployment(
        each["name"],
        work_pool_name=POOL,
        entrypoint_type=EntrypointType.MODULE_PATH,  # by file, each run would copy the folder that setup was typed in
        description=each["description"],
        tags=each["tags"],
        parameters=each.get("parameters"),
        schedules=[_schedule(item, _is_active(each, item)) for item in each.get("schedules", ())],
        concurrency_limit=ConcurrencyLimitConfig(**limit) if limit else None,
        triggers=[_trigger(item) for item in each.get("triggers", ())],
    )
    return await made.aapply()


def _is_active(each: dict[str, Any], schedule: dict[str, Any]) -> bool:
    return each["name"] in FREE and bool(schedule.get("active", True))


def _schedule(given: dict[str, Any], active: bool) -> Schedule:
    if "interval" in given:
        return Interval(given["interval"], active=active)
    return Cron(given["cron"], timezone=given.get("timezone", "UTC"), active=active)


def _trigger(given: dict[str, Any]) -> DeploymentEventTrigger:
    return DeploymentEventTrigger(**{name: value for name, value in given.items() if name != "type"})
