"""Lambert's W function, the inverse of y exp(y), of exponentials."""

import tensorflow as tf


def lambert_w_of_exp(x):
    """W(exp(x)): the y > 0 with y + log y = x, by Newton's method on log y.

    Six steps reach the precision of float64 for any x. Only the last two are differentiated, which
    gives the right first derivative.
    """
    start = tf.where(x > 1.0, tf.math.log(tf.maximum(x, 1.0)), x - tf.math.softplus(x))

    def step(log_y):
        y = tf.exp(log_y)
        return log_y - (y + log_y - x) / (y + 1.0)

    for _ in range(4):
        start = step(start)
    return tf.exp(step(step(tf.stop_gradient(start))))
