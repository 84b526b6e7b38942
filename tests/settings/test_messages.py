"""What Python users are told: a cure in their own terms, on one line."""

import functools
import re

import numpy as np
import pytest

from compare_gan_tf import GAN, Normal, UserError, load, metrics, train
from compare_gan_tf.architectures import mlp
from compare_gan_tf.config import gin_files
from compare_gan_tf.export import export_run
from compare_gan_tf.objectives import Classification, losses
from compare_gan_tf.training import prepare

IMAGES = np.zeros((30, 4, 4, 1), np.uint8)
# What only those with a config or a command line can do.
FOREIGN = re.compile(r"\b(bind|bound)\b|gin file|(?<!\()--(?!verbosity)\w+")


def model(**settings):
    defaults = dict(generator=mlp.generator, discriminator=mlp.discriminator,
                    objectives=losses.hinge)  # fmt: skip
    return functools.partial(GAN, **defaults | settings)


def run(folder, made=None, **settings):
    return train(str(folder), dataset=settings.pop("dataset", IMAGES), model=made or model(),
                 **{"training_steps": 1, "batch_size": 4} | settings)  # fmt: skip


def prepared(folder):
    return prepare(str(folder), dataset=IMAGES, model=model(), training_steps=1, batch_size=4)


def told(value):
    return f"{gin_files.HEADER}\na.b = {value}\n"


WRONG = {
    "a GAN": (lambda p: run(p, model()(sample_shape=(4, 4, 1))), r"functools.partial\(GAN, ...\)"),
    "labels": (lambda p: run(p, model(conditional=True)), "conditional is True but there are no"),
    "an objective": (lambda p: run(p, model(objectives=[losses.hinge, Classification()])),
                     "needs labels"),
    "a class": (lambda p: run(p, model(latents=Normal)), "give @Normal"),
    "a strategy": (lambda p: run(p, batch_size=0), "batch_size is 0"),
    "no callbacks": (lambda p: run(p, callbacks=[print]),
                     r"train.callbacks: one is @print: it must be a Keras callback"),
    "one callback": (lambda p: run(p, callbacks=print), "a list such as .* of Keras callbacks"),
    "a config": (lambda p: [prepared(p).fit(told(x)) for x in (1, 2)],
                 r"another folder, or allow_config_change=True \(--allow_config_change\)"),
    "a folder": (lambda p: run("/dev/null/x"), "cannot write to model_dir"),
    "data": (lambda p: run(p, dataset="digts"), "unknown data set 'digts'"),
    "a view": (lambda p: load("digits", view=3), "view"),
    "sides": (lambda p: metrics.evaluate(IMAGES, str(p)), "no images in|neither a folder"),
    "export": (lambda p: export_run(model()(sample_shape=(4, 4, 1)), "/dev/null", 0),
               "cannot export"),
    "samples": (lambda p: model()(sample_shape=(4, 4, 1)).sample(2, [0, 1], labels=[0, 1]),
                "conditional = True"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_python_users_are_told_in_their_own_terms(case, tmp_path):
    wrong, message = WRONG[case]
    with pytest.raises(UserError, match=message) as told:
        wrong(tmp_path)
    assert "\n" not in str(told.value) and not FOREIGN.search(str(told.value))
