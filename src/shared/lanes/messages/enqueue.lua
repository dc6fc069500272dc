-- messages/enqueue
--
-- Stores messages, each at the end of its conversation's lane. Each message is stored whole or not at all, independent of the others.
-- Storing a message a second time does nothing. A message that replays a dead letter removes the letter; if the letter holds the
-- conversation, the message goes to the front, and the hold ends unless an operator set it.
--
-- The job has what BullMQ would have written for `waiting-children`, except fields that aren't needed, and our own fields.
--
-- KEYS[1] BullMQ's `waiting-children`  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] how long an idempotency key is remembered, in ms  ARGV[3] the part of Redis's memory limit that is in use
-- Then for each message: id, lane, name, data, ttl in ms, most open messages in the shard, the part of the memory limit from which on it
-- is not stored, and options that few messages have, as JSON or '':
--   key, hash   name of the idempotency key, and hash of the request
--   replays     id of the dead letter that the message replays
--   due         when the message is due, '+<ms>' from now or '<ms>' as a time
--   high        true for high priority
--   label, policy   the app's label, and what an unknown outcome means for the message
--
-- Returns for each message 'stored', 'full' (too many are open), 'memory-full', 'gone' (the dead letter no longer exists), {'duplicate', id of the first},
-- {'conflict', id of the first, hash of its request}, or the error that kept it from being stored.

local root = ARGV[1]
local send, dead = root .. 'send:', root .. 'dead:'
local now, usedPart = redisNowMs(), tonumber(ARGV[3])

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

-- Undoes what was written of a message that could not be stored whole because somebody else's key was in the way. A message that has
-- removed its dead letter must stay: nothing else is left of that letter.
local unfinished
local function undo()
  if not unfinished or unfinished.replays then return end
  redis.pcall('DEL', send .. unfinished.id)
  redis.pcall('ZREM', KEYS[1], unfinished.id)
  if unfinished.member then redis.pcall('ZREM', root .. 'due', unfinished.member) end
  redis.pcall('LREM', root .. 'lane:' .. unfinished.lane, -1, unfinished.id)
  if redis.pcall('EXISTS', root .. 'lane:' .. unfinished.lane) == 0 then
    redis.pcall('ZREM', root .. 'heads:' .. pageOf(unfinished.lane), unfinished.lane)
  end
  openMessages = nil
end

-- Schedules a message. `seq` keeps messages that are due at the same moment in the order of storing.
local function schedule(id, job, due)
  local seq = nextNumber(root, 'seq', 9e15)
  unfinished.member = string.format('%016d:%s', seq, id)
  redis.call('HSET', job, 'due', due, 'seq', seq, 'place', 'scheduled')
  redis.call('ZADD', root .. 'due', due, unfinished.member)
  redis.call('ZADD', KEYS[1], due, id)
end

local LONGEST_KNOWN = 512
local function store(id, lane, name, data, ttlMs, mostOpen, fullAt, options)
  local job = send .. id
  if not isLane(lane) then error('the lane has no name that a producer gives') end
  -- The same call came before. If its message is dead by now, its job is gone, but its letter has the same id.
  if redis.call('EXISTS', job, dead .. id) > 0 then return 'stored' end

  local more = options ~= '' and cjson.decode(options) or {}
  local keyName = more.key and root .. 'idem:' .. more.key
  local known = keyName and redis.call('GET', keyName)
  -- A longer text is none of ours.
  if known and #known <= LONGEST_KNOWN then
    local firstId, firstHash = string.match(known, '^(%S+) (%S+)$')
    return { firstHash == more.hash and 'duplicate' or 'conflict', firstId, firstHash }
  end
  if usedPart >= tonumber(fullAt) then return 'memory-full' end
  if countOpen() >= tonumber(mostOpen) then return 'full' end
  if more.replays and not redis.call('ZSCORE', dead .. 'failed', more.replays) then return 'gone' end

  local due = dueTime(more.due)
  local isHigh = more.high or (more.replays and redis.call('HEXISTS', dead .. more.replays, 'high') == 1)
  local fields = { 'name', name, 'data', data, 'opts', '{}', 'timestamp', now, 'lane', lane, 'exp', math.max(now, due) + tonumber(ttlMs) }
  local rest = { high = isHigh and '1', label = more.label, policy = more.policy, replays = more.replays }
  for field, value in pairs(rest) do
    if value then
      fields[#fields + 1] = field
      fields[#fields + 1] = value
    end
  end
  -- The first write: if Redis lacks memory for it, nothing is stored. After it, Redis refuses no write for lack of memory.
  redis.call('HSET', job, unpack(fields))
  openMessages = openMessages + 1
  unfinished = { id = id, lane = lane, replays = more.replays }

  local isFirst = false
  if more.replays then
    local reason = placeOf(root, more.replays)
    takeLetter(root, more.replays)
    noteEvent(root, more.replays, lane, 'replayed', now, { data = data }, { reason = reason, label = more.label, replayedAs = id })
    isFirst = forgetHold(root, lane, more.replays) ~= 'none'
  end
  if due > now then
    schedule(id, job, due)
  else
    redis.call('ZADD', KEYS[1], now, id)
    if isFirst then joinFront(root, lane, id, isHigh) else joinLane(root, lane, id, isHigh) end
  end
  if keyName then redis.call('SET', keyName, id .. ' ' .. more.hash, 'PX', ARGV[2]) end
  return 'stored'
end

local answers = {}
for i = 4, #ARGV, 8 do
  unfinished = nil
  local done, answer = pcall(store, unpack(ARGV, i, i + 7))
  if not done then
    undo()
    if type(answer) == 'string' then answer = redis.error_reply(answer) end
  end
  answers[#answers + 1] = answer
end
wakeForWork(root, now)
return answers
