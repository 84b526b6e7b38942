"""The workers of a job, as TF_CONFIG, a list of addresses, or SLURM names them."""

import json
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from compare_gan_tf.errors import UserError

ADDRESSES = "COMPARE_GAN_WORKERS"  # of all workers, as "gan-[0-3].gan:2222"
INDEX = "COMPARE_GAN_WORKER_INDEX"  # of this one
PORT = "COMPARE_GAN_PORT"  # where addresses have none
_INDEX_OF_JOB = "JOB_COMPLETION_INDEX"  # Kubernetes sets it in the pods of an indexed job
_PORT = 2222
_ROLES = ("chief", "worker")  # of TF_CONFIG that train; without a chief, worker 0 is the chief
_RANGE = re.compile(r"\[([^\]]*)\]")
DOCS = "see docs/machines.md"


class Cluster(NamedTuple):
    """The workers of a job.

    Attributes:
      addresses: {"chief" or "worker": ["host:port", ...]}.
      role: of this worker, or "evaluator".
      index: of this worker among those of its role.
      source: what named them, for messages.
    """

    addresses: dict[str, list[str]]
    role: str
    index: int
    source: str

    @property
    def size(self) -> int:
        """The number of workers."""
        return sum(len(hosts) for hosts in self.addresses.values())

    @property
    def leader(self) -> str:
        """The role of worker 0, which leads the others."""
        return "chief" if self.addresses.get("chief") else "worker"


def find(environment: Mapping[str, str] = os.environ, *, of_slurm: bool = True) -> Cluster | None:
    """The workers that the environment names: in TF_CONFIG, else in our variables, else in SLURM's.

    Args:
      environment: variables.
      of_slurm: whether to read SLURM's variables.

    Returns:
      None if there are none. TF_CONFIG may say that this process is an evaluator, which is no
      worker: then `role` is "evaluator".

    Raises:
      UserError: the variables contradict each other, or have wrong values.
    """
    if environment.get("TF_CONFIG", "").strip():
        return _of_tf_config(environment["TF_CONFIG"])
    if environment.get(ADDRESSES, "").strip():
        return _of_list(environment)
    if of_slurm and "SLURM_STEP_NUM_TASKS" in environment:
        return _of_slurm(environment)
    return None


# --- TF_CONFIG --------------------------------------------------------------------------------


def _of_tf_config(text: str) -> Cluster | None:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise _wrong(f"is {_short(config)}: it must have cluster and task")
    addresses = _tasks(config.get("cluster"))
    task = config.get("task")
    if not isinstance(task, dict) or not {"type", "index"} <= task.keys():
        raise _wrong(f"has the task {_short(task)}: it must have type and index, of this worker")
    role, index = task["type"], _whole(task["index"])
    if role == "evaluator":
        return Cluster(addresses, role, index or 0, "TF_CONFIG")
    if not isinstance(role, str) or role not in addresses:
        raise _wrong(f"has the task type {_short(role)}, but cluster has {_listed(addresses)}")
    if index is None or index >= len(addresses[role]):
        last = len(addresses[role]) - 1
        raise _wrong(f"has the task index {_short(task['index'])}: for {role} it is 0 to {last}")
    return Cluster(addresses, role, index, "TF_CONFIG")


def _tasks(cluster) -> dict[str, list[str]]:
    """{role: addresses} of the tasks that train."""
    if not isinstance(cluster, dict) or not cluster:
        raise _wrong(
            f"has the cluster {_short(cluster)}: it must have the addresses of the workers"
        )
    others = sorted(str(role) for role in cluster if role not in (*_ROLES, "evaluator"))
    if others:
        raise _wrong(f"has tasks of type {others[0]!r}: all that train are workers, one the chief")
    found = {role: cluster[role] for role in _ROLES if cluster.get(role)}
    for role, hosts in found.items():
        if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
            raise _wrong(f"has {_short(hosts)} for {role}: it must be a list of host:port")
    if not found:
        raise _wrong("names no worker")
    if len(found.get("chief", ())) > 1:
        raise _wrong(f"has {len(found['chief'])} chiefs: one is enough")
    _check_addresses([host for hosts in found.values() for host in hosts], "TF_CONFIG")
    return found


def _whole(value) -> int | None:
    """A number of 0 or more, also as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]+", value) else None


def _wrong(what: str) -> UserError:
    return UserError(f"TF_CONFIG {what}. Mend it, or unset it to train on one machine; {DOCS}")


def _short(value) -> str:
    text = json.dumps(value)
    return text if len(text) < 100 else f"{text[:100]}..."


def _listed(addresses) -> str:
    return " and ".join(addresses)


# --- A list of addresses ----------------------------------------------------------------------


def _of_list(environment: Mapping[str, str]) -> Cluster:
    port = _number(environment, PORT, _PORT)
    hosts = expanded(environment[ADDRESSES], ADDRESSES)
    hosts = [host if _has_port(host) else f"{host}:{port}" for host in hosts]
    _check_addresses(hosts, ADDRESSES)
    name = INDEX if INDEX in environment else _INDEX_OF_JOB
    index = _number(environment, name, None)
    if index is None:
        raise UserError(f"{ADDRESSES} is set, but not {INDEX}, the index of this worker; {DOCS}")
    if index >= len(hosts):
        raise UserError(f"{name} is {index}, but {ADDRESSES} has {len(hosts)} addresses; {DOCS}")
    return Cluster({"worker": hosts}, "worker", index, ADDRESSES)


def expanded(text: str, name: str) -> list[str]:
    """The hosts of a list, in which brackets hold ranges, such as "n[01-03,7].lan,m5".

    Args:
      text: the list.
      name: of the variable, for messages.

    Raises:
      UserError: it is not such a list.
    """
    hosts = []
    for part in filter(None, re.split(r",\s*(?![^\[]*\])", text.strip())):
        stems = [part]
        while any("[" in stem for stem in stems):
            stems = [one for stem in stems for one in _first_range(stem, name)]
        hosts += stems
    if not hosts or any(re.search(r"[\[\]\s]", host) for host in hosts):
        raise UserError(f"{name} = {text!r} is no list of hosts, as n[01-03].lan,m5; {DOCS}")
    return hosts


def _first_range(host: str, name: str) -> list[str]:
    match = _RANGE.search(host)
    if match is None:
        raise UserError(f"{name}: {host!r} has a bracket without its pair; {DOCS}")
    found = []
    for piece in match[1].split(","):
        ends = re.fullmatch(r"\s*([0-9]+)(?:-([0-9]+))?\s*", piece)
        first, last = (ends[1], ends[2] or ends[1]) if ends else ("1", "0")
        if not 0 <= int(last) - int(first) < 10_000:
            raise UserError(f"{name}: {host!r} has the range {piece!r}, which is none; {DOCS}")
        found += [str(one).zfill(len(first)) for one in range(int(first), int(last) + 1)]
    return [host[: match.start()] + one + host[match.end() :] for one in found]


def _has_port(host: str) -> bool:
    return re.search(r"(^|[^:\]]):[0-9]+$|\]:[0-9]+$", host) is not None


def _check_addresses(hosts: list[str], name: str) -> None:
    for host in hosts:
        port = re.fullmatch(r"[^\s:]+:([0-9]+)|\[[0-9a-fA-F:.%]+\]:([0-9]+)", host)
        if port is None or not 0 < int(port[1] or port[2]) < 2**16:
            raise UserError(f"{name} has the address {host!r}: it must be host:port; {DOCS}")
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise UserError(f"{name} has the address {twice[0]} twice: each worker has its own; {DOCS}")


def _number(environment: Mapping[str, str], name: str, otherwise: int | None) -> int | None:
    if not environment.get(name, "").strip():
        return otherwise
    number = _whole(environment[name].strip())
    if number is None:
        raise UserError(f"{name} = {environment[name]!r}: it must be a number; {DOCS}")
    return number


# --- SLURM ------------------------------------------------------------------------------------


def _of_slurm(environment: Mapping[str, str]) -> Cluster:
    """One worker for each task of a job step, in blocks of a node."""
    names = ("SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE", "SLURM_PROCID", "SLURM_NODEID")
    for name in names:
        if not environment.get(name):
            raise UserError(f"{name} is not set: start the workers by srun; {DOCS}")
    nodes = expanded(environment[names[0]], names[0])
    tasks = _tasks_per_node(environment[names[1]])
    rank, node = (_number(environment, name, None) for name in names[2:])
    if len(tasks) != len(nodes):
        raise UserError(f"SLURM names {len(nodes)} nodes, and tasks for {len(tasks)}; {DOCS}")
    owners = [index for index, number in enumerate(tasks) for _ in range(number)]
    if rank >= len(owners) or owners[rank] != node:
        raise UserError(
            f"task {rank} is on node {node}, where blocks of {environment[names[1]]} tasks would "
            "not place it: give srun --distribution=block"
        )
    # Jobs that share a node take other ports, below those that the system gives away.
    job = _number(environment, "SLURM_JOB_ID", 0)
    first = _number(environment, PORT, 12_000 + (job * 16) % 20_000)
    hosts = [
        f"{host}:{first + one}"
        for host, number in zip(nodes, tasks, strict=True)
        for one in range(number)
    ]
    _check_addresses(hosts, "SLURM_STEP_NODELIST")
    return Cluster({"worker": hosts}, "worker", rank, "the SLURM step")


def _tasks_per_node(text: str) -> list[int]:
    """The numbers of "3(x2),1": [3, 3, 1]."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]+)(?:\(x([0-9]+)\))?\s*", part)
        if match is None:
            raise UserError(f"SLURM_STEP_TASKS_PER_NODE = {text!r} is not such as 3(x2),1; {DOCS}")
        found += [int(match[1])] * int(match[2] or 1)
    return found
