-- Stores messages, each at the end of its conversation's lane; one that is the head goes into its page's window. Each is
-- stored whole or not at all, whatever becomes of the others. Storing one a second time does nothing. A message that
-- replays a dead letter takes the letter away, and goes to the front if the letter holds the conversation; that hold ends.
--
-- The job is what BullMQ's own add to `waiting-children` would have written, without its event and its counter, which
-- nobody reads, and with our fields.
--
-- KEYS[1] BullMQ's `waiting-children`  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] the time of storing, in ms  ARGV[3] how long an idempotency key counts, in ms
-- Then for each message: id, lane, name, data, ttl in ms, most open messages in the shard, and what few messages have, as
-- JSON or '':
--   key, hash   name of the idempotency key, and hash of the request
--   replays     id of the dead letter that it sends again
--   due         when it is due, '+<ms>' from now or '<ms>' as a time
--   high        true for high priority
--
-- Returns for each message 'stored', 'full', 'gone' (no such dead letter any more), {'duplicate', id of the first},
-- {'conflict', id of the first, hash of its request}, or the error that kept it from being stored.

local root = ARGV[1]
local send, dead = root .. 'send:', root .. 'dead:'
local now = redisNowMs()

local openMessages
local function countOpen()
  openMessages = openMessages or redis.call('ZCARD', KEYS[1]) + redis.call('LLEN', send .. 'wait')
    + redis.call('LLEN', send .. 'active') + redis.call('ZCARD', send .. 'delayed')
  return openMessages
end

local function dueTime(due)
  if not due then return now end
  return tonumber(due) + (string.sub(due, 1, 1) == '+' and now or 0)
end

-- What was written of a message that could not be stored whole, by a script that met what somebody else had put there. One
-- that has taken a letter away must stay: it is all that is left of it.
local unfinished
local function takeBack()
  if not unfinished or unfinished.replays then return end
  redis.pcall('DEL', send .. unfinished.id)
  redis.pcall('ZREM', KEYS[1], unfinished.id)
  redis.pcall('ZREM', root .. 'due', unfinished.id)
  redis.pcall('LREM', root .. 'lane:' .. unfinished.lane, -1, unfinished.id)
  openMessages = nil
end

local function store(id, lane, name, data, ttlMs, mostOpen, options)
  local job = send .. id
  -- The same call came before. If its message is dead already, BullMQ knows no job of it any more; its letter does.
  if redis.call('EXISTS', job, dead .. id) > 0 then return 'stored' end

  local more = options ~= '' and cjson.decode(options) or {}
  local keyName = more.key and root .. 'idem:' .. more.key
  local known = keyName and redis.call('GET', keyName)
  if known then
    local firstId, firstHash = string.match(known, '^(%S+) (%S+)$')
    return { firstHash == more.hash and 'duplicate' or 'conflict', firstId, firstHash }
  end
  if countOpen() >= tonumber(mostOpen) then return 'full' end
  if more.replays and not redis.call('ZSCORE', dead .. 'failed', more.replays) then return 'gone' end

  local due = dueTime(more.due)
  -- The first write: if Redis has no memory for it, nothing is stored. Once it has written, a script may go on.
  redis.call('HSET', job, 'name', name, 'data', data, 'opts', '{"attempts":1000000}', 'timestamp', ARGV[2], 'delay', '0',
    'priority', '0', 'lane', lane, 'exp', math.max(now, due) + tonumber(ttlMs))
  openMessages = openMessages + 1
  unfinished = { id = id, lane = lane, replays = more.replays }

  local isHigh, isFirst = more.high, false
  if more.replays then
    isHigh = isHigh or redis.call('HEXISTS', dead .. more.replays, 'high') == 1
    takeLetter(root, more.replays)
    isFirst = forgetHold(root, lane, more.replays) ~= 'none'
  end
  if isHigh then redis.call('HSET', job, 'high', '1') end
  if due > now then
    redis.call('HSET', job, 'due', due)
    redis.call('ZADD', root .. 'due', due, id)
    redis.call('ZADD', KEYS[1], due, id)
  else
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    if isFirst then joinFront(root, lane, id) else joinLane(root, lane, id) end
  end
  if keyName then redis.call('SET', keyName, id .. ' ' .. more.hash, 'PX', ARGV[3]) end
  return 'stored'
end

local answers = {}
for i = 4, #ARGV, 7 do
  unfinished = nil
  local done, answer = pcall(store, unpack(ARGV, i, i + 6))
  if not done then
    takeBack()
    if type(answer) == 'string' then answer = redis.error_reply(answer) end
  end
  table.insert(answers, answer)
end
return answers
