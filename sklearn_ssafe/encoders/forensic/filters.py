"""High-pass filters of the spatial rich model, as whole-number arithmetic.

Every function takes a tensor of int16 whose last two dimensions are rows and columns, keeps to
the "valid" region, and returns int16. The kernels are those of

    J. Fridrich and J. Kodovsky, "Rich Models for Steganalysis of Digital Images",
    IEEE Transactions on Information Forensics and Security 7(3), 2012, section II.B.
"""


def first_order(x):
    """Difference of horizontal neighbours, kernel [-1 1]."""
    return x[..., 1:] - x[..., :-1]


def second_order(x):
    """Second difference along the row, kernel [1 -2 1]."""
    return first_order(first_order(x))


def third_order(x):
    """Third difference along the row, kernel [-1 3 -3 1]."""
    return first_order(second_order(x))


def square_3x3(x):
    """Kernel [[-1 2 -1] [2 -4 2] [-1 2 -1]], the second difference in both directions."""
    down = x[..., 2:, :] - 2 * x[..., 1:-1, :] + x[..., :-2, :]
    return -second_order(down)


def edge_3x3(x):
    """Kernel [[-1 2 -1] [2 -4 2] [0 0 0]], a prediction from one side of a row only."""
    across = second_order(x)
    return 2 * across[..., 1:, :] - across[..., :-1, :]


def square_5x5(x):
    """Kernel KV, whose rows are [-1 2 -2 2 -1], [2 -6 8 -6 2] and [-2 8 -12 8 -2]."""
    far = x[..., :-4] + x[..., 4:]
    near = x[..., 1:-3] + x[..., 3:-1]
    middle = x[..., 2:-2]
    outer = 2 * (near - middle) - far
    inner = 2 * far - 6 * near + 8 * middle
    centre = 8 * near - 2 * far - 12 * middle
    total = centre[..., 2:-2, :] + inner[..., 1:-3, :]
    total += inner[..., 3:-1, :]
    total += outer[..., :-4, :]
    total += outer[..., 4:, :]
    return total


KERNELS = {
    "first_order": (first_order, 1),
    "second_order": (second_order, 2),
    "third_order": (third_order, 3),
    "edge3x3": (edge_3x3, 4),
    "square3x3": (square_3x3, 4),
    "square5x5": (square_5x5, 12),
}
"""Filter and weight of the central pixel, by which residuals are divided."""

DIRECTIONAL = ("first_order", "second_order", "third_order", "edge3x3")
"""Filters that differ from their transpose, and are applied to rows and to columns."""
