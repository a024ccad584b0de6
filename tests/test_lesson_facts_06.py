"""What lesson 6 says of PyTorch's and Keras's plateau rules, beyond the bug bank."""

import pytest
from test_bug_bank import keras_plateau, torch_plateau


@pytest.mark.parametrize("rule", [torch_plateau, keras_plateau])
def test_a_floor_at_the_rate_itself_keeps_it(rule):
    """DeepACSA's bug: the rate can never fall below where it starts."""
    assert set(rule([1.0] * 30, lr=0.5, min_lr=0.5, patience=2)) == {0.5}
    assert min(rule([1.0] * 30, lr=0.5, min_lr=0.25, patience=2)) == 0.25


def test_one_more_patience_and_cooldown_makes_keras_cut_where_torch_does():
    losses = [3, 2.5, 2.2, 2.3, 2.25, 2.24, 2.3, 2.1, 2.12, 2.1, 2.2, 2.1, 2.15, 2.1, 1.9, 2, 2, 2]
    absolute = dict(threshold_mode="abs", threshold=1e-4)
    wanted = torch_plateau(losses, factor=0.5, patience=2, cooldown=3, **absolute)
    assert keras_plateau(losses, factor=0.5, patience=3, cooldown=4, min_delta=1e-4) == wanted
    assert keras_plateau(losses, factor=0.5, patience=2, cooldown=3, min_delta=1e-4) != wanted
    assert len(set(wanted)) > 2
