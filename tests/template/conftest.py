import pytest

from tests.template.deployed_stack import Deployed
from tests.template.sam_template import Template, read_template, transform
from tests.template.world import World, read_world


@pytest.fixture(scope="session")
def written() -> Template:
    return read_template()


@pytest.fixture(scope="session")
def transformed() -> Template:
    return transform(read_template())


@pytest.fixture(scope="session")
def world() -> World:
    return read_world()


@pytest.fixture(scope="session")
def deployed(world: World) -> Deployed:
    return world.deployed
