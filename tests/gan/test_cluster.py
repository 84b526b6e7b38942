"""The workers that the environment names. `scontrol show hostnames` expands lists of hosts so."""

import json

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import cluster

TWO = {"worker": ["a:1", "b:1"]}


def of_config(**config):
    return cluster.find({"TF_CONFIG": json.dumps(config)})


def test_nothing_names_no_worker():
    assert cluster.find({}) is None
    assert cluster.find({"TF_CONFIG": " ", "COMPARE_GAN_WORKERS": ""}) is None


def test_tf_config_names_the_workers():
    found = of_config(cluster=TWO, task={"type": "worker", "index": "1"})
    assert found == (TWO, "worker", 1, "TF_CONFIG")
    assert (found.size, found.leader) == (2, "worker")


def test_a_chief_leads():
    both = {"worker": ["a:1"], "chief": ["c:1"], "evaluator": ["e:1"]}
    found = of_config(cluster=both, task={"type": "worker", "index": 0})
    assert (found.size, found.leader) == (2, "chief")
    assert list(found.addresses) == ["chief", "worker"]
    assert of_config(cluster=both, task={"type": "evaluator", "index": 0}).role == "evaluator"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "TF_CONFIG is not JSON"),
        ("[" * 100_000, "TF_CONFIG is not JSON"),
        ("3", "TF_CONFIG is 3: it must have cluster and task"),
        ('{"task": {"type": "worker", "index": 0}}', "has the cluster null"),
        ('{"cluster": {}}', "has the cluster {}"),
        ('{"cluster": {"worker": []}}', "names no worker"),
        ('{"cluster": {"ps": ["a:1"]}}', "has tasks of type 'ps'"),
        ('{"cluster": {"worker": "a:1"}}', 'has "a:1" for worker: it must be a list'),
        ('{"cluster": {"worker": [1]}}', "has [1] for worker"),
        ('{"cluster": {"worker": ["a"]}}', "has the address 'a': it must be host:port"),
        ('{"cluster": {"worker": ["a:99999"]}}', "has the address 'a:99999'"),
        ('{"cluster": {"worker": ["a:1", "a:1"]}}', "has the address a:1 twice"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}}', "has 2 chiefs"),
        ('{"cluster": {"worker": ["a:1"]}}', "has the task null"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "it must have type and"),
    ],
)
def test_a_wrong_tf_config_is_one_clear_line(text, said):
    with pytest.raises(UserError) as raised:
        cluster.find({"TF_CONFIG": text})
    assert said in str(raised.value) and "\n" not in str(raised.value)
    assert "docs/machines.md" in str(raised.value)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"type": "chief", "index": 0}, 'the task type "chief", but cluster has worker'),
        ({"type": [], "index": 0}, "the task type [], but"),
        ({"type": "worker", "index": 2}, "the task index 2: for worker it is 0 to 1"),
        ({"type": "worker", "index": -1}, "the task index -1"),
        ({"type": "worker", "index": True}, "the task index true"),
        ({"type": "worker", "index": 0.5}, "the task index 0.5"),
        ({"type": "worker", "index": "one"}, 'the task index "one"'),
    ],
)
def test_a_wrong_task_is_one_clear_line(task, said):
    with pytest.raises(UserError) as raised:
        of_config(cluster=TWO, task=task)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("m5", ["m5"]),
        ("n[1-2],m5,o[3-4,6]", ["n1", "n2", "m5", "o3", "o4", "o6"]),
        ("n[08-10]", ["n08", "n09", "n10"]),
        ("r[1-2]n[1-2].lan", ["r1n1.lan", "r1n2.lan", "r2n1.lan", "r2n2.lan"]),
    ],
)
def test_ranges_of_hosts(text, hosts):
    assert cluster.expanded(text, "X") == hosts


@pytest.mark.parametrize("text", ["n[1-", "n1]", "n[2-1]", "n[a]", "n[]", ",", "a b", "n[0-99999]"])
def test_a_wrong_list_of_hosts_is_refused(text):
    with pytest.raises(UserError, match="X"):
        cluster.expanded(text, "X")


def test_a_list_names_the_workers():
    listed = {"COMPARE_GAN_WORKERS": "gan-[0-2].gan,[fe80::1]:9"}
    with pytest.raises(UserError):  # an address of IPv6 is no range
        cluster.find(listed | {"COMPARE_GAN_WORKER_INDEX": "0"})
    listed = {"COMPARE_GAN_WORKERS": "gan-[0-1].gan,c:9"}
    found = cluster.find(listed | {"JOB_COMPLETION_INDEX": "2"})  # of Kubernetes
    assert found.addresses == {"worker": ["gan-0.gan:2222", "gan-1.gan:2222", "c:9"]}
    assert (found.index, found.size, found.leader) == (2, 3, "worker")
    both = {"COMPARE_GAN_WORKER_INDEX": "1", "JOB_COMPLETION_INDEX": "2", "COMPARE_GAN_PORT": "80"}
    found = cluster.find(listed | both)
    assert (found.index, found.addresses["worker"][0]) == (1, "gan-0.gan:80")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "but not COMPARE_GAN_WORKER_INDEX"),
        ({"COMPARE_GAN_WORKER_INDEX": "2"}, "COMPARE_GAN_WORKER_INDEX is 2, but .* 2 addresses"),
        ({"JOB_COMPLETION_INDEX": "7"}, "JOB_COMPLETION_INDEX is 7"),
        ({"COMPARE_GAN_WORKER_INDEX": "x"}, "COMPARE_GAN_WORKER_INDEX = 'x'"),
        ({"COMPARE_GAN_WORKER_INDEX": "0", "COMPARE_GAN_PORT": "0"}, "address 'a:0'"),
    ],
)
def test_a_wrong_index_is_refused(more, said):
    with pytest.raises(UserError, match=said):
        cluster.find({"COMPARE_GAN_WORKERS": "a,b"} | more)


SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_NUM_TASKS": "5",
    "SLURM_STEP_NODELIST": "n[1-2],m",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
    "SLURM_PROCID": "3",
    "SLURM_NODEID": "1",
}


def test_a_step_of_slurm_names_the_workers():
    found = cluster.find(SLURM)
    first = 12_000 + 7 * 16
    hosts = [f"n1:{first}", f"n1:{first + 1}", f"n2:{first}", f"n2:{first + 1}", f"m:{first}"]
    assert found == ({"worker": hosts}, "worker", 3, "the SLURM step")
    assert cluster.find(SLURM, of_slurm=False) is None
    assert cluster.find(SLURM | {"COMPARE_GAN_PORT": "80"}).addresses["worker"][1] == "n1:81"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"SLURM_NODEID": "0"}, "give srun --distribution=block"),
        ({"SLURM_PROCID": "5", "SLURM_NODEID": "2"}, "give srun --distribution=block"),
        ({"SLURM_PROCID": ""}, "SLURM_PROCID is not set: start the workers by srun"),
        ({"SLURM_STEP_TASKS_PER_NODE": "2x2"}, "SLURM_STEP_TASKS_PER_NODE = '2x2'"),
        ({"SLURM_STEP_TASKS_PER_NODE": "5"}, "3 nodes, and tasks for 1"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(more, said):
    with pytest.raises(UserError, match=said):
        cluster.find(SLURM | more)
