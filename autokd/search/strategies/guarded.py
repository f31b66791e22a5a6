"""A strategy of a plug-in: what fails inside is said to be the plug-in's, and not autokd's."""

from collections.abc import Callable, Sequence

from autokd.core.plugin_record import Plugin
from autokd.core.plugins import blaming, load_plugin
from autokd.core.trial import Candidate, Trial
from autokd.errors import PluginError
from autokd.search.pool import Space
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder
from autokd.search.strategies.protocol import Strategy

MakeStrategy = Callable[..., Strategy]


class GuardedStrategy:
    """Passes all on to the strategy of a plug-in, and judges what it answers.

    Attributes:
        ladder: As given; a strategy with another would be asked for rungs that there are not.
    """

    def __init__(self, plugin: Plugin, inner: Strategy, space: Space, ladder: Ladder) -> None:
        self.ladder = ladder
        self._space = space
        self._plugin = plugin
        self._inner = inner

    def first_rung(self, trial_id: int) -> int:
        """Give the rung that trial ``trial_id`` is trained up to at once.

        Raises:
            PluginError: The plug-in failed, or the ladder has no such rung.
        """
        with blaming(self._plugin, doing=f"naming the first rung of trial {trial_id}"):
            rung = self._inner.first_rung(trial_id)
            if rung not in range(self.ladder.rungs):
                msg = f"it gave {rung!r}; the rungs are 0 to {self.ladder.last}"
                raise ValueError(msg)
            return int(rung)

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """Give the candidate of trial ``trial_id``, knowing ``trials``.

        Raises:
            InfeasibleError: No candidate meets the limits.
            PluginError: The plug-in failed, or gave no candidate.
        """
        with blaming(self._plugin, doing=f"proposing trial {trial_id}"):
            found: object = self._inner.propose(trials, trial_id=trial_id)
            if not isinstance(found, Candidate):
                msg = f"it gave a {type(found).__name__}, not a Candidate as Space.draw gives one"
                raise TypeError(msg)
            if self._space.limits.utilisation(found.cost) > 1:
                msg = f"it gave a candidate over a limit, of {found.cost.params} parameters"
                raise ValueError(msg)
            return found

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, those first that the strategy thinks best.

        Raises:
            PluginError: The plug-in failed, or left some out.
        """
        with blaming(self._plugin, doing=f"ranking {len(trials)} trials on rung {rung}"):
            order = tuple(self._inner.ranking(trials, rung))
            there = by_accuracy(trials, rung)
            if sorted(t.trial_id for t in order) != sorted(t.trial_id for t in there):
                msg = f"it ranked {len(order)} trials, and {len(there)} have a result there"
                raise ValueError(msg)
            return order


def plugin_strategy(name: str) -> MakeStrategy:
    """Give what makes the strategy of a plug-in, called as those of `STRATEGIES` are.

    Raises:
        PluginError: There is none of this name, it cannot be imported, or it cannot be called.
    """
    plugin, given = load_plugin("strategy", name)
    if not callable(given):
        msg = (
            f"{plugin}: is a {type(given).__name__}; its entry point must name a class or function "
            "that is called with (space, *, seed, ladder)."
        )
        raise PluginError(msg)

    def make(space: Space, *, seed: int, ladder: Ladder) -> Strategy:
        with blaming(plugin, doing="being made"):
            inner = given(space, seed=seed, ladder=ladder)
        return GuardedStrategy(plugin, inner, space, ladder)

    return make
