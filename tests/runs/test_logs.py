"""What is read from a run's log."""

import pytest

from compare_gan_tf.runs import logs


@pytest.mark.parametrize(
    "clock, expected",
    [
        ([], None),
        ([1.0, 2.0, 3.0], 3.0),
        ([1.0, 2.0, 3.0, 0.5, 2.5], 5.5),  # begun again after 3 s
        ([4.0, 1.0, 1.0, 0.25], 5.25),
        ([2.0, None, 5.0], 5.0),
    ],
)
def test_training_seconds_add_up_over_starts(clock, expected):
    log = [{"step": i, "seconds": seconds} for i, seconds in enumerate(clock)]
    assert logs.training_seconds(log) == expected


def test_a_step_logged_twice_keeps_its_last_row(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "train.jsonl").write_text(
        '{"step":2,"a":1}\n{"step":1,"a":2}\n{"step":2,"a":3}'
    )
    assert logs.read(str(tmp_path)) == [{"step": 1, "a": 2}, {"step": 2, "a": 3}]
