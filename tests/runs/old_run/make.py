"""Makes this run anew by another version of the code, such as the one that its manifest names.

  git worktree add /somewhere/old 1fe6075   # with a virtual environment that it is installed in
  python tests/runs/old_run/make.py /somewhere/old/.venv/bin

Trains and scores small.gin for 20 steps and keeps what later versions must read: config.gin,
manifest.json without the path of the program, scores.jsonl and the checkpoint. Then it goes on to
step 30 and writes step_30.json: of each variable its name, shape and mean square in float64.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
KEPT = ("config.gin", "manifest.json", "scores.jsonl", "checkpoints/ckpt-20.*")
READ = """
import json, numpy, tensorflow as tf
reader = tf.train.load_checkpoint("run/checkpoints/ckpt-30")
found = {}
for name, shape in sorted(reader.get_variable_to_shape_map().items()):
    value = reader.get_tensor(name)
    if isinstance(value, numpy.ndarray) and value.dtype == numpy.float32:
        found[name] = [shape, float(numpy.mean(numpy.square(value, dtype=numpy.float64)))]
print(json.dumps(found, indent=1))
"""


def main(binaries: pathlib.Path):
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(HERE / "small.gin", work)

        def run(program, *arguments):
            command = [binaries / program, *arguments]
            return subprocess.run(command, cwd=work, check=True, stdout=subprocess.PIPE).stdout

        run("compare-gan", "train", "--gin_config=small.gin", "--model_dir=run")
        run("compare-gan", "evaluate", "--model_dir=run")
        for pattern in KEPT:
            for path in (pathlib.Path(work) / "run").glob(pattern):
                copy = HERE / path.relative_to(pathlib.Path(work) / "run")
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, copy)
        run("compare-gan", "train", "--model_dir=run", "--gin_bindings=train.training_steps = 30")
        (HERE / "step_30.json").write_bytes(run("python", "-c", READ))
    manifest = json.loads((HERE / "manifest.json").read_text())
    for start in manifest["starts"]:
        start["command"][0] = "compare-gan"
    (HERE / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).absolute())
