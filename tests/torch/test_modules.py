"""torch.nn.Module through functional_call: gradients of a batch and of each sample."""

from __future__ import annotations

import pytest

from pullback import grad, jvp, vmap

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

from torch import nn  # noqa: E402
from torch.func import functional_call  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402

F = nn.functional
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3)
        self.second = nn.Conv2d(4, 8, 3, padding=1)
        self.norm = nn.GroupNorm(2, 8)
        self.last = nn.Linear(72, 10)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.max_pool2d(self.norm(self.second(x)), 2)
        return self.last(x.flatten(1))


class Block(nn.Module):
    def __init__(self, width=16, heads=4):
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.after = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.SiLU()
        )

    def forward(self, x):
        batch, time, width = x.shape
        heads = [
            part.view(batch, time, self.heads, -1).transpose(1, 2)
            for part in self.project(self.before(x)).chunk(3, -1)
        ]
        attended = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, time, width))
        return x + self.mlp(self.after(x))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 6)
        self.cell = nn.LSTMCell(6, 5)
        self.last = nn.Linear(5, 3)

    def forward(self, words):
        state = None
        for word in self.words(words).unbind(1):
            state = self.cell(word, state)
        return self.last(F.dropout(state[0], 0.5, training=False))


def problems():
    torch.manual_seed(0)
    images, classes = torch.randn(5, 1, 8, 8), torch.randint(0, 10, (5,))
    series = torch.randn(5, 6, 16)
    words, labels = torch.randint(0, 10, (5, 4)), torch.randint(0, 3, (5,))
    yield pytest.param(Convolutional(), images, classes, F.cross_entropy, id="convolutional")
    yield pytest.param(Block(), series, series.flip(0), F.mse_loss, id="transformer")
    yield pytest.param(Recurrent(), words, labels, F.cross_entropy, id="recurrent")


@pytest.mark.parametrize(("module", "x", "y", "criterion"), [*problems()])
class TestModule:
    def assert_close(self, got, expected):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)

    def parameters(self, module):
        return {name: value.detach() for name, value in module.named_parameters()}

    def test_gradient_of_a_batch(self, module, x, y, criterion):
        loss = lambda parameters: criterion(functional_call(module, parameters, (x,)), y)
        parameters = self.parameters(module)
        self.assert_close(grad(loss)(parameters), torch.func.grad(loss)(parameters))

    def test_per_sample_gradients(self, module, x, y, criterion):
        def loss(parameters, x, y):
            return criterion(functional_call(module, parameters, (x[None],)), y[None])

        parameters = self.parameters(module)
        ours = vmap(grad(loss), (None, 0, 0))(parameters, x, y)
        theirs = [torch.func.grad(loss)(parameters, *sample) for sample in zip(x, y, strict=True)]
        stacked = {name: torch.stack([one[name] for one in theirs]) for name in parameters}
        self.assert_close(ours, stacked)

    def test_product_of_the_hessian_and_a_vector(self, module, x, y, criterion):
        loss = lambda parameters: criterion(functional_call(module, parameters, (x,)), y)
        parameters = self.parameters(module)
        direction = {name: torch.randn_like(value) for name, value in parameters.items()}
        ours = jvp(grad(loss), (parameters,), (direction,))[1]

        def along(parameters):
            gradient = torch.func.grad(loss)(parameters)
            return sum((gradient[name] * direction[name]).sum() for name in gradient)

        with sdpa_kernel(SDPBackend.MATH):  # torch's other ones have no second derivative
            self.assert_close(ours, torch.func.grad(along)(parameters))

    def test_parameters_left_in_the_module_are_attached_to_torch(self, module, x, y, criterion):
        """Captured parameters require grad, and so does what is computed from them."""
        if not x.is_floating_point():
            pytest.skip("no float inputs")
        gradient = grad(lambda x: criterion(module(x), y))(x)
        gradient.square().sum().backward()
        ours = {name: value.grad.clone() for name, value in module.named_parameters()}
        module.zero_grad()
        with sdpa_kernel(SDPBackend.MATH):
            theirs = torch.func.grad(lambda x: criterion(module(x), y))(x)
            theirs.square().sum().backward()
        for name, value in module.named_parameters():
            self.assert_close(ours[name], value.grad)
        module.zero_grad()
