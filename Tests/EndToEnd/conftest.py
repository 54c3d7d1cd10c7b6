import pytest

import lab as laboratory


@pytest.fixture
def lab():
    """A routed laboratory with Bulkhead running."""
    with_routes = laboratory.Lab()
    try:
        yield with_routes.up()
    finally:
        with_routes.close()


@pytest.fixture
def bridged():
    """A bridged laboratory with Bulkhead running."""
    with_bridge = laboratory.Lab(bridge=True)
    try:
        yield with_bridge.up()
    finally:
        with_bridge.close()


@pytest.fixture(params=["routed", "bridged"])
def network(request):
    """Both kinds in turn."""
    either = laboratory.Lab(bridge=request.param == "bridged")
    try:
        yield either.up()
    finally:
        either.close()
