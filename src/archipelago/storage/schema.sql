-- The tables of a new state database. Those of an earlier version are brought to the same by `migrations`: whoever
-- changes something here writes a migration that does the same.

CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);

CREATE TABLE apps (
  app VARCHAR NOT NULL PRIMARY KEY,
  package TEXT NOT NULL,  -- JSON: manifest and files as they were installed
  desired VARCHAR NOT NULL,
  options TEXT NOT NULL,  -- JSON: what the owner set
  choices TEXT NOT NULL,  -- JSON: interface -> provider
  ports TEXT NOT NULL,  -- JSON: endpoint -> host port
  lan TEXT NOT NULL DEFAULT '{}',  -- JSON: endpoint -> whether the owner opened it
  tor TEXT NOT NULL DEFAULT '{}',  -- JSON: endpoint -> who reaches it through Tor
  installed_at FLOAT NOT NULL
);

-- A slot outlives its app when the data is kept, so that a later installation owns its files again.
CREATE TABLE slots (
  app VARCHAR NOT NULL PRIMARY KEY,
  slot INTEGER NOT NULL UNIQUE
);

-- The strictest that versions of an app have said of a volume: it outlives its app like the slot.
CREATE TABLE volume_classes (
  app VARCHAR NOT NULL,
  volume VARCHAR NOT NULL,
  data VARCHAR NOT NULL,  -- a class of data in the manifest
  funds BOOLEAN NOT NULL,
  PRIMARY KEY (app, volume)
);

CREATE TABLE operations (
  id VARCHAR NOT NULL PRIMARY KEY,
  kind VARCHAR NOT NULL,
  app VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  arguments TEXT NOT NULL,  -- JSON
  view TEXT NOT NULL,  -- JSON of records.operations.OperationRecord
  created_at FLOAT NOT NULL
);
CREATE INDEX operations_by_time ON operations (created_at);

CREATE TABLE events (
  revision INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  at FLOAT NOT NULL,
  kind VARCHAR NOT NULL,
  app VARCHAR,
  message TEXT NOT NULL,
  data TEXT NOT NULL
);

CREATE TABLE facts (
  key VARCHAR NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE users (
  name VARCHAR NOT NULL PRIMARY KEY,
  role VARCHAR NOT NULL,
  password TEXT NOT NULL,  -- argon2id, PHC format
  created_at FLOAT NOT NULL,
  totp BLOB,  -- an age file under the node's key
  totp_step INTEGER NOT NULL,
  recovery TEXT NOT NULL,  -- JSON: hashes of codes
  version INTEGER NOT NULL DEFAULT '0',  -- another one after each change, never one that was there before
  marks_from INTEGER NOT NULL DEFAULT '0'  -- version since which marks of devices count
);

-- One row: the number that the latest change of an account got.
CREATE TABLE account_changes (latest INTEGER NOT NULL PRIMARY KEY);
INSERT INTO account_changes VALUES (0);

CREATE TABLE sessions (
  key VARCHAR NOT NULL PRIMARY KEY,  -- SHA-256 of the session's secret
  user VARCHAR NOT NULL,
  created_at FLOAT NOT NULL,
  used_at FLOAT NOT NULL,
  origin VARCHAR NOT NULL,
  agent VARCHAR NOT NULL,
  version INTEGER NOT NULL DEFAULT '0'  -- of the account that it belongs to
);

-- What owners of accounts are notified of: somebody changed how one logs in.
CREATE TABLE account_notices (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  user VARCHAR NOT NULL,  -- who is notified
  action VARCHAR NOT NULL,  -- method of the RPC
  subject VARCHAR NOT NULL,  -- account, token or device that it was about
  "by" VARCHAR NOT NULL,
  origin VARCHAR NOT NULL,
  at FLOAT NOT NULL
);

CREATE TABLE tokens (
  key VARCHAR NOT NULL PRIMARY KEY,  -- SHA-256 of the token
  name VARCHAR NOT NULL,
  permissions TEXT NOT NULL,  -- JSON
  created_at FLOAT NOT NULL,
  expires_at FLOAT NOT NULL,
  used_at FLOAT NOT NULL
);

CREATE TABLE passkeys (
  id VARCHAR NOT NULL PRIMARY KEY,
  user VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  public_key BLOB NOT NULL,
  sign_count INTEGER NOT NULL,
  host VARCHAR NOT NULL,
  created_at FLOAT NOT NULL,
  used_at FLOAT NOT NULL
);

CREATE TABLE signers (
  publisher VARCHAR NOT NULL PRIMARY KEY,
  signer VARCHAR NOT NULL,  -- fingerprint of a key, or "unsigned", or "any"
  since FLOAT NOT NULL
);

CREATE TABLE verified (
  digest VARCHAR NOT NULL,
  signer VARCHAR NOT NULL,
  PRIMARY KEY (digest, signer)
);

CREATE TABLE revisions (
  app VARCHAR NOT NULL,
  number INTEGER NOT NULL,
  at FLOAT NOT NULL,
  why TEXT NOT NULL,
  version VARCHAR,  -- null: the app was removed
  options TEXT NOT NULL,  -- JSON: what the owner set
  choices TEXT NOT NULL,  -- JSON: interface -> provider
  PRIMARY KEY (app, number)
);

-- How the runs of containers were when they were looked at last: the next life of the daemon takes them up from there.
CREATE TABLE runs (
  app VARCHAR NOT NULL,
  container VARCHAR NOT NULL,
  run VARCHAR NOT NULL,  -- which run of the container it is about
  state VARCHAR NOT NULL,
  reason TEXT NOT NULL,
  since FLOAT NOT NULL,
  PRIMARY KEY (app, container)
);

-- What the owner does not want to see any more.
CREATE TABLE hidden_notices (
  id VARCHAR NOT NULL PRIMARY KEY,
  muted BOOLEAN NOT NULL,  -- until it is brought back; otherwise until it says something else
  said VARCHAR NOT NULL,  -- what it said then (`notices.Notice.said`)
  at FLOAT NOT NULL,
  until FLOAT  -- null: no reminder
);

-- Where the node sends notices to, and how that went.
CREATE TABLE notice_channels (
  id VARCHAR NOT NULL PRIMARY KEY,
  name VARCHAR NOT NULL,
  target TEXT NOT NULL,  -- JSON of api.notice_channels.Target
  secret BLOB,  -- an age file under the node's key
  least VARCHAR NOT NULL,  -- level from which notices are sent
  resolved BOOLEAN NOT NULL,  -- whether it also says that a problem is gone
  created_at FLOAT NOT NULL,
  sent_at FLOAT,
  failures INTEGER NOT NULL,  -- attempts that failed since the last success
  failure TEXT NOT NULL,  -- why the last one failed
  language VARCHAR NOT NULL DEFAULT 'en'  -- of its messages
);

-- Of which notices a message was written: none is sent twice.
CREATE TABLE announced_notices (
  channel VARCHAR NOT NULL,
  notice VARCHAR NOT NULL,
  level VARCHAR NOT NULL,
  app VARCHAR NOT NULL,  -- its name
  text TEXT NOT NULL,  -- JSON of a message, or a text
  PRIMARY KEY (channel, notice)
);

-- Messages that have not reached their channel yet.
CREATE TABLE notice_messages (
  number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  channel VARCHAR NOT NULL,
  content TEXT NOT NULL,  -- JSON of notifications.message.OwnerMessage
  attempts INTEGER NOT NULL,
  tried_at FLOAT NOT NULL,
  next_at FLOAT NOT NULL
);

-- How accounts like the page.
CREATE TABLE preferences (
  user VARCHAR NOT NULL PRIMARY KEY,
  value TEXT NOT NULL  -- JSON of records.preferences.PreferenceRecord
);
