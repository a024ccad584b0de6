"""Facts of the frameworks that lesson 00 states, beyond those of test_bug_bank.py."""

import torch


def test_a_rate_written_into_the_state_dict_is_lost():
    """`optimizer.state_dict()` hands out new dicts of the groups (pytorch/examples#64)."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for group in optimizer.state_dict()["param_groups"]:
        group["lr"] = 0.5
    assert optimizer.param_groups[0]["lr"] == 0.1
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 0.5
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5
