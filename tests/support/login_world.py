"""A login with a real database and a clock that the test sets."""

from dataclasses import dataclass
from pathlib import Path

from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Lifetimes
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.redactor import Redactor
from archipelago.storage.database import Database
from archipelago.storage.stores.accounts import AccountStore

PASSWORD = "correct horse battery"
LIFETIMES = Lifetimes(idle=100, absolute=1000)


@dataclass
class World:
    """A login on disk, and a clock."""

    folder: Path
    database: Database
    now: float = 1_800_000_000.0
    ahead: float = 0.0
    """By how much the clock on the wall is ahead."""

    async def open(self, port: int = 8480, hider: Redactor | None = None) -> Login:
        """Return the login as a start of the node finds it."""
        sealer = SecretsManager(self.folder / "apps", self.folder / "node.key")
        login = Login(
            AccountStore(self.database),
            sealer,
            Clocks(lambda: self.now + self.ahead, lambda: self.now),
            passwords=Passwords(Cost(1, 8, 1)),
            lifetimes=LIFETIMES,
            port=port,
            hider=hider,
        )
        await login.open()
        return login

    async def owned(self) -> Login:
        """Return the login of a node that is set up."""
        login = await self.open()
        await login.accounts.set_up(login.setup_code, PASSWORD)
        return login
