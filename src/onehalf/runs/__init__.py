"""A run on disk: all that is needed to read it, to sample from it, and to go on where it stopped.

    recipe.json         what was asked: the data by source and hash, every hyper-parameter, the seed, the versions
    rows.jsonl          what was seen: one line every 100 rounds
    state.safetensors   the players and their optimisers, and the best G of each seed (no pickle)
    samples.npy         samples of the chosen G; .npz with their labels, or .csv, .tsv or .parquet if the data came so
    progress.npy        of images: a few samples of each seed at each evaluation
    report.html         the report, one page

Each file is written under a temporary name, synced and renamed, so that there is always a whole one.
"""

from onehalf.runs.checkpoint import Source, load, load_domain, load_source
from onehalf.runs.run import fit_run, load_rows, next_folder, start_fit

__all__ = [
    "Source",
    "fit_run",
    "load",
    "load_domain",
    "load_rows",
    "load_source",
    "next_folder",
    "start_fit",
]
