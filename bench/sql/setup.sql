-- Random keys for the statements beside this file: 10,000 numbered rows of each kind, whatever the size of the directory.
-- `bench pgbench` runs it first and teardown.sql last. Only public records (visibility 0) are drawn.
SET client_min_messages = warning;
DO $$ BEGIN PERFORM setseed(0.5); END $$;
DROP SCHEMA IF EXISTS bench_keys CASCADE;
CREATE SCHEMA bench_keys;

-- Q1: organizations.
CREATE TABLE bench_keys.organization AS
SELECT n, o.id
FROM generate_series(1, 10000) n
JOIN (
    SELECT id, row_number() OVER (ORDER BY random()) - 1 AS place, count(*) OVER () AS total
    FROM organization
    WHERE visibility = 0
) o ON o.place = (n - 1) % o.total;

-- Q2, Q3: a region and a sector with twenty organizations or more. A facet ends with the slug it stands for.
CREATE TABLE bench_keys.sector AS
SELECT n, p.facet, p.region
FROM generate_series(1, 10000) n
JOIN (
    SELECT l.facet, l.region, row_number() OVER (ORDER BY random()) - 1 AS place, count(*) OVER () AS total
    FROM organization_list l
    JOIN organization o ON o.id = l.id
    WHERE l.visibility = 0 AND l.region <> '' AND l.facet <> ''
        AND o.sectors LIKE '%"' || regexp_replace(l.facet, '^.*[:=/]', '') || '"%'
    GROUP BY l.facet, l.region
    HAVING count(*) >= 20
) p ON p.place = (n - 1) % p.total;

-- Q4: a region and an occupation with twenty talents or more.
CREATE TABLE bench_keys.occupation AS
SELECT n, p.facet, p.region
FROM generate_series(1, 10000) n
JOIN (
    SELECT l.facet, l.region, row_number() OVER (ORDER BY random()) - 1 AS place, count(*) OVER () AS total
    FROM talent_list l
    JOIN talent t ON t.id = l.id
    WHERE l.visibility = 0 AND l.region <> '' AND l.facet <> ''
        AND t.occupations LIKE '%"' || regexp_replace(l.facet, '^.*[:=/]', '') || '"%'
    GROUP BY l.facet, l.region
    HAVING count(*) >= 20
) p ON p.place = (n - 1) % p.total;

-- Q5: places in the list of everything, not in its first tenth nor on its last page.
CREATE TABLE bench_keys.place AS
SELECT n, p.name_key, p.id
FROM generate_series(1, 10000) n
JOIN (
    SELECT name_key, id, row_number() OVER (ORDER BY random()) - 1 AS place, count(*) OVER () AS total
    FROM (
        SELECT name_key, id, row_number() OVER (ORDER BY name_key, id) AS at, count(*) OVER () AS length
        FROM organization_list
        WHERE facet = '' AND region = '' AND visibility = 0
    ) l
    WHERE at > length / 10 AND at <= length - 20
) p ON p.place = (n - 1) % p.total;

ALTER TABLE bench_keys.organization ADD PRIMARY KEY (n);
ALTER TABLE bench_keys.sector ADD PRIMARY KEY (n);
ALTER TABLE bench_keys.occupation ADD PRIMARY KEY (n);
ALTER TABLE bench_keys.place ADD PRIMARY KEY (n);
ANALYZE bench_keys.organization, bench_keys.sector, bench_keys.occupation, bench_keys.place;

-- Statements that find nothing would look fast.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM bench_keys.organization) OR NOT EXISTS (SELECT FROM bench_keys.sector)
        OR NOT EXISTS (SELECT FROM bench_keys.occupation) OR NOT EXISTS (SELECT FROM bench_keys.place) THEN
        RAISE EXCEPTION 'the database holds too little to draw keys from, or its lists are not what setup.sql expects';
    END IF;
END $$;
