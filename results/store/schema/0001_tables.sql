-- Tables. Every table is STRICT; times are seconds, sizes bytes. Text columns named *_json hold canonical JSON.
-- A migration is never edited after a release: add the next number.

CREATE TABLE suite (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  task TEXT NOT NULL
) STRICT;

-- What makes numbers comparable. Two protocols never meet in one table.
CREATE TABLE protocol (
  hash          TEXT PRIMARY KEY,
  task          TEXT NOT NULL,
  protocol_json TEXT NOT NULL
) STRICT;

-- One planned state of a suite. The plan with the largest `used` is the latest of its suite and protocol.
CREATE TABLE plan (
  id            INTEGER PRIMARY KEY,
  digest        TEXT NOT NULL UNIQUE,
  suite         INTEGER NOT NULL REFERENCES suite(id),
  protocol_hash TEXT NOT NULL REFERENCES protocol(hash),
  series        TEXT NOT NULL,
  version       INTEGER NOT NULL,
  file          TEXT NOT NULL,
  file_sha256   TEXT NOT NULL,
  rank_by       TEXT NOT NULL,
  rank_what     TEXT NOT NULL,      -- method | subject | none
  rank_at       TEXT NOT NULL,      -- the condition at which the board ranks
  rank_axes_json TEXT NOT NULL,     -- the point on the axes at which it ranks; {}: everywhere
  min_coverage  REAL NOT NULL,      -- rule 2
  on_failure    TEXT NOT NULL,      -- rule 3: exclude | worst | baseline
  used          INTEGER NOT NULL
) STRICT;
CREATE INDEX plan_by_protocol ON plan(protocol_hash, suite, used);

CREATE TABLE claim (
  plan   INTEGER NOT NULL REFERENCES plan(id),
  place  INTEGER NOT NULL,          -- order in the suite
  id     TEXT NOT NULL,
  says   TEXT NOT NULL,
  expect TEXT NOT NULL,
  test   TEXT NOT NULL,
  gate   INTEGER NOT NULL,
  PRIMARY KEY (plan, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin (
  id              INTEGER PRIMARY KEY,
  name            TEXT NOT NULL,
  version         TEXT NOT NULL,
  digest          TEXT NOT NULL,    -- sha256 of the loadable sections
  descriptor_json TEXT,
  UNIQUE (name, version, digest)
) STRICT;

-- A node of a plan: prepare, train, certify or cell. Its generation hash names everything that can change its outputs.
CREATE TABLE cell (
  id            INTEGER PRIMARY KEY,
  generation    TEXT NOT NULL UNIQUE,
  kind          TEXT NOT NULL CHECK (kind IN ('prepare', 'train', 'certify', 'cell')),
  label         TEXT NOT NULL,
  plugin        INTEGER REFERENCES plugin(id),
  method        TEXT NOT NULL,
  params_json   TEXT NOT NULL,
  subject       TEXT NOT NULL,
  axes_json     TEXT NOT NULL,      -- without the seed: seeds are rows of cell_seed
  seeds_json    TEXT NOT NULL,      -- the rows of cell_seed as one object, for grouping and printing
  identity_json TEXT NOT NULL,
  numerics      TEXT NOT NULL,
  baseline      INTEGER NOT NULL CHECK (baseline IN (0, 1))
) STRICT;

CREATE TABLE cell_seed (
  cell  INTEGER NOT NULL REFERENCES cell(id),
  name  TEXT NOT NULL,              -- data, subject, method, evaluation
  value INTEGER NOT NULL,
  PRIMARY KEY (cell, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_cell (
  plan      INTEGER NOT NULL REFERENCES plan(id),
  cell      INTEGER NOT NULL REFERENCES cell(id),
  judgement TEXT NOT NULL,
  PRIMARY KEY (plan, cell)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_cell_by_cell ON plan_cell(cell);

-- One run of a cell to its end, good or bad. Rule 1: identity columns are NOT NULL and checked at import.
CREATE TABLE attempt (
  id             INTEGER PRIMARY KEY,
  cell           INTEGER NOT NULL REFERENCES cell(id),
  n              INTEGER NOT NULL,
  digest         TEXT NOT NULL,     -- of the stages' shards and statuses: the same result imports once
  protocol_hash  TEXT NOT NULL REFERENCES protocol(hash),
  judgement      TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('ok', 'failed', 'rejected', 'crashed', 'timeout', 'oom', 'cancelled')),
  reason         TEXT NOT NULL,
  level          INTEGER NOT NULL CHECK (level IN (0, 1, 2)),   -- VALID SUSPECT INVALID
  numerics       TEXT NOT NULL,
  data_hash      TEXT NOT NULL,
  model_hash     TEXT NOT NULL,
  machine        TEXT NOT NULL,
  build          TEXT NOT NULL,
  host_json      TEXT NOT NULL,
  wall_seconds   REAL NOT NULL,
  cpu_seconds    REAL NOT NULL,
  peak_rss_bytes INTEGER NOT NULL,
  forward        INTEGER NOT NULL,
  backward       INTEGER NOT NULL,
  macs           INTEGER NOT NULL,
  counters_json  TEXT NOT NULL,
  retracted      TEXT NOT NULL DEFAULT '',   -- reason; '' while it stands
  UNIQUE (cell, n),
  UNIQUE (cell, digest)
) STRICT;

CREATE TABLE stage (
  attempt        INTEGER NOT NULL REFERENCES attempt(id),
  place          INTEGER NOT NULL,
  name           TEXT NOT NULL,
  status         TEXT NOT NULL,
  reason         TEXT NOT NULL,
  exit_code      INTEGER NOT NULL,
  signal         INTEGER NOT NULL,
  wall_seconds   REAL NOT NULL,
  cpu_seconds    REAL NOT NULL,
  peak_rss_bytes INTEGER NOT NULL,
  shard_sha256   TEXT NOT NULL,
  phases_json    TEXT NOT NULL,
  log_tail       TEXT NOT NULL,
  PRIMARY KEY (attempt, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdict (
  attempt INTEGER NOT NULL REFERENCES attempt(id),
  place   INTEGER NOT NULL,
  level   INTEGER NOT NULL CHECK (level IN (1, 2)),
  rule    INTEGER NOT NULL,
  reason  TEXT NOT NULL,
  PRIMARY KEY (attempt, place)
) STRICT, WITHOUT ROWID;

-- Outcomes per unit. ids_z: zlib of int64 little-endian first differences (cumulative sum gives the ids);
-- values_z: zlib of float64 little-endian. sha256: of the decoded ids, then the values.
CREATE TABLE outcome (
  id            INTEGER PRIMARY KEY,
  attempt       INTEGER NOT NULL REFERENCES attempt(id),
  condition     TEXT NOT NULL,
  configuration TEXT NOT NULL,
  unit          TEXT NOT NULL,
  quantity      TEXT NOT NULL,
  grade         TEXT NOT NULL CHECK (grade IN ('judged', 'host-measured', 'reported')),
  n             INTEGER NOT NULL,
  mean          REAL,               -- NULL when n is 0 or a value is not finite
  sha256        TEXT NOT NULL,
  ids_z         BLOB NOT NULL,
  values_z      BLOB NOT NULL,
  UNIQUE (attempt, condition, configuration, unit, quantity)
) STRICT;

CREATE TABLE score (
  attempt       INTEGER NOT NULL REFERENCES attempt(id),
  condition     TEXT NOT NULL,
  configuration TEXT NOT NULL,
  quantity      TEXT NOT NULL,
  value         REAL,               -- NULL: not a number
  n             INTEGER NOT NULL,
  grade         TEXT NOT NULL CHECK (grade IN ('judged', 'host-measured', 'reported')),
  extra_json    TEXT NOT NULL,      -- numerator, denominator, mode, bins, ...
  PRIMARY KEY (attempt, condition, configuration, quantity)
) STRICT, WITHOUT ROWID;

CREATE TABLE trace (
  attempt INTEGER NOT NULL REFERENCES attempt(id),
  place   INTEGER NOT NULL,
  name    TEXT NOT NULL,
  step    INTEGER NOT NULL,
  value   REAL,
  grade   TEXT NOT NULL CHECK (grade IN ('host-measured', 'reported')),
  PRIMARY KEY (attempt, place)
) STRICT, WITHOUT ROWID;

-- The artifact graph: bytes by digest, and which attempt made or used them under which name.
CREATE TABLE artifact (
  sha256 TEXT PRIMARY KEY,
  bytes  INTEGER NOT NULL           -- -1: only seen as an input
) STRICT, WITHOUT ROWID;

CREATE TABLE edge (
  attempt  INTEGER NOT NULL REFERENCES attempt(id),
  artifact TEXT NOT NULL REFERENCES artifact(sha256),
  name     TEXT NOT NULL,
  made     INTEGER NOT NULL CHECK (made IN (0, 1)),
  PRIMARY KEY (attempt, made, name, artifact)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_by_artifact ON edge(artifact);

-- Planted-answer tests: the last result of each check of a plugin's role.
CREATE TABLE certificate (
  plugin_digest TEXT NOT NULL,
  plugin_name   TEXT NOT NULL,
  role          TEXT NOT NULL,
  check_name    TEXT NOT NULL,
  passed        INTEGER NOT NULL CHECK (passed IN (0, 1)),
  value         REAL,
  detail        TEXT NOT NULL,
  attempt       INTEGER NOT NULL REFERENCES attempt(id),
  PRIMARY KEY (plugin_digest, plugin_name, role, check_name)
) STRICT, WITHOUT ROWID;

-- Rule 12: numbers typed in from papers live apart from measured ones.
CREATE TABLE claimed (
  series    TEXT NOT NULL,
  method    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  quantity  TEXT NOT NULL,
  condition TEXT NOT NULL,
  value     REAL NOT NULL,
  source    TEXT NOT NULL CHECK (source <> ''),
  PRIMARY KEY (series, method, subject, quantity, condition, source)
) STRICT, WITHOUT ROWID;
