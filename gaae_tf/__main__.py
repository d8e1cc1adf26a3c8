"""The command `gaae`, and `python -m gaae_tf`, which is the same."""

from __future__ import annotations

import difflib
import sys

from gaae_tf import __version__
from gaae_tf.commands import VERBS
from gaae_tf.commands.opening import listing, run


def main() -> int:
    """Runs the verb that was typed; the exit status is `opening.run`'s."""
    verb, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("--help", [])
    if verb in VERBS:
        return run(verb, arguments)
    if verb in ("--help", "-h", "help"):
        print(listing())
        return 0
    if verb == "--version":
        print(__version__)
        return 0
    near = difflib.get_close_matches(verb, VERBS, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    print(f"error: gaae has no verb {verb!r}{meant}\n\n{listing()}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
