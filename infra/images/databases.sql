-- One PostgreSQL server for both; each has a database of its own.
CREATE DATABASE lakefs;
CREATE DATABASE dagster;
