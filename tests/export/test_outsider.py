"""The modules work in a process that has never seen our package."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from compare_gan_tf.architectures import is_conditional

NAMES = ("unconditional", "conditional")
NUM = 3
OUTSIDER = pathlib.Path(__file__).parents[1] / "helpers" / "outsider.py"


def inputs_of(run):
    """Raw inputs of a run's two players: z, images in [0, 1], labels."""
    random = np.random.default_rng(3)
    shape = run.generator.output_shape[1:]
    inputs = {
        "z": random.standard_normal((NUM, run.latents.dim)).astype(np.float32),
        "images": random.random((NUM, *shape)).astype(np.float32),
    }
    if run.num_classes:
        inputs["labels"] = np.array([0, 9, 4], np.int32)
    return inputs


@pytest.fixture(scope="module")
def outsider(exported, tmp_path_factory):
    """Arrays that a fresh process computed from the modules, and the inputs it was given."""
    folder = tmp_path_factory.mktemp("outsider")
    inputs = {
        f"{name}/{key}": value
        for name in NAMES
        for key, value in inputs_of(exported[name].run).items()
    }
    np.savez(folder / "inputs.npz", **inputs)
    modules = [f"{name}={exported[name].folder}" for name in NAMES]
    command = [sys.executable, "-I", OUTSIDER, folder / "inputs.npz", folder / "outputs.npz"]
    done = subprocess.run([*command, *modules], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(folder / "outputs.npz"))


def results(outsider, name, player, output):
    prefix = f"{name}/{player}/"
    return {
        key[len(prefix) :].rpartition("/")[0]: value
        for key, value in outsider.items()
        if key.startswith(prefix) and key.rpartition("/")[2] in ("", output)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_generator_gives_the_images_in_memory_in_every_way_of_loading_and_calling(
    name, exported, outsider
):
    run = exported[name].run
    inputs = inputs_of(run)
    keys = ["z", "labels"] if is_conditional(run.generator) else ["z"]
    expected = run.generator({key: inputs[key] for key in keys}, training=False).numpy()
    expected = (expected + 1) / 2
    assert expected.std() > 0.03  # else the comparison would say nothing
    found = results(outsider, name, "generator", "generated")
    uint8 = {way: found.pop(way) for way in list(found) if way.endswith("uint8")}
    forms = {"list", "dict", "tuple"} | ({"alone"} if len(keys) == 1 else set())
    for loader in ("hub_layer", "tfsm_layer"):
        assert {f"{loader}_{form}" for form in forms} <= set(found)
    ways = {"positional", "keywords", "signature_serving_default", "signature_generator"}
    assert {"tf_dict"} | {f"hub_{way}" for way in ways | forms} <= set(found)
    for way, images in found.items():
        assert images.dtype == np.float32
        np.testing.assert_allclose(images, expected, atol=1e-6, err_msg=way)
    assert len(uint8) == 1
    for way, images in uint8.items():
        assert images.dtype == np.uint8
        np.testing.assert_allclose(images / 255.0, expected, atol=0.5 / 255 + 1e-6, err_msg=way)


@pytest.mark.parametrize("name", NAMES)
def test_discriminator_gives_the_scores_in_memory_in_every_way(name, exported, outsider):
    run = exported[name].run
    inputs = inputs_of(run)
    fed = {"images": inputs["images"] * 2 - 1} | (
        {"labels": inputs["labels"]} if run.num_classes else {}
    )
    expected = {k: v.numpy() for k, v in run.discriminator(fed, training=False).items()}
    expected["probability"] = 1 / (1 + np.exp(-expected["logits"].astype(np.float64)))
    for output, value in expected.items():
        found = results(outsider, name, "discriminator", output)
        assert len(found) >= 12
        for way, scores in found.items():
            scale = max(1.0, np.abs(value).max())
            np.testing.assert_allclose(scores, value, atol=1e-6 * scale, err_msg=f"{way} {output}")


@pytest.mark.parametrize("name", NAMES)
def test_first_samples_do_not_depend_on_their_number(name, outsider):
    five, two = outsider[f"{name}/sample"], outsider[f"{name}/sample_first"]
    assert len(five) == 5
    np.testing.assert_allclose(five[:2], two, atol=1e-6)
    assert tf.reduce_max(tf.abs(five[0] - five[1])) > 1e-3
