import json
import subprocess
import sys

SCRIPT = """
import json
import tensorflow as tf
from compare_gan_tf.metrics.replicated import replicated

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    factor = tf.Variable(3.0)

def tripled(rows):
    x = rows["x"]
    return {"tripled": factor * x, "seen": tf.fill([tf.shape(x)[0]], tf.shape(x)[0])}

share = replicated(tripled, strategy)
found = [share({"x": tf.range(number, dtype=tf.float32)}) for number in (5, 1)]
print(json.dumps([{name: v.numpy().tolist() for name, v in one.items()} for one in found]))
"""


def test_two_replicas_share_the_rows_and_give_them_back_in_order():
    """In a process of its own: devices are made before TensorFlow starts."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    five, one = json.loads(run.stdout.splitlines()[-1])
    assert five == {"tripled": [0.0, 3.0, 6.0, 9.0, 12.0], "seen": [3] * 5}  # of six, one padded
    assert one == {"tripled": [0.0], "seen": [1]}
