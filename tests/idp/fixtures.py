"""The institutions' logins as the tests have them: the real provider, and one that forges.

A conftest that needs them says `from idp.fixtures import demo_login, forger`.
"""

import socket
from pathlib import Path

import pytest

from idp.forger import Forger
from lianyan.demo.login import DemoInstitution, DemoPerson, start
from lianyan.settings import Settings

PUBLIC = "http://127.0.0.1:8000"
KEY = bytes(range(32))

INSTITUTIONS = [
    DemoInstitution(
        slug="nuist",
        name_zh="南京信息工程大学",
        name_en="Nanjing University of Information Science and Technology",
        people=[
            DemoPerson(sub="wu", name="吴安琪", email="wu@nuist.example", affiliation="faculty"),
            DemoPerson(sub="ji", name="李𠮷", affiliation="student"),
            DemoPerson(sub="bold", name="张三<b>", email="b@nuist.example"),
        ],
    ),
    DemoInstitution(
        slug="yungu",
        name_zh="云谷科技有限公司",
        name_en="Yungu Technology",
        people=[
            DemoPerson(sub="wu", name="吴磊", email="wu@nuist.example", affiliation="employee"),
            DemoPerson(sub="no-name", name=""),
        ],
    ),
    DemoInstitution(slug="empty", name_zh="空单位", name_en="Empty"),
]


def settings_for(folder: Path, **given) -> Settings:
    """Return settings of a demo portal whose data is in `folder`."""
    return Settings(
        **{"public_url": PUBLIC, "demo": True, "data_dir": folder, "secret_key": KEY, **given}
    )


@pytest.fixture(scope="session")
def demo_login(tmp_path_factory):
    """Run the real OpenID provider for the institutions above; one process for the whole run."""
    login = start(settings_for(tmp_path_factory.mktemp("login")), INSTITUTIONS, 0)
    yield login
    login.stop()


@pytest.fixture
def unused_port():
    """Give a port where nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
async def forger():
    """Run a provider that says whatever the test tells it to."""
    async with Forger() as running:
        yield running
