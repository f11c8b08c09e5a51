"""Who plays what where, and who waits for the policy: the loop of an evaluation."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from instar.demo import Context
from instar.errors import SimulatorError
from instar.playing.film import Keep
from instar.playing.stage import Ended, Go, Moved, Opened, Order, Start
from instar.playing.timesheet import Timesheet
from instar.playing.workers import Crew, Lost, News
from instar.policy import Policy
from instar.rollout import EpisodeRecord, crashed, timed
from instar.simulator import Trial

LOSSES: Final = 30  # workers lost in a row, without one episode ending, after which the run is given up


@dataclass
class Director:
    """Who plays what where, and who waits for the policy."""

    policy: Policy | None
    crew: Crew
    batch: int
    sheet: Timesheet
    waiting: deque[tuple[Trial, Keep]]
    # Were in play when a worker died. Each is played once more, with nobody else in its worker, so that an episode
    # that kills its worker is found out and takes no other with it.
    suspects: deque[tuple[Trial, Keep]] = field(default_factory=deque)
    tried: set[str] = field(default_factory=set)
    playing: dict[int, tuple[Trial, Keep]] = field(default_factory=dict)  # by place
    contexts: dict[int, Context] = field(default_factory=dict)  # by place; the last one known
    ready: list[int] = field(default_factory=list)  # places whose context waits for the policy
    losses: int = 0  # workers lost since the last episode ended

    def play(self) -> Iterator[EpisodeRecord]:
        """Every record, as soon as it is there."""
        while self.waiting or self.suspects or self.playing:
            self._fill()
            if self._enough():
                self._ask()
            for event in self.crew.events(wait=not self._enough()):
                yield from self._take(event)

    def _enough(self) -> bool:
        """Whether to call the policy now rather than to wait for more contexts."""
        # Half of those in play at the most, so that at the end of a run, too, some play while the others are answered.
        share = -(-len(self.playing) // 2) if self.crew.concurrent else len(self.playing)
        return 0 < min(self.batch, share) <= len(self.ready)

    def _fill(self) -> None:
        """Give every free place something to play."""
        past = None if self.policy is None else self.policy.spec.past
        orders: list[Order] = []
        for places in self.crew.places:
            for place in places:
                task = None if place in self.playing else self._next(places)
                if task is not None:
                    self.playing[place] = task
                    trial, keep = task
                    orders.append(Start(place, trial, past, keep))
        self.crew.post(orders)

    def _next(self, places: Sequence[int]) -> tuple[Trial, Keep] | None:
        """What a free place of a worker with these `places` plays next."""
        company = [self.playing[place][0] for place in places if place in self.playing]
        if any(trial.id in self.tried for trial in company):
            return None
        if self.waiting:
            return self.waiting.popleft()
        return self.suspects.popleft() if self.suspects and not company else None

    def _ask(self) -> None:
        """Call the policy on the contexts that wait longest, and send its chunks on."""
        assert self.policy is not None
        asked, self.ready = self.ready[: self.batch], self.ready[self.batch :]
        chunks, milliseconds = timed(self.policy, [self.contexts[place] for place in asked])
        self.sheet.asked(milliseconds / 1000, len(asked))
        self.crew.post([Go(place, chunk, milliseconds) for place, chunk in zip(asked, chunks, strict=True)])

    def _take(self, event: News) -> Iterator[EpisodeRecord]:
        if isinstance(event, Lost):
            yield from self._mourn(event)
        elif isinstance(event, Ended):
            self._forget(event.place)
            self.losses = 0
            yield event.record
        elif isinstance(event, Opened):
            self._open(event)
        else:
            self._move(event)

    def _open(self, event: Opened) -> None:
        assert self.policy is not None
        self.policy.spec.own(event.robot)
        self.contexts[event.place] = Context(event.robot, event.instruction, event.observation)
        self.ready.append(event.place)

    def _move(self, event: Moved) -> None:
        assert self.policy is not None
        for action, observation in event.moves:
            self.contexts[event.place] = self.contexts[event.place].after(action, observation, self.policy.spec.past)
        self.ready.append(event.place)

    def _forget(self, place: int) -> tuple[Trial, Keep] | None:
        self.contexts.pop(place, None)
        self.ready = [other for other in self.ready if other != place]
        return self.playing.pop(place, None)

    def _mourn(self, event: Lost) -> Iterator[EpisodeRecord]:
        """Put the episodes of a lost worker back, or on record as crashed if that happened to them before."""
        self.losses += 1
        if self.losses > LOSSES:
            raise SimulatorError(f"{self.losses} simulator processes in a row died; {event.why}")
        for task in [self._forget(place) for place in event.places]:
            if task is not None and task[0].id in self.tried:
                yield crashed(task[0], event.why)
            elif task is not None:
                self.tried.add(task[0].id)
                self.suspects.append(task)
