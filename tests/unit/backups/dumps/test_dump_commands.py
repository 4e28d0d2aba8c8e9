"""How servers are dumped and loaded: no secret is in a command, and no error of a load is overlooked."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.backups import VolumeWay
from archipelago.backups.contents import sources
from archipelago.backups.dumps.commands import dump_commands, load_error
from archipelago.container.data.data_classes import app_volumes
from archipelago.container.manifest.model.data import CommandDatabase, MariadbDatabase, PostgresDatabase
from support.app_manifests import app
from support.app_records import record_of

POSTGRES = PostgresDatabase(type="postgres", container="main", secret="pass")
MARIADB = MariadbDatabase(type="mariadb", container="main", secret="pass")
COMMAND = CommandDatabase(type="command", container="main", dump=("out",), load=("in",))
ERROR = "psql:<stdin>:{}: {}:  {}: {}"


def test_a_password_is_read_from_the_input_where_there_is_one() -> None:
    for database, variable in ((POSTGRES, "PGPASSWORD"), (MARIADB, "MYSQL_PWD")):
        commands = dump_commands(database)
        assert commands.secret == "pass"
        for command in (commands.dump, commands.load):
            assert command[:2] == ("sh", "-c") and f"read -r {variable}" in command[2] and "pass" not in command[3:]
        trusted = dump_commands(database.model_copy(update={"secret": None}))
        assert "read -r" not in trusted.dump[2] + trusted.load[2], "the dump would lose its first line"


def test_a_command_is_run_as_it_is_declared() -> None:
    commands = dump_commands(COMMAND)
    assert (commands.dump, commands.load, commands.ending) == (("out",), ("in",), b"")


def test_what_an_extension_made_a_template_is_removed_too_and_old_servers_know_each_word() -> None:
    templates, drop, create = dump_commands(POSTGRES).before.decode().splitlines()
    assert "'ALTER DATABASE %I IS_TEMPLATE false'" in templates and "datistemplate" in templates
    assert "WHEN current_setting('server_version_num')::int >= 130000 THEN ' WITH (FORCE)'" in drop
    assert all("NOT IN ('template0', 'template1')" in each and each.endswith(" \\gexec") for each in (templates, drop))
    assert create == "CREATE DATABASE postgres;"


@given(st.lists(st.sampled_from(["42710", "42P07", "23505", "XX001"])), st.sampled_from(["ERROR", "FATAL", "PANIC"]))
def test_every_error_of_a_load_counts_but_that_of_what_is_there_already(codes: list[str], severity: str) -> None:
    lines = [line for code in codes for line in (ERROR.format(1, severity, code, code), "LOCATION:  x, y.c:1")]
    bad = [code for code in codes if code != "42710"]
    assert load_error(lines) == (bad[0] if bad else "")


def test_a_server_is_dumped_unless_its_volume_has_parts() -> None:
    database = {"type": "postgres", "container": "main"}
    for per, way in ((None, VolumeWay.DUMP), ("bitcoin.network", VolumeWay.STOPPED)):
        manifest = app("harbour", volumes={"data": {"data": "database", "database": database, "per": per}})
        assert [each.way for each in sources(app_volumes(record_of(manifest)))] == [way]
