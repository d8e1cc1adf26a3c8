"""What GAAE and GGAN can be asked for: weights of equation (6), additions to Algorithm 1.

With 60,000 iterations of 128 clips patience mends much; with a thousand of 16, on a CPU, the codes
stay flat, the classifier hears noise, and the class reaches the decoder late. `configs/fsdd.flags`
and `configs/quickstart.flags` turn on what was measured to help; docs/LEARNING.md has the table.
"""

from __future__ import annotations

import dataclasses
import math

CONDITIONS = ("soft", "hard")

# Settings of what another setting, or any of some, turns on.
_PARTS = {
    "start_reconstruction_lambda": ("start_steps",),
    "alter_channel": ("alter_labelled", "pseudo_labels"),
    "pseudo_label_confidence": ("pseudo_labels",),
    "pseudo_label_balance": ("pseudo_labels",),
    "pseudo_label_balance_steps": ("pseudo_label_balance",),
    "pseudo_label_groups": ("pseudo_label_balance",),
    "class_independence": ("sliced_wasserstein",),
}
# Settings that do nothing with a certain value of another one, and why.
_WITHOUT_EFFECT = {
    "pair_confidence": ("condition", "hard", "whose classes are all certain"),
    "stop_condition_gradient": ("condition", "hard", "which has no gradient"),
    "start_reconstruction_lambda": ("balance_losses", True, "which sets the size of R itself"),
}


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of equation (6): α·(ω1·G + ω2·λ·R) + β·(ω3·Cl + ω4·Cg + ω5·Lg).

    Raises:
        ValueError: one is outside [0, 1] (λ: not positive), or α+β, ω1+ω2 or ω3+ω4+ω5 is not 1.
    """

    alpha: float = 0.5
    beta: float = 0.5
    omega_1: float = 0.6
    omega_2: float = 0.4
    omega_3: float = 0.25
    omega_4: float = 0.25
    omega_5: float = 0.5
    reconstruction_lambda: float = 20.0

    def __post_init__(self):
        for name in ("alpha", "beta", "omega_1", "omega_2", "omega_3", "omega_4", "omega_5"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {value}")
        lambda_ = self.reconstruction_lambda
        if not 0.0 < lambda_ < math.inf:
            raise ValueError(f"reconstruction_lambda must be positive and finite, got {lambda_}")
        for names in (("alpha", "beta"), ("omega_1", "omega_2"), ("omega_3", "omega_4", "omega_5")):
            total = sum(getattr(self, name) for name in names)
            if not math.isclose(total, 1.0, abs_tol=1e-6):
                values = " + ".join(str(getattr(self, name)) for name in names)
                raise ValueError(f"{' + '.join(names)} must be 1, got {values} = {total:g}")


@dataclasses.dataclass(frozen=True)
class Additions:
    """Settings beside equation (6); the defaults leave the paper's algorithm as it is.

    Attributes:
        condition: form of ŷ_u as a condition, "soft" (probabilities) or "hard" (one-hot).
        stop_condition_gradient: whether D's and S's condition ŷ_u carries no gradient to C and E.
        start_steps: iterations at the beginning without adversaries: E, D and C learn by (6)
            without G, Cg and Lg; S and L stand still.
        start_reconstruction_lambda: λ in that start, where R, learnt from every clip, outweighs Cl;
            0 for the one of afterwards.
        alter_labelled: whether Cl sees altered clips (`systems.augmentation`); S sees unaltered.
        alter_channel: whether altered clips, of Cl and of pseudo-labels, have other gains over
            frequency and another floor, too.
        generated_class_ramp_steps: iterations after the start over which the weight of Cg grows
            from 0, while x̂_g carries no class yet; 0 for its whole weight at once.
        generated_class_teaches_decoder: whether Cg moves D too: x̂_g is not held constant in (5).
        hold_generated_style: whether x̂_g = D(z′, y_r) moves D alone, its z′ being held constant.
        pseudo_labels: weight of the cross-entropy of altered x_u against the class that the
            averaged E and C find in the unaltered ones.
        pseudo_label_confidence: how sure of the class these must be, in [0, 1].
        pseudo_label_balance: how fast those classes are brought to the shares that they have among
            labelled clips (`ClassShares`); 0 for not at all.
        pseudo_label_balance_steps: iterations over which the balance fades; 0 for one that stays.
        pseudo_label_groups: groups of clips of one colour (`ColourGroups`), each balanced by
            itself; 1 for all together.
        sliced_wasserstein: weight of the sliced Wasserstein distance of z′ from the prior.
        class_independence: scale s of the class in that distance: (z′, s·ŷ) is matched to the prior
            beside s·ŷ of other clips, so that z′ must not tell the class; 0 leaves the class out.
        whitening: weight of the deviation of z′'s mean and covariance from 0 and I.
        recent_codes: how many recent z′ the distance, the whitening and L see beside the batch's.
        balance_losses: whether each term is divided by the norm of its gradient at the outputs of E
            and D, so that weights are shares of the gradient (EnCodec's balancer, arXiv
            2210.13438).
        pair_confidence: S's real pairs (x_u, ŷ_u) count only where ŷ_u is this sure, in [0, 1].
        reconstruction_emphasis: how much more loud bins weigh in R: exp(emphasis·x) for a bin x.
        magnitude_error: weight of the spectral convergence of reconstructed magnitudes.

    Raises:
        ValueError: a value is out of its range, or does nothing beside the others.
    """

    condition: str = "soft"
    stop_condition_gradient: bool = True
    start_steps: int = 0
    start_reconstruction_lambda: float = 0.0
    alter_labelled: bool = False
    alter_channel: bool = False
    generated_class_ramp_steps: int = 0
    generated_class_teaches_decoder: bool = False
    hold_generated_style: bool = False
    pseudo_labels: float = 0.0
    pseudo_label_confidence: float = 0.95
    pseudo_label_balance: float = 0.0
    pseudo_label_balance_steps: int = 0
    pseudo_label_groups: int = 1
    sliced_wasserstein: float = 0.0
    class_independence: float = 0.0
    whitening: float = 0.0
    recent_codes: int = 0
    balance_losses: bool = False
    pair_confidence: float = 0.0
    reconstruction_emphasis: float = 0.0
    magnitude_error: float = 0.0

    def __post_init__(self):
        if self.condition not in CONDITIONS:
            raise ValueError(f"condition must be 'soft' or 'hard', got {self.condition!r}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "condition" and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} must be finite and not negative, got {value}")
        for name in ("pseudo_label_confidence", "pair_confidence"):
            if getattr(self, name) > 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if self.pseudo_label_groups < 1:
            raise ValueError(
                f"pseudo_label_groups must be at least 1, got {self.pseudo_label_groups}"
            )
        changed = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        for part, wholes in _PARTS.items():
            if part in changed and not any(getattr(self, whole) for whole in wholes):
                raise ValueError(
                    f"{part}={changed[part]} does nothing without {' or '.join(wholes)}; give "
                    f"{wholes[0]} a value above 0 too"
                )
        for part, (other, value, why) in _WITHOUT_EFFECT.items():
            if part in changed and changed.get(other) == value:
                raise ValueError(
                    f"{part}={changed[part]} does nothing with {other}={value}, {why}; drop one"
                )
