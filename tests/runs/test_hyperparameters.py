"""The settings of runs in TensorBoard's own table: read back by its backend."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

from compare_gan_tf import GAN, Normal, optimizers, train
from compare_gan_tf.architectures import mlp
from compare_gan_tf.objectives import Adversarial, GradientPenalty, losses
from compare_gan_tf.runs import hyperparameters
from compare_gan_tf.training import prepare

IMAGES = np.random.default_rng(0).integers(256, size=(20, 4, 4, 1), dtype=np.uint8)


def run(folder, steps, **settings):
    defaults = dict(
        generator=functools.partial(mlp.generator, units=5),
        discriminator=mlp.discriminator,
        objectives=[Adversarial(losses.hinge), GradientPenalty(weight=0.5)],
        latents=Normal(3),
        g_optimizer=optimizers.adam(learning_rate=0.25),
        d_optimizer=optimizers.adam(learning_rate=0.125),
    )
    return train(str(folder), dataset=IMAGES, model=functools.partial(GAN, **defaults | settings),
                 training_steps=steps, batch_size=4, log_every=2)  # fmt: skip


def table(folder):
    """{run: ({setting: value}, {(folder, tag) of metrics})} as the tab of TensorBoard has it."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder)).Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
    context = backend_context.Context(backend_context_of(provider))
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=99,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_RUNNING, api_pb2.STATUS_SUCCESS],
    )  # fmt: skip
    experiment = context.experiment_from_metadata(
        RequestContext(), "", include_metrics=True,
        hparams_run_to_tag_to_content=context.hparams_metadata(RequestContext(), ""),
        data_provider_hparams=context.hparams_from_data_provider(RequestContext(), "", None),
    )  # fmt: skip
    handler = list_session_groups.Handler(RequestContext(), context, "", request)
    found = {}
    for group in handler.run().session_groups:
        (session,) = group.sessions
        values = {name: getattr(v, v.WhichOneof("kind")) for name, v in group.hparams.items()}
        metrics = {(m.name.group, m.name.tag) for m in session.metric_values}
        found[session.name] = values, metrics
    assert {info.name for info in experiment.hparam_infos} == set().union(
        *(v for v, _ in found.values())
    )
    return found


def backend_context_of(provider):
    from tensorboard.plugins.base_plugin import TBContext

    return TBContext(data_provider=provider)


def test_the_table_has_each_run_with_its_settings_and_metrics(tmp_path):
    run(tmp_path / "one", 4)
    run(tmp_path / "other", 4, g_optimizer=optimizers.adam(learning_rate=0.5), ema_decay=0.9)
    # As a score of a later stage.
    with tf.summary.create_file_writer(str(tmp_path / "one/logs/scores")).as_default(step=4):
        tf.summary.scalar("scores/fid/validation", 3.0)
    found = table(tmp_path)
    assert set(found) == {"one/logs", "other/logs"}
    settings, metrics = found["one/logs"]
    assert (
        settings.items()
        >= {
            "GAN.generator": "mlp.generator",
            "mlp.generator.units": 5,
            "GAN.objectives": "[Adversarial, GradientPenalty]",
            "Adversarial.loss": "losses.hinge",
            "GradientPenalty.weight": 0.5,
            "Normal.dim": 3,
            "GAN.g_optimizer.learning_rate": 0.25,
            "GAN.ema_decay": "None",
            "GAN.conditional": False,
            "train.batch_size": 4,
            "train.dataset": "arrays",
        }.items()
    )
    assert {("scores", "scores/fid/validation"), ("tensorboard", "generator/loss")} <= metrics
    other, _ = found["other/logs"]
    assert other["GAN.g_optimizer.learning_rate"] == 0.5 and other["GAN.ema_decay"] == 0.9


def test_a_resumed_run_stands_once_with_its_new_settings(tmp_path):
    for steps in (2, 4, 4):
        run(tmp_path / "run", steps)
    ((settings, _),) = table(tmp_path).values()
    assert settings["train.training_steps"] == 4
    (path,) = (tmp_path / "run/logs").glob("*hparams*")
    assert len(list(tf.data.TFRecordDataset(str(path)))) == 2  # the version, and the settings


def test_runs_made_in_python_and_by_gin_have_the_same_names(tmp_path, capsys):
    run(tmp_path / "python", 2)
    assert capsys.readouterr().out == f"{tmp_path / 'python'} is trained to step 2\n"
    text = "mlp.generator.units = 7\nGAN.generator = @mlp.generator\ndata.load.name = 'digits'\n"
    given = dict(training_steps=2, batch_size=4, log_every=2)
    model = functools.partial(GAN, generator=mlp.generator, discriminator=mlp.discriminator,
                              objectives=[Adversarial(losses.hinge), GradientPenalty()],
                              latents=Normal(3), g_optimizer=optimizers.adam(),
                              d_optimizer=optimizers.adam())  # fmt: skip
    prepare(str(tmp_path / "gin"), dataset=IMAGES, model=model, **given).fit(text)
    found = table(tmp_path)
    by_python, by_gin = (found[f"{name}/logs"][0] for name in ("python", "gin"))
    assert {name for name in by_python if name.startswith(("GAN.", "train."))} <= by_gin.keys()
    assert by_gin["GAN.generator"] == by_python["GAN.generator"] == "mlp.generator"
    assert by_python["mlp.generator.units"] == 5 and by_gin["mlp.generator.units"] == 7
    assert by_gin["data.load.name"] == "digits"


def test_a_config_is_flat():
    text = "A.x = 1\nB.y = [@f, @g()]\nscope/C.z = 'word'\nD.v = None\nE.w = 1e-3\nF.u = False\n"
    assert hyperparameters.of_text(text) == {
        "A.x": 1, "B.y": "[@f, @g()]", "scope/C.z": "word", "D.v": "None", "E.w": 0.001,
        "F.u": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "value", [np.float32(0.5), np.int64(3), None, [1, "a"], object(), {"a": 1}]
)
def test_any_argument_becomes_a_value_that_tensorboard_takes(value, tmp_path):
    settings = hyperparameters.of_arguments("GAN", {"value": value})
    hyperparameters.write(str(tmp_path / "run"), settings)
    ((found, _),) = table(tmp_path).values()
    assert found.keys() == settings.keys()


def test_numbers_of_numpy_are_plain_and_of_an_optimizer_the_floats_tell():
    found = hyperparameters.of_arguments("GAN", {"decay": np.float64(0.5), "steps": np.int64(3)})
    assert {type(value) for value in found.values()} == {float, int}
    given = optimizers.adam(learning_rate=0.25)
    found = hyperparameters.of_arguments("GAN", {"g_optimizer": given})
    assert found["GAN.g_optimizer.learning_rate"] == 0.25
    assert {type(value) for name, value in found.items() if name.count(".") == 2} == {float}
