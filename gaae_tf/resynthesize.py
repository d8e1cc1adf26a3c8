"""`python -m gaae_tf.resynthesize`, which is `gaae resynthesize`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("resynthesize", sys.argv[1:], "python -m gaae_tf.resynthesize"))
