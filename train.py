"""`gaae train`, from a checkout: trains a model and leaves a run folder.

python train.py --flagfile=configs/quickstart.flags
"""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("train", sys.argv[1:], "python train.py"))
