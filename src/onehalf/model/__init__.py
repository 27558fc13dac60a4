"""A trained model: rows drawn freely or under conditions, completed and weighed."""

from onehalf.model.batches import batch_size, latent_walk
from onehalf.model.generative import GenerativeModel
from onehalf.model.results import Given, Imputation, Pieces, Sample, Search

__all__ = [
    "GenerativeModel",
    "Given",
    "Imputation",
    "Pieces",
    "Sample",
    "Search",
    "batch_size",
    "latent_walk",
]
