"""``lucid train``: the digits learned once with each scheduler, and what the schedules did."""
