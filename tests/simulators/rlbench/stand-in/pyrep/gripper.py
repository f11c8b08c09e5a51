"""A gripper that opens and closes at once."""


class Gripper:
    def __init__(self) -> None:
        self.amount = 1.0

    def get_open_amount(self) -> list[float]:
        return [self.amount, self.amount]

    def actuate(self, amount: float, velocity: float) -> bool:
        assert amount in (0.0, 1.0)
        assert velocity == 0.2
        self.amount = amount
        return True

    def release(self) -> None:
        """Nothing is ever held."""
