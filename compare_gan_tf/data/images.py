"""Images at the doors: inside they are float32 in [-1, 1], outside uint8 or float32 in [0, 1]."""

import io

import numpy as np
import tensorflow as tf


def from_uint8(images):
    """uint8 -> float32 in [-1, 1]; 0 -> -1 and 255 -> 1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_unit_interval(images):
    """float32 in [-1, 1] -> float32 in [0, 1]."""
    return images * 0.5 + 0.5


def from_unit_interval(images):
    """float32 in [0, 1] -> float32 in [-1, 1]."""
    return images * 2.0 - 1.0


def to_uint8(images):
    """float32 in [-1, 1] -> uint8 by floor(x01 * 255 + 0.5), clipped."""
    scaled = tf.floor(to_unit_interval(tf.convert_to_tensor(images)) * 255.0 + 0.5)
    return tf.cast(tf.clip_by_value(scaled, 0.0, 255.0), tf.uint8)


def image_grid(images: np.ndarray, *, columns: int = 8, scale: int = 1) -> np.ndarray:
    """Lays images uint8 [N, H, W, 1 or 3] row by row in a grid; empty cells are black.

    Returns:
      uint8 [rows * H * scale, columns * W * scale, 3]; pixels are repeated `scale` times.
    """
    number, height, width, channels = images.shape
    rows = -(-number // columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:number] = images
    grid = cells.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    grid = grid.reshape(rows * height, columns * width, channels)
    grid = np.broadcast_to(grid, (*grid.shape[:2], 3))
    return grid.repeat(scale, axis=0).repeat(scale, axis=1)


def encode_png(image: np.ndarray) -> bytes:
    """PNG file contents of a uint8 image [H, W, 3]."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()
