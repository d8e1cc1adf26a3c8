"""What is measured of a run, one file a measure.

Each has

    applies(context)     whether the run, its data and the settings allow it
    phase(context)       what it is called while it runs; None if it takes no time
    measure(context)     its part of `details` in `scores.json`

and, of one that trains simple classifiers, `training_steps(context)`. `Context` has what measures
share, so that no split is read twice and no clip encoded twice. `hearing` and `quality` are parts
of several measures.
"""
