import dataclasses
import importlib
import math
import pathlib
import pkgutil
import subprocess
import sys

import gin
import pytest

from compare_gan_tf import metrics
from compare_gan_tf.config import gin_imports
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import presets, registry
from compare_gan_tf.metrics.base import Collected, Metric
from compare_gan_tf.objectives import f_divergences

# Without what other tests have registered.
OURS = [name for name in registry.names() if registry.find(name).__module__.startswith("compare_")]


def subclasses(cls):
    for one in cls.__subclasses__():
        yield one
        yield from subclasses(one)


def test_every_metric_of_the_package_is_registered_under_its_name():
    for module in pkgutil.iter_modules(metrics.__path__):
        importlib.import_module(f"compare_gan_tf.metrics.{module.name}")
    own = {
        cls
        for cls in subclasses(Metric)
        if cls.__module__.startswith("compare_gan_tf.metrics.") and "name" in vars(cls)
    }
    assert {cls.name: cls for cls in own} == {name: registry.find(name) for name in OURS}


def test_names_are_found_without_importing_tensorflow():
    code = (
        "import sys; from compare_gan_tf.metrics import extractor_names, registry;"
        "print(len(registry.names()), len(extractor_names.names()), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(OURS)), "14", "False"]


@pytest.fixture
def forgetful(monkeypatch):
    """Forgets the metrics that a test defines."""
    monkeypatch.setattr(Metric, "named", dict(Metric.named))


def test_a_class_is_a_metric_from_its_definition_on(forgetful):
    class Constant(Metric):
        name = "constant_of_a_test"
        needs = {"real": ("images",), "fake": ("images",)}
        scores = {"constant": None}

    assert "constant_of_a_test" in registry.names() and "constant_of_a_test" not in OURS
    (made,) = registry.resolve(["constant_of_a_test"])
    assert type(made) is Constant


def test_gin_binds_the_settings_of_a_metric_that_is_named():
    gin.parse_config("metrics.Prdc.k = 7")
    assert registry.resolve(["prdc"])[0].k == 7
    gin.clear_config()
    assert registry.resolve(["prdc"])[0].k == 5


def test_two_classes_of_one_name_are_refused(forgetful):
    registry.find("fid")
    with pytest.raises(UserError, match="two metrics have the name 'fid': .*Fid and .*; rename"):
        type("Other", (Metric,), {"name": "fid"})
    assert registry.find("fid").__module__ == "compare_gan_tf.metrics.fid"


def test_entry_points_add_metrics(forgetful, monkeypatch, tmp_path):
    (tmp_path / "metrics_of_a_plugin.py").write_text(
        "from compare_gan_tf.metrics.base import Metric\n\n\n"
        "class Plugged(Metric):\n    name = 'plugged'\n    needs = {'real': (), 'fake': ()}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="no metric 'plugged'"):
        registry.find("plugged")
    monkeypatch.setattr(gin_imports, "plugins", lambda: ["metrics_of_a_plugin"])
    assert registry.find("plugged").__name__ == "Plugged"
    assert presets.names_of("fid,plugged") == ["fid", "plugged"]


@pytest.mark.parametrize("name", OURS)
def test_a_metric_says_what_it_needs_and_returns(name):
    cls = registry.find(name)
    assert cls.name == name
    assert set(cls.needs) == {"real", "fake"}
    kinds = {kind for side in cls.needs.values() for kind in side}
    assert kinds and kinds <= Collected.__dataclass_fields__.keys()
    assert cls.scores and all(higher in (True, False, None) for higher in cls.scores.values())


def test_names_and_values_are_resolved_in_their_order():
    kid = registry.find("kid")(subsets=7)
    assert registry.resolve(["fid", kid]) == (registry.find("fid")(), kid)
    assert registry.resolve([kid, registry.find("kid")()])[0].subsets == 7


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["fdi"], "no metric 'fdi': the nearest names are fid"),
        (["fid", "fid"], "the metric fid is asked for twice"),
        ([], "no metrics are asked for"),
        ([3], "3 is no metric"),
        ([registry.find("fid")], "is no metric"),
    ],
)
def test_what_is_no_metric_is_one_line(asked, message):
    with pytest.raises(UserError, match=message) as caught:
        registry.resolve(asked)
    assert "\n" not in str(caught.value)


def test_a_text_names_metrics_or_a_preset():
    assert presets.names_of("fid, kid") == ["fid", "kid"]
    assert presets.names_of("studiogan") == []
    assert [m.name for m in presets.metrics_of("fid,kid", presets.plain())] == ["fid", "kid"]
    assert presets.metrics_of(None, presets.plain()) == (registry.find("fid")(),)
    with pytest.raises(UserError, match="no metric 'studiogn': the nearest names are studiogan"):
        presets.names_of("studiogn")
    with pytest.raises(UserError, match="no preset 'clen': the nearest names are clean"):
        presets.find("clen")


# What reference/peers of the field report: split, reals (None: all), fakes, and settings.
PROTOCOLS = {
    "ancestor": ("test", 10_000, 10_000, {"inception_score": (1, True)}),
    "studiogan": ("train", None, 50_000, {"inception_score": (1, True), "prdc": 5}),
    "clean": ("train", None, 50_000, {"kid": (100, 1000)}),
    "mimicry": ("train", 50_000, 50_000, {"inception_score": (10, False), "kid": (50, 1000)}),
    "quick": (None, None, None, {}),
}
SETTINGS = {
    "inception_score": lambda metric: (metric.splits, metric.bias),
    "prdc": lambda metric: metric.k,
    "kid": lambda metric: (metric.subsets, metric.subset_size),
}


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_is_the_protocol_that_its_name_stands_for(name):
    preset = presets.find(name)
    split, reals, fakes, expected = PROTOCOLS[name]
    assert (preset.real_split, preset.n_real, preset.n_fake) == (split, reals, fakes)
    found = {metric.name: metric for metric in registry.resolve(preset.metrics)}
    assert "fid" in found
    for metric, settings in expected.items():
        assert SETTINGS[metric](found[metric]) == settings


def test_every_metric_and_preset_is_in_the_documentation():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    assert [n for n in (*OURS, *presets.PRESETS) if f"`{n}`" not in text] == []


def numbers_of(*names):
    """(metric's name, field) of settings of these names."""
    return [
        (name, field.name)
        for name in OURS
        for field in dataclasses.fields(registry.find(name))
        if field.name in names
    ]


@pytest.mark.parametrize(("name", "field"), numbers_of("seed", "shuffle_seed"))
def test_a_seed_is_a_whole_number_from_0(name, field):
    with pytest.raises(UserError, match=rf"\.{field} is -1: it must be a whole number, 0 or more"):
        registry.find(name)(**{field: -1})


@pytest.mark.parametrize("value", [math.inf, math.nan, 0.0])
@pytest.mark.parametrize(("name", "field"), numbers_of("learning_rate", "within", "threshold"))
def test_a_number_that_must_be_above_0_is_finite(name, field, value):
    with pytest.raises(UserError, match=rf"\.{field} is {value}: it must be a number above 0"):
        registry.find(name)(**{field: value})


@pytest.mark.parametrize("name", ["memorised", "duplicates"])
def test_a_ratio_is_finite(name):
    with pytest.raises(UserError, match="ratio is inf: it must be a number, 0 or more"):
        registry.find(name)(ratio=math.inf)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("cas", "classifier"),
        ("gilbo", "encoder"),
        ("polygon_precision", "distance"),
        ("ppl", "distance"),
        ("ppl", "interpolate"),
        ("reconstruction_error", "distance"),
        ("stacked_modes", "classifier"),
    ],
)
def test_a_function_of_other_arguments_is_refused(name, field):
    with pytest.raises(UserError, match=rf"\.{field} is @kl: it must be a function"):
        registry.find(name)(**{field: f_divergences.kl})


def defaults_that_are_numbers():
    """(metric's name, field) of settings whose defaults are numbers."""
    return [
        (name, field.name)
        for name in registry.names()
        for field in dataclasses.fields(registry.find(name))
        if isinstance(field.default, int | float) and not isinstance(field.default, bool)
    ]


@pytest.mark.parametrize(("name", "field"), defaults_that_are_numbers())
def test_every_number_is_declared_as_one(name, field):
    with pytest.raises(UserError, match=rf"\.{field} is 'x': it must be a (whole )?number"):
        registry.find(name)(**{field: "x"})
