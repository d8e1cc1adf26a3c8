"""The verbs of `gaae`, one file each: its flags and one call.

A verb's module has a docstring, which is its help; `define_flags(values)`; and `main(arguments,
values)`, which gives the exit status and imports what needs TensorFlow once its arguments are
right. `opening.run` is what all of them have in common.
"""

VERBS = {
    "prepare": "make a data set folder of recordings",
    "train": "train a model, or go on with one",
    "generate": "make sounds of a class",
    "represent": "codes and classes of recordings",
    "resynthesize": "rebuild a recording from its magnitudes alone",
    "export": "a SavedModel for other programs",
    "evaluate": "measure a trained run",
    "report": "compare evaluated runs",
    "experiments": "the paper's tables and figures",
}
