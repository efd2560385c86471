-- Views that a protocol's rows are read from without looking at the rows of others, however many cells there are. The
-- attempt that stands is a column of current_cell, found by the index of its cell.

CREATE INDEX plan_by_suite ON plan(suite, protocol_hash, used);

DROP VIEW outcomes;
DROP VIEW leaderboard;
DROP VIEW coverage;
DROP VIEW standing;
DROP VIEW current_cell;

-- Cells that boards of a protocol show and count. `attempt`: the one that stands, or NULL: the last ok one, else the last
-- rejected one, else the last one; of equals, one of the cell's own numerics class. A failed attempt never hides a good
-- one, a retracted one never stands.
CREATE VIEW current_cell AS
SELECT x.protocol_hash, x.judgement, c.id, c.generation, c.label, c.method, c.params_json, c.subject,
       c.axes_json, c.seeds_json, c.numerics, c.baseline, coalesce(g.name, '') AS plugin_name,
       coalesce(g.version, '') AS plugin_version, coalesce(g.digest, '') AS plugin_digest, g.descriptor_json,
       (SELECT a.id FROM attempt a
        WHERE a.cell = c.id AND a.judgement = x.judgement AND a.protocol_hash = x.protocol_hash AND a.retracted = ''
        ORDER BY CASE a.status WHEN 'ok' THEN 0 WHEN 'rejected' THEN 1 ELSE 2 END, a.numerics <> c.numerics, a.n DESC
        LIMIT 1) AS attempt
FROM (SELECT DISTINCT p.protocol_hash, pc.judgement, pc.cell FROM latest_plan p JOIN plan_cell pc ON pc.plan = p.id) x
JOIN cell c ON c.id = x.cell AND c.kind = 'cell'
LEFT JOIN plugin g ON g.id = c.plugin;

-- The attempts that stand.
CREATE VIEW standing AS
SELECT cc.protocol_hash, cc.id AS cell, a.id AS attempt, a.status, a.reason, a.level
FROM current_cell cc JOIN attempt a ON a.id = cc.attempt;

-- One row a method x parameters x axes: how many cells were planned, done (ok and not INVALID), and the worst level.
CREATE VIEW coverage AS
SELECT cc.protocol_hash, cc.method, cc.plugin_version, cc.plugin_digest, cc.params_json, cc.subject, cc.axes_json,
       max(cc.baseline) AS baseline, count(*) AS planned,
       sum(coalesce(s.status = 'ok' AND s.level < 2, 0)) AS done,
       CASE max(coalesce(s.level, 0)) WHEN 0 THEN 'VALID' WHEN 1 THEN 'SUSPECT' ELSE 'INVALID' END AS level
FROM current_cell cc
LEFT JOIN attempt s ON s.id = cc.attempt
GROUP BY cc.protocol_hash, cc.method, cc.plugin_version, cc.plugin_digest, cc.params_json, cc.subject, cc.axes_json;

-- One row a protocol x method x axes x condition x quantity: the mean over cells that are done, as
-- `assay leaderboard` prints it. seeds: how many cells the mean is over.
CREATE VIEW leaderboard AS
SELECT c.protocol_hash, c.method, c.plugin_version, c.plugin_digest, c.params_json, c.subject, c.axes_json, c.baseline,
       x.condition, x.configuration, x.quantity, x.grade, avg(x.value) AS mean, count(*) AS seeds, c.done, c.planned, c.level
FROM coverage c
JOIN current_cell cc ON cc.protocol_hash = c.protocol_hash AND cc.method = c.method AND cc.plugin_version = c.plugin_version
  AND cc.plugin_digest = c.plugin_digest AND cc.params_json = c.params_json AND cc.subject = c.subject
  AND cc.axes_json = c.axes_json
JOIN attempt s ON s.id = cc.attempt AND s.status = 'ok' AND s.level < 2
JOIN score x ON x.attempt = s.id AND x.value IS NOT NULL
GROUP BY c.protocol_hash, c.method, c.plugin_version, c.plugin_digest, c.params_json, c.subject, c.axes_json, x.condition,
         x.configuration, x.quantity, x.grade;

-- One row a stored column of per-unit outcomes of the attempts that stand; the blobs are described at table outcome.
CREATE VIEW outcomes AS
SELECT s.protocol_hash, c.generation, c.method, c.params_json, c.subject, c.axes_json, c.seeds_json, o.attempt, o.condition,
       o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, o.ids_z, o.values_z
FROM standing s JOIN cell c ON c.id = s.cell JOIN outcome o ON o.attempt = s.attempt;
