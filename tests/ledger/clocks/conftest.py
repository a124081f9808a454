"""Machines that share a ledger, their clocks minutes or days apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.ledger.clocks.machine import Machine, compiled


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[float], Machine]]:
    """One whose clock is so many seconds ahead of ours; the same for all tests, as it takes long to start."""
    library = compiled(tmp_path_factory.mktemp("elsewhere"))
    machines: dict[float, Machine] = {}

    def started(offset: float) -> Machine:
        if offset not in machines:
            machines[offset] = Machine(library, f"host{len(machines)}", offset)
        return machines[offset]

    yield started
    for each in machines.values():
        each.close()
