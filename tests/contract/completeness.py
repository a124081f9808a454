"""What an operation still lacks to be whole: the list that docs/adding-an-operation.md goes by."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect_genmedia.emulator.routes import ROUTES
from prefect_genmedia.operation import Operation
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import gives, limits
from tests.contract.cases import CASES
from tests.contract.wire import described
from tests.emulator.operations import CASES as PLAYED

ROOT = Path(__file__).parents[2]
TASKS = "prefect_genmedia.tasks"
LONGEST_DOCSTRING = 8  # lines


def missing(operation: Operation[Any, Any]) -> list[str]:
    """Everything, each with where it goes; empty for an operation that is whole."""
    return [f"{operation.name}: {lack}" for look in LOOKS for lack in look(operation)]


def _value(operation: Operation[Any, Any]) -> Iterator[str]:
    if operation.name not in OPERATIONS:
        yield "it is not in OPERATIONS (providers/catalogue.py)"
    if not operation.source.startswith("https://"):
        yield "its `source` names no page"
    if (operation.fetch is None) != (operation.at_once is not None):
        yield "either it has a `fetch`, or `at_once` says how long its answer may take"
    if not operation.lifecycle:
        yield "its `lifecycle` does not say what is known of it"


def _models(operation: Operation[Any, Any]) -> Iterator[str]:
    todo: list[Any] = [operation.request]
    seen: set[Any] = set()
    while todo:
        model = todo.pop()
        seen.add(model)
        if not model.__doc__:
            yield f"{model.__name__} has no docstring"
        for field, info in model.model_fields.items():
            if not info.description:
                yield f"{model.__name__}.{field} has no docstring: forms show it"
            todo += [part for part in _models_in(info.annotation) if part not in seen]


def _models_in(annotation: Any) -> list[Any]:
    parts = [annotation, *getattr(annotation, "__args__", ())]
    found = [part for part in parts if hasattr(part, "model_fields") and part.__name__ not in ("Picture", "MediaFile")]
    return found + [inner for part in parts[1:] for inner in _models_in(part)]


def _facts(operation: Operation[Any, Any]) -> Iterator[str]:
    if operation.name not in gives():
        yield "what it gives is not in providers/facts.yaml (`gives`)"
    if not any(operation.name.startswith(limit.operations) for limit in limits()):
        yield "its limits and retention are not in providers/facts.yaml (`limits`; 'not documented' will do)"


def _task(operation: Operation[Any, Any]) -> Iterator[str]:
    module_name, _, verb = operation.name.partition(".")
    there = importlib.util.find_spec(f"{TASKS}.{module_name}") is not None
    module = importlib.import_module(f"{TASKS}.{module_name}") if there else None
    task, where = getattr(module, verb, None), f"tasks/{module_name}.py"
    if task is None or task.name != operation.name:
        yield f"there is no task {verb} (`@task(**paid(...))`) in {where}"
    else:
        words = task.fn.__doc__ or ""
        if "https://" not in words or "Raises" not in words or len(words.splitlines()) > LONGEST_DOCSTRING:
            yield f"the task's docstring must name its page, what it raises, and have {LONGEST_DOCSTRING} lines at most"
    for name in (verb, operation.request.__name__):
        if name not in getattr(module, "__all__", ()):
            yield f"{name} is not in __all__ of {where}"


def _emulator(operation: Operation[Any, Any]) -> Iterator[str]:
    if operation.submit.path == "/":
        return  # its request names the endpoint
    provider = operation.provider.name
    case = CASES.get(operation.name)
    asked = [route for route in (operation.submit, operation.fetch) if route is not None]
    for route in asked:
        if described(provider, route.method, route.path) is None and not (case and case.undescribed):
            yield f"{route.path} is not in emulator/contract/{provider}.openapi.yaml"
    for route in asked:
        if not any(each.path == route.path and route.method in (each.methods or ()) for each in ROUTES):
            yield f"the emulator has no handler of {route.method} {route.path} (emulator/{provider}/)"


def _tests(operation: Operation[Any, Any]) -> Iterator[str]:
    _, _, verb = operation.name.partition(".")
    if operation.name not in CASES:
        yield "it has no case in tests/contract/cases/"
    if operation.submit.path != "/" and operation.name not in {case.name for case in PLAYED}:
        yield "it has no case in tests/emulator/operations.py"
    if f"{operation.name}(" not in _text("tests/typing/user.py"):
        yield "tests/typing/user.py does not call it"
    bought = _text("tests/orchestration/tasks/test_operations.py")
    if not any(f"{sign}.{verb}{end}" in bought for sign in ("t", "generic", operation.name[: -len(verb) - 1])
               for end in ("(", ",")):  # fmt: skip
        yield "no flow of tests/orchestration/tasks/test_operations.py buys it"


def _table(operation: Operation[Any, Any]) -> Iterator[str]:
    if f"\n| `{operation.name}` |" not in _text("docs/reference/operations.md"):
        yield "it is not in the table of docs/reference/operations.md: python -m tests.readme"


def _text(path: str) -> str:
    return (ROOT / path).read_text()


LOOKS = (_value, _models, _facts, _task, _emulator, _tests, _table)
