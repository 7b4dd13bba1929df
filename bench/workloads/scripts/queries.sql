-- SPDX-License-Identifier: MIT
--
-- sqlite3 in memory: inserts, an index, joins, grouping, updates and deletes. compare.py puts the
-- number of rows in place of ROWS.

CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, city TEXT, born INTEGER);
CREATE TABLE payment(id INTEGER PRIMARY KEY, payer INTEGER, amount REAL, note TEXT);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
INSERT INTO person SELECT i, 'person ' || (i * 7919 % ROWS), 'city ' || (i % 97), 1940 + i % 70 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS * 3)
INSERT INTO payment SELECT i, i * 31 % ROWS, (i * 17 % 1000) / 10.0, 'payment number ' || i FROM n;

CREATE INDEX person_city ON person(city, born);
CREATE INDEX payment_payer ON payment(payer);

SELECT city, count(*), round(sum(amount), 1) FROM person JOIN payment ON payer = person.id
GROUP BY city ORDER BY 3 DESC LIMIT 5;
SELECT count(DISTINCT name), max(length(group_note)) FROM
  (SELECT name, group_concat(note, ', ') AS group_note FROM person JOIN payment ON payer = person.id GROUP BY name);

UPDATE payment SET note = note || ' (changed)' WHERE id % 3 = 0;
DELETE FROM payment WHERE id % 5 = 0;
SELECT count(*), sum(length(note)) FROM payment;
SELECT json_group_array(json_object('id', id, 'name', name)) ->> '$[7].name' FROM person;
PRAGMA integrity_check;
