"""Set up everything in .venv, and run a command there. Needs a Python and the network, nothing else.

    python3 bootstrap.py                 set up only
    python3 bootstrap.py demo            train a small model and draw it:  pullback demo
    python3 bootstrap.py test            run all tests:                    pytest -n auto
    python3 bootstrap.py run COMMAND     run any command; the word `run` may be left out

Further words go to the command. What is made stays inside this folder: .venv, and .tools if uv is not installed. A
second run finds that nothing has changed and starts at once. This file runs on any Python 3.7; the project needs 3.11,
and if this Python is older, uv looks for a newer one or fetches it.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "bootstrap-stamp"
TOOLS = ROOT / ".tools"
NEEDS_PYTHON = (3, 11)
NEEDS_UV = (0, 9)
SHORTHANDS = {"demo": ["pullback", "demo"], "test": ["pytest", "-n", "auto"], "run": []}

PIP_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
"""What pip is told about the network, and the variable that tells uv the same; uv reads nothing of pip's."""
UV_INDEXES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"}


def main(words: list[str]) -> int:
    """Set up, then become the command that the words ask for."""
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    set_up()
    if not words:
        print(f"ready: {BIN}")
        return 0
    command = SHORTHANDS.get(words[0], words[:1]) + words[1:]
    return become(command) if command else die("run what? Say a command after `run`.")


# --- the environment -------------------------------------------------------------------------------------------------


def set_up() -> None:
    """Make or renew .venv, unless it is as the project's files want it already."""
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted and python_in_venv().exists():
        return
    say(f"setting up {VENV}")
    environment = {**os.environ, **pip_settings()}
    for inherited in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):  # somebody else's environment is left alone
        environment.pop(inherited, None)
    uv = find_uv() or fetch_uv()
    result = subprocess.run([*uv, "sync", "--python", python_to_use()], cwd=ROOT, env=environment, check=False)
    if result.returncode:
        die(
            "uv could not set up the environment; its message is above. If it could not reach the package index: pip's "
            "settings are handed on to it, and UV_DEFAULT_INDEX, UV_FIND_LINKS, HTTPS_PROXY and SSL_CERT_FILE are read."
        )
    STAMP.write_text(wanted, encoding="utf-8")


def fingerprint() -> str:
    """Changes when .venv must be made anew: with the project's files, this file, or the place of the checkout."""
    depths = ("pyproject.toml", "[!.]*/pyproject.toml", "[!.]*/[!.]*/pyproject.toml")
    digest = hashlib.sha256(str(ROOT).encode())
    for file in [Path(__file__), *sorted(file for depth in depths for file in ROOT.glob(depth))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def python_in_venv() -> Path:
    """The interpreter of .venv."""
    return BIN / ("python.exe" if os.name == "nt" else "python")


def python_to_use() -> str:
    """This Python if it is new enough, else a wish that uv fulfils."""
    if sys.version_info[:2] >= NEEDS_PYTHON:
        return sys.executable
    needed = ".".join(map(str, NEEDS_PYTHON))
    say(f"Python {needed} or newer is needed and this is {sys.version.split()[0]}: uv looks for another one")
    return f">={needed}"


# --- uv --------------------------------------------------------------------------------------------------------------


def find_uv() -> list[str] | None:
    """The command of an installed uv that is new enough: fetched before, or anybody's."""
    own = TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    for candidate in (str(own), shutil.which("uv")):
        if candidate and uv_version(candidate) >= NEEDS_UV:
            return [candidate]
    return None


def uv_version(uv: str) -> tuple[int, ...]:
    """The version of a uv as numbers; () if it does not run."""
    try:
        answer = subprocess.run([uv, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return ()
    numbers = re.match(r"uv (\d+)\.(\d+)", answer.stdout.decode(errors="replace"))
    return tuple(map(int, numbers.groups())) if numbers else ()


def fetch_uv() -> list[str]:
    """Install uv into .tools with pip: no root, no virtual environment, nothing outside this folder."""
    say(f"fetching uv into {TOOLS}")
    pip = find_pip()
    wish = f"uv>={NEEDS_UV[0]}.{NEEDS_UV[1]},<1"
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", str(TOOLS), wish]
    quiet = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}  # nothing is installed where root's warning would apply
    if subprocess.run(install, env=quiet, check=False).returncode:
        die(
            "pip could not install uv; its message is above. Is there a network, and does pip know its package index? "
            "Or install uv in any other way and run this again."
        )
    return find_uv() or die(f"uv was installed into {TOOLS} but does not run there: remove that folder and try again")


def find_pip() -> list[str]:
    """The command of a pip: this Python's, or that of a virtual environment made for the purpose."""
    own = [sys.executable, "-m", "pip"]
    if runs([*own, "--version"]):
        return own
    place = TOOLS / "pip"
    if not runs([sys.executable, "-m", "venv", "--clear", str(place)]):
        shutil.rmtree(place, ignore_errors=True)
        die(
            "this Python has neither pip nor a working `venv` with ensurepip. Install one of them, for example by "
            f"`apt install python3-pip` or `apt install python3-venv`; or install uv; or use another Python than "
            f"{sys.executable}."
        )
    return [str(place / BIN.name / python_in_venv().name), "-m", "pip"]


def pip_settings() -> dict[str, str]:
    """pip's settings of index, mirrors and certificates, from its files and variables, as variables for uv.

    What is said to uv itself goes first, and an index said to uv takes the place of all of pip's. The pip that is asked is
    not that of a virtual environment, which may have none.
    """
    python = getattr(sys, "_base_executable", None) or sys.executable
    try:
        listed = subprocess.run(
            [python, "-m", "pip", "config", "list"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return {}
    return translated(listed.stdout.decode(errors="replace"))


def translated(listing: str) -> dict[str, str]:
    """The lines of `pip config list` as variables for uv. The environment comes after files, and `install` after all."""
    found: dict[str, str] = {}
    rank = {"global": 0, ":env:": 1, "install": 2}
    lines = [re.match(r"(global|install|:env:)\.([\w-]+)=(.*)", line) for line in listing.splitlines()]
    for line in sorted((line for line in lines if line), key=lambda line: rank[line.group(1)]):
        _, name, value = line.groups()
        variable = PIP_SETTINGS.get(name)
        told = UV_INDEXES if variable in UV_INDEXES else {variable}
        if variable is not None and told.isdisjoint(os.environ):
            words = str(ast.literal_eval(value)).split()
            found[variable] = ("," if variable == "UV_FIND_LINKS" else " ").join(words)
    if found.get("UV_INDEX"):
        found.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip does: the best of all indexes
    return found


# --- running ---------------------------------------------------------------------------------------------------------


def become(command: list[str]) -> int:
    """Replace this process by a command of the environment."""
    environment = {
        **os.environ,
        "VIRTUAL_ENV": str(VENV),
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")]),
    }
    environment.pop("PYTHONHOME", None)
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        die(f"there is no command {command[0]!r}, neither in {BIN} nor on the PATH")
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(program, [program, *command[1:]], environment)
    return subprocess.run([program, *command[1:]], env=environment, check=False).returncode  # Windows has no exec


def runs(command: list[str]) -> bool:
    """Whether a command can be run and is content."""
    try:
        return (
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
        )
    except OSError:
        return False


def say(text: str) -> None:
    """Tell what goes on, apart from what the command prints."""
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def die(text: str) -> NoReturn:
    """Stop with a message."""
    sys.exit(f"bootstrap: {text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
