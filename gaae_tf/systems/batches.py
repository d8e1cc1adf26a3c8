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
        if hasattr(layer, "of_replicas"):
            layer.of_replicas = _of_replicas


def _of_replicas(values):
    """The arrays of all replicas, stacked; gradients find their way back."""
    context = tf.distribute.get_replica_context()
    # Each adds its own to rows of zeros: one exchange, where gathering takes two.
    own = tf.one_hot(context.replica_id_in_sync_group, context.num_replicas_in_sync)
    rows = tf.tensordot(own, values, axes=0)
    return context.all_reduce(tf.distribute.ReduceOp.SUM, rows)


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
