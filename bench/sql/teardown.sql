-- Drops what setup.sql has made.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS bench_keys CASCADE;
