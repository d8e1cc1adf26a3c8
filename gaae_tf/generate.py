"""`python -m gaae_tf.generate`, which is `gaae generate`."""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("generate", sys.argv[1:], "python -m gaae_tf.generate"))
