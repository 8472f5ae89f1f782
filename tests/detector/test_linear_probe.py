import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ssafe import LinearProbe


@parametrize_with_checks([LinearProbe(epochs=100, random_state=0)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture
def rows():
    """Two overlapping classes, so that an unpenalised optimum exists."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(301, 6))
    y = (X @ rng.normal(size=6) + 1.5 * rng.logistic(size=301) > 0.4).astype(int)
    return X, y


def torch_probe(X, y, epochs, batch_size, **options):
    """The paper's recipe, as one would write it in PyTorch."""
    layer = torch.nn.Linear(X.shape[1], 1, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimiser = torch.optim.AdamW(layer.parameters(), **options)
    X, y = torch.from_numpy(X), torch.from_numpy(y).double()
    for _ in range(epochs):
        for start in range(0, len(y), batch_size):
            rows = slice(start, start + batch_size)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                layer(X[rows])[:, 0], y[rows]
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


@pytest.mark.parametrize(
    "options", [{"lr": 1e-3}, {"lr": 0.02, "weight_decay": 0.3, "betas": (0.8, 0.95), "eps": 1e-5}]
)
def test_every_step_is_that_of_torch(rows, options):
    X, y = rows
    weight, bias = torch_probe(X, y, epochs=3, batch_size=40, **options)
    ours = {"lr": "learning_rate", "eps": "epsilon"}
    probe = LinearProbe(
        epochs=3, shuffle=False, **{ours.get(name, name): value for name, value in options.items()}
    ).fit(X, y)
    np.testing.assert_allclose(probe.coef_, weight, rtol=1e-9)
    np.testing.assert_allclose(probe.intercept_, bias, rtol=1e-9)
    assert probe.n_steps_ == 3 * 8


def test_without_decay_it_reaches_the_optimum_of_logistic_regression(rows):
    X, y = rows
    best = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y)
    probe = LinearProbe(
        learning_rate=0.02, batch_size=len(y), epochs=2000, weight_decay=0, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(probe.coef_, best.coef_, atol=1e-4)
    np.testing.assert_allclose(probe.intercept_, best.intercept_, atol=1e-4)
    loss = log_loss(y, best.predict_proba(X))
    assert probe.loss_curve_[-1] == pytest.approx(loss, abs=1e-7)
    # In the paper's small batches, and with as many steps as it takes itself, it hovers near it.
    probe = LinearProbe(weight_decay=0, random_state=0).fit(X, y)
    assert probe.n_steps_ == 10_000
    assert loss <= log_loss(y, probe.predict_proba(X)) < loss + 1e-3


def test_partial_fit_of_whole_batches_is_fit(rows):
    X, y = rows
    whole = LinearProbe(epochs=2, shuffle=False).fit(X[:240], y[:240])
    chunks = LinearProbe()
    for _ in range(2):
        for start in range(0, 240, 80):
            chunk = slice(start, start + 80)
            chunks.partial_fit(X[chunk], y[chunk], classes=[0, 1])
    np.testing.assert_array_equal(chunks.coef_, whole.coef_)
    np.testing.assert_array_equal(chunks.intercept_, whole.intercept_)


def test_partial_fit_takes_a_chunk_of_one_class(rows):
    X, y = rows
    names = np.where(y == 1, "generated", "real")
    order = np.argsort(y, kind="stable")
    probe = LinearProbe().partial_fit(
        X[order[:40]], names[order[:40]], classes=["real", "generated"]
    )
    assert list(probe.classes_) == ["generated", "real"]
    assert (probe.predict_proba(X).mean(axis=0) @ [0, 1]) > 0.5


def test_partial_fit_says_what_is_wrong(rows):
    X, y = rows
    with pytest.raises(ValueError, match="classes must be passed"):
        LinearProbe().partial_fit(X, y)
    probe = LinearProbe().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="differ from those of the first call"):
        probe.partial_fit(X, y, classes=[0, 2])
    with pytest.raises(ValueError, match=r"y holds \[2\]"):
        probe.partial_fit(X, y + 1)


def test_a_memory_map_gives_the_same(rows, tmp_path):
    X, y = rows
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    a = LinearProbe(epochs=2, random_state=0).fit(mapped, y)
    b = LinearProbe(epochs=2, random_state=0).fit(X.astype(np.float32), y)
    np.testing.assert_array_equal(a.coef_, b.coef_)


def test_the_seed_decides_the_order(rows):
    X, y = rows
    fits = [LinearProbe(epochs=2, random_state=seed).fit(X, y).coef_ for seed in (0, 0, 1)]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


@pytest.mark.parametrize("n", [2, 15, 40, 41, 301, 450])
def test_as_many_steps_as_documented(n):
    X, y = np.random.default_rng(0).normal(size=(n, 2)), np.arange(n) % 2
    probe = LinearProbe(random_state=0).fit(X, y)
    assert probe.n_steps_ == 10_000
    assert len(probe.loss_curve_) == -(-10_000 // -(-n // 40))
    assert LinearProbe(epochs=3).fit(X, y).n_steps_ == 3 * -(-n // 40)


def test_weights_are_those_of_the_loss_in_torch(rows):
    X, y = rows
    weight = np.random.default_rng(1).uniform(0.5, 3, len(y))
    layer = torch.nn.Linear(X.shape[1], 1, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=1e-3)
    relative = torch.from_numpy(weight / weight.mean())
    tensors = torch.from_numpy(X), torch.from_numpy(y).double()
    for start in range(0, len(y), 40):
        rows = slice(start, start + 40)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            layer(tensors[0][rows])[:, 0], tensors[1][rows], weight=relative[rows]
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    probe = LinearProbe(epochs=1, shuffle=False).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(probe.coef_, layer.weight.detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(probe.intercept_, layer.bias.detach().numpy(), rtol=1e-9)


def test_only_ratios_of_weights_matter_and_rows_without_any_are_left_out(rows):
    X, y = rows
    probe = LinearProbe(epochs=5, random_state=0)
    plain = probe.fit(X, y).coef_
    np.testing.assert_allclose(probe.fit(X, y, sample_weight=np.full(len(y), 7)).coef_, plain)
    weight = np.arange(len(y)) % 3 > 0
    part = probe.fit(X[weight], y[weight]).coef_
    np.testing.assert_allclose(probe.fit(X, y, sample_weight=weight).coef_, part)
    probe = LinearProbe(epochs=1, shuffle=False).fit(X, y, sample_weight=weight)
    stepwise = LinearProbe().partial_fit(X, y, classes=[0, 1], sample_weight=weight)
    np.testing.assert_allclose(stepwise.coef_, probe.coef_, atol=1e-6)
    with pytest.raises(ValueError, match="negative values, the least is -1"):
        probe.fit(X, y, sample_weight=np.where(weight, 1, -1))
    with pytest.raises(ValueError, match=r"nothing to train on|non-zero"):
        probe.fit(X, y, sample_weight=np.zeros(len(y)))


def test_weights_reach_the_optimum_of_weighted_logistic_regression(rows):
    X, y = rows
    weight = np.where(y == 1, 4.0, 1.0)
    best = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y, weight)
    probe = LinearProbe(
        learning_rate=0.02, batch_size=len(y), epochs=2000, weight_decay=0, random_state=0
    ).fit(X, y, weight)
    np.testing.assert_allclose(probe.coef_, best.coef_, atol=1e-4)
