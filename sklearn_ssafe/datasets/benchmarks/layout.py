"""Layout: how the folders of one benchmark are named."""

import re
from dataclasses import dataclass, field

_LABELS = {
    **dict.fromkeys(("0_real", "nature", "real"), 0),
    **dict.fromkeys(("1_fake", "ai", "fake", "generated"), 1),
}


@dataclass(frozen=True)
class Layout:
    """How the pictures of one benchmark lie on disk."""

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
    more_columns: tuple = ()
    label_tables: bool = False

    def tested_split(self, splits):
        """Name the split that is tested on, of those that are there."""
        return "test" if self.split not in splits and "test" in splits else self.split

    def place(self, folder):
        """Say what the pictures of a folder are."""
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
        """Return the benchmark's own spelling of a subset."""
        key = letters_and_digits(subset)
        key = self.aliases.get(key, key)
        return next((name for name in self.subsets if letters_and_digits(name) == key), subset)


def letters_and_digits(name):
    """What is compared of a name: WildRF and wild-rf are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
