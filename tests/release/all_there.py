"""Is everything there that the installed pack imports, within functions too? Run by an interpreter that has it alone.

The tests' own libraries beside it would hide that the wheel's metadata lacks one. What an extra brings is loaded by its
name (`postgresql+psycopg`, `s3://`), and tests of the wheel do so.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

PACK = "prefect_genmedia"
OPTIONAL = ("c2pa", "cryptography")  # imported by name, and their lack is told before anything is bought
THE_USERS = ("pytest_plugin.py", "starter")  # for a user's pytest, and in a user's folder
ENTRY_POINTS = [("console_scripts", "genmedia"), ("prefect.collections", PACK), ("pytest11", "genmedia")]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False


def main() -> None:
    spec = importlib.util.find_spec(PACK)
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    files = [file for file in package.rglob("*.py") if not {*file.relative_to(package).parts} & {*THE_USERS}]
    modules = {module for file in files for module in imported(file)}
    for group, name in ENTRY_POINTS:
        (found,) = importlib.metadata.entry_points(group=group, name=name)
        modules.add(found.module)
    needed = {module for module in modules if module.partition(".")[0] not in OPTIONAL}
    if missing := sorted(module for module in needed if not there(module)):
        sys.exit(f"the wheel does not bring: {', '.join(missing)}")
    print(f"all {len(needed)} modules are there that the {len(files)} modules in {package} import")


if __name__ == "__main__":
    main()
