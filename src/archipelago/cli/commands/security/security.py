"""Commands about how apps are confined: security report, security profiles."""

from typing import Any

from archipelago.cli.client import Client
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import line, show, show_json


def report(json: Json = False) -> None:
    """Show for each app what is enforced, which apps it can reach, and who signed its image."""
    found = Client().call("security-report")
    if json:
        show_json(found)
        return
    if not found:
        show("nothing is installed")
    for app in found:
        show(line(f"{app['app']}: {app['rating']['score']} of 8, egress {app['egress']}"))
        show(line(f"  reaches     {_peers(app['reaches'])}"))
        show(line(f"  reached by  {_peers(app['reached_by'])}"))
        show(line(f"  published   {', '.join(app['published']) or 'nothing'}"))
        for image in app["images"]:
            packages = "no bill of materials" if image["packages"] is None else f"{image['packages']} packages"
            show(line(f"  image       {image['container']}: signed by {image['signer'][:16]}, {packages}"))
        held = [one["what"] for one in app["enforcement"] if one["enforced"]]
        show(line(f"  enforced    {', '.join(dict.fromkeys(held))}"))
        for one in app["enforcement"]:
            if not one["enforced"]:
                show(line(f"  not         {one['container']}: {one['what']}: {one['detail']}"))


def profiles(app: Installed, json: Json = False) -> None:
    """Print the AppArmor and SELinux profiles of an app, for root to load."""
    found = Client().call("security-profiles", app=app)
    if json:
        show_json(found)
        return
    for each in found:
        show(f"# {line(each['apparmor_name'])}: apparmor_parser --replace\n{each['apparmor']}")
        show(f"; {line(each['selinux_name'])}: semodule --install\n{each['selinux']}")


def _peers(peers: list[dict[str, Any]]) -> str:
    return ", ".join(f"{peer['app']} ({peer['interface']}, port {peer['port']})" for peer in peers) or "no app"
