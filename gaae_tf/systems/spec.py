"""What a system says of itself: what it needs, what it can do, which flags it takes. No Keras.

Every file of a system ends in one `SPEC = Spec(...)`. Configurations and commands must know all
systems before Keras is loaded, which takes seconds. So `read` takes the arguments from the file's
text, which is why they are literals, all but `build`.
"""

from __future__ import annotations

import ast
import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription
    from gaae_tf.systems.system import System

# What a system can be asked for, and what that gives. A loaded run has methods for these alone.
ABILITIES = {
    "generate": "sounds of codes that are drawn, and on the line between two",
    "choose_class": "these sounds of a class that is asked for",
    "represent": "codes of recordings",
    "classify": "classes of recordings",
    "reconstruct": "recordings made again from their codes",
    "restyle": "recordings made again as another class",
}
# What cannot be done without something else that can.
_RESTS_ON = {
    "choose_class": ("generate",),
    "reconstruct": ("generate", "represent"),
    "restyle": ("choose_class", "classify", "reconstruct"),
}
LABELS = ("none", "some", "all")
SIGNALS = ("spectrograms", "audio")

# Groups of flags that only some systems take. A flag that one alone takes is in a group of its
# name; "labels", "guidance" and "frozen" follow from what a system needs.
FLAG_GROUPS = {
    "adversarial": "training against discriminators",
    "tower": "networks of the paper's Tables X to XXI",
    "decoder": "those of them that make spectrograms",
    "class_biases": "class-conditional batch normalisation",
    "guided_loss": "equation (6), and what is added to it",
    "alterations": "what alters clips for C",
}


@dataclasses.dataclass(frozen=True)
class Spec:
    """A system, as the rest of the package knows it.

    Attributes:
        name: what --model calls it; its file has the same name.
        labels: whose labels it learns from: of "none" of the training clips, "some" or "all".
        unlabelled: whether it learns from clips whatever their labels.
        frozen: the system whose trained networks it takes as they are; None for none.
        does: which of ABILITIES it has.
        codes: the names of the codes that it gives of recordings.
        sampled_code: the one of them that its sampler takes; None if that takes none of them.
        signal: what its networks see and make, one of SIGNALS.
        sizes: the rule for the clips that its networks can have, one of `geometry.SIZE_RULES`; None
            where they can have any.
        flags: the groups of flags that it takes beside those that all systems take.
        build: makes the model of a configuration and a description of the data. Networks draw
            their weights in the order in which it makes them.

    Raises:
        ValueError: the attributes contradict each other.
    """

    name: str
    labels: str
    unlabelled: bool
    does: tuple[str, ...]
    sizes: str | None = None
    frozen: str | None = None
    codes: tuple[str, ...] = ()
    sampled_code: str | None = None
    signal: str = "spectrograms"
    flags: tuple[str, ...] = ()
    build: Callable[[TrainConfig, DataDescription], System] | None = dataclasses.field(
        default=None, compare=False, repr=False
    )

    def __post_init__(self):
        for name, values, known in (
            ("labels", (self.labels,), LABELS),
            ("does", self.does, ABILITIES),
            ("signal", (self.signal,), SIGNALS),
            ("flags", self.flags, FLAG_GROUPS),
        ):
            for value in values:
                if value not in known:
                    raise ValueError(f"{name} must be of {', '.join(known)}; got {value!r}")
        for ability in self.does:
            for other in _RESTS_ON.get(ability, ()):
                if other not in self.does:
                    raise ValueError(f"does has {ability!r}, which rests on {other!r}; add it")
        if self.labels == "none" and {"choose_class", "classify"} & {*self.does}:
            raise ValueError("does has classes, but labels is 'none'")
        if self.labels == "none" and not self.unlabelled:
            raise ValueError("labels is 'none' and unlabelled False: it would learn from nothing")
        if bool(self.codes) != self.can("represent"):
            raise ValueError(f"codes must be named where it can 'represent', got {self.codes}")
        if self.sampled_code not in (None, *self.codes):
            raise ValueError(f"sampled_code must be one of codes, got {self.sampled_code!r}")

    def can(self, ability: str) -> bool:
        """Whether it has one of ABILITIES.

        Raises:
            ValueError: there is no such ability.
        """
        if ability not in ABILITIES:
            raise ValueError(f"ability must be one of {', '.join(ABILITIES)}; got {ability!r}")
        return ability in self.does

    def takes(self, group: str | None) -> bool:
        """Whether it takes the flags of a group; None is the group of those that all take."""
        return group in {
            None,
            self.name,
            *self.flags,
            *(["labels"] if self.labels != "none" else []),
            *(["guidance"] if self.labels == "some" else []),
            *(["frozen"] if self.frozen else []),
        }


def read(path: Path) -> Spec | None:
    """The SPEC of a file, without running it and so without `build`; None if it has none.

    Raises:
        ValueError: it is no call of `Spec`, or an argument but `build` is no literal, or not what
            `Spec` takes; file and line are named.
    """
    text = path.read_text(encoding="utf-8")
    if "\nSPEC" not in text:  # most of the time that reading takes is in parsing
        return None
    call = _assigned(ast.parse(text, str(path)))
    if call is None:
        return None
    where = f"{path}, line {call.lineno}: SPEC"
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "Spec" or call.args:
        raise ValueError(f"{where} must be Spec(name=…, …), got {ast.unparse(call):.80}")
    arguments = {}
    for keyword in call.keywords:
        if keyword.arg == "build":
            continue
        try:
            arguments[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            raise ValueError(
                f"{where} is read without being run, so {keyword.arg or '**'} must be a literal; "
                f"got {ast.unparse(keyword.value):.80}"
            ) from None
    try:
        spec = Spec(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    if spec.name != path.stem:
        raise ValueError(f"{where} has the name {spec.name!r}; call the file {spec.name}.py")
    return spec


def _assigned(tree: ast.Module) -> ast.expr | None:
    """What a module assigns to SPEC."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "SPEC" for target in targets):
            return node.value
    return None
