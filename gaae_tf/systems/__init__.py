"""The systems: one file each, which ends in its SPEC.

To add one is to add a file here, or in another folder that `__path__` is given. The files are
known by what their SPECs say; a file is run, and Keras loaded, when its model is built.
"""

from __future__ import annotations

import functools
import importlib
import typing
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from gaae_tf.systems.spec import Spec, read

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription
    from gaae_tf.systems.system import System


def specs() -> Mapping[str, Spec]:
    """The SPECs of all systems by name, the most able first, without `build`.

    Raises:
        ValueError: a SPEC is not as it should be; its file is named.
    """
    return _read(tuple(__path__))


def find(name: str) -> Spec:
    """The SPEC of one system, without `build`.

    Raises:
        ValueError: there is no such system.
    """
    if name not in specs():
        raise ValueError(f"--model must be one of {', '.join(specs())}; got {name!r}")
    return specs()[name]


def build(config: TrainConfig, data: DataDescription) -> System:
    """The model of a configuration, its weights newly drawn."""
    found = importlib.import_module(f"{__name__}.{find(config.model).name}").SPEC
    model = found.build(config, data)
    model.spec = found
    return model


@functools.cache
def _read(folders: tuple[str, ...]) -> Mapping[str, Spec]:
    paths = (path for folder in folders for path in Path(folder).glob("*.py"))
    found = [spec for spec in map(read, paths) if spec is not None]
    found.sort(key=lambda spec: (-len(spec.does), spec.name))
    return MappingProxyType({spec.name: spec for spec in found})
