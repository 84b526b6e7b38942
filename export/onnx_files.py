"""ONNX files of the players, which onnxruntime and others run without TensorFlow."""

from compare_gan_tf.export import players

_OPSET = 18  # of 2022: the newest one that tf2onnx writes
_BATCH = "batch"  # what the files call the number of samples, which may be any


class Inexpressible(ValueError):
    """A network has operations that ONNX lacks."""


def content(player: players.Player) -> bytes:
    """The bytes of an ONNX file, after onnxruntime has given what the player gives.

    The metadata entry `num_classes`, of a generator with labels, is that which
    `compare-gan evaluate --fake=generator.onnx` reads.

    Raises:
      Inexpressible: the network has operations that ONNX lacks.
      ExportMismatch: see `Player.check`.
      Exception: any other of the libraries.
    """
    import onnx
    import tf2onnx

    specs = list(player.specs.values())
    model, _ = tf2onnx.convert.from_function(player.call, input_signature=specs, opset=_OPSET)
    unknown = {node.op_type for node in model.graph.node if not _is_known(onnx, node)}
    if unknown:
        raise Inexpressible(f"ONNX has no operation for {', '.join(sorted(unknown))}")
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = _BATCH
    if player.num_classes is not None:
        onnx.helper.set_model_props(model, {"num_classes": str(player.num_classes)})
    made = model.SerializeToString()
    _check(player, made)
    return made


def _is_known(onnx, node) -> bool:
    return onnx.defs.has(node.op_type, node.domain)


def _check(player: players.Player, made: bytes) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    player.check(lambda inputs: dict(zip(names, session.run(names, inputs), strict=True)))
