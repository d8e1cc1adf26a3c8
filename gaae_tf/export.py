"""`python -m gaae_tf.export`, which is `gaae export`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("export", sys.argv[1:], "python -m gaae_tf.export"))
