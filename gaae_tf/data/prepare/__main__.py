"""`python -m gaae_tf.data.prepare`, which is `gaae prepare`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("prepare", sys.argv[1:], "python -m gaae_tf.data.prepare"))
