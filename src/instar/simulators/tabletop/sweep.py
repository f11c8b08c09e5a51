"""What happens to the bodies on the table when the spatula sweeps: small blocks ride ahead of a narrow blade."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.world import settle

# Measured in VIMA-Bench's physics, metres.
BLADE_SHORT: Final = 0.05  # the blade stops this far short of the end
AHEAD: Final = 0.0165  # a block's centre rides this far ahead of the blade
WIDTH: Final = 0.03  # of a block
LEAST: Final = 0.03  # shorter sweeps move nothing
LATE: Final = 0.015  # a blade that comes down further past a block's centre leaves it behind
CARRIED: Final = 0.025  # distance from the path's line within which a block is carried to the end
TOUCHED: Final = 0.042  # and beyond which it is not touched
STUCK: Final = 0.88  # share of its corner's way along the blade that friction keeps a turning block from
TURNED: Final = 1.3  # radians a block turns that is left behind, and ...
ASIDE: Final = 0.015  # ... how far it is pushed out sideways
STEP: Final = 0.004  # between the poses of a trail


@dataclass(frozen=True, eq=False)
class Swept:
    """The bodies after a sweep, and the poses (N, 3) of x, y, yaw that each moved one went through."""

    bodies: tuple[Body, ...]
    trails: dict[int, Floats]


@dataclass(frozen=True)
class _Ride:
    """Where a block gets to along the path and beside it."""

    along: float
    beside: float
    yaw: float


def sweep(bodies: Sequence[Body], start: Floats, end: Floats) -> Swept:
    """`bodies` once the blade has gone straight from `start` to `end`, both (2,), square to its way."""
    before = settle(_apart(bodies))
    length = float(np.hypot(*(end - start)))
    if length < LEAST:
        return Swept(before, {})
    ahead = (end - start) / length
    rides = _rides(before, start, ahead, length)
    after = tuple(_ridden(body, rides, start, ahead) for body in before)
    return Swept(after, {new.id: _trail(old, new) for old, new in zip(before, after, strict=True) if new is not old})


def _rides(bodies: Sequence[Body], start: Floats, ahead: Floats, length: float) -> dict[int, _Ride]:
    """Where every block the blade touches ends, nearest first: each one may push the next."""
    side = np.array([-ahead[1], ahead[0]])
    heading = float(np.arctan2(ahead[1], ahead[0]))
    stop = length - BLADE_SHORT + AHEAD
    rides: dict[int, _Ride] = {}
    blocks = [(float((body.place - start) @ ahead), float((body.place - start) @ side), body) for body in bodies]
    for along, beside, body in sorted(blocks, key=lambda block: block[:2]):
        if not body.shape.loose or along < -LATE:
            continue
        behind = [ride for ride in rides.values() if abs(ride.beside - beside) < WIDTH - 0.002 and ride.along > 0]
        front = max([ride.along + WIDTH for ride in behind], default=-np.inf)
        off = abs(beside)
        if off <= CARRIED or (front > along and off < TOUCHED + WIDTH / 2):
            reach = max(stop if off <= CARRIED else along, front)
            if reach > along:
                yaw = _aligned(body.yaw, heading)
                slip = 0.0 if behind else STUCK * _drift(yaw - body.yaw)
                rides[body.id] = _Ride(reach, beside + slip, yaw)
        elif off < TOUCHED and stop > along:
            share = float(np.interp(off, (CARRIED, 0.03, 0.038, TOUCHED), (0.75, 0.5, 0.2, 0.0)))
            out = float(np.sign(beside))
            rides[body.id] = _Ride(along + share * (stop - along), beside + out * ASIDE, body.yaw + out * TURNED)
    return rides


def _aligned(yaw: float, heading: float) -> float:
    """The yaw nearest to `yaw` with a face toward `heading`."""
    return heading + round((yaw - heading) / (np.pi / 2)) * (np.pi / 2)


def _drift(turned: float) -> float:
    """How far a block goes sideways whose corner stays where the blade met it, while it turns to lie flush."""
    half = WIDTH / 2
    corner = np.sqrt(2) * half * np.sin(np.pi / 4 - abs(turned))
    return float(np.sign(turned) * (half - corner))


def _ridden(body: Body, rides: dict[int, _Ride], start: Floats, ahead: Floats) -> Body:
    ride = rides.get(body.id)
    if ride is None:
        return body
    x, y = start + ride.along * ahead + ride.beside * np.array([-ahead[1], ahead[0]])
    return replace(body, x=float(x), y=float(y), yaw=ride.yaw)


def _trail(old: Body, new: Body) -> Floats:
    """Poses between two: the turn comes at once, as the blade lays its face to the block."""
    count = int(np.hypot(new.x - old.x, new.y - old.y) / STEP) + 1
    share = np.linspace(0.0, 1.0, count + 1)[:, None]
    places = old.place + share * (new.place - old.place)
    yaws = np.full((count + 1, 1), new.yaw)
    yaws[0] = old.yaw
    return np.concatenate([places, yaws], axis=1)


def _apart(bodies: Sequence[Body]) -> tuple[Body, ...]:
    """`bodies` with overlapping blocks pushed apart, as happens when the first action begins."""
    places = {body.id: body.place for body in bodies if body.shape.loose}
    numbers = list(places)
    for i, one in enumerate(numbers):
        for two in numbers[i + 1 :]:
            gap = places[two] - places[one]
            apart = float(np.hypot(*gap))
            if apart < WIDTH:
                direction = gap / apart if apart > 1e-9 else np.array([1.0, 0.0])
                places[one] = places[one] - direction * (WIDTH - apart) / 2
                places[two] = places[two] + direction * (WIDTH - apart) / 2
    return tuple(
        replace(body, x=float(places[body.id][0]), y=float(places[body.id][1])) if body.id in places else body
        for body in bodies
    )
