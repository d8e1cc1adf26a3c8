"""The archives that corpora are published as, with their sizes and checksums."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

from gaae_tf.data.terms import DataError


@dataclasses.dataclass(frozen=True)
class Archive:
    """A file that a corpus is published as.

    Attributes:
        url: where it is, by http or https.
        bytes: its size, None where unknown.
        checksum: "sha256:..." or "md5:..." in hexadecimal digits, "" where the publisher gives
            none.
        file: the name that it gets here; the last part of the URL unless given.

    Raises:
        DataError: the URL is of another kind or names no file, or the checksum is of another form.
    """

    url: str
    bytes: int | None
    checksum: str
    file: str = ""

    def __post_init__(self):
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DataError(f"url must begin with http:// or https://, not {self.url}")
        name = self.file or urllib.parse.unquote(parts.path.rpartition("/")[2])
        if not name or name.startswith(".") or "/" in name or "\0" in name:
            raise DataError(f"{self.url} does not end in a file's name, but in {name!r}")
        object.__setattr__(self, "file", name)
        if not re.fullmatch(r"(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})?", self.checksum):
            raise DataError(f"checksum must be sha256:... or md5:..., not {self.checksum}")


# Google's buckets bear the names of their hosts. Only storage.googleapis.com serves them by https.
_GOOGLE = "https://storage.googleapis.com"
_SPEECH_COMMANDS = f"{_GOOGLE}/download.tensorflow.org/data/speech_commands"
_NSYNTH = f"{_GOOGLE}/download.magenta.tensorflow.org/datasets/nsynth/nsynth"
_OPENSLR = "https://www.openslr.org/resources/12"

# SHA-256 as torchaudio and TensorFlow Datasets have them.
SPEECH_COMMANDS = {
    "v0.01": Archive(
        f"{_SPEECH_COMMANDS}_v0.01.tar.gz",
        1_489_096_277,
        "sha256:743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
    ),
    "v0.02": Archive(
        f"{_SPEECH_COMMANDS}_v0.02.tar.gz",
        2_428_923_189,
        "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    ),
}

# MD5 as the server gives it for each object; the HEAR benchmark has the same.
NSYNTH = {
    "train": Archive(
        f"{_NSYNTH}-train.jsonwav.tar.gz", 23_815_298_079, "md5:fde6665a93865503ba598b9fac388660"
    ),
    "valid": Archive(
        f"{_NSYNTH}-valid.jsonwav.tar.gz", 1_068_767_009, "md5:87e94a00a19b6dbc99cf6d4c0c0cae87"
    ),
    "test": Archive(
        f"{_NSYNTH}-test.jsonwav.tar.gz", 349_501_546, "md5:5e6f8719bf7e16ad0a00d518b78af77d"
    ),
}

# MD5 from the publisher's md5sum.txt.
LIBRISPEECH = {
    subset: Archive(f"{_OPENSLR}/{subset}.tar.gz", size, f"md5:{md5}")
    for subset, size, md5 in (
        ("train-clean-100", 6_387_309_499, "2a93770f6d5c6c964bc36631d331a522"),
        ("train-clean-360", 23_049_477_885, "c0e676e450a7ff2f54aeade5171606fa"),
        ("train-other-500", 30_593_501_606, "d1a0fd59409feb2c614ce4d30c387708"),
        ("dev-clean", 337_926_286, "42e2234ba48799c1f50f24a7926300a1"),
        ("dev-other", 314_305_928, "c8d0bcc9cca99d4f8b62fcc847357931"),
        ("test-clean", 346_663_984, "32fa31d27d2e1cad72775fee3f4849a9"),
        ("test-other", 328_757_843, "fb5a50374b501bb3bac4815ee91d3135"),
    )
}

# Packed by GitHub from the tag whenever it is asked for; SHA-256 as TensorFlow Datasets has it.
FSDD = Archive(
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.9.tar.gz",
    11_975_353,
    "sha256:8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
    file="free-spoken-digit-dataset-1.0.9.tar.gz",
)
