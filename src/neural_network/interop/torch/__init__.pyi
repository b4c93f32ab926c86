"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.interop.torch.state_dicts import (
    load_weights as load_weights,
    save_weights as save_weights,
    state_dict as state_dict,
)
