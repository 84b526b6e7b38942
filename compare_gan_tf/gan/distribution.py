"""Distribution over devices: the strategy of a run, and how its replicas share the data."""

import os

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import keras_insides


def get_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """Makes a strategy.

    Args:
      name: "default" is one device; "mirrored" all local GPUs; "tpu" the TPU of TPU_NAME, or the
        local one; "auto" is the first of tpu (if TPU_NAME is set), mirrored (if there are several
        GPUs) and default that applies.

    Raises:
      UserError: the name is none of these, there is no TPU to reach, or TF_CONFIG asks for several
        workers, which is not supported yet.
    """
    if os.environ.get("TF_CONFIG"):
        raise UserError("TF_CONFIG is set but several workers are not supported yet: unset it")
    if name not in STRATEGIES:
        raise UserError(f"unknown strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return _MAKERS[name]()


def name_of(strategy: tf.distribute.Strategy) -> str:
    """The strategy's name in the manifest: "default", or its class."""
    name = type(strategy).__name__
    return "default" if name == keras_insides.DEFAULT_STRATEGY else name


def _applicable() -> tf.distribute.Strategy:
    if os.environ.get("TPU_NAME"):
        return _tpu()
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def _tpu():
    address = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(address)
    except (ValueError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"no TPU at {address!r} ({reason}): set TPU_NAME, or take the default strategy "
            "(--strategy=default)"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


_MAKERS = {
    "auto": _applicable,
    "default": lambda: tf.distribute.get_strategy(),
    "mirrored": lambda: tf.distribute.MirroredStrategy(),
    "tpu": _tpu,
}
STRATEGIES = tuple(_MAKERS)


def check_batch_size(
    strategy: tf.distribute.Strategy, batch_size: int, name: str = "train.batch_size"
):
    """Refuses a global batch that the replicas cannot share evenly.

    Args:
      strategy: the strategy of the run.
      batch_size: global number of reals.
      name: of the setting, for the message.

    Raises:
      UserError: the number of replicas does not divide the batch size.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size < 1 or batch_size % replicas:
        nearest = max(1, round(batch_size / replicas)) * replicas
        raise UserError(
            f"{name} = {batch_size} does not divide among {replicas} replicas: use {nearest}"
        )


def keep_sums_in_pairs(keep: bool):
    """Sets whether sums of many terms stay sums of pairs, for the whole process.

    `passes.gradients` makes sums of pairs, which give the same bits in every call. TensorFlow's
    graph optimiser would merge them into one AddN, whose order of summation is random. Without
    that optimiser a small training step takes about 6 % longer.
    """
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": not keep})


def distribute(strategy: tf.distribute.Strategy, batches) -> tf.data.Dataset:
    """Distributes batches among the replicas.

    Args:
      strategy: the strategy of the run.
      batches: function (replicas=, first_replica=, local_replicas=) -> the `tf.data.Dataset` of
        these replicas, see `pipeline.batches`.

    Returns:
      What `fit` takes.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches(replicas=1, first_replica=0, local_replicas=1)

    def of_worker(context):
        local = replicas // context.num_input_pipelines
        return batches(
            replicas=replicas,
            first_replica=context.input_pipeline_id * local,
            local_replicas=local,
        )

    return strategy.distribute_datasets_from_function(of_worker)
