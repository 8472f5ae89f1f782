"""
A network of your own
=====================

Any `torch.nn.Module` that turns pictures into rows can be the encoder. Its preprocessing is a
parameter like others, so a grid search can choose it.
"""

# %%
# A module
# --------
#
# It takes float32 of shape (n, 3, height, width) and returns (n, n_features). This one has no
# trained weights: it computes a few statistics of a high-pass residual. Yours may be a network
# that you have trained; load its weights where it is built.

import torch

from sklearn_ssafe import FrozenEncoderTransformer, GeneratorGroupKFold
from sklearn_ssafe.datasets import make_generated_images


class ResidualStatistics(torch.nn.Module):
    """Strength, tails and correlations of the second difference in both directions."""

    def __init__(self):
        super().__init__()
        kernel = torch.tensor([[-1.0, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
        self.register_buffer("kernel", kernel[None, None])

    def forward(self, pixels):
        grey = pixels.mean(1, keepdim=True)
        residual = torch.nn.functional.conv2d(grey, self.kernel)[:, 0]
        power = residual.square().mean((1, 2)) + 1e-8
        columns = [power.log(), residual.abs().mean((1, 2)) / power.sqrt()]
        for lag in (1, 2):
            columns.append((residual[:, lag:] * residual[:, :-lag]).mean((1, 2)) / power)
            columns.append((residual[:, :, lag:] * residual[:, :, :-lag]).mean((1, 2)) / power)
        return torch.stack(columns, dim=1)


# %%
# As an encoder
# -------------
#
# The class is passed, not an instance: it is a function that returns a module, so that worker
# processes and unpickled copies can build it themselves. ``preprocess`` says what the module wants.
# ``normalize=False``, because the columns are measurements and no embedding.

pictures = make_generated_images(n_samples=240, image_size=128, random_state=0)
cut = {"size": 96, "mean": 0.5, "std": 0.5, "resize_mode": "crops"}
encoder = FrozenEncoderTransformer(ResidualStatistics, preprocess=cut, normalize=False)
features = encoder.set_output(transform="pandas").fit_transform(pictures.X)
features.head().round(3)

# %%
# Crop or resize?
# ---------------
#
# Preprocessing decides what the module can see. "crops" cuts the centre out and leaves its pixels
# alone; "squash" resizes the whole picture. Which is better here, for generators and cameras that
# are held out?

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

detector = Pipeline(
    [
        ("enc", FrozenEncoderTransformer(ResidualStatistics, preprocess=cut, normalize=False)),
        ("scale", StandardScaler()),
        ("clf", LogisticRegression()),
    ]
)
squash = {**cut, "resize_mode": "squash"}
folds = GeneratorGroupKFold(n_splits=4)
search = GridSearchCV(
    detector, {"enc__preprocess": [cut, squash]}, cv=folds, scoring="roc_auc", refit=False
)
search.fit(pictures.X, pictures.y, groups=pictures.source)

names = ["crop", "squash"]
by_fold = [[search.cv_results_[f"split{k}_test_score"][i] for k in range(4)] for i in range(2)]
fig, axis = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
axis.plot(by_fold, color="0.75", zorder=0)
for number, (values, colour) in enumerate(zip(by_fold, ["#0072B2", "#D55E00"], strict=True)):
    axis.scatter([number] * 4, values, color=colour, s=45)
axis.axhline(0.5, color="0.4", linestyle=":")
axis.set_xticks([0, 1], names)
axis.set_xlim(-0.5, 1.5)
axis.set_ylabel("AUC, one point a held-out fold")
plt.show()

# %%
# Look at the spread before the mean. Four folds do not decide much, and on these simulated
# pictures they decide nothing about real ones.
#
# The encoder stood inside the search because its preprocessing was what we searched. Otherwise,
# encode once and search over the classifier alone: it is much faster and leaks nothing.
