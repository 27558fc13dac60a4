"""The estimator: scikit-learn's conventions on top of `onehalf.fitting`, nothing else."""

import time
from typing import Any

import jax.random as jr
import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from onehalf import fitting
from onehalf._errors import Refusal, refuse
from onehalf._typing import PRNGKey
from onehalf.data.dataset import Dataset, frame_columns, from_objects
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits, split_rows
from onehalf.distributions.base import Pushforward
from onehalf.domains import infer_domain
from onehalf.evaluation.result import Measurement
from onehalf.fitting import Fit, HistoryRow
from onehalf.hyperparameters import FitOptions, describe
from onehalf.recipe import Recipe

__all__ = ["GAN"]


class GAN(FitOptions, BaseEstimator):
    """A generator of rows like yours, trained by Algorithm 1 and judged on rows that neither player has seen.

    scikit-learn's conventions hold: the constructor only stores, `fit(X)` learns, what was learned ends in `_`.
    70 % of the rows train the players; 15 % validate: fresh critics judge the averaged G on them 20 times in a run
    (8 on tables and with convolutional networks), which decides which G is kept, of which seed, and when to stop, and
    their bounds hold at all evaluations at once; 15 % test, looked at once, at the end, for `certificate_`, a
    `Measurement`.

    None leaves a number to the data; `recipe_` has what it became. docs/explanation/recipe.md says where each default
    comes from.

    {hyperparameters}
    label : What samples can be asked for by. For tables, the column or columns: categories, or numbers of few values.
        For arrays, what y is to be called, which is then learned with them: `fit(X, y)`, `sample(where="class=3")` for
        `label="class"`. G is given the labels and makes the rest of a row; D sees both (Mirza & Osindero 2014).
    schema : For tables, the kinds of the columns where they are not to be inferred (a `Schema`).
    warm_start : `fit` goes on where the last `fit` was interrupted.

    Several seeds share the CPU's cores if `jax.config.update("jax_num_cpu_devices", n)` was called before JAX is used.

    >>> X = np.random.default_rng(0).normal(5, 2, size=(500, 3)).astype("float32")
    >>> gan = GAN(rounds=200, width=16, random_state=0).fit(X)
    >>> gan.sample(4).shape, gan.sample(4).dtype
    ((4, 3), dtype('float32'))
    """

    __doc__ = (__doc__ or "").replace("    {hyperparameters}", describe())

    # parameters are set by name, as scikit-learn does it, though the declarations are frozen
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__

    fit_: Fit

    @classmethod
    def from_fit(cls, fit: Fit) -> "GAN":
        """An estimator that has this fit, a loaded run for example, and goes on with it."""
        gan = cls(**fit.recipe.to_dict(), label=fit.domain.label_names or None, warm_start=True)
        gan.fit_ = fit
        return gan

    def fit(self, X: Any, y: Any = None, *, evaluate: bool = True) -> "GAN":
        """Train on rows X, one along the first axis, of any shape and any numeric dtype, or on a table.

        Args:
            X: An array of finite numbers, or a data frame of pandas, polars or pyarrow, with words, dates and missing
                values as they come.
            y: The label of each row, a whole number or a word, if `label` says what it is called; else it is ignored.
            evaluate: Whether to judge G on validation rows in between, and on the test rows at the end. Otherwise the
                last G is kept and there is no certificate.

        Raises:
            Refusal: A `ValueError` that says in one sentence what can't be learned from. A fit takes 9 rows, a
                certificate 20 test rows, and so about 130.
        """
        began = time.perf_counter()
        asked = self.check() | {"random_state": _seed(self.random_state)}
        dataset = self._parse(X, y)
        if self.warm_start and hasattr(self, "fit_"):
            fit = self.fit_
            if fit.is_measured:
                fitting.check_rows(fit, fit.domain.encode(dataset))
                return self
            data = fitting.resume(fit, fit.domain.encode(dataset))
        else:
            domain = infer_domain(dataset, self.labels, self.schema)
            fit, data = fitting.start(domain, domain.encode(dataset), asked, since=began)
            self.fit_ = fit
        for self.fit_ in fitting.run(fit, data, evaluate=evaluate):
            pass
        return self

    def sample(
        self,
        n: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        *,
        where: str | None = None,
        given: Any = None,
        balanced: bool = False,
        ids: bool = False,
    ) -> Any:
        """Draw n samples (1 if not said), in the units, shape and dtype of the data; of a table, its own kind.

        Of a fit with y, samples and their labels are drawn: (X, y).

        Args:
            n: How many.
            random_state: None means the estimator's own: with an int there, each call gives the same samples.
            where: Conditions such as 'sex=F,age>40' (`onehalf.data.tables.filters`). Those that fix labels are given to
                G; for all others samples are drawn until n of them hold.
            given: A frame of the labels, or a list of y: one sample is drawn for each of its rows.
            balanced: Give all labels that occur together an equal share.
            ids: Generate new values for ID columns (omitted by default); columns of free text are left out.

        Raises:
            Refusal: Samples of this kind can't be had.
        """
        fit = self._fitted
        if n is not None and n < 1:
            refuse("n", expected="at least 1 row", got=n)
        key = self._key(random_state)
        if given is not None:
            rows = fit.model.draw_given(key, given)
        else:
            rows = fit.model.draw_where(key, n or 1, where, balanced=balanced).rows
        return fit.domain.decode(rows, fresh_ids=ids)

    def interpolate(
        self, n: int = 16, steps: int = 48, random_state: int | None = None
    ) -> np.ndarray:
        """`steps` samples along each of n closed walks through p_z, in the user's units: shape (steps, n, ...).

        A walk goes through four latents; normal parts turn from one to the next, which leaves their law as it is,
        and uniform ones go straight (Goodfellow et al. 2014, Figure 3). Labels stay what they are on a walk.
        """
        fit = self._fitted
        if min(n, steps) < 1:
            refuse("n, steps", expected="at least 1 of each", got=(n, steps))
        if fit.domain.column_names:
            refuse("interpolate", expected="a fit of an array", got="one of a table")
        rows = fit.model.interpolate(self._key(random_state), n, steps)
        return rows.x.reshape(steps, n, *rows.x.shape[1:])

    def logits(self, X: Any, y: Any = None) -> Float[np.ndarray, " n"]:
        """d(x) of rows, where D(x) = sigmoid(d(x)) is the chosen seed's discriminator as its last round left it.

        Near 0 everywhere at the end of a game; it says nothing about how far p_g is, for which `certificate_` is there.
        """
        return self._fitted.logits(self._encode(X, y))

    def split(self, X: Any, y: Any = None) -> Splits:
        """Rows in the splits that `fit` gives them: train, validation, test; of a table three tables, with y pairs."""
        return Splits(*map(self._fitted.domain.decode, split_rows(self._encode(X, y))))

    def was_fitted_on(self, X: Any, y: Any = None) -> bool:
        """Whether these are the rows that `fit` was given: most of them are no test of its samples."""
        try:
            return self._encode(X, y).digest() == self.fit_.data_hash
        except Refusal:
            return False

    @property
    def certificate_(self) -> Measurement | None:
        """The chosen G on the test rows; None before they have been looked at, or where they are too few."""
        return self._fitted.measurement

    @property
    def history_(self) -> list[HistoryRow]:
        """What was seen: a row every 100 rounds."""
        return list(self._fitted.history)

    @property
    def recipe_(self) -> Recipe:
        """The hyper-parameters, none of them left open."""
        return self._fitted.recipe

    @property
    def p_g_(self) -> Pushforward:
        """The law of the samples as the players see them: the G of the seed and the round that validation chose."""
        return self._fitted.model.p_g

    @property
    def labels_(self) -> tuple[str, ...]:
        """What G is given: columns of a table, or what y is called."""
        return self._fitted.domain.label_names

    @property
    def _fitted(self) -> Fit:
        check_is_fitted(self, "fit_")
        return self.fit_

    def _parse(self, X: Any, y: Any) -> Dataset:
        """The rows, checked once; scikit-learn's own attributes are set on the way."""
        names = frame_columns(X)
        if names is None:
            X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, allow_nd=True)
        else:
            self.feature_names_in_ = np.array(names, object)
            self.n_features_in_ = len(names)
        return from_objects(X, y if self.labels else None)

    def _encode(self, X: Any, y: Any) -> EncodedRows:
        """Rows as the fit has them."""
        return self.fit_.domain.encode(from_objects(X, y))

    def _key(self, random_state: int | np.random.RandomState | None) -> PRNGKey:
        return jr.key(_seed(self.random_state if random_state is None else random_state))


def _seed(random_state: int | np.random.RandomState | None) -> int:
    """An int as it is; anything else draws one."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
