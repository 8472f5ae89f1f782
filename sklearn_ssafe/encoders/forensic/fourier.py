"""The windowed power spectrum that several families read."""

import torch


def power_spectrum(planes):
    """Windowed power spectrum averaged over the views of each picture.

    Parameters
    ----------
    planes : torch.Tensor of float32, shape (n_images, n_views, ..., size, size)
        Grey levels.

    Returns
    -------
    power : torch.Tensor of float32, shape (n_images, ..., size, size / 2 + 1)
        Grey levels squared: the mean over all frequencies of a white noise of variance 1 is 1.
    """
    size = planes.shape[-1]
    window = torch.hann_window(size, device=planes.device)
    window = window / window.square().mean().sqrt()
    centred = planes - planes.mean((-2, -1), keepdim=True)
    spectrum = torch.fft.rfft2(centred * window * window[:, None], norm="ortho")
    return (spectrum.real.square() + spectrum.imag.square()).mean(1)
