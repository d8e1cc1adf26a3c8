"""Keras's own saving: a network's configuration is its constructor's arguments."""

from __future__ import annotations

import inspect

import keras


class Saved:
    """Mixin of layers and networks that keep every argument under its own name.

    `keras.saving` knows subclasses by the package's name, so that `network.save("d.keras")` and
    `keras.saving.load_model` need nothing else.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):
            keras.saving.register_keras_serializable("gaae_tf")(cls)

    def get_config(self):
        """The constructor's arguments."""
        arguments = list(inspect.signature(type(self).__init__).parameters)[1:]
        own = {name: getattr(self, name) for name in arguments if name != "kwargs"}
        return {"name": self.name, "dtype": self.dtype_policy.name} | own
