"""A discriminator's last step: logits, of its features and of its labels."""

import keras


def scored(inputs: dict, features, labels, logit, conditioning, kernel_norm=None) -> keras.Model:
    """Completes a discriminator: one logit per sample, plus the conditioning's term.

    Args:
      inputs: of the model, see `blocks.discriminator_input`.
      features: [n, F].
      labels: one-hot [n, K], or None.
      logit: makes the layer [n, F] -> [n, 1]; unused if the conditioning makes the whole logit.
      conditioning: see `conditioning`; None for none.
      kernel_norm: reparameterises the conditioning's kernels; None for none.
    """
    is_whole = labels is not None and getattr(conditioning, "is_whole_logit", False)
    logits = None if is_whole else logit()(features)
    addend, further = added_to_logit(conditioning, features, labels, kernel_norm)
    if is_whole:
        logits, addend = addend, None
    return assembled(inputs, features, logits, addend, further)


def added_to_logit(conditioning, features, labels, kernel_norm) -> tuple:
    """The label term of the logit, and further outputs of D.

    Args:
      conditioning: its `at_logit` returns the term, or both; None for no conditioning.
      features: [n, F].
      labels: one-hot [n, K], or None.
      kernel_norm: reparameterises the kernels of the conditioning; None for none.

    Returns:
      (the term [n, 1] or None, {name: further output}).
    """
    if labels is None:
        return None, {}
    found = conditioning.at_logit(features, labels, kernel_norm)
    return found if isinstance(found, tuple) else (found, {})


def assembled(inputs: dict, features, logits, addend, further: dict) -> keras.Model:
    """The discriminator with the outputs "logits" [n], "features" [n, F] and further ones.

    Args:
      inputs: of the model, see `blocks.discriminator_input`.
      features: [n, F].
      logits: [n, 1].
      addend: what the labels add to the logits, [n, 1], or None.
      further: {name: output [n, ...]}.
    """
    logits = logits if addend is None else keras.layers.Add()([logits, addend])
    logits = keras.layers.Reshape((), name="logits")(logits)
    outputs = {"logits": logits, "features": features, **further}
    return keras.Model(inputs, outputs, name="discriminator")
