"""A run on disk: all that is needed to read it, to sample from it, and to continue it.

    recipe.json         the data by source and hash, every hyper-parameter, the seed, the versions
    rows.jsonl          the history: one line every 100 rounds
    state.safetensors   the players and their optimizers, and the best G of each seed (no pickle)
    samples.npy         samples of the chosen G; .npz with their labels, or .csv, .tsv or .parquet as the data
    progress.npy        for images: a few samples of each seed at each evaluation
    report.html         the report, one page

Each file is written under a temporary name, synced and renamed, so that it is always complete.
"""

import lazy_loader

# Names are imported at first use: to sample from a run needs no training. __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
