"""What all commands have in common: flags, errors, signals, and a TensorFlow that loads quietly."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from absl import flags, logging

from gaae_tf.commands import VERBS
from gaae_tf.commands.flag_files import expanded


class Usage(Exception):
    """The command was typed wrongly; the message says what would be right."""


def run(verb: str, arguments: Sequence[str], program: str | None = None) -> int:
    """Runs a verb; gives the exit status.

    That is 0; 1 for an error, told on stderr in one line; 2 for a command that was typed wrongly;
    or 128 and the signal's number where one interrupted it.

    Args:
        verb: one of `VERBS`.
        arguments: what was typed behind it.
        program: what was typed before them, "gaae VERB" by default.
    """
    program = program or f"gaae {verb}"
    module = _module_of(verb)
    values = flags.FlagValues()
    module.define_flags(values)
    # File names may be of any bytes.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if any(argument in ("--help", "-h", "-help", "--helpfull") for argument in arguments):
        print(_help(module.__doc__, values))
        return 0
    logging.set_verbosity(logging.WARNING)  # TensorFlow and fontTools tell of every file and glyph
    try:
        rest = values([program, *expanded(arguments)])[1:]
        with _interruptible():
            return module.main(rest, values)
    except (Usage, flags.Error) as error:
        print(f"error: {error}\n`{program} --help` lists all flags.", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        begin = getattr(module, "ERROR", "error").format(typed=program.removeprefix("python "))
        print(f"{begin}: {error}", file=sys.stderr)
        return 1
    except _Interrupted as stop:
        print(getattr(module, "INTERRUPTED", "interrupted"), file=sys.stderr)
        return 128 + stop.signal_number


def _module_of(verb: str) -> ModuleType:
    from gaae_tf.commands import (
        evaluate,
        experiments,
        export,
        generate,
        prepare,
        report,
        represent,
        resynthesize,
        train,
    )

    modules = (
        *(prepare, train, generate, represent, resynthesize),
        *(export, evaluate, report, experiments),
    )
    return next(module for module in modules if module.__name__.endswith(f".{verb}"))


def no_arguments(arguments: Sequence[str], values: flags.FlagValues) -> None:
    """Raises Usage if there is an argument that is no flag, with what was probably meant."""
    if not arguments:
        return
    word = arguments[0]
    message = f"unexpected argument {word!r}"
    if word.partition("=")[0] in values:
        message += f"; did you mean --{word}?"
    elif word.lower() in ("true", "false", "yes", "no", "0", "1"):
        message += f"; a flag and its value are joined by a sign, as in --flag={word.lower()}"
    raise Usage(message)


def load_tensorflow(operate: bool = True) -> None:
    """Imports TensorFlow without the lines by which it tells that all is well.

    On a machine without GPU these are ten, some in the form of errors. A process of its own reads
    what is written to stderr meanwhile and passes on all but the lines of `_USUAL`, so that nothing
    else is lost, not even the last words of a crash.

    Args:
        operate: whether TensorFlow may work already; one of several processes that train together
            must not let it.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors, no notes and warnings
    # Whatever ~/.keras/keras.json says: training is TensorFlow, and its channels come last.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _without_usual_lines():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and tells of it
        if operate:  # so that what oneDNN cannot do here is told now, not in mid-training
            tf.transpose(tf.constant([["text"]]))
    keras.config.set_image_data_format("channels_last")


# Lines of TensorFlow's that tell of no fault.
_USUAL = (
    rb"^WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR",
    rb"^(?:[IW]\d{4} |\d{4}-\d\d-\d\d \S+: [IW] ).*\] ",  # TensorFlow 2.17's form is the second
    rb"^To enable the following instructions: ",
    rb"^(?:E\d{4} |\d{4}-\d\d-\d\d \S+: E ).*oneDNN supports DT_\w+ only on platforms with AVX",
)
# On a machine with NVIDIA's driver this is a fault, without one it is usual.
_USUAL_WITHOUT_GPU = (
    rb"^(?:E\d{4} |\d{4}-\d\d-\d\d \S+: E ).*(?:failed call to cuInit|Unable to register cu)",
)


@contextlib.contextmanager
def _without_usual_lines() -> Iterator[None]:
    """Drops the lines of `_USUAL` from what is written to file descriptor 2 meanwhile."""
    import subprocess

    patterns = _USUAL
    if not os.path.exists("/dev/nvidiactl"):
        patterns += _USUAL_WITHOUT_GPU
    code = (
        "import re, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"usual = re.compile({b'|'.join(patterns)!r})\n"
        "for line in sys.stdin.buffer:\n"
        "    if not usual.search(line):\n"
        "        sys.stderr.buffer.write(line)\n"
        "        sys.stderr.buffer.flush()\n"
    )
    sys.stderr.flush()
    try:
        before = os.dup(2)
        reader = subprocess.Popen([sys.executable, "-IS", "-c", code], stdin=subprocess.PIPE)
    except OSError:  # no process to be had, or no stderr: then with all lines
        yield
        return
    try:
        os.dup2(reader.stdin.fileno(), 2)
        reader.stdin.close()
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
        reader.wait()


class _Interrupted(KeyboardInterrupt):
    def __init__(self, signal_number: int):
        super().__init__(signal_number)
        self.signal_number = signal_number


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise _Interrupted; a shell's background job would ignore the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: Any) -> None:
        raise _Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _help(doc: str, values: flags.FlagValues) -> str:
    lines = [doc.strip(), "", "Flags:"]
    for name in values:
        flag = values[name]
        if name != flag.name or not flag.help:
            continue
        default = "" if flag.default in (None, "", []) else f" (default: {flag.default_as_str})"
        lines.append(f"  --{name}: {flag.help}{default}")
    return "\n".join(lines)


def listing() -> str:
    """What `gaae` alone prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {what}" for verb, what in VERBS.items())
    return f"gaae VERB [flags]; gaae VERB --help lists a verb's flags.\n\n{verbs}"
