"""What an owner sees of the options of an app: enough for a form. Pure."""

from archipelago.api.configuration import OptionKind, OptionView
from archipelago.container.dependency_resolver.plan import DEMAND_BY, PlannedApp
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.model.settings import BoolOption, ChoiceOption, IntOption, Option, StringOption


def option_views(manifest: AppManifest, planned: PlannedApp | None) -> tuple[OptionView, ...]:
    """Return the options in the order of the manifest, with the values of the plan, or else the app's own."""
    values = planned.options if planned is not None else {}
    origins = planned.option_origins if planned is not None else {}
    return tuple(
        _view(name, option, values.get(name, option.default), origins.get(name, ""))
        for name, option in manifest.options.items()
    )


def _view(name: str, option: Option, value: Scalar, origin: str) -> OptionView:
    demand = origin.removeprefix(DEMAND_BY).split(", ") if origin.startswith(DEMAND_BY) else []
    shown = OptionView(
        name=name,
        kind=OptionKind(option.type),
        label=option.label,
        help=option.help,
        advanced=option.advanced,
        default=option.default,
        value=value,
        set_by_owner=origin == "owner",
        demanded_by=tuple(demand),
    )
    match option:
        case BoolOption():
            return shown
        case IntOption(minimum=low, maximum=high, unit=unit):
            return shown.model_copy(update={"minimum": low, "maximum": high, "unit": unit})
        case StringOption(pattern=pattern, max_length=longest):
            return shown.model_copy(update={"pattern": pattern, "max_length": longest})
        case ChoiceOption(choices=choices):
            return shown.model_copy(update={"choices": choices})
