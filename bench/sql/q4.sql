-- Q4: twenty talents of a region and occupation by name, with their affiliations.
\set n random(1, 10000)
SELECT t.id, t.slug, t.display_name, a.id, a.roles, a.organization_id, a.organization_name
FROM bench_keys.occupation k
CROSS JOIN LATERAL (
    SELECT l.name_key, l.id
    FROM talent_list l
    WHERE l.facet = k.facet AND l.region = k.region AND l.visibility = 0
    ORDER BY l.name_key, l.id
    LIMIT 20
) p
JOIN talent t ON t.id = p.id
LEFT JOIN LATERAL (
    SELECT a.sort_on, a.id, a.roles, a.organization_id, o.name AS organization_name
    FROM affiliation a
    JOIN organization o ON o.id = a.organization_id
    WHERE a.talent_id = p.id AND a.visibility = 0
    ORDER BY a.sort_on, a.id
    LIMIT 10
) a ON true
WHERE k.n = :n
ORDER BY p.name_key, p.id, a.sort_on, a.id;
