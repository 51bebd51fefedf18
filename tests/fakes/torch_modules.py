"""What torch does with a model: run as a program, it prints a line for each way. Needs torch 1.9 or later.

``python torch_modules.py traced`` puts a span around the models' ``forward``; ``plain`` leaves them alone.
Both print the same.
"""

# No annotations from __future__: scripts do not read them everywhere.
import copy
import inspect
import io
import pickle
import sys
import warnings
from typing import Any, Callable, Dict, List

import torch
from torch import Tensor, nn


class Model(nn.Module):
    """Stands for the devkit's TorchModuleWrapper."""

    def forward(self, x: Tensor) -> Tensor:
        """Overridden."""
        raise NotImplementedError


def doubled(x: Tensor) -> Tensor:
    """A function for scripts to find and compile."""
    return x * 2


class Straight(Model):
    """Can be compiled to a single graph."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Compute."""
        return self.linear(x)


class Branching(Straight):
    """Has a branch that depends on data, which graphs cannot have."""

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        """Compute."""
        if x.sum() > 0:
            x = doubled(x) * scale
        return self.linear(x)


class Unused(Straight):
    """A forward that scripts must not compile, as models of the devkit have."""

    @torch.jit.unused
    def forward(self, x: Dict[str, Any]) -> Dict[str, Any]:  # type: ignore[override]
        """Compute with any objects."""
        return {key: self.linear(value) for key, value in x.items()}

    @torch.jit.export
    def scriptable_forward(self, x: Tensor) -> Tensor:
        """Compute with tensors."""
        return self.linear(x)


class Containing(nn.Module):
    """Calls a model."""

    def __init__(self, inner: Model) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """Compute."""
        return self.inner(x) + 1


class Direct(Containing):
    """Calls a model's forward itself, as planners do."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute."""
        return self.inner.forward(x) + 1


def modules(inner: Callable[[], Model]) -> List[nn.Module]:
    """A model, alone and within others."""
    torch.manual_seed(0)
    return [inner(), Containing(inner()), Direct(inner())]


X = torch.ones(2, 3)


def outputs(ways: List[Any]) -> List[str]:
    """What each gives for X, bit for bit."""
    return [way(X).detach().numpy().tobytes().hex()[:16] for way in ways]


def saved(module: nn.Module) -> Any:
    """`module` as ``torch.save`` and ``torch.load`` give it back."""
    data = io.BytesIO()
    torch.save(module, data)
    data.seek(0)
    unsafe = {"weights_only": False} if "weights_only" in inspect.signature(torch.load).parameters else {}
    return torch.load(data, **unsafe)


def saved_script(module: nn.Module) -> Any:
    """`module` scripted, written and read."""
    data = io.BytesIO()
    torch.jit.save(torch.jit.script(module), data)
    data.seek(0)
    return torch.jit.load(data)


def hooked(module: nn.Module) -> List[Any]:
    """What a forward hook gets."""
    seen: List[Any] = []
    hook = module.register_forward_hook(lambda module, given, result: seen.append(result.shape))
    module(X)
    hook.remove()
    return seen


def loaded(module: nn.Module) -> nn.Module:
    """A copy that got its weights by a state dict."""
    other = copy.deepcopy(module)
    other.load_state_dict(module.state_dict())
    return other


def compiled(full: bool) -> List[str]:
    """Outputs of compiled modules."""
    torch._dynamo.reset()
    ways = modules(Straight if full else Branching)
    return outputs([torch.compile(each, backend="eager", fullgraph=full) for each in ways])


def graphs() -> List[Any]:
    """Into how many graphs a model that contains another one is compiled."""
    torch._dynamo.reset()
    return [torch._dynamo.explain(each)(X).graph_count for each in modules(Straight)[1:]]


def exported() -> List[str]:
    """Outputs of exported modules."""
    return outputs([torch.export.export(each, (X,)).module() for each in modules(Straight)])


def functional() -> str:
    """The output for weights that are given."""
    module = modules(Branching)[0]
    result: Tensor = torch.func.functional_call(module, dict(module.named_parameters()), (X,))
    return str(result.sum().item())


def backward() -> List[float]:
    """Gradients."""
    module = modules(Branching)[1]
    module(X).sum().backward()
    return [float(each.grad.sum()) for each in module.parameters()]


WAYS: Dict[str, Callable[[], Any]] = {
    "call": lambda: outputs(modules(Branching)),
    "script": lambda: outputs([torch.jit.script(each) for each in modules(Branching)]),
    "code of a script": lambda: torch.jit.script(modules(Branching)[0]).code,
    "script with an unused forward": lambda: torch.jit.script(Unused()).scriptable_forward(X).shape,
    "script saved": lambda: outputs([saved_script(each) for each in modules(Straight)]),
    "trace": lambda: outputs([torch.jit.trace(each, X) for each in modules(Branching)]),
    "trace of forward": lambda: torch.jit.trace(modules(Straight)[0].forward, X)(X).shape,
    "deepcopy": lambda: outputs([copy.deepcopy(each) for each in modules(Branching)]),
    "pickle": lambda: outputs([pickle.loads(pickle.dumps(each)) for each in modules(Branching)]),
    "save": lambda: outputs([saved(each) for each in modules(Branching)]),
    "state dict": lambda: outputs([loaded(each) for each in modules(Branching)]),
    "signature": lambda: [str(inspect.signature(each.forward)) for each in modules(Branching)],
    "source": lambda: inspect.getsource(Branching.forward),
    "replicate": lambda: [each._replicate_for_data_parallel().training for each in modules(Branching)],
    "data parallel": lambda: outputs([nn.DataParallel(each) for each in modules(Branching)]),
    "hooks": lambda: [hooked(each) for each in modules(Branching)],
    "backward": backward,
}
NEWER: Dict[str, Callable[[], Any]] = {
    "compile": lambda: compiled(full=False),
    "compile to one graph": lambda: compiled(full=True),
    "graphs": graphs,
    "compile a method": lambda: torch.compile(modules(Straight)[0].forward, backend="eager")(X).shape,
    "export": exported,
    "fx": lambda: outputs([torch.fx.symbolic_trace(each) for each in modules(Straight)]),
    "functional": functional,
}


def main(mode: str) -> None:
    """Print what every way gives, or the error."""
    if mode == "traced":
        import nutrace
        from nutrace.probes.probe import Probe

        probes = [Probe("__main__:Model.forward", "model", "model.forward", subclasses=True)]
        nutrace.instrument(nutrace.Settings(output="run.json", summary=False), probes=probes)
    ways = {**WAYS, **(NEWER if hasattr(torch, "compile") else {})}
    for name, way in ways.items():
        try:
            print(f"{name}: {way()}")
        except Exception as error:
            print(f"{name} fails: {type(error).__name__}: {error}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
