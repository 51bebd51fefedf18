"""Replacing names, and putting back the very objects that were there: all of them or none."""

from __future__ import annotations

import functools
import gc
import importlib
import sys
import threading
import types
import weakref
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional

import pytest

from nutrace.patching import MissingTarget, Patches, Replacement, Switch
from nutrace.patching import patches as patches_module
from nutrace.patching.replacement import Patch

Make = Callable[[Any, Switch], Any]

SOURCE = """
def f():
    return "f"

def g():
    return "g"

class Base:
    def method(self):
        return "method"

    @staticmethod
    def static():
        return "static"

    @property
    def value(self):
        return "value"

class Heir(Base):
    pass
"""


def loud(original: Any, switch: Switch) -> Any:
    """A replacement that returns what the original does in capitals, while it is switched on."""
    if isinstance(original, staticmethod):
        return staticmethod(loud(original.__func__, switch))
    if isinstance(original, property):
        return original.getter(loud(original.fget, switch))

    @functools.wraps(original)
    def replacement(*args: Any) -> Any:
        result = original(*args)
        return result.upper() if switch else result

    return replacement


class Applied:
    """Patches on the module of a test, with the faults that they note."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module
        self.faults: List[str] = []
        self.made: List[Patches] = []

    def __call__(self, *targets: str, make: Make = loud, **options: Any) -> Patches:
        return self.apply(
            *(Replacement(f"{self.module.__name__}:{each}", make, **options) for each in targets)
        )

    def apply(self, *replacements: Patch, after: Optional[Callable[[], None]] = None) -> Patches:
        patches = Patches(replacements, self.faults.append, after)
        self.made.append(patches)
        patches.install()
        patches.switch.on()
        return patches


@pytest.fixture
def module() -> Iterator[Any]:
    made: Any = types.ModuleType("nutrace_patched")
    exec(SOURCE, vars(made))
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


@pytest.fixture
def applied(module: Any) -> Iterator[Applied]:
    before = _held(module)
    made = Applied(module)
    yield made
    for patches in reversed(made.made):
        patches.undo()
    assert _held(module) == before
    assert not any(patches.switch or patches.applied for patches in made.made)


def _held(module: Any) -> Any:
    return [dict(vars(each)) for each in (module, module.Base, module.Heir)]


def test_kinds_of_targets(module: Any, applied: Applied) -> None:
    patches = applied("f", "Base.method", "Base.static", "Base.value")
    base = module.Base()
    assert (module.f(), base.method(), base.static(), base.value) == ("F", "METHOD", "STATIC", "VALUE")
    assert module.g() == "g"
    assert len(patches.applied) == 4
    patches.switch.off()
    assert (module.f(), base.value) == ("f", "value")


def test_an_inherited_method_is_deleted_again(module: Any, applied: Applied) -> None:
    applied("Heir.method")
    assert module.Heir().method() == "METHOD"
    assert module.Base().method() == "method"
    applied.made[0].undo()
    assert "method" not in vars(module.Heir)


def test_missing_targets_are_noted_and_the_others_applied(module: Any, applied: Applied) -> None:
    def refuse(original: Any, switch: Switch) -> Any:
        raise MissingTarget("not the one that we know")

    patches = applied.apply(
        Replacement("nutrace_patched:gone", loud),
        Replacement("nutrace_patched:Gone.method", loud),
        Replacement("nutrace_patched:g", refuse),
        Replacement("nutrace_patched:f", loud),
    )
    assert module.f() == "F"
    assert patches.applied == ["nutrace_patched:f"]
    assert patches.missing["nutrace_patched:gone"] == "nutrace_patched has no gone"
    assert "Gone" in patches.missing["nutrace_patched:Gone.method"]
    assert patches.missing["nutrace_patched:g"] == "not the one that we know"
    assert applied.faults == []


@pytest.mark.parametrize("error", [AttributeError("a typo of ours"), KeyError("x"), TypeError("y")])
def test_a_bug_in_make_is_a_fault_and_no_missing_target(
    module: Any, applied: Applied, error: Exception
) -> None:
    def bug(original: Any, switch: Switch) -> Any:
        raise error

    patches = applied.apply(Replacement("nutrace_patched:f", bug), Replacement("nutrace_patched:g", loud))
    assert (module.f(), module.g()) == ("f", "G")
    assert patches.missing == {}
    assert applied.faults == ["replacing nutrace_patched:f"]


def test_an_installation_that_fails_leaves_nothing(module: Any, applied: Applied) -> None:
    class Odd(types.ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "f":
                raise LookupError("a module with a mind of its own")
            super().__setattr__(name, value)

    sys.modules["nutrace_odd"] = Odd("nutrace_odd")
    vars(sys.modules["nutrace_odd"])["f"] = lambda: "f"
    try:
        with pytest.raises(LookupError, match="mind of its own"):
            applied.apply(Replacement("nutrace_patched:f", loud), Replacement("nutrace_odd:f", loud))
    finally:
        del sys.modules["nutrace_odd"]
    assert module.f() == "f"
    assert not applied.made[0].active


def test_a_target_of_two_patches_is_restored_in_either_order(module: Any, applied: Applied) -> None:
    original = module.f
    for first in (0, 1):
        both = [applied("f"), applied("f", make=lambda original, switch: lambda: original() + "!")]
        assert module.f() == "F!"
        both[first].undo()
        both[1 - first].undo()
        if first == 0:  # the lower one was undone first, and so was left below the upper one, switched off
            assert module.f() == "f"
            module.f = original
        assert module.f is original


def test_what_somebody_else_has_replaced_stays(module: Any, applied: Applied) -> None:
    original = module.f
    patches = applied("f")
    ours = module.f

    @functools.wraps(ours)
    def theirs() -> str:
        return f"<{ours()}>"

    module.f = theirs
    patches.undo()
    assert module.f is theirs
    assert module.f() == "<f>"
    module.f = original


def test_a_setter_that_the_program_has_added_stays(module: Any, applied: Applied) -> None:
    original = vars(module.Base)["value"]
    patches = applied("Base.value")
    values: List[Any] = []
    module.Base.value = module.Base.value.setter(lambda self, value: values.append(value))
    patches.undo()
    module.Base().value = 3
    assert (module.Base().value, values) == ("value", [3])
    module.Base.value = original


def test_a_name_that_was_bound_elsewhere(module: Any, applied: Applied) -> None:
    user: Any = types.ModuleType("nutrace_user")
    user.f, user.kept = module.f, [module.f]
    original = module.f
    sys.modules["nutrace_user"] = user
    try:
        applied("f")
        assert user.f is module.f is not original
        assert user.kept[0] is original  # nobody looks inside other objects
        user.later = module.f
        applied.made[0].undo()
        assert user.f is user.later is original
    finally:
        del sys.modules["nutrace_user"]


def test_one_function_under_two_names_has_one_replacement(module: Any, applied: Applied) -> None:
    user: Any = types.ModuleType("nutrace_user")
    user.f = original = module.f
    sys.modules["nutrace_user"] = user
    try:
        patches = applied.apply(Replacement("nutrace_patched:f", loud), Replacement("nutrace_user:f", loud))
        assert module.f is user.f
        assert module.f() == "F"
        assert patches.applied == ["nutrace_patched:f", "nutrace_user:f"]
        patches.undo()
        assert module.f is user.f is original
    finally:
        del sys.modules["nutrace_user"]


def test_a_method_under_two_names_of_its_class(module: Any, applied: Applied) -> None:
    module.Base.alias = original = module.Base.method
    patches = applied("Base.method")
    assert module.Base.alias is module.Base.method is not original
    assert module.Heir().alias() == "METHOD"
    patches.undo()
    assert module.Base.alias is module.Base.method is original
    del module.Base.alias


def test_modules_are_looked_through_once(
    module: Any, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        exec(f"def f{number}():\n    return 'f'", vars(module))
    passes: List[int] = []
    rebind = patches_module.rebind
    monkeypatch.setattr(patches_module, "rebind", lambda table: passes.append(len(table)) or rebind(table))
    patches = applied(*(f"f{number}" for number in range(40)))
    assert passes == [40]
    patches.undo()
    assert passes == [40, 40]
    for number in range(40):
        del vars(module)[f"f{number}"]


def test_a_pair_is_replaced_together_or_not_at_all(module: Any, applied: Applied) -> None:
    def pair(first: str, second: str) -> Replacement:
        partner = Replacement(f"nutrace_patched:{second}", loud)
        return Replacement(f"nutrace_patched:{first}", loud, partner=partner)

    patches = applied.apply(pair("f", "gone"))
    assert module.f() == "f"
    assert patches.missing == {"nutrace_patched:f": "nutrace_patched has no gone"}
    patches = applied.apply(pair("f", "g"))
    assert (module.f(), module.g()) == ("F", "G")


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("imports_the_other", [False, True])
def test_a_pair_in_two_modules_waits_for_both(
    order: str, imports_the_other: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (f"nutrace_pair_{name}_{tmp_path.name}" for name in order)
    nested = f"import {second}\n" if imports_the_other else ""
    (tmp_path / f"{first}.py").write_text(f"{nested}def f():\n    return 'f'\n")
    # It imports the first, which may be on its way already.
    (tmp_path / f"{second}.py").write_text(f"import {first}\ndef f():\n    return 'f'\n")
    monkeypatch.syspath_prepend(tmp_path)
    opening, closing = (f"nutrace_pair_{name}_{tmp_path.name}:f" for name in "ab")
    patches = Patches([Replacement(opening, loud, partner=Replacement(closing, loud))], print)
    patches.install()
    patches.switch.on()
    modules = [importlib.import_module(name) for name in (first, second)]
    assert [module.f() for module in modules] == ["F", "F"]
    assert (patches.applied, patches.missing) == ([opening], {})
    patches.undo()
    assert [module.f() for module in modules] == ["f", "f"]
    for name in (first, second):
        del sys.modules[name]


def test_the_second_of_a_pair_is_restored_if_the_first_cannot_be_set(module: Any, applied: Applied) -> None:
    original = module.g
    ignore = Replacement(
        "builtins:list.append",
        lambda original, switch: lambda *args: None,
        partner=Replacement("nutrace_patched:g", loud),
    )
    assert "builtins:list.append" in applied.apply(ignore).missing
    assert module.g is original


def test_a_target_that_is_replaced_twice(module: Any, applied: Applied) -> None:
    """A pair is put around what was replaced before; a name bound to it gets the first original back."""
    original = module.f
    patches = applied.apply(
        Replacement("nutrace_patched:f", loud),
        Replacement(
            "nutrace_patched:f",
            lambda original, switch: lambda: f"<{original()}>",
            partner=Replacement("nutrace_patched:g", loud),
        ),
    )
    user: Any = types.ModuleType("nutrace_user")
    user.f = module.f
    sys.modules["nutrace_user"] = user
    try:
        assert user.f() == "<F>"
        patches.undo()
        assert user.f is module.f is original
    finally:
        del sys.modules["nutrace_user"]


def test_a_type_of_c_is_missing(applied: Applied) -> None:
    before = list.append
    patches = applied.apply(Replacement("builtins:list.append", lambda original, switch: lambda *args: None))
    assert "builtins:list.append" in patches.missing
    assert list.append is before


def test_the_module_of_a_later_import(applied: Applied, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "nutrace_comes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    after: List[int] = []
    patches = applied.apply(
        Replacement("nutrace_comes:f", loud),
        Replacement("nutrace_comes:gone", loud),
        after=lambda: after.append(len(applied.made[-1].applied)),
    )
    try:
        loaded = importlib.import_module("nutrace_comes")
        assert loaded.f() == "F"
        assert list(patches.missing) == ["nutrace_comes:gone"]
        assert after == [0, 1]
        patches.undo()
        assert loaded.f() == "f"
    finally:
        sys.modules.pop("nutrace_comes", None)


def test_modules_that_import_each_other(applied: Applied, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "nutrace_comes.py").write_text(f"{SOURCE}\nimport nutrace_circular\n")
    (tmp_path / "nutrace_circular.py").write_text("from nutrace_comes import f\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    patches = applied.apply(Replacement("nutrace_comes:f", loud))
    try:
        loaded = importlib.import_module("nutrace_comes")
        other = sys.modules["nutrace_circular"]
        assert (other.f(), other.f) == ("F", loaded.f)
        patches.undo()
        assert (other.f(), other.f) == ("f", loaded.f)
    finally:
        sys.modules.pop("nutrace_comes", None)
        sys.modules.pop("nutrace_circular", None)


def test_an_import_survives_a_fault_of_ours(applied: Applied, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "nutrace_survives.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    applied.apply(Replacement("nutrace_survives:f", loud))
    monkeypatch.setattr(Patches, "_apply", lambda *args: 1 / 0)
    try:
        assert importlib.import_module("nutrace_survives").f() == "f"
        assert applied.faults == ["patching nutrace_survives:f"]
    finally:
        sys.modules.pop("nutrace_survives", None)


def test_a_fault_in_one_patch_leaves_the_others(applied: Applied, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "nutrace_one_fault.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    applied.apply(
        Replacement("nutrace_one_fault:f", lambda original, switch: 5),  # takes no attributes
        Replacement("nutrace_one_fault:g", loud),
    )
    try:
        loaded = importlib.import_module("nutrace_one_fault")
        assert (loaded.f(), loaded.g()) == ("f", "G")
        assert applied.faults == ["patching nutrace_one_fault:f"]
    finally:
        sys.modules.pop("nutrace_one_fault", None)


def test_installed_again(module: Any, applied: Applied) -> None:
    patches = applied("f", "gone")
    for _ in range(2):
        patches.undo()
        assert module.f() == "f"
        patches.install()
        patches.install()
        assert module.f() == "f"
        patches.switch.on()
        assert module.f() == "F"
        assert (patches.applied, list(patches.missing)) == (["nutrace_patched:f"], ["nutrace_patched:gone"])


def test_more_patches_later(module: Any, applied: Applied) -> None:
    patches = applied("f")
    patches.add([Replacement("nutrace_patched:g", loud)])
    assert (module.f(), module.g()) == ("F", "G")


def test_from_many_threads(module: Any, applied: Applied) -> None:
    """Threads install, undo and make classes of a family at once; in the end everything is restored."""
    patches = Patches(
        [
            Replacement("nutrace_patched:Base.method", loud, subclasses=True),
            *(Replacement(f"nutrace_patched:{name}", loud) for name in ("f", "g", "Base.static")),
        ],
        applied.faults.append,
    )
    errors: List[BaseException] = []
    barrier = threading.Barrier(6)

    def work(number: int) -> None:
        try:
            barrier.wait()
            for _ in range(40):
                if number % 2:
                    patches.install()
                    patches.undo()
                else:
                    made = type("Made", (module.Base,), {"method": lambda self: "made"})
                    assert made().method() in ("made", "MADE")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    patches.undo()
    assert applied.faults == []


# -- nothing is kept alive -------------------------------------------------------------------


class Weights(bytearray):
    """What a closure of the program holds."""


def test_a_class_and_what_its_methods_hold_are_freed(module: Any, applied: Applied) -> None:
    applied("Base.method", subclasses=True)

    def cell() -> List[weakref.ref[Any]]:
        weights = Weights(100)

        class Mine(module.Base):  # type: ignore[misc]
            def method(self) -> str:
                return str(len(weights)) + super().method()

        assert Mine().method() == "100METHOD"
        return [weakref.ref(weights), weakref.ref(Mine)]

    references = [reference for _ in range(3) for reference in cell()]
    gc.collect()
    assert [reference() for reference in references] == [None] * 6


def test_a_module_is_freed(applied: Applied) -> None:
    made: Any = types.ModuleType("nutrace_freed")
    exec(SOURCE, vars(made))
    sys.modules["nutrace_freed"] = made
    applied.apply(
        Replacement("nutrace_freed:f", loud),
        Replacement("nutrace_freed:Base.value", loud),
        Replacement("nutrace_freed:Base.method", loud, subclasses=True),
    )
    references = [weakref.ref(each) for each in (made, made.Base, made.Heir, made.f)]
    del sys.modules["nutrace_freed"], made
    gc.collect()
    assert [reference() for reference in references] == [None] * 4


def test_patches_that_are_undone_are_freed(module: Any, applied: Applied) -> None:
    patches = Patches(
        [
            Replacement("nutrace_patched:Base.method", loud, subclasses=True),
            Replacement("nutrace_never_imported:f", loud),
        ],
        print,
    )
    patches.install()
    patches.undo()
    reference = weakref.ref(patches)
    del patches
    gc.collect()
    assert reference() is None
