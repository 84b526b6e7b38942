"""Which file systems are shared, by tables of mounts as Linux writes them."""

import pytest

from compare_gan_tf.storage import mounts

TABLE = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
23 22 0:21 / /proc rw - proc proc rw
30 22 0:40 / /home rw,relatime shared:5 master:1 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/local rw - xfs /dev/sdb1 rw
32 22 0:42 / /mnt/my\040disk rw - cifs //server/share rw
33 22 0:43 / /data rw - autofs systemd-1 rw
34 33 0:44 / /data rw - nfs server:/data rw
35 22 0:45 / /mnt/ssh rw - fuse.sshfs me@host:/ rw
36 22 8:17 / /mnt/usb rw - fuseblk /dev/sdb1 rw
37 22 0:46 / /vm rw - 9p host rw
38 22 0:47 / /tmp rw - tmpfs tmpfs rw
a broken line
"""


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/study.db", None),
        ("/home", "nfs4"),
        ("/home/me/studies/study.db", "nfs4"),
        ("/homes/study.db", None),
        ("/home/me/local/study.db", None),
        ("/mnt/my disk/study.db", "cifs"),
        ("/data/study.db", "nfs"),
        ("/mnt/ssh/study.db", "fuse.sshfs"),
        ("/mnt/usb/study.db", None),
        ("/vm/study.db", "9p"),
        ("/tmp/study.db", None),
    ],
)
def test_the_last_mount_at_the_longest_part_counts(tmp_path, monkeypatch, path, kind):
    (tmp_path / "mountinfo").write_text(TABLE)
    monkeypatch.setattr(mounts, "TABLE", str(tmp_path / "mountinfo"))
    monkeypatch.setattr(mounts.os.path, "realpath", lambda one: one)
    assert mounts.shared(path) == kind


def test_links_are_followed(tmp_path, monkeypatch):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far")
    (tmp_path / "mountinfo").write_text(f"1 0 0:1 / {tmp_path / 'far'} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "TABLE", str(tmp_path / "mountinfo"))
    assert mounts.shared(str(tmp_path / "link" / "study.db")) == "nfs4"
    assert mounts.shared(str(tmp_path / "study.db")) is None


@pytest.mark.parametrize("table", [None, "", "\0\xff - \n - nfs\n1 2 3 4\n"])
def test_a_machine_without_such_a_table(tmp_path, monkeypatch, table):
    if table is not None:
        (tmp_path / "mountinfo").write_text(table)
    monkeypatch.setattr(mounts, "TABLE", str(tmp_path / "mountinfo"))
    assert mounts.shared("/study.db") is None


def test_this_machine_has_a_table():
    assert mounts._kind("/proc") == "proc"
