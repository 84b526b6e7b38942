"""Wrong flags, bindings and gin files."""

import functools
import inspect

import gin
from hypothesis import strategies as st
from input_damage import no_file
from input_doors import Command, door
from small_config import SMALL

from compare_gan_tf.bin import main
from compare_gan_tf.config import configurables, gin_insides

# Without a newline or a NUL, which no shell passes on; with what is not UTF-8.
WORD = st.text(st.characters(exclude_characters="\0\n\r"), min_size=1, max_size=30)
NAME = st.from_regex(r"[a-z_]{3,20}", fullmatch=True)
VERBS = [verb for verb in main.VERBS if verb not in ("completion", "doctor", "models")]
TYPED = {  # flags that take no text of any form
    "sample": ("num", "seed", "truncation", "columns", "interpolate", "format", "sampler"),
    "train": ("schedule", "strategy", "freeze_d_layers", "profile", "allow_data_change"),
    "evaluate": ("schedule", "strategy", "json"),
    "benchmark": ("steps", "repeats", "strategy"),
    "toy": ("steps", "seed"),
}


@door("flags", 100)
def flags(draw, folder, made) -> Command:
    """Flags and verbs that do not exist, and values of another type."""
    kind = draw(st.sampled_from(["verb", "flag", "value", "word"]))
    verb = draw(st.sampled_from(VERBS))
    if kind == "verb":
        verb = draw(NAME.filter(lambda name: name not in main.VERBS and name != "help"))
        return Command([verb], verb)
    if kind == "flag":
        name = "x" + draw(NAME)
        return Command([verb, f"--{name}={draw(WORD)}"], name)
    if kind == "word":
        word = draw(WORD.filter(lambda word: not word.startswith("-") and word.strip() == word))
        verb = draw(st.sampled_from([one for one in VERBS if one not in ("compare", "study")]))
        return Command([verb, word], "")
    verb = draw(st.sampled_from(sorted(TYPED)))
    name, value = draw(st.sampled_from(TYPED[verb])), "x" + draw(WORD)
    return Command([verb, f"--{name}={value}"], name)


# --- Bindings ---------------------------------------------------------------------------------


@functools.cache
def parameters() -> list[str]:
    """Everything that a config may bind."""
    configurables.load()
    found = []
    for selector in gin_insides.selectors():
        if selector.startswith("gin."):
            continue
        function = gin.get_configurable(selector)
        called = function.__init__ if inspect.isclass(function) else function
        names = [name for name in inspect.signature(called).parameters if name != "self"]
        found += [f"{gin_insides.short_name(selector)}.{name}" for name in names]
    return sorted(found)


# As gin writes them: numbers without sense, texts, references, and containers of them.
NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False)
).map(repr)
TEXTS = st.text(st.characters(exclude_characters="\0\n\r"), max_size=20).map(repr)
REFERENCES = st.one_of(
    NAME.map(lambda name: f"@{name}"),
    st.sampled_from(["@adam", "@adam()", "@hinge", "@GAN", "@GAN()", "@mlp.generator", "%lost"]),
)
VALUES = st.recursive(
    st.one_of(NUMBERS, TEXTS, REFERENCES, st.sampled_from(["None", "True", "-1", "{}", "()"])),
    lambda inner: st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=6,
)


@door("bindings", 150)
def bindings(draw, folder, made) -> Command:
    """Values of any kind for any parameter; a config that stays right does not count."""
    (folder / "small.gin").write_text(SMALL)
    ours = ("GAN", "train", "adam", "Adversarial", "mlp", "Normal", "data.load", "load")
    known = [name for name in parameters() if name.startswith(ours)]
    name = draw(st.one_of(st.sampled_from(known), st.sampled_from(parameters())))
    binding = f"{name} = {draw(VALUES)}"
    flags = ["--gin_config=small.gin", "--model_dir=run", f"--gin_bindings={binding}"]
    return Command(["train", *flags], "", may_be_right=True)


# --- Files ------------------------------------------------------------------------------------


@door("gin files", 100)
def gin_files(draw, folder, made) -> Command:
    """Lines that are no gin, includes and imports of nothing or of themselves, and no files."""
    kind = draw(st.sampled_from(["line", "include", "import", "bytes", "no file", "cycle", "deep"]))
    path = folder / "bad.gin"
    lines = SMALL.splitlines()
    if kind == "line":
        line = draw(WORD.filter(lambda text: text.strip() and text.strip()[0] not in "#%@(["))
        lines.insert(draw(st.integers(0, len(lines))), line)
    if kind == "include":
        lines.insert(0, f"include {draw(WORD)!r}")
    if kind == "import":
        modules = ["os", "subprocess", "sys", "pickle", "numpy", "__gin__.dynamic_registration"]
        name = draw(st.one_of(st.sampled_from(modules), NAME))
        lines.insert(0, draw(st.sampled_from([f"import {name}", f"from {name} import system"])))
    if kind == "cycle":
        length = draw(st.integers(1, 40))
        for i in range(length):
            (folder / f"{i}.gin").write_text(f"include '{(i + 1) % length}.gin'\n")
        lines.insert(0, "include '0.gin'")
    if kind == "deep":
        depth = draw(st.integers(100, 3000))
        opening, closing = draw(st.sampled_from(["[]", "()", "{}"]))
        lines.append(f"GAN.objectives = {opening * depth}{closing * depth}")
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    if kind == "bytes":
        path.write_bytes(b"\xff" + draw(st.binary(max_size=300)))
    if kind == "no file":
        path.unlink()
        but = ("link to its folder",)
        no_file(draw, path, but)
    may_be_right = kind == "line"
    return Command(
        ["train", "--gin_config=bad.gin", "--model_dir=run"], "", may_be_right=may_be_right
    )
