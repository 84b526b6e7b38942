"""What is installed: versions, packages, data files, public names."""

import configparser
import hashlib
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

import compare_gan_tf

ROOT = pathlib.Path(__file__).parent.parent
PINNED = re.compile(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.\-]+")
# Of https://www.apache.org/licenses/LICENSE-2.0.txt
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser


def listed(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def canonical(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.\-]+", requirement)[0]).lower()


def test_every_package_of_the_tree_is_installed(setup):
    folders = {"compare_gan_tf": ROOT / "compare_gan_tf", "compare_gan_tf.export": ROOT / "export"}
    found = {"compare_gan_tf.gin_configs"}
    for package, folder in folders.items():
        for path in folder.rglob("*.py"):
            found.add(".".join([package, *path.parent.relative_to(folder).parts]))
    assert set(listed(setup["options"]["packages"])) == found


def test_the_top_level_folders_are_importable_from_any_folder(tmp_path):
    code = "import compare_gan_tf.gin_configs as g; print(*g.__path__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    folder = pathlib.Path(done.stdout.strip())
    assert (folder / "quickstart.gin").is_file()
    assert importlib.util.find_spec("compare_gan_tf.export") is not None


@pytest.mark.parametrize(
    ("name", "extras"),
    [("constraints.txt", ["dev", "docs"]), ("constraints-tf219.txt", ["study", "tpu"])],
)
def test_constraints_pin_every_requirement(setup, name, extras):
    lines = listed((ROOT / name).read_text())
    assert all(PINNED.fullmatch(line) for line in lines), lines
    pinned = {canonical(line) for line in lines}
    wanted = listed(setup["options"]["install_requires"])
    wanted += [one for extra in extras for one in listed(setup["options.extras_require"][extra])]
    assert {canonical(requirement) for requirement in wanted} <= pinned


def test_hashes_are_of_the_pinned_versions(setup):
    """`make requirements-hashed.txt` writes it anew."""
    text = (ROOT / "requirements-hashed.txt").read_text()
    blocks = re.findall(
        r"^([\w.\-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M
    )
    found = {canonical(name): version for name, version, _ in blocks}
    assert len(found) == len(re.findall(r"^[\w.\-]+==", text, re.M))
    pinned = listed((ROOT / "constraints.txt").read_text())
    pinned = {canonical(line): line.partition("==")[2] for line in pinned}
    pinned["wheel"] = found["wheel"]  # which pip freeze leaves out
    assert {name: pinned.get(name) for name in found} == found
    assert {canonical(one) for one in listed(setup["options"]["install_requires"])} <= set(found)


def test_no_file_names_an_index():
    names = ("constraints.txt", "constraints-tf219.txt", "requirements-hashed.txt", "setup.cfg")
    for name in (*names, "Makefile", ".ci/run"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://|file:/|--index|--extra-index|--find-links", text), name


def test_the_license_is_apache_2():
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_importing_the_package_does_not_import_tensorflow():
    code = (
        "import sys, compare_gan_tf; print(compare_gan_tf.__version__, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [compare_gan_tf.__version__, "False"]


def test_every_public_name_is_there_and_documented():
    for name in compare_gan_tf.__all__:
        assert getattr(compare_gan_tf, name).__doc__, name
        assert name in dir(compare_gan_tf)
    with pytest.raises(AttributeError, match="no attribute 'GANN'"):
        _ = compare_gan_tf.GANN


# What README, docs and CONTRIBUTING take from the rooms.
PUBLIC = {
    "architectures": ["is_conditional", "mlp"],
    "augment": ["ADA", "APA", "Augmentation", "DiffAugment"],
    "data": ["Dataset", "Split", "from_arrays", "load"],
    "export": ["export_run"],
    "latents": ["Coded", "Hypersphere", "Normal", "Uniform"],
    "layers": ["SpectralNorm", "batch_norm", "spectral_norm"],
    "lowering": ["adopt", "lower"],
    "metrics": ["evaluate", "names"],
    "objectives": ["Adversarial", "GradientPenalty", "Objective", "Samples", "losses"],
    "optimizers": ["adam", "rmsprop", "sgd"],
    "report": ["write_report"],
    "testing": ["check_architecture", "check_loss", "check_metric", "check_objective"],
    "training": ["train"],
}


@pytest.mark.parametrize("room", PUBLIC)
def test_a_room_has_a_docstring_and_its_public_names(room):
    module = importlib.import_module(f"compare_gan_tf.{room}")
    assert module.__doc__
    for name in PUBLIC[room]:
        found = getattr(module, name, None)
        found = found or importlib.import_module(f"compare_gan_tf.{room}.{name}")
        assert found.__doc__, name


@pytest.mark.parametrize("room", ["augment", "latents", "layers", "objectives", "optimizers"])
def test_a_room_names_each_of_its_parts_once(room):
    text = (ROOT / "compare_gan_tf" / room / "__init__.py").read_text()
    modules = re.findall(rf"^from (compare_gan_tf\.{room}\.\w+) import \*$", text, re.MULTILINE)
    assert len(modules) == text.count("import ") == len({*modules})
    for module in map(importlib.import_module, modules):
        assert all(hasattr(module, name) for name in module.__all__)


def test_a_wheel_holds_code_configs_weights_and_templates(tmp_path):
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "--quiet"]
    command += ["egg_info", f"--egg-base={tmp_path}", "build_py", f"--build-lib={tmp_path / 'lib'}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    installed = tmp_path / "lib/compare_gan_tf"
    assert (installed / "py.typed").is_file()
    here = {
        "gin_configs": (ROOT / "gin_configs", "*.gin"),
        "export": (ROOT / "export", "*.py"),
        "metrics": (ROOT / "compare_gan_tf/metrics", "*.npz"),
        "report": (ROOT / "compare_gan_tf/report", "*.jinja"),
        ".": (ROOT / "compare_gan_tf", "*.py"),
    }
    for part, (source, pattern) in here.items():
        names = {path.relative_to(source) for path in source.rglob(pattern)}
        assert names, part
        assert names <= {
            path.relative_to(installed / part) for path in (installed / part).rglob("*")
        }


def test_the_changelog_begins_with_this_version_and_the_citation_names_it():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert newest and cited
    assert newest[1] == cited[1] == compare_gan_tf.__version__
