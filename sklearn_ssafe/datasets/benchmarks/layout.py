"""Layout: how the folders of one benchmark are named."""

import re
from dataclasses import dataclass, field

_LABELS = {
    **dict.fromkeys(("0_real", "nature", "real"), 0),
    **dict.fromkeys(("1_fake", "ai", "fake", "generated"), 1),
}


@dataclass(frozen=True)
class Layout:
    """How the pictures of one benchmark lie on disk.

    Parameters
    ----------
    name : str
        As `load_benchmark` takes it.
    shape : str
        The layout for a person to read: what errors show.
    documented : str
        Where it is documented.
    verified : str
        "yes", or what could not be verified.
    patterns : tuple of str
        Regular expressions for the folder of a picture, below the root, in any case. Groups:
        ``label`` (0_real, 1_fake, nature, ai, real, fake or generated; without it the picture is
        generated), ``split``, ``subset`` (the benchmark's own unit, most often the generator),
        ``source``. Empty for a benchmark in Parquet shards.
    split : str, default="test"
        The split that is tested on; also that of folders which name none.
    generator : dict of str to str, default={}
        The generator of a subset, where its name is another; "" where it is unknown. ``None`` as
        key: of all subsets.
    real_source : dict of str to str, default={}
        The source of the real pictures of a subset; ``None`` as key: of all other subsets.
    subsets : tuple of str, default=()
        What the split that is tested on consists of. Empty where no such list is documented.
    paired : bool, default=True
        Whether each subset has real pictures of its own.
    aliases : dict of str to str, default={}
        Other spellings of subsets, letters and digits alone, small.
    columns : dict of str to str, default={}
        For Parquet shards: which column holds the ``image``, ``label``, ``generator``, and where
        there are such ``source``, ``split`` and ``subset``. Otherwise the split is in the shard's
        name, and its folder is the subset.
    """

    name: str
    shape: str
    documented: str
    verified: str
    patterns: tuple = ()
    split: str = "test"
    generator: dict = field(default_factory=dict)
    real_source: dict = field(default_factory=dict)
    subsets: tuple = ()
    paired: bool = True
    aliases: dict = field(default_factory=dict)
    columns: dict = field(default_factory=dict)

    def place(self, folder):
        """Say what the pictures of a folder are.

        Parameters
        ----------
        folder : str
            Below the root, with ``/`` between names.

        Returns
        -------
        facts : dict or None
            label, split, subset, generator and source; None for a folder outside the layout.
        """
        for pattern in self.patterns:
            match = re.fullmatch(pattern + "(/.*)?", folder, re.IGNORECASE)
            if match:
                return self._facts(match.groupdict(default=""))
        return None

    def _facts(self, found):
        label = _LABELS[found["label"].lower()] if found.get("label") else 1
        subset = self.spell(found.get("subset", ""))
        if label:
            generator = self.generator.get(subset, self.generator.get(None, subset))
            source = found.get("source") or generator
        else:
            generator = ""
            default = self.real_source.get(None, "")
            source = found.get("source") or self.real_source.get(subset, default)
        split = found.get("split", "").lower() or self.split
        return {
            "label": label,
            "generator": generator,
            "source": source,
            "split": split,
            "subset": subset,
        }

    def spell(self, subset):
        """Return the benchmark's own spelling of a subset.

        Parameters
        ----------
        subset : str
            The name of a folder, or what a user wrote.

        Returns
        -------
        subset : str
            As in `subsets`, whatever the capitals, spaces and signs; unchanged if it is not there.
        """
        key = _key(subset)
        key = self.aliases.get(key, key)
        return next((name for name in self.subsets if _key(name) == key), subset)


def _key(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())
