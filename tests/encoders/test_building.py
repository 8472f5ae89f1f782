import threading

import pytest
import torch

from sklearn_ssafe.encoders.building import build_random, build_unfilled, fill, freeze
from sklearn_ssafe.encoders.weights import WeightsFileError


class Net(torch.nn.Module):
    """Matrices, statistics and a computed buffer that no checkpoint holds."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.attention = torch.nn.MultiheadAttention(4, 2)
        self.token = torch.nn.Parameter(torch.empty(4))
        torch.nn.init.trunc_normal_(self.token)
        self.register_buffer("grid", torch.arange(5.0).mul_(2), persistent=False)

    def forward(self, pixels):
        return self.norm(self.conv(pixels)).mean((2, 3)) + self.token


def state_of(net):
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def test_unfilled_module_draws_nothing_and_computes_its_buffers():
    before = torch.get_rng_state()
    net = build_unfilled(Net)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(net.grid, torch.tensor([0.0, 2, 4, 6, 8]))


def test_other_threads_initialise_as_ever():
    built = []

    def build():
        def elsewhere():
            built.append(torch.nn.Linear(50, 50))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return Net()

    build_unfilled(build)
    assert 0.05 < built[0].weight.std() < 0.15


def test_fill_sets_every_tensor():
    source = Net()
    source.norm.running_mean.normal_()
    net = build_unfilled(Net)
    state = state_of(source)
    fill(net, state, torch.float32, "file", "net")
    assert state == {}
    expected = source.state_dict()
    assert all(torch.equal(t, expected[name]) for name, t in net.state_dict().items())


def test_fill_copies():
    source = state_of(Net())
    weight = source["conv.weight"]
    net = build_unfilled(Net)
    fill(net, source, torch.float32, "file", "net")
    before = net.conv.weight.clone()
    weight.zero_()
    assert torch.equal(net.conv.weight, before)


def test_fill_lists_what_does_not_fit():
    state = state_of(Net())
    for name in ("conv.weight", "conv.bias", "norm.weight", "norm.bias"):
        del state[name]
    state["head.weight"] = torch.zeros(2)
    with pytest.raises(WeightsFileError) as caught:
        fill(build_unfilled(Net), state, torch.float32, "weights.pt", "net")
    message = str(caught.value)
    assert "weights.pt" in message
    assert "4 missing: conv.bias, conv.weight, norm.bias ..." in message
    assert "1 unexpected: head.weight" in message


def test_half_precision_keeps_the_statistics_exact():
    source = Net()
    source.norm.running_var.uniform_(1, 2)
    net = build_unfilled(Net)
    fill(net, state_of(source), torch.bfloat16, "file", "net")
    freeze(net, torch.device("cpu"), torch.bfloat16)
    assert net.conv.weight.dtype == net.conv.bias.dtype == torch.bfloat16
    assert torch.equal(net.norm.running_var, source.norm.running_var)
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())
    with torch.inference_mode():
        pixels = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        expected = source.eval()(pixels)
        got = net(pixels.bfloat16()).float()
    torch.testing.assert_close(got, expected, rtol=0.02, atol=0.02)


def test_random_is_seeded_and_leaves_the_generator_alone():
    before = torch.get_rng_state()
    first, second = build_random(Net), build_random(Net)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.conv.weight, second.conv.weight)
    assert not torch.equal(build_random(Net, seed=1).conv.weight, first.conv.weight)
