import importlib
import inspect

import pytest

from kerasish import backend
from kerasish.backend.contract import FAMILIES

DECLARED = {
    family: backend.kernels_in(importlib.import_module(f"kerasish.backend.contract.{family}")) for family in FAMILIES
}
PRESENT = [name for name in backend.BUILT_IN if name in backend.available()]


def test_no_kernel_is_declared_twice():
    names = [name for kernels in DECLARED.values() for name in kernels]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", FAMILIES)
def test_numpy_implements_the_whole_contract_and_nothing_else(family):
    implemented = backend.kernels_in(importlib.import_module(f"kerasish.backend.numpy.{family}"))
    assert set(implemented) == set(DECLARED[family])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", PRESENT)
def test_a_backend_has_the_signatures_of_the_contract(name, family):
    path = f"kerasish.backend.{name}.{family}"
    if importlib.util.find_spec(path) is None:
        pytest.skip(f"{name} overrides nothing of {family}")
    for kernel, function in backend.kernels_in(importlib.import_module(path)).items():
        assert kernel in DECLARED[family], f"{path}.{kernel} is not in the contract"
        assert inspect.signature(function) == inspect.signature(DECLARED[family][kernel]), f"{path}.{kernel}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_declared_kernel_is_documented_and_refuses_to_run(family):
    for kernel, function in DECLARED[family].items():
        assert function.__doc__, kernel
        positional, named = [], {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = None
            elif parameter.kind is not parameter.VAR_POSITIONAL:
                positional.append(None)
        with pytest.raises(NotImplementedError):
            function(*positional, **named)


def test_the_active_backend_holds_exactly_the_contract():
    held = {name for name, value in vars(backend.K).items() if callable(value)}
    assert held == {name for kernels in DECLARED.values() for name in kernels}


def test_an_unknown_backend_is_refused_by_name():
    with pytest.raises(ValueError, match="Received: 'abacus'"):
        backend.kernels_of("abacus")
    with pytest.raises(AttributeError, match="no kernel 'abacus'"):
        backend.K.abacus  # noqa: B018
