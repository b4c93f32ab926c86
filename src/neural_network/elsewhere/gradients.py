"""Arguments of other libraries: of gradients, steps, augmentations; see ``arguments.py``."""

Rows = list[tuple[str, str, str, str]]

# fmt: off
GRADIENTS: Rows = [
    ("Tensor.backward", "create_graph", "grad of a function: its result has a record",
     "(nn.grad(lambda x: model(x).sum())(X) ** 2).sum().backward()"),
    ("Tensor.backward", "inputs", "grad of a function of them",
     "nn.grad(lambda w: (w**2).sum())(t)"),
    ("Tensor.backward", "grad_tensors grad_output grad_outputs gradients", "gradient",
     "nn.Tensor([1.0, 2.0], requires_grad=True).backward(gradient=np.ones(2))"),
    ("Tensor.backward", "keep_graph", "retain_graph",
     "nn.Tensor([1.0], requires_grad=True).sum().backward(retain_graph=True)"),
    ("grad value_and_grad", "create_graph retain_graph",
     "nothing: the result of grad has a record",
     "(nn.grad(lambda x: model(x).sum())(X) ** 2).sum().backward()"),
    ("grad value_and_grad", "outputs inputs grad_outputs allow_unused is_grads_batched "
     "materialize_grads only_inputs",
     "a function of the inputs, which returns the outputs", "nn.grad(lambda x: model(x).sum())(X)"),
    ("Optimizer.step OptimizerGroups.step", "closure",
     "nothing: the loss and backward() stand before the step",
     "nn.softmax_cross_entropy(model(X), y).backward(); optimizer.step(); optimizer.zero_grad()"),
    ("Optimizer.step OptimizerGroups.step", "lr learning_rate", "rate",
     "optimizer.step(rate=0.01)"),
    ("Flip", "p prob probability rate", "nothing: each picture is mirrored or not, with one half",
     "nn.Flip()"),
    ("Flip", "mode horizontal vertical direction axis", "nothing: it mirrors left to right",
     "nn.Flip()"),
    ("Shift Rotate Scale Elastic Cutout", "p prob probability",
     "nothing: each picture is changed by another random amount", "nn.Rotate(10)"),
]
