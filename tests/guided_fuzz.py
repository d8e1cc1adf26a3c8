"""Hostile input led by coverage: the readers of test_fuzz.py under atheris (libFuzzer).

    pip install atheris
    PYTHONPATH=. python tests/guided_fuzz.py READER FOLDER -runs=20000

FOLDER keeps the inputs that reached new lines, with which the same command goes on; what follows it
are libFuzzer's own flags. An input that breaks what `test_fuzz.Reader` promises ends it with a
traceback and is left as `crash-…`, one that takes too long or too much as `timeout-…` or `oom-…`.
Checkpoints are left to test_fuzz.py: TensorFlow's own code reads them, which has no coverage here.
"""

import contextlib
import random
import re
import struct
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gaae_tf", "tarfile", "zipfile", "csv", "json"]):
    import test_fuzz

BOUNDS = ("-timeout=60", "-rss_limit_mb=4096", "-max_len=65536")


def main(name: str, folder: str, *flags: str) -> None:
    """Fuzzes a reader until libFuzzer's flags end it."""
    if name == "checkpoint_files":
        raise SystemExit("checkpoint_files: see the docstring")
    corpus, place = Path(folder), Path(tempfile.mkdtemp())
    reader = test_fuzz.READERS[name](place)
    corpus.mkdir(parents=True, exist_ok=True)
    for i, good in enumerate(reader.good):
        (corpus / f"good-{i}").write_bytes(good)

    def read(data: bytes) -> None:
        try:
            reader.read(data)
        except reader.refusals as error:
            if not re.search(reader.named, str(error)):
                raise AssertionError(f"the message does not name the file: {error}") from error

    def mutate(data: bytes, most_bytes: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return atheris.Mutate(data, most_bytes)
        # Only what is well-formed has a structure to change.
        with contextlib.suppress(IndexError, RecursionError, TypeError, ValueError, struct.error):
            return reader.mutate(data, rng.choice(reader.good), rng)[:most_bytes]
        return test_fuzz.mutated(data, rng.choice(reader.good), rng)[:most_bytes]

    atheris.Setup([sys.argv[0], folder, *BOUNDS, *flags], read, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
