"""Proposes rules for the firewall of the host, and says whether this host would take them."""

from dataclasses import dataclass

from archipelago.api.system import FirewallView
from archipelago.container.namespace.client import Namespace
from archipelago.errors import NodeError
from archipelago.network.local_access import LocalAccess


@dataclass(frozen=True, slots=True)
class FirewallProposal:
    """Has the kernel check the rules without loading them."""

    access: LocalAccess
    namespace: Namespace

    async def rules(self, ssh_port: int | None) -> FirewallView:
        """Return the rules; `ssh_port` stays open for SSH."""
        rules = await self.access.firewall(ssh_port)
        try:
            await self.namespace.firewall(0, rules)
        except NodeError as error:
            return FirewallView(rules=rules, problem=str(error))
        return FirewallView(rules=rules)
