"""The batches of an iteration, and means over them, whose parts are on several replicas."""

from __future__ import annotations

import tensorflow as tf


def batch_mean(values):
    """Mean over the global batch of one value an example: this replica's share of it."""
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    return tf.reduce_mean(values) / replicas


def over_replicas(shares):
    """Sums each replica's share of the means."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, shares)


def share_batch_statistics(network):
    """Has a network normalise by the statistics of the global batch, not of each replica's."""
    for layer in network._flatten_layers():
        if hasattr(layer, "replica_mean"):
            layer.replica_mean = _mean_over_replicas


def _mean_over_replicas(values):
    """Mean of an array over the replicas; its gradient is the mean of theirs."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def split_batches(batches: tuple) -> tuple[tuple, tuple]:
    """The k batches of an iteration's discriminator updates, and the one of the last update.

    Raises:
        ValueError: there are fewer than two.
    """
    if len(batches) < 2:
        raise ValueError(f"train_step needs k + 1 >= 2 batches, got {len(batches)}")
    return batches[:-1], batches[-1]  # AutoGraph would mistake a starred assignment


def mean_logs(updates: list[dict]) -> dict:
    """Means of what several updates report."""
    return {name: sum(update[name] for update in updates) / len(updates) for name in updates[0]}
