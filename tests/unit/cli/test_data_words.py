"""A plan says what volumes hold, and whether an update has a way back."""

import pytest

from archipelago.cli.data_words import class_words, way_back_words
from archipelago.cli.views import show_plan
from archipelago.container.dependency_resolver.plan import Action, Asks, Plan, PlannedApp
from archipelago.container.manifest.model.data import DataClass, Reversible


def planned(app: str, action: Action, way_back: Reversible | None) -> PlannedApp:
    return PlannedApp(app=app, name=app, version="1.0", action=action, way_back=way_back)


def test_a_plan_says_it_before_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    apps = (planned("knots", Action.INSTALL, None), planned("harbour", Action.UPDATE, Reversible.NO))
    data = {"knots": {"chain": DataClass.REBUILDABLE, "wallets": DataClass.FILES}}
    show_plan(Plan(apps=apps, asks=Asks(data=data)).model_dump(mode="json"))
    shown = capsys.readouterr().out
    assert "knots: chain (can be made again), wallets (files)" in shown
    assert shown.count("WAY BACK") == 1 and shown.index("harbour") < shown.index("NO WAY BACK")


def test_a_plan_shows_what_is_new_without_what_would_take_over_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    notes = {"release_notes": "- One\n- \x1b[2JTwo\n"}
    app = planned("harbour", Action.UPDATE, Reversible.YES).model_copy(update=notes)
    show_plan(Plan(apps=(app, planned("knots", Action.REUSE, None))).model_dump(mode="json"))
    shown = capsys.readouterr().out
    assert "what is new:\n           - One\n           - \\x1b[2JTwo\n" in shown and shown.count("what is new") == 1


def test_there_are_words_for_all_of_it() -> None:
    assert len({class_words(each) for each in DataClass}) == len(DataClass)
    assert len({way_back_words(each) for each in Reversible}) == len(Reversible)
