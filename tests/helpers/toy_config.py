"""What tests of configs bind; gin knows it by these names."""

import gin


@gin.configurable(module="toy_config")
def toy_optimizer(*, rate: float = 0.1, decay: float = 0.9):
    return rate, decay


@gin.configurable(module="toy_config")
def toy_loss(value, *, margin: float = 1.0):
    return max(0.0, margin - value)


@gin.register(module="toy_config")
class ToyGame:
    def __init__(self, size, *, optimizer, loss=None, rounds: int = 1):
        self.size = size
        self.optimizer = optimizer() if callable(optimizer) else optimizer
        self.loss = loss
        self.rounds = rounds


@gin.configurable(module="toy_config")
def toy_train(folder, *, game=gin.REQUIRED, steps: int = 10):
    return game(3)


@gin.configurable(module="toy_config")
def toy_evaluate(*, samples: int = 100, scale=None):
    return samples


GAME = """
toy_train.game = @ToyGame
ToyGame.optimizer = @toy_optimizer()
toy_optimizer.rate = 0.5
"""
