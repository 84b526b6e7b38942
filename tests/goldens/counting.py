"""Numbers of weights, as sums over the layers of published tables."""


class Layers:
    """What a network holds.

    Attributes:
      kernels: (rows, columns) of each that spectral norm may act on.
      embeddings: weights of kernels that it leaves alone.
      others: weights of all else that is trained.
      statistics: moving averages.
      variables: trained variables beside the kernels.
    """

    def __init__(self):
        self.kernels, self.embeddings, self.others, self.statistics = [], 0, 0, 0
        self.variables = 0

    def dense(self, a: int, b: int, bias: bool = True, normed: bool = True):
        """A kernel [a, b], under spectral norm if any is, unless it is not `normed`."""
        if normed:
            self.kernels.append((a, b))
        else:
            self.embeddings += a * b
            self.variables += 1
        self.others += b if bias else 0
        self.variables += int(bias)

    def conv(self, size: int, a: int, b: int, bias: bool = True, normed: bool = True):
        self.dense(size * size * a, b, bias, normed)

    def conditional_norm(self, condition: int, width: int):
        self.dense(condition, width, bias=False)
        self.dense(condition, width, bias=False)
        self.statistics += 2 * width

    def norm(self, width: int):
        self.others += 2 * width
        self.variables += 2
        self.statistics += 2 * width

    def attention(self, width: int):
        for a, b in ((1, 8), (1, 8), (1, 2), (2, 1)):
            self.conv(1, width // a, width // b, bias=False)
        self.others += 1
        self.variables += 1

    def trained(self) -> int:
        return sum(a * b for a, b in self.kernels) + self.embeddings + self.others

    def trained_variables(self) -> int:
        return len(self.kernels) + self.variables

    def not_trained(self, shorter: bool = False) -> int:
        """Moving averages, and spectral norm's vectors: of the rows, or of the shorter side."""
        vectors = sum(min(kernel) if shorter else kernel[0] for kernel in self.kernels)
        return self.statistics + vectors
