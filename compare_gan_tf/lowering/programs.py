"""A function of TensorFlow as a StableHLO program: tensors in, tensors out, and no variables.

Variables that the function reads become inputs, and those that it assigns become outputs.
"""

import dataclasses
import re
from collections.abc import Callable

import tensorflow as tf

from compare_gan_tf.errors import UserError, as_user_error, first_line
from compare_gan_tf.layers import under_xla
from compare_gan_tf.settings import keras_insides

# TensorFlow compiles functions with variables for devices that it sees, and the CPU is always one.
# Before XLA optimises it, a program is the same for all devices.
_PLATFORM = "CPU"
# What the text of a program has beside StableHLO: where each operation came from, on this machine's
# disk, the attributes of the module, and copies of the results.
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LOCATION = re.compile(rf' loc\((?:[^()"]|{_QUOTED}|\((?:[^()"]|{_QUOTED})*\))*\)')
_MODULE = re.compile(r"^module @\S+ attributes \{.*\} \{$", re.MULTILINE)
_ALIAS = re.compile(r"parameter_number = (\d+) : i64\}, output_index = array<i64: (\d+)>")


@dataclasses.dataclass(frozen=True)
class Program:
    """A program, and what goes in and comes out by name, in order.

    Attributes:
      code: a portable artifact of StableHLO.
      inputs: {name: spec} of the arguments, then of the variables that are read or assigned.
      outputs: {name: spec} of the results, then of the variables that are assigned.
      results: names of the results.
    """

    code: bytes
    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]
    results: list[str]

    def signature(self) -> dict:
        """Its inputs, outputs and results for JSON."""
        return {
            "inputs": _described(self.inputs),
            "outputs": _described(self.outputs),
            "results": self.results,
        }


def _described(specs: dict[str, tf.TensorSpec]) -> list[dict]:
    return [
        {"name": name, "shape": list(spec.shape), "dtype": spec.dtype.name}
        for name, spec in specs.items()
    ]


def lower(function: Callable, arguments: dict[str, tf.TensorSpec], variables: dict) -> Program:
    """Compiles a function to StableHLO with static shapes; computes nothing.

    Args:
      function: of the arguments, given by name; it returns {name: tensor}.
      arguments: {name: spec}.
      variables: {name: Keras variable}; the function may use no others.

    Raises:
      UserError: XLA cannot compile the function, a shape is not static, or it uses a variable that
        has no name.
    """
    traced = tf.function(
        lambda *given: function(**dict(zip(arguments, given, strict=True))),
        autograph=False,
        jit_compile=True,
    )
    with under_xla(), keras_insides.without_deterministic_ops():
        concrete = traced.get_concrete_function(*arguments.values())
        text = _compiled(traced, arguments.values())
    names = {id(variable.value.handle): name for name, variable in variables.items()}
    _check_known(concrete, names)
    inputs, outputs = dict(arguments), concrete.structured_outputs
    for handle in concrete.captured_inputs:
        variable = variables[names[id(handle)]]
        inputs[names[id(handle)]] = tf.TensorSpec(variable.shape, variable.dtype)
    results = sorted(outputs)  # as TensorFlow sorts the keys of a dict
    came_from = {int(output): int(number) for number, output in _ALIAS.findall(text)}
    assigned = [[*inputs][came_from[output]] for output in sorted(came_from)]
    _check_signature(text, len(inputs), len(results), sorted(came_from))
    _check_operations(text)
    with as_user_error("XLA's program is no plain StableHLO", ValueError):
        code = keras_insides.portable_stablehlo(_plain(text))
    outputs = {name: outputs[name] for name in results} | {name: inputs[name] for name in assigned}
    return Program(code, inputs, outputs, results)


def _compiled(traced, specs) -> str:
    """The text of XLA's program, in StableHLO."""
    try:
        make = traced.experimental_get_compiler_ir(*specs)
        return make(stage="stablehlo", platform_name=_PLATFORM)
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(f"XLA cannot compile the step: {first_line(error)}") from error


def _check_known(concrete, names: dict[int, str]) -> None:
    """Checks that all that the function captures has a name."""
    own = {
        id(variable.handle): f"variable {variable.name}" for variable in concrete.graph.variables
    }
    for tensor in concrete.captured_inputs:
        if id(tensor) not in names:
            what = own.get(id(tensor), f"tensor of shape {tensor.shape}, made outside of it")
            raise UserError(f"the step uses a {what}, which no checkpoint has: keep it in a layer")


def _check_signature(text: str, inputs: int, results: int, assigned: list[int]) -> None:
    """Checks that parameters and results are as many as named, and all shapes static."""
    (line,) = (line for line in text.splitlines() if line.lstrip().startswith("func.func @main("))
    given, _, returned = line.partition(" -> ")
    counts = given.count(": tensor<"), returned.count("tensor<")
    if counts != (inputs, results + len(assigned)) or assigned != [
        *range(results, results + len(assigned))
    ]:
        raise UserError(
            f"XLA's program has {counts[0]} inputs and {counts[1]} outputs, not {inputs} and "
            f"{results} results with {len(assigned)} variables behind them: this version of "
            "TensorFlow orders them differently"
        )


def _check_operations(text: str) -> None:
    """Refuses shapes that are not static, and calls that only a CPU knows."""
    if dynamic := re.search(r"tensor<(?:\d+x)*\?[^>]*>", text):
        raise UserError(f"XLA's program has a shape that is not static, {dynamic[0]}")
    if call := re.search(r"stablehlo\.custom_call @([\w.$]+)", text):
        raise UserError(f"XLA's program calls {call[1]}, which not every device has")


def _plain(text: str) -> str:
    """The text in StableHLO alone; a copy becomes a conversion to its own type."""
    lines = (line for line in text.splitlines() if not line.startswith("#loc"))
    text = _LOCATION.sub("", "\n".join(lines))
    return _MODULE.sub("module @step {", text).replace(" mhlo.copy ", " stablehlo.convert ")
