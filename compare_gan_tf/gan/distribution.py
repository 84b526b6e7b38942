"""Distribution over devices: the strategy of a run, and how its replicas share the data."""

import os

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import cluster, connecting
from compare_gan_tf.settings import keras_insides


def get_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """Makes a strategy. Nothing may have been computed by TensorFlow in the process before.

    Args:
      name: "default" is one device; "mirrored" all local GPUs; "multi_worker" all GPUs of all
        workers of `cluster.find`; "tpu" the TPU of TPU_NAME, or the local one; "auto" is the first
        that applies of tpu (if TPU_NAME is set), multi_worker (if TF_CONFIG or COMPARE_GAN_WORKERS
        names several workers), mirrored (if there are several GPUs) and default.

    Raises:
      UserError: the name is none of these, there is no TPU to reach, or not all workers.
    """
    if name not in STRATEGIES:
        raise UserError(f"unknown strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return _MAKERS[name]()


def local_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """As `get_strategy`, for work that one worker does alone, such as an evaluation.

    Raises:
      UserError: there are several workers, or see `get_strategy`.
    """
    found = cluster.find(of_slurm=False) if name == "auto" else None
    if found and found.role == "evaluator":  # which is alone with its machine
        return _tpu() if os.environ.get("TPU_NAME") else _of_machine()
    if name == "multi_worker" or (found and found.size > 1):
        raise UserError(
            "one worker computes scores: give --strategy=mirrored, for all GPUs of this machine, or"
            " --strategy=default, in a job of one task"
        )
    return get_strategy(name)


def name_of(strategy: tf.distribute.Strategy) -> str:
    """The strategy's name in the manifest: "default", or its class."""
    name = type(strategy).__name__
    return "default" if name == keras_insides.DEFAULT_STRATEGY else name


def _applicable() -> tf.distribute.Strategy:
    if os.environ.get("TPU_NAME"):
        return _tpu()
    found = cluster.find(of_slurm=False)
    if found and (found.size > 1 or found.role == "evaluator"):
        return _connected(found)
    return _of_machine()


def _of_machine() -> tf.distribute.Strategy:
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def _multi_worker() -> tf.distribute.Strategy:
    found = cluster.find()
    if found is None:
        raise UserError(
            f"no workers are named: set TF_CONFIG or {cluster.ADDRESSES}, or start them by srun;"
            f" {cluster.DOCS}"
        )
    if found.size == 1 and found.role != "evaluator":
        raise UserError(
            f"{found.source} names one worker: --strategy=mirrored uses all GPUs of one machine"
        )
    return _connected(found)


def _connected(found: cluster.Cluster) -> tf.distribute.Strategy:
    if found.role == "evaluator":
        raise UserError(
            "TF_CONFIG makes this process the evaluator: it runs compare-gan evaluate"
            " --schedule=continuous_eval, and the workers train"
        )
    return connecting.connect(found)


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
    "multi_worker": _multi_worker,
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

    # Else the size of a batch would be unknown: no batch of ours is smaller than the others.
    strategy.extended.experimental_enable_get_next_as_optional = False
    return strategy.distribute_datasets_from_function(of_worker)
