-- Q5: twenty organizations by name, deep in the list.
\set n random(1, 10000)
SELECT o.id, o.slug, o.name
FROM bench_keys.place k
CROSS JOIN LATERAL (
    SELECT l.name_key, l.id
    FROM organization_list l
    WHERE l.facet = '' AND l.region = '' AND l.visibility = 0 AND (l.name_key, l.id) > (k.name_key, k.id)
    ORDER BY l.name_key, l.id
    LIMIT 20
) p
JOIN organization o ON o.id = p.id
WHERE k.n = :n
ORDER BY p.name_key, p.id;
