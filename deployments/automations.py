"""The automations that tell a person: made switched off, to any notification block."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.automations import Automation
from prefect.blocks.core import Block
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from prefect_genmedia.errors import ConfigurationError

OURS = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.genmedia"}
"""Runs of deployments that carry the tag genmedia."""
RUN = "{{ flow.name }}: {{ flow_run.name }}"
PAGE = "{{ flow_run|ui_url }}"
TELLING = {
    "genmedia: a night has failed": (
        {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}, OURS, f"{RUN} has failed",
        "{{ flow_run.state.message }}\n\n" + PAGE,
    ),
    "genmedia: a review is wanted": (
        {"prefect.flow-run.Suspended"}, OURS, f"{RUN} waits for you", PAGE,
    ),
    "genmedia: a budget is nearly gone": (
        {"genmedia.budget.low"}, {}, "A budget is nearly gone", "{{ event.payload.says }}",
    ),
    "genmedia: an account's balance is low": (
        {"genmedia.balance.low"}, {}, "An account's balance is low", "{{ event.payload.says }}",
    ),
}  # fmt: skip


async def make_automations(notify: str) -> dict[str, str]:
    """Make each, or bring it up to date: one that a person has switched on stays on. `notify` names the block.

    Each name with what was done. Raises ConfigurationError when there is no such block.
    """
    block = await _block(notify)
    done = {}
    for name, (events, related, subject, body) in TELLING.items():
        automation = Automation(
            name=name,
            enabled=False,
            trigger=EventTrigger(
                expect=events,
                match_related=related,
                for_each={"prefect.resource.id"},
                posture=Posture.Reactive,
                threshold=1,
                within=timedelta(0),
            ),
            actions=[SendNotification(block_document_id=block, subject=subject, body=body)],
        )
        done[name] = await _save(automation)
    return done


async def _save(automation: Automation) -> str:
    try:
        there = await Automation.aread(name=automation.name)
    except ValueError:
        await automation.acreate()
        return "made, switched off"
    automation.id, automation.enabled = there.id, there.enabled
    await automation.aupdate()
    return f"renewed, switched {'on' if there.enabled else 'off'} as it was"


async def _block(name: str) -> UUID:
    block: Any = None
    with suppress(ValueError):
        block = await Block.aload(name)
    if block is None or block._block_document_id is None or not callable(getattr(block, "notify", None)):
        raise ConfigurationError(
            f"there is no notification block called {name!r}",
            advice="Save one in the UI, and name it as TYPE/NAME, such as slack-webhook/ops. See: prefect block ls",
        )
    found: UUID = block._block_document_id
    return found
