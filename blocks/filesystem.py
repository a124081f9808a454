"""Files in any Prefect filesystem block, as fsspec sees them: `block://<type>/<name>/path`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from io import BytesIO
from pathlib import Path
from typing import Any

from fsspec.asyn import get_loop, sync
from fsspec.implementations.local import LocalFileSystem as Folder
from fsspec.spec import AbstractFileSystem
from prefect.blocks.core import Block
from prefect.filesystems import LocalFileSystem, RemoteFileSystem

from prefect_genmedia.errors import ConfigurationError

MISSING = ("NoSuchKey", "NoSuchBucket", "404")


class BlockFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """What a saved filesystem block leads to, below its base path: `behind` gives the file system that does the work.

    A block that stands on fsspec (Remote File System, SMB) or on a folder (Local File System) is used as such; of any
    other, `read_path` and `write_path`. Raises ConfigurationError when there is no such block.
    """

    protocol = "block"
    cachable = False  # a block that was changed is read anew

    def __init__(self, block: str, **options: Any) -> None:
        super().__init__(**options)
        self._fs, self._base = _behind(_loaded(block))

    def behind(self, path: str) -> tuple[AbstractFileSystem, str]:
        """The file system that reaches `path` of this block, and its path there."""
        base = str(self._fs._strip_protocol(self._base)).rstrip("/")
        return self._fs, "/".join(filter(None, [base, path]))

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, str) and path.startswith("block://"):
            return "/".join(path.removeprefix("block://").split("/")[2:])
        return path

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, str]:
        return {"block": "/".join(path.removeprefix("block://").split("/")[:2])}


def _loaded(name: str) -> Any:
    try:
        # Said, and not left to Prefect: in the thread of an async task it would give a coroutine.
        return Block.load(name, _sync=True)  # type: ignore[call-arg]
    except ValueError:
        error = ConfigurationError(
            f"there is no Prefect block called {name!r}",
            advice="See: prefect block ls. A store is named block:TYPE/NAME, such as block:remote-file-system/media",
        )
    except Exception as failure:  # whatever Prefect's client says
        error = ConfigurationError(
            f"the Prefect block {name!r} cannot be read ({type(failure).__name__})", advice="Is Prefect's API there?"
        )
    raise error


def _behind(block: Any) -> tuple[AbstractFileSystem, str]:
    if isinstance(getattr(block, "filesystem", None), RemoteFileSystem):
        block = block.filesystem  # SMB
    if isinstance(block, RemoteFileSystem):
        try:
            return block.filesystem, block.basepath
        except RuntimeError:
            raise ConfigurationError(
                f"the block's {block.basepath} needs a library that is not installed",
                advice="""For s3:// pip install "prefect-genmedia[s3]", for gs:// "prefect-genmedia[gcs]".""",
            ) from None
    if isinstance(block, LocalFileSystem):
        if not block.basepath:
            raise ConfigurationError("the Local File System block has no base path", advice="Give it one.")
        return Folder(), str(Path(block.basepath).expanduser().resolve())
    if callable(getattr(block, "read_path", None)) and callable(getattr(block, "write_path", None)):
        return WrittenFiles(block), ""
    raise ConfigurationError(f"a {block.get_block_type_name()} block holds no files", advice="See: prefect block ls")


class WrittenFiles(AbstractFileSystem):  # type: ignore[misc]
    """A block of which no more is known than that it reads and writes whole files."""

    protocol = "written"
    cachable = False

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        try:
            content = _run(self.block.read_path, path)
        except Exception as failure:  # each block has errors of its own
            if not _says_that_it_is_missing(failure):
                raise
            missing = FileNotFoundError(2, "No such file", path)
        else:
            return bytes(content)[start:end]
        raise missing

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if mode == "create" and self._reads(path):
            raise FileExistsError(path)
        _run(self.block.write_path, path, value)

    def put_file(self, lpath: str, rpath: str, callback: Any = None, mode: str = "overwrite", **options: Any) -> None:
        self.pipe_file(rpath, Path(lpath).read_bytes(), mode)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        return {"name": path, "size": len(self.cat_file(path)), "type": "file"}

    def exists(self, path: str, **options: Any) -> bool:
        try:
            self.cat_file(path)
        except FileNotFoundError:
            return False
        return True

    def _reads(self, path: str) -> bool:
        try:
            self.cat_file(path)
        except Exception:  # missing, as far as anybody can tell
            return False
        return True

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        raise NotImplementedError

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """What is written has its folders."""

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        autocommit: bool = True,
        cache_options: Any = None,
        **options: Any,
    ) -> Any:
        if mode != "rb":
            raise NotImplementedError
        return BytesIO(self.cat_file(path))


def _run(method: Any, *arguments: Any) -> Any:
    """What a block's method gives, whichever way it is written, and whether or not an event loop runs here."""
    if hasattr(method, "aio"):
        return method(*arguments, _sync=True)  # else in the thread of an async task it would give a coroutine
    given = method(*arguments)
    return sync(get_loop(), _awaited, given) if inspect.isawaitable(given) else given


async def _awaited(given: Awaitable[Any]) -> Any:
    return await given


def _says_that_it_is_missing(failure: Exception) -> bool:
    if isinstance(failure, FileNotFoundError | KeyError):
        return True
    response = getattr(failure, "response", None)  # botocore's
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return code in MISSING or 404 in (getattr(failure, "code", None), getattr(failure, "status_code", None))
