"""user.py is only as good as what it calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect import Task

from prefect_genmedia.tasks import flowmusic, imaging, jobs, midjourney, novelai, novita, suno, ttapi

TASKS = [
    f"{module.__name__.rpartition('.')[2]}.{name}"
    for module in (flowmusic, imaging, jobs, midjourney, novelai, novita, suno, ttapi)
    for name in module.__all__
    if isinstance(getattr(module, name), Task)
]


@pytest.mark.parametrize("task", TASKS)
def test_the_user_calls_every_task(task: str) -> None:
    assert f"{task}(" in Path(__file__).with_name("user.py").read_text()
