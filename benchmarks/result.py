"""The file of a benchmark that has a row for each of its runs."""

from __future__ import annotations

import json
from pathlib import Path

from gaae_tf.files import write_text


def add_run(path: Path, name: str, row: dict, **about: str) -> None:
    """Puts a run's row into a result, which is written whole.

    Args:
        path: of the JSON file; made if it does not exist.
        name: of the run; a row of the same name is replaced.
        row: its figures.
        about: what stands beside the rows, its command, say.
    """
    result = json.loads(path.read_text()) if path.exists() else {"runs": {}}
    result |= about
    result["runs"][name] = row
    write_text(path, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
