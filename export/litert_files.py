"""LiteRT files (.tflite), which phones, browsers and small computers run."""

import tensorflow as tf

from compare_gan_tf.export import players


def content(player: players.Player) -> bytes:
    """The bytes of a .tflite file, after LiteRT's interpreter has given what the player gives.

    It has LiteRT's own operations only, so that every interpreter runs it.

    Raises:
      ExportMismatch: see `Player.check`.
      Exception: any other of the libraries.
    """
    from ai_edge_litert import interpreter

    function = player.call.get_concrete_function()
    made = tf.lite.TFLiteConverter.from_concrete_functions([function], player).convert()
    run = interpreter.Interpreter(model_content=made).get_signature_runner()
    player.check(lambda inputs: run(**inputs))
    return made
