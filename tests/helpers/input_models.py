"""Wrong runs, exports, networks in files, and addresses of studies."""

import shutil

from hypothesis import strategies as st
from input_damage import damaged, no_file, spoil
from input_doors import Command, door


def files(folder) -> list:
    """All files below a folder, as paths, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@door("checkpoints", 90)
def checkpoints(draw, folder, made) -> Command:
    """A run with a file that is damaged, or is something else."""
    shutil.copytree(made / "run", folder / "run", ignore=shutil.ignore_patterns("hub", "scores*"))
    part = draw(st.sampled_from(["checkpoints", "config.gin", "manifest.json"]))
    spoil(draw, draw(st.sampled_from([p for p in files(folder / "run") if part in str(p)])))
    verb = draw(st.sampled_from(["evaluate", "sample", "report", "train"]))
    return Command([verb, "--model_dir=run", *["--output=x.png"] * (verb == "sample")],
                   may_be_right=True)  # fmt: skip


@door("modules", 60)
def modules(draw, folder, made) -> Command:
    """A SavedModel with a file that is damaged, or is something else."""
    module = next((made / "run" / "hub").glob("*/generator"))
    shutil.copytree(module, folder / "module")
    spoil(draw, draw(st.sampled_from(files(folder / "module"))))
    return using(draw, "module")


def using(draw, path: str) -> Command:
    """A command that draws from the generator at a path."""
    sample = ["sample", f"--module={path}", "--num=4", "--output=x.npz", "--trust"]
    sides = [f"--fake={path}", "--real=digits/test", "--extractor=raw_features"]
    evaluate = ["evaluate", *sides, "--gin_bindings=evaluate.num_samples = 20", "--output=s.json"]
    evaluate.append("--trust")
    return Command(draw(st.sampled_from([sample, evaluate])), path, may_be_right=True)


@door("onnx", 50)
def onnx(draw, folder, made) -> Command:
    """ONNX files that are damaged, or of a network that draws nothing, or no files."""
    kind = draw(st.sampled_from(["generator", "network", "no file", "random"]))
    path = folder / "in.onnx"
    if kind == "no file":
        no_file(draw, path)
    elif kind == "random":
        path.write_bytes(draw(st.binary(max_size=300)))
    else:
        found = next((made / "run" / "hub").rglob("*.onnx"))
        content = (found if kind == "generator" else made / "network.onnx").read_bytes()
        path.write_bytes(damaged(draw, content))
    sides = ["--fake=in.onnx", "--real=digits/test", "--extractor=raw_features"]
    bindings = "--gin_bindings=evaluate.num_samples = 20"
    trust = ["--trust"] * draw(st.integers(0, 1))
    arguments = ["evaluate", *sides, bindings, "--output=s.json", *trust]
    return Command(arguments, "in.onnx", may_be_right=True)


@door("exports", 40)
def exports(draw, folder, made) -> Command:
    """An export with a file that is damaged, or is something else."""
    export = next((made / "run" / "hub").iterdir())
    shutil.copytree(export, folder / "export", ignore=shutil.ignore_patterns("*.onnx", "tator"))
    names = ("model.json", "manifest.json", "generator.keras", "discriminator.keras")
    spoil(draw, folder / "export" / draw(st.sampled_from(names)))
    return Command(["sample", "--model=export", "--num=4", "--output=x.npz"], "export")


# --- Studies ----------------------------------------------------------------------------------

WORD = st.from_regex(r"[a-zA-Z0-9_%.-]{1,12}", fullmatch=True)
SECRET = "hunter2"


@door("storage URLs", 60)
def storage(draw, folder, made) -> Command:
    """Addresses of databases that are none, do not answer, or are no study."""
    scheme = draw(st.one_of(st.sampled_from(["postgresql", "mysql", "sqlite", "oracle"]), WORD))
    user = draw(st.sampled_from(["", "me@", f"me:{SECRET}@", f":{SECRET}@"]))
    host = draw(st.sampled_from(["127.0.0.1:1", "no.such.invalid", "[::1]:1", "host:port", ""]))
    url = f"{scheme}://{user}{host}/{draw(WORD)}"
    kind = draw(st.sampled_from(["address", "file", "word", "no file"]))
    if kind == "word":
        url = draw(st.text(st.characters(exclude_characters="\0\n\r"), min_size=1, max_size=40))
    if kind in ("file", "no file"):
        path = folder / "study.db"
        path.write_bytes(draw(st.binary(min_size=1, max_size=200)))
        if kind == "no file":
            path.unlink()
            no_file(draw, path)
        url = "sqlite:///study.db"
    verbs = (["create", "--gin_config=study/digits.gin"], ["status"], ["work"], ["report"])
    verb = draw(st.sampled_from(verbs))
    return Command(["study", *verb, "--study_dir=study", f"--storage={url}"], secret=SECRET)
