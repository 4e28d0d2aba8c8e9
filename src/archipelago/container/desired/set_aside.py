"""Which installed apps are left as they are, since this version cannot read what another one stored. Pure."""

from collections.abc import Mapping

from archipelago.container.dependency_resolver.plan import Plan
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg


def unreadable(records: Mapping[str, AppRecord]) -> dict[str, str]:
    """Return the apps whose package has a problem, with the problem."""
    return {app: record.package.problem for app, record in records.items() if record.package.problem}


def set_aside(records: Mapping[str, AppRecord], plan: Plan) -> dict[str, str]:
    """Return the apps that are left as they are where a plan is carried out, each with its problem."""
    aside, planned = unreadable(records), {each.app for each in plan.apps}
    return aside if records.keys() <= planned else with_consumers(aside, records)


def with_consumers(aside: Mapping[str, str], records: Mapping[str, AppRecord]) -> dict[str, str]:
    """Return these apps, and all that use them or one another of the result, with the problem of each."""
    found = dict(aside)
    waiting = list(found)
    for provider in waiting:
        for app, record in records.items():
            if app not in found and provider in record.choices.values():
                found[app] = msg("it uses {provider}, of which: {found}", provider=provider, found=found[provider])
                waiting.append(app)
    return found
