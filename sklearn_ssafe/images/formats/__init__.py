"""One module for each format that is read.

``inspect(file, n_bytes)`` returns what the header declares, without Pillow, and refuses what the
stored bytes cannot hold. ``opened(file)`` is a PIL image with what the header says.
``decode(content, declared)``, where a module has one, returns the pixels; else those of the opened
image are taken.
"""
