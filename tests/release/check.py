"""`make release-check`: what must hold before a version is released, a line each; exits 1 if anything does not.

--quick: takes dist/, build/site and .venv as `.ci/run` has just made them. --tag v0.1.0: the version that is released.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.release import contents, licences  # noqa: E402
from tests.release.wrong import Wrong  # noqa: E402

HERE = ROOT / "build" / "release"
TOOLS = HERE / "tools" / "bin"
INSTALLED = HERE / "installed"
SBOM = HERE / "sbom.json"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ONLY_ELSEWHERE = """\
Seen only in public CI, or by hand:
  - the workflows themselves: other versions of Python, arm64, macOS, CodeQL, the nightly chaos;
  - that the pinned commits are the versions that their comments name (zizmor without --offline asks for it);
  - the images: no daemon is asked here to build the image or to start compose.yaml (the job "image" of ci.yml does);
  - trusted publishing and attestations: the index must name this repository, release.yml and its environment."""


def run(*command: str | Path, at: Path = ROOT) -> str:
    """What it prints. Raises Wrong with its last lines when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=at, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong("\n    ".join((done.stdout + done.stderr).strip().splitlines()[-15:]))
    return done.stdout


def check_version(tag: str | None) -> str:
    """pyproject.toml, the changelog's top heading, and every file that names a version of the pack."""
    heading = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if heading is None or heading[1] != VERSION:
        raise Wrong(f"pyproject.toml says {VERSION}, CHANGELOG.md {heading[1] if heading else 'nothing'}")
    if tag is not None and tag != f"v{VERSION}":
        raise Wrong(f"the tag is {tag}, the version {VERSION}")
    if tag is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2]):
        raise Wrong(f"CHANGELOG.md says ({heading[2]}) of {VERSION}: a release has a date")
    named = re.compile(
        r"(?:prefect[-_]genmedia(?:\[[a-z0-9,]+\])?(?:==|:|-)v?|prefectTag: )(\d+\.\d+\.\d+)(?!-python)\b"
    )
    files = run("git", "ls-files", "*.md", "*.yaml", "*.yml", "*Dockerfile").split()
    other = [
        f"{file}: {found[0]}"
        for file in files
        for found in named.finditer((ROOT / file).read_text())
        if found[1] != VERSION
    ]
    if other:
        raise Wrong(f"the version is {VERSION}, but {'; '.join(other)}")
    return f"{VERSION} in pyproject.toml, CHANGELOG.md ({heading[2]}) and wherever else it stands"


def check_tree(quick: bool) -> str:
    changed = run("git", "status", "--porcelain").splitlines()
    if changed and quick:
        return f"{len(changed)} files are not committed, which a release would refuse"
    if changed:
        raise Wrong("\n    ".join(["not committed:", *changed]))
    return f"nothing is uncommitted at {run('git', 'rev-parse', '--short', 'HEAD').strip()}"


def check_changelog() -> str:
    top = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    if "\n### What to do on upgrade\n" not in top:
        raise Wrong(f"CHANGELOG.md does not say of {VERSION}: ### What to do on upgrade")
    return "the top entry says what to do on upgrade"


def check_docs(quick: bool) -> str:
    page = ROOT / "build" / "site" / "index.html"
    if not quick:
        run("make", "docs")
    if not page.exists():
        raise Wrong("build/site is not there: make docs")
    return "taken as they were built" if quick else "built; no dead link, anchor or name"


def check_built(quick: bool) -> str:
    """The wheel and the sdist, and that the sdist makes the same wheel."""
    if not quick:
        run("make", "dist")
    built = _wheel(), *(ROOT / "dist").glob("*.tar.gz")
    if len(built) != 2:
        raise Wrong("dist/ has no sdist: make dist")
    if not quick:
        again = HERE / "from-sdist"
        shutil.rmtree(again, ignore_errors=True)
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", again, built[1])
        for wheel in (built[0], *again.glob("*.whl")):
            run(sys.executable, "tests/release/same_bytes.py", wheel)
    return f"{', '.join(file.name for file in built)}" + ("" if quick else "; both hold the checkout, byte for byte")


def _wheel() -> Path:
    found = list((ROOT / "dist").glob("*.whl"))
    if len(found) != 1 or f"-{VERSION}-" not in found[0].name:
        raise Wrong(f"dist/ does not hold one wheel of {VERSION}: make dist")
    return found[0]


def make_installed(quick: bool) -> str:
    """An environment as a user has it, with all that is optional."""
    if quick:
        return "left out; licences and import time are those of .venv"
    shutil.rmtree(INSTALLED, ignore_errors=True)
    run(sys.executable, "-m", "venv", INSTALLED)
    wanted = f"{_wheel()}[{','.join(licences.EXTRAS)}]"
    run(INSTALLED / "bin" / "python", "-m", "pip", "install", "-q", "--constraint", "constraints.txt", wanted)
    return f"the wheel with {', '.join(licences.EXTRAS)}, by constraints.txt"


def _python(quick: bool) -> str:
    return sys.executable if quick else str(INSTALLED / "bin" / "python")


def check_licences(quick: bool) -> str:
    where = run(_python(quick), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    return licences.look_at(Path(where.strip()))


def write_sbom(quick: bool) -> str:
    if quick:
        return "left out: it is of an environment that is not made"
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON", "-o", SBOM)
    run(HERE / "sbom" / "bin" / "cyclonedx-py", "environment", *options, INSTALLED / "bin" / "python")
    found = json.loads(SBOM.read_text())
    return f"{SBOM.relative_to(ROOT)}: CycloneDX {found['specVersion']}, {len(found['components'])} components"


def check_workflows() -> str:
    """Offline: what they may do, and that the forms are right."""
    run(TOOLS / "zizmor", "--offline", "--quiet", "--no-progress", ".github")
    schema = (TOOLS / "check-jsonschema", "--builtin-schema")
    run(*schema, "vendor.github-workflows", *WORKFLOWS)
    run(*schema, "vendor.dependabot", ROOT / ".github" / "dependabot.yml")
    return f"zizmor and the schemas find nothing in {len(WORKFLOWS)} workflows and dependabot.yml" + _also(
        "actionlint", "actionlint"
    )


def check_images() -> str:
    """What can be said of the image and of compose.yaml without a daemon."""
    compose, dockerfile = ROOT / "deployments" / "compose.yaml", ROOT / "deployments" / "Dockerfile"
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", compose)
    made_up = HERE / "env"
    names = set(re.findall(r"\$\{(\w+):\?\}", compose.read_text()))
    made_up.write_text("".join(f"{name}=made-up\n" for name in sorted(names)))
    config = ("docker-compose", "--env-file", made_up, "--file", compose, "config", "--quiet")
    return (
        "the Compose schema finds nothing"
        + _also("docker-compose", *config)
        + _also("hadolint", "hadolint", dockerfile)
    )


def _also(program: str, *command: str | Path) -> str:
    """By a program that not everybody has."""
    if shutil.which(program) is None:
        return f"; no {program} here"
    run(*command)
    return f"; {program} finds nothing"


def checks(quick: bool, tag: str | None) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "version", partial(check_version, tag)
    yield "git tree", partial(check_tree, quick)
    yield "changelog", check_changelog
    yield "docs", partial(check_docs, quick)
    yield "wheel and sdist", partial(check_built, quick)
    yield "what the wheel holds", lambda: contents.look_through(_wheel())
    yield "an installation", partial(make_installed, quick)
    yield "import time", lambda: contents.time_import(_python(quick))
    yield "licences", partial(check_licences, quick)
    yield "SBOM", partial(write_sbom, quick)
    yield "workflows", check_workflows
    yield "images", check_images


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--tag")
    given = options.parse_args()
    wrong = 0
    for name, check in checks(given.quick, given.tag):
        try:
            said = f"ok     {name}: {check()}"
        except Wrong as found:
            said, wrong = f"WRONG  {name}: {found}", wrong + 1
        print(said, flush=True)
    print(ONLY_ELSEWHERE)
    print(f"{wrong} wrong" if wrong else "all is well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
