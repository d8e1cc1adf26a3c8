"""GAAE's iteration in PyTorch, for `benchmarks.step`: the same layers and updates, plainly written.

Networks as METHOD §4 has them, without non-local block. Maps are channels last and Adam is fused,
which is PyTorch's fastest on CPUs; a shortcut's 1×1 convolution stands after its pool and before
its doubling, as in gaae_tf. All else is left to PyTorch, eager or compiled.
"""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

CODE = 128
_LAYERS = (nn.Conv2d, nn.Linear)


class BatchNorm(nn.Module):
    """Batch normalisation, by a class vector where `classes` is given."""

    def __init__(self, channels, classes=None):
        super().__init__()
        shape = (channels,) if classes is None else (classes, channels)
        self.gain = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x, y=None):
        training = self.training
        if y is None:
            return F.batch_norm(
                x, self.mean, self.variance, self.gain, self.bias, training, 0.01, 1e-4
            )
        x = F.batch_norm(x, self.mean, self.variance, None, None, training, 0.01, 1e-4)
        gain, bias = 1.0 + y @ self.gain, y @ self.bias
        return x * gain[:, :, None, None] + bias[:, :, None, None]


def convolution(inputs, outputs, size, normed):
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2)
    return spectral_norm(layer) if normed else layer


class Up(nn.Module):
    def __init__(self, inputs, outputs, classes):
        super().__init__()
        self.norm1, self.norm2 = BatchNorm(inputs, classes), BatchNorm(outputs, classes)
        self.conv1 = convolution(inputs, outputs, 3, True)
        self.conv2 = convolution(outputs, outputs, 3, True)
        self.shortcut = convolution(inputs, outputs, 1, True)

    def forward(self, features, y):
        x = self.conv1(F.interpolate(F.relu(self.norm1(features, y)), scale_factor=2))
        x = self.conv2(F.relu(self.norm2(x, y)))
        return x + F.interpolate(self.shortcut(features), scale_factor=2)


class Down(nn.Module):
    def __init__(self, inputs, outputs, normed):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, normed)
        self.conv2 = convolution(outputs, outputs, 3, normed)
        self.shortcut = convolution(inputs, outputs, 1, normed)

    def forward(self, features):
        x = self.conv2(F.relu(self.conv1(F.relu(features))))
        return F.avg_pool2d(x, 2) + self.shortcut(F.avg_pool2d(features, 2))


class Tower(nn.Module):
    """Spectrogram to the sum of the last maps."""

    def __init__(self, widths, normed):
        super().__init__()
        self.downs = nn.ModuleList(
            Down(inputs, outputs, normed) for inputs, outputs in pairwise((1, *widths))
        )
        self.conv1 = convolution(widths[-1], widths[-1], 3, normed)
        self.conv2 = convolution(widths[-1], widths[-1], 3, normed)

    def forward(self, x):
        for down in self.downs:
            x = down(x)
        return F.relu(self.conv2(F.relu(self.conv1(F.relu(x))))).sum((2, 3))


class Encoder(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.tower = Tower(widths, False)
        self.guided, self.style = nn.Linear(widths[-1], CODE), nn.Linear(widths[-1], CODE)

    def forward(self, x):
        features = self.tower(x)
        return self.guided(features), self.style(features)


class Decoder(nn.Module):
    def __init__(self, base, inputs, widths, classes):
        super().__init__()
        self.base = (inputs, *base)
        self.dense = nn.Linear(CODE, inputs * base[0] * base[1])
        self.ups = nn.ModuleList(
            Up(before, after, classes) for before, after in pairwise((inputs, *widths))
        )
        self.norm = BatchNorm(widths[-1])
        self.last = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, style, y):
        x = self.dense(style).view(-1, *self.base).contiguous(memory_format=torch.channels_last)
        for up in self.ups:
            x = up(x, y)
        return torch.tanh(self.last(F.relu(self.norm(x))))


class SampleDiscriminator(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.tower = Tower(widths, True)
        self.embed = spectral_norm(nn.Linear(classes, widths[-1], bias=False))
        self.score = spectral_norm(nn.Linear(widths[-1], 1))

    def forward(self, x, y):
        features = self.tower(x)
        return (self.embed(y) * features).sum(1, keepdim=True) + self.score(features)


class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.register_buffer("mean", torch.zeros(CODE))
        self.register_buffer("variance", torch.ones(CODE))
        self.hidden, self.logits = nn.Linear(CODE, 128), nn.Linear(128, classes)

    def forward(self, z):
        z = F.batch_norm(z, self.mean, self.variance, None, None, self.training, 0.1, 1e-6)
        return self.logits(F.relu(self.hidden(z)))


def latent_discriminator():
    return nn.Sequential(
        nn.Linear(CODE, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1)
    )


class Training:
    """One iteration of Algorithm 1, as `gaae_tf.systems.gaae` has it by default.

    Args:
        size: channels, classes, base of the decoder, widths of down and up blocks.
        compiled: whether the losses of both updates are compiled, with their gradients.
    """

    def __init__(self, size, compiled):
        ch, classes = size["channels"], size["classes"]
        self.classes = classes
        self.networks = {
            "encoder": Encoder(size["down_widths"]),
            "decoder": Decoder(size["base"], 16 * ch, size["up_widths"], classes),
            "classifier": Classifier(classes),
            "sample_discriminator": SampleDiscriminator(size["down_widths"], classes),
            "latent_discriminator": latent_discriminator(),
        }
        for network in self.networks.values():
            network.to(memory_format=torch.channels_last)
        self.E, self.D, self.C, self.S, self.L = self.networks.values()
        averaged = ("encoder", "decoder", "classifier")
        self.average = [copy.deepcopy(self.networks[name]) for name in averaged]
        self.trained = {
            "S": list(self.S.parameters()),
            "L": list(self.L.parameters()),
            "EDC": [p for name in averaged for p in self.networks[name].parameters()],
        }
        self.optimizers = {
            name: torch.optim.Adam(
                parameters, lr=5e-5 if name == "EDC" else 2e-4, betas=(0.0, 0.999), fused=True
            )
            for name, parameters in self.trained.items()
        }
        compile_ = torch.compile if compiled else (lambda function: function)
        self.discriminator_losses = compile_(self._discriminator_losses)
        self.autoencoder_loss = compile_(self._autoencoder_loss)

    def iteration(self, batches):
        """Updates S and L by each batch but the last, E, D and C by that one; gives the losses."""
        logs = {}
        for x_u, x_l, y_l in batches[:-1]:
            self.S.train()
            self.S.requires_grad_(True)
            sample, latent = self.discriminator_losses(x_u, x_l, y_l, *self._noise(x_u))
            logs |= {"S": sample, "L": latent}
            self._apply(sample + latent, "S", "L")  # each moves its own network alone
        self.S.eval()
        self.S.requires_grad_(False)
        self.L.requires_grad_(False)
        x_u, x_l, y_l = batches[-1]
        logs["EDC"] = self.autoencoder_loss(x_u, x_l, y_l, self._noise(x_u)[1])
        self._apply(logs["EDC"], "EDC")
        self.L.requires_grad_(True)
        self._update_average()
        return logs

    def _noise(self, x):
        labels = torch.randint(self.classes, (len(x),))
        return torch.randn(len(x), CODE), F.one_hot(labels, self.classes).float()

    def _discriminator_losses(self, x_u, x_l, y_l, prior, y_r):
        with torch.no_grad():
            guided, style = self.E(x_u)
            y_u = self.C(guided).softmax(1)
            fakes = self.D(torch.cat([style, style]), torch.cat([y_u, y_r]))
        scores = self.S(torch.cat([x_u, x_l, fakes]), torch.cat([y_u, y_l, y_u, y_r]))
        real, fake = scores.chunk(2)
        sample = F.relu(1.0 - real).mean() + F.relu(1.0 + fake).mean()
        latent = F.relu(1.0 - self.L(prior)).mean() + F.relu(1.0 + self.L(style)).mean()
        return sample, latent

    def _autoencoder_loss(self, x_u, x_l, y_l, y_r):
        guided, style = self.E(x_u)
        y_u = self.C(guided).softmax(1).detach()
        fakes = self.D(torch.cat([style, style]), torch.cat([y_u, y_r]))
        reconstructed, generated = fakes.chunk(2)
        generation = -self.S(fakes, torch.cat([y_u, y_r])).mean()
        codes_l, codes_g = self.E(torch.cat([x_l, generated.detach()]))[0].chunk(2)
        made = 0.6 * generation + 0.4 * 20.0 * F.mse_loss(reconstructed, x_u)
        known = (
            0.25 * F.cross_entropy(self.C(codes_l), y_l)
            + 0.25 * F.cross_entropy(self.C(codes_g), y_r)
            - 0.5 * self.L(style).mean()
        )
        return 0.5 * made + 0.5 * known

    def _apply(self, loss, *names):
        for name in names:
            self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        for name in names:
            torch.nn.utils.get_total_norm([p.grad for p in self.trained[name]])
            self.optimizers[name].step()

    @torch.no_grad()
    def _update_average(self):
        for network, average in zip((self.E, self.D, self.C), self.average, strict=True):
            kept = [*average.parameters(), *(b for b in average.buffers() if b.is_floating_point())]
            new = [*network.parameters(), *(b for b in network.buffers() if b.is_floating_point())]
            torch._foreach_lerp_(kept, new, 1e-4)


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


def forward_flop(network, *inputs) -> int:
    """Floating-point operations of convolutions and dense layers in a forward pass."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        places = output.shape[2:].numel() if isinstance(layer, nn.Conv2d) else 1
        total += 2 * layer.weight.numel() * places * len(output)

    layers = [layer for layer in network.modules() if isinstance(layer, _LAYERS)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    return total
