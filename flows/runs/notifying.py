"""Telling people: by any notification block of Prefect, found by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from prefect import get_run_logger
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block

from prefect_genmedia.errors import ConfigurationError


@dataclass(frozen=True)
class Notifier:
    """A notification block, or none."""

    block: NotificationBlock | None

    @classmethod
    async def of(cls, name: str | None) -> Self:
        """The saved block called TYPE/NAME, such as slack-webhook/team. Raises ConfigurationError."""
        if name is None:
            return cls(None)
        try:
            block = await Block.aload(name)
        except ValueError:
            raise ConfigurationError(
                f"there is no block called {name!r}",
                advice="Save it first, then give its type and its name; prefect block ls shows them.",
            ) from None
        if not isinstance(block, NotificationBlock):
            raise ConfigurationError(f"the block {name!r} notifies nobody", advice="Give a notification block.")
        return cls(block)

    async def tell(self, subject: str, body: str) -> None:
        """Tell it. Who cannot be told holds nothing up: the log says so."""
        if self.block is None:
            return
        try:
            await self.block.notify(body, subject)
        except Exception as failure:  # each block has errors of its own, which may hold its secret address
            get_run_logger().warning("The notifier could not be told %r: %s", subject, type(failure).__name__)
