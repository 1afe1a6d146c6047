"""`pullback new`: a package for an op or a backend, with tests that test it, in a folder of its own.

The files are templates in `templates/`; `@WORD@` in a path or a text stands for what `_words` says.
"""

from __future__ import annotations

import json
import keyword
import re
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import pullback as pb
from pullback.errors import ArgumentError
from pullback.plugins import registry

_DISTRIBUTION = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")


def run(options: Namespace) -> int:
    """Write the package, and say what to do with it."""
    words = _words(options.kind, options.name, getattr(options, "library", None))
    folder: Path = options.into / words["DISTRIBUTION"]
    files = write(options.kind, words, folder)
    if options.json:
        print(json.dumps({"folder": str(folder), "files": files, **words}, indent=2))
        return 0
    print(f"{folder}:", *files, sep="\n  ")
    listing = "plugins" if options.kind == "op" else "backends"
    print(f'\nNext:\n  cd {folder}\n  pip install -e ".[test]"\n  pullback {listing}\n  pytest')
    return 0


def write(kind: str, words: dict[str, str], folder: Path) -> list[str]:
    """Write the files of a template to a new folder, all of them or none; give their names.

    Raises `ArgumentError` if there is such a folder.
    """
    if folder.exists():
        raise ArgumentError(f"{folder} exists already; choose another name, or another place with --into")
    folder.parent.mkdir(parents=True, exist_ok=True)
    files = []
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for path, text in sorted(_files(resources.files("pullback.cli") / "templates" / kind)):
            target = scratch / _filled(path, words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(text, words), encoding="utf-8")
            files.append(target.relative_to(scratch).as_posix())
        scratch.chmod(0o755)  # as mkdir would have made it
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return files


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The files below a folder of templates: path, text."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".in"):
            yield f"{prefix}{entry.name.removesuffix('.in')}", entry.read_text(encoding="utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda match: words[match[1]], text)


def _words(kind: str, name: str, library: str | None) -> dict[str, str]:
    """What the words of a template stand for; `ArgumentError` for a name that cannot be used.

    "acme-swish" is a distribution; its op is called after the last word, in the namespace "acme_swish".
    "acme::swish" is an op; it is shipped by the distribution "acme-swish".
    """
    space, colons, last = name.partition("::")
    if colons and kind == "backend":
        raise ArgumentError(f"new backend: {name!r} is the name of an op; a backend has a plain one, such as 'mylib'")
    distribution = f"{space}-{last}".replace("_", "-") if colons else name
    if not _DISTRIBUTION.fullmatch(distribution) or (colons and not (space.isidentifier() and last.isidentifier())):
        raise ArgumentError(f"new {kind}: {name!r} is no name; write letters, digits and -, such as 'acme-swish'")
    module = distribution.replace("-", "_").lower()
    namespace = space if colons else module
    op = last if colons else module.rpartition("_")[2]
    library = library or module
    for what, word in {"module": module, "namespace": namespace, "op": op, "library": library}.items():
        if keyword.iskeyword(word) or not word.replace(".", "_").isidentifier():
            raise ArgumentError(
                f"new {kind}: {name!r} gives the {what} {word!r}, which Python does not allow as a name"
            )
    if module in sys.stdlib_module_names or module == "pullback":
        raise ArgumentError(f"new {kind}: {name!r} gives the module {module!r}, which would hide another of that name")
    if kind == "op" and namespace in registry.RESERVED:
        raise ArgumentError(f"new op: {namespace!r} is a module of pullback.ops; choose another namespace")
    if kind == "backend" and library == module:
        module = f"pullback_{module}"
        distribution = f"pullback-{distribution}"
    major, minor, *_ = pb.__version__.split(".")
    return {
        "DISTRIBUTION": distribution,
        "MODULE": module,
        "NAMESPACE": namespace,
        "OP": op,
        "LIBRARY": library,
        "CLASS": f"{''.join(part.capitalize() for part in namespace.split('_'))}Backend",
        "VERSION": pb.__version__,
        "NEXT": f"{major}.{int(minor) + 1}",
    }
