"""Both providers on one loopback port, faults included: nothing here costs money.

with Emulator(job_seconds=0.1) as emulator:
    ...  # emulator.url is the base URL of TTAPI and of Novita AI alike
    assert emulator.billed() == 1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_genmedia.emulator.app import Emulator, create_app, serve
    from prefect_genmedia.emulator.settings import EmulatorSettings

__all__ = ["Emulator", "EmulatorSettings", "create_app", "serve"]


def __getattr__(name: str) -> Any:
    # The pytest plugin lives in this package and is imported by every pytest run of every project that
    # has the pack installed: the server is loaded only when somebody asks for it.
    if name == "EmulatorSettings":
        from prefect_genmedia.emulator.settings import EmulatorSettings

        return EmulatorSettings
    if name in __all__:
        from prefect_genmedia.emulator import app as server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
