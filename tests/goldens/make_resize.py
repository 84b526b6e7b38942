"""Writes resize.json: bilinear resizes of one row by their definitions, the last by Pillow."""

import numpy as np
from PIL import Image
from writing import rounded, write

ROWS = {"enlarged": ([0, 1, 4, 9], 10), "reduced": ([0, 0, 0, 9, 9, 0, 0, 0, 0], 3)}
# {rule: function (place in the new row, sizes) -> place in the old one}
PLACES = {
    "tf1_bilinear": lambda i, old, new: i * old / new,  # corners as the origin
    "half_pixel_bilinear": lambda i, old, new: (i + 0.5) * old / new - 0.5,
    "align_corners_bilinear": lambda i, old, new: i * (old - 1) / (new - 1),
}


def by_places(levels, new: int, place) -> list[float]:
    places = [place(i, len(levels), new) for i in range(new)]
    return np.interp(places, np.arange(len(levels)), levels).tolist()


def by_pillow(levels, new: int) -> list[float]:
    """Its triangle is widened by the factor when the row becomes smaller."""
    row = Image.fromarray(np.array([levels], np.float32))
    resized = row.resize((new, 1), Image.Resampling.BILINEAR)
    return rounded(np.asarray(resized, np.float64)[0], digits=6)


def made() -> dict:
    found = {}
    for case, (levels, new) in ROWS.items():
        found[case] = {"levels": levels}
        found[case] |= {rule: by_places(levels, new, place) for rule, place in PLACES.items()}
        found[case]["antialiased_bilinear"] = by_pillow(levels, new)
    source = (
        "Bilinear resizes of one row: TensorFlow 1 (corner origin), half-pixel centres and aligned "
        "corners by interpolation at the places they define, antialiased by Pillow in float32"
    )
    return rounded({"source": source} | found)


if __name__ == "__main__":
    write(__file__, made())
