"""Flag files by name: those of the package are found from any folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import gaae_tf

_PACKAGE = Path(gaae_tf.__file__).resolve().parent
# Installed, they lie in the package; in a checkout beside it, where users look.
FOLDER = _PACKAGE / "configs" if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent / "configs"


def expanded(arguments: Sequence[str]) -> list[str]:
    """Arguments with the lines of each flag file where it was named; files may name others.

    A name is a path, or that of a flag file of the package: `quickstart`, `quickstart.flags` or
    `configs/quickstart.flags`.

    Raises:
        FileNotFoundError: there is no such file; the package's are named.
        ValueError: a file names itself, over others or at once.
    """
    return list(_expanded(arguments, ()))


def _expanded(arguments: Sequence[str], above: tuple[Path, ...]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument in ("--flagfile", "-flagfile"):
            name = next(rest, "")
        elif argument.startswith(("--flagfile=", "-flagfile=")):
            name = argument.partition("=")[2]
        else:
            yield argument
            continue
        path = _found(name)
        if path in above:
            raise ValueError(f"--flagfile={name} names itself, over {above[-1]}")
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        yield from _expanded([line for line in lines if line.startswith("-")], (*above, path))


def _found(name: str) -> Path:
    places = [Path(name)]
    if name and not Path(name).is_absolute():
        own = Path(name)
        own = own.relative_to("configs") if own.parts[0] == "configs" else own
        places += [FOLDER / own, FOLDER / f"{own}.flags"]
    for place in places:
        if place.is_file():
            return place.resolve()
    known = ", ".join(sorted(_name(path) for path in FOLDER.rglob("*.flags")))
    raise FileNotFoundError(f"--flagfile={name}: there is no such file; the package has {known}")


def _name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()
