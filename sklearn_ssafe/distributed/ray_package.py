"""Ray, which is loaded here and nowhere else."""


def ray_with_data():
    """Return the package ``ray`` with ``ray.data`` loaded."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(
            "Ray Data is not installed, or not all of it: pip install 'sklearn-ssafe[ray]' "
            f"({error})"
        ) from error
    return ray
