"""An owner shows that he has the words of an app's money: by some of them, with few tries, and once."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.container.desired.state import DesiredApp
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.seed_words import SeedWords
from archipelago.container.reports.words_notices import words_notices
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import SecretsManager
from support.app_records import record

WALLET = """    mounts: [{volume: wallet, path: /wallet}]
volumes: {wallet: {data: files, funds: true}}
"""
SEED = "secrets: {seed: {kind: aezeed}, other: {}}"


class World:
    """An app with words, whose clock the test drives."""

    def __init__(self, folder: Path, more: str = WALLET + SEED) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.manager = self.new_life()
        self.manager.key.state()
        self.record = record(folder / "catalog", "purse", 0, "x", more)
        for name, spec in self.record.package.manifest.secrets.items():
            self.manager.ensure("purse", name, spec.kind, spec.bytes)
        self.manager.replace("purse", "seed", " ".join(f"w{number}x" for number in range(24)))
        self.said: list[tuple[str, str]] = []
        self.now = 0.0
        apps: Any = {"purse": SimpleNamespace(record=self.record, problem="")}
        self.words = SeedWords(self.manager, lambda: cast(Mapping[str, DesiredApp], apps), self.say, lambda: self.now)

    def new_life(self) -> SecretsManager:
        return SecretsManager(self.folder / "apps", self.folder / "node.key")

    async def say(self, app: str, what: str) -> None:
        self.said.append((app, what))

    def right(self, *places: int) -> dict[int, str]:
        found = self.manager.get("purse", "seed")
        assert found is not None
        return {place: found.reveal().split()[place - 1] for place in places}


async def refused(world: World, words: Mapping[int, str], name: str = "seed") -> NodeError:
    with pytest.raises(NodeError) as error:
        await world.words.confirm_words("purse", name, words)
    assert not set(world.right(*range(1, 25)).values()) & set(str(error.value).split())
    return error.value


async def test_words_are_asked_for_until_some_of_them_are_given_and_the_secret_stays_the_same(tmp_path: Path) -> None:
    world = World(tmp_path)
    before, since = world.manager.get("purse", "seed"), world.manager.created_at("purse", "seed")
    assert before is not None
    (missing,) = await world.words.unconfirmed()
    (notice,) = words_notices([missing])
    assert (notice.app, notice.text) == ("purse", "write down the 24 words of purse")
    given = {place: f" {word.upper()} " for place, word in world.right(3, 17, 24).items()}
    await world.words.confirm_words("purse", "seed", given)
    assert await world.words.unconfirmed() == () and [app for app, _ in world.said] == ["purse"]
    kept = world.new_life().get("purse", "seed")
    assert kept is not None and kept.confirmed
    assert (kept.reveal(), kept.fingerprint) == (before.reveal(), before.fingerprint)
    assert world.manager.created_at("purse", "seed") == since
    views = {each.name: each for each in await AppSecrets(world.manager).list(world.record)}
    assert (views["seed"].words, views["seed"].confirmed, views["other"].words) == (24, True, None)


async def test_wrong_words_change_nothing_and_cost_longer_and_longer(tmp_path: Path) -> None:
    world = World(tmp_path)
    right = world.right(1, 2, 3)
    for place in right:
        assert (await refused(world, {**right, place: "wrong"})).code is ErrorCode.INVALID_VALUE
    assert (await refused(world, {**right, 3: "\ud800"})).code is ErrorCode.INVALID_VALUE
    waits = []
    for _ in range(12):
        error = await refused(world, right)
        assert error.code is ErrorCode.TOO_MANY, "right words do not pass either"
        waits.append(float(cast(float, error.data["retry_after"])))
        world.now += waits[-1]
        assert (await refused(world, {**right, 1: "wrong"})).code is ErrorCode.INVALID_VALUE
    assert waits == sorted(waits) and waits[-1] == 900
    assert len(await world.words.unconfirmed()) == 1 and not world.said
    world.now += 900
    await world.words.confirm_words("purse", "seed", right)
    assert (await refused(world, {**right, 1: "wrong"})).code is ErrorCode.INVALID_VALUE, "what was before is forgotten"


async def test_what_cannot_be_a_proof_is_refused_and_costs_no_try(tmp_path: Path) -> None:
    world = World(tmp_path)
    for words in ({}, world.right(1, 2), {**world.right(1, 2), 0: "x"}, {**world.right(1, 2), 25: "x"}):
        for _ in range(4):
            assert "by places from 1 to 24" in (await refused(world, words)).message
    for name in ("other", "nothing"):
        assert "made of words" in (await refused(world, world.right(1, 2, 3), name)).message
    await world.words.confirm_words("purse", "seed", world.right(1, 2, 3))


async def test_another_secret_of_that_name_is_asked_for_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.words.confirm_words("purse", "seed", world.right(1, 2, 3))
    world.manager.replace("purse", "seed", " ".join(["abandon"] * 24))
    assert len(await world.words.unconfirmed()) == 1


async def test_nobody_is_reminded_where_there_is_no_money_or_no_secret_yet(tmp_path: Path) -> None:
    assert await World(tmp_path / "poor", SEED).words.unconfirmed() == ()
    world = World(tmp_path / "rich")
    world.manager.remove_app("purse")
    assert await world.words.unconfirmed() == ()
