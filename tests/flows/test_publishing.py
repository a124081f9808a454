"""What is published of each picture of a run, asked before anything is bought."""

from __future__ import annotations

import pytest

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.steps.publishing import Publishing


@pytest.mark.parametrize("recipe", [None, "steps: []"])
async def test_what_would_publish_nothing_is_refused(recipe: str | None) -> None:
    with pytest.raises(ConfigurationError, match="there are no renditions: nothing would be published"):
        await Publishing.of(recipe, [], None)


async def test_a_recipe_needs_no_sizes_beside_it() -> None:
    assert len((await Publishing.of("steps: [{step: sharpen}]", [], None)).names) == 1
    assert (await Publishing.of(None, ["square", "open-graph"], None)).names == ["square", "open-graph"]
