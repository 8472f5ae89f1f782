"""Published benchmarks, as they lie on disk after they were downloaded and unpacked."""
