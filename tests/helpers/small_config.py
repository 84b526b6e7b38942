"""A config of a run of seconds: four steps of networks of some hundred weights, on digits."""

SMALL = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = 4
train.checkpoint_every = 2
train.log_every = 2
train.batch_size = 8
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.objectives = [@Adversarial()]
GAN.latents = @Normal()
GAN.g_optimizer = @adam()
GAN.d_optimizer = @adam()
Normal.dim = 4
mlp.generator.units = 8
mlp.discriminator.units = 8
"""
