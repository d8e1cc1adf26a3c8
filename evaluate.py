"""`gaae evaluate`, from a checkout: measures a trained run.

python evaluate.py --run_dir=runs/quickstart --count=2000
"""

import sys

from gaae_tf.commands.opening import run

if __name__ == "__main__":
    sys.exit(run("evaluate", sys.argv[1:], "python evaluate.py"))
