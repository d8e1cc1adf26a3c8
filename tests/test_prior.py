import numpy as np
import pytest

from gaae_tf.evaluation.measures.prior import STYLES, prior_figures


def test_draws_of_the_prior_are_like_draws_of_the_prior():
    codes = np.random.default_rng(5).normal(size=(2000, 8))
    found = prior_figures({"guided": np.zeros((2000, 3)), "style": codes}, "style")
    assert found["code"] == "style"
    rank = found["effective_rank"]
    assert (rank["clips"], rank["dimensions"]) == (2000, 8)
    assert rank["value"] == pytest.approx(rank["of_prior_draws"], rel=0.01)
    assert rank["of_prior_draws"] == pytest.approx(16000 / 2008)
    assert found["standard_deviation"]["value"] == pytest.approx(1.0, abs=0.02)
    assert found["share_of_eigenvalues_within_a_factor_of_3"]["value"] == 1.0
    distance = found["distance_from_prior"]
    assert distance["value"] < 2.0 * distance["of_prior_draws"]
    assert "class_share_of_output" not in found


def test_codes_in_one_direction_are_not():
    codes = 3.0 * np.random.default_rng(5).normal(size=(500, 1)) * np.eye(8)[:1]
    found = prior_figures({"latent": codes}, "latent")
    assert found["code"] == "latent"
    assert found["effective_rank"]["value"] == pytest.approx(1.0)
    assert found["share_of_eigenvalues_within_a_factor_of_3"]["value"] == 0.0
    distance = found["distance_from_prior"]
    assert distance["value"] > 20.0 * distance["of_prior_draws"]


def test_the_class_s_share_of_the_output_is_of_the_same_styles_in_every_class():
    class Decoder:
        classes = ("a", "b")

        def generate_spectrograms(self, labels, seed, first):
            # Of variance 1 by style, over even numbers, and 0.25 by class.
            style = np.where((np.arange(len(labels)) + first) % 2, 1.0, -1.0)
            of_class = np.array([0.5 if label == "a" else -0.5 for label in labels])
            return np.tile((style + of_class)[:, None, None, None], (1, 4, 4, 1))

    found = prior_figures({"style": np.zeros((9, 2))}, "style", Decoder())["class_share_of_output"]
    assert found["value"] == pytest.approx(0.25 / 1.25)
    assert (found["styles"], found["classes"]) == (STYLES, 2)


def test_what_cannot_be_had_says_why():
    found = prior_figures({"features": np.zeros((1, 4))}, "features")
    assert found["effective_rank"]["value"] is None
    assert "at least 2" in found["effective_rank"]["reason"]
    assert prior_figures({"guided": np.zeros((5, 4))}, None) is None
