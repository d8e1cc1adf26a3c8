"""`python -m gaae_tf.represent`, which is `gaae represent`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("represent", sys.argv[1:], "python -m gaae_tf.represent"))
