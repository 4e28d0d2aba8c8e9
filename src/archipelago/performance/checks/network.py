"""What the doctor says of the local network, from what the node knows of it. Pure."""

from collections.abc import Iterator

from archipelago.api.local_network import ALL, NameConflict, Outlook
from archipelago.api.system import Finding, Severity
from archipelago.support.texts.text import joined, msg


def local_network(network: Outlook) -> Iterator[Finding]:
    """Compare where the owner wants to reach the node and its apps with where he does.

    Of a node that is to be on loopback alone, nothing is said but which apps browsers do not find there.
    """
    for problem in network.sites:
        yield Finding(
            check="sites",
            severity=Severity.WARNING,
            what=problem,
            why=msg("browsers do not find apps by their names"),
            mend=msg("give one of the two another name: 'hostnamectl hostname NAME', then restart it")
            if isinstance(problem, NameConflict)
            else msg(
                "end what uses the port ('ss -ltnp' names it), or start the node with other ports: {variables}",
                variables="ARCHIPELAGO_HTTP_PORT, ARCHIPELAGO_HTTPS_PORT",
            ),
        )
    for problem in network.onions:
        yield Finding(
            check="onions",
            severity=Severity.WARNING,
            what=problem,
            why=msg("you had it reached through Tor"),
            mend=msg("install and start Tor ('archipelago install tor'), or look at it: 'archipelago status tor'"),
        )
    if not network.wanted:
        return
    reached = set(network.listening) & set(network.available)
    if not reached:
        problems = joined(network.problems, "; ") or msg("it listens nowhere")
        yield Finding(
            check="local-network",
            severity=Severity.WARNING,
            what=msg("this node cannot be reached from the local network: {problems}", problems=problems),
            why=msg("you had it listen on {wanted}", wanted=" ".join(network.wanted)),
            mend=(
                "archipelago network listen lan"
                if network.available and ALL not in network.wanted
                else msg("connect this host to the network; the node listens again by itself")
            ),
        )
        return
    for problem in network.problems:
        yield Finding(
            check="local-network",
            severity=Severity.WARNING,
            what=problem,
            why=msg("what you opened to the local network cannot be reached from there"),
            mend=msg("end what uses the port ('ss -ltnp' names it), or choose addresses: 'archipelago network listen'"),
        )
