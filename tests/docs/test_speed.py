"""The pages of figures say what was measured: made from the results, and from nothing else."""

from __future__ import annotations

from benchmarks import page


def test_the_page_and_the_readmes_table_are_made_from_the_results() -> None:
    assert (page.ROOT / "docs" / "speed.md").read_text() == page.page(), "python -m benchmarks.page"
    readme = (page.ROOT / "README.md").read_text()
    assert page.in_readme(readme) == readme and page.END in readme, "python -m benchmarks.page"
