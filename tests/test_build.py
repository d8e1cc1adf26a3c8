import pytest

from gaae_tf.training.build import LinearDecay


@pytest.mark.parametrize(
    ("update", "expected"), [(0, 0.2), (500, 0.2), (750, 0.1), (1000, 0.0), (1100, 0.0)]
)
def test_linear_decay_holds_for_half_and_ends_at_zero(update, expected):
    assert float(LinearDecay(0.2, 1000)(update)) == pytest.approx(expected)
