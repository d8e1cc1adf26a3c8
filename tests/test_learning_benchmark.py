"""What `benchmarks.learning` trains."""

import pytest
from absl import flags

from benchmarks import learning
from gaae_tf.config import TrainConfig, define_flags


@pytest.mark.parametrize("group", learning.BASES)
def test_every_variant_is_a_configuration_of_its_own(group):
    found = []
    for name, added in learning.variants(group, steps=600).items():
        values = flags.FlagValues()
        define_flags(values)
        given = [f"--{flag}={value}" for flag, value in added.items()]
        values(
            [
                "train",
                f"--flagfile={learning.REPOSITORY / learning.BASES[group]}",
                f"--run_dir={name}",
                *given,
            ]
        )
        config = TrainConfig.from_flags(values)
        assert config.start_steps in (0, 200, 600)
        found.append(frozenset(added.items()))
    assert len(set(found)) == len(found)
