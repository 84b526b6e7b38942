"""Models of other programs, converted: they make what they made there."""

import importlib
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from compare_gan_tf import pretrained
from compare_gan_tf.errors import UserError

EXPERIMENTS = pathlib.Path(__file__).parent.parent / "experiments"


@pytest.fixture
def convert(monkeypatch):
    """The script, which is no part of the package."""
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    return importlib.import_module("convert")


# --- TF1 Hub ----------------------------------------------------------------------------------

DIM, CLASSES, SIDE = 5, 3, 4


def write_hub_v1(folder, batch_sizes, *, conditional=True, use_resource=False):
    """A small module as google/compare_gan wrote them: a graph of each batch size, by its tags.

    Its dense layer has spectral norm, whose vector moves at each call.

    Returns:
      Function (z, labels) -> images in [0, 1] by numpy.
    """
    random = np.random.default_rng(4)
    kernel = random.normal(size=(DIM, SIDE * SIDE)).astype(np.float32)
    shifts = random.normal(size=(CLASSES, SIDE * SIDE)).astype(np.float32)
    u0 = random.normal(size=(DIM, 1)).astype(np.float32)
    builder = None
    for size in batch_sizes:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            z = tf.compat.v1.placeholder(tf.float32, [size, DIM], "z")
            labels = tf.compat.v1.placeholder(tf.int32, [size], "labels")
            get = tf.compat.v1.get_variable
            with tf.compat.v1.variable_scope("generator", use_resource=use_resource):
                weight = get("fc_noise/kernel", initializer=tf.constant(kernel))
                shift = get("condition/kernel", initializer=tf.constant(shifts))
                u = get("fc_noise/kernel/u_var", initializer=tf.constant(u0), trainable=False)
            v = tf.matmul(weight, u, transpose_a=True) / tf.norm(tf.matmul(weight, u, True))
            moved = tf.matmul(weight, v) / tf.norm(tf.matmul(weight, v))
            with tf.control_dependencies([u.assign(moved)]):
                sigma = tf.squeeze(tf.matmul(moved, tf.matmul(weight, v), transpose_a=True))
            x = tf.matmul(z, weight) / sigma
            if conditional:
                x += tf.matmul(tf.one_hot(labels, CLASSES), shift)
            inputs = {"z": z} | ({"labels": labels} if conditional else {})
            images = tf.reshape(tf.sigmoid(x), [-1, SIDE, SIDE, 1])
            session.run(tf.compat.v1.global_variables_initializer())
            signature = tf.compat.v1.saved_model.predict_signature_def(
                inputs, {"generated": images}
            )
            tags = ["gen", f"bs{size}"]
            if builder is None:
                builder = tf.compat.v1.saved_model.Builder(str(folder))
                builder.add_meta_graph_and_variables(session, tags, {"default": signature})
            else:
                builder.add_meta_graph(tags, {"default": signature})
    builder.save()
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        graph.ClearField("saver_def")  # the library of TF1 Hub wrote none
    path.write_bytes(saved.SerializeToString())
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")

    v = kernel.T @ u0 / np.linalg.norm(kernel.T @ u0)
    sigma = np.linalg.norm(kernel @ v)

    def expected(z, labels):
        x = z @ kernel / sigma + (shifts[labels] if conditional else 0.0)
        return (1 / (1 + np.exp(-x))).reshape(-1, SIDE, SIDE, 1)

    return expected


@pytest.mark.parametrize(("batch_sizes", "use_resource"), [((4, 8), False), ((8, None), True)])
def test_a_conditional_tf1_hub_module_makes_the_same_images(
    convert, tmp_path, batch_sizes, use_resource
):
    expected = write_hub_v1(tmp_path / "old", batch_sizes, use_resource=use_resource)
    folder = convert.convert_hub_v1(
        str(tmp_path / "old"), str(tmp_path / "new"), "uniform", CLASSES
    )
    module = tf.saved_model.load(folder)
    random = np.random.default_rng(0)
    for number in (1, 8, 11):
        z = random.uniform(-1, 1, (number, DIM)).astype(np.float32)
        labels = np.arange(number, dtype=np.int32) % CLASSES
        made = module({"z": tf.constant(z), "labels": tf.constant(labels)})
        np.testing.assert_allclose(made, expected(z, labels), atol=1e-6)
    first = module.sample(3, [0, 1], 0.0, tf.constant([0, 1, 2]))
    more = module.sample(5, [0, 1], 0.0, tf.constant([0, 1, 2, 0, 1]))
    np.testing.assert_allclose(first, more[:3], atol=1e-6)


def test_a_converted_module_is_sampled_by_the_verb(convert, tmp_path, run_verb):
    from compare_gan_tf.bin import sample

    write_hub_v1(tmp_path / "old", [4], conditional=False)
    folder = convert.convert_hub_v1(str(tmp_path / "old"), str(tmp_path / "new"), "normal", None)
    output = tmp_path / "few.npz"
    code, _, err = run_verb(sample, f"--module={folder}", "--num=9", f"--output={output}")
    assert code == 0, err
    with np.load(output) as found:
        assert found["images"].shape == (9, SIDE, SIDE, 1) and found["images"].std() > 10


def test_wrong_modules_and_labels_are_one_line(convert, tmp_path):
    write_hub_v1(tmp_path / "old", [4])

    def wrong(module, classes, message):
        with pytest.raises(UserError, match=message):
            convert.convert_hub_v1(str(module), str(tmp_path / "new"), "normal", classes)
        assert not (tmp_path / "new").exists()

    wrong(tmp_path / "old", None, "takes labels, and --num_classes is None")
    wrong(tmp_path / "none", 3, "none is no TF1 Hub module")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "saved_model.pb").write_bytes(b"\xff\xff")
    wrong(tmp_path / "bad", 3, "bad is no TF1 Hub module")
    (tmp_path / "bad" / "saved_model.pb").write_bytes(b"")
    wrong(tmp_path / "bad", 3, "has no signature generator or default")


def test_the_script_says_what_is_wrong_in_one_line(tmp_path):
    given = ["hub_v1", f"--module={tmp_path}", "--latents=normal", f"--output={tmp_path}/new"]
    command = [sys.executable, str(EXPERIMENTS / "convert.py"), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith(f"convert.py: {tmp_path} is no TF1 Hub module")


# --- mimicry ----------------------------------------------------------------------------------


@pytest.fixture
def theirs(monkeypatch):
    """mimicry's networks, without the rest of it, which needs an older TensorFlow."""
    pytest.importorskip("torch", reason="the files are torch's")
    spec = importlib.util.find_spec("torch_mimicry")
    if spec is None:
        pytest.skip("torch_mimicry has the networks that the converted ones must equal")
    for name in ("torch_mimicry", "torch_mimicry.nets"):
        package = types.ModuleType(name)
        part = name.removeprefix("torch_mimicry").removeprefix(".")
        package.__path__ = [str(pathlib.Path(spec.submodule_search_locations[0]) / part)]
        monkeypatch.setitem(sys.modules, name, package)
    return lambda side: importlib.import_module(f"torch_mimicry.nets.sngan.sngan_{side}")


def trained(network):
    """`network` with weights and statistics away from their first values, for inference."""
    import torch

    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value += torch.rand(value.shape, generator=generator)
            elif name.endswith(("bias", "running_mean")) or value.ndim == 1 and "b" in name:
                value += 0.3 * torch.randn(value.shape, generator=generator)
        network.train()
        width = getattr(network, "nz", None)
        inputs = torch.randn(4, width) if width else torch.randn(4, 3, 32, 32)
        if not width or network.__class__.__name__.endswith("32"):
            network(inputs)  # moves the vectors of spectral norm
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("side", "ngf", "ndf"), [(32, 8, 8), (48, 16, 32), (64, 32, 32), (128, 32, 32)]
)
def test_both_players_of_mimicry_compute_the_same(
    convert, theirs, tmp_path, in_this_process, side, ngf, ndf
):
    import torch

    torch.manual_seed(0)
    module = theirs(side)
    g = trained(getattr(module, f"SNGANGenerator{side}")(nz=6, ngf=ngf))
    d = trained(getattr(module, f"SNGANDiscriminator{side}")(ndf=ndf))
    g.save_checkpoint(str(tmp_path / "netG"), 7)
    d.save_checkpoint(str(tmp_path / "netD"), 7)
    folder = convert.convert_mimicry(
        str(tmp_path / "netG" / "netG_7_steps.pth"),
        str(tmp_path / "netD" / "netD_7_steps.pth"),
        str(tmp_path / "run"),
    )
    model = pretrained.load(folder)
    z = np.random.default_rng(1).normal(size=(3, 6)).astype(np.float32)
    with torch.no_grad():
        images = g(torch.from_numpy(z))
        logits = d(images).numpy()[:, 0]
    images = images.numpy().transpose(0, 2, 3, 1)
    assert images.shape == (3, side, side, 3) and images.std() > 0.05
    np.testing.assert_allclose(model.generator({"z": z}), images, atol=1e-4)
    found = model.discriminator({"images": images})["logits"]
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)
    assert model.sample(2).shape == (2, side, side, 3)


@pytest.mark.slow
def test_wrong_files_of_mimicry_are_one_line(convert, theirs, tmp_path):
    import torch

    path = tmp_path / "netG.pth"
    for content, message in (
        (b"no", "cannot read"),
        ({"x": 1}, "has no model_state_dict and global_step"),
        ({"model_state_dict": {"a.weight": torch.ones(2)}, "global_step": 1}, "no generator of"),
    ):
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(UserError, match=message):
            convert.convert_mimicry(str(path), str(path), str(tmp_path / "run"))
    torch.save({"model_state_dict": subprocess.Popen, "global_step": 1}, path)  # code, not data
    with pytest.raises(UserError, match="cannot read"):
        convert.convert_mimicry(str(path), str(path), str(tmp_path / "run"))
    g = theirs(32).SNGANGenerator32(nz=6, ngf=8).state_dict()
    torch.save({"model_state_dict": g | {"extra": torch.ones(1)}, "global_step": 1}, path)
    with pytest.raises(UserError, match="no generator of mimicry's SNGAN: extra has no counter"):
        convert.convert_mimicry(str(path), str(path), str(tmp_path / "run"))


def test_torch_is_asked_for_by_one_line(convert, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match="netG.pth needs torch: pip install torch"):
        convert.convert_mimicry("netG.pth", "netD.pth", str(tmp_path))
