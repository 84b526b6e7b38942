"""How much there is to read: of the source, and on the way from the command line to a gradient.

Prints, of the package and export/:

* the modules beside `compare_gan_tf/__init__.py`, in no room;
* the longest file, and the longest body of a function, in lines without its docstring;
* the share of defensive lines in the lines of code, which are those with more than a comment or a
  docstring. Defensive are the lines of `raise` statements, of `if` blocks whose body only raises
  (without their `else`), of the bodies of functions whose name begins with check, require or
  refuse, also after an underscore, and of statements that call such a function;
* the files whose functions one update of D calls while it is traced, for a hinge loss with spectral
  norm, without labels, and for quickstart.gin;
* the functions that are on the stack of `compare-gan train` while the gradient of D is taken, and
  how many of them come before training's own.

  python benchmarks/house.py
"""

import ast
import collections
import contextlib
import io
import pathlib
import re
import sys
import tempfile
import tokenize
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "compare_gan_tf"
FOLDERS = (PACKAGE, ROOT / "export")
_DEFENSIVE = re.compile(r"_?(check|require|refuse)")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip

HINGE = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = 1
train.batch_size = 8
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.objectives = [@Adversarial()]
GAN.latents = @Normal()
Adversarial.loss = @hinge
Normal.dim = 4
mlp.generator.units = 8
mlp.discriminator.units = 8
mlp.discriminator.kernel_norm = @spectral_norm
"""


# --- The source -------------------------------------------------------------------------------


def sources() -> list[pathlib.Path]:
    """All files of ours."""
    return sorted(path for folder in FOLDERS for path in folder.rglob("*.py"))


def loose_modules() -> list[str]:
    """Modules in no room."""
    return sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def file_lengths() -> dict[str, int]:
    """{file: its lines}."""
    return {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}


def body_lengths() -> dict[str, int]:
    """{file:function: lines of its body without the docstring}."""
    found = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, _FUNCTIONS):
                name = f"{path.relative_to(ROOT)}:{node.name}"
                found[name] = max(found.get(name, 0), len(_body_lines(node)))
    return found


def _body_lines(function) -> range:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return range(body[0].lineno, function.end_lineno + 1) if body else range(0)


def defensive_share() -> float:
    """Defensive lines in the lines of code."""
    counts = collections.Counter()
    for path in sources():
        text = path.read_text()
        tree = ast.parse(text)
        code = _code_lines(text, tree)
        counts["code"] += len(code)
        counts["defensive"] += len(code & _defensive_lines(tree))
    return counts["defensive"] / counts["code"]


def _code_lines(text: str, tree: ast.Module) -> set[int]:
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | _FUNCTIONS[0] | _FUNCTIONS[1]):
            if ast.get_docstring(node) is not None:
                lines -= _span(node.body[0])
    return lines


def _defensive_lines(tree: ast.Module) -> set[int]:
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.stmt) and _calls_a_check(node)):
            lines |= _span(node)
        elif isinstance(node, ast.If) and all(isinstance(one, ast.Raise) for one in node.body):
            lines |= set(range(node.lineno, node.body[-1].end_lineno + 1))
        elif isinstance(node, _FUNCTIONS) and _DEFENSIVE.match(node.name):
            lines |= set(_body_lines(node))
    return lines


def _calls_a_check(statement: ast.stmt) -> bool:
    """Whether it is a call of one, or gives a name to what one returns."""
    call = getattr(statement, "value", None)
    if not isinstance(call, ast.Call):
        return False
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return bool(_DEFENSIVE.match(name))


def _span(node) -> set[int]:
    return set(range(node.lineno, node.end_lineno + 1))


# --- What runs --------------------------------------------------------------------------------


def files_of_an_update(config_file: str) -> list[str]:
    """Files of ours with a function that one update of D calls while it is traced."""
    import tensorflow as tf

    from compare_gan_tf import config, data, training
    from compare_gan_tf.config import configurables
    from compare_gan_tf.gan.update import update

    configurables.load()
    config.parse([config_file], ["data.load.name = 'digits'"])
    gan = training.build(config.bound("train", "model"), data.load())
    images = tf.zeros([4, *gan.sample_shape])
    labels = tf.zeros([4], tf.int32) if gan.num_classes else None
    found = set()

    def note(frame, event, argument):
        if event == "call" and (name := _own(frame.f_code.co_filename)):
            found.add(name)

    @tf.function(autograph=False)
    def traced():
        sys.setprofile(note)
        try:
            update(gan, "discriminator", images, labels, step=tf.constant(0, tf.int64), substep=0)
        finally:
            sys.setprofile(None)

    traced.get_concrete_function()
    return sorted(found)


def frames_to_the_gradient(config_file: str) -> list[str]:
    """Functions of ours from `main` of the command line to that which takes D's gradient."""
    from compare_gan_tf.bin import main
    from compare_gan_tf.gan import update

    minimise, stacks = update.minimise, []

    def noting(now, *arguments):
        if now.player == "discriminator":
            stack = [frame for frame in traceback.extract_stack() if _own(frame.filename)]
            names = [f"{_own(frame.filename)}:{frame.name}" for frame in stack]
            stacks.append([*names, "compare_gan_tf/gan/update.py:minimise"])
        return minimise(now, *arguments)

    intervals = [
        f"--gin_bindings=train.{name} = 1"
        for name in ("training_steps", "steps_per_execution", "checkpoint_every", "log_every")
    ]
    update.minimise = noting
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SystemExit):
            flags = [f"--gin_config={config_file}", f"--model_dir={folder}/run", *intervals]
            main.main(["compare-gan", "train", *flags])
    finally:
        update.minimise = minimise
    return stacks[-1]  # the first are those of the step on trial, before anything is written


def _own(filename: str) -> str | None:
    """The file's path in this repository, if it is one of the package's."""
    path = pathlib.Path(filename)
    if not any(folder in path.parents for folder in FOLDERS):
        return None
    return str(path.relative_to(ROOT))


def main():
    files, bodies, loose = file_lengths(), body_lengths(), loose_modules()
    longest_file, longest_body = (max(lengths, key=lengths.get) for lengths in (files, bodies))
    print(f"modules in no room: {len(loose)} ({', '.join(loose)})")
    print(f"longest file: {files[longest_file]} lines, {longest_file}")
    print(f"longest body: {bodies[longest_body]} lines, {longest_body}")
    print(f"defensive lines: {defensive_share():.1%} of the code")
    with tempfile.TemporaryDirectory() as folder:
        hinge = pathlib.Path(folder) / "hinge.gin"
        hinge.write_text(HINGE)
        for name, config_file in (("hinge", str(hinge)), ("quickstart", "quickstart.gin")):
            reached = files_of_an_update(config_file)
            number = len(reached)
            print(f"files of one update of D, {name}: {number}", *reached, sep="\n  ")
        frames = frames_to_the_gradient(str(hinge))
    before = next(i for i, name in enumerate(frames) if "/training/" in name)
    print(f"functions from flag to gradient: {len(frames)}, {before} before training", end="\n  ")
    print("\n  ".join(frames))


if __name__ == "__main__":
    main()
