CREATE TABLE IF NOT EXISTS contacts (
  id bigserial PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL
);
CREATE TABLE IF NOT EXISTS former_names (
  contact bigint NOT NULL REFERENCES contacts ON DELETE CASCADE,
  name text NOT NULL,
  until timestamptz NOT NULL DEFAULT now()
);
