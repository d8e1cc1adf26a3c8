"""`python -m gaae_tf.report`, which is `gaae report`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("report", sys.argv[1:], "python -m gaae_tf.report"))
