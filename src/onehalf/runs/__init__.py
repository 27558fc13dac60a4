"""A run on disk: all that is needed to read it, to sample from it, and to continue it.

    recipe.json                  the data by source and hash, every hyper-parameter, the seed, the versions
    state.safetensors            all that a fit goes on from: players, optimizers, the best G of each seed, the history
    state.previous.safetensors   the state that was saved before it, for the case that the newest is damaged
    rows.jsonl                   the history, for people: one line every 100 rounds
    samples.npy                  samples of the chosen G; .npz with their labels, or .csv, .tsv or .parquet as the data
    progress.npy                 for images, for people: a few samples of each seed at each evaluation
    report.html                  the report, one page

Each file is written under a temporary name, synced and renamed, so that it is always complete. The recipe is written
first and the state second, each under a hash of everything in it; what is written after them can be made again from the
state, and is where it does not fit it (`restore_copies`). So a process
can be stopped at any step. While a fit is at work, it holds the lock of `.onehalf.lock`.
"""

import lazy_loader

# Names are imported at first use: to sample from a run needs no training. __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
