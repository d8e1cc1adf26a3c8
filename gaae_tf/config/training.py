"""How long, how fast and on what hardware a training runs."""

from __future__ import annotations

import dataclasses

from gaae_tf.config.setting import setting

PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
DECAYS = ("constant", "linear")
STRATEGIES = ("auto", "one", "mirrored", "multi_worker")


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """The settings of optimisation and of the machine."""

    # Optimisation (paper V).
    steps: int = setting(
        60_000, "Iterations: k discriminator updates and one of the rest.", least=1
    )
    max_minutes: float = setting(
        0.0,
        "Stop cleanly after this many minutes of training if steps are not done; 0: no limit.",
        least=0,
    )
    batch_size: int = setting(
        128, "Global batch of each draw of unlabelled and labelled clips.", least=1
    )
    discriminator_steps: int = setting(
        2, "k, discriminator updates an iteration.", least=1, group="adversarial"
    )
    autoencoder_learning_rate: float = setting(
        5e-5,
        "Adam's rate for E, D and C, a generator, BiGAN's features, or a classifier.",
        within="(0, 1)",
    )
    discriminator_learning_rate: float = setting(
        2e-4, "Adam's rate for S and L, or a discriminator.", within="(0, 1)", group="adversarial"
    )
    weight_decay: float = setting(
        2.5e-5,
        "L2 penalty of the kernels of BiGAN's features and discriminator.",
        least=0,
        group="bigan",
    )
    learning_rate_decay: str = setting(
        "constant",
        "constant, or linear: to a hundredth over the second half of the training, by --steps or "
        "--max_minutes, whichever comes first.",
        choices=DECAYS,
    )
    adam_beta_1: float = setting(0.0, "Adam's beta 1.", within="[0, 1)")
    autoencoder_adam_beta_1: float = setting(
        -1.0,
        "Adam's beta 1 for E, D and C, or a generator; negative: --adam_beta_1.",
        group="adversarial",
    )
    adam_beta_2: float = setting(0.999, "Adam's beta 2.", within="[0, 1)")
    average_decay: float = setting(
        0.9999,
        "Decay of the moving average of E, D and C, a generator, features, or a classifier, which "
        "are used once training is over; 0: none.",
        within="[0, 1)",
    )
    reestimate_batches: int = setting(
        16,
        "Batches from which batch statistics are measured again before sampling; 0 for none.",
        least=0,
        group="decoder",
    )

    # Running.
    precision: str = setting(
        "auto",
        "auto: mixed_float16 on GPUs, mixed_bfloat16 on CPUs that compute in it, or float32.",
        choices=PRECISIONS,
    )
    max_rollbacks: int = setting(
        3,
        "How often a run may go back to its last checkpoint, and on with other noise, because a "
        "loss or gradient was not finite; 0: stop at once.",
        least=0,
    )
    strategy: str = setting(
        "auto",
        "One device, all GPUs mirrored, or multi_worker: all of several processes, as TF_CONFIG "
        "tells; auto: mirrored with two GPUs or more.",
        choices=STRATEGIES,
    )
    steps_per_call: int = setting(10, "Iterations inside one compiled call.", least=1)
    checkpoint_every: int = setting(1000, "Steps between checkpoints.", least=1)
    keep_checkpoints: int = setting(3, "Rolling checkpoints kept beside the best one.", least=1)
    summary_every: int = setting(1000, "Steps between TensorBoard pictures and sounds.", least=1)
