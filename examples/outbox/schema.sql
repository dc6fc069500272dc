CREATE TABLE IF NOT EXISTS orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer text NOT NULL,
  cents integer NOT NULL CHECK (cents > 0)
);

CREATE TABLE IF NOT EXISTS outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  page_id text NOT NULL,
  conversation_id text NOT NULL,
  message jsonb NOT NULL,
  -- Why the relay can't store it: somebody has to look. It is passed over until then.
  refused text
);

-- The relay asks for the first row of each conversation.
CREATE INDEX IF NOT EXISTS outbox_heads ON outbox (page_id, conversation_id, id) WHERE refused IS NULL;
