"""Tables of the state database, as its migrations make them; the stores write their statements in SQL."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

apps = Table(
    "apps",
    metadata,
    Column("app", String, primary_key=True),
    Column("package", Text, nullable=False),  # JSON: manifest and files as they were installed
    Column("desired", String, nullable=False),
    Column("options", Text, nullable=False),  # JSON: what the owner set
    Column("choices", Text, nullable=False),  # JSON: interface -> provider
    Column("ports", Text, nullable=False),  # JSON: endpoint -> host port
    Column("lan", Text, nullable=False, server_default="{}"),  # JSON: endpoint -> whether the owner opened it
    Column("installed_at", Float, nullable=False),
)

# A slot outlives its app when the data is kept, so that a later installation owns its files again.
slots = Table(
    "slots",
    metadata,
    Column("app", String, primary_key=True),
    Column("slot", Integer, nullable=False, unique=True),
)

operations = Table(
    "operations",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("app", String, nullable=False),
    Column("state", String, nullable=False),
    Column("arguments", Text, nullable=False),  # JSON
    Column("view", Text, nullable=False),  # JSON of records.operations.OperationRecord
    Column("created_at", Float, nullable=False),
)
Index("operations_by_time", operations.c.created_at)

events = Table(
    "events",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("app", String),
    Column("message", Text, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)

facts = Table(
    "facts",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password", Text, nullable=False),  # argon2id, PHC format
    Column("created_at", Float, nullable=False),
    Column("totp", LargeBinary),  # an age file under the node's key
    Column("totp_step", Integer, nullable=False),
    Column("recovery", Text, nullable=False),  # JSON: hashes of codes
    Column("version", Integer, nullable=False),  # another one after each change, never one that was there before
    Column("marks_from", Integer, nullable=False),  # version since which marks of devices count
)

# One row: the number that the latest change of an account got.
account_changes = Table("account_changes", metadata, Column("latest", Integer, primary_key=True))

sessions = Table(
    "sessions",
    metadata,
    Column("key", String, primary_key=True),  # SHA-256 of the session's secret
    Column("user", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
    Column("origin", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("version", Integer, nullable=False),  # of the account that it belongs to
)

# What owners of accounts are notified of: somebody changed how one logs in.
account_notices = Table(
    "account_notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user", String, nullable=False),  # who is notified
    Column("action", String, nullable=False),  # method of the RPC
    Column("subject", String, nullable=False),  # account, token or device that it was about
    Column("by", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("key", String, primary_key=True),  # SHA-256 of the token
    Column("name", String, nullable=False),
    Column("permissions", Text, nullable=False),  # JSON
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("name", String, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("host", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
)

signers = Table(
    "signers",
    metadata,
    Column("publisher", String, primary_key=True),
    Column("signer", String, nullable=False),  # fingerprint of a key, or "unsigned", or "any"
    Column("since", Float, nullable=False),
)

verified = Table(
    "verified",
    metadata,
    Column("digest", String, primary_key=True),
    Column("signer", String, primary_key=True),
)

revisions = Table(
    "revisions",
    metadata,
    Column("app", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("why", Text, nullable=False),
    Column("version", String),  # null: the app was removed
    Column("options", Text, nullable=False),  # JSON: what the owner set
    Column("choices", Text, nullable=False),  # JSON: interface -> provider
)

# How the runs of containers were when they were looked at last: the next life of the daemon takes them up from there.
runs = Table(
    "runs",
    metadata,
    Column("app", String, primary_key=True),
    Column("container", String, primary_key=True),
    Column("run", String, nullable=False),  # which run of the container it is about
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
)

# What the owner does not want to see any more.
hidden_notices = Table(
    "hidden_notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("muted", Boolean, nullable=False),  # until it is brought back; otherwise until it says something else
    Column("said", String, nullable=False),  # what it said then (`notices.Notice.said`)
    Column("at", Float, nullable=False),
)
