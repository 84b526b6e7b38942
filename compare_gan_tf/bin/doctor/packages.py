"""Versions of Python and of packages, extras, and combinations that are known not to work."""

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import compare_gan_tf
from compare_gan_tf.bin.doctor.findings import BROKEN, NOTE, Finding

OURS = "compare_gan_tf"
_TRAINING = ("tensorflow", "keras", "numpy")  # shown first
_BUILDS = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-tpu", "tf-nightly")


def versions() -> Iterator[Finding]:
    """Of Python, of this package, and of all that it requires."""
    found, known = platform.python_version(), (3, 11) <= sys.version_info < (3, 14)
    cure = "make a virtual environment of Python 3.11, 3.12 or 3.13"
    yield Finding("python", f"{found}, {sys.executable}", *(() if known else (BROKEN, cure)))
    folder = os.path.dirname(compare_gan_tf.__file__)
    yield Finding(OURS, f"{compare_gan_tf.__version__}, {folder}")
    required = [one for one in _requirements(OURS) if one.marker is None]
    required.sort(key=lambda one: _TRAINING.index(one.name) if one.name in _TRAINING else 9)
    for one in required:
        lacking = missing(one)
        if _is_build_of_tensorflow(one):
            continue
        yield Finding(
            one.name,
            _version(one.name) or "not installed",
            *((BROKEN, f"pip install '{lacking[0]}'") if lacking else ()),
        )


def extras() -> Iterator[Finding]:
    """Each extra of this package: installed, or how to install it."""
    names = importlib.metadata.metadata(OURS).get_all("Provides-Extra") or ()
    for name in names:
        lacking = missing(Requirement(f"{OURS}[{name}]"))
        if lacking:
            value = f"not installed: {', '.join(sorted({one.name for one in lacking}))}"
            yield Finding(f"[{name}]", value, NOTE, f"pip install '{OURS}[{name}]'")
        else:
            yield Finding(f"[{name}]", "installed")


def combinations() -> Iterator[Finding]:
    """Versions and variables that do not go together."""
    conflicts = sorted(set(_conflicts(OURS, set())))
    for package, wanted, there in conflicts:
        yield Finding(
            package, f"needs {wanted}, and {there} is installed", BROKEN, f"pip install '{wanted}'"
        )
    if _version("tensorflow-hub") and importlib.util.find_spec("pkg_resources") is None:
        why = f"setuptools {_version('setuptools')} has no pkg_resources, which tensorflow-hub uses"
        yield Finding("setuptools", why, BROKEN, "pip install 'setuptools<81'")
    builds = [name for name in _BUILDS if _version(name)]
    if len(builds) > 1:
        cure = f"pip uninstall {' '.join(builds)}, then install one of them"
        yield Finding("tensorflow", f"{' and '.join(builds)} share a folder", BROKEN, cure)
    yield from _variables()


def _variables() -> Iterator[Finding]:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        value = f"{backend}: this package is for Keras on TensorFlow"
        yield Finding("KERAS_BACKEND", value, BROKEN, "unset KERAS_BACKEND")
    if os.environ.get("TF_USE_LEGACY_KERAS", "0").lower() in ("1", "true"):
        value = "tf.keras is Keras 2: models of both versions do not mix"
        yield Finding("TF_USE_LEGACY_KERAS", value, BROKEN, "unset TF_USE_LEGACY_KERAS")


def missing(requirement: Requirement) -> list[Requirement]:
    """What a requirement lacks: itself, if it is absent or of a wrong version, or parts of it.

    Args:
      requirement: such as compare_gan_tf[study]; its extras count, too.
    """
    version = _version(requirement.name)
    if version is None and _is_build_of_tensorflow(requirement):
        version = next(filter(None, map(_version, _BUILDS)), None)
    if version is None or not requirement.specifier.contains(version, prereleases=True):
        return [requirement]
    return [
        lacking
        for extra in requirement.extras
        for one in _requirements(requirement.name, extra)
        for lacking in missing(one)
    ]


def _is_build_of_tensorflow(one: Requirement) -> bool:
    """Whether another build of TensorFlow than the one that is asked for takes its place."""
    return one.name == "tensorflow" and not _version(one.name) and any(map(_version, _BUILDS))


def _requirements(package: str, extra: str = "") -> Iterator[Requirement]:
    """What an installed package requires here; with `extra`, what that adds."""
    try:
        texts = importlib.metadata.requires(package) or ()
    except importlib.metadata.PackageNotFoundError:
        return
    for one in map(Requirement, texts):
        is_of_extra = one.marker is not None and "extra" in str(one.marker)
        if is_of_extra != bool(extra):
            continue
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            one.marker = None
            yield one


def _conflicts(package: str, seen: set[str]) -> Iterator[tuple[str, str, str]]:
    """(package, what it requires, the installed version), of a package and all below it."""
    seen.add(canonicalize_name(package))
    for one in _requirements(package):
        version = _version(one.name)
        if version is None:
            continue  # `versions` tells what we lack ourselves
        if package != OURS and not one.specifier.contains(version, prereleases=True):
            yield f"{package} {_version(package)}", f"{one.name}{one.specifier}", version
        if canonicalize_name(one.name) not in seen:
            yield from _conflicts(one.name, seen)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
