"""What workers do together; two processes over loopback, and one worker alone."""

import json
import pathlib
import socket
import threading
import time

import loopback
import pytest
import tensorflow as tf

from compare_gan_tf.errors import PeerLost, UserError
from compare_gan_tf.gan import connecting, distribution
from compare_gan_tf.gan.cluster import Cluster
from compare_gan_tf.gan.workers import Workers

HELPER = pathlib.Path(__file__).parents[1] / "helpers" / "meeting.py"


def test_two_workers_meet():
    ends = loopback.ends(loopback.start(lambda index: [HELPER, index]))
    assert [code for code, *_ in ends] == [0, 0], ends
    chief, other = (json.loads(said.splitlines()[-1]) for _, said, _ in ends)
    assert (chief["index"], chief["is_chief"]) == (0, True)
    assert (other["index"], other["is_chief"]) == (1, False)
    assert (chief["together"], other["together"]) == ("done", None)
    assert (chief["failed"], other["failed"]) == ("the disk is full", "the chief: the disk is full")
    for found in (chief, other):
        assert (found["number"], found["replicas"]) == (2, 2)
        assert found["highest"] == [1, 5]
        assert found["differs"] == (
            "the call of worker 1 differs from that of worker 0: seed = 1 | seed = 0;"
            " start all with the same command"
        )
        assert found["shared"] == [[pytest.approx(0.1), -2.0], 2**40, 7, True]


def test_one_worker_is_the_chief_and_waits_for_nobody():
    workers = Workers(tf.distribute.get_strategy())
    assert (workers.number, workers.index, workers.is_chief) == (1, 0, True)
    assert workers.together(lambda: 3) == 3
    assert workers.highest(15) == 15
    workers.require_same("a", "the call")
    variable = tf.Variable(2.0)
    workers.share([variable])
    assert variable.numpy() == 2.0


@pytest.mark.parametrize(
    ("error", "text", "kind"),
    [
        (tf.errors.UnavailableError, "Collective ops is aborted by: /job:worker/task:1", PeerLost),
        (tf.errors.InternalError, "Barrier failed because: heartbeat timeout", PeerLost),
        (tf.errors.UnavailableError, "the remote file system sleeps", tf.errors.UnavailableError),
        (tf.errors.InvalidArgumentError, "CollectiveReduceV2 shape", tf.errors.OpError),
    ],
)
def test_an_error_about_a_lost_worker_is_told_from_others(error, text, kind):
    workers = Workers(tf.distribute.get_strategy())
    workers.number = 2
    workers._strategy = type("S", (), {"cluster_resolver": Resolver})
    with pytest.raises(kind) as raised, workers.lost():
        raise error(None, None, text)
    if kind is PeerLost and "/job" in text:
        assert str(raised.value).startswith("contact with worker 1 (there:1) is lost")


class Resolver:
    task_type, task_id = "worker", 0

    @staticmethod
    def cluster_spec():
        return tf.train.ClusterSpec({"worker": ["here:1", "there:1"]})


# --- Before TensorFlow connects ----------------------------------------------------------------


def cluster(ports, index):
    return Cluster(
        {"worker": [f"127.0.0.1:{port}" for port in ports]}, "worker", index, "TF_CONFIG"
    )


def test_workers_wait_for_each_other():
    ports, done = loopback.free_ports(3), []

    def wait(index):
        connecting.wait_for_all(cluster(ports, index), 20)
        done.append(index)
        with socket.create_server(("127.0.0.1", ports[index])):  # as TensorFlow does then
            time.sleep(1)

    threads = [threading.Thread(target=wait, args=(index,)) for index in range(3)]
    for thread in threads[:2]:
        thread.start()
    time.sleep(0.5)
    assert not done
    threads[2].start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1, 2]


def test_a_worker_that_does_not_start_is_named():
    ports = loopback.free_ports(2)
    with pytest.raises(UserError) as raised:
        connecting.wait_for_all(cluster(ports, 0), 1)
    assert str(raised.value).startswith(
        f"worker 1 (127.0.0.1:{ports[1]}) has not started within 1 s (Connection refused):"
    )
    socket.create_server(("", ports[0])).close()  # the port is free again


def test_a_port_that_is_taken_is_named():
    ports = loopback.free_ports(2)
    with socket.create_server(("", ports[1])), pytest.raises(UserError) as raised:
        connecting.wait_for_all(cluster(ports, 1), 1)
    assert f"this is worker 1 (127.0.0.1:{ports[1]}), but port {ports[1]} cannot" in str(
        raised.value
    )


@pytest.mark.parametrize("text", ["0", "soon", "-1", "nan", "inf", "1e9"])
def test_a_wrong_number_of_seconds_is_refused(monkeypatch, text):
    monkeypatch.setenv(connecting.START, text)
    with pytest.raises(UserError, match=f"{connecting.START} = '{text}'"):
        connecting.connect(cluster([1, 2], 0))


# --- What the environment names ----------------------------------------------------------------


@pytest.fixture
def tf_config(monkeypatch):
    def set_it(role="worker", index=0, number=2):
        hosts = [f"here:{port}" for port in range(1, number + 1)]
        config = {"cluster": {"worker": hosts}, "task": {"type": role, "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))

    return set_it


def test_one_worker_is_trained_on_by_a_strategy_of_one_machine(tf_config):
    tf_config(number=1)
    assert distribution.get_strategy("auto").num_replicas_in_sync == 1
    with pytest.raises(UserError, match="TF_CONFIG names one worker: --strategy=mirrored"):
        distribution.get_strategy("multi_worker")


def test_without_names_there_are_no_workers():
    with pytest.raises(UserError, match="set TF_CONFIG or COMPARE_GAN_WORKERS, or start them by"):
        distribution.get_strategy("multi_worker")


@pytest.mark.parametrize("name", ["auto", "multi_worker"])
def test_an_evaluator_does_not_train(tf_config, name):
    tf_config(role="evaluator", number=1)
    with pytest.raises(UserError, match="evaluate --schedule=continuous_eval"):
        distribution.get_strategy(name)


def test_an_evaluation_is_of_one_worker(tf_config):
    tf_config()
    with pytest.raises(UserError, match="give --strategy=mirrored"):
        distribution.local_strategy()
    assert distribution.local_strategy("default").num_replicas_in_sync == 1
    tf_config(role="evaluator")
    assert distribution.local_strategy().num_replicas_in_sync == 1
