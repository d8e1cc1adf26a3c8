"""What may be added to Algorithm 1: each does what its name says, and none is there unasked."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_gaae import CLASSES, NETWORKS, batches, changed, tiny_model, weights

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.systems.additions import (
    LARGEST_OFFSET,
    ClassShares,
    LossBalance,
    RecentCodes,
    distance_from_prior,
    felt_by_batch,
)
from gaae_tf.systems.gaae import GAAE
from gaae_tf.systems.settings import Additions

ALL = Additions(
    start_steps=1,
    alter_labelled=True,
    alter_channel=True,
    generated_class_ramp_steps=4,
    generated_class_teaches_decoder=True,
    hold_generated_style=True,
    pseudo_labels=0.5,
    pseudo_label_confidence=0.2,
    pseudo_label_balance=0.1,
    pseudo_label_balance_steps=8,
    pseudo_label_groups=2,
    sliced_wasserstein=0.7,
    class_independence=3.0,
    whitening=0.1,
    recent_codes=10,
    balance_losses=True,
    pair_confidence=0.34,
    reconstruction_emphasis=2.0,
    magnitude_error=0.1,
)
ADDED = {"sliced_wasserstein", "whitening", "pseudo_labels", "magnitude_error"}


def with_everything(optimizer=lambda: keras.optimizers.Adam(1e-3, beta_1=0.5)):
    keras.utils.set_random_seed(1)
    size = {"bins": 16, "frames": 8, "channels": 2, "non_local_bins": 8}
    model = GAAE(
        Encoder(**size, guided_dim=5, style_dim=6, style_pooling="frames", frequency_axis="log"),
        Decoder(
            **size, classes=CLASSES, style_dim=6, class_biases="orthogonal", frequency_axis="log"
        ),
        LatentClassifier(CLASSES, 5),
        SampleDiscriminator(**size, classes=CLASSES),
        LatentDiscriminator(6, classes=CLASSES, spectral_norm=True),
        additions=ALL,
    )
    model.compile(optimizer(), optimizer(), optimizer())
    return model


def test_nothing_is_added_unless_it_is_asked_for():
    model = tiny_model()
    assert set(model.train_step(batches())) == set(GAAE.LOG_NAMES)
    assert set(model.memory) == {"rate_scale"}
    assert model.start_steps == 0


def test_everything_together_trains_and_reports_what_it_adds():
    model = with_everything()
    logs = model.start_step(batches())
    assert set(logs) == {"EDC", "R", "Cl", "gradient_norm_EDC"} | ADDED
    logs = model.train_step(batches(seed=1))
    assert set(logs) == set(model.LOG_NAMES) == set(GAAE.LOG_NAMES) | ADDED
    assert all(np.isfinite(float(value)) for value in logs.values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sliced_wasserstein": -1.0}, "sliced_wasserstein must be finite and not negative"),
        ({"condition": "other"}, "condition must be 'soft' or 'hard', got 'other'"),
        ({"whitening": float("inf")}, "whitening must be finite"),
        ({"pseudo_label_confidence": 1.5}, r"pseudo_label_confidence must be in \[0, 1\], got 1.5"),
        ({"pseudo_label_groups": 0}, "pseudo_label_groups must be at least 1, got 0"),
        ({"start_reconstruction_lambda": 2.0}, "=2.0 does nothing without start_steps; give"),
        ({"pseudo_label_balance": 0.1}, "=0.1 does nothing without pseudo_labels; give"),
        ({"pseudo_label_balance_steps": 9}, "=9 does nothing without pseudo_label_balance; give"),
        ({"pseudo_label_groups": 5}, "=5 does nothing without pseudo_label_balance; give"),
        ({"class_independence": 3.0}, "=3.0 does nothing without sliced_wasserstein; give"),
        (
            {"alter_channel": True},
            "=True does nothing without alter_labelled or pseudo_labels; give alter_labelled",
        ),
        ({"pseudo_label_confidence": 0.9}, "=0.9 does nothing without pseudo_labels; give"),
        (
            {"pair_confidence": 0.9, "condition": "hard"},
            "pair_confidence=0.9 does nothing with condition=hard, whose classes are all certain",
        ),
        (
            {"stop_condition_gradient": False, "condition": "hard"},
            "stop_condition_gradient=False does nothing with condition=hard, which has no gradient",
        ),
        (
            {"start_steps": 9, "start_reconstruction_lambda": 2.0, "balance_losses": True},
            "start_reconstruction_lambda=2.0 does nothing with balance_losses=True",
        ),
    ],
)
def test_additions_out_of_range_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        Additions(**values)


@pytest.mark.parametrize("term", ["Cl", "pseudo_labels"])
def test_another_channel_is_heard_by_each_term_of_altered_clips(term):
    values = []
    for asked in (False, True):
        additions = Additions(
            alter_labelled=True,
            alter_channel=asked,
            pseudo_labels=1.0,
            pseudo_label_confidence=0.0,
        )
        values.append(float(tiny_model(additions=additions).train_step(batches())[term]))
    assert abs(values[0] - values[1]) > 1e-5


def test_the_start_moves_e_d_and_c_alone_once_a_batch():
    model = tiny_model(additions=Additions(start_steps=5))
    before = weights(model)
    model.start_step(batches(3))
    assert changed(before, weights(model)) == {"encoder", "decoder", "classifier"}
    assert int(model.autoencoder_optimizer.iterations) == 3
    assert int(model.step) == 1


def test_the_start_is_equation_6_without_its_adversaries():
    logs = tiny_model(additions=Additions(start_steps=1)).start_step(batches(1))
    expected = 0.5 * 0.4 * 20.0 * float(logs["R"]) + 0.5 * 0.25 * float(logs["Cl"])
    assert float(logs["EDC"]) == pytest.approx(expected, rel=1e-5)


def test_the_start_has_its_own_lambda_where_one_is_given():
    additions = Additions(start_steps=1, start_reconstruction_lambda=2.0)
    logs = tiny_model(additions=additions).start_step(batches(1))
    expected = 0.5 * 0.4 * 2.0 * float(logs["R"]) + 0.5 * 0.25 * float(logs["Cl"])
    assert float(logs["EDC"]) == pytest.approx(expected, rel=1e-5)
    logs = tiny_model(additions=additions).train_step(batches())
    guidance = 0.25 * float(logs["Cl"]) + 0.25 * float(logs["Cg"]) + 0.5 * float(logs["Lg"])
    generation = 0.6 * float(logs["G"]) + 0.4 * 20.0 * float(logs["R"])
    assert float(logs["EDC"]) == pytest.approx(0.5 * (generation + guidance), rel=1e-5)


def test_added_terms_join_the_total_by_their_weights():
    model = tiny_model(additions=Additions(sliced_wasserstein=0.7, magnitude_error=0.2))
    logs = {name: float(value) for name, value in model.train_step(batches()).items()}
    paper = 0.5 * (0.6 * logs["G"] + 0.4 * 20 * logs["R"]) + 0.5 * (
        0.25 * logs["Cl"] + 0.25 * logs["Cg"] + 0.5 * logs["Lg"]
    )
    added = 0.7 * logs["sliced_wasserstein"] + 0.2 * logs["magnitude_error"]
    assert logs["EDC"] == pytest.approx(paper + added, rel=1e-5)


def test_cg_moves_the_decoder_only_where_it_may():
    generated = tf.constant([1.0])
    for teaches in (False, True):
        model = tiny_model(additions=Additions(generated_class_teaches_decoder=teaches))
        with tf.GradientTape() as tape:
            tape.watch(generated)
            heard = model._heard(generated)
        assert (tape.gradient(heard, generated) is not None) == teaches


def test_held_styles_of_generated_clips_leave_the_encoder_to_reconstructions():
    slopes = {}
    style = tf.constant(np.random.default_rng(0).normal(size=(64, 6)), tf.float32)
    labels = tf.one_hot(np.arange(64) % CLASSES, CLASSES)
    for held in (False, True):
        model = tiny_model(additions=Additions(hold_generated_style=held))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(style)
            both = [tf.reduce_sum(x[0]) for x in model._decode(style, labels, labels)]
        # Of the first clips to their own code; others reach them through batch statistics alone.
        slopes[held] = [float(tf.norm(tape.gradient(x, style)[0])) for x in both]
    assert slopes[False][1] > 0.5 * slopes[False][0]
    assert slopes[True][1] < 0.2 * slopes[True][0]


def test_cl_sees_altered_clips_and_s_does_not(monkeypatch):
    model = tiny_model(additions=Additions(alter_labelled=True))
    x_u, x_l, y_l = batches(1)[0]
    assert not np.allclose(model._altered(x_l, 0), x_l)
    assert np.array_equal(model._altered(x_l, 0), model._altered(x_l, 0))  # of (seed, step, draw)
    seen = []
    plain = model.sample_discriminator.call

    def spy(spectrograms, *arguments, **kwargs):
        seen.append(spectrograms)
        return plain(spectrograms, *arguments, **kwargs)

    monkeypatch.setattr(model.sample_discriminator, "call", spy)
    model._update_discriminators((x_u, x_l, y_l), draw=0)
    assert np.array_equal(seen[0][4:8], x_l)


def test_the_weight_of_cg_grows_after_the_start():
    model = tiny_model(additions=Additions(start_steps=2, generated_class_ramp_steps=4))
    shares = []
    for step in (2, 3, 5, 9):
        model.step.assign(step)
        shares.append(float(model._ramp()))
    assert shares == [0.25, 0.5, 1.0, 1.0]


def test_pairs_of_an_unsure_class_do_not_count():
    model = tiny_model(additions=Additions(pair_confidence=0.6))
    y_u = tf.constant([[0.9, 0.1, 0.0], [0.5, 0.3, 0.2], [0.0, 0.3, 0.7]])
    mean = model._confident_mean(tf.constant([1.0, 50.0, 3.0]), y_u)
    assert float(mean) == pytest.approx(2.0)
    assert float(model._confident_mean(tf.ones([2]), tf.fill([2, 2], 0.5))) == 0.0  # not NaN


def test_classes_found_too_often_give_way_where_the_teacher_is_least_sure():
    """A teacher calls half of the twos four, if less surely than real fours."""
    shares = ClassShares(3, rate=0.1)
    sure, doubtful = [0.0, 0.0, 6.0], [0.0, 2.0, 3.0]  # four; two, taken for four
    logits = tf.constant(
        [[6.0, 0.0, 0.0]] * 4 + [[0.0, 6.0, 0.0]] * 2 + [doubtful] * 2 + [sure] * 4
    )
    labels = tf.one_hot(np.arange(12) % 3, 3)
    first = shares.probabilities(logits, labels, step=0)
    np.testing.assert_allclose(first, tf.nn.softmax(logits))
    assert np.bincount(np.argmax(first, axis=1)).tolist() == [4, 2, 6]
    for _ in range(600):
        last = shares.probabilities(logits, labels, step=0)
    assert np.bincount(np.argmax(last, axis=1)).tolist() == [4, 4, 4]
    assert np.argmax(last, axis=1)[6:8].tolist() == [1, 1]
    np.testing.assert_allclose(np.mean(last, axis=0), 1.0 / 3.0, atol=0.02)


def test_classes_keep_uneven_shares_of_labels():
    shares = ClassShares(2, rate=0.1)
    labels = tf.one_hot([0, 0, 0, 1], 2)
    logits = tf.constant([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    for _ in range(1000):
        found = shares.probabilities(logits, labels, step=0)
    np.testing.assert_allclose(np.mean(found, axis=0), [0.75, 0.25], atol=0.01)
    assert float(tf.reduce_sum(shares.offsets)) == pytest.approx(0.0, abs=1e-4)


def test_each_group_of_clips_gets_the_shares_of_labels_by_itself():
    # Both speakers' classes together have the shares of labels already: one balance does nothing.
    firm, doubtful, other = [6.0, 0.0], [2.0, 1.0], [0.0, 6.0]
    logits = tf.constant([firm] * 2 + [doubtful] * 2 + [other] * 2 + [doubtful[::-1]] * 2)
    right = [0, 0, 1, 1, 1, 1, 0, 0]
    labels = tf.one_hot([0, 1] * 4, 2)
    speakers = tf.one_hot([0] * 4 + [1] * 4, 2)
    one, two = ClassShares(2, rate=0.1), ClassShares(2, rate=0.1, groups=2)
    for _ in range(600):
        together = one.probabilities(logits, labels, step=0)
        apart = two.probabilities(logits, labels, step=0, groups=speakers)
    np.testing.assert_allclose(together, tf.nn.softmax(logits), atol=1e-3)
    assert np.argmax(apart, axis=1).tolist() == right
    for speaker in (apart[:4], apart[4:]):
        np.testing.assert_allclose(np.mean(speaker, axis=0), 0.5, atol=0.02)


def test_one_group_moves_as_the_mean_of_the_batch_does():
    random = np.random.default_rng(0)
    logits = tf.constant(random.standard_normal((8, 3)), tf.float32)
    shares = ClassShares(3, rate=0.1)
    found = shares.probabilities(logits, tf.one_hot(np.arange(8) % 3, 3), step=0)
    expected = 0.99 / 3 + 0.01 * np.mean(found, axis=0)
    np.testing.assert_allclose(shares.found[0], expected, atol=1e-6)


def test_offsets_of_classes_are_bounded_where_a_firm_teacher_leaves_nothing_to_cross():
    shares = ClassShares(3, rate=0.1)
    firm = tf.constant([[30.0, 0.0, 0.0]] * 2 + [[0.0, 0.0, 30.0]] * 4)  # no two is found
    for _ in range(100):
        found = shares.probabilities(firm, tf.one_hot(np.arange(6) % 3, 3), step=0)
    assert np.max(np.abs(shares.offsets)) == LARGEST_OFFSET
    assert np.argmax(found, axis=1).tolist() == [0, 0, 2, 2, 2, 2]


def test_the_bound_of_offsets_falls_to_nothing_over_the_steps_asked_for():
    model = with_everything()
    assert model.class_shares.steps == 8
    for step, bound in ((0, LARGEST_OFFSET), (6, 0.25 * LARGEST_OFFSET), (8, 0.0), (9, 0.0)):
        model.class_shares.offsets.assign([[9.0, 0.0, -9.0]] * 2)
        model.step.assign(step)
        model.train_step(batches())
        assert np.max(np.abs(model.class_shares.offsets)) == pytest.approx(bound)


def test_recent_codes_are_the_newest_first_and_no_more_than_there_are():
    recent = RecentCodes(3, 1)
    assert recent.with_batch(tf.constant([[9.0]])).numpy().tolist() == [[9.0]]
    recent.push(tf.constant([[1.0], [2.0]]))
    assert recent.with_batch(tf.constant([[9.0]])).numpy().ravel().tolist() == [9.0, 1.0, 2.0]
    recent.push(tf.constant([[3.0], [4.0]]))
    assert recent.with_batch(tf.constant([[9.0]])).numpy().ravel().tolist() == [9.0, 3.0, 4.0, 1.0]


def test_recent_codes_take_nothing_from_the_gradient_of_the_batch():
    own, recent = tf.constant([[2.0], [4.0]]), tf.constant([[0.0]] * 6)
    with tf.GradientTape() as tape:
        tape.watch(own)
        codes = tf.concat([own, recent], axis=0)
        mean = felt_by_batch(tf.reduce_mean(codes**2), codes, tf.constant(2))
    assert float(mean) == pytest.approx((4.0 + 16.0) / 8)
    assert tape.gradient(mean, own).numpy().ravel() == pytest.approx([2.0, 4.0])  # 2x / 2


def test_balanced_terms_have_gradients_of_norm_one_at_their_outputs():
    balance = LossBalance(("large", "small"))
    x = tf.constant([3.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        terms = {"large": 100.0 * tf.reduce_sum(x * x), "small": 0.01 * tf.reduce_sum(x * x)}
        balanced = balance.balanced(tape, terms, {"large": [x], "small": [x]})
    for name in terms:
        assert float(tf.norm(tape.gradient(balanced[name], x))) == pytest.approx(1.0, rel=1e-5)


def test_the_distance_is_small_for_the_prior_and_tells_a_class_in_the_codes():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 4000)
    classes = tf.one_hot(labels, CLASSES)
    prior = rng.normal(size=(4000, 3)).astype("float32")
    # Each class has its own mean in the first dimension; all together have mean 0, deviation 1.
    telling = prior.copy()
    telling[:, 0] = 0.5 * prior[:, 0] + np.sqrt(0.75 * 1.5) * (labels - 1.0)
    key = tf.constant([1, 2], tf.int64)

    def distance(codes, scale):
        return float(distance_from_prior(tf.constant(codes), classes, scale, key))

    assert distance(prior, 0.0) < 0.01
    assert distance(prior, 3.0) < 0.02
    assert distance(telling, 3.0) > 5 * distance(telling, 0.0)


def test_a_latent_discriminator_with_classes_sees_them():
    network = LatentDiscriminator(4, classes=3)
    style = np.ones((3, 4), "float32")
    scores = np.asarray(network(style, np.eye(3, dtype="float32"))).ravel()
    assert len(set(scores.tolist())) == 3


def test_layers_of_a_spectrally_normalised_latent_discriminator_stretch_nothing():
    network = LatentDiscriminator(4, spectral_norm=True)
    network.hidden[0].kernel.assign(7.0 * network.hidden[0].kernel)
    style = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    for _ in range(50):
        network(style, training=True)
    largest = np.linalg.norm(np.asarray(network.hidden[0].spectral_kernel()), 2)
    assert largest == pytest.approx(1.0, abs=0.01)


def test_what_is_remembered_is_in_checkpoints(tmp_path):
    from gaae_tf.run.checkpoints import Checkpoints

    model = with_everything()
    model.start_step(batches())
    model.train_step(batches(seed=1))
    Checkpoints(tmp_path, model, keep=1).save()
    other = with_everything()
    assert Checkpoints(tmp_path, other, keep=1).restore() == 2
    assert set(model.memory) > {"rate_scale", "recent_codes", "class_offsets", "balance_R"}
    for name, variable in model.memory.items():
        assert np.array_equal(variable, other.memory[name]), name
    again, then = with_everything_stepped(model), with_everything_stepped(other)
    for name in again:
        assert np.array_equal(again[name], then[name]), name


def with_everything_stepped(model):
    return {name: value.numpy() for name, value in model.train_step(batches(seed=2)).items()}


def test_networks_stay_in_the_order_of_their_names():
    assert tuple(with_everything().NETWORKS) == NETWORKS
