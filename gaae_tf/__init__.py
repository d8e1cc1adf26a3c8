"""gaae_tf: Guided Adversarial Autoencoders for audio, in Keras 3 and TensorFlow."""

__version__ = "0.1.0"
