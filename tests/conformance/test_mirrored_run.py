"""A whole run, with checkpoints, logs, grids and a resume, on two replicas as on one."""

import json

import numpy as np
import pytest
import strategies


@pytest.mark.slow
def test_a_run_on_two_replicas_is_one_on_one(tmp_path):
    strategies.run("mirrored_run.py", tmp_path)
    found, logs = {}, {}
    for replicas in (1, 2):
        folder = tmp_path / str(replicas)
        found[replicas] = np.load(folder / "kernels.npy")
        lines = (folder / "logs" / "train.jsonl").read_text().splitlines()
        logs[replicas] = [json.loads(line)["discriminator/loss"] for line in lines]
    assert len(logs[1]) == 3
    np.testing.assert_allclose(logs[2], logs[1], rtol=1e-4)
    np.testing.assert_allclose(found[2], found[1], rtol=1e-3, atol=1e-5)
