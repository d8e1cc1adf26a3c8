"""`python -m gaae_tf.experiments`, which is `gaae experiments`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("experiments", sys.argv[1:], "python -m gaae_tf.experiments"))
