"""Memory is that of the machine, or that of the container."""

import os

import pytest

from compare_gan_tf.settings import memory

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def container(monkeypatch, tmp_path):
    """Returns a function that writes {name: text} where the kernel has the limits."""
    monkeypatch.setattr(memory, "_CGROUP", str(tmp_path))

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)

    return write


def test_a_machine_without_limits_has_its_memory(container):
    assert memory.total() == MACHINE
    assert 0 < memory.available() < MACHINE
    container({"memory.max": "max\n", "memory.current": "5\n"})
    assert memory.total() == MACHINE


@pytest.mark.parametrize(
    ("limit", "used"),
    [
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ],
)
def test_a_container_has_its_limit_less_what_it_uses(container, limit, used):
    container({limit: "1000000\n", used: "400000\n"})
    assert (memory.total(), memory.available()) == (1_000_000, 600_000)


@pytest.mark.parametrize("version", ["", "memory/"])
def test_files_that_were_read_leave_the_memory_free(container, version):
    limit, used = (
        ("memory.max", "memory.current")
        if not version
        else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    )
    container({f"{version}{limit}": "1000000\n", f"{version}{used}": "950000\n"})
    assert memory.available() == 50_000
    statistics = "anon 300000\nactive_file 250000\ninactive_file 350000\nfile 600000\n"
    container({f"{version}memory.stat": statistics})
    assert memory.available() == 650_000


def test_a_container_that_uses_more_than_its_limit_has_none_left(container):
    container({"memory.max": "1000", "memory.current": "1001"})
    assert memory.available() == 0


def test_sizes_are_shown_in_billions_of_bytes():
    assert memory.shown(1_234_560_000_000) == "1,234.6 GB"
